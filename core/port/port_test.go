//go:build linux

package port

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pair is a port and the modem's end of it.
func pair(t *testing.T, cfg Config) (*Port, *PTY) {
	t.Helper()
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	cfg.LockDir = t.TempDir()
	p, err := Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	// Nothing here may wait for ever.
	deadline := time.Now().Add(20 * time.Second)
	for _, err := range []error{p.SetReadDeadline(deadline), m.SetReadDeadline(deadline), m.SetWriteDeadline(deadline)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return p, m
}

func termios(t *testing.T, path string) unix.Termios {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got *unix.Termios
	if err := control(f, func(fd int) (err error) { got, err = unix.IoctlGetTermios(fd, unix.TCGETS2); return err }); err != nil {
		t.Fatal(err)
	}
	return *got
}

func TestEveryOctetGoesThroughUnchanged(t *testing.T) {
	for _, flow := range []Flow{FlowNone, FlowRTSCTS} {
		p, m := pair(t, Config{Flow: flow})
		sent := make([]byte, 100_000)
		if _, err := rand.Read(sent); err != nil {
			t.Fatal(err)
		}
		for i := range 256 {
			sent[i] = byte(i)
		}
		for name, ends := range map[string]struct {
			w io.Writer
			r io.Reader
		}{"to the modem": {p, m}, "from the modem": {m, p}} {
			done := make(chan error, 1)
			go func() { _, err := ends.w.Write(sent); done <- err }()
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(ends.r, got); err != nil {
				t.Fatalf("%s, %s: %v", flow, name, err)
			}
			if err := <-done; err != nil || !bytes.Equal(got, sent) {
				t.Fatalf("%s, %s: %v, equal: %v", flow, name, err, bytes.Equal(got, sent))
			}
		}
	}
}

func TestReadDeadline(t *testing.T) {
	p, m := pair(t, Config{})
	for _, r := range []interface {
		io.Reader
		SetReadDeadline(time.Time) error
	}{p, m} {
		if err := r.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%T: %d, %v", r, n, err)
		}
		// One that waits already is woken too.
		if err := r.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { _, err := r.Read(make([]byte, 10)); done <- err }()
		if err := r.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%T: %v", r, err)
		}
	}
	// And afterwards it reads again.
	if err := p.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write([]byte("OK")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, err := p.Read(b); err != nil || !strings.HasPrefix("OK", string(b[:n])) {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestAModemThatTakesNothingBlocksNoWriteForEver(t *testing.T) {
	p, _ := pair(t, Config{WriteTimeout: 100 * time.Millisecond}) // so long that a busy machine gets to writing
	big := make([]byte, 1<<20)                                    // more than any tty buffers
	n, err := p.Write(big)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == len(big) {
		t.Errorf("by WriteTimeout: %d, %v", n, err)
	}
	if err := p.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(big); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("by deadline: %v", err)
	}
	if err := p.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(big); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("by WriteTimeout again: %v", err)
	}
	start := time.Now()
	if err := p.Close(); err != nil || time.Since(start) > 2*time.Second {
		t.Errorf("Close took %v: %v", time.Since(start), err)
	}
}

