package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// dial dials a scenario in virtual time with these settings and no profile.
func dial(t testing.TB, scenario string, set ...string) []event.Record {
	t.Helper()
	s, err := sim.Load(knak.Files, scenario)
	if err != nil {
		t.Fatal(err)
	}
	db, _ := quirks.Open(quirks.Sources{})
	cfg := link.Config{Name: "test", Once: true, Timeout: 2 * time.Minute, Random: rand.NewChaCha8([32]byte{1}),
		Resolve: policy.Resolver{DB: db, Set: append([]string{"auth.try_blank=false"}, set...)}.Resolve}
	return simulate.Run(cfg, sim.New(s, 1), epoch, 5*time.Minute).Records
}

// The two dialers of the seed: one that does as Windows does, and one as pppd.
var (
	windows = []string{"auth.user=", "lcp.request=mru,accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2", "ipcp.widen=[]"}
	pppd    = []string{"auth.user=wap", "ipcp.request=address", "ipcp.widen=[]"}
)

// of compares two streams of records.
func of(t testing.TB, good, bad []event.Record) compare.Result {
	t.Helper()
	r, ok := compare.Compare(compare.Recording{Name: "good", Calls: linktest.Calls(good)}, compare.Recording{Name: "bad", Calls: linktest.Calls(bad)})
	if !ok {
		t.Fatal("there is nothing to compare")
	}
	return r
}

const seedSentence = `The working one sends an empty name and asks for DNS and NBNS; the failing one sends the name "wap" and asks for an address only.`

