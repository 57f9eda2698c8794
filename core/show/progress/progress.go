package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Level says how much Progress shows.
type Level int

// The levels: Quiet shows ups, downs, findings and warnings; Normal the steps of a dial, some eight lines for a good one;
// Detail commands, packets and settings, with repetitions folded; Verbose every event.
const (
	Quiet Level = iota - 1
	Normal
	Detail
	Verbose
)

// Options says how Progress writes. The zero value is right for a pipe.
type Options struct {
	Level   Level
	Color   bool          // whether to use SGR sequences (ECMA-48); the caller knows whether there is a terminal
	Width   int           // columns for text that is wrapped, 40 to 120; 0: 78
	Live    bool          // at Normal, use the last line of a terminal to show what knak waits for; call Tick once a second
	Journal bool          // begin each line with its priority as sd-daemon(3) defines it, and leave the time to the journal
	Limit   time.Duration // how long the dial may take; 0: not known. It is shown in the live line
	Start   time.Time     // the zero of the time column; the zero Time: the first record's
}

// Progress is a Sink that shows people what happens, in lines. No control character from a modem reaches the terminal. It may be
// used from several goroutines.
type Progress struct {
	mu     sync.Mutex
	w      io.Writer
	o      Options
	fits   bool // lines with a time are wrapped too: at a terminal, packets are not copied from them
	fold   fold
	brief  brief
	quirks map[event.Quirk]bool // quirks shown already: a quirk gives an event each time it acts
	up     bool
	out    strings.Builder
	err    error
}

// New writes to w.
func New(w io.Writer, o Options) *Progress {
	fits := o.Width != 0 && o.Level <= Normal && !o.Journal
	if o.Width == 0 {
		o.Width = 78
	}
	o.Width = min(max(o.Width, 40), 120)
	return &Progress{w: w, o: o, fits: fits, quirks: map[event.Quirk]bool{}}
}

// Err gives the first error of writing, nil if there was none.
func (p *Progress) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Flush writes repeated lines that are held back. Call it when no more records come.
func (p *Progress) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fold.flush(p.plain, p.again)
	p.brief.waiting = waiting{}
	p.write()
}

// Tick shows the time in the live line. It is false once the link is up, because then knak waits for nothing.
func (p *Progress) Tick(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brief.now = now
	p.write()
	return !p.up
}

// Record shows r as the level asks.
func (p *Progress) Record(r event.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Start.IsZero() {
		p.o.Start = r.Time
	}
	switch p.o.Level {
	case Quiet:
		p.quiet(r)
	case Normal:
		p.brief.now = r.Time
		p.steps(r)
	default:
		p.event(r)
	}
	p.write()
}

// write writes the collected text. On a terminal with a live line, that line is removed first and written again below.
func (p *Progress) write() {
	text := p.out.String()
	p.out.Reset()
	if p.o.Live {
		status := p.status()
		if text == "" && status == p.brief.shown {
			return
		}
		if p.brief.shown != "" {
			text = "\r\x1b[K" + text // erase in line (ECMA-48 section 8.3.41)
		}
		p.brief.shown = status
		text += status
	}
	if p.err == nil && text != "" {
		_, p.err = io.WriteString(p.w, text)
	}
}

func (p *Progress) quiet(r event.Record) {
	switch e := r.Event.(type) {
	case event.Up, event.Finding, event.Down:
		p.other(r)
	case event.Notice:
		if e.Level == "warning" {
			p.other(r)
		}
	}
}

