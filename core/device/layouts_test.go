package device

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every fourth of the layouts that are known, as one machine with all of these modems: each is dialled on the right tty before
// anything is opened. quirks/layout_test.go takes all of them, and counts how many the rules alone get right.
func TestEveryKnownLayout(t *testing.T) {
	f, err := os.Open("../../quirks/testdata/layouts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := newMachine(t)
	want := map[string]string{} // by bus path
	usb := map[string]string{}
	ttys := 0
	line := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if line++; line%4 != 0 {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		if strings.HasPrefix(s.Text(), "#") || len(cells) != 3 {
			continue
		}
		path := fmt.Sprintf("%d-%d", 1+len(want)/100, 1+len(want)%100)
		class := "ff/ff/ff"
		if cells[1] == "cdc_acm" {
			class = "02/02/01"
		}
		var list []iface
		for _, word := range strings.Fields(cells[2]) {
			var n int
			var role string
			if _, err := fmt.Sscanf(strings.Replace(word, "=", " ", 1), "%d %s", &n, &role); err != nil {
				t.Fatal(err)
			}
			tty := fmt.Sprintf("ttyUSB%d", ttys)
			ttys++
			list = append(list, iface{Number: fmt.Sprintf("%02x", n), Class: class, Driver: cells[1], TTY: tty})
			if role == "data" {
				want[path] = tty
			}
		}
		usb[path] = cells[0]
		m.USB(path, cells[0], list...)
	}
	found := list(t, m)
	right := 0
	var wrong []string
	for i := range found {
		d := &found[i]
		if ports := d.DataPorts(); len(ports) > 0 && ports[0] == want[d.Path] {
			right++
		} else {
			wrong = append(wrong, usb[d.Path])
		}
	}
	t.Logf("%d of %d right, %d ttys", right, len(want), ttys)
	if len(found) != len(want) || right*100 < len(want)*97 {
		t.Errorf("%d devices found of %d; wrong: %v", len(found), len(want), wrong)
	}
}
