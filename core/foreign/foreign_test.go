package foreign

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/trust"
)

// must fails the test where making what it needs fails.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon runs f, which must not be held up by whoever made a file.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for somebody else")
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(path string) error
		rules Rules
		why   string // "": it is read
	}{
		{"a file", func(p string) error { return os.WriteFile(p, []byte("content"), 0o644) }, Rules{}, ""},
		{"a named pipe without a writer", func(p string) error { return unix.Mkfifo(p, 0o666) }, Rules{}, "a named pipe"},
		{"a link to a device", func(p string) error { return os.Symlink("/dev/zero", p) }, Rules{}, "a symbolic link"},
		{"a link to a device, links allowed", func(p string) error { return os.Symlink("/dev/zero", p) }, Rules{Links: true}, "a device"},
		{"a link that leads nowhere", func(p string) error { return os.Symlink("nowhere", p) }, Rules{}, "a symbolic link"},
		{"a link to a file, links allowed", func(p string) error {
			return errors.Join(os.WriteFile(p+".real", []byte("content"), 0o644), os.Symlink(p+".real", p))
		}, Rules{Links: true}, ""},
		{"a device without end that a person named", func(p string) error { return os.Symlink("/dev/zero", p) }, Rules{Links: true, Pipes: true}, "is longer than"},
		{"a directory", func(p string) error { return os.Mkdir(p, 0o755) }, Rules{Pipes: true}, "a directory"},
		{"a file of 3 GB that takes no room", func(p string) error {
			return errors.Join(os.WriteFile(p, nil, 0o644), os.Truncate(p, 3<<30))
		}, Rules{}, "is longer than"},
		{"one octet more than allowed", func(p string) error { return os.WriteFile(p, []byte("content+"), 0o644) }, Rules{Limit: 7}, "is longer than"},
		{"as many octets as allowed", func(p string) error { return os.WriteFile(p, []byte("content"), 0o644) }, Rules{Limit: 7}, ""},
		{"one that others may write", func(p string) error {
			return errors.Join(os.WriteFile(p, []byte("content"), 0o644), os.Chmod(p, 0o646))
		}, Rules{Trusted: true}, "may be written by others"},
		{"one that others may write, which does not matter", func(p string) error {
			return errors.Join(os.WriteFile(p, []byte("content"), 0o644), os.Chmod(p, 0o646))
		}, Rules{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			must(t, c.make(path))
			soon(t, func() {
				content, err := Read(path, c.rules)
				if c.why == "" && (err != nil || string(content) != "content") {
					t.Errorf("%q, %v", content, err)
				}
				if c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), path)) {
					t.Errorf("%v; want %q", err, c.why)
				}
			})
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), Rules{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// fcntl(2): an open that conflicts with a lease waits for its holder, up to /proc/sys/fs/lease-break-time (45 s).
func TestReadDoesNotWaitForALease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("SKIPPED: no leases on this file system: %v", err)
	}
	begun := time.Now()
	if _, err := Read(path, Rules{}); !errors.Is(err, unix.EWOULDBLOCK) || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

// bash's <(command), systemd's and a shell's 3<file: the descriptor was handed over by who started this process.
func TestReadOfADescriptor(t *testing.T) {
	for _, dir := range []string{"/dev/fd", "/proc/self/fd"} {
		r, w, err := os.Pipe()
		must(t, err)
		go func() {
			_, _ = w.WriteString("secret\n")
			w.Close()
		}()
		path := filepath.Join(dir, strconv.Itoa(int(r.Fd())))
		soon(t, func() {
			if content, err := Read(path, Rules{Pipes: true, Trusted: true}); err != nil || string(content) != "secret\n" {
				t.Errorf("%s: %q, %v", path, content, err)
			}
		})
		r.Close()
	}
}

func TestReadOfANamedPipeThatAPersonNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(path, 0o600))
	go func() {
		if w, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			_, _ = w.WriteString("secret\n")
			w.Close()
		}
	}()
	soon(t, func() {
		if content, err := Read(path, Rules{Pipes: true, Trusted: true}); err != nil || string(content) != "secret\n" {
			t.Errorf("%q, %v", content, err)
		}
	})
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	f, err := Lock(path)
	must(t, err)
	if info, err := f.Stat(); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := Lock(path); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a held lock: %v", err)
	}
	must(t, f.Close())
	f, err = Lock(path)
	must(t, err)
	f.Close()
	for name, make := range map[string]func(string) error{
		"fifo": func(p string) error { return unix.Mkfifo(p, 0o600) },
		"link": func(p string) error { return os.Symlink(filepath.Join(dir, "elsewhere"), p) },
		"dir":  func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		path := filepath.Join(dir, name)
		must(t, make(path))
		soon(t, func() {
			if f, err := Lock(path); err == nil {
				t.Errorf("%s was taken as a lock", name)
				f.Close()
			}
		})
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("the link was followed")
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	for _, content := range []string{"one", "another"} {
		must(t, Replace(path, []byte(content), 0o600))
		got, err := Read(path, Rules{})
		if err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := Replace(filepath.Join(dir, "none", "state"), nil, 0o600); err == nil {
		t.Error("no error where the directory is missing")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	// A name that is a directory cannot be replaced, and nothing stays of the try.
	must(t, os.MkdirAll(filepath.Join(dir, "d", "full"), 0o700))
	if err := Replace(filepath.Join(dir, "d"), nil, 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, _ = os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestTrustedNamesTheCure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Chmod(dir, 0o777))
	path := filepath.Join(dir, "file")
	must(t, os.WriteFile(path, nil, 0o600))
	var unsafe *trust.Error
	if _, err := Read(path, Rules{Trusted: true}); !errors.As(err, &unsafe) || unsafe.Path != dir || unsafe.Cure != "chmod go-w "+dir {
		t.Errorf("%v", err)
	}
}

// sudo knak dial --config mine.toml: the file is his who called sudo, and so is the directory.
func TestNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to give a file away: run the tests as root")
	}
	const user = 12345
	for _, c := range []struct {
		name  string
		sudo  string
		owner int
		mode  os.FileMode
		why   string
	}{
		{"root's", "", 0, 0o600, ""},
		{"of who called sudo", "12345", user, 0o600, ""},
		{"of who called sudo, and others may write it", "12345", user, 0o666, "may be written by others"},
		{"of another one", "12346", user, 0o600, "belongs to user 12345"},
		{"of another one, without sudo", "", user, 0o600, "belongs to user 12345"},
		{"root's, and others may write it", "", 0, 0o606, "may be written by others"},
		{"root's, and others may read it", "", 0, 0o644, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SUDO_UID", c.sudo)
			dir := filepath.Join(t.TempDir(), "d")
			path := filepath.Join(dir, "file")
			must(t, os.Mkdir(dir, 0o755))
			must(t, os.WriteFile(path, []byte("content"), 0o600))
			must(t, os.Chown(dir, c.owner, c.owner))
			must(t, os.Chown(path, c.owner, c.owner))
			must(t, os.Chmod(path, c.mode))
			_, err := Read(path, Rules{Named: true, Trusted: true})
			if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v; want %q", err, c.why)
			}
		})
	}
}
