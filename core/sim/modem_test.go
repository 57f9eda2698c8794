package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// up dials a scenario and waits until the link is up.
func up(t testing.TB, name string, seed uint64, change func(*ppp.Settings)) *dialer {
	t.Helper()
	d := newDialer(t, load(t, name), seed, change)
	d.dial()
	d.run(30*time.Second, func() bool { return d.isUp() || d.isEnded() })
	if !d.isUp() {
		t.Fatalf("%s is not up: %+v\n%s", name, d.end, strings.Join(d.seen, "\n"))
	}
	return d
}

func askAll(s *ppp.Settings) {
	s.IPCP.Request = []uint8{packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPNBNS1, packet.IPCPDNS2, packet.IPCPNBNS2}
}

func TestTheCureWorks(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*ppp.Settings)
	}{
		{"huawei/e398", emptyName},
		{"empty-naks-user", emptyName},
		{"empty-naks-dns", nil},
		{"wants-wins", askAll},
		{"quectel/eg91", func(s *ppp.Settings) { s.Auth.Allow = []auth.Method{auth.PAP} }},
		{"wants-wins-placeholders", askAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := up(t, c.name, 1, c.set)
			emptyNaks(0, 0)(t, d)
			carries(t, d)
			if d.upAt > time.Second {
				t.Errorf("up only after %v", d.upAt)
			}
		})
	}
}

// An E220 names real servers to those who take its NBNS addresses, once the network has answered.
func TestE220NamesRealServers(t *testing.T) {
	d := up(t, "huawei/e220", 1, askAll)
	servers("198.51.100.53", "198.51.100.54")(t, d)
	upBetween(2*time.Second, 4*time.Second)(t, d)
	carries(t, d)
}

// An E398 wants both: the name alone, or DNS alone, is not enough.
func TestE398WantsBoth(t *testing.T) {
	for name, set := range map[string]func(*ppp.Settings){
		"DNS but a name": nil,
		"no name but no DNS": func(s *ppp.Settings) {
			emptyName(s)
			addressOnly(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDialer(t, load(t, "huawei/e398"), 1, set)
			d.dial()
			d.run(30*time.Second, func() bool { return d.isUp() || d.isEnded() })
			if d.isUp() {
				t.Error("it is up")
			}
			emptyNaks(20, 31)(t, d)
		})
	}
}

func TestRedial(t *testing.T) {
	d := up(t, "behaves", 1, nil)
	for call := 2; call <= 4; call++ {
		d.engine.Close(d.now, "")
		d.pump()
		d.run(5*time.Second, func() bool { return d.isEnded() && !d.lines.DCD })
		if d.lines.DCD {
			t.Fatal("the carrier stays up after Terminate-Request")
		}
		d.end, d.up, d.texts = nil, nil, ""
		d.dial()
		d.run(10*time.Second, d.isUp)
		if !d.isUp() {
			t.Fatalf("call %d is not up: %+v", call, d.end)
		}
		carries(t, d)
	}
	if n := d.m.Counters().Calls; n != 4 {
		t.Errorf("%d calls counted", n)
	}
}

func TestDialSucceedsTheSecondTime(t *testing.T) {
	h := newHost(load(t, "dial-second-time"))
	if got := h.say("ATE0\rATD*99#\r", time.Second); !strings.Contains(got, "NO CARRIER") {
		t.Errorf("first: %q", got)
	}
	if got := h.say("ATD*99#\r", 0); !strings.Contains(got, "CONNECT 7200000\r\n~") || !h.lines.DCD {
		t.Errorf("second: %q, %+v", got, h.lines)
	}
}

func TestDroppingDTRHangsUp(t *testing.T) {
	d := up(t, "behaves", 1, nil)
	d.m.SetDTR(d.now, false)
	d.pump()
	if d.lines.DCD || d.end == nil || d.end.Kind != ppp.KindCarrierLost {
		t.Errorf("lines %+v, end %+v", d.lines, d.end)
	}

	s := load(t, "behaves")
	s.AT.DTR = "ignore"
	h := newHost(s)
	h.say("ATD*99#\r", 0)
	h.m.SetDTR(h.now, false)
	h.take()
	if !h.lines.DCD {
		t.Error("a modem that ignores DTR hung up")
	}
}

