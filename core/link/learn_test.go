package link_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/quirks"
)

// withOwn makes a session resolve with a profile of the user's own, own/profile, and an entry that gives it.
func withOwn(t *testing.T, match, profile string, asked *[]Facts) func(*Config) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"devices.d/own.toml":        "schema = 1\n[[device]]\nprofile = \"own/profile\"\n" + match + "\n",
		"quirks.d/own/profile.toml": "schema = 1\n" + profile + "\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files, User: dir})
	for _, p := range problems {
		t.Fatal(p)
	}
	return func(c *Config) {
		c.Resolve = func(f Facts) (Selection, error) {
			*asked = append(*asked, f)
			r, err := db.Resolve(quirks.Facts{Manufacturer: f.Vendor, Model: f.Model, Revision: f.Firmware,
				Operator: f.Operator, Auth: f.Auth, Peer: f.Peer}, "", nil)
			if err != nil {
				return Selection{}, err
			}
			sel := Selection{Policy: r, Awaits: r.Awaits}
			for _, s := range r.Changed() {
				sel.Quirks = append(sel.Quirks, event.Quirk{Key: s.Key, Value: s.Value.String(), Source: s.Source})
			}
			return sel, nil
		}
	}
}

// What the call shows decides the keys that still take effect, at the moment it is known, and nothing else. told is what
// follows the event that precedes the change.
func TestFactsOfTheCall(t *testing.T) {
	const onlyAddress = "[ipcp.request]\nvalue = [\"address\"]"
	for _, tt := range []struct {
		name, scenario string
		match, profile string
		key            string // that is told to change; "": none
		phase          string // in which it is told
		request        int    // options in the first Configure-Request of IPCP
		sent           string // an AT command, or part of it, that is sent; "": no AT+COPS
		last           Facts  // what Resolve was asked last, without the identity
	}{
		{name: "the peer's name", scenario: "behaves", match: `peer = ["UMTS_CHAP_SRVR"]`, profile: onlyAddress,
			key: "ipcp.request", phase: event.PhaseAuth, request: 1, last: Facts{Auth: "chap-md5", Peer: "UMTS_CHAP_SRVR"}},
		{name: "another name", scenario: "behaves", match: `peer = ["OTHER_SRVR"]`, profile: onlyAddress,
			request: 3, last: Facts{Auth: "chap-md5", Peer: "UMTS_CHAP_SRVR"}},
		{name: "the authentication", scenario: "behaves", match: "peer = [\"UMTS*\"]\nauth = [\"chap-md5\"]", profile: onlyAddress,
			key: "ipcp.request", phase: event.PhaseAuth, request: 1, last: Facts{Auth: "chap-md5", Peer: "UMTS_CHAP_SRVR"}},
		{name: "another authentication", scenario: "behaves", match: "peer = [\"UMTS*\"]\nauth = [\"pap\"]", profile: onlyAddress,
			request: 3, last: Facts{Auth: "chap-md5"}},
		{name: "too late for the key", scenario: "behaves", match: `peer = ["UMTS_CHAP_SRVR"]`, profile: "[dial.connect_delay]\nvalue = \"5s\"",
			request: 3, last: Facts{Auth: "chap-md5", Peer: "UMTS_CHAP_SRVR"}},
		{name: "the operator, and how to dial", scenario: "behaves", match: `operator = ["Exa*"]`, profile: "[dial.number]\nvalue = \"*99#\"",
			key: "dial.number", phase: event.PhaseDial, request: 3, sent: "ATD*99#", last: Facts{Operator: "Example"}},
		{name: "the operator, and the context", scenario: "behaves", match: `operator = ["Exa*"]`, profile: "[context.apn]\nvalue = \"own.example\"",
			key: "context.apn", phase: event.PhaseDial, request: 3, sent: `"own.example"`, last: Facts{Operator: "Example"}},
		{name: "nobody asks for what decides nothing", scenario: "behaves", match: `model = ["none such"]`, profile: onlyAddress, request: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []Facts
			s := call{scenario: tt.scenario, config: withOwn(t, tt.match, tt.profile, &asked)}.run(t)
			if _, _, up := s.up(); !up {
				s.dump(t)
				t.Fatal("not up")
			}
			phase, request, told, cops := "", -1, "", false
			sent := tt.sent == ""
			for _, r := range s.Records {
				switch e := r.Event.(type) {
				case event.Phase:
					phase = e.Phase
				case event.Quirk:
					told += e.Key + " in " + phase
				case event.AT:
					if e.Dir == event.Sent {
						sent = sent || strings.Contains(e.Text, tt.sent)
						cops = cops || strings.HasPrefix(e.Text, "AT+COPS")
					}
				case event.Packet:
					if request < 0 && e.Dir == event.Sent && e.Protocol == packet.IPCP && e.Data[0] == packet.ConfigureRequest {
						options, err := packet.ParseOptions(nil, e.Data[packet.HeaderLen:])
						if err != nil {
							t.Fatal(err)
						}
						request = len(options)
					}
				}
			}
			want := ""
			if tt.key != "" {
				want = tt.key + " in " + tt.phase
			}
			last := asked[len(asked)-1]
			last.Identity = tt.last.Identity
			if told != want || request != tt.request || !sent || cops != (tt.sent != "") || !reflect.DeepEqual(last, tt.last) {
				s.dump(t)
				t.Errorf("told %q, %d options, sent %v, AT+COPS %v, asked by %+v; want %q, %d options, %+v", told, request, sent, cops, last, want, tt.request, tt.last)
			}
		})
	}
}

// The facts of one call are not those of the next.
func TestFactsAreOfOneAttempt(t *testing.T) {
	var asked []Facts
	own := withOwn(t, `peer = ["UMTS*"]`, "[ipcp.request]\nvalue = [\"address\"]", &asked)
	call{scenario: "hangup-after-60s", config: func(c *Config) {
		own(c)
		c.Once, c.Persist, c.Timeout = false, true, 0
	}}.run(t)
	i := slices.IndexFunc(asked, func(f Facts) bool { return f.Peer != "" })
	if i < 0 || i+1 == len(asked) || !reflect.DeepEqual(asked[i+1], Facts{}) {
		t.Errorf("%+v", asked)
	}
}