// event shows one record at Detail or Verbose. AT lines, packets and the like may be folded; before anything else is shown, the
// held lines are written.
func (p *Progress) event(r event.Record) {
	verbose := p.o.Level >= Verbose
	switch e := r.Event.(type) {
	case event.AT:
		arrow := "→ "
		if e.Dir == event.Rcvd {
			arrow = "← "
		}
		text := arrow + event.Printable(e.Text)
		p.line(line{r.Time, text, text, e.Dir == event.Sent})
		return
	case event.Packet:
		if p.up && !verbose && isKeepAlive(e) {
			return
		}
		p.line(line{r.Time, packetKey(e), event.Printable(e.Line()), e.Dir == event.Sent || !isReply(e)})
		return
	case event.Registration:
		text := "network: " + event.Printable(e.State)
		if e.Signal != "" {
			text += ", signal " + event.Printable(e.Signal)
		}
		p.line(line{r.Time, "network: " + e.State, text, true})
		return
	case event.Probe:
		text := fmt.Sprintf("probe %s by %s: %s", event.Printable(e.Target), event.Printable(e.How), event.Printable(e.Result))
		p.line(line{r.Time, text, text, true})
		return
	case event.State:
		if verbose {
			text := fmt.Sprintf("%s: %s → %s (%s)", e.Protocol, e.From, e.To, e.Cause)
			p.say(r.Time, dim, event.Printable(text))
		}
		return
	case event.Decision:
		// A decision against the engine's intent explains what follows.
		other := e.By != "" && e.Verdict != e.Intent && e.Verdict != "pass"
		if verbose || other {
			text := fmt.Sprintf("decision %s %s: %s, intended %s, by %s", e.Protocol, e.Point, e.Verdict, e.Intent, e.By)
			c := dim
			if other {
				c = yellow
			}
			p.say(r.Time, c, event.Printable(text))
		}
		return
	case event.Failure:
		if verbose {
			p.say(r.Time, dim, event.Printable(fmt.Sprintf("failure in %s: %s %s", e.Phase, e.Cause, e.Detail)))
		}
		return
	case event.Quirk:
		if p.quirks[e] && !verbose {
			return
		}
		if len(p.quirks) < 1000 { // a limit, because a plugin could invent quirks
			p.quirks[e] = true
		}
	}
	p.fold.flush(p.plain, p.again)
	p.fold.forget()
	p.other(r)
}

// other shows the events that never fold.
func (p *Progress) other(r event.Record) {
	switch e := r.Event.(type) {
	case event.Device:
		p.say(r.Time, bold, deviceText(e))
	case event.Phase:
		p.up = e.Phase == event.PhaseUp
		if title, ok := phaseTitles[e.Phase]; ok && title != "" {
			p.say(r.Time, bold, "== "+title)
		} else if !ok {
			p.say(r.Time, bold, "== "+event.Printable(e.Phase))
		}
	case event.Quirk:
		value := event.Printable(e.Value)
		if value == "" {
			value = `""`
		}
		p.say(r.Time, cyan, fmt.Sprintf("quirk %s = %s  (%s)", event.Printable(e.Key), value, event.Printable(e.Source)))
		p.more(cyan, e.Reason)
	case event.Up:
		p.upText(r.Time, e)
	case event.Finding:
		p.finding(e)
	case event.Down:
		p.up = false
		text := "down: " + event.Printable(e.Reason)
		if e.Seconds > 0 {
			text += fmt.Sprintf(" (up for %.0f s, %d bytes in, %d bytes out)", e.Seconds, e.BytesIn, e.BytesOut)
		}
		p.say(r.Time, bold, text)
	case event.Text:
		p.say(r.Time, yellow, "the modem said: "+event.Printable(strings.TrimSpace(e.Text)))
	case event.Attempt:
		text := fmt.Sprintf("attempt %d", e.Number)
		wait := e.Wait
		if wait == 0 {
			wait = time.Duration(e.WaitMS) * time.Millisecond
		}
		if wait > 0 {
			text += fmt.Sprintf(" in %s", wait.Round(time.Millisecond))
		}
		if e.Reason != "" {
			text += ": " + event.Printable(e.Reason)
		}
		p.say(r.Time, bold, text)
	case event.Notice:
		if e.Level == "warning" {
			p.say(r.Time, yellow, "warning: "+event.Printable(e.Text))
		} else {
			p.say(r.Time, none, event.Printable(e.Text))
		}
	case event.Log:
		if p.o.Level >= Verbose {
			p.say(r.Time, none, event.Printable(e.Program)+": "+event.Printable(e.Text))
		}
	case nil:
	default: // an unknown kind of event must not be lost
		p.say(r.Time, none, event.Printable(fmt.Sprintf("%s %+v", e.Kind(), e)))
	}
}

