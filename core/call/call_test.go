package call_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/ppp/packet"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stream makes records, a tenth of a second apart.
func stream(events ...event.Event) (all []event.Record) {
	for i, e := range events {
		all = append(all, event.Record{Time: start.Add(time.Duration(i) * 100 * time.Millisecond), Event: e, Pos: event.Pos{Line: int64(i + 1)}})
	}
	return all
}

func sent(text string) event.Event { return event.AT{Dir: event.Sent, Text: text} }
func rcvd(text string) event.Event { return event.AT{Dir: event.Rcvd, Text: text} }

func ppp(d event.Dir, protocol uint16, code, id uint8, options ...packet.Option) event.Event {
	return event.Packet{Dir: d, Protocol: protocol, Data: packet.Packet{Code: code, ID: id, Data: packet.AppendOptions(nil, options)}.AppendTo(nil)}
}

var (
	ask  = ppp(event.Sent, packet.LCP, packet.ConfigureRequest, 1)
	addr = packet.Option{Type: packet.IPCPAddress, Data: []byte{192, 0, 2, 2}}
	zero = packet.Option{Type: packet.IPCPAddress, Data: []byte{0, 0, 0, 0}}
)

// Where one call ends and the next one begins, by what the different sources show of it.
func TestCallsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []event.Event
		calls  int
		before []int // commands before each
	}{
		{"dialled twice", []event.Event{sent("ATZ"), rcvd("OK"), sent("ATD1"), rcvd("BUSY"), sent("ATZ"), rcvd("OK"), sent("ATD1"), rcvd("CONNECT"), ask}, 2, []int{1, 1}},
		{"commands behind a call are the next one's", []event.Event{sent("ATD1"), rcvd("CONNECT"), ask, sent("ATH"), rcvd("OK"), sent("ATD1"), rcvd("CONNECT"), ask}, 2, []int{0, 1}},
		{"or nobody's", []event.Event{sent("ATD1"), rcvd("CONNECT"), ask, sent("ATH"), rcvd("OK")}, 1, []int{0}},
		{"LCP terminated and opened again", []event.Event{ask, ppp(event.Sent, packet.LCP, packet.TerminateRequest, 2), ppp(event.Rcvd, packet.LCP, packet.TerminateAck, 2), ask}, 2, []int{0, 0}},
		{"the end of an old call", []event.Event{ppp(event.Sent, packet.LCP, packet.TerminateRequest, 2), ppp(event.Rcvd, packet.LCP, packet.TerminateAck, 2), ask}, 1, []int{0}},
		{"LCP terminated by the other end while it is negotiated, and gone on with", []event.Event{ask, ppp(event.Rcvd, packet.LCP, packet.TerminateRequest, 2), ppp(event.Sent, packet.LCP, packet.TerminateAck, 2), ask}, 1, []int{0}},
		{"a script disconnects", []event.Event{sent("ATD1"), rcvd("CONNECT"), ask, event.Log{Text: "Connection terminated.", Means: []string{event.MeansTerminated}}, sent("+++"), sent("ATH"), rcvd("OK")}, 1, []int{0}},
		{"the dialer says that it starts again", []event.Event{event.Log{Means: []string{event.MeansStarted}}, ask, event.Log{Means: []string{event.MeansStarted}}, ask}, 2, []int{0, 0}},
		{"LCP negotiated again", []event.Event{ask, ppp(event.Rcvd, packet.LCP, packet.ConfigureAck, 1), ask}, 1, []int{0}},
		{"pppd's log", []event.Event{event.Log{Text: "Connect: ppp0 <--> /dev/ttyUSB0", Means: []string{event.MeansConnect}}, ask, event.Log{Text: "Connection terminated.", Means: []string{event.MeansTerminated}}, event.Log{Text: "Connect: ppp0 <--> /dev/ttyUSB0", Means: []string{event.MeansConnect}}, ask}, 2, []int{0, 0}},
		{"attempts", []event.Event{event.Attempt{Number: 1}, ask, event.Attempt{Number: 2}, ask}, 2, []int{0, 0}},
		{"nothing", []event.Event{event.Log{Text: "hello"}, event.Unread{Text: "x"}}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := linktest.Calls(stream(c.events...))
			if len(calls) != c.calls {
				t.Fatalf("%d calls", len(calls))
			}
			for i, k := range calls {
				if len(k.Commands) != c.before[i] || k.Number != i+1 {
					t.Errorf("call %d: number %d, commands %+v", i+1, k.Number, k.Commands)
				}
			}
		})
	}
}

