// Package golden compares what a test got with a file that a person has read, or that is generated: with -update the file is
// written anew. It is for tests only.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write golden and generated files anew instead of comparing them")

// Update says that files are to be written.
func Update() bool { return *update }

// Same compares got with a file, line ends aside, or writes it. how says how people write it, such as "make generate"; "" is
// -update.
func Same(t testing.TB, file string, got []byte, how string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")) // a file that was checked out on Windows
	if bytes.Equal(got, want) {
		return
	}
	if how != "" {
		t.Errorf("%s is not what the code gives now: %s", file, how)
		return
	}
	t.Errorf("%s differs; with -update it is written anew. Got:\n%s", file, got)
}
