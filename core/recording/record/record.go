// Package record writes the octets of a line, and the events about them, into a file while a call runs: as pcapng, which
// Wireshark opens and core/recording/capture reads back, or in the format of pppd's option record.
//
// An Encoder is a machine that turns bytes and records into octets of a file. A Recorder does the rest: it queues, writes
// and syncs in a goroutine of its own, so that neither a slow card nor a full disk can hold up a call.
//
// Passwords, responses and identities are hidden (core/private) before anything is written, unless Options.Secrets is set.
// Packets that carry users' data are written as they are; Options.ControlOnly leaves them out.
package record

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// Format is a form of file.
type Format uint8

// The formats.
const (
	Pcapng Format = iota // pcapng with the PPP frames of the line and the events beside them
	PPPD                 // the octets of the line with their times, as pppd's option record writes them (pppdump(8))
)

// formats is the one table of them. The first extension is the usual one.
var formats = []struct {
	format     Format
	name       string
	extensions []string
	encoder    func(Options) Encoder
}{
	{Pcapng, "pcapng", []string{".pcapng", ".ntar"}, func(o Options) Encoder { return newPcapng(o) }},
	{PPPD, "pppd", []string{".record", ".ppp", ".pppdump"}, func(o Options) Encoder { return newPPPD(o) }},
}

// String gives the format's name: "pcapng" or "pppd".
func (f Format) String() string { return formats[f].name }

// Names gives the names of the formats.
func Names() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// UnknownFormatError means that Format is not the name of a format or, if Format is "", that the name of File does not end in
// one.
type UnknownFormatError struct{ File, Format string }

// Error names the formats there are.
func (e *UnknownFormatError) Error() string {
	if e.Format != "" {
		return fmt.Sprintf("%q is not a format of recordings: use %s", e.Format, strings.Join(Names(), " and "))
	}
	var known []string
	for _, f := range formats {
		known = append(known, f.extensions[0]+" for "+f.name)
	}
	return fmt.Sprintf("the name %s does not say in which format to record: end it with %s", e.File, strings.Join(known, " or "))
}

// ParseFormat finds the format by its name or, if name is "", by the end of the file's name. The error is *UnknownFormatError.
func ParseFormat(name, file string) (Format, error) {
	end := strings.ToLower(filepath.Ext(file))
	for _, f := range formats {
		if name == f.name {
			return f.format, nil
		}
		for _, e := range f.extensions {
			if name == "" && e == end {
				return f.format, nil
			}
		}
	}
	return 0, &UnknownFormatError{File: file, Format: name}
}

// FileName gives the name of the file for a recording that begins now: %t stands for the time, so that a dial that is
// started again and again can record each of its calls.
func FileName(name string, now time.Time) string {
	return strings.ReplaceAll(name, "%t", now.Format("20060102-150405"))
}

// Options says what is written and how.
type Options struct {
	Format Format
	// Secrets keeps passwords, responses and identities in packets, and in the bytes of the AT dialogue. Records come
	// without them in any case.
	Secrets bool
	// Hidden holds known passwords and PINs. They are hidden wherever they stand (private.Hider.Learn).
	Hidden []string
	// Public holds words that are not secret even if they are in Hidden too: the user name, the APN (private.Hider.Public).
	Public []string
	// ControlOnly leaves out the packets of network-layer protocols (RFC 1661 section 2: below 0x8000).
	ControlOnly bool
	// Lines makes events out of the bytes: lines of the AT dialogue, text, and octets that could not be read. It is for
	// recording another program's call, for which there are no records. pppd's format ignores it, because it holds the bytes.
	Lines bool
	// Program and Port go into pcapng's header: the program that wrote the file, and the port that was recorded. Each may be
	// "".
	Program, Port string
}

// Encoder turns bytes and events into octets of a file. Each call appends complete blocks, so a file may end between any two
// calls.
type Encoder interface {
	// AppendBytes appends octets that passed in one direction at a time. It may hold back the beginning of a frame.
	AppendBytes(dst []byte, now time.Time, dir event.Dir, b []byte) []byte
	// AppendRecord appends an event. Events that only repeat what the bytes say are not written.
	AppendRecord(dst []byte, r event.Record) []byte
	// Hide adds secrets to Options.Hidden.
	Hide(words []string)
	// AppendLost appends a notice that octets and events are missing at this place, and how many.
	AppendLost(dst []byte, now time.Time, octets, events uint64) []byte
	// AppendEnd appends what was held back, and the end of the file. The Encoder must not be used afterwards.
	AppendEnd(dst []byte, now time.Time) []byte
}

// newHider makes the Hider of an Encoder.
func newHider(o Options) *private.Hider {
	h := private.NewLiveHider()
	h.Public(o.Public...)
	h.Learn(o.Hidden...)
	return h
}

// NewEncoder makes the encoder of o.Format. The first octets that it appends are the file's header.
func NewEncoder(o Options) Encoder { return formats[o.Format].encoder(o) }
