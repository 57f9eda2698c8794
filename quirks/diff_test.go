package quirks

import (
	"testing"
	"testing/fstest"
)

// small makes a database of one profile with one device.
func small(t *testing.T, value, devices string) *DB {
	t.Helper()
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	db, problems := Open(Sources{Builtin: fstest.MapFS{
		"devices.toml": file("schema = 1\n[[shared]]\nusb = [\"1234:9999\"]\nreason = \"r\"\nsource = [\"https://example.org\"]\n" + devices),
		"quirks/acme/a.toml": file(`schema = 1
summary = "s"
[lcp.restart]
value = "` + value + `"
reason = "r"
source = ["https://example.org"]
confidence = "guessed"
`),
	}})
	for _, p := range problems {
		t.Fatal(p)
	}
	return db
}

const acme = "[[device]]\nname = \"A\"\nprofile = \"acme/a\"\nusb = [\"1234:0001\", \"1234:0002\"]\nmodel = [\"AA*\", \"BB\"]\nsource = [\"https://example.org\"]\n"

func TestDiff(t *testing.T) {
	if got := Diff(small(t, "2s", acme), small(t, "2s", acme)); len(got) != 0 {
		t.Errorf("a database differs from itself: %+v", got)
	}
	got := Diff(small(t, "2s", acme), small(t, "4s", acme))
	if len(got) != 4 { // two ids with two models
		t.Fatalf("%d modems, want 4: %+v", len(got), got)
	}
	c := got[0]
	if c.Device != "A" || c.Facts != (Facts{USB: "1234:0001", Model: "AA"}) || len(c.Keys) != 1 ||
		c.Keys[0].Key != "lcp.restart" || c.Keys[0].From.String() != "2s" || c.Keys[0].To.String() != "4s" {
		t.Errorf("%+v", c)
	}
	// A device that only one of them has.
	for _, pair := range [][2]string{{acme, ""}, {"", acme}} {
		got = Diff(small(t, "2s", pair[0]), small(t, "2s", pair[1]))
		if len(got) != 4 || len(got[0].From)+len(got[0].To) != 1 {
			t.Errorf("%+v", got)
		}
	}
}

// What an entry's examples say, the entry must match.
func TestExamplesMatch(t *testing.T) {
	d := Device{USB: []string{"1234:*"}, Interface: []string{"03"}, Class: []string{"ff/*/01"}, Driver: []string{"option"},
		Manufacturer: []string{"ac?e*"}, Model: []string{"*M1?", "M2"}, Revision: []string{"11.*"}}
	list := d.examples()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, f := range list {
		if m, _ := d.matches(f); m.Result != Yes {
			t.Errorf("%+v: %+v", f, m)
		}
	}
}
