package vectors

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// files makes a database of profiles, scenarios and devices.toml given as name and text.
func files(t testing.TB, pairs ...string) (*quirks.DB, *Library) {
	t.Helper()
	tree := fstest.MapFS{"devices.toml": {Data: []byte("schema = 1\n")}}
	for i := 0; i < len(pairs); i += 2 {
		text := "schema = 1\nsummary = \"s\"\n" + pairs[i+1]
		if !strings.HasSuffix(pairs[i], ".sim.toml") {
			text = strings.ReplaceAll(text, "value =", "reason = \"r\"\nsource = [\"https://example.org\"]\nconfidence = \"guessed\"\nvalue =")
		}
		if pairs[i] == "devices.toml" {
			tree[pairs[i]] = &fstest.MapFile{Data: []byte("schema = 1\n" + pairs[i+1])}
			continue
		}
		tree["quirks/"+pairs[i]] = &fstest.MapFile{Data: []byte(text)}
	}
	db, problems := quirks.Open(quirks.Sources{Builtin: tree})
	for _, p := range problems {
		t.Fatal(p)
	}
	l, errs := Open(Place{FS: tree, Dir: "quirks"})
	for _, err := range errs {
		t.Fatal(err)
	}
	return db, l
}

// wantsBlank is a modem that hangs up on any user name but the empty one.
const wantsBlank = `[auth]
demand = "chap-md5"
[[ipcp.rule]]
user_not = ""
do = "hangup"
[expect.without]
finding = "ipcp-hangup-after-auth"
slower = "1s"
`

const blank = "[auth.user]\nvalue = \"\"\n"

