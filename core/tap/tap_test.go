package tap

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
)

// modem is a port whose lines the test moves. What is written to it comes back from sent, what is given to say is read.
type modem struct {
	in    *io.PipeReader
	say   *io.PipeWriter
	mu    sync.Mutex
	sent  bytes.Buffer
	did   []string
	lines chan port.Status
}

func newModem() *modem {
	m := &modem{lines: make(chan port.Status, 4)}
	m.in, m.say = io.Pipe()
	return m
}

func (m *modem) do(format string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.did = append(m.did, format)
}

func (m *modem) Read(p []byte) (int, error) { return m.in.Read(p) }
func (m *modem) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent.Write(p)
}
func (m *modem) SetBaud(b int) error { m.do("baud " + itoa(b)); return nil }
func (m *modem) SetFlow(f port.Flow) error {
	m.do("flow " + f.String())
	return nil
}

func (m *modem) SetDTR(on bool) error {
	m.do(map[bool]string{true: "dtr on", false: "dtr off"}[on])
	return nil
}
func (m *modem) Drain(time.Time) error           { return nil }
func (m *modem) Status() (port.Status, error)    { return <-m.lines, nil }
func (m *modem) WaitLines() (port.Status, error) { return <-m.lines, nil }
func (m *modem) Close() error                    { m.do("close"); return errors.Join(m.in.Close(), m.say.Close()) }

func itoa(n int) string {
	if n == 460800 {
		return "460800"
	}
	return "?"
}

// ear remembers.
type ear struct {
	mu   sync.Mutex
	way  [2]bytes.Buffer
	said strings.Builder
}

func (e *ear) Bytes(_ time.Time, dir event.Dir, p []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.way[dir].Write(p)
}

func (e *ear) Record(r event.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said.WriteString(r.Event.(event.Notice).Text + "\n")
}

// until waits for a condition, and fails the test when it does not come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (m *modem) has(text string) func() bool {
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return strings.Contains(strings.Join(m.did, ", "), text)
	}
}

// running is a tap that runs until the test ends.
func running(t *testing.T) (*Tap, *modem, *ear) {
	t.Helper()
	e, m := &ear{}, newModem()
	tap, err := Open(filepath.Join(t.TempDir(), "modem"), "/dev/null", e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- tap.Run(ctx, m) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if !m.has("close")() {
			t.Error("the modem's port was not closed")
		}
		if _, err := os.Lstat(tap.Path()); err == nil {
			t.Error("the link is still there")
		}
	})
	return tap, m, e
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every octet goes through both ways, and is heard.
func TestCarriesEveryOctet(t *testing.T) {
	tap, m, e := running(t)
	program := open(t, tap.Path())
	up, down := make([]byte, 300_000), make([]byte, 300_000)
	_, _ = rand.Read(up)
	_, _ = rand.Read(down)
	var work sync.WaitGroup
	work.Go(func() {
		if _, err := program.Write(up); err != nil {
			t.Error(err)
		}
	})
	work.Go(func() {
		if _, err := m.say.Write(down); err != nil {
			t.Error(err)
		}
	})
	got := make([]byte, len(down))
	if _, err := io.ReadFull(program, got); err != nil {
		t.Fatal(err)
	}
	work.Wait()
	until(t, "all is written", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.sent.Len() == len(up) })
	if !bytes.Equal(got, down) || !bytes.Equal(m.sent.Bytes(), up) {
		t.Error("not the same octets")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !bytes.Equal(e.way[event.Sent].Bytes(), up) || !bytes.Equal(e.way[event.Rcvd].Bytes(), down) {
		t.Error("not the same octets were heard")
	}
	program.Close()
}