func TestSeed(t *testing.T) {
	r := of(t, dial(t, "huawei/e398", windows...), dial(t, "huawei/e398", pppd...))
	if r.Sentence != seedSentence {
		t.Errorf("sentence: %s", r.Sentence)
	}
	if want := []string{"auth.user=", "ipcp.request=address,dns1,nbns1,dns2,nbns2"}; !slices.Equal(r.Settings, want) {
		t.Errorf("settings %q, want %q", r.Settings, want)
	}
	// What it says is true: knak told so, and else as the failing one, comes up.
	if again := dial(t, "huawei/e398", append(slices.Clone(pppd), r.Settings...)...); !linktest.Calls(again)[0].Worked() {
		t.Error("with the settings it does not come up")
	}
	var b bytes.Buffer
	if err := r.WriteText(&b, compare.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 && !strings.Contains(line, "--set") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	golden.Same(t, filepath.Join("testdata", "seed.golden"), b.Bytes(), "")
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Same(t, filepath.Join("testdata", "seed.json"), append(text, '\n'), "")
	b.Reset()
	if err := r.WriteText(&b, compare.TextOptions{Color: true, Width: 100, All: true}); err != nil {
		t.Fatal(err)
	}
	golden.Same(t, filepath.Join("testdata", "seed_color.golden"), b.Bytes(), "")
}

func TestSwapped(t *testing.T) {
	r := of(t, dial(t, "huawei/e398", pppd...), dial(t, "huawei/e398", windows...))
	if !r.Swapped || r.Sentence != seedSentence || r.Good.Name != "bad" {
		t.Errorf("swapped %v, good %q: %s", r.Swapped, r.Good.Name, r.Sentence)
	}
	if len(r.Remarks) == 0 || !strings.Contains(r.Remarks[0], "exchanged") {
		t.Errorf("nothing says so: %q", r.Remarks)
	}
}

// pairs are two dialers, or two modems, that are different in one thing.
var pairs = []struct {
	name      string
	scenario  string
	other     string // of the bad one; "": the same
	good, bad []string
	id        string // the most telling difference
	sentence  string
	settings  string
}{
	{name: "nothing", scenario: "behaves-pap", sentence: "Nothing that matters is different."},
	{name: "only the name", scenario: "empty-naks-user", good: []string{"auth.user="}, bad: []string{"auth.user=x"},
		id: "auth-name", sentence: `The working one sends an empty name; the failing one sends the name "x".`, settings: "auth.user="},
	{name: "DNS is knak's default", scenario: "empty-naks-dns", bad: []string{"ipcp.request=address", "ipcp.widen=[]"},
		id: "ipcp-options", sentence: "The working one asks for DNS; the failing one asks for an address only."},
	{name: "the APN", scenario: "apn-empty-naks", good: []string{"context.apn=right.example"}, bad: []string{"context.apn=wap.example"},
		id: "apn", sentence: `The working one uses the APN "right.example"; the failing one uses the APN "wap.example".`, settings: "context.apn=right.example"},
	{name: "a command", scenario: "huawei/e220", good: []string{`at.init=["AT+CURC=0"]`},
		id: "at-command", sentence: `The first one sends AT+CURC=0; the second one does not send AT+CURC=0.`, settings: `at.init=["AT+CURC=0"]`},
	{name: "the number", scenario: "behaves-pap", good: []string{"dial.number=*99#"},
		id: "dial-number", sentence: "The first one dials *99#; the second one dials *99***1#.", settings: "dial.number=*99#"},
	{name: "patience", scenario: "empty-naks-4s", bad: []string{"ipcp.deadline=2s"},
		id: "patience", sentence: "The working one asks in IPCP for 4.0 s; the failing one asks in IPCP for 1.6 s."},
	{name: "the order of options", scenario: "behaves-pap", good: []string{"lcp.request=acfc,pfc,magic,accm"},
		id: "lcp-order", sentence: "The two differ in the order of the LCP options.", settings: "lcp.request=acfc,pfc,magic,accm"},
	{name: "IPv6", scenario: "behaves-ipv6", good: []string{"ipv6cp.enable=always"},
		id: "ipv6cp", sentence: "The first one tries IPv6; the second one does not try IPv6.", settings: "ipv6cp.enable=always"},
	{name: "silence after CONNECT", scenario: "behaves-pap", good: []string{"dial.connect_delay=2s"},
		id: "connect-delay", sentence: "The first one is silent for 2.0 s after CONNECT; the second one is silent for 0.0 s after CONNECT.", settings: "dial.connect_delay=2s"},
	{name: "another modem", scenario: "behaves-pap", other: "auth-failure-pap",
		sentence: "Both dialers did the same, as far as the recordings show it. The modem did not: the working one gets success; the failing one gets failure."},
	{name: "no CONNECT", scenario: "behaves-pap", other: "dial-busy",
		sentence: "Both dialers did the same, as far as the recordings show it. The modem did not: the working one gets CONNECT; the failing one gets BUSY."},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			other := p.other
			if other == "" {
				other = p.scenario
			}
			r := of(t, dial(t, p.scenario, p.good...), dial(t, other, p.bad...))
			id := ""
			if len(r.Host) > 0 {
				id = r.Host[0].ID
			}
			if id != p.id || r.Sentence != p.sentence || strings.Join(r.Settings, " ") != p.settings {
				t.Errorf("%s: %s %q", id, r.Sentence, r.Settings)
			}
		})
	}
}

// A dialer that waits for the modem's first packet, as pppd's option silent makes it.
func TestWhoSpeaksFirst(t *testing.T) {
	request := func(d event.Dir, at time.Duration) event.Record {
		return event.Record{Time: epoch.Add(at), Event: event.Packet{Dir: d, Protocol: packet.LCP, Data: []byte{packet.ConfigureRequest, 1, 0, 4}}}
	}
	at := func(host, modem time.Duration) []event.Record {
		list := []event.Record{request(event.Sent, host), request(event.Rcvd, modem)}
		slices.SortFunc(list, func(a, b event.Record) int { return a.Time.Compare(b.Time) })
		return list
	}
	r := of(t, at(2*time.Second, 0), at(0, 100*time.Millisecond))
	if len(r.Host) != 1 || r.Host[0].ID != "first-speaker" || r.Host[0].Good.Text != "the modem" {
		t.Errorf("%+v", r.Host)
	}
	if r := of(t, at(0, 2*time.Second), at(100*time.Millisecond, 0)); len(r.Host) != 0 {
		t.Errorf("a slow modem is no difference of the hosts: %+v", r.Host)
	}
}

