package mimic_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

var (
	someLines = []string{"AT", "ATZ", "ATE0V1", "AT+CPIN?", "+CPIN: SIM PIN", "AT+CPIN=\"1\"", "OK", "ERROR", "+CME ERROR: 10", "AT+CREG?", "+CREG: 0,2", "+CREG: 1",
		`AT+CGDCONT=1,"IP","x"`, "AT+CGDCONT=", `AT+ZGDCONT=9,"IPV6"`, "AT+CGMM", "M1", "AT+CFUN?", "+CFUN: 4", "AT+CGATT?", "+CGATT: 0", "ATD*99***1#", "ATDT*99#", "ATD", "ATX3;D\"",
		"CONNECT", "CONNECT 115200", "NO CARRIER", "BUSY", "AT+X=\"\";+Y", "AT+CGAUTH=1,1", "~~", "at&", "AT%"}
	someProtocols = []uint16{packet.LCP, packet.LCP, packet.PAP, packet.CHAP, packet.EAP, packet.IPCP, packet.IPCP, packet.IPV6CP, packet.CCP, packet.CBCP, 0x21}
	someOptions   = []uint8{1, 2, 3, 3, 5, 7, 8, 13, 129, 130, 131, 132, 200}
)

// records makes a stream of records of octets: whatever they are, it is a stream.
func records(b []byte) (all []event.Record) {
	now := epoch
	take := func() int {
		if len(b) == 0 {
			return 0
		}
		n := int(b[0])
		b = b[1:]
		return n
	}
	for n := int64(1); len(b) > 0 && n < 400; n++ {
		kind, dir := take(), event.Dir(take()%2)
		now = now.Add(time.Duration(take()) * 40 * time.Millisecond)
		var e event.Event
		switch kind % 12 {
		case 0, 1, 2:
			e = event.AT{Dir: dir, Text: someLines[take()%len(someLines)]}
		case 3:
			e = []event.Event{event.Phase{Phase: event.PhaseDial}, event.Phase{Phase: event.PhaseIPCP}, event.Up{}, event.Down{ExitCode: take()}, event.Attempt{Number: 2}, event.State{},
				event.Failure{Phase: event.PhaseIPCP, Cause: event.FailedCarrierLost}, event.Failure{Cause: event.FailedGarbage}, event.Unread{}, event.Probe{Result: "sent"},
				event.Log{Text: "Connect: ppp0", Means: []string{event.MeansConnect}}, event.Log{Text: "Modem hangup", Means: []string{event.MeansHangup}}, event.Text{Text: "NO CARRIER"}, event.Text{Text: `login:\r\n`},
				event.Finding{ID: "ipcp-empty-nak"}, event.Device{Model: "M\"\n1", USB: "x"}, event.Data{Dir: dir}}[take()%17]
		default:
			var data []byte
			for range take() % 5 {
				o := packet.Option{Type: someOptions[take()%len(someOptions)], Data: binary.BigEndian.AppendUint32(nil, uint32(take())<<24|uint32(take()))[:take()%5]}
				data = o.AppendTo(data)
			}
			p := packet.Packet{Code: uint8(1 + take()%13), ID: uint8(take() % 4), Data: data}
			protocol := someProtocols[take()%len(someProtocols)]
			e = event.Packet{Dir: dir, Protocol: protocol, Data: p.AppendTo(nil)}
		}
		r := event.Record{Time: now, Event: e, Pos: event.Pos{Line: n}}
		if kind >= 250 {
			r.Time = time.Time{}
		}
		all = append(all, r)
	}
	return all
}

// whatever compares and mimics two streams: nothing panics, and what is written can be read.
func whatever(t *testing.T, a, b []event.Record) {
	good, bad := linktest.Calls(a), linktest.Calls(b)
	if r, ok := compare.Compare(compare.Recording{Name: "a", Calls: good}, compare.Recording{Name: "b", Calls: bad}); ok {
		var out bytes.Buffer
		_ = r.WriteText(&out, compare.TextOptions{All: true})
		if r.Sentence == "" {
			t.Error("nothing is said")
		}
	}
	if len(good) == 0 {
		return
	}
	scenario, _ := mimic.Modem(good, "a", sim.Asking)
	if _, err := sim.Parse("made.sim.toml", []byte(scenario)); err != nil {
		t.Errorf("%v\n%s", err, scenario)
	}
	text, _ := mimic.Profile(good[0], "a")
	profile(t, text)
}

func TestRandomRecords(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 200+rng.IntN(3000))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		whatever(t, records(b[:len(b)/2]), records(b[len(b)/2:]))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte{0, 0, 1, 12, 0, 0, 0, 21, 0, 1, 1, 25}, []byte{4, 0, 1, 1, 3, 0, 0, 4, 0, 1, 5})
	f.Fuzz(func(t *testing.T, a, b []byte) { whatever(t, records(a), records(b)) })
}
