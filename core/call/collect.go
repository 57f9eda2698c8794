package call

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Collector is an event.Sink that sorts records into calls. Its memory does not grow with the recording. It is not safe for use
// from several goroutines.
type Collector struct {
	calls  []*Call
	number int
	now    *Call // nil: no call has begun
	phase  string
	device event.Device
	quirks []event.Quirk
	held   []Command // commands sent after PPP began: they belong to the next call, if there is one
	asked  *Command  // the command that waits for its result
	split  Splitter
}

// Read collects all records of seq. On an error it returns the calls so far with the error.
func Read(seq iter.Seq2[event.Record, error]) ([]*Call, error) {
	var c Collector
	for r, err := range seq {
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.Calls(), err
		}
		c.Record(r)
	}
	return c.Calls(), nil
}

// Calls gives the calls in order. If there are very many, it gives the first and the last ones, and the last that worked. A
// recording without anything about a call has none.
func (c *Collector) Calls() []*Call {
	return slices.DeleteFunc(slices.Clone(c.calls), func(k *Call) bool {
		return !k.AT() && !k.PPP() && len(k.Texts) == 0 && len(k.Failures) == 0 && k.Up == nil && k.Lost == nil && !k.named && event.PhaseOrder(k.far) <= event.PhaseOrder(event.PhaseDial)
	})
}

// Record takes one event.
func (c *Collector) Record(r event.Record) {
	if _, ok := c.split.Begins(r); ok {
		c.begin(r)
	}
	switch e := r.Event.(type) {
	case event.Device:
		c.device = e
		c.call(r).Device = e
	case event.Quirk:
		k := c.call(r)
		c.quirks = append(slices.DeleteFunc(c.quirks, func(q event.Quirk) bool { return q.Key == e.Key }), e)
		k.Settings = slices.Clone(c.quirks)
	case event.Phase:
		c.phase = e.Phase
		c.call(r).further(e.Phase)
	case event.State, event.Described, event.Up:
		c.call(r).Take(r)
	case event.AT:
		c.at(r, e)
	case event.Packet:
		c.packet(r, e)
	case event.Data:
		k := c.call(r)
		k.Take(r)
		if e.Dir == event.Sent {
			k.DataOut++
		} else {
			k.DataIn++
		}
	case event.Text:
		c.text(r, e.Text)
	case event.Log:
		c.log(r, e)
	case event.Probe:
		if k := c.call(r); strings.EqualFold(e.Result, "sent") {
			k.Probes++
		} else {
			k.Replies++
		}
	case event.Failure:
		k := c.call(r)
		k.Take(r)
		if len(k.Failures) < maxLines {
			k.Failures = append(k.Failures, e)
			if e.Cause == event.FailedCarrierLost && k.Lost == nil {
				k.Lost = &Loose{Text: e.Detail, Time: r.Time, Pos: r.Pos, In: e.Phase}
			}
		}
	case event.Finding:
		if k := c.call(r); len(k.Findings) < maxLines {
			k.Findings = append(k.Findings, e)
		}
	case event.Down:
		c.call(r).Down = &e
	case event.Unread:
		c.call(r).Unread++
	}
}

// call gives the present call, and begins the first one.
func (c *Collector) call(r event.Record) *Call {
	if c.now == nil {
		c.begin(r)
	}
	if !r.Time.IsZero() {
		if c.now.Begin.IsZero() {
			c.now.Begin = r.Time
		}
		c.now.End = r.Time
	}
	return c.now
}

// begin begins another call. If the present one is still empty, it is used.
func (c *Collector) begin(r event.Record) {
	c.asked, c.phase = nil, event.PhaseDial
	if c.now != nil && !c.now.AT() && !c.now.PPP() && len(c.now.Failures) == 0 && !c.now.told {
		return
	}
	c.number++
	if len(c.calls) == maxCalls {
		c.forget()
	}
	c.now = &Call{Number: c.number, Device: c.device, Settings: slices.Clone(c.quirks), Begin: r.Time, End: r.Time, Commands: c.held}
	c.held = nil
	c.calls = append(c.calls, c.now)
}

// The approximate memory of a packet and of a command besides their octets, in octets.
const (
	stepSize    = 200
	commandSize = 160
)

// room reserves n octets of what a call may keep, and says whether they were available.
func (c *Call) room(n int) bool {
	if c.kept+n > maxKept {
		return false
	}
	c.kept += n
	return true
}

// forget removes a call from the middle, but not the last one that worked.
func (c *Collector) forget() {
	worked := -1
	for i, k := range c.calls {
		if k.Worked() {
			worked = i
		}
	}
	drop := maxCalls / 2
	if drop == worked {
		drop++
	}
	c.calls = slices.Delete(c.calls, drop, drop+1)
}

// at takes a line of the AT dialogue.
func (c *Collector) at(r event.Record, e event.AT) {
	text := strings.TrimSpace(e.Text)
	if text == "" {
		return
	}
	k := c.call(r)
	if e.Dir == event.Sent {
		c.send(r, k, text)
		return
	}
	switch {
	case strings.HasPrefix(text, "NO CARRIER") && (k.PPP() || c.phase == event.PhaseLCP || k.connected()) && c.asked == nil:
		c.lost(r, text)
	case c.asked == nil:
		if len(k.Loose) < maxLines && k.room(len(text)) {
			k.Loose = append(k.Loose, Loose{text, r.Time, r.Pos, c.phase})
		} else {
			k.More++
		}
	case v250.EndsCommand(text) || strings.HasPrefix(text, "CONNECT"):
		c.asked.Result, c.asked.Answered = text, r.Time
		c.asked = nil
	case text == c.asked.Text: // the echo
	case len(c.asked.Lines) < maxLines && k.room(len(text)):
		c.asked.Lines = append(c.asked.Lines, text)
	default:
		k.More++
	}
}