// Each way in which a scenario can say that something goes wrong without the profile, and each in which a profile or a
// scenario can be at fault.
func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		files  []string
		ok     bool
		want   string // in the report, somewhere
		quirks string // the verdicts in order
	}{
		"needed": {[]string{"a/b.toml", blank, "a/b.sim.toml", wantsBlank}, true, "", "needed"},
		"dead weight": {[]string{"a/b.toml", blank + "[lcp.restart]\nvalue = \"2s\"\n", "a/b.sim.toml", wantsBlank},
			false, "no scenario gets worse without it", "dead-weight needed"},
		"idle element": {[]string{"a/b.toml", "[at.init]\nvalue = [\"AT+X\", \"AT+Y\"]\n", "a/b.sim.toml", "[[at.reply]]\ncommand = \"AT+X\"\n[[at.reply]]\ncommand = \"AT+Y\"\n" +
			"[[at.reply]]\ncommand = \"ATD*\"\nunless = \"AT+X\"\nresult = \"NO CARRIER\"\n[expect.without]\nfinding = \"no-carrier\"\n"},
			false, "no scenario gets worse without its \"AT+Y\"", "dead-weight"},
		"untestable": {[]string{"a/b.toml", blank + "[port.baud]\nvalue = 9600\n", "a/b.sim.toml", wantsBlank},
			true, "no port on a host", "untestable needed"},
		"firmware of no scenario": {[]string{"a/b.toml", blank + "[lcp.restart]\nfirmware = { from = \"99\" }\nvalue = \"2s\"\n", "a/b.sim.toml",
			"[identity]\nrevision = \"1.0\"\n" + wantsBlank}, false, "no scenario", "needed dead-weight"},
		"no scenario":        {[]string{"a/b.toml", blank}, false, "write a/b.sim.toml", ""},
		"nothing goes wrong": {[]string{"a/b.toml", blank, "a/b.sim.toml", ""}, false, "write [expect.without]", "dead-weight"},
		"another wrong": {[]string{"a/b.toml", blank, "a/b.sim.toml", strings.Replace(wantsBlank, "ipcp-hangup-after-auth", "echo-timeout", 1)},
			false, "expected echo-timeout", "needed"},
		"not so slow": {[]string{"a/b.toml", blank, "a/b.sim.toml", strings.Replace(wantsBlank, "1s", "9s", 1)},
			false, "expected 9.0 s later", "needed"},
		"another status": {[]string{"a/b.toml", blank, "a/b.sim.toml", wantsBlank + "exit = 19\n"}, false, "expected 19", "needed"},
		"not the servers": {[]string{"a/b.toml", blank, "a/b.sim.toml", wantsBlank + "[expect.with]\ndns = [\"192.0.2.9\"]\n"},
			false, "the name servers are 198.51.100.53, 198.51.100.54, expected 192.0.2.9", "dead-weight"},
		"not the MTU": {[]string{"a/b.toml", blank, "a/b.sim.toml", wantsBlank + "[expect.with]\nmtu = 1400\n"}, false, "expected 1400", "dead-weight"},
		"not so soon": {[]string{"a/b.toml", blank, "a/b.sim.toml", "[dial]\ndelay = \"3s\"\n" + wantsBlank + "[expect.with]\nwithin = \"2s\"\n"},
			false, "expected within 2.0 s", "dead-weight"},
		"unproved": {[]string{"a/b.toml", "[prove.mode]\nvalue = \"always\"\n", "a/b.sim.toml", "[expect.without]\nworse = \"unproved\"\n"},
			true, "nothing proves", "needed"},
		"name servers": {[]string{"a/b.toml", "[ipcp.dns_placeholders]\nvalue = [\"10.9.9.9/32\"]\n", "a/b.sim.toml",
			"[ipcp]\n[[ipcp.rule]]\nbefore = \"3s\"\nvalue = { dns1 = \"10.9.9.9\", dns2 = \"10.9.9.9\" }\ndo = \"ack\"\n" +
				"[[ipcp.rule]]\nbefore = \"3s\"\ndo = \"nak\"\noptions = [\"address=192.0.2.2\", \"dns1=10.9.9.9\", \"dns2=10.9.9.9\"]\n" +
				"[expect.with]\ndns = [\"198.51.100.53\", \"198.51.100.54\"]\n"}, false, "write [expect.without]", "needed"},
		"dropped": {[]string{"a/b.toml", "[lcp.echo_mode]\nvalue = \"off\"\n", "a/b.sim.toml",
			"[[lcp.rule]]\non = \"echo-request\"\nafter = \"1m\"\ndo = \"drop\"\n" +
				"[expect]\nhold = \"5m\"\n[expect.without]\nworse = \"dropped\"\nfinding = \"echo-timeout\"\nexit = 15\n"},
			true, "does not stay up", "needed"},
		"wrong port": {[]string{"a/b.toml", "[port.data_interface]\nvalue = 2\n", "a/b.sim.toml",
			"[ports]\nppp = 2\nat = [1]\nfirst = 1\n[expect.without]\nexit = 17\n"}, true, "", "needed"},
		"PIN and password": {[]string{"a/b.toml", blank, "a/b.sim.toml", strings.Replace(wantsBlank, "user_not", "user_is", 1) +
			"[sim]\nstate = \"pin\"\npin = \"4711\"\n[expect]\npin = \"4711\"\nuser = \"me\"\n"}, false, "", "dead-weight"},
		"borrowed from the fragment": {[]string{"common/f.toml", blank, "common/f.sim.toml", wantsBlank,
			"a/b.toml", "inherits = [\"common/f\"]\n[port.data_interface]\nvalue = 2\n",
			"a/b.sim.toml", "[ports]\nppp = 2\nat = [1]\nfirst = 1\n[expect.without]\nexit = 17\n"}, true, "in common/f", "needed needed"},
		"spoilt by another that matches": {[]string{"devices.toml", "[[device]]\nname = \"n\"\nprofile = \"a/b\"\nusb = [\"1234:5678\"]\nsource = [\"https://example.org\"]\n" +
			"[[device]]\nname = \"n\"\nprofile = \"a/c\"\nusb = [\"1234:5678\"]\nmodel = [\"Simulated*\"]\nsource = [\"https://example.org\"]\n",
			"a/b.toml", blank, "a/c.toml", "[auth.user]\nvalue = \"me\"\n", "a/b.sim.toml", "[identity]\nusb = \"1234:5678\"\n" + wantsBlank + "[expect.with]\nwithin = \"1s\"\n"},
			false, "with all profiles that match the modem (a/c, a/b): up after 2.0 s", "needed"},
		"a fragment by its heirs": {[]string{"common/f.toml", blank, "a/b.toml", "inherits = [\"common/f\"]\n", "a/b.sim.toml", wantsBlank}, true, "", "needed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, l := files(t, c.files...)
			id := "a/b"
			if strings.HasPrefix(name, "a fragment") {
				id = "common/f"
			}
			r := Test(db, l, id)
			var all, verdicts []string
			all = append(all, r.Problems...)
			for _, s := range r.Scenarios {
				all = append(all, s.Problems...)
			}
			for _, q := range r.Quirks {
				all = append(all, q.Why+" in "+q.Scenario)
				verdicts = append(verdicts, q.Verdict)
			}
			text := strings.Join(all, "\n")
			if r.OK != c.ok || !strings.Contains(text, c.want) || strings.Join(verdicts, " ") != c.quirks {
				t.Errorf("ok %v, verdicts %v, want %v, %s and %q in:\n%s", r.OK, verdicts, c.ok, c.quirks, c.want, text)
			}
		})
	}
}

