package quirks_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/knakppp/knak/quirks"
)

// rows reads a table of testdata.
func rows(t *testing.T, file string, columns int) (list [][]string) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		for len(cells) < columns {
			cells = append(cells, "")
		}
		list = append(list, cells)
	}
	return list
}

// Whoever buys a module of the 2020s finds it here: with a profile, or with a word that it needs none.
func TestModulesOfTheTwentiesAreKnown(t *testing.T) {
	db := shipped(t)
	for _, c := range rows(t, "modern.tsv", 3) {
		for _, usb := range []string{c[2], quirks.None} {
			if usb == "" {
				continue
			}
			r, err := db.Resolve(quirks.Facts{USB: usb, Manufacturer: c[0], Model: c[1]}, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Devices()) == 0 {
				t.Errorf("%s %s (%s) is not known", c[0], c[1], usb)
			}
		}
	}
}

// Each behaviour that a key can hold, by the ids of docs/quirks.md, stands in what every modem gets that its source names.
func TestBehavioursAreInEffect(t *testing.T) {
	db := shipped(t)
	for _, c := range rows(t, "behaviours.tsv", 4) {
		f, err := quirks.ParseFacts(strings.Split(c[1], ";"))
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		f.Remembered = true
		r, err := db.Resolve(f, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := quirks.Lookup(c[2]); !ok {
			t.Fatalf("%v: there is no key %s", c, c[2])
		}
		s := r.Setting(c[2])
		if !strings.Contains(s.Value.String(), strings.TrimPrefix(c[3], "!")) == !strings.HasPrefix(c[3], "!") {
			t.Errorf("%s, %s: %s is %s (%s), expected %s", c[0], c[1], c[2], s.Value, s.Source, c[3])
		}
	}
}