func TestCloseWakesReaderAndWriter(t *testing.T) {
	p, _ := pair(t, Config{WriteTimeout: time.Minute})
	done := make(chan error)
	started := make(chan bool, 2)
	go func() { started <- true; _, err := p.Read(make([]byte, 10)); done <- err }()
	go func() { started <- true; _, err := p.Write(make([]byte, 1<<20)); done <- err }()
	<-started
	<-started
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, err := p.Status()
	for _, err := range []error{err, p.SetDTR(true), p.SetBaud(9600), p.SetFlow(FlowNone), p.Discard()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func TestHangUp(t *testing.T) {
	p, m := pair(t, Config{})
	done := make(chan error)
	go func() { _, err := p.Read(make([]byte, 10)); done <- err }()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrHungUp) {
		t.Errorf("Read: %v", err)
	}
	if _, err := p.Write([]byte("AT")); !errors.Is(err, ErrHungUp) {
		t.Errorf("Write: %v", err)
	}
	if err := p.SetFlow(FlowNone); !errors.Is(err, ErrHungUp) {
		t.Errorf("SetFlow: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestTheModemOutlivesItsUsers(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	for round := range 20 {
		p, err := Open(path, Config{LockDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 { // every other one never says anything
			if _, err := p.Write([]byte("AT")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(m, b[:2]); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if _, err := m.Write([]byte("OK")); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if _, err := io.ReadFull(p, b[:2]); err != nil || string(b[:2]) != "OK" {
				t.Fatalf("round %d: %q, %v", round, b[:2], err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := m.Read(b); !errors.Is(err, ErrHungUp) {
			t.Fatalf("round %d: %q, %v", round, b[:n], err)
		}
	}
	if _, err := m.Write([]byte("OK")); !errors.Is(err, ErrHungUp) {
		t.Errorf("Write to nobody: %v", err)
	}
	// It said so once; now it waits.
	if err := m.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("then: %v", err)
	}
}

func TestAPseudoTerminalHasNoModemLines(t *testing.T) {
	p, _ := pair(t, Config{})
	_, err := p.Status()
	for name, err := range map[string]error{"Status": err, "SetDTR": p.SetDTR(true), "SetRTS": p.SetRTS(false)} {
		if !errors.Is(err, ErrNoModemLines) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	p, _ := pair(t, Config{Baud: 460800, Flow: FlowRTSCTS})
	check := func(what string, baud uint32, cflag, iflag uint32) {
		t.Helper()
		s := termios(t, p.Path())
		if s.Ospeed != baud || s.Cflag&unix.CRTSCTS != cflag || s.Iflag != unix.IGNBRK|unix.IGNPAR|iflag {
			t.Errorf("%s: %d baud, cflag %o, iflag %o", what, s.Ospeed, s.Cflag, s.Iflag)
		}
		if s.Cflag&(unix.CSIZE|unix.PARENB|unix.CSTOPB|unix.CLOCAL|unix.CREAD) != unix.CS8|unix.CLOCAL|unix.CREAD || s.Lflag != 0 || s.Oflag != 0 {
			t.Errorf("%s: not raw 8N1: %+v", what, s)
		}
	}
	check("as opened", 460800, unix.CRTSCTS, 0)
	for _, step := range []struct {
		what         string
		do           func() error
		baud         uint32
		cflag, iflag uint32
	}{
		{"another speed keeps the flow control", func() error { return p.SetBaud(9600) }, 9600, unix.CRTSCTS, 0},
		{"a speed without a name", func() error { return p.SetBaud(250000) }, 250000, unix.CRTSCTS, 0},
		{"other flow control keeps the speed", func() error { return p.SetFlow(FlowXONXOFF) }, 250000, 0, unix.IXON | unix.IXOFF},
		{"none", func() error { return p.SetFlow(FlowNone) }, 250000, 0, 0},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		check(step.what, step.baud, step.cflag, step.iflag)
	}
}

func TestCloseGivesTheSettingsBack(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	hold, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0) // keeps the tty, and so its settings
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	odd := termios(t, path)
	odd.Iflag, odd.Lflag = unix.ICRNL|unix.IXON, unix.ECHO|unix.ICANON
	odd.Cflag = odd.Cflag&^unix.CSIZE | unix.CS7 | unix.PARENB
	if err := control(hold, func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS2, &odd) }); err != nil {
		t.Fatal(err)
	}
	before := termios(t, path) // the driver may have changed what it cannot do
	p, err := Open(path, Config{LockDir: t.TempDir(), Flow: FlowRTSCTS, Baud: 57600})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if after := termios(t, path); after != before {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}

func TestDrainAndDiscard(t *testing.T) {
	p, m := pair(t, Config{})
	if _, err := p.Write([]byte("ATH\r")); err != nil {
		t.Fatal(err)
	}
	if err := p.Drain(time.Now().Add(10 * time.Second)); err != nil {
		t.Error(err)
	}
	b := make([]byte, 10)
	if n, err := io.ReadFull(m, b[:4]); err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	if _, err := m.Write([]byte("stale")); err != nil {
		t.Fatal(err)
	}
	// Wait until it has arrived, and take one octet of it; then drop the rest.
	if _, err := p.Read(b[:1]); err != nil {
		t.Fatal(err)
	}
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write([]byte("fresh")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(p, b[:5]); err != nil || string(b[:5]) != "fresh" {
		t.Errorf("%q, %v", b[:5], err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want Reason
	}{
		{filepath.Join(dir, "none"), NotFound},
		{plain, NotTTY},
		{dir, NotTTY},
		{"/dev/null", NotTTY},
	} {
		_, err := Open(c.path, Config{LockDir: dir})
		var open *OpenError
		if !errors.As(err, &open) || open.Reason != c.want || open.Path != c.path {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "L*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpenErrorSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&OpenError{Path: "/dev/ttyUSB0", Reason: Permission, Group: "dialout"}, "usermod -aG dialout"},
		{&OpenError{Path: "/dev/ttyUSB0", Reason: NotFound}, "plugged in"},
		{&OpenError{Path: "/dev/ttyUSB0", Reason: NotTTY}, "not a serial port"},
		{&OpenError{Path: "/dev/ttyUSB0", Err: io.ErrUnexpectedEOF}, "unexpected EOF"},
		{&LockedError{Path: "/dev/ttyUSB0", PID: 7, Program: "ModemManager"}, "ModemManager (pid 7)"},
		{&LockedError{Path: "/dev/ttyUSB0"}, "another program"},
		{openError("/dev/null", unix.EACCES), "permission denied"},
		{&OpenError{Path: "/dev/ttyUSB0", Reason: Busy}, "another process"},
		{&OpenError{Path: "/dev/ttyUSB0", Reason: Busy, Likely: Holder{7, "ModemManager"}}, "ModemManager (pid 7)"},
	} {
		if got := c.err.Error(); !strings.Contains(got, c.want) {
			t.Errorf("%q does not say %q", got, c.want)
		}
	}
}

func TestTheGroupThatMayOpenIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tty")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gid := os.Getgid()
	if gid == 0 {
		gid = 12345 // a group without a name; only root can give a file away
	}
	if err := os.Chown(file, -1, gid); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o660: true} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		var open *OpenError
		if !errors.As(openError(file, unix.EACCES), &open) || open.Reason != Permission || (open.Group != "") != want {
			t.Errorf("%o: %+v", mode, open)
		}
	}
}

func TestReadAndWriteAllocateNothing(t *testing.T) {
	p, m := pair(t, Config{})
	b := make([]byte, 64)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := p.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(m, b); err != nil {
			t.Fatal(err)
		}
		if _, err := m.file.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(p, b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestProgramsThatAreStartedInheritNoDescriptor(t *testing.T) {
	p, _ := pair(t, Config{})
	var st unix.Stat_t
	if err := unix.Stat(p.Path(), &st); err != nil {
		t.Fatal(err)
	}
	fds := descriptors("/proc/self/fd", &st)
	if len(fds) != 2 { // this package's and the library's
		t.Errorf("%v", fds)
	}
	for _, fd := range fds {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d: %o, %v", fd, flags, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if fds := descriptors("/proc/self/fd", &st); len(fds) != 0 {
		t.Errorf("after Close: %v", fds)
	}
}

// A driver may hang in open(2): what was asked for is given up, and given back if it comes after all.
func TestOpeningIsGivenUp(t *testing.T) {
	m, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cfg := Config{LockDir: t.TempDir()}
	ctx, cancel := context.WithCancelCause(t.Context())
	answers, given := make(chan struct{}), make(chan *Port, 1)
	go func() { cancel(errors.New("nobody waits any more")) }()
	_, err = within(ctx, path, func() (*Port, error) {
		<-answers
		p, err := Open(path, cfg)
		given <- p
		return p, err
	})
	var failed *OpenError
	if !errors.As(err, &failed) || failed.Path != path || !strings.Contains(err.Error(), "nobody waits any more") {
		t.Errorf("%v", err)
	}
	close(answers)
	late := <-given
	for lockedYet := true; lockedYet; { // until the late one is closed
		_, err := os.Stat(late.LockFile())
		lockedYet = err == nil
	}
	p, err := OpenWithin(t.Context(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}
