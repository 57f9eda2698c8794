// Package source holds what all readers of recordings and logs share: the input with its counts, the settings, and the type of an
// entry in the table of formats (core/recording/read). The formats are in packages of their own, which import only this one.
package source

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// Format is one kind of recording or log.
type Format struct {
	Name  string // one word, for --format: for example "pppd"
	Title string // for a person: for example "pppd debug log"
	// Sniff says how sure it is that a file which begins with prefix is of this format: from 0 (it is not) to 100 (it can be
	// nothing else). A prefix has at most PrefixLen octets and may end in the middle of a line or a block.
	Sniff func(prefix []byte) int
	// Most is the highest score that Sniff ever gives; 0: Certain. If another format is at least as sure, Sniff need not be
	// called.
	Most int
	Open func(in *Input, c Config) Source
}

// PrefixLen is the most octets of a file that Sniff sees.
const PrefixLen = 64 << 10

// Scores of Sniff.
const (
	No      = 0
	Weak    = 10 // a text or a dump that no other format knows better
	Likely  = 50 // some lines or blocks look right
	Sure    = 90 // all of prefix has the form of this format
	Certain = 100
)

// Config holds the settings that a Source is opened with.
type Config struct {
	Name string    // the file's name, for errors
	Link string    // for Record.Link
	Date time.Time // the day that times without a date belong to, and the year of a date without one; zero: not known
	Raw  bool      // keep passwords, responses and identities as they are; otherwise they are hidden in every record
}

// Source makes records of one input. Next gives io.EOF at the end. Every octet of the input is either understood or reported in
// an event.Unread; so is damage. Memory does not grow with the input. Next sets Record.Pos, Link and Time if they are known. An
// error other than io.EOF comes from reading the input, and nothing follows it.
type Source interface {
	Next() (event.Record, error)
}
