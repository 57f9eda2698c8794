package mimic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// dial dials a scenario in virtual time without a profile, with what it wants said and further settings.
func dial(t testing.TB, s sim.Scenario, expect *sim.Expect, set ...string) simulate.Result {
	t.Helper()
	if expect == nil {
		expect = &sim.Expect{}
	}
	if expect.User != nil {
		set = append(set, "auth.user="+*expect.User)
	}
	db, _ := quirks.Open(quirks.Sources{})
	cfg := link.Config{Name: "test", Once: expect.Hold == 0, MaxTime: time.Duration(expect.Hold), Timeout: 2 * time.Minute,
		PIN: auth.NewSecret(expect.PIN), Password: auth.NewSecret(expect.Password), Random: rand.NewChaCha8([32]byte{1}),
		Resolve: policy.Resolver{DB: db, Set: append(set, expect.Set...)}.Resolve}
	return simulate.Run(cfg, sim.New(s, 1), epoch, 5*time.Minute+time.Duration(expect.Hold))
}

func finding(d simulate.Result) string {
	id := ""
	for _, r := range d.Records {
		if f, ok := r.Event.(event.Finding); ok {
			id = f.ID
		}
	}
	return id
}

// mimicked dials a scenario, makes one from what was seen, dials that, and says what is different; "" where nothing is.
func mimicked(t testing.TB, s sim.Scenario) (text, different string) {
	t.Helper()
	a := dial(t, s, s.Expect)
	calls := linktest.Calls(a.Records)
	text, _ = mimic.Modem(calls, "the recording", sim.Asking)
	made, err := sim.Parse("made.sim.toml", []byte(text))
	if err != nil {
		return text, "the scenario is refused: " + err.Error()
	}
	b := dial(t, made, s.Expect)
	if a.Outcome.Kind != b.Outcome.Kind {
		return text, fmt.Sprintf("ends with %v instead of %v", b.Outcome.Kind, a.Outcome.Kind)
	}
	if fa, fb := finding(a), finding(b); fa != fb {
		return text, fmt.Sprintf("finding %q instead of %q", fb, fa)
	}
	again := linktest.Calls(b.Records)
	if len(again) != len(calls) {
		return text, fmt.Sprintf("%d calls instead of %d", len(again), len(calls))
	}
	for i := range calls {
		for _, d := range linktest.Differ(calls[i], again[i]).Modem {
			return text, fmt.Sprintf("call %d: %s: %s instead of %s", i+1, d.What, d.Bad.Text, d.Good.Text)
		}
	}
	return text, ""
}

// unlike are the scenarios that one recording does not give back, and why.
var unlike = map[string]string{
	"huawei/e220-again": "it connects first and refuses later, and only the refusal is copied",
	"data-mode-stuck":   "what an old call sends into command state belongs to no call that the recording shows",
}

// Every shipped scenario is dialled and mimicked from the recording alone; dialled again, the mimicked one ends the same way,
// with the same finding, and nothing that matters in what the modem does is different.
func TestModemOfEveryScenario(t *testing.T) {
	failing := 0
	for _, name := range sim.Names(knak.Files) {
		s := load(t, name)
		text, why := mimicked(t, s)
		switch known := unlike[name]; {
		case why != "" && known == "":
			t.Errorf("%s: %s\n%s", name, why, text)
		case why == "" && known != "":
			t.Errorf("%s is given back after all; take it out of the list", name)
		}
		if a := dial(t, s, s.Expect); finding(a) != "" {
			failing++
		}
	}
	if failing < 40 {
		t.Errorf("only %d scenarios go wrong: this shows little", failing)
	}
}

// The scenarios whose fault a log of packets alone shows, without times and commands: as pppd's debug option writes it.
var shownByPackets = []string{
	"auth-failure-chap", "auth-failure-pap", "auth-failure-ms-chapv2", "empty-naks", "empty-naks-dns", "endless-same-nak", "endless-address-nak",
	"bogus-address-zero", "bogus-address-link-local", "rejects-address", "rejects-dns", "no-own-request", "no-peer-address",
	"pap-only", "dns-placeholders-acked", "dns-zero", "wants-wins", "mru-1440", "refuse-terminate-lcp", "refuse-protocol-reject", "stray-options",
}

