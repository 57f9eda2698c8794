package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// weather is what the line does to packets, as probabilities.
type weather struct {
	loss, duplicate, reorder, corrupt, garbage float64
	delay                                      time.Duration
}

func (w weather) String() string {
	return fmt.Sprintf("loss %.2f duplicate %.2f reorder %.2f corrupt %.2f garbage %.2f delay %v",
		w.loss, w.duplicate, w.reorder, w.corrupt, w.garbage, w.delay)
}

func randomWeather(random chance) weather {
	w := weather{delay: time.Duration(random.IntN(200)+1) * time.Millisecond}
	// Each kind of trouble alone, and any mixture of them.
	for _, p := range []*float64{&w.loss, &w.duplicate, &w.reorder, &w.corrupt, &w.garbage} {
		if random.IntN(2) == 0 {
			*p = random.Float64() * 0.3
		}
	}
	if random.IntN(20) == 0 {
		w.delay = time.Duration(random.IntN(8000)) * time.Millisecond
	}
	return w
}

// tamper gives what arrives of a packet: damage that the FCS finds is a loss, and what it does not find is seldom.
func (w weather) tamper(random chance) func(*end, Send) []Send {
	return func(_ *end, s Send) []Send {
		if random.Float64() < w.loss || random.Float64() < w.corrupt*0.99 {
			return nil
		}
		list := []Send{s}
		if random.Float64() < w.corrupt*0.01 && len(s.Info) > 0 {
			bad := append([]byte(nil), s.Info...)
			bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
			list[0].Info = bad
		}
		if random.Float64() < w.garbage {
			list = append(list, garbage(random, s))
		}
		return list
	}
}

// garbage is a packet that nobody sent: octets without sense, or a real header with any code and identifier.
func garbage(random chance, near Send) Send {
	protocols := []uint16{packet.LCP, packet.IPCP, packet.IPV6CP, packet.CCP, packet.PAP, packet.CHAP, packet.EAP, near.Protocol}
	info := make([]byte, random.IntN(40))
	_, _ = random.Read(info)
	if random.IntN(2) == 0 && len(info) >= packet.HeaderLen {
		// What would end a link is left out: a peer that says goodbye is obeyed.
		codes := []uint8{
			packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject, packet.TerminateAck,
			packet.EchoRequest, packet.EchoReply, packet.DiscardRequest, packet.Identification, 200,
		}
		info[0] = codes[random.IntN(len(codes))]
		info[1] = byte(random.IntN(8))
		info[2], info[3] = 0, byte(len(info))
	}
	return Send{Protocol: protocols[random.IntN(len(protocols))], Info: info}
}

func (w weather) wire(random chance) func(Send) []time.Duration {
	return func(Send) []time.Duration {
		once := func() time.Duration {
			if random.Float64() < w.reorder {
				return w.delay + time.Duration(random.Int64N(int64(3*w.delay)+1))
			}
			return w.delay
		}
		if random.Float64() < w.duplicate {
			return []time.Duration{once(), once()}
		}
		return []time.Duration{once()}
	}
}

// Whatever the line does: each end is Opened or has failed with a name within a bounded time, and answers each packet
// with a bounded number of its own.
func TestEveryNegotiationEnds(t *testing.T) {
	rounds := uint64(10_000)
	if testing.Short() {
		rounds = 1000
	}
	methods := []auth.Method{auth.None, auth.PAP, auth.CHAPMD5, auth.MSCHAPv2, auth.EAP}
	up, kinds := 0, map[string]int{}
	for seed := range rounds {
		random := newChance(seed)
		w := randomWeather(random)
		var demand []auth.Method
		if m := methods[random.IntN(len(methods))]; m != auth.None {
			demand = append(demand, m)
		}
		host, mod := dialer(), modem(demand...)
		host.Trace, mod.Trace = false, false
		mod.LCP.NoRequest = random.IntN(20) == 0
		mod.IPCP.NoRequest = random.IntN(20) == 0
		host.IPV6CP.Enabled, mod.IPV6CP.Enabled = random.IntN(4) == 0, random.IntN(4) == 0
		h, m := newEnd(t, host, seed), newEnd(t, mod, seed+1<<32)
		l := join(t, h, m)
		l.tamper, l.wire = w.tamper(random), w.wire(random)
		l.open()
		limit := epoch.Add(5 * time.Minute)
		steps := 0
		for !h.settled() && l.step(limit) {
			if steps++; steps > 20_000 {
				t.Fatalf("seed %d (%v): a storm", seed, w)
			}
		}
		switch {
		case len(h.up) > 0:
			up++
			if u := h.up[0]; u.Local != hostAddr && w.corrupt == 0 && w.garbage == 0 {
				t.Fatalf("seed %d (%v): up with %+v", seed, w, u)
			}
		case len(h.finished) > 0:
			f := h.finished[0].Failure
			kinds[f.Kind]++
			if f.Kind == "" || f.Phase == "" || f.Kind == KindClosed || f.Kind == KindCarrierLost {
				t.Fatalf("seed %d (%v): failed with %+v", seed, w, f)
			}
		default:
			t.Fatalf("seed %d (%v): neither up nor failed after 5 minutes; LCP %s IPCP %s, next timer in %v",
				seed, w, h.lcp.state, h.ipcp.state, h.Deadline().Sub(l.now))
		}
	}
	t.Logf("%d of %d up, failures %v", up, rounds, kinds)
	if up < int(rounds)*8/10 {
		t.Errorf("only %d of %d came up", up, rounds)
	}
}

