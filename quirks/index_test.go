package quirks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak"
)

// What the index leaves out must not match: it is compared with a look at every entry.
func TestIndexFindsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	some := func(list ...string) []string {
		var out []string
		for range r.IntN(3) {
			out = append(out, pick(list...))
		}
		return out
	}
	matched := 0
	for range 1000 {
		db := &DB{}
		for i := range 20 {
			db.addDevice(Device{
				Name: fmt.Sprint(i),
				USB:  some("12d1:1506", "12d1:*", "1234:5678", "05c6:*"), Model: some("E398*", "e398", "*398", "?39*", "E39801234", "E398012345*", "SARA*", "**"),
				Manufacturer: some("hua*", "HUAWEI", "*"), Revision: some("11.*", "*33", "12.0"), Class: some("ff/*/01", "02/02/01"),
				DMI: some("Acme/*", "*/gateway"), DeviceTree: some("acme,*", "acme,gateway"), Operator: some("262-01", "262-*"), Peer: some("UMTS*", "*SRVR"),
			})
		}
		for range 20 {
			f := Facts{USB: pick("", "12d1:1506", " 12D1:1506 ", "05c6:9000", None), Model: pick("", "E398", "e3980123456", "E39801234", " SARA-R4 ", None, "x"),
				Manufacturer: pick("", "huawei", "HUAWEI", None), Revision: pick("", "11.433", "12.0"), Class: pick("", "ff/01/01"),
				DMI: pick("acme/gateway", "acme/gateway", ""), DeviceTree: pick("acme,board acme,gateway", "ti,other", None), Operator: pick("262-01", "262-01", ""), Peer: pick("UMTS_CHAP_SRVR", "umts_srvr", "")}
			var want []int
			for i := range db.devices {
				if m, _ := db.devices[i].device().matches(f); m.Result == Yes {
					want = append(want, i)
				}
			}
			matched += len(want)
			got := db.index.candidates(&f)
			for _, i := range want {
				if !slices.Contains(got, i) {
					t.Fatalf("%+v matches %+v and is not found", *db.devices[i].device(), f)
				}
			}
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("%v: not in order, or twice", got)
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches: the test looks at nothing", matched)
	}
}

// The entries of the program's own file that the index has as text are found by every id and vendor that they name, as those are that
// it has read; and what they give without being read is what reading them gives.
func TestIndexOfText(t *testing.T) {
	db, _ := Open(Sources{Builtin: knak.Files})
	if len(db.index.texts) < 500 {
		t.Errorf("%d entries are text", len(db.index.texts))
	}
	read := &DB{}
	for i, e := range db.devices {
		if got, want := e.profile(), e.device().Profile; got != want {
			t.Errorf("entry %d: profile %q, want %q", i, got, want)
		}
		read.addDevice(*e.device())
	}
	if got, want := db.Vendors(), read.Vendors(); !slices.Equal(got, want) || len(want) < 50 {
		t.Errorf("vendors %v, want %v", got, want)
	}
	for _, e := range read.devices {
		for _, id := range append(e.read.USB, "ffff:ffff", e.read.Name) {
			vendor, _, _ := strings.Cut(id, ":")
			for _, id := range []string{id, vendor + ":*", vendor} {
				if got, want := db.index.usb(id), read.index.usb(id); !slices.Equal(got, want) {
					t.Fatalf("%s: %v, want %v", id, got, want)
				}
			}
			f := Facts{USB: id}
			if got, want := db.index.candidates(&f), read.index.candidates(&f); !slices.Equal(got, want) {
				t.Fatalf("%s: candidates %v, want %v", id, got, want)
			}
		}
	}
}