func TestEscapeSequence(t *testing.T) { // +++ with a guard time of a second on either side
	connected := func() *host {
		h := newHost(load(t, "behaves"))
		h.say("ATE0\rATD*99#\r", 5*time.Second)
		return h
	}
	h := connected()
	if got := h.say("+++", 1100*time.Millisecond); !strings.Contains(got, "\r\nOK\r\n") {
		t.Errorf("+++: %q", got)
	}
	if !h.lines.DCD {
		t.Error("the call ended")
	}
	if got := h.say("AT\r", 0); got != "\r\nOK\r\n" {
		t.Errorf("a command within the call: %q", got)
	}
	if got := h.say("ATO\r", 4*time.Second); !strings.HasPrefix(got, "\r\nCONNECT 7200000\r\n") || !strings.Contains(got, "~") {
		t.Errorf("ATO: %q", got)
	}
	h.wait(2 * time.Second)
	h.say("+++", 1100*time.Millisecond)
	if got := h.say("ATD*99#\r", 0); got != "\r\nERROR\r\n" {
		t.Errorf("a dial within the call: %q", got)
	}
	if got := h.say("ATH\r", 0); got != "\r\nOK\r\n" || h.lines.DCD {
		t.Errorf("ATH: %q, %+v", got, h.lines)
	}

	for name, try := range map[string]func(*host){
		"no silence before": func(h *host) { h.say("x", 500*time.Millisecond); h.say("+++", 2*time.Second) },
		"no silence after":  func(h *host) { h.say("+++", 500*time.Millisecond); h.say("x", 2*time.Second) },
		"four":              func(h *host) { h.say("++++", 2*time.Second) },
		"two":               func(h *host) { h.say("++", 2*time.Second) },
		"within data":       func(h *host) { h.say("x+++", 2*time.Second) },
	} {
		h := connected()
		try(h)
		if got := h.say("AT\r", 0); strings.Contains(got, "OK") {
			t.Errorf("%s: escaped", name)
		}
	}
	h = connected()
	h.say("+", 300*time.Millisecond)
	h.say("++", 1100*time.Millisecond)
	if got := h.say("AT\r", 0); got != "\r\nOK\r\n" {
		t.Errorf("+ and ++ apart: %q", got)
	}
}

func TestResetEndsTheCall(t *testing.T) { // V.250 section 6.1.1
	h := newHost(load(t, "behaves"))
	h.say("ATE0\rATD*99#\r", 5*time.Second)
	h.say("+++", 1100*time.Millisecond)
	if got := h.say("ATZ\r", 0); got != "\r\nOK\r\n" || h.lines.DCD {
		t.Errorf("ATZ: %q, %+v", got, h.lines)
	}
}

func TestNetworkGoesBetweenLCPAndCONNECT(t *testing.T) {
	s := parse(t, "[lcp]\nbefore_connect = true\n[dial]\ndelay = \"2s\"\n[registration]\nthen = [{ after = \"1s\", state = \"searching\" }]\n")
	h := newHost(s)
	got := h.say("ATE0\rATD*99#\r", 5*time.Second)
	if !strings.Contains(got, "~") || !strings.HasSuffix(got, "\r\nNO CARRIER\r\n") || strings.Contains(got, "CONNECT") {
		t.Errorf("%q", got)
	}
	if got := h.say("AT\r", 0); got != "\r\nOK\r\n" {
		t.Errorf("then %q", got)
	}
}

func TestUnsolicitedLinesWaitForTheEndOfTheCall(t *testing.T) {
	h := newHost(parse(t, "[at]\nurc = [{after = \"2s\", text = \"^RSSI:17\"}]\n"))
	if got := h.say("ATE0\rATD*99#\r", 5*time.Second); strings.Contains(got, "RSSI") {
		t.Errorf("within the call: %q", got)
	}
	h.got = nil
	h.m.SetDTR(h.now, false)
	h.take()
	if got := string(h.got); got != "\r\nNO CARRIER\r\n\r\n^RSSI:17\r\n" {
		t.Errorf("after it: %q", got)
	}
}

