package mimic

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// turn is a Configure-Request of the host, and the modem's reaction.
type turn struct {
	asked   []uint8
	verb    string // the rule's verb
	options []string
	message string
	delay   time.Duration
	behaves bool // a modem without a fault would have answered the same
}

// run is several consecutive turns with the same answer.
type run struct {
	turn
	times    int
	all      [][]uint8 // the options of each request
	distinct bool      // the values changed from turn to turn
	slowest  time.Duration
}

// sequence gives rules that reproduce the modem's answers to the host's requests. gives says what the modem assigns in IPCP.
func (m *modem) sequence(c *call.Call, p *call.Protocol, gives map[uint8]netip.Addr) (rules []rule) {
	var runs []run
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Dir != event.Sent || s.Code != packet.ConfigureRequest {
			continue
		}
		t, ok := m.turn(c, p, i, gives)
		if !ok {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].verb == t.verb && runs[n-1].behaves == t.behaves && (t.behaves || sameNames(runs[n-1].options, t.options)) && pacesAlike(runs[n-1].delay, t.delay) {
			r := &runs[n-1]
			r.times++
			r.all = append(r.all, t.asked)
			r.distinct = r.distinct || !slices.Equal(r.options, t.options)
			r.slowest = max(r.slowest, t.delay)
			continue
		}
		runs = append(runs, run{turn: t, times: 1, all: [][]uint8{t.asked}, slowest: t.delay})
	}
	last := -1
	for i := range runs {
		if !runs[i].behaves || runs[i].delay >= 100*time.Millisecond {
			last = i
		}
	}
	protocol := packet.LCP
	if len(p.Steps) > 0 && p.Steps[0].Protocol == packet.IPCP {
		protocol = packet.IPCP
	}
	for i := range runs[:last+1] {
		r := &runs[i]
		var lines rule
		switch lacking := lacks(runs, i); {
		case !r.behaves && len(lacking) > 0 && known(lacking, protocol):
			var list []string
			for _, typ := range lacking {
				list = append(list, packet.OptionRequest(protocol, typ))
			}
			lines = append(lines, "lacks = "+List(list))
		case i < len(runs)-1 || r.behaves:
			lines = append(lines, fmt.Sprintf("times = %d", r.times))
		}
		lines = append(lines, "do = "+Quote(r.verb))
		options := r.options
		if r.distinct && r.times > 3 && r.verb == "nak" {
			options = random(options)
		}
		if len(options) > 0 {
			lines = append(lines, "options = "+List(options))
		}
		if r.message != "" {
			lines = append(lines, "message = "+Quote(r.message))
		}
		if r.slowest >= 100*time.Millisecond {
			lines = append(lines, "delay = "+duration(min(r.slowest, time.Minute)))
		}
		rules = append(rules, lines)
	}
	return rules
}

func known(types []uint8, protocol uint16) bool {
	return !slices.ContainsFunc(types, func(t uint8) bool { return packet.OptionRequest(protocol, t) == "" })
}

// lacks gives the options that no request of run i had and that all later requests had: the modem may have waited for them.
func lacks(runs []run, i int) (list []uint8) {
	if i+1 >= len(runs) || !runs[len(runs)-1].behaves {
		return nil
	}
	for _, typ := range runs[i+1].all[0] {
		before := slices.ContainsFunc(runs[i].all, func(a []uint8) bool { return slices.Contains(a, typ) })
		later := true
		for _, r := range runs[i+1:] {
			for _, a := range r.all {
				later = later && slices.Contains(a, typ)
			}
		}
		if !before && later {
			list = append(list, typ)
		}
	}
	return list
}

// pacesAlike says whether two delays are about equal.
func pacesAlike(a, b time.Duration) bool {
	d := (a - b).Abs()
	return d < 300*time.Millisecond || d < max(a, b)/4
}

// sameNames says whether two lists of options hold the same options, whatever the values.
func sameNames(a, b []string) bool {
	return slices.EqualFunc(a, b, func(x, y string) bool {
		x, _, _ = strings.Cut(x, "=")
		y, _, _ = strings.Cut(y, "=")
		return x == y
	})
}

// random gives options with a random value each time.
func random(options []string) (list []string) {
	for _, o := range options {
		name, _, _ := strings.Cut(o, "=")
		list = append(list, name+"=random")
	}
	return list
}

