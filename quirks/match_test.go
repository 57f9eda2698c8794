package quirks

import (
	"slices"
	"strings"
	"testing"
)

func TestMatchingHasThreeAnswers(t *testing.T) {
	d := Device{USB: []string{"12d1:1506"}, Manufacturer: []string{"huawei*"}, Model: []string{"E398*", "E392"}}
	for _, c := range []struct {
		name  string
		facts Facts
		want  Tri
		each  []Tri
	}{
		{"all hold", Facts{USB: "12d1:1506", Manufacturer: "Huawei Technologies", Model: "e398u-15"}, Yes, []Tri{Yes, Yes, Yes}},
		{"second pattern", Facts{USB: "12D1:1506", Manufacturer: "huawei", Model: " E392 "}, Yes, []Tri{Yes, Yes, Yes}},
		{"a missing fact is not a no", Facts{USB: "12d1:1506", Manufacturer: "huawei"}, Unknown, []Tri{Yes, Yes, Unknown}},
		{"one no is enough", Facts{USB: "12d1:1506", Model: "E3372"}, No, []Tri{Yes, Unknown, No}},
		{"known to have no USB", Facts{USB: None, Manufacturer: "huawei", Model: "E398"}, No, []Tri{No, Yes, Yes}},
		{"nothing known", Facts{}, Unknown, []Tri{Unknown, Unknown, Unknown}},
	} {
		m, _ := d.matches(c.facts)
		var each []Tri
		for _, r := range m.Conditions {
			each = append(each, r.Result)
		}
		if m.Result != c.want || !slices.Equal(each, c.each) {
			t.Errorf("%s: %s %v, want %s %v", c.name, m.Result, each, c.want, c.each)
		}
	}
}

// None is a fact, not a text that a pattern could describe.
func TestNoneIsNotMatchedByAPattern(t *testing.T) {
	d := Device{Model: []string{"none"}}
	if m, _ := d.matches(Facts{Model: None}); m.Result != No {
		t.Errorf("got %s", m.Result)
	}
}

// Each entry is weaker than the next.
func TestSpecificityOrder(t *testing.T) {
	f := Facts{USB: "19d2:0117", Interface: "02", Class: "ff/02/01", Driver: "option", Manufacturer: "ZTE", Model: "MF180", Revision: "BD_1.2",
		DMI: "acme/gateway 2", DeviceTree: "acme,gateway-2 acme,gateway", Operator: "262-01", Auth: "chap-md5", Peer: "UMTS_CHAP_SRVR"}
	order := []Device{
		{Driver: []string{"option"}},
		{Driver: []string{"option"}, Auth: []string{"chap-md5"}},
		{Peer: []string{"UMTS*"}},
		{Peer: []string{"UMTS_CHAP_SRVR"}},
		{Operator: []string{"262-*"}},
		{Operator: []string{"262-*"}, Peer: []string{"UMTS*"}},
		{Operator: []string{"262-01"}},
		{DMI: []string{"acme/*"}},
		{DeviceTree: []string{"acme,gate*"}},
		{DeviceTree: []string{"acme,*", "acme,gateway"}},
		{Manufacturer: []string{"zte"}, Model: nil, USB: nil, Driver: nil},
		{Manufacturer: []string{"zte"}, Driver: []string{"option"}},
		{Manufacturer: []string{"zte"}, Interface: []string{"02"}},
		{Manufacturer: []string{"zte"}, Interface: []string{"02"}, Class: []string{"ff/*/*"}},
		{Manufacturer: []string{"zte"}, USB: []string{"19d2:*"}},
		{Model: []string{"MF*"}},
		{Model: []string{"MF*"}, Manufacturer: []string{"zte"}},
		{Model: []string{"MF1??"}},
		{Model: []string{"MF18*"}},
		{Model: []string{"MF180"}},
		{USB: []string{"19d2:0117", "19d2:*"}},
		{USB: []string{"19d2:0117"}, Manufacturer: []string{"zte"}},
		{USB: []string{"19d2:0117"}, Model: []string{"MF180", "*F180*"}},
		{USB: []string{"19d2:0117"}, Interface: []string{"02"}},
		{Revision: []string{"BD_*"}},
		{Revision: []string{"BD_*"}, Model: []string{"MF180"}},
		{Revision: []string{"BD_1.2"}},
	}
	var last specificity
	for i, d := range order {
		m, s := d.matches(f)
		if m.Result != Yes {
			t.Fatalf("entry %d does not match", i)
		}
		if slices.Compare(s[:], last[:]) <= 0 {
			t.Errorf("entry %d (%v) is not stronger than the one before (%v)", i, s, last)
		}
		last = s
	}
}