func TestStuckInDataModeUntilTerminated(t *testing.T) {
	h := newHost(load(t, "data-mode-stuck"))
	if !h.lines.DCD {
		t.Error("no carrier")
	}
	got := h.say("AT\r", 5*time.Second)
	if strings.Contains(got, "OK") || !strings.Contains(got, "~") {
		t.Errorf("to AT it says %q", got)
	}
	h.events = nil
	h.say("AT+CPIN=4711\r\n", time.Second)
	if told := fmt.Sprintf("%+v", h.events); strings.Contains(told, "4711") || !strings.Contains(told, "octets of text") {
		t.Errorf("the trace has %s", told)
	}
	frame := hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.LCP, []byte{packet.TerminateRequest, 7, 0, 4})
	got = h.say(string(frame), time.Second)
	var d = hdlc.NewDecoder(hdlc.DefaultDecoderConfig())
	item, _ := d.Next([]byte(got))
	for item.Kind == hdlc.Frame && item.Info[0] != packet.TerminateAck {
		t.Logf("%x", item.Info)
		item, _ = d.Next(nil)
	}
	if item.Kind != hdlc.Frame || item.Info[1] != 7 {
		t.Errorf("no Terminate-Ack: %q", got)
	}
	if !strings.Contains(got, "\r\nNO CARRIER\r\n") || h.lines.DCD {
		t.Errorf("still in the call: %q", got)
	}
	if got := h.say("ATE0\r", time.Second); !strings.Contains(got, "OK") {
		t.Errorf("no commands: %q", got)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, name := range []string{"behaves", "loss-20", "corrupt-5", "changing-nak", "duplicate-noise", "behaves-ms-chapv2"} {
		run := func(seed uint64) []byte {
			d := newDialer(t, load(t, name), 7, nil)
			d.m = New(load(t, name), seed)
			d.dial()
			d.run(20*time.Second, never)
			return d.wire
		}
		if !bytes.Equal(run(1), run(1)) {
			t.Errorf("%s: the same seed gives other bytes", name)
		}
		if bytes.Equal(run(1), run(2)) {
			t.Errorf("%s: another seed gives the same bytes", name)
		}
	}
}

// How often the clock ticks makes no difference to what happens when.
func TestCoarseClockChangesNothing(t *testing.T) {
	fine, coarse := newHost(load(t, "at-slow")), newHost(load(t, "at-slow"))
	fine.say("ATI\rATD*99#\r", 20*time.Second)
	coarse.m.Receive(coarse.now, []byte("ATI\rATD*99#\r"))
	coarse.now = coarse.now.Add(20 * time.Second)
	coarse.m.Advance(coarse.now)
	coarse.take()
	coarse.got = append(coarse.got, nil...)
	if !bytes.Equal(fine.got, coarse.got) {
		t.Errorf("fine   %q\ncoarse %q", fine.got, coarse.got)
	}
}

func TestLossyLinesComeUp(t *testing.T) {
	for _, name := range []string{"loss-20", "corrupt-5", "duplicate-noise"} {
		var lost, corrupted, total uint64
		for seed := uint64(1); seed <= 50; seed++ {
			d := newDialer(t, load(t, name), seed, nil)
			d.dial()
			d.run(time.Minute, func() bool { return d.isUp() || d.isEnded() })
			if !d.isUp() {
				t.Errorf("%s, seed %d: %+v\n%s", name, seed, d.end, strings.Join(d.seen, "\n"))
			}
			c := d.m.Counters()
			lost, corrupted, total = lost+c.Lost, corrupted+c.Corrupted, total+c.FramesIn+c.FramesOut+c.FramesBad
		}
		// The shares that the scenario names, within what chance allows.
		l := load(t, name).Line
		if share := float64(lost) / float64(total); share < l.Loss*0.6 || share > l.Loss*1.4 {
			t.Errorf("%s: %d of %d frames lost", name, lost, total)
		}
		if share := float64(corrupted) / float64(total); share < l.Corrupt*0.6 || share > l.Corrupt*1.4 {
			t.Errorf("%s: %d of %d frames damaged", name, corrupted, total)
		}
	}
}