func TestWorked(t *testing.T) {
	acked := []event.Event{ask, ppp(event.Sent, packet.IPCP, packet.ConfigureRequest, 1, addr), ppp(event.Rcvd, packet.IPCP, packet.ConfigureAck, 1, addr),
		ppp(event.Rcvd, packet.IPCP, packet.ConfigureRequest, 1), ppp(event.Sent, packet.IPCP, packet.ConfigureAck, 1)}
	for _, c := range []struct {
		name   string
		events []event.Event
		want   bool
	}{
		{"an address acknowledged", acked, true},
		{"the zero address acknowledged", []event.Event{ppp(event.Rcvd, packet.IPCP, packet.ConfigureAck, 1, zero)}, false},
		{"only asked", acked[:2], false},
		{"the other end never asked", acked[:3], false},
		{"it failed all the same", append(slices.Clone(acked), event.Failure{Cause: event.FailedCarriesNothing}), false},
		{"knak has not said up", append([]event.Event{event.State{Protocol: "LCP"}}, acked...), false},
		{"knak says up", append([]event.Event{event.State{Protocol: "LCP"}}, append(slices.Clone(acked), event.Up{})...), true},
	} {
		if got := linktest.Calls(stream(c.events...))[0].Worked(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Of a recording without end only so much is kept, and the last call that worked is among it.
func TestBounded(t *testing.T) {
	var c call.Collector
	for i := range 5000 {
		events := []event.Event{sent("ATZ"), rcvd("OK"), sent("ATD1"), rcvd("CONNECT"), ask}
		if i == 100 {
			events = append(events, ppp(event.Sent, packet.IPCP, packet.ConfigureRequest, 1, addr), ppp(event.Rcvd, packet.IPCP, packet.ConfigureAck, 1, addr), ppp(event.Sent, packet.IPCP, packet.ConfigureAck, 1))
		}
		for range 20 {
			events = append(events, ask)
		}
		for _, r := range stream(events...) {
			c.Record(r)
		}
	}
	calls := c.Calls()
	if len(calls) > 16 || calls[len(calls)-1].Number != 5000 || calls[0].Number != 1 {
		t.Errorf("%d calls, the last is number %d", len(calls), calls[len(calls)-1].Number)
	}
	if !slices.ContainsFunc(calls, func(k *call.Call) bool { return k.Worked() }) {
		t.Error("the call that worked was forgotten")
	}
	one := call.Collector{}
	for _, r := range stream(ask) {
		for range 10000 {
			one.Record(r)
		}
	}
	if p := one.Calls()[0].LCP; len(p.Steps) > 1000 || p.More != 10000-len(p.Steps) {
		t.Errorf("%d steps and %d more", len(p.Steps), p.More)
	}
}

func TestRetransmissionIsMarked(t *testing.T) {
	k := linktest.Calls(stream(ask, ask, ppp(event.Rcvd, packet.LCP, packet.ConfigureNak, 1), ask))[0]
	var again []bool
	for _, s := range k.LCP.Of(event.Sent, packet.ConfigureRequest) {
		again = append(again, s.Again)
	}
	if want := []bool{false, true, false}; !slices.Equal(again, want) {
		t.Errorf("%v, want %v", again, want)
	}
}

// The state of one call stays within 1 MB, however long it lasts and whatever it holds.
func TestOneCallIsSmall(t *testing.T) {
	var c call.Collector
	data := make([]byte, 1000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 20000 {
		data[0] = byte(i)
		for _, r := range stream(ppp(event.Sent, packet.LCP, packet.ConfigureRequest, byte(i), packet.Option{Type: 200, Data: bytes.Repeat(data[:1], 200)}),
			ppp(event.Rcvd, packet.IPCP, packet.ConfigureNak, byte(i), packet.Option{Type: 201, Data: bytes.Repeat(data[:1], 200)}),
			sent("AT+X"+strings.Repeat("y", 100)), rcvd(strings.Repeat("z", 500)), event.Text{Text: strings.Repeat("w", 300)}) {
			c.Record(r)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
		t.Errorf("%d octets are kept of one call", kept)
	}
	if len(c.Calls()) != 1 {
		t.Errorf("%d calls", len(c.Calls()))
	}
}
