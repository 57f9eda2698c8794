package device

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
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

// An archive whose links, each of which seems to stay inside, lead out of it together.
func TestASavedMachineStaysInside(t *testing.T) {
	name := filepath.Join(t.TempDir(), "machine.tar.gz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	link := func(at, to string) {
		if err := w.WriteHeader(&tar.Header{Name: at, Linkname: to, Typeflag: tar.TypeSymlink}); err != nil {
			t.Fatal(err)
		}
	}
	link("sys/a/b/c", "../..")                             // sys itself
	link("sys/file", "a/b/c/../../../../proc/version")     // by its text sys/../proc/version
	link("sys/endless", "a/b/c/../../../../dev/zero")      // no end
	link("identity", "sys/a/b/c/../../../../proc/self/fd") // anything
	for _, c := range []interface{ Close() error }{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	root, done, err := Unpack(name)
	if err != nil {
		return // refused is as good
	}
	defer done()
	for _, path := range []string{"file", "endless"} {
		if f, err := root.Sys.Open(path); err == nil {
			f.Close()
			t.Errorf("%s leads out of the tree", path)
		}
	}
	if _, err := fs.ReadDir(root.Said, "identity"); err == nil {
		t.Error("identity leads out of the tree")
	}
}