func TestPacketsToAnOutsideSink(t *testing.T) {
	d := up(t, "behaves", 1, nil)
	d.m.TakePackets(true)
	request := echoRequest("192.0.2.2", "203.0.113.9")
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, request))
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, echoRequest("192.0.2.3", "203.0.113.9")))
	var got [][]byte
	for out, ok := d.m.Next(); ok; out, ok = d.m.Next() {
		if out.Kind == OutputPacket {
			got = append(got, bytes.Clone(out.Data))
		}
	}
	if len(got) != 1 || !bytes.Equal(got[0], request) {
		t.Errorf("the sink got %x", got)
	}
	answer := echoRequest("203.0.113.9", "192.0.2.2")
	d.m.SendPacket(d.now, answer)
	d.m.SendPacket(d.now, nil)
	d.pump()
	if len(d.packets) != 1 || !bytes.Equal(d.packets[0], answer) {
		t.Errorf("the host got %x", d.packets)
	}
}

// What the built-in network answers stays its own; only the rest comes out.
func TestUnansweredPacketsToAnOutsideSink(t *testing.T) {
	d := up(t, "behaves", 1, nil)
	d.m.TakeUnanswered(true)
	ping, other := echoRequest("192.0.2.2", "203.0.113.9"), ipPacket(6, "192.0.2.2", "192.0.2.80", make([]byte, 20))
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, ping))
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, other))
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, ipPacket(6, "192.0.2.3", "192.0.2.80", make([]byte, 20)))) // nobody routes back to it
	var got [][]byte
	for out, ok := d.m.Next(); ok; out, ok = d.m.Next() {
		if out.Kind == OutputPacket {
			got = append(got, bytes.Clone(out.Data))
		}
	}
	if len(got) != 1 || !bytes.Equal(got[0], other) || d.m.Counters().Echoes != 1 {
		t.Errorf("the sink got %x; %d pings were answered", got, d.m.Counters().Echoes)
	}
}

func TestNoPacketsBeforeIPCPIsOpen(t *testing.T) {
	h := newHost(load(t, "behaves"))
	h.say("ATD*99#\r", 0)
	h.got = nil
	h.m.SendPacket(h.now, echoRequest("203.0.113.9", "192.0.2.2"))
	h.take()
	h.m.Receive(h.now, hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.IP, echoRequest("192.0.2.2", "203.0.113.9")))
	h.take()
	if len(h.got) > 0 || h.m.Counters().PacketsIn > 0 {
		t.Errorf("%q, %+v", h.got, h.m.Counters())
	}
}

func TestEventsTellTheCall(t *testing.T) {
	h := newHost(load(t, "refuse-hangup"))
	h.say("ATD*99#\r", 0)
	var kinds []string
	for _, e := range h.events {
		kinds = append(kinds, e.Kind())
	}
	if want := []string{"at", "at", "packet"}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	if a := h.events[1].(event.AT); a.Dir != event.Sent || a.Text != "CONNECT 7200000" {
		t.Errorf("%+v", a)
	}
}

func TestEventsHidePasswords(t *testing.T) {
	d := newDialer(t, load(t, "behaves-pap"), 1, nil)
	d.m.Receive(d.now, []byte("ATD*99#\r"))
	var events []event.Event
	collect := func() {
		for out, ok := d.m.Next(); ok; out, ok = d.m.Next() {
			switch out.Kind {
			case OutputEvent:
				events = append(events, out.Event)
			case OutputWrite:
				d.fromModem(bytes.Clone(out.Data))
			default:
			}
		}
	}
	for range 20 {
		collect()
		d.now = d.now.Add(100 * time.Millisecond)
		d.m.Advance(d.now)
	}
	seen := false
	for _, e := range events {
		p, ok := e.(event.Packet)
		if ok && p.Protocol == packet.PAP && p.Dir == event.Rcvd {
			seen = true
			if bytes.Contains(p.Data, []byte(testPassword)) {
				t.Errorf("the password is in %q", p.Data)
			}
		}
	}
	if !seen {
		t.Error("no PAP packet in the trace")
	}
}

func TestQueueIsBounded(t *testing.T) { // a host that writes and never reads
	m := New(load(t, "wrong-port"), 1)
	m.Receive(epoch, []byte("ATD*99#\r"))
	block := bytes.Repeat([]byte{'x'}, 1<<16)
	for range 1000 {
		m.Receive(epoch, block)
	}
	if m.out.octets > maxQueued {
		t.Errorf("%d octets wait", m.out.octets)
	}
}

