package trust

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestPath(t *testing.T) {
	for _, c := range []struct {
		name string
		bad  string // which of the two is changed
		mode os.FileMode
		why  string
	}{
		{"nobody else may write", "", 0, ""},
		{"the group may write the file", "file", 0o775, "may be written by others"},
		{"everybody may write the file", "file", 0o757, "may be written by others"},
		{"everybody may write the directory", "dir", 0o777, "may be written by others"},
		{"everybody may write a directory where only owners take away", "dir", 0o777 | os.ModeSticky, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			file := filepath.Join(dir, "f")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o755); err != nil {
				t.Fatal(err)
			}
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(file, link); err != nil {
				t.Fatal(err)
			}
			want := ""
			switch c.bad {
			case "file":
				want = file
			case "dir":
				want = dir
			}
			if want != "" {
				if err := os.Chmod(want, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			err := Path(link)
			var told *Error
			switch {
			case c.why == "":
				if err != nil {
					t.Fatal(err)
				}
			case !errors.As(err, &told) || told.Why != c.why || told.Path != want:
				t.Fatalf("got %v, want %s %s", err, want, c.why)
			}
		})
	}
	if err := Path(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a file that is not there: %v", err)
	}
}

// A link in a directory that others may write may lead elsewhere a moment later, however safe its target is.
func TestTheWayThroughLinks(t *testing.T) {
	dir := t.TempDir()
	open, sub, file := filepath.Join(dir, "open"), filepath.Join(dir, "sub"), filepath.Join(dir, "f")
	for _, err := range []error{
		os.Mkdir(open, 0o755), os.Chmod(open, 0o777), os.Mkdir(sub, 0o755), os.WriteFile(file, nil, 0o755),
		os.Symlink(file, filepath.Join(open, "link")), os.Symlink("../sub/../f", filepath.Join(sub, "good")), os.Symlink("loop", filepath.Join(sub, "loop")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var told *Error
	if err := Path(filepath.Join(open, "link")); !errors.As(err, &told) || told.Path != open {
		t.Errorf("a link that anybody may replace: %v", err)
	}
	if got, err := Resolve(filepath.Join(sub, "good")); err != nil || filepath.Base(got) != "f" {
		t.Errorf("%q, %v", got, err)
	}
	if err := Path(filepath.Join(sub, "loop")); err == nil {
		t.Error("a loop of links has an end")
	}
}

func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a file of another user: only root can give one away")
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, 4711, -1); err != nil {
		t.Fatal(err)
	}
	var told *Error
	if err := Path(file); !errors.As(err, &told) || told.Why != "belongs to user 4711" {
		t.Fatalf("got %v", err)
	}
}
