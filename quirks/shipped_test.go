package quirks_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// shipped is the database that is compiled into the program.
func shipped(t testing.TB) *quirks.DB {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	for _, p := range problems {
		t.Errorf("shipped data: %v", p)
	}
	return db
}

// The files within the program are not read as strictly at run time as those of others are, and only when they are looked
// at, so they are read strictly here, and what comes of both ways is the same.
func TestCompiledFilesAreStrict(t *testing.T) {
	strict, problems := quirks.Open(quirks.Sources{Builtin: struct{ fs.FS }{knak.Files}})
	for _, p := range problems {
		t.Error(p)
	}
	db := shipped(t)
	if a, b := form(t, db.Rules()), form(t, strict.Rules()); a != b {
		t.Errorf("rules: %s\nwant %s", a, b)
	}
	if !slices.Equal(db.Profiles(), strict.Profiles()) {
		t.Errorf("profiles: %v\nwant %v", db.Profiles(), strict.Profiles())
	}
	for _, id := range strict.Profiles() {
		a, _ := db.Profile(id)
		b, _ := strict.Profile(id)
		if a, b := form(t, a), form(t, b); a != b {
			t.Errorf("%s: %s\nwant %s", id, a, b)
		}
	}
	some, all := db.Devices(), strict.Devices()
	if len(some) != len(all) {
		t.Fatalf("%d entries, want %d", len(some), len(all))
	}
	for i := range all {
		if a, b := form(t, some[i]), form(t, all[i]); a != b {
			t.Errorf("%s\nwant %s", a, b)
		}
		// What the index was made of while the entry was still text leads to it.
		facts := quirks.Facts{USB: quirks.None}
		if len(all[i].USB) > 0 {
			facts.USB = strings.ReplaceAll(all[i].USB[0], "*", "abcd")
		}
		for _, f := range []struct {
			patterns []string
			into     *string
		}{{all[i].Manufacturer, &facts.Manufacturer}, {all[i].Model, &facts.Model}, {all[i].Revision, &facts.Revision}} {
			if len(f.patterns) > 0 {
				*f.into = strings.ReplaceAll(f.patterns[0], "*", "")
			}
		}
		r, err := db.Resolve(facts, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(r.Devices(), func(d quirks.Device) bool { return d.Origin == all[i].Origin }) {
			t.Errorf("%s (%s) is not found by %+v", all[i].Name, all[i].Origin, facts)
		}
	}
}

func form(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestShippedDataIsSound(t *testing.T) {
	db := shipped(t)
	for _, p := range db.Validate() {
		t.Errorf("shipped data: %v", p)
	}
	used := map[string]bool{}
	for _, d := range db.Devices() {
		if d.Profile != "" {
			used[d.Profile] = true
		}
	}
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		if !p.Fragment() && !used[id] {
			t.Errorf("no device has profile %s", id)
		}
		if !p.Fragment() {
			for _, in := range p.Inherits {
				used[in] = true
			}
		}
		r, err := db.Resolve(quirks.Facts{}, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Changed() {
			if s.Value.Equal(s.Default) {
				t.Errorf("%s: %s: %s says what the default says", s.Source, s.Key, s.Value)
			}
		}
	}
	for _, id := range db.Profiles() {
		if !used[id] {
			t.Errorf("nothing uses %s", id)
		}
	}
}

// Each source is something that a reader can look up, and no source is one that only this project's machines can.
func TestShippedSourcesAreAddresses(t *testing.T) {
	db := shipped(t)
	check := func(origin string, sources []string) {
		for _, s := range sources {
			if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
				t.Errorf("%s: source %q is not an address", origin, s)
			}
		}
	}
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		for _, q := range p.Quirks {
			check(q.Origin, q.Sources)
		}
	}
	for _, d := range db.Devices() {
		check(d.Origin, d.Sources)
	}
}

func TestShippedDevicesGetTheirProfiles(t *testing.T) {
	db := shipped(t)
	for _, c := range []struct {
		name  string
		facts quirks.Facts
		want  []string
	}{
		{"E398 by its shared id and its model", quirks.Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398", Revision: "11.433.19.00.00"}, []string{"huawei/e398", "huawei/stick"}},
		{"E398 without a bus, as the simulator shows it", quirks.Facts{USB: quirks.None, Manufacturer: "huawei", Model: "E398"}, []string{"huawei/e398"}},
		{"E3372 has the E398's id but not its model", quirks.Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E3372"}, []string{"huawei/stick"}},
		{"the shared id before the modem was asked", quirks.Facts{USB: "12d1:1506"}, []string{"huawei/stick"}},
		{"E220 before it was asked", quirks.Facts{USB: "12d1:1003"}, []string{"huawei/e220", "huawei/stick"}},
		{"E270 through a serial line", quirks.Facts{USB: quirks.None, Manufacturer: "HUAWEI", Model: "E270"}, []string{"huawei/e220"}},
		{"SARA-R410M behind Qualcomm's id", quirks.Facts{USB: "05c6:90b2", Manufacturer: "u-blox", Model: "SARA-R410M-02B"}, []string{"ublox/sara-r4", "ublox/module"}},
		{"EG91 on a UART", quirks.Facts{USB: quirks.None, Manufacturer: "Quectel", Model: "EG91"}, []string{"quectel/eg91", "quectel/module"}},
		{"EG915 is another", quirks.Facts{USB: quirks.None, Manufacturer: "Quectel", Model: "EG915U"}, []string{"quectel/module"}},
		{"a Telit with ports and a profile", quirks.Facts{USB: "1bc7:1040"}, []string{"telit/le922"}},
		{"a ZTE of which only the ports are known", quirks.Facts{USB: "19d2:0117"}, []string{"zte/stick"}},
		{"SIM7600 among those with its id", quirks.Facts{USB: "1e0e:9001", Manufacturer: "SIMCOM INCORPORATED", Model: "SIMCOM_SIM7600E-H"}, []string{"simcom/sim7600", "simcom/module"}},
		{"Qualcomm's id alone", quirks.Facts{USB: "05c6:90b2"}, nil},
		{"a modem nobody knows", quirks.Facts{USB: "ffff:ffff", Manufacturer: "acme", Model: "one", Revision: "1"}, nil},
		{"nothing known", quirks.Facts{}, nil},
	} {
		r, err := db.Resolve(c.facts, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Profiles(), c.want) {
			t.Errorf("%s: got %v, want %v", c.name, r.Profiles(), c.want)
		}
	}
}

// The seed story, told from the files alone.
func TestE398(t *testing.T) {
	r, err := shipped(t).Resolve(quirks.Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Text("auth.user"); got != "" {
		t.Errorf("user name %q, want a blank one", got)
	}
	if got, want := r.List("ipcp.request"), []string{"address", "dns1", "dns2", "nbns1", "nbns2"}; !slices.Equal(got, want) {
		t.Errorf("IPCP request %v, want %v", got, want)
	}
	for _, key := range []string{"auth.user", "ipcp.request"} {
		if s := r.Setting(key); s.Confidence != "guessed" || s.Reason == "" || len(s.Sources) == 0 || !strings.HasPrefix(s.Source, "quirks/huawei/e398.toml:") {
			t.Errorf("%s does not say where it came from: %+v", key, s)
		}
	}
}
