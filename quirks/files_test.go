package quirks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// userDir makes a user layer with one good profile, acme/modem, and gives its directory.
func userDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	vendor := filepath.Join(dir, "quirks.d", "acme")
	if err := os.MkdirAll(vendor, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vendor, "modem.toml"), []byte("schema = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMissingDirectoriesAreEmptyLayers(t *testing.T) {
	s := builtin()
	s.System, s.User = filepath.Join(t.TempDir(), "none"), t.TempDir()
	_, problems := Open(s)
	none(t, problems)
}

// Running as root, what others may write could be used to make root send AT commands.
func TestRootRefusesWhatOthersMayWrite(t *testing.T) {
	for _, c := range []struct {
		name, file string
		mode       fs.FileMode
		want       string
	}{
		{"all well", "quirks.d", 0o755, ""},
		{"file that the group may write", "quirks.d/acme/modem.toml", 0o664, "quirks.d/acme/modem.toml: file is left out: refused, because knak runs as root and others may write here"},
		{"file that all may write", "quirks.d/acme/modem.toml", 0o646, "quirks.d/acme/modem.toml: file is left out: refused"},
		{"directory of the vendor", "quirks.d/acme", 0o777, "quirks.d/acme: directory is left out: refused"},
		{"directory of all", "quirks.d", 0o777, "quirks.d: directory is left out: refused"},
	} {
		dir := userDir(t)
		if err := os.Chmod(filepath.Join(dir, c.file), c.mode); err != nil {
			t.Fatal(err)
		}
		s := builtin()
		s.User, s.Root = dir, true
		// The owner is whoever runs the tests, so only the half of the check that looks at the mode can be tried here.
		s.trust = func(info fs.FileInfo) error {
			return onlyRootWrites(ownedBy{info, 0})
		}
		db, problems := Open(s)
		if c.want == "" {
			none(t, problems)
		} else if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
			t.Errorf("%s: got %swant %s", c.name, texts(problems), c.want)
		}
		if got := len(db.Profiles()) == 1; got != (c.want == "") {
			t.Errorf("%s: used: %v", c.name, got)
		}
		s.Root, s.trust = false, nil
		if _, problems := Open(s); len(problems) != 0 {
			t.Errorf("%s: not root, but %s", c.name, texts(problems))
		}
	}
}

// ownedBy changes the owner of a file's description.
type ownedBy struct {
	fs.FileInfo
	uid uint32
}

func (o ownedBy) Sys() any { return &syscall.Stat_t{Uid: o.uid} }

func TestRootRefusesWhatSomebodyElseOwns(t *testing.T) {
	info, err := os.Stat(filepath.Join(userDir(t), "quirks.d/acme/modem.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := onlyRootWrites(ownedBy{info, 1000}); err == nil || !strings.Contains(err.Error(), "chown root") {
		t.Errorf("got %v", err)
	}
	if err := onlyRootWrites(ownedBy{info, 0}); err != nil {
		t.Errorf("root's own: %v", err)
	}
}

// Root asks for the check without being told how.
func TestRootMeansTheCheck(t *testing.T) {
	dir := userDir(t)
	if err := os.Chmod(filepath.Join(dir, "quirks.d"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, problems := Open(Sources{User: dir, Root: true}); len(problems) != 1 {
		t.Errorf("got %s", texts(problems))
	}
}

func TestOddFilesAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(file string) error
		want string
	}{
		{"10 MB", func(f string) error { return os.WriteFile(f, []byte(strings.Repeat("# x\n", 10<<20/4)), 0o644) }, "10485760 bytes long, but at most 1048576 are read"},
		{"a FIFO, which would wait for ever", func(f string) error { return syscall.Mkfifo(f, 0o644) }, "not a regular file"},
		{"a directory", func(f string) error { return os.Mkdir(f, 0o755) }, "not a regular file"},
		{"a link to nowhere", func(f string) error { return os.Symlink("nowhere", f) }, "no such file"},
		{"a link to itself", func(f string) error { return os.Symlink("odd.toml", f) }, "too many levels"},
		{"a device", func(f string) error { return os.Symlink("/dev/zero", f) }, "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := userDir(t)
			if err := c.make(filepath.Join(dir, "quirks.d/acme/odd.toml")); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				db, problems := Open(Sources{User: dir})
				if len(problems) != 1 || !strings.Contains(problems[0].Error(), "odd.toml: file is left out: ") || !strings.Contains(problems[0].Error(), c.want) {
					t.Errorf("got %swant %s", texts(problems), c.want)
				}
				if len(db.Profiles()) != 1 {
					t.Errorf("profiles %v, want the good one", db.Profiles())
				}
			}()
			select {
			case <-done:
			case <-time.After(30 * time.Second):
				t.Fatal("hangs")
			}
		})
	}
}

func TestALinkToAGoodFileIsFollowed(t *testing.T) {
	dir := userDir(t)
	if err := os.Symlink("modem.toml", filepath.Join(dir, "quirks.d/acme/other.toml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("acme", filepath.Join(dir, "quirks.d/alias")); err != nil {
		t.Fatal(err)
	}
	db, problems := Open(Sources{User: dir})
	none(t, problems)
	if got := strings.Join(db.Profiles(), " "); got != "acme/modem acme/other alias/modem alias/other" {
		t.Errorf("profiles %s", got)
	}
}

// denied is a file system of which one directory cannot be read. (Permissions would not stop tests that run as root.)
type denied struct {
	fs.FS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func (d denied) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.FS, name) }

func TestAnUnreadableDirectoryIsLeftOut(t *testing.T) {
	s := builtin("quirks/acme/modem.toml", head, "quirks/other/modem.toml", head)
	s.Builtin = denied{s.Builtin, "quirks/acme"}
	db, problems := Open(s)
	if got, want := texts(problems), "quirks/acme: directory is left out: permission denied\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if got := strings.Join(db.Profiles(), " "); got != "other/modem" {
		t.Errorf("profiles %s", got)
	}
}

func TestProblemIsATypedError(t *testing.T) {
	_, err := (&DB{}).Resolve(Facts{}, "no/such", nil)
	var p *Problem
	if !errors.As(err, &p) || p.Layer != CommandLine {
		t.Errorf("%v", err)
	}
}
