package progress

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is Normal: the steps of a dial, a line each.

// brief is the state of the level Normal.
type brief struct {
	device string // the line that was shown for the modem

	network   string // the state of the registration that was shown
	connected bool   // the modem has said CONNECT, and PPP is on
	accepted  bool   // the success of the authentication was shown
	proved    bool
	waiting   waiting
	now       time.Time
	shown     string // the text of the live line
}

// waiting is what knak waits for.
type waiting struct {
	what   string
	signal string
	since  time.Time
	told   time.Time // when a line was last written about it, without a terminal
}

// tellAgain is how often a log gets a line that the wait goes on.
const tellAgain = 30 * time.Second

// wait sets what knak waits for from now on; "": nothing.
func (p *Progress) wait(r event.Record, what string) {
	if w := &p.brief.waiting; w.what != what {
		*w = waiting{what: what, since: r.Time, told: r.Time}
	}
}

// status gives the live line: what knak waits for, for how long, and the limit.
func (p *Progress) status() string {
	w := p.brief.waiting
	if w.what == "" {
		return ""
	}
	text := w.what
	if r := []rune(text); len(r) >= p.o.Width {
		text = string(r[:p.o.Width-1])
	}
	add := func(more string) { // parts without room are left out: this must stay a single line
		if utf8.RuneCountInString(text+more) < p.o.Width {
			text += more
		}
	}
	if since := p.brief.now.Sub(w.since); since >= time.Second {
		add(fmt.Sprintf(", %d s", int(since.Seconds())))
	}
	if p.o.Limit > 0 {
		add(fmt.Sprintf(" (%d s of %d)", int(max(p.brief.now.Sub(p.o.Start), 0).Seconds()), int(p.o.Limit.Seconds())))
	}
	if w.signal != "" {
		add(", " + w.signal)
	}
	if p.o.Color {
		return string(dim) + text + reset
	}
	return text
}

// steps shows one record at Normal.
func (p *Progress) steps(r event.Record) {
	b := &p.brief
	switch e := r.Event.(type) {
	case event.Device:
		if text := deviceText(e); text != b.device {
			b.device = text
			p.say(r.Time, bold, text)
		}
	case event.Quirk:
		if e.Key == "context.apn" && e.Value != "" && !p.quirks[e] {
			text := "APN " + e.Value
			if e.Source != "command line" { // who said it knows that, and it may have been in a file
				text += " (" + e.Source + ")"
			}
			p.say(r.Time, none, event.Printable(text))
		}
		if len(p.quirks) < 1000 {
			p.quirks[e] = true
		}
	case event.AT:
		p.command(r, e)
	case event.Registration:
		p.registration(r, e)
	case event.Phase:
		p.phase(r, e.Phase)
	case event.Packet:
		if !b.accepted && e.Dir == event.Rcvd && accepts(e) {
			b.accepted = true
			p.say(r.Time, none, "the login was accepted ("+protocolName(e.Protocol)+")")
		}
	case event.Probe:
		if !b.proved && strings.HasPrefix(e.Result, "answer") {
			b.proved = true
			p.say(r.Time, none, event.Printable("proved: "+e.Target+" gave an "+e.Result))
		}
	case event.Decision:
		if e.By != "" && e.Verdict != e.Intent && e.Verdict != "pass" {
			p.say(r.Time, yellow, event.Printable(fmt.Sprintf("%s decided in %s %s: %s", e.By, e.Protocol, e.Point, e.Verdict)))
		}
	case event.Up:
		p.wait(r, "")
		p.other(r)
	case event.Down:
		p.wait(r, "")
		p.other(r)
	case event.Attempt:
		b.network, b.accepted, b.proved, b.connected = "", false, false, false
		p.wait(r, "waiting before the next attempt")
		p.other(r)
	case event.Finding:
		p.other(r)
	case event.Notice:
		p.other(r)
		if e.About == event.NoticeWaiting && e.Cause != "" {
			p.wait(r, "waiting for "+event.Printable(e.Cause))
		}
	case event.Text:
		p.other(r)
	case event.State, event.Failure, event.Data, event.Log, event.Unread:
		// -v shows them
	default:
		p.other(r)
	}
	p.remind(r)
}

// command shows the dial command, and that the modem is asked; -v shows the rest of the dialogue.
func (p *Progress) command(r event.Record, e event.AT) {
	if e.Dir != event.Sent {
		return
	}
	upper := strings.ToUpper(e.Text)
	switch {
	case strings.HasPrefix(upper, "ATD"):
		p.say(r.Time, none, "dialling "+event.Printable(e.Text[3:]))
		p.wait(r, "waiting for the modem to connect")
	case p.brief.waiting.what == "":
		p.wait(r, "asking the modem")
	}
}

// registration shows each state of the registration once; searching is shown in the live line.
func (p *Progress) registration(r event.Record, e event.Registration) {
	b := &p.brief
	searching := e.State == "searching" || e.State == "not registered" || e.State == "unknown"
	if searching {
		p.wait(r, "searching for the network")
		b.waiting.signal = event.Printable(e.Signal)
		if !p.o.Live && b.network == "" {
			b.network = "searching"
			p.say(r.Time, none, "searching for the network")
		}
		return
	}
	if b.network == e.State {
		return
	}
	b.network = e.State
	text := "network: " + event.Printable(e.State)
	if e.Signal != "" {
		text += ", signal " + event.Printable(e.Signal)
	}
	p.say(r.Time, none, text)
	p.wait(r, "")
}

func (p *Progress) phase(r event.Record, phase string) {
	switch phase {
	case event.PhaseDial:
		p.wait(r, "asking the modem")
	case event.PhaseLCP:
		if !p.brief.connected {
			p.brief.connected = true
			p.say(r.Time, none, "connected; negotiating PPP")
		}
		p.wait(r, "agreeing on the link (LCP)")
	case event.PhaseAuth:
		p.wait(r, "logging in")
	case event.PhaseIPCP, event.PhaseIPV6CP:
		p.wait(r, "asking for addresses")
	case event.PhaseProve:
		p.wait(r, "waiting for a packet to come back")
	case event.PhaseHangup:
		p.wait(r, "hanging up")
	case event.PhaseUp, event.PhaseDown:
		p.up = phase == event.PhaseUp
		p.wait(r, "")
	}
}

// remind writes a line to a log now and then while the wait goes on; a terminal has the live line for that.
func (p *Progress) remind(r event.Record) {
	w := &p.brief.waiting
	if p.o.Live || w.what == "" || r.Time.Sub(w.told) < tellAgain {
		return
	}
	w.told = r.Time
	text := fmt.Sprintf("still %s, %d s", w.what, int(r.Time.Sub(w.since).Seconds()))
	if w.signal != "" {
		text += ", " + w.signal
	}
	p.say(r.Time, dim, text)
}

// accepts says whether a packet is the peer's acceptance of our login: PAP's Authenticate-Ack (RFC 1334 section 2.2.2), CHAP's
// Success (RFC 1994 section 4.2), EAP's (RFC 3748 section 4.2).
func accepts(e event.Packet) bool {
	c, ok := e.Control()
	if !ok {
		return false
	}
	switch e.Protocol {
	case packet.PAP:
		return c.Code == 2
	case packet.CHAP, packet.EAP:
		return c.Code == 3
	}
	return false
}

func protocolName(protocol uint16) string {
	switch protocol {
	case packet.PAP:
		return "PAP"
	case packet.CHAP:
		return "CHAP"
	}
	return "EAP"
}
