package quirks

import (
	"strings"
	"testing"
)

// layered opens a built-in profile with an entry, and one file of the user's own.
func layered(t *testing.T, name, text string) (*DB, []*Problem) {
	t.Helper()
	return layers(t, map[string]string{
		"builtin:quirks/acme/modem.toml": head + quirk("lcp.restart", `value = "2s"`) + quirk("lcp.mru", "value = 1000"),
		"builtin:devices.toml":           "schema = 1\n" + device("acme/modem", `usb = ["1234:5678"]`),
		"user:" + name:                   "schema = 1\n" + text,
	})
}

func TestReplaces(t *testing.T) {
	for _, c := range []struct{ text, restart, mru string }{
		{"[lcp.restart]\nvalue = \"4s\"\n", "4s", "1000"},
		{"replaces = false\n[lcp.restart]\nvalue = \"4s\"\n", "4s", "1000"},
		{"replaces = true\n[lcp.restart]\nvalue = \"4s\"\n", "4s", "1500"},
		{"replaces = true\n[lcp.restart]\nvalu = \"4s\"\n", "2s", "1000"}, // a broken file replaces nothing
	} {
		db, problems := layered(t, "quirks.d/acme/modem.toml", c.text)
		if want := strings.Contains(c.text, "valu "); (len(problems) > 0) != want {
			t.Errorf("%q: %v", c.text, problems)
		}
		r, err := db.Resolve(Facts{USB: "1234:5678"}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Setting("lcp.restart").Value.String() + " " + r.Setting("lcp.mru").Value.String(); got != c.restart+" "+c.mru {
			t.Errorf("%q gives %s, want %s %s", c.text, got, c.restart, c.mru)
		}
	}
}

func TestDisable(t *testing.T) {
	db, problems := layered(t, "devices.d/own.toml", "disable = [\"acme/modem\"]\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r, err := db.Resolve(Facts{USB: "1234:5678"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Profile() != "" {
		t.Errorf("profile %s", r.Profile())
	}
	if m := r.Matches(); m[0].Result != No || !strings.HasSuffix(m[0].Device.Disabled, "own.toml:2") {
		t.Errorf("%+v", m[0])
	}
	// The profile is still there to be chosen, and an entry of one's own still matches.
	if r, err := db.Resolve(Facts{}, "acme/modem", nil); err != nil || r.Profile() != "acme/modem" {
		t.Errorf("%v", err)
	}
	db, problems = layered(t, "devices.d/own.toml", "disable = [\"acme/modem\"]\n[[device]]\nprofile = \"acme/modem\"\nmodel = [\"M10*\"]\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if r, _ := db.Resolve(Facts{USB: "1234:5678", Model: "M10"}, "", nil); r.Profile() != "acme/modem" {
		t.Error("an entry of the disabling layer matches nothing")
	}
	_, problems = layered(t, "devices.d/own.toml", "disable = [\"acme/moden\"]\n")
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), `own.toml:2:12: disable: no entry of a weaker layer names profile "acme/moden"; did you mean "acme/modem"?`) {
		t.Errorf("%v", problems)
	}
}

// The project's own files and updates take nothing away.
func TestTakingAwayIsForOnesOwnFiles(t *testing.T) {
	_, problems := Open(builtin("quirks/acme/modem.toml", "schema = 1\nsummary = \"s\"\nreplaces = true\n", "devices.toml", "schema = 1\ndisable = [\"acme/modem\"]\n"))
	text := ""
	for _, p := range problems {
		text += p.Error() + "\n"
	}
	if !strings.Contains(text, "must not replace a profile") || !strings.Contains(text, "must not disable a profile") {
		t.Error(text)
	}
}
