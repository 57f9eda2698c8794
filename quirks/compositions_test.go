package quirks_test

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knakppp/knak/quirks"
)

// compositions reads testdata/compositions.tsv.
func compositions(t testing.TB) (list []layout) {
	t.Helper()
	f, err := os.Open("testdata/compositions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		if len(cells) != 4 || cells[3] == "" {
			t.Fatalf("%q", s.Text())
		}
		l := layout{Layout: quirks.Layout{USB: cells[0]}, data: -1}
		for i, word := range strings.Fields(cells[2]) {
			number, rest, _ := strings.Cut(word, "=")
			role, class, _ := strings.Cut(rest, ":")
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
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

// The rules find the port of compositions that they were not made from: at the first try or, where two ttys answer alike and the
// maker has no habit, at the second. Before the rules were changed for what this list showed it was 13 of 24 at the first.
func TestCompositions(t *testing.T) {
	db := shipped(t)
	all := compositions(t)
	first, second := 0, 0
	var later []string
	for _, l := range all {
		switch slices.Index(db.Ports(l.asked(), nil).Dial, l.data) {
		case 0:
			first++
			second++
		case 1:
			second++
			later = append(later, l.USB)
		}
	}
	t.Logf("of %d: %d at the first try, %d at the second; not at the first: %v", len(all), first, second, later)
	if first*100 < len(all)*90 || second < len(all) {
		t.Errorf("not found at the first try: %v", later)
	}
}

// One tty that says where it is and takes commands too is dialled only where no other takes commands.
func TestPositionsAndCommandsOnOneTTY(t *testing.T) {
	db := shipped(t)
	tty := func(n int, class string) quirks.TTY {
		return quirks.TTY{Interface: n, Class: class, Driver: "option", Answer: quirks.Commands}
	}
	both := quirks.Layout{USB: "1234:5678", TTYs: []quirks.TTY{tty(0, "ff/ff/60"), tty(1, "ff/ff/40")}}
	if got := db.Ports(both, nil).Dial; !slices.Equal(got, []int{1, 0}) {
		t.Errorf("dial %v", got)
	}
	both.TTYs[1].Answer = quirks.Silent
	if got := db.Ports(both, nil).Dial; got[0] != 0 {
		t.Errorf("the only one that answers: dial %v", got)
	}
}
