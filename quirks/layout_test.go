package quirks_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knakppp/knak/quirks"
)

// layout is a modem of testdata/layouts.tsv: what it looks like, and which of its ttys carries PPP.
type layout struct {
	quirks.Layout
	data  int      // place among the ttys
	roles []string // of the ttys
}

// layouts reads testdata/layouts.tsv.
func layouts(t testing.TB) (list []layout) {
	t.Helper()
	f, err := os.Open("testdata/layouts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		if len(cells) != 3 {
			t.Fatalf("%q", s.Text())
		}
		l := layout{Layout: quirks.Layout{USB: cells[0]}, data: -1}
		for i, word := range strings.Fields(cells[2]) {
			number, role, _ := strings.Cut(word, "=")
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			class := "ff/ff/ff"
			if cells[1] == "cdc_acm" {
				class = "02/02/01"
			}
			l.TTYs = append(l.TTYs, quirks.TTY{Interface: n, Class: class, Driver: cells[1]})
			l.roles = append(l.roles, role)
			if role == "data" {
				l.data = i
			}
		}
		if l.data < 0 {
			t.Fatalf("%q names no tty for data", s.Text())
		}
		list = append(list, l)
	}
	return list
}

// asked is the layout once its ttys were asked.
func (l layout) asked() quirks.Layout {
	l.TTYs = slices.Clone(l.TTYs)
	for i, role := range l.roles {
		l.TTYs[i].Answer = map[string]quirks.Answer{"data": quirks.Commands, "at": quirks.Commands, "nmea": quirks.Sentences, "diag": quirks.Silent, "other": quirks.Silent}[role]
	}
	return l.Layout
}

// Which tty carries PPP is known before anything is opened, and where the modem's own entry is missing it is found by
// asking: the rules then need one try, seldom two.
func TestTheDataPortIsFound(t *testing.T) {
	db := shipped(t)
	all := layouts(t)
	var known, guessed, first, second, strange, strangeSecond int
	var wrong, never []string
	for _, l := range all {
		r, err := db.Resolve(quirks.Facts{USB: l.USB, Driver: l.TTYs[0].Driver}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		tries := func(dial []int) int { return slices.Index(dial, l.data) + 1 }
		if tries(db.Ports(l.Layout, r).Dial) == 1 {
			known++
		} else {
			wrong = append(wrong, l.USB)
		}
		if tries(db.Ports(l.Layout, nil).Dial) == 1 {
			guessed++
		}
		unknown := l.asked()
		unknown.USB = "ffff:0001" // of a maker whom nobody knows
		switch tries(db.Ports(unknown, nil).Dial) {
		case 1:
			strange++
			strangeSecond++
		case 2:
			strangeSecond++
		}
		switch tries(db.Ports(l.asked(), nil).Dial) {
		case 1:
			first++
			second++
		case 2:
			second++
		default:
			never = append(never, l.USB)
		}
	}
	percent := func(n int) string {
		return fmt.Sprintf("%d of %d (%.1f %%)", n, len(all), 100*float64(n)/float64(len(all)))
	}
	t.Logf("by the database, nothing opened: %s", percent(known))
	t.Logf("by the rules alone, nothing opened: %s", percent(guessed))
	t.Logf("by the rules alone, all ttys asked: first %s, second %s", percent(first), percent(second))
	t.Logf("by the rules that name no maker, all ttys asked: first %s, second %s", percent(strange), percent(strangeSecond))
	if strange*100 < len(all)*70 || strangeSecond*100 < len(all)*95 {
		t.Errorf("of a maker whom nobody knows only %d and %d of %d are found", strange, strangeSecond, len(all))
	}
	if len(all) < 550 || known*100 < len(all)*97 {
		t.Errorf("wrong by the database: %v", wrong)
	}
	if first*100 < len(all)*90 || second*100 < len(all)*97 {
		t.Errorf("not within two tries without an entry: %v", never)
	}
}
