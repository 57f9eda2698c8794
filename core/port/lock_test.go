//go:build linux

package port

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLockNames(t *testing.T) {
	for path, want := range map[string]string{
		"/dev/ttyUSB0":        "LCK..ttyUSB0",
		"/dev/pts/3":          "LCK..pts_3",
		"/dev/usb/tts/0":      "LCK..usb_tts_0",
		"/jail/dev/ttyACM1":   "LCK..ttyACM1",
		"/dev/mapper/dev/odd": "LCK..mapper_dev_odd",
	} {
		if got := lockName(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// deadPID is the id of a process that has ended.
func deadPID(t *testing.T) int {
	c := exec.Command("true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	return c.Process.Pid
}

func TestLockFile(t *testing.T) {
	old := time.Now().Add(-time.Minute)
	for _, c := range []struct {
		name    string
		content string // "-" for no file
		old     bool
		holder  int // -1: the lock is taken over
	}{
		{"none", "-", false, -1},
		{"of a process that runs", "         1\n", false, 1},
		{"of a process that runs, without padding", "1", false, 1},
		{"of a process that is gone", fmt.Sprintf("%10d\n", deadPID(t)), false, -1},
		{"of process 0", "         0\n", false, -1},
		{"the old binary form", "\x01\x00\x00\x00", false, 1},
		{"about to be written", "", false, 0},
		{"never written", "", true, -1},
		{"not a number, old", "hello\n", true, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "LCK..ttyUSB0")
			if c.content != "-" {
				if err := os.WriteFile(file, []byte(c.content), 0o644); err != nil {
					t.Fatal(err)
				}
				if c.old {
					if err := os.Chtimes(file, old, old); err != nil {
						t.Fatal(err)
					}
				}
			}
			l, err := takeLock("/dev/ttyUSB0", dir)
			var locked *LockedError
			if c.holder >= 0 {
				if !errors.As(err, &locked) || locked.PID != c.holder || locked.Path != "/dev/ttyUSB0" || c.holder > 0 && locked.Program == "" {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(file)
			if want := fmt.Sprintf("%10d\n", os.Getpid()); string(content) != want || len(want) != 11 {
				t.Errorf("%q, %v", content, err)
			}
			if err := l.release(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestALockIsTakenByOne(t *testing.T) {
	dir := t.TempDir()
	// All find the same stale lock at once.
	if err := os.WriteFile(filepath.Join(dir, "LCK..ttyUSB0"), fmt.Appendf(nil, "%10d\n", deadPID(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got int
	for range 16 {
		wg.Go(func() {
			if l, err := takeLock("/dev/ttyUSB0", dir); err == nil && l != nil {
				mu.Lock()
				got++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got != 1 {
		t.Errorf("%d have the lock", got)
	}
}

func TestALockOfSomebodyElseStays(t *testing.T) {
	dir := t.TempDir()
	l, err := takeLock("/dev/ttyUSB0", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path, []byte("         1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(l.path); err != nil {
		t.Error(err)
	}
}

func TestWithoutALockDirectoryTheOtherWaysRemain(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cfg := Config{LockDir: filepath.Join(t.TempDir(), "none")}
	p, err := Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.LockFile() != "" {
		t.Error(p.LockFile())
	}
	var open *OpenError
	if _, err := Open(path, cfg); !errors.As(err, &open) || open.Reason != Busy { // by flock; this process is no stranger
		t.Errorf("%v", err)
	}
}

// TestMain lets the test binary be the other process: it takes the tty that HOLD names until its input ends.
// What processes leave that are killed is found and removed; what holds somebody, or says nothing, stays.
func TestStaleLocks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	stale := write("LCK..ttyUSB0", string(lockContent(deadPID(t))))
	live := write("LCK..ttyUSB1", string(lockContent(os.Getppid())))
	write("LCK..ttyUSB2", "not yet written")
	write("knak.pid", string(lockContent(deadPID(t))))
	if err := os.Symlink(stale, filepath.Join(dir, "LCK..ttyUSB3")); err != nil {
		t.Fatal(err)
	}
	names, err := StaleLocks(dir)
	if err != nil || !slices.Equal(names, []string{stale}) {
		t.Fatalf("%q, %v", names, err)
	}
	if err := RemoveStaleLock(live); err != nil {
		t.Error(err)
	}
	if err := RemoveStaleLock(stale); err != nil {
		t.Error(err)
	}
	if err := RemoveStaleLock(stale); err != nil {
		t.Error("a second time:", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("left are %v, %v", entries, err)
	}
	if names, err := StaleLocks(filepath.Join(dir, "none")); len(names) > 0 || err != nil {
		t.Errorf("where no directory is: %q, %v", names, err)
	}
}

func TestMain(m *testing.M) {
	path := os.Getenv("HOLD")
	if path == "" {
		os.Exit(m.Run())
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err == nil {
		err = unix.Flock(fd, unix.LOCK_EX)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.WriteString("x")
	io.Copy(io.Discard, os.Stdin)
}

// hold starts such a process under the name of binary and returns when it has the tty.
func hold(t *testing.T, binary, path string) *exec.Cmd {
	c := exec.Command(binary)
	c.Env = append(os.Environ(), "HOLD="+path)
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); c.Wait() })
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAModemManagerThatRunsIsSuspected(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "ModemManager")
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	hold(t, link, path)
	got := modemManager() // ours, or another one on this machine: this test may run in another tree at the same time
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", got.PID))
	if gone := errors.Is(err, fs.ErrNotExist); got.Program != "ModemManager" || got.PID == 0 || !gone && string(comm) != "ModemManager\n" {
		t.Errorf("%+v, which is %q, %v", got, comm, err)
	}
}

func TestTheHolderIsNamed(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	link := filepath.Join(t.TempDir(), "modem")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	c := hold(t, os.Args[0], path)
	name, err := os.ReadFile("/proc/self/comm") // c is the same program
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(link, Config{LockDir: t.TempDir()})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != c.Process.Pid || locked.Program != strings.TrimSpace(string(name)) || locked.Path != path {
		t.Errorf("%v (%+v)", err, locked)
	}
	holders, err := Holders(path)
	if err != nil || len(holders) == 0 || holders[0].PID != c.Process.Pid {
		t.Errorf("%v, %v", holders, err)
	}
	for _, h := range holders {
		if h.PID == os.Getpid() {
			t.Error("this process is no holder")
		}
	}
	if _, err := Holders(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("%v", err)
	}
}

func TestALockedPortIsNotTouched(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, lockName(path)), []byte("         1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Open(path, Config{LockDir: dir}); !errors.As(err, &locked) || locked.PID != 1 {
		t.Fatalf("%v", err)
	}
	if err := m.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it was opened: %v", err)
	}
}