func TestModemOfLogs(t *testing.T) {
	for _, name := range shownByPackets {
		s := load(t, name)
		a := dial(t, s, s.Expect)
		var b bytes.Buffer
		fmt.Fprintln(&b, "Serial connection established.\nUsing interface ppp0\nConnect: ppp0 <--> /dev/ttyUSB0")
		for _, r := range a.Records {
			if p, ok := r.Event.(event.Packet); ok {
				fmt.Fprintln(&b, p.Line())
			}
		}
		in, err := read.Open(&b, read.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		calls, err := call.Read(read.All(in))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := mimic.Modem(calls, name+".log", sim.Asking)
		made, err := sim.Parse("made.sim.toml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		m := dial(t, made, s.Expect)
		if a.Outcome.Kind != m.Outcome.Kind || finding(a) != finding(m) {
			t.Errorf("%s: ends with %v, %q instead of %v, %q\n%s", name, m.Outcome.Kind, finding(m), a.Outcome.Kind, finding(a), text)
		}
	}
}

// No number, name or address of a subscriber's gets into a profile or a scenario.
func TestNothingPrivateIsCopied(t *testing.T) {
	at := func(d event.Dir, text string) event.Record { return event.Record{Event: event.AT{Dir: d, Text: text}} }
	ppp := func(d event.Dir, protocol uint16, code uint8, data []byte) event.Record {
		return event.Record{Event: event.Packet{Dir: d, Protocol: protocol, Data: packet.Packet{Code: code, ID: 1, Data: data}.AppendTo(nil)}}
	}
	address := func(last byte) []byte {
		return packet.AppendOptions(nil, []packet.Option{{Type: packet.IPCPAddress, Data: []byte{100, 64, 7, last}}, {Type: packet.IPCPDNS1, Data: []byte{100, 64, 8, last}}})
	}
	records := []event.Record{
		at(event.Sent, "AT+CPIN=4711"), at(event.Rcvd, "OK"),
		at(event.Sent, "AT+CIMI"), at(event.Rcvd, "262019876543210"), at(event.Rcvd, "OK"),
		at(event.Sent, `AT+CGDCONT=1,"IP","own.apn.example"`), at(event.Rcvd, "OK"),
		at(event.Sent, `AT+CGAUTH=1,2,"joe","geheim"`), at(event.Rcvd, "OK"),
		at(event.Sent, "ATDT01712345678"), at(event.Rcvd, "CONNECT"),
		ppp(event.Rcvd, packet.LCP, packet.ConfigureRequest, packet.AppendOptions(nil, []packet.Option{packet.AuthOption(packet.PAP, 0)})),
		ppp(event.Sent, packet.PAP, packet.PAPRequest, append(append([]byte{15}, "262019876543210"...), append([]byte{6}, "geheim"...)...)),
		ppp(event.Rcvd, packet.PAP, packet.PAPAck, nil),
		ppp(event.Sent, packet.IPCP, packet.ConfigureRequest, address(1)),
		ppp(event.Rcvd, packet.IPCP, packet.ConfigureNak, address(2)),
		ppp(event.Sent, packet.IPCP, packet.ConfigureRequest, address(2)),
		ppp(event.Rcvd, packet.IPCP, packet.ConfigureAck, address(2)),
	}
	hider := private.NewHider() // as every reader has one
	for i := range records {
		records[i] = hider.Record(records[i])
	}
	calls := linktest.Calls(records)
	profile, h := mimic.Profile(calls[0], "x.log")
	scenario, _ := mimic.Modem(calls, "x.log", sim.Asking)
	for _, text := range []string{profile, scenario} {
		for _, secret := range []string{"4711", "2620198", "0171", "geheim", "joe", "100.64."} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in\n%s", secret, text)
			}
		}
	}
	if strings.Contains(scenario, "own.apn") {
		t.Errorf("the APN is in the scenario:\n%s", scenario)
	}
	var told []string
	for _, c := range h.Cannot {
		told = append(told, c.What)
	}
	for _, flag := range []string{"--number", "--user", "--password-file"} {
		if !strings.Contains(strings.Join(told, "\n"), flag) {
			t.Errorf("nothing says that %s must be given: %q", flag, told)
		}
	}
}

// FuzzMimic makes profiles and scenarios of anything that can be read: both can be read themselves.
func FuzzMimic(f *testing.F) {
	f.Add([]byte("sent [LCP ConfReq id=0x1 <asyncmap 0x0>]\nrcvd [IPCP ConfNak id=0x1]\n"))
	f.Add([]byte("send (AT+CGDCONT=1,\"IP\",\"x\"^M)\nexpect (OK)\nOK\nsend (ATD*99#^M)\nCONNECT\nsent [IPCP ConfReq id=0x1 <addr 1.2.3.4>]\nrcvd [IPCP ConfRej id=0x1 <addr 1.2.3.4>]\n"))
	f.Add([]byte(`{"t":"2026-11-22T12:00:00Z","event":"at","dir":"sent","text":"AT+\u0001\"=#"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		in, err := read.Open(bytes.NewReader(text), read.Options{})
		if err != nil {
			return
		}
		calls, _ := call.Read(read.All(in))
		if len(calls) == 0 {
			return
		}
		scenario, _ := mimic.Modem(calls, string(text), sim.Asking)
		if _, err := sim.Parse("made.sim.toml", []byte(scenario)); err != nil {
			t.Errorf("%v\n%s", err, scenario)
		}
		made, _ := mimic.Profile(calls[len(calls)-1], string(text))
		profile(t, made)
	})
}