func TestTheMoreExactEntryWins(t *testing.T) {
	db, problems := Open(builtin(
		"quirks/acme/family.toml", head+quirk("lcp.mru", "value = 1000")+quirk("lcp.max_loops", "value = 5"),
		"quirks/acme/one.toml", head+quirk("lcp.mru", "value = 1001"),
		"devices.toml", "schema = 1\n"+device("acme/family", `usb = ["19d2:*"]`)+device("acme/one", `usb = ["19d2:0117"]`),
	))
	none(t, problems)
	none(t, db.Validate())
	r := resolve(t, db, Facts{USB: "19d2:0117"}, "")
	if r.Int("lcp.mru") != 1001 || r.Int("lcp.max_loops") != 5 {
		t.Error("each key must come from the most exact entry that has it")
	}
	if got, want := r.Profiles(), []string{"acme/one", "acme/family"}; !slices.Equal(got, want) {
		t.Errorf("profiles %v, want %v", got, want)
	}
	if got, want := r.Setting("lcp.mru").Losers[0].Why, "the entry at devices.toml:7 matches more exactly than the one at devices.toml:2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := resolve(t, db, Facts{USB: "19d2:0001"}, ""); r.Int("lcp.mru") != 1000 {
		t.Error("another product is not of the family")
	}
}

// A person who names a profile for a modem in an outer layer wants it to beat what an inner layer found more exactly.
func TestAnEntryOfAnOuterLayerBeatsAMoreExactInnerOne(t *testing.T) {
	db, problems := layers(t, map[string]string{
		"builtin:quirks/acme/one.toml": head + quirk("lcp.mru", "value = 1001"),
		"builtin:quirks/acme/two.toml": head + quirk("lcp.mru", "value = 1002"),
		"builtin:devices.toml":         "schema = 1\n" + device("acme/one", `usb = ["19d2:0117"]`) + device("acme/two", `usb = ["19d2:0118"]`),
		"user:devices.d/mine.toml":     "schema = 1\n[[device]]\nprofile = \"acme/two\"\nusb = [\"19d2:*\"]\n",
	})
	none(t, problems)
	if r := resolve(t, db, Facts{USB: "19d2:0117"}, ""); r.Int("lcp.mru") != 1002 || r.Profile() != "acme/two" {
		t.Errorf("mru %d, profile %s", r.Int("lcp.mru"), r.Profile())
	} else if why := r.Setting("lcp.mru").Losers[0].Why; !strings.HasSuffix(why, "mine.toml:2 in layer user gives this modem the profile acme/two") {
		t.Errorf("why: %s", why)
	}
}

func TestTiesAreErrorsInShippedDataAndWarningsElsewhere(t *testing.T) {
	profiles := []string{
		"quirks/acme/one.toml", head + quirk("lcp.mru", "value = 1001"),
		"quirks/acme/two.toml", head + quirk("lcp.mru", "value = 1002") + quirk("lcp.max_loops", "value = 5"),
		"quirks/acme/same.toml", head + "inherits = [\"acme/one\"]\n",
	}
	for _, c := range []struct{ name, a, b, want string }{
		{"same id", device("acme/one", `usb = ["19d2:0117"]`), device("acme/two", `usb = ["19d2:0001", "19d2:0117"]`), "lcp.mru"},
		{"patterns of one length that meet", device("acme/one", `model = ["MF1*"]`), device("acme/two", `model = ["*F18"]`), "lcp.mru"},
		{"patterns that cannot meet", device("acme/one", `model = ["MF1*"]`), device("acme/two", `model = ["MF2*"]`), ""},
		{"one more exact", device("acme/one", `model = ["MF180"]`), device("acme/two", `model = ["MF1*"]`), ""},
		{"one alternative more exact, the other not", device("acme/one", `model = ["MF180", "MF1*"]`), device("acme/two", `model = ["*F18"]`), "lcp.mru"},
		{"ports", device("acme/one", "usb = [\"19d2:0117\"]\nports = { data = 1 }\nconfidence = \"reported\""),
			device("acme/one", "usb = [\"19d2:0117\"]\nports = { data = 2 }\nconfidence = \"reported\""), "port.data_interface"},
		{"ports on which they agree", device("acme/one", "usb = [\"19d2:0117\"]\nports = { data = 1, at = 0 }\nconfidence = \"reported\""),
			device("acme/same", "usb = [\"19d2:0117\"]\nports = { data = 1 }\nconfidence = \"reported\""), ""},
		{"no disagreement", device("acme/one", `usb = ["19d2:0117"]`), device("acme/same", `usb = ["19d2:0117"]`), ""},
	} {
		db, problems := Open(builtin(append(profiles, "devices.toml", "schema = 1\n"+c.a+c.b)...))
		none(t, problems)
		got := texts(db.Validate())
		if c.want == "" && got != "" || c.want != "" && !strings.Contains(got, "equally exactly, and disagree about "+c.want) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}

	db, _ := Open(builtin(append(profiles, "devices.toml", "schema = 1\n"+
		device("acme/two", `usb = ["19d2:0117"]`)+device("acme/one", `usb = ["19d2:0117"]`))...))
	r := resolve(t, db, Facts{USB: "19d2:0117"}, "")
	if r.Int("lcp.mru") != 1001 || r.Int("lcp.max_loops") != 5 {
		t.Error("the profile that comes first in the alphabet must win a tie, and the other keep what is not disputed")
	}
	want := "lcp.mru: acme/one (quirks/acme/one.toml:3) and acme/two (quirks/acme/two.toml:3) match this modem equally exactly; quirks/acme/one.toml:3 is used"
	if got := r.Warnings(); !slices.Equal(got, []string{want}) {
		t.Errorf("warnings %q", got)
	}
}

