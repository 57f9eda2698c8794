// Package source is what the readers of recordings and logs have in common: the input with its counts, the settings, and
// the form of a format in the table of core/recording/read. Formats live in packages of their own and know only this one.
package source

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// Format is one kind of recording or log.
type Format struct {
	Name  string // one word, for --format: for example "pppd"
	Title string // for a person: for example "pppd debug log"
	// Sniff says how sure it is, from 0 (not this) to 100 (nothing else), that a file which begins with prefix is of this
	// format. A prefix has at most PrefixLen octets and may end in the middle of a line or a block.
	Sniff func(prefix []byte) int
	// Most is the most that Sniff ever says, where that is less than Certain; 0: Certain. Where another format is as sure, it
	// need not be asked.
	Most int
	Open func(in *Input, c Config) Source
}

// PrefixLen is the most octets of a file that Sniff sees.
const PrefixLen = 64 << 10

// Scores of Sniff with a meaning.
const (
	No      = 0
	Weak    = 10 // a text or a dump of no better known kind
	Likely  = 50 // some lines or blocks look right
	Sure    = 90 // the form fits all that was seen
	Certain = 100
)

// Config is what a Source is opened with.
type Config struct {
	Name string    // of the file, for errors
	Link string    // for Record.Link
	Date time.Time // the day that times without a date belong to, and the year of a date without one; zero: not known
	Raw  bool      // keep passwords, responses and identities as they stand; else everything that is made is redacted
}

// Source makes records of one input. Next gives io.EOF at the end. Every octet of the input is either understood or comes
// out as a event.Unread. Memory does not grow with the input. Next gives Record.Pos, Link and Time as far as they are known.
// An error other than io.EOF is of the input itself, and nothing follows it; damage in it is a event.Unread.
type Source interface {
	Next() (event.Record, error)
}
