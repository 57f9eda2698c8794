// Package firstdial decides what to ask a person before a modem comes up for the first time, and writes the section of the
// configuration that follows from the answers. It only computes: the caller dials, and passes the events and outcomes to it.
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

// Answers holds the known facts about the connection.
type Answers struct {
	Port         string // "": the port of the only modem
	APN          string // "": the APN stored in the modem, or the one of the SIM's carrier
	User         string
	Named        bool // the person gave User, which may be empty
	PasswordFile string
	PINFile      string
	Profile      string
	Baud         int      // 0: the person gave none
	More         []Option // all other options that the person gave, in the order in which they are written
}

// Option is a key of the configuration and its value: a string, a list of strings, a bool or an int.
type Option struct {
	Key   string
	Value any
}

// Question is a question to ask before the next dial.
type Question uint8

// The questions. No dial needs more than these three.
const (
	Nothing Question = iota // no question can help the dial, or it needs no help
	WhichPort
	WhichPIN
	WhichAPN
)

// Heard holds what the events of a dial have told. It is an event.Sink.
type Heard struct {
	Device event.Device
	APN    string // the last APN that was set or found
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

// Next gives the question to ask after a dial with this outcome. It does not ask again for a PIN that was refused: the SIM has few
// tries, and a person should look first.
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

// MayVary says whether a dial with this outcome, which no question can help, may come up with other settings. It is false if the
// host, the SIM or the account is the cause.
func (a Answers) MayVary(o link.Outcome) bool {
	switch o.ExitCode() {
	case link.ExitOK, link.ExitUsage, link.ExitPrivilege, link.ExitNoKernel, link.ExitSignal, link.ExitLocked, link.ExitOpen, link.ExitNoModem, link.ExitSIM, link.ExitPlugin:
		return false
	}
	return !o.Clean() && (o.Kind != event.FailedAuthRejected || !a.Named && a.PasswordFile == "")
}

// Section gives the section [connection.name] for a configuration: the options that were asked for or given, and a comment that
// names the modem. It leaves out what knak finds by itself each time, so that the section also suits the next modem. today is the
// date in the comment.
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
