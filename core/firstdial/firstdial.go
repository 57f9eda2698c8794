// Package firstdial is what a person must be asked before a modem comes up for the first time, and the section of the
// configuration that comes of the answers. It computes only: the caller dials, and passes the events and the outcomes to it.
package firstdial

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
)

// Answers is what is known by now of the connection.
type Answers struct {
	Port         string // "": the only modem's
	APN          string // "": the modem's own, or that of the SIM's carrier
	User         string
	Named        bool // User was said, also where it is empty
	PasswordFile string
	PINFile      string
	Profile      string
	Baud         int      // 0: it was not said
	More         []Option // whatever else was said, in the order in which it is written
}

// Option is a key of the configuration and its value: a string, a list of strings, a bool or an int.
type Option struct {
	Key   string
	Value any
}

// Question is one that has to be asked before the next dial.
type Question uint8

// The questions. No dial needs more than these three.
const (
	Nothing Question = iota // the dial cannot be helped by a question, or needs no help
	WhichPort
	WhichPIN
	WhichAPN
)

// Heard is what a dial has told. It is an event.Sink.
type Heard struct {
	Device event.Device
	APN    string // the last that was set or found
	apn    bool   // somebody is missing one, or it was not accepted
}

// Record implements event.Sink.
func (h *Heard) Record(r event.Record) {
	switch e := r.Event.(type) {
	case event.Device:
		if e.Model != "" || h.Device.Port == "" {
			h.Device = e
		}
	case event.AT:
		if e.Dir != event.Sent {
			return
		}
		for _, part := range v250.Split(e.Text) {
			if c, ok := v250.ParseContext(part); ok && c.APN != "" {
				h.APN = c.APN
			}
		}
	case event.Notice:
		h.apn = h.apn || e.About == event.NoticeNoAPN
	case event.Finding:
		h.apn = h.apn || e.Category == "apn-or-account-not-accepted"
	}
}

// Next says what to ask after a dial that ended so. A PIN that was refused is not asked for again: the SIM has few tries, and a
// person should look first.
func (h *Heard) Next(o link.Outcome, a Answers) (q Question, ports []string) {
	var several *device.SeveralError
	switch {
	case o.ExitCode() == link.ExitOK:
		return Nothing, nil
	case errors.As(o.Err, &several) && a.Port == "":
		return WhichPort, several.Ports
	case o.Kind == event.FailedPINNeeded && a.PINFile == "":
		return WhichPIN, nil
	case (h.apn || o.Kind == event.FailedDialRefused) && a.APN == "" && o.ExitCode() != link.ExitSIM && !o.Searching:
		return WhichAPN, nil
	}
	return Nothing, nil
}

// MayVary says whether a dial that ended so, and that no question helps, may come up when it is varied: not where the host, the SIM or the
// account stands against it.
func (a Answers) MayVary(o link.Outcome) bool {
	switch o.ExitCode() {
	case link.ExitOK, link.ExitUsage, link.ExitPrivilege, link.ExitNoKernel, link.ExitSignal, link.ExitLocked, link.ExitOpen, link.ExitNoModem, link.ExitSIM, link.ExitPlugin:
		return false
	}
	return !o.Clean() && (o.Kind != event.FailedAuthRejected || !a.Named && a.PasswordFile == "")
}

// Section is the section [connection.name] for a configuration: what was asked or said, and as a comment what the modem is.
// What knak finds by itself each time is left out, so that the section suits the next modem, too. today is for the comment.
func Section(name string, a Answers, h *Heard, today time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[connection.%s]\n", name)
	what := strings.TrimSpace(h.Device.Vendor + " " + h.Device.Model)
	if what == "" {
		what = "a modem"
	}
	fmt.Fprintf(&b, "# made by knak init on %s, and dialled: %s", today.Format(time.DateOnly), comment(what))
	if a.Port == "" && h.Device.Port != "" {
		fmt.Fprintf(&b, " on %s", comment(h.Device.Port))
	}
	b.WriteString("\n")
	text := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, quoted(value))
		}
	}
	text("port", a.Port)
	if a.Baud != 0 {
		fmt.Fprintf(&b, "baud = %d\n", a.Baud)
	}
	if text("apn", a.APN); a.APN == "" && h.APN != "" {
		fmt.Fprintf(&b, "# apn = %s   (found at each dial, because none is said here)\n", quoted(h.APN))
	}
	if a.Named {
		fmt.Fprintf(&b, "user = %s\n", quoted(a.User))
	}
	text("password-file", a.PasswordFile)
	text("pin-file", a.PINFile)
	text("quirks", a.Profile)
	for _, o := range a.More {
		fmt.Fprintf(&b, "%s = %s\n", o.Key, literal(o.Value))
	}
	return b.String()
}

// comment makes a text of the modem's safe in a comment of TOML: it says what it likes.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '?'
		}
		return r
	}, s)
}

// literal makes a value of TOML.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return quoted(v)
	case []string:
		var list []string
		for _, text := range v {
			list = append(list, quoted(text))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return fmt.Sprint(value)
}

// quoted makes a basic string of TOML (section "String" of TOML 1.0).
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