// line shows a line that may repeat.
func (p *Progress) line(l line) {
	if p.o.Level >= Verbose {
		p.plain(l)
		return
	}
	p.fold.add(l, p.plain, p.again)
}

func (p *Progress) plain(l line) { p.say(l.time, none, l.text) }

func (p *Progress) again(at time.Time, times int) {
	p.say(at, dim, fmt.Sprintf("… same again %d times", times))
}

// phaseTitles are the headings; "": the phase has an event of its own that says more.
var phaseTitles = map[string]string{
	event.PhaseDial:   "dial",
	event.PhaseLCP:    "lcp: the link's own options",
	event.PhaseAuth:   "auth: who are you",
	event.PhaseIPCP:   "ipcp: addresses",
	event.PhaseIPV6CP: "ipv6cp: interface identifiers",
	event.PhaseProve:  "prove: does it carry packets?",
	event.PhaseUp:     "",
	event.PhaseHangup: "hangup",
	event.PhaseDown:   "",
}

func deviceText(d event.Device) string {
	text := "modem"
	if name := strings.TrimSpace(d.Vendor + " " + d.Model); name != "" {
		text += " " + name
	}
	if d.Firmware != "" {
		text += ", firmware " + d.Firmware
	}
	if d.USB != "" && d.USB != "none" { // quirks.None: a UART, or no bus at all
		text += ", usb " + d.USB
	}
	if d.Port != "" {
		text += ", on " + d.Port
	}
	if d.Profile != "" {
		text += ", profile " + d.Profile
	} else {
		text += ", no profile"
	}
	return event.Printable(text)
}

func (p *Progress) upText(at time.Time, e event.Up) {
	local, peer := e.Local, e.Peer
	if local == "" { // a link of IPv6 alone
		local, peer = e.IPv6, e.IPv6Peer
	}
	text := "up: " + local
	if e.Interface != "" {
		text += " on " + e.Interface
	}
	switch e.Plane {
	case "":
	case "none":
		text += " (no plane)"
	default:
		text += " (" + e.Plane + ")"
	}
	if peer != "" {
		text += ", peer " + peer
	}
	if e.MTU > 0 {
		text += fmt.Sprintf(", MTU %d", e.MTU)
	}
	if e.Proved {
		text += ", proved"
	}
	p.up = true
	p.say(at, green, event.Printable(text))
	for _, list := range []struct {
		word   string
		values []string
	}{{"DNS ", e.DNS}, {"WINS ", e.WINS}} {
		if len(list.values) > 0 {
			p.more(green, list.word+strings.Join(list.values, ", "))
		}
	}
	if e.IPv6 != "" {
		p.more(green, "IPv6 "+e.IPv6)
	}
	if e.ElapsedMS > 0 && p.o.Level != Normal {
		p.more(green, fmt.Sprintf("%.3f s after the dial began", float64(e.ElapsedMS)/1000))
	}
}

// packetKey gives the packet's text without its identifier, so that repeated requests are recognised.
func packetKey(e event.Packet) string {
	data := e.Data
	if c, ok := e.Control(); ok {
		c.ID = 0
		data = c.AppendTo(nil)
	}
	return notation.Line(e.Dir.String(), e.Protocol, data)
}

// isReply says whether a packet answers another one; no repetition begins with such a packet.
func isReply(e event.Packet) bool {
	c, ok := e.Control()
	if !ok {
		return false
	}
	switch {
	case e.Protocol == packet.LCP || e.Protocol&0xc000 == 0x8000:
		switch c.Code {
		case packet.ConfigureRequest, packet.TerminateRequest, packet.EchoRequest, packet.DiscardRequest, packet.Identification, packet.TimeRemaining:
			return false
		}
		return true
	}
	return c.Code != 1 // Challenge, Authenticate-Request, Request
}

// isKeepAlive says whether a packet only shows that the link is alive; pppd too shows none of them while the link is up.
func isKeepAlive(e event.Packet) bool {
	c, ok := e.Control()
	return ok && e.Protocol == packet.LCP && (c.Code == packet.EchoRequest || c.Code == packet.EchoReply || c.Code == packet.DiscardRequest)
}