// A modem that begins LCP anew in the middle of a call.
func TestLCPOnceMore(t *testing.T) {
	good := dial(t, "behaves-pap")
	i := slices.IndexFunc(good, func(r event.Record) bool {
		p, ok := r.Event.(event.Packet)
		return ok && p.Protocol == packet.IPCP
	})
	bad := slices.Insert(slices.Clone(good), i+2, event.Record{Time: good[i].Time.Add(time.Second),
		Event: event.Packet{Dir: event.Rcvd, Protocol: packet.LCP, Data: []byte{packet.ConfigureRequest, 9, 0, 4}}})
	if r := of(t, good, bad); len(r.Modem) != 1 || r.Modem[0].ID != "lcp-again" {
		t.Errorf("%+v", r.Modem)
	}
}

// log writes records as pppd's debug log has them: no AT dialogue, no phases.
func log(records []event.Record) []event.Record {
	var b bytes.Buffer
	fmt.Fprintln(&b, "Serial connection established.\nUsing interface ppp0\nConnect: ppp0 <--> /dev/ttyUSB0")
	for _, r := range records {
		if p, ok := r.Event.(event.Packet); ok {
			fmt.Fprintln(&b, p.Line())
		}
	}
	return reread(b.Bytes())
}

// lines writes records as JSON Lines.
func lines(records []event.Record) []event.Record {
	var b bytes.Buffer
	w := event.NewJSONWriter(&b)
	for _, r := range records {
		w.Record(r)
	}
	return reread(b.Bytes())
}

func reread(text []byte) (all []event.Record) {
	r, err := read.Open(bytes.NewReader(text), read.Options{Name: "test"})
	if err != nil {
		panic(err)
	}
	for rec, err := range read.All(r) {
		if err != nil {
			panic(err)
		}
		all = append(all, rec)
	}
	return all
}

// The same call from another source has no other difference in it, and two sources give the same sentence.
func TestOtherSources(t *testing.T) {
	good, bad := dial(t, "huawei/e398", windows...), dial(t, "huawei/e398", pppd...)
	for _, s := range []struct {
		name      string
		good, bad []event.Record
	}{{"JSON and log", lines(good), log(bad)}, {"log and JSON", log(good), lines(bad)}, {"logs", log(good), log(bad)}} {
		if r := of(t, s.good, s.bad); r.Sentence != seedSentence {
			t.Errorf("%s: %s", s.name, r.Sentence)
		}
	}
	for _, name := range []string{"huawei/e398", "behaves-eap", "pap-only", "refuse-hangup", "mru-1440", "stray-options"} {
		a := dial(t, name)
		for _, b := range [][]event.Record{lines(a), log(a)} {
			r := of(t, a, b)
			for _, d := range append(r.Host, r.Modem...) {
				if d.ID != "ending" { // a log of packets alone does not show who hung up
					t.Errorf("%s: %s: %s, %s", name, d.What, d.Good.Text, d.Bad.Text)
				}
			}
		}
	}
}

// A recording that stops early has no difference to the whole one, wherever it stops.
func TestTruncated(t *testing.T) {
	whole := dial(t, "pap-only", "context.apn=internet", `at.init=["AT+CURC=0"]`)
	for n := range whole {
		calls := linktest.Calls(whole[:n])
		if len(calls) == 0 {
			continue
		}
		r := of(t, whole, whole[:n])
		for _, d := range r.Host {
			if d.Protocol != "at" { // a command that would have come later looks as if it were not sent
				t.Errorf("cut after record %d: %s: %s, %s", n, d.What, d.Good.Text, d.Bad.Text)
			}
		}
	}
	r := of(t, dial(t, "huawei/e398", windows...), log(dial(t, "huawei/e398", pppd...))[:14])
	if !strings.Contains(strings.Join(r.Remarks, "\n"), "stops in") {
		t.Errorf("nothing says that the recording is cut: %q", r.Remarks)
	}
}