// What the program sets at its terminal is set at the port: before what it writes next, and soon where it writes nothing.
func TestSettingsFollow(t *testing.T) {
	tap, m, _ := running(t)
	program := open(t, tap.Path())
	defer program.Close()
	until(t, "DTR rises when a program opens the terminal", m.has("dtr on"))
	set := func(change func(*unix.Termios)) {
		termios, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS2)
		if err != nil {
			t.Fatal(err)
		}
		change(termios)
		if err := unix.IoctlSetTermios(int(program.Fd()), unix.TCSETS2, termios); err != nil {
			t.Fatal(err)
		}
	}
	set(func(s *unix.Termios) { s.Cflag = s.Cflag&^unix.CBAUD | unix.B460800 })
	if _, err := program.Write([]byte("AT\r")); err != nil {
		t.Fatal(err)
	}
	until(t, "the octets are there", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.sent.Len() == 3 })
	if !m.has("baud 460800")() {
		t.Errorf("the octets are written, and the speed is not set: %q", m.did)
	}
	set(func(s *unix.Termios) { s.Cflag |= unix.CRTSCTS })
	until(t, "flow control by RTS and CTS", m.has("flow rtscts"))
	set(func(s *unix.Termios) { s.Cflag = s.Cflag &^ (unix.CBAUD | unix.CRTSCTS); s.Iflag |= unix.IXON })
	until(t, "speed 0 drops DTR", m.has("dtr off"))
	until(t, "flow control by XON and XOFF", m.has("flow xonxoff"))
}

// Closing the terminal hangs up; the next program finds it as the first did.
func TestOneProgramAfterTheOther(t *testing.T) {
	tap, m, _ := running(t)
	for _, dtr := range []string{"dtr on, dtr off", "dtr on, dtr off, dtr on, dtr off"} {
		program := open(t, tap.Path())
		until(t, "DTR on", m.has(strings.TrimSuffix(dtr, ", dtr off")))
		if _, err := program.Write([]byte("ATZ\r")); err != nil {
			t.Fatal(err)
		}
		if _, err := m.say.Write([]byte("OK")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2)
		if _, err := io.ReadFull(program, got); err != nil || string(got) != "OK" {
			t.Fatalf("%q, %v", got, err)
		}
		program.Close()
		until(t, dtr, m.has(dtr))
	}
}

// When the carrier falls, a program that minds it is hung up, and finds the terminal again under the same name.
func TestModemHangsUp(t *testing.T) {
	tap, m, _ := running(t)
	program := open(t, tap.Path())
	defer program.Close()
	until(t, "DTR on", m.has("dtr on"))
	before, _ := os.Readlink(tap.Path())
	m.lines <- port.Status{DCD: true}
	m.lines <- port.Status{} // the program's terminal has CLOCAL: it is left alone
	m.lines <- port.Status{DCD: true}
	if _, err := m.say.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := program.Read(make([]byte, 1)); err != nil {
		t.Fatalf("a program that does not mind the carrier: %v", err)
	}
	termios, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	termios.Cflag &^= unix.CLOCAL
	if err := unix.IoctlSetTermios(int(program.Fd()), unix.TCSETS2, termios); err != nil {
		t.Fatal(err)
	}
	m.lines <- port.Status{}
	if n, err := program.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("the program reads %d octets, %v", n, err)
	}
	until(t, "another terminal", func() bool { now, _ := os.Readlink(tap.Path()); return now != before })
	next := open(t, tap.Path())
	defer next.Close()
	if _, err := next.Write([]byte("AT\r")); err != nil {
		t.Fatal(err)
	}
	until(t, "the next program reaches the modem", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.sent.String() == "AT\r" })
}

// The modem's port ends: so does the tap, with a reason, and the program is hung up.
func TestModemIsGone(t *testing.T) {
	m := newModem()
	tap, err := Open(filepath.Join(t.TempDir(), "modem"), "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	program := open(t, tap.Path())
	defer program.Close()
	go m.say.CloseWithError(port.ErrHungUp)
	if err := tap.Run(t.Context(), m); !errors.Is(err, port.ErrHungUp) {
		t.Errorf("Run: %v", err)
	}
	if n, err := program.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("the program reads %d octets, %v", n, err)
	}
}

// A link that a killed tap left behind is replaced; anything else is not.
func TestTheName(t *testing.T) {
	name := filepath.Join(t.TempDir(), "modem")
	if err := os.Symlink("/dev/pts/nowhere", name); err != nil {
		t.Fatal(err)
	}
	tap, err := Open(name, "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, "/dev/null"); !errors.Is(err, os.ErrExist) {
		t.Errorf("the second: %v", err)
	}
	if err := tap.Close(); err != nil {
		t.Error(err)
	}
}