func TestMatchesShowsWhatMatchedWhatMightAndWhatNot(t *testing.T) {
	db, problems := Open(builtin("quirks/acme/modem.toml", head, "devices.toml", "schema = 1\n"+
		device("acme/modem", `model = ["Two"]`)+device("acme/modem", `revision = ["11.*", "22"]`)+
		device("acme/modem", `model = ["On*"]`)+device("acme/modem", `model = ["One"]`)))
	none(t, problems)
	r := resolve(t, db, Facts{Model: "one"}, "")
	var got []string
	for _, m := range r.Matches() {
		got = append(got, m.Device.Origin+" "+m.Result.String())
	}
	want := []string{"devices.toml:17 yes", "devices.toml:12 yes", "devices.toml:7 unknown", "devices.toml:2 no"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := r.Profiles(); len(got) != 1 {
		t.Errorf("one profile named by two entries was used as %v", got)
	}
}

// Resolve looks only where a modem's entries can be; Matches looks at all. They must agree.
func TestTheIndexFindsWhatMatches(t *testing.T) {
	db, problems := Open(builtin("quirks/acme/a.toml", head, "quirks/acme/b.toml", head, "quirks/acme/c.toml", head, "quirks/acme/d.toml", head,
		"devices.toml", "schema = 1\n"+device("acme/a", `usb = ["19d2:0117", "19d2:0117", "19d2:0001"]`)+device("acme/b", `usb = ["19d2:0117", "12d1:*"]`)+
			device("acme/c", `usb = ["19d2:*"]`)+device("acme/d", `model = ["MF*"]`)))
	none(t, problems)
	for _, f := range []Facts{{}, {USB: None}, {USB: "19D2:0117 "}, {USB: "19d2:0001", Model: "MF1"}, {USB: "12d1:0001"}, {Model: "MF1"}, {USB: None, Model: "mf1"}} {
		r := resolve(t, db, f, "")
		var want []string
		for _, m := range r.Matches() {
			if m.Result == Yes {
				want = append(want, m.Device.Profile)
			}
		}
		if !slices.Equal(r.Profiles(), want) {
			t.Errorf("%+v: resolved to %v, matched %v", f, r.Profiles(), want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"e398*", "e398", true}, {"e398*", "e398u-15", true}, {"e398*", "he398", false}, {"*398", "e398", true},
		{"e3?8", "e398", true}, {"e3?8", "e38", false}, {"*a*b*", "xxaxxbxx", true}, {"*a*b*", "xxbxxaxx", false},
		{"*aab", "aaaab", true}, {"", "", true}, {"*", "", true}, {"?", "", false}, {"a*a", "a", false}, {"ab", "a*", false},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("glob(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
	// Not exponential: this would never end by simple backtracking.
	if glob(strings.Repeat("*a", 60)+"b", strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
}

func TestMeet(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"mf*", "*180", true}, {"mf*", "zf*", false}, {"a?c", "ab?", true}, {"a", "a", true}, {"a", "b", false},
		{"*", "", true}, {"a*b", "ab", true}, {"a*b*c", "a*c", true}, {"ab*", "b*a", false}, {"?", "*", true},
	} {
		if meet(c.p, c.q) != c.want || meet(c.q, c.p) != c.want {
			t.Errorf("meet(%q, %q) is not %v", c.p, c.q, c.want)
		}
	}
}

func TestFactsWith(t *testing.T) {
	f, err := Facts{}.With([]string{"usb=12d1:1506", "model=E398=x"})
	if err != nil || f != (Facts{USB: "12d1:1506", Model: "E398=x"}) {
		t.Errorf("%+v, %v", f, err)
	}
	for _, c := range []struct{ fact, want string }{
		{"model", `fact "model" is not of the form name=value`},
		{"modle=E398", `unknown fact "modle"; allowed are usb, interface, class, driver, dmi, devicetree, manufacturer, model, revision, operator, auth, peer; did you mean "model"?`},
	} {
		if _, err := (Facts{}).With([]string{c.fact}); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.fact, err)
		}
	}
}