// turn reads the modem's reaction to the request at index i. It is false if the request was sent again before an answer could
// come, or if the recording does not show the reaction.
func (m *modem) turn(c *call.Call, p *call.Protocol, i int, gives map[uint8]netip.Addr) (turn, bool) {
	req := &p.Steps[i]
	t := turn{}
	for _, o := range req.Options {
		t.asked = append(t.asked, o.Type)
	}
	if a, ok := p.Answer(i); ok {
		t.delay = max(a.Time.Sub(req.Time), 0)
		t.verb = map[uint8]string{packet.ConfigureAck: "ack", packet.ConfigureNak: "nak", packet.ConfigureReject: "reject"}[a.Code]
		if t.behaves = m.behaves(req, &a, gives); t.behaves {
			t.verb = "behave"
			return t, true
		}
		if a.Code == packet.ConfigureAck && packet.EqualOptions(a.Options, req.Options) {
			return t, true
		}
		for _, o := range a.Options {
			t.options = append(t.options, m.option(req.Protocol, o, a.Code == packet.ConfigureReject, req.Options))
		}
		return t, true
	}
	// No answer: look for what came instead, before the next request.
	var next time.Time
	for j := i + 1; j < len(p.Steps); j++ {
		if s := &p.Steps[j]; s.Dir == event.Sent && s.Code == packet.ConfigureRequest {
			next = s.Time
			break
		}
	}
	within := func(at time.Time) bool { return !at.Before(req.Time) && (next.IsZero() || !at.After(next)) }
	if s, ok := c.LCP.First(event.Rcvd, packet.ProtocolReject); ok && within(s.Time) && req.Protocol != packet.LCP {
		t.verb, t.delay = "protocol-reject", s.Time.Sub(req.Time)
		return t, true
	}
	for _, s := range p.Steps[i+1:] {
		if s.Dir == event.Sent && s.Code == packet.ConfigureRequest {
			break
		}
		word := map[uint8]string{packet.CodeReject: "code-reject", packet.TerminateRequest: "terminate"}[s.Code]
		if s.Dir == event.Rcvd && word != "" && (s.Protocol != packet.LCP || word != "terminate") {
			t.verb, t.delay = word, s.Time.Sub(req.Time)
			return t, true
		}
	}
	if next.IsZero() {
		if s, ok := c.Terminated(); ok && s.Dir == event.Rcvd && within(s.Time) {
			t.verb, t.delay = "terminate-lcp", s.Time.Sub(req.Time)
			if s.Protocol == req.Protocol && s.Protocol != packet.LCP {
				t.verb = "terminate"
			}
			return t, true
		} else if c.Lost != nil && within(c.Lost.Time) && (!ok || s.Time.After(c.Lost.Time)) {
			t.verb, t.delay = "hangup", c.Lost.Time.Sub(req.Time)
			return t, true
		}
	}
	if slices.ContainsFunc(c.Failures, func(f event.Failure) bool { return f.Cause == event.FailedGarbage }) || c.Unread > 0 && c.LCP.Agreed(event.Sent) {
		t.verb = "garbage"
		return t, true
	}
	if !next.IsZero() && next.Sub(req.Time) < 2*time.Second {
		return t, false // too early for a timer: the host reacted to something else
	}
	if end, ok := c.Terminated(); ok && next.IsZero() && end.Dir == event.Sent && end.Time.Sub(req.Time) < 2*time.Second {
		return t, false // the host ended the call at once, or there are no times: an answer could not come
	}
	t.verb = "drop"
	return t, true
}

// behaves says whether a modem without a fault would have answered in this way (RFC 1661 sections 5.2 to 5.4).
func (m *modem) behaves(req, a *call.Step, gives map[uint8]netip.Addr) bool {
	var rejects, naks []packet.Option
	for _, o := range req.Options {
		if req.Protocol == packet.LCP {
			if packet.OptionRequest(packet.LCP, o.Type) == "" {
				rejects = append(rejects, o)
			}
			continue
		}
		if req.Protocol != packet.IPCP {
			continue
		}
		want, ok := gives[o.Type]
		have, is := o.Address()
		switch {
		case !ok:
			rejects = append(rejects, o)
		case !is || m.pool.stand(have, o.Type, false) != want:
			naks = append(naks, packet.Option{Type: o.Type})
		}
	}
	types := func(list []packet.Option) (out []uint8) {
		for _, o := range list {
			out = append(out, o.Type)
		}
		return out
	}
	switch {
	case len(rejects) > 0:
		return a.Code == packet.ConfigureReject && slices.Equal(types(a.Options), types(rejects))
	case len(naks) > 0:
		if a.Code != packet.ConfigureNak || !slices.Equal(types(a.Options), types(naks)) {
			return false
		}
		for _, o := range a.Options {
			if v, ok := o.Address(); !ok || m.pool.stand(v, o.Type, false) != gives[o.Type] {
				return false
			}
		}
		return true
	}
	return a.Code == packet.ConfigureAck && packet.EqualOptions(a.Options, req.Options)
}

// option writes an option in the notation of scenarios.
func (m *modem) option(protocol uint16, o packet.Option, rejected bool, asked []packet.Option) string {
	name := packet.OptionRequest(protocol, o.Type)
	switch {
	case protocol == packet.LCP && o.Type == packet.LCPAuth:
		name = "auth"
	case protocol == packet.IPV6CP && o.Type == packet.IPV6CPInterfaceID:
		name = "interface-id"
	}
	known := name != ""
	if !known {
		name = fmt.Sprintf("0x%02x", o.Type)
	}
	own, is := packet.Find(asked, o.Type)
	switch {
	case is && own.Equal(o) && known && rejected:
		return name
	case len(o.Data) == 0:
		if known {
			return name
		}
		return name + "="
	}
	if a, ok := o.Address(); ok && protocol == packet.IPCP && known {
		return name + "=" + m.pool.stand(a, o.Type, false).String()
	}
	switch {
	case protocol == packet.LCP && o.Type == packet.LCPAuth:
		if method, ok := auth.MethodOf(o.Data); ok {
			return name + "=" + method.String()
		}
	case protocol == packet.LCP && o.Type == packet.LCPMRU:
		if v, ok := o.Uint16(); ok {
			return fmt.Sprintf("%s=%d", name, v)
		}
	case protocol == packet.LCP && known:
		if v, ok := o.Uint32(); ok {
			return fmt.Sprintf("%s=%08x", name, v)
		}
	}
	return fmt.Sprintf("0x%02x=%s", o.Type, hex.EncodeToString(o.Data))
}
