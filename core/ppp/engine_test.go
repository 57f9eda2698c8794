package ppp

import (
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
)

func TestBothEndsComeUp(t *testing.T) {
	for _, m := range []auth.Method{auth.None, auth.PAP, auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2, auth.EAP} {
		t.Run(m.String(), func(t *testing.T) {
			var demand []auth.Method
			if m != auth.None {
				demand = append(demand, m)
			}
			host, mod := newEnd(t, dialer(), 1), newEnd(t, modem(demand...), 2)
			l := join(t, host, mod)
			l.open()
			took := l.until(time.Minute, func() bool { return host.settled() && mod.settled() })
			if len(host.up) != 1 || len(mod.up) != 1 {
				host.log()
				t.Fatal("not up")
			}
			if took > 150*time.Millisecond {
				t.Errorf("took %v for 10 ms each way: something waits", took)
			}
			got := host.up[0]
			if got.Local != hostAddr || got.Peer != modemAddr || got.PeerAssumed || got.MTU != 1500 ||
				!slices.Equal(got.DNS, []netip.Addr{dns1, dns2}) || len(got.NBNS) != 0 {
				t.Errorf("host got %+v", got)
			}
			if u := mod.up[0]; u.Local != modemAddr || u.Peer != hostAddr || u.PeerAssumed {
				t.Errorf("modem got %+v", u)
			}
			if len(host.auth) != 1 || host.auth[0].Provisional != (m != auth.None) {
				t.Errorf("auth %+v", host.auth)
			}

			host.Close(l.now, "done")
			l.carry(host, host.drain(l.now))
			l.run(time.Minute)
			if len(host.finished) != 1 || host.finished[0].Failure.Kind != KindClosed {
				t.Errorf("host finished %+v", host.finished)
			}
			if len(mod.finished) != 1 || mod.finished[0].Failure.Kind != KindTerminated || mod.finished[0].Failure.Detail != "done" {
				t.Errorf("modem finished %+v", mod.finished)
			}
			for _, p := range l.ends {
				if at := p.Deadline(); !at.IsZero() {
					t.Errorf("a finished engine has a timer at %v", at)
				}
				if len(p.down) != 1 {
					t.Errorf("NetworkDown %+v", p.down)
				}
			}
		})
	}
}

func BenchmarkNegotiation(b *testing.B) {
	for _, traced := range []bool{false, true} {
		name := "quiet"
		if traced {
			name = "traced"
		}
		b.Run(name, func(b *testing.B) {
			hostSet, modSet := dialer(), modem(auth.CHAPMD5)
			hostSet.Trace, modSet.Trace = traced, traced
			random := newChance(1)
			b.ReportAllocs()
			for b.Loop() {
				if !negotiate(New(hostSet, random), New(modSet, random)) {
					b.Fatal("not up")
				}
			}
		})
	}
}

// negotiate joins two engines without delay, and says whether both came up.
func negotiate(host, mod *Engine) bool {
	ends := [2]*Engine{host, mod}
	up := 0
	host.Open(epoch)
	mod.Open(epoch)
	for moved := true; moved; {
		moved = false
		for i, e := range ends {
			for {
				o, ok := e.Next()
				if !ok {
					break
				}
				moved = true
				switch o := o.(type) {
				case Send:
					ends[1-i].Receive(epoch, o.Protocol, o.Info)
				case NetworkUp:
					up++
				}
			}
		}
	}
	return up == 2
}

// The task's bound: both ends of a clean negotiation, with the two New calls and all events, in 16 KiB.
func TestNegotiationAllocatesLittle(t *testing.T) {
	hostSet, modSet := dialer(), modem(auth.CHAPMD5)
	random := newChance(1)
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if !negotiate(New(hostSet, random), New(modSet, random)) {
			t.Fatal("not up")
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / runs; per > 16<<10 {
		t.Errorf("%d octets", per)
	}
}
