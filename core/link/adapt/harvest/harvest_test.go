package harvest

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/quirks"
)

func database(t *testing.T) *quirks.DB {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return db
}

// found is what a search would have found.
func found(db *quirks.DB, failure learn.Failure, set ...string) *Found {
	f := &Found{Device: event.Device{Vendor: "acme", Model: "M 1", Firmware: "1"}, Database: db}
	for _, s := range set {
		key, value, _ := strings.Cut(s, "=")
		f.Verdict.Set = append(f.Verdict.Set, learn.Setting{Key: key, Value: value, Reason: "It may " + key + "."})
	}
	f.Verdict.Learned, f.Verdict.Ups, f.Verdict.Of, f.Verdict.Failed = true, 2, 2, failure
	f.Trials = []learn.Trial{{What: "as it is", Failure: failure}, {What: "more", Settings: f.Verdict.Set, Up: true, Took: 1500 * time.Millisecond}}
	return f
}

// Scenarios are drawn that show need and cure of nearly everything that is learned; where that fails, nothing is claimed.
func TestScenariosShowNeedAndCure(t *testing.T) {
	db := database(t)
	ipcp := learn.Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseIPCP, Method: "pap"}
	lcp := learn.Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseLCP}
	dial := learn.Failure{Kind: event.FailedDialRefused, Phase: event.PhaseDial}
	for _, tt := range []struct {
		failure learn.Failure
		set     []string
		want    string // in the scenario
	}{
		{ipcp, []string{"auth.user="}, "user_not"},
		{ipcp, []string{"auth.user=internet"}, "user_not"},
		{ipcp, []string{"auth.allow=pap"}, "method_not"},
		{ipcp, []string{"auth.allow=pap", "auth.user=internet"}, "method_not"},
		{ipcp, []string{"ipcp.request=address"}, "dns1"},
		{learn.Failure{Kind: event.FailedTimeout, Phase: event.PhaseIPCP}, []string{"ipcp.request=address"}, "dns1"},
		{ipcp, []string{"ipcp.request=address,dns1,nbns1,dns2,nbns2"}, "nbns1"},
		{ipcp, []string{"ipcp.widen="}, "nbns1"},
		{ipcp, []string{"ipcp.empty_nak_pace=3s", "ipcp.free_naks=0"}, "sooner"},
		{lcp, []string{"lcp.request="}, "accm"},
		{lcp, []string{"lcp.request=mru"}, "mru"},
		{learn.Failure{Kind: event.FailedTimeout, Phase: event.PhaseLCP}, []string{"lcp.request="}, "accm"},
		{dial, []string{"dial.number=*98*1#"}, "number"},
		{dial, []string{"context.cid=3"}, "number"},
		{dial, []string{"registration.attach=request"}, "asked"},
		{learn.Failure{Kind: event.FailedRegistrationDenied, Phase: event.PhaseDial}, []string{"registration.require=false"}, "0,3"},
		{learn.Failure{Kind: event.FailedModemSilent, Phase: event.PhaseDial, Command: "AT+CSQ"}, []string{"at.never+=AT+CSQ"}, "deaf"},
		{learn.Failure{Kind: event.FailedModemSilent, Phase: event.PhaseDial}, []string{"at.char_delay=40ms"}, "pace"},
		{learn.Failure{Kind: event.FailedModemSilent, Phase: event.PhaseDial}, []string{"at.ready_wait=45s"}, "boot"},
		{learn.Failure{Kind: event.FailedTimeout, Phase: event.PhaseIPCP}, []string{"lcp.send_accm=0xffffffff"}, "control"},
		{learn.Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseUp, Up: time.Second}, []string{"lcp.echo_mode=off"}, "dropped"},
		{ipcp, []string{"registration.require=false", "auth.user="}, "user_not"},
	} {
		f := found(db, tt.failure, tt.set...)
		if text := f.scenario(); !strings.Contains(text, tt.want) || !strings.Contains(text, "expect.without") {
			t.Errorf("%v after %s in %s: not drawn:\n%s\n%s", tt.set, tt.failure.Kind, tt.failure.Phase, f.faults(), text)
		}
	}
	odd := found(db, ipcp, "prove.limit=1m")
	if text := odd.scenario(); strings.Contains(text, "expect") {
		t.Errorf("a need is claimed that was not seen:\n%s", text)
	}
}

// What is written can be loaded, names what was seen without each setting, and lists of one key stand together.
func TestFiles(t *testing.T) {
	f := found(database(t), learn.Failure{Kind: event.FailedModemSilent, Phase: event.PhaseDial, Command: "AT+CSQ"}, "at.never+=AT+CSQ", "at.never+=AT+CIMI", "auth.user=")
	files := f.Files()
	if files[0].Name != "quirks.d/acme/m-1.toml" || files[1].Name != "devices.d/acme-m-1.toml" {
		t.Errorf("%v", files)
	}
	for _, want := range []string{`add = ["AT+CSQ", "AT+CIMI"]`, "[auth.user]\nvalue = \"\"", "Without it call 1 ended in phase dial: modem-silent.", `confidence = "hardware"`} {
		if !strings.Contains(files[0].Text, want) {
			t.Errorf("no %q in\n%s", want, files[0].Text)
		}
	}
	if m := Matrix(f.Trials); !strings.Contains(m, "   1 ... dial modem-silent\n   2 abc up\n") {
		t.Errorf("matrix:\n%s", m)
	}
}

// An export holds the files and what passed, without what identifies somebody.
func TestExport(t *testing.T) {
	f := found(database(t), learn.Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseIPCP}, "auth.user=")
	trace := func(yield func(event.Record, error) bool) {
		_ = yield(event.Record{Link: "home", Event: event.AT{Dir: event.Rcvd, Text: "001010123456789"}}, nil) &&
			yield(event.Record{Link: "home", Event: event.Up{Local: "198.51.100.7"}}, nil)
	}
	var b bytes.Buffer
	if err := f.Export(&b, time.Unix(0, 0), trace); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	all := ""
	for _, file := range z.File {
		names = append(names, file.Name)
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		all += string(text)
	}
	for _, want := range []string{"verdict.json", "matrix.txt", "quirks.d/acme/m-1.toml", "experiments.jsonl"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s: %v", want, names)
		}
	}
	for _, secret := range []string{"001010123456789", "198.51.100.7", "home"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in it", secret)
		}
	}
}

// A modem that came up in every call, because knak asked again with fewer options within it, is said to have come up: what is written
// tells how much sooner it is up, and the scenario shows that.
func TestUpInEveryCall(t *testing.T) {
	f := found(database(t), learn.Failure{}, "ipcp.request=address")
	f.Trials[0].Up, f.Trials[0].Took = true, 17*time.Second
	if text := f.profile(); !strings.Contains(text, "Without it call 1 took 17s, with it call 2 took 1.5s.") || strings.Contains(text, "a call failed") {
		t.Error(text)
	}
	if text := f.scenario(); !strings.Contains(text, "do = \"drop\"") || !strings.Contains(text, "slower") {
		t.Error(text)
	}
}