func TestQueueUsesItsSlotsAgain(t *testing.T) {
	var q queue
	for i := range 10000 {
		q.write(OutputWrite, epoch, []byte{1, 2, 3}, 0, 0)
		q.write(OutputWrite, epoch, []byte{4, 5, 6}, 0, 0)
		it, _ := q.next(epoch)
		if i%2 == 0 && !bytes.Equal(it.data, []byte{1, 2, 3}) && !bytes.Equal(it.data, []byte{4, 5, 6}) {
			t.Fatalf("%x", it.data)
		}
		if i%3 > 0 {
			q.next(epoch)
			q.next(epoch)
		}
	}
	if cap(q.items) > 64 && cap(q.items) > 4*(len(q.items)-q.head) {
		t.Errorf("%d slots for %d outputs", cap(q.items), len(q.items)-q.head)
	}
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	d := up(t, "behaves", 1, nil)
	frame := d.enc.Append(nil, packet.IP, echoRequest("192.0.2.2", "203.0.113.9"))
	got := 0
	once := func() {
		d.m.Receive(d.now, frame)
		for out, ok := d.m.Next(); ok; out, ok = d.m.Next() {
			got += len(out.Data)
		}
	}
	once()
	if a := testing.AllocsPerRun(200, once); a > 0 {
		t.Errorf("%v allocations for a packet", a)
	}
	if got == 0 {
		t.Error("no answer")
	}
}

// Whatever the host sends, and whatever the modem is, it neither panics nor grows without bound.
func FuzzReceive(f *testing.F) {
	names := Names(deviceFS)
	d := up(f, "behaves", 1, nil)
	var call []byte
	for _, line := range []string{"ATI\r", "AT+CPIN=1234\r", "ATD*99#\r"} {
		call = append(call, line...)
	}
	lcp := hdlc.NewEncoder(hdlc.DefaultConfig())
	call = lcp.Append(call, packet.LCP, []byte{1, 1, 0, 4})
	call = lcp.Append(call, packet.LCP, []byte{2, 1, 0, 4})
	call = lcp.Append(call, packet.PAP, []byte{1, 1, 0, 6, 0, 0})
	call = lcp.Append(call, packet.IPCP, []byte{1, 1, 0, 10, 3, 6, 0, 0, 0, 0})
	call = lcp.Append(call, packet.IP, echoRequest(d.up.Local.String(), "192.0.2.1"))
	for i := range names {
		f.Add(uint8(i), call)
	}
	f.Add(uint8(0), []byte("+++"))
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		m := New(load(t, names[int(which)%len(names)]), 1)
		now := epoch
		rng := rand.New(rand.NewPCG(uint64(len(b)), 1))
		for len(b) > 0 {
			n := 1 + rng.IntN(len(b))
			m.Receive(now, b[:n])
			b = b[n:]
			m.SetDTR(now, rng.IntN(50) > 0)
			for _, ok := m.Next(); ok; _, ok = m.Next() {
			}
			now = now.Add(time.Duration(rng.Int64N(int64(3 * time.Second))))
		}
		m.Advance(now.Add(10 * time.Second))
		if m.out.octets > maxQueued || len(m.agenda) > maxTasks || len(m.at.line) > maxLine {
			t.Error("grown without bound")
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	d := up(b, "behaves", 1, nil)
	payload := make([]byte, 1400)
	payload[0] = icmpEchoRequest
	frame := d.enc.Append(nil, packet.IP, ipPacket(protocolICMP, "192.0.2.2", "203.0.113.9", payload))
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		d.m.Receive(d.now, frame)
		for _, ok := d.m.Next(); ok; _, ok = d.m.Next() {
		}
	}
}

func BenchmarkCall(b *testing.B) {
	s := load(b, "behaves")
	b.ReportAllocs()
	for b.Loop() {
		d := newDialer(b, s, 1, nil)
		d.dial()
		d.run(time.Second, d.isUp)
		if !d.isUp() {
			b.Fatal("not up")
		}
	}
}