// What counts as worse, at its limits.
func TestDifferences(t *testing.T) {
	base := Run{Up: true, Held: true, HungUp: true, Proved: true, DNS: []string{"192.0.2.1"}, Packets: 10, up: 10 * time.Second, hangup: time.Second}
	for _, c := range []struct {
		change func(*Run)
		want   string
	}{
		{func(*Run) {}, ""},
		{func(r *Run) { r.up += 999 * time.Millisecond }, ""},
		{func(r *Run) { r.up += time.Second }, "slower"},
		{func(r *Run) { r.hangup += 199 * time.Millisecond }, ""},
		{func(r *Run) { r.hangup += 200 * time.Millisecond }, "hangup"},
		{func(r *Run) { r.HungUp = false }, "hangup"},
		{func(r *Run) { r.Packets = 11 }, ""},
		{func(r *Run) { r.Packets = 12 }, "packets"},
		{func(r *Run) { r.Proved = false }, "unproved"},
		{func(r *Run) { r.Held = false }, "dropped"},
		{func(r *Run) { r.DNS = nil }, "dns"},
		{func(r *Run) { r.DNS = append(r.DNS, "10.11.12.13") }, "dns"},
		{func(r *Run) { r.DNS = append(r.DNS, "192.0.2.2") }, ""},
	} {
		other := base
		other.DNS = append([]string{}, base.DNS...)
		c.change(&other)
		got := ""
		for _, d := range differences(&base, &other) {
			got += d.word
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", other, got, c.want)
		}
	}
}

// The same scenario gives the same report however often it is tested: chance comes from the seeds.
func TestDeterministic(t *testing.T) {
	db, l := files(t, "a/b.toml", blank, "a/b.sim.toml", "[line]\nloss = 0.2\n"+wantsBlank)
	first := Test(db, l, "a/b")
	for range 3 {
		if again := Test(db, l, "a/b"); again.Scenarios[0].With.Seconds != first.Scenarios[0].With.Seconds ||
			again.Scenarios[0].Without.Packets != first.Scenarios[0].Without.Packets {
			t.Errorf("%+v, then %+v", first, again)
		}
	}
	if n := len(dial(&sim.Scenario{Line: sim.Line{Loss: 0.1}}, mustResolve(t, db))); n != chances {
		t.Errorf("%d dials where chance has a part", n)
	}
}

func mustResolve(t *testing.T, db *quirks.DB) *quirks.Resolution {
	t.Helper()
	r, err := db.Resolve(quirks.Facts{}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A scenario belongs to the profile with the longest name that fits.
func TestOwners(t *testing.T) {
	db, l := files(t, "a/b.toml", blank, "a/b-c.toml", blank, "common/f.toml", blank,
		"a/b.sim.toml", "", "a/b-c.sim.toml", "", "a/b-c-x.sim.toml", "", "a/b-slow.sim.toml", "", "common/fx.sim.toml", "", "a/bx.sim.toml", "")
	for id, want := range map[string]string{"a/b": "a/b a/b-slow", "a/b-c": "a/b-c a/b-c-x", "common/f": "common/fx"} {
		var got []string
		for _, s := range l.Own(db, id) {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s owns %v, want %s", id, got, want)
		}
	}
	if got := l.Orphans(db); len(got) != 1 || got[0] != "quirks/a/bx.sim.toml" {
		t.Errorf("orphans: %v", got)
	}
}

// BenchmarkTestAll tests the whole shipped database.
func BenchmarkTestAll(b *testing.B) {
	db, _ := quirks.Open(quirks.Sources{Builtin: knak.Files})
	l, _ := Open(Place{FS: knak.Files, Dir: "quirks"})
	for b.Loop() {
		TestAll(b.Context(), db, l, db.Profiles())
	}
}