// The same when both ends take random verdicts at random points, some of them illegal, the modem's end without any
// check: whoever decides, the engine stays in one piece, and can always be closed.
func TestRandomVerdicts(t *testing.T) {
	rounds := uint64(5000)
	if testing.Short() {
		rounds = 500
	}
	for seed := range rounds {
		random := newChance(seed)
		w := randomWeather(random)
		host, mod := dialer(), modem(auth.CHAPMD5)
		host.Trace, mod.Trace = random.IntN(2) == 0, false
		host.Points, mod.Points = Points(random.IntN(int(everyPoint)+1)), Points(random.IntN(int(everyPoint)+1))
		host.Unchecked, mod.Unchecked = random.IntN(3) == 0, true
		host.IPV6CP.Enabled, mod.IPV6CP.Enabled = random.IntN(2) == 0, random.IntN(2) == 0
		h, m := newEnd(t, host, seed), newEnd(t, mod, seed+1<<32)
		share := random.Float64() / 2
		decide := func(_ time.Time, d Decision) Verdict { return randomVerdict(random, share, d) }
		if random.IntN(4) > 0 {
			h.decide = decide
		}
		if random.IntN(4) > 0 {
			m.decide = decide
		}
		l := join(t, h, m)
		l.tamper, l.wire = w.tamper(random), w.wire(random)
		l.open()
		l.until(30*time.Minute, h.settled)
		if len(h.up) == 0 && len(h.finished) == 0 {
			h.log()
			t.Fatalf("seed %d (%v): neither up nor failed; LCP %s IPCP %s", seed, w, h.lcp.state, h.ipcp.state)
		}
		h.Close(l.now, "end")
		l.carry(h, h.drain(l.now))
		l.until(time.Minute, func() bool { return len(h.finished) > 0 })
		if len(h.finished) != 1 || h.finished[0].Failure.Kind == "" || h.finished[0].Failure.Phase == "" {
			t.Fatalf("seed %d (%v): finished %+v", seed, w, h.finished)
		}
	}
}

func randomVerdict(random chance, share float64, d Decision) Verdict {
	if random.Float64() > share {
		return Verdict{}
	}
	v := Verdict{Action: Action(random.IntN(len(actionNames) + 1)), Delay: time.Duration(random.IntN(3000)) * time.Millisecond}
	switch random.IntN(3) {
	case 0:
		v.Options = d.Options
	case 1:
		v.Options = []packet.Option{opt(byte(random.IntN(6)), make([]byte, random.IntN(20))...)}
	}
	v.Packet = make([]byte, random.IntN(30))
	_, _ = random.Read(v.Packet)
	return v
}

// One packet in, a handful out: no peer can make the engine send more than it receives by a factor.
func TestRepliesAreBounded(t *testing.T) {
	random := newChance(99)
	for range 300 {
		s := newScript(t, dialer())
		s.set.Trace = false
		s.Open(s.now)
		s.drain(s.now)
		if random.IntN(2) == 0 {
			s.give(packet.LCP, packet.ConfigureRequest, 1)
			s.ack(packet.LCP)
		}
		for range 100 {
			g := garbage(random, Send{Protocol: packet.IPCP})
			s.Receive(s.now, g.Protocol, g.Info)
			if sends := s.drain(s.now); len(sends) > 6 {
				t.Fatalf("%d packets upon % x of %s", len(sends), g.Info, packet.ProtocolName(g.Protocol))
			}
		}
	}
}
