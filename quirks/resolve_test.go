package quirks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// quirk writes one quirk of a built-in profile.
func quirk(key, op string) string { return "[" + key + "]\n" + op + because }

const head = "schema = 1\nsummary = \"s\"\n"

// device writes one entry.
func device(profile, match string) string {
	return "[[device]]\nname = \"n\"\nsource = [\"s\"]\nprofile = \"" + profile + "\"\n" + match + "\n"
}

// layers makes a database of built-in files and of a system and a user directory; names are relative to theirs and
// begin with the layer's.
func layers(t *testing.T, files map[string]string) (*DB, []*Problem) {
	t.Helper()
	dir := t.TempDir()
	var list []string
	for name, text := range files {
		layer, rest, _ := strings.Cut(name, ":")
		if layer == "builtin" {
			list = append(list, rest, text)
			continue
		}
		file := filepath.Join(dir, layer, rest)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := builtin(list...)
	s.System, s.User = filepath.Join(dir, "system"), filepath.Join(dir, "user")
	db, problems := Open(s)
	for _, p := range problems {
		p.File = strings.TrimPrefix(p.File, dir+"/")
	}
	return db, problems
}

// none fails the test when there are problems.
func none(t *testing.T, problems []*Problem) {
	t.Helper()
	if len(problems) > 0 {
		t.Fatal(texts(problems))
	}
}

func resolve(t *testing.T, db *DB, f Facts, chosen string, set ...string) *Resolution {
	t.Helper()
	r, err := db.Resolve(f, chosen, set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDefaultsAloneWithoutProfiles(t *testing.T) {
	r := resolve(t, &DB{}, Facts{}, "")
	if len(r.Changed()) != 0 || r.Profile() != "" || len(r.Settings()) != len(Keys) {
		t.Errorf("changed %v, profile %q, %d settings", r.Changed(), r.Profile(), len(r.Settings()))
	}
	if !r.Bool("auth.provisional") || r.Int("lcp.mru") != 1500 || r.Duration("lcp.restart") != 3*time.Second ||
		r.Text("dial.number") != "*99***{cid}#" || !slices.Equal(r.List("ipcp.request"), []string{"address", "dns1", "dns2"}) {
		t.Error("defaults are not those of Keys")
	}
}

func TestOuterLayersWinKeyByKey(t *testing.T) {
	db, problems := layers(t, map[string]string{
		"builtin:quirks/acme/modem.toml":      head + quirk("auth.user", `value = "builtin"`) + quirk("lcp.mru", "value = 1000") + quirk("lcp.restart", `value = "1s"`) + quirk("lcp.max_loops", "value = 5"),
		"builtin:devices.toml":                "schema = 1\n" + device("acme/modem", `model = ["Modem"]`),
		"system:quirks.d/acme/modem.toml":     "schema = 1\n[auth.user]\nvalue = \"system\"\n[lcp.mru]\nvalue = 1001\n[lcp.restart]\nvalue = \"2s\"\n",
		"user:quirks.d/acme/modem.toml":       "schema = 1\n[auth.user]\nvalue = \"user\"\n[lcp.mru]\nvalue = 1002\n",
		"user:quirks.d/acme/.modem.toml.swp":  "not TOML",
		"user:quirks.d/acme/modem.sim.toml":   "not a profile",
		"user:quirks.d/acme/modem.toml~":      "not TOML",
		"system:quirks.d/README":              "not TOML",
		"system:devices.d/10-acme.toml":       "schema = 1\n",
		"system:quirks.d/other/unneeded.toml": "schema = 1\n[lcp.max_loops]\nvalue = 7\n",
	})
	none(t, problems)
	r := resolve(t, db, Facts{Model: "modem"}, "", "auth.user=cli", "lcp.mru=1003", "lcp.mru=1004")
	for _, c := range []struct{ key, value, layer, source string }{
		{"auth.user", "cli", "command line", "--set"},
		{"lcp.mru", "1004", "command line", "--set"},
		{"lcp.restart", "2s", "system", "quirks.d/acme/modem.toml:6"},
		{"lcp.max_loops", "5", "built-in", "quirks/acme/modem.toml:18"},
		{"ipcp.restart", "3s", "default", ""},
	} {
		s := r.Setting(c.key)
		if s.Value.String() != c.value || s.Layer.String() != c.layer || !strings.HasSuffix(s.Source, c.source) {
			t.Errorf("%s = %s from %s, %s; want %+v", c.key, s.Value, s.Layer, s.Source, c)
		}
	}
	var losers []string
	for _, l := range r.Setting("lcp.mru").Losers {
		losers = append(losers, l.Layer.String()+" "+l.Value.String()+": "+l.Why)
	}
	want := []string{
		"command line 1003: a later --set beats an earlier one",
		"user 1002: layer command line beats layer user",
		"system 1001: layer command line beats layer system",
		"built-in 1000: layer command line beats layer built-in",
		"default 1500: any layer beats the default",
	}
	if !slices.Equal(losers, want) {
		t.Errorf("losers:\n%s\nwant:\n%s", strings.Join(losers, "\n"), strings.Join(want, "\n"))
	}
}

func TestListsAreAddedToAndRemovedFrom(t *testing.T) {
	files := map[string]string{
		"builtin:quirks/common/wins.toml": head + quirk("ipcp.request", `add = ["nbns1", "nbns2"]`),
		"builtin:quirks/acme/modem.toml":  head + "inherits = [\"common/wins\"]\n" + quirk("ipcp.request", `remove = ["dns2", "nbns2"]`),
		"user:quirks.d/acme/modem.toml":   "schema = 1\n[ipcp.request]\nadd = [\"dns2\", \"address\"]\n",
	}
	db, problems := layers(t, files)
	none(t, problems)
	r := resolve(t, db, Facts{}, "acme/modem")
	if got, want := r.List("ipcp.request"), []string{"address", "dns1", "nbns1", "dns2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s := r.Setting("ipcp.request")
	if s.Op != Add || s.Layer != User {
		t.Errorf("the last word is %s of %s", s.Op, s.Layer)
	}
	for _, l := range s.Losers {
		if l.Why != "part of the value" {
			t.Errorf("%s %s: %s", l.Op, l.Value, l.Why)
		}
	}
	if len(s.Losers) != 3 {
		t.Errorf("%d losers, want the fragment, the profile and the default", len(s.Losers))
	}
	r = resolve(t, db, Facts{}, "acme/modem", "ipcp.request-=nbns1", "ipcp.request+=nbns2,nbns1")
	if got, want := r.List("ipcp.request"), []string{"address", "dns1", "dns2", "nbns2", "nbns1"}; !slices.Equal(got, want) {
		t.Errorf("with --set: got %v, want %v", got, want)
	}
	r = resolve(t, db, Facts{}, "acme/modem", "ipcp.request=address", "ipcp.request+=dns1")
	if got, want := r.List("ipcp.request"), []string{"address", "dns1"}; !slices.Equal(got, want) {
		t.Errorf("set, then added to: got %v, want %v", got, want)
	}
	if got, want := db.files["acme/modem"][0].quirks[0].Value.list, []string{"dns2", "nbns2"}; !slices.Equal(got, want) {
		t.Errorf("resolving changed the database: %v", got)
	}
}

func TestInheritanceIsOverwrittenFromNearToFar(t *testing.T) {
	db, problems := Open(builtin(
		"quirks/common/a.toml", head+quirk("lcp.mru", "value = 1001")+quirk("lcp.max_loops", "value = 1")+quirk("auth.user", `value = "a"`),
		"quirks/common/b.toml", head+"inherits = [\"common/a\"]\n"+quirk("lcp.mru", "value = 1002")+quirk("auth.user", `value = "b"`),
		"quirks/common/c.toml", head+quirk("auth.user", `value = "c"`),
		"quirks/acme/modem.toml", head+"inherits = [\"common/b\", \"common/c\", \"common/a\"]\n"+quirk("lcp.mru", "value = 1003"),
	))
	none(t, problems)
	r := resolve(t, db, Facts{}, "acme/modem")
	if r.Int("lcp.mru") != 1003 || r.Int("lcp.max_loops") != 1 || r.Text("auth.user") != "c" {
		t.Errorf("mru %d, loops %d, user %q", r.Int("lcp.mru"), r.Int("lcp.max_loops"), r.Text("auth.user"))
	}
	if got, want := r.Setting("lcp.mru").Losers[0].Why, "acme/modem inherits from common/b and says otherwise"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCirclesAreNamedAndLeftOut(t *testing.T) {
	db, problems := layers(t, map[string]string{
		"builtin:quirks/common/a.toml":  head,
		"builtin:quirks/acme/b.toml":    head + "inherits = [\"common/a\"]\n",
		"user:quirks.d/common/a.toml":   "schema = 1\ninherits = [\"acme/b\"]\n",
		"user:quirks.d/acme/self.toml":  "schema = 1\ninherits = [\"acme/self\"]\n",
		"user:quirks.d/acme/child.toml": "schema = 1\ninherits = [\"acme/self\"]\n",
	})
	want := "user/quirks.d/acme/self.toml:2:13: inherits in a circle: acme/self from acme/self\n" +
		"user/quirks.d/acme/child.toml:2:13: inherits from \"acme/self\", which is not there or has problems of its own\n" +
		"user/quirks.d/common/a.toml:2:13: inherits in a circle: common/a from acme/b from common/a\n"
	if got := texts(problems); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := db.Profiles(); !slices.Equal(got, []string{"acme/b", "common/a"}) {
		t.Errorf("left: %v", got)
	}
}

func TestABrokenOuterFileLeavesTheRest(t *testing.T) {
	db, problems := layers(t, map[string]string{
		"builtin:quirks/acme/modem.toml": head + quirk("auth.user", `value = "builtin"`),
		"user:quirks.d/acme/modem.toml":  "schema = 1\n[auth.user]\nvalue = \"user\"\n[auth.timeout]\nvalue = 3\n",
		"user:quirks.d/acme/other.toml":  "schema = 1\n[auth.user]\nvalue = \"other\"\n",
		"user:quirks.d/acme/Upper.toml":  "schema = 1\n",
		"user:quirks.d/top.toml":         "schema = 1\n",
		"user:devices.d/broken.toml":     "schema = 1\n[[device",
		"user:devices.d/good.toml":       "schema = 1\n" + device("acme/nothing", `model = ["One"]`) + device("acme/modem", `model = ["One"]`),
	})
	got := texts(problems)
	for _, want := range []string{
		"user/quirks.d/acme/modem.toml:5:9: auth.timeout: must be a text",
		"user/quirks.d/acme/Upper.toml: the name of a profile's file must be",
		"user/quirks.d/top.toml: a profile must lie in a directory",
		"user/devices.d/broken.toml:2:",
		"user/devices.d/good.toml:2:3: profile \"acme/nothing\" is not there",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if len(problems) != 5 {
		t.Errorf("%d problems, want 5:\n%s", len(problems), got)
	}
	if r := resolve(t, db, Facts{Model: "one"}, ""); r.Text("auth.user") != "builtin" {
		t.Errorf("user %q: half of the broken file was used", r.Text("auth.user"))
	}
	if r := resolve(t, db, Facts{}, "acme/other"); r.Text("auth.user") != "other" {
		t.Errorf("a good file beside the broken one is not used")
	}
}

func TestFirmwareRanges(t *testing.T) {
	db, problems := Open(builtin("quirks/acme/modem.toml", head+
		"[[lcp.mru]]\nvalue = 1000"+because+
		"[[lcp.mru]]\nvalue = 1001\nfirmware = { from = \"11.9\", before = \"11.126\" }"+because+
		"[[lcp.mru]]\nvalue = 1002\nfirmware = { from = \"11.126\" }"+because))
	none(t, problems)
	for _, c := range []struct {
		revision string
		want     int
		assumed  bool
	}{
		{"11.8.99", 1000, false},
		{"11.9", 1001, false},
		{"A11.125.99.00 [2011]", 1001, false},
		{"11.126.15.00.445", 1002, false},
		{"", 1002, true},
		{"unreadable", 1002, true},
	} {
		r := resolve(t, db, Facts{Revision: c.revision}, "acme/modem")
		if s := r.Setting("lcp.mru"); r.Int("lcp.mru") != c.want || s.Assumed != c.assumed {
			t.Errorf("%q: %d, assumed %v; want %+v", c.revision, r.Int("lcp.mru"), s.Assumed, c)
		}
	}
	r := resolve(t, db, Facts{Revision: "11.8"}, "acme/modem")
	if got, want := r.Setting("lcp.mru").Losers[0].Why, "for firmware from 11.126, and the modem has \"11.8\""; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A quirk that is known only after its key was used must not look as if it had worked.
func TestPhases(t *testing.T) {
	files := []string{
		"quirks/acme/modem.toml", head + quirk("port.baud", "value = 9600") + quirk("lcp.mru", "value = 1000"),
		"devices.toml", "schema = 1\n" + device("acme/modem", `model = ["Modem"]`),
	}
	db, problems := Open(builtin(files...))
	none(t, problems)
	r := resolve(t, db, Facts{Model: "Modem"}, "")
	const late = "too late: port.baud is used in phase open, but the entry at devices.toml:2 looks at the model, known only in phase probe"
	if s := r.Setting("port.baud"); r.Int("port.baud") != 115200 || s.Layer != Default || s.Losers[0].Why != late {
		t.Errorf("port.baud: %+v", s)
	}
	if r.Int("lcp.mru") != 1000 {
		t.Error("a key of a later phase is not set")
	}
	if got, want := texts(db.Validate()), "devices.toml:2:3: quirks/acme/modem.toml:3: "+late+"; say so with when\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
	if r := resolve(t, db, Facts{}, "acme/modem"); r.Int("port.baud") != 9600 {
		t.Error("a chosen profile is known from the start")
	}
	files[3] = "schema = 1\n" + device("acme/modem", `usb = ["19d2:0117"]`)
	db, _ = Open(builtin(files...))
	if r := resolve(t, db, Facts{USB: "19d2:0117"}, ""); r.Int("port.baud") != 9600 || len(db.Validate()) != 0 {
		t.Error("an entry known before opening must set it")
	}
}

func TestAccessorsPanicOnMistakesInTheProgram(t *testing.T) {
	r := resolve(t, &DB{}, Facts{}, "")
	for name, f := range map[string]func(){
		"no such key": func() { r.Bool("auth.usr") },
		"other type":  func() { r.Int("auth.user") },
		"setting":     func() { r.Setting("x") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