// A recording of several calls can be compared with itself: its last good call with its last bad one.
func TestTwoCallsOfOneRecording(t *testing.T) {
	both := append(dial(t, "empty-naks-user", "auth.user=x", "ipcp.deadline=5s"), dial(t, "empty-naks-user", "auth.user=")...)
	r := of(t, both, both)
	if !r.Good.Worked || r.Bad.Worked || r.Good.Call == r.Bad.Call {
		t.Errorf("compared call %d with call %d", r.Good.Call, r.Bad.Call)
	}
	if want := `The working one sends an empty name; the failing one sends the name "x".`; r.Sentence != want {
		t.Error(r.Sentence)
	}
}

// Names that were hidden before a log was posted may be the same: nothing is said of them.
func TestHiddenNames(t *testing.T) {
	name := func(n string) []event.Record {
		data := append([]byte{byte(len(n))}, n...)
		data = append(data, 0)
		return []event.Record{{Event: event.Packet{Dir: event.Sent, Protocol: packet.PAP, Data: packet.Packet{Code: packet.PAPRequest, ID: 1, Data: data}.AppendTo(nil)}}}
	}
	if r := of(t, name("<user>"), name("web")); len(r.Host) != 0 {
		t.Errorf("%+v", r.Host)
	}
	if r := of(t, name("<user>"), name("")); len(r.Host) != 1 {
		t.Errorf("an empty name and a hidden one: %+v", r.Host)
	}
}

// FuzzCompare feeds anything that can be read: nothing panics, and what is written keeps its columns.
func FuzzCompare(f *testing.F) {
	f.Add([]byte("sent [LCP ConfReq id=0x1 <asyncmap 0x0>]\nrcvd [IPCP ConfNak id=0x1]\n"), []byte("AT+CGDCONT=1,\"IP\",\"x\"\nATD*99#\nCONNECT\n"))
	f.Add([]byte(`{"t":"2026-11-22T12:00:00Z","event":"at","dir":"sent","text":"ATD*99#"}`), []byte("sent [CHAP Response id=0x1 <00>, name = \"\"]"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		read := func(text []byte) []*call.Call {
			r, err := read.Open(bytes.NewReader(text), read.Options{})
			if err != nil {
				return nil
			}
			calls, _ := call.Read(read.All(r))
			return calls
		}
		r, ok := compare.Compare(compare.Recording{Name: "a", Calls: read(a)}, compare.Recording{Name: "b", Calls: read(b)})
		if !ok {
			return
		}
		var out bytes.Buffer
		_ = r.WriteText(&out, compare.TextOptions{Color: true, All: true})
		if strings.ContainsAny(strings.ReplaceAll(out.String(), "\x1b[", ""), "\x00\x07\x1b\r") {
			t.Errorf("control characters reach the terminal: %q", out.String())
		}
	})
}

// Where the dialers differ in little and the modem in much, that is said; and where the recordings do not show the reason.
func TestWhatTheDialersDoNotExplain(t *testing.T) {
	r := of(t, dial(t, "behaves-pap", "lcp.request=acfc,pfc,magic,accm"), dial(t, "auth-failure-pap"))
	if want := "The dialers differ in little (order of the LCP options). The modem does more: the working one gets success; the failing one gets failure."; r.Sentence != want {
		t.Error(r.Sentence)
	}
	failed := append(slices.Clone(dial(t, "behaves-pap")), event.Record{Event: event.Failure{Phase: event.PhaseProve, Cause: event.FailedCarriesNothing}})
	failed = slices.DeleteFunc(failed, func(r event.Record) bool { return r.Event.Kind() == "up" })
	r = of(t, dial(t, "behaves-pap"), failed)
	if want := "Nothing that matters is different, as far as the recordings show it: what made one of them fail is not in them."; r.Sentence != want {
		t.Errorf("%s %+v", r.Sentence, r.Modem)
	}
	commands := []event.Record{{Event: event.AT{Dir: event.Sent, Text: "ATD*99#"}}}
	packets := []event.Record{{Event: event.Packet{Dir: event.Sent, Protocol: packet.LCP, Data: []byte{1, 1, 0, 4}}}}
	if r := of(t, commands, packets); !strings.Contains(r.Sentence, "nothing that could be compared") {
		t.Error(r.Sentence)
	}
}