// send takes a command line.
func (c *Collector) send(r event.Record, k *Call, text string) {
	cmd := Command{Text: text, Sent: r.Time, Pos: r.Pos}
	if v250.Dials(text) {
		k.Dial = &cmd
		c.asked = k.Dial
		return
	}
	list := &k.Commands
	if k.PPP() || k.Dial != nil {
		list = &c.held
	}
	if len(*list) == maxCommands || !k.room(len(text)+commandSize) {
		k.More++
		c.asked = nil
		return
	}
	*list = append(*list, cmd)
	c.asked = &(*list)[len(*list)-1]
}

func (c *Collector) lost(r event.Record, text string) {
	k := c.call(r)
	if k.Lost == nil && c.phase != event.PhaseHangup {
		k.Lost = &Loose{text, r.Time, r.Pos, k.reached()}
	}
}

// reached gives the furthest phase that the packets or the dialer's messages show.
func (c *Call) reached() string {
	phase := event.PhaseDial
	switch {
	case c.Worked():
		return event.PhaseUp
	case len(c.IPCP.Steps) > 0:
		phase = event.PhaseIPCP
	case len(c.Auth.Steps) > 0:
		phase = event.PhaseAuth
	case len(c.LCP.Steps) > 0 || c.connected():
		phase = event.PhaseLCP
	}
	if event.PhaseOrder(c.far) > event.PhaseOrder(phase) {
		return c.far
	}
	return phase
}

// Reached gives the furthest phase of the call: one of the Phase names up to PhaseUp.
func (c *Call) Reached() string { return c.reached() }

// further notes the furthest phase that an event named, except PhaseUp, which Outcome decides.
func (c *Call) further(phase string) {
	if n := event.PhaseOrder(phase); n > event.PhaseOrder(c.far) && n < event.PhaseOrder(event.PhaseUp) {
		c.far = phase
	}
}

func (c *Collector) text(r event.Record, text string) {
	k := c.call(r)
	if strings.Contains(text, "NO CARRIER") {
		c.lost(r, text)
	}
	if len(k.Texts) < maxLines && k.room(len(text)) {
		k.Texts = append(k.Texts, Loose{text, r.Time, r.Pos, k.reached()})
	}
}

// log takes a line of another program that says where a call begins or ends, or what failed.
func (c *Collector) log(r event.Record, e event.Log) {
	k := c.call(r)
	k.Take(r)
	for _, w := range e.Means {
		k.told = true
		switch w {
		case event.MeansSerialUp, event.MeansStartingPPP, event.MeansConnect:
			k.further(event.PhaseLCP)
		case event.MeansAuthStarted, event.MeansPeerAuthOK:
			k.further(event.PhaseAuth)
		case event.MeansAuthOK:
			k.further(event.PhaseIPCP)
		case event.MeansHangup:
			if _, ended := k.Terminated(); !ended {
				c.lost(r, e.Text)
			}
			continue // lost lines are in Lost
		case event.MeansPeerTerminated: // the packet shows it too
			continue
		}
		k.named = k.named || !event.IsMeaning(w)
		if f, ok := FailureOf(e, w); ok && f.Cause != event.FailedCarrierLost && len(k.Failures) < maxLines {
			k.Failures = append(k.Failures, f)
		}
	}
}

// packet sorts in a control packet.
func (c *Collector) packet(r event.Record, e event.Packet) {
	k := c.call(r)
	k.Take(r)
	c.asked = nil
	p, ok := e.Control()
	if !ok || len(e.Data) > maxLong {
		k.Other.More++
		return
	}
	if e.Protocol == packet.LCP && k.Echoes.take(e.Dir, p.Code, r.Time) {
		return
	}
	s := Step{Dir: e.Dir, Protocol: e.Protocol, Packet: p, Options: e.Options(), Time: r.Time, Pos: r.Pos}
	list := &k.Other
	switch e.Protocol {
	case packet.LCP:
		list = &k.LCP
	case packet.PAP, packet.CHAP, packet.EAP:
		list = &k.Auth
	case packet.IPCP:
		list = &k.IPCP
	case packet.IPV6CP:
		list = &k.IPV6CP
	case packet.CCP:
		list = &k.CCP
	}
	if len(list.Steps) == maxSteps || !k.room(len(e.Data)+stepSize) {
		list.More++
		return
	}
	for i := len(list.Steps) - 1; i >= 0; i-- {
		last := &list.Steps[i]
		if last.Dir == s.Dir {
			s.Again = s.Code == packet.ConfigureRequest && same(last, &s) && !answered(list.Steps[i+1:], s.Dir)
			break
		}
	}
	list.Steps = append(list.Steps, s)
}

// answered says whether one of the steps is an answer to a request of that direction.
func answered(steps []Step, d event.Dir) bool {
	return slices.ContainsFunc(steps, func(s Step) bool {
		return s.Dir != d && s.Code >= packet.ConfigureAck && s.Code <= packet.ConfigureReject
	})
}

// take counts an Echo packet; it is false for any other.
func (e *Echoes) take(d event.Dir, code uint8, at time.Time) bool {
	switch {
	case code == packet.EchoRequest && d == event.Sent:
		if e.Sent == 0 {
			e.First = at
		}
		e.Sent, e.Last = e.Sent+1, at
	case code == packet.EchoReply && d == event.Rcvd:
		e.Answered++
		e.Heard = at
	case code == packet.EchoRequest:
		e.Rcvd++
	case code == packet.EchoReply:
		e.Replied++
	default:
		return false
	}
	return true
}
