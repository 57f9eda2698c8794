package firstdial

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
)

func TestNext(t *testing.T) {
	noAPN := event.Notice{About: event.NoticeNoAPN}
	refused := event.Finding{Category: "apn-or-account-not-accepted"}
	several := link.Outcome{Kind: event.FailedTimeout, Err: errors.Join(&device.SeveralError{Ports: []string{"/dev/ttyUSB0", "/dev/ttyUSB4"}})}
	for _, c := range []struct {
		name    string
		outcome link.Outcome
		heard   []event.Event
		answers Answers
		want    Question
	}{
		{"it works", link.Outcome{Kind: link.KindDone}, []event.Event{noAPN}, Answers{}, Nothing},
		{"several modems", several, nil, Answers{}, WhichPort},
		{"several, and one was named", several, nil, Answers{Port: "/dev/ttyUSB0"}, Nothing},
		{"a PIN is needed", link.Outcome{Kind: event.FailedPINNeeded}, nil, Answers{}, WhichPIN},
		{"a PIN was refused", link.Outcome{Kind: event.FailedPINWrong}, nil, Answers{PINFile: "pin"}, Nothing},
		{"a PIN is needed once more", link.Outcome{Kind: event.FailedPINNeeded}, nil, Answers{PINFile: "pin"}, Nothing},
		{"no APN is known", link.Outcome{Kind: event.FailedCarrierLost, Phase: event.PhaseDial}, []event.Event{noAPN}, Answers{}, WhichAPN},
		{"the APN was refused", link.Outcome{Kind: event.FailedEmptyNaks, Phase: event.PhaseIPCP}, []event.Event{refused}, Answers{}, WhichAPN},
		{"the APN that was named was refused", link.Outcome{Kind: event.FailedEmptyNaks, Phase: event.PhaseIPCP}, []event.Event{refused}, Answers{APN: "a"}, Nothing},
		{"NO CARRIER, with what the modem had stored", link.Outcome{Kind: event.FailedDialRefused, Phase: event.PhaseDial}, nil, Answers{}, WhichAPN},
		{"no network", link.Outcome{Kind: event.FailedTimeout, Searching: true}, []event.Event{noAPN}, Answers{}, Nothing},
		{"no SIM", link.Outcome{Kind: event.FailedNoSIM}, []event.Event{noAPN}, Answers{}, Nothing},
	} {
		var h Heard
		for _, e := range c.heard {
			h.Record(event.Record{Event: e})
		}
		if got, ports := h.Next(c.outcome, c.answers); got != c.want || got == WhichPort && !slices.Equal(ports, []string{"/dev/ttyUSB0", "/dev/ttyUSB4"}) {
			t.Errorf("%s: %v, %q, want %v", c.name, got, ports, c.want)
		}
	}
}

// What is written is TOML, whatever a modem calls itself, and says what was answered.
// A second dial is made only where varying it may help, and none that would count against a SIM or an account.
func TestMayVary(t *testing.T) {
	for _, c := range []struct {
		outcome link.Outcome
		answers Answers
		want    bool
	}{
		{link.Outcome{Kind: event.FailedCarrierLost, Phase: event.PhaseIPCP}, Answers{}, true},
		{link.Outcome{Kind: event.FailedModemSilent}, Answers{}, true},
		{link.Outcome{Kind: event.FailedAuthRejected}, Answers{}, true},
		{link.Outcome{Kind: event.FailedAuthRejected}, Answers{Named: true}, false},
		{link.Outcome{Kind: event.FailedAuthRejected}, Answers{PasswordFile: "p"}, false},
		{link.Outcome{Kind: event.FailedPINWrong}, Answers{}, false},
		{link.Outcome{Kind: event.FailedNoModem}, Answers{}, false},
		{link.Outcome{Kind: event.FailedPortLocked}, Answers{}, false},
		{link.Outcome{Kind: link.KindDone}, Answers{}, false},
		{link.Outcome{Kind: link.KindHangup}, Answers{}, false},
	} {
		if got := c.answers.MayVary(c.outcome); got != c.want {
			t.Errorf("%s, %+v: %v", c.outcome.Kind, c.answers, got)
		}
	}
}

func TestSection(t *testing.T) {
	var h Heard
	for _, e := range []event.Event{
		event.Device{Port: "/dev/ttyUSB2", Vendor: "Evil\nport = \"x\"", Model: "Stick \xff\x00"}, event.AT{Dir: event.Sent, Text: `AT+CGDCONT=1,"IP","in\"ter"`},
		event.AT{Dir: event.Rcvd, Text: `+CGDCONT: 1,"IP","other"`},
	} {
		h.Record(event.Record{Event: e})
	}
	a := Answers{Port: `/dev/a"b\c`, APN: "ünïcode\t", User: "", Named: true, PINFile: "/etc/knak/p", Baud: 9600,
		More: []Option{{"number", "*99#"}, {"set", []string{`auth.user="x"`, "lcp.mru=1400"}}, {"inhibit", true}, {"metric", 20}, {"timeout", "1m30s"}}}
	text := Section("home", a, &h, time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
	var got struct{ Connection map[string]map[string]any }
	if err := toml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	want := map[string]any{"port": a.Port, "apn": a.APN, "user": "", "pin-file": a.PINFile, "baud": int64(9600),
		"number": "*99#", "set": []any{`auth.user="x"`, "lcp.mru=1400"}, "inhibit": true, "metric": int64(20), "timeout": "1m30s"}
	if len(got.Connection["home"]) != len(want) {
		t.Errorf("%v", got)
	}
	for k, v := range want {
		if !reflect.DeepEqual(got.Connection["home"][k], v) {
			t.Errorf("%s is %v, want %v", k, got.Connection["home"][k], v)
		}
	}
	if err := toml.Unmarshal([]byte(Section("home", Answers{}, &h, time.Now())), &got); err != nil {
		t.Errorf("with comments only: %v", err)
	}
}
