package device

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/golden"
)

// What people pack with `knak devices --save` is a test: beside testdata/saved/NAME.tar.gz stands NAME.txt with a line for each
// device that has ttys: its place on the bus and USB id, whether it is known to be a modem, the tty to dial on, the one for commands, and the
// profile. Nobody's number is in such a file.
func TestSavedMachines(t *testing.T) {
	names, err := filepath.Glob("testdata/saved/*.tar.gz")
	if err != nil || len(names) == 0 {
		t.Fatalf("no saved machines: %v", err)
	}
	db := shipped(t)
	for _, name := range names {
		root, done, err := Unpack(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		list, err := List(root, db, "", nil)
		done()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b strings.Builder
		orNone := func(names []string) string {
			if len(names) == 0 {
				return "-"
			}
			return names[0]
		}
		for i := range list {
			d := &list[i]
			data := d.DataPorts()
			at := d.ATPorts()
			if len(at) > 1 && len(data) > 0 && at[0] == data[0] {
				at = at[1:]
			}
			profile := d.Quirks.Profile()
			if profile == "" {
				profile = "-"
			}
			fmt.Fprintf(&b, "%s %s modem=%v data=%s at=%s profile=%s\n", d.Path, d.USB, d.Modem, orNone(data), orNone(at), profile)
		}
		golden.Same(t, strings.TrimSuffix(name, ".tar.gz")+".txt", []byte(b.String()), "")
	}
}
