package mimic_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// dialers are dialers that knak's own settings can act, each with the modem that shows what is odd about it.
var dialers = []struct {
	name, scenario string
	set            []string
	hidden         []string // settings that this modem's answers do not show
}{
	{name: "knak itself", scenario: "behaves-chap-md5"},
	{name: "Windows", scenario: "huawei/e398",
		set: []string{"auth.user=", "lcp.request=mru,accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2"}},
	{name: "pppd that asks for nothing", scenario: "empty-naks",
		set: []string{"auth.user=wap", "ipcp.request=address", "ipcp.widen=[]"}},
	{name: "an APN, another context and number", scenario: "behaves-pap",
		set: []string{"context.cid=3", "context.apn=internet", "dial.command=ATDT", "dial.number=*99#"}},
	{name: "commands at their places", scenario: "behaves-chap-md5",
		set: []string{`at.init=["ATZ", "AT&C1&D2"]`, `at.after_pin=["AT+CNMI=0"]`, "context.apn=internet", `at.after_context=["AT+CURC=0"]`}},
	{name: "a command that is refused", scenario: "behaves-chap-md5", set: []string{`at.init=["AT+XYZ=1"]`, `at.optional=["AT+XYZ=1"]`}},
	{name: "values of LCP", scenario: "behaves-pap", set: []string{"lcp.request=acfc,mru,accm", "lcp.mru=1400", "lcp.accm=0x000a0000"}},
	{name: "options refused", scenario: "mru-1440", set: []string{"lcp.refuse=accm"}},
	{name: "another method", scenario: "pap-only", set: []string{"auth.allow=chap-md5,pap"}, hidden: []string{"auth.allow"}},
	{name: "no authentication", scenario: "behaves-chap-md5", set: []string{"auth.allow=[]"}},
	{name: "silence after CONNECT", scenario: "no-own-request-lcp", set: []string{"dial.connect_delay=2s"}},
	{name: "times of IPCP", scenario: "refuse-silence", set: []string{"ipcp.restart=1s"}},
	{name: "pace after Naks", scenario: "empty-naks", set: []string{"ipcp.empty_nak_pace=1.5s"}},
	{name: "IPv6", scenario: "behaves-ipv6", set: []string{"context.type=IPV4V6", "context.apn=internet"}},
	{name: "IPv6 over an IPv4 context", scenario: "behaves-ipv6", set: []string{"ipv6cp.enable=always"}},
}

func load(t testing.TB, name string) sim.Scenario {
	t.Helper()
	s, err := sim.Load(knak.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A dialer is recorded and mimicked; what comes of the profile does the same as the dialer did.
func TestProfileDoesWhatTheDialerDid(t *testing.T) {
	for _, d := range dialers {
		t.Run(d.name, func(t *testing.T) {
			s := load(t, d.scenario)
			a := dial(t, s, s.Expect, append([]string{"auth.try_blank=false"}, d.set...)...)
			calls := linktest.Calls(a.Records)
			text, h := mimic.Profile(calls[0], "the recording")
			var got []string
			for _, q := range h.Settings {
				// Simulate knows no table of carriers, so that it does not ask who issued the SIM.
				if q.Key != "context.apn_lookup" {
					got = append(got, q.String())
				}
			}
			for _, want := range d.set {
				key, _, _ := strings.Cut(want, "=")
				if strings.Contains(strings.Join(d.hidden, " "), key) {
					continue
				}
				if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+want+"\n") {
					t.Errorf("the profile has not %s; it has %q", want, got)
				}
			}
			if len(got) > len(d.set) {
				t.Errorf("the profile has more than the dialer was told: %q", got)
			}
			b := dial(t, s, s.Expect, append([]string{"auth.try_blank=false"}, profile(t, text)...)...)
			for _, diff := range linktest.Differ(calls[0], linktest.Calls(b.Records)[0]).Host {
				t.Errorf("%s: %s; mimicked: %s", diff.What, diff.Good.Text, diff.Bad.Text)
			}
		})
	}
}

// profile puts a profile into a user's layer, where there must be no problem with it, and gives its settings.
func profile(t *testing.T, text string) (set []string) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "quirks.d", "acme", "m1.toml")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	db, problems := quirks.Open(quirks.Sources{User: dir})
	for _, p := range problems {
		t.Errorf("%v\n%s", p, text)
	}
	r, err := db.Resolve(quirks.Facts{}, "acme/m1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Changed() {
		if s.Reason == "" || len(s.Source) == 0 {
			t.Errorf("%s has no reason or no source", s.Key)
		}
		set = append(set, s.Key+"="+s.Value.String())
	}
	return set
}
