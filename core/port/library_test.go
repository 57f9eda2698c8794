package port

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// throughLibrary opens a pseudo-terminal by the library, as a port is opened on Windows and macOS.
func throughLibrary(t *testing.T, cfg Config) (modem *PTY, p *library) {
	t.Helper()
	modem, path, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	p = &library{}
	if err := p.open(path, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(); _ = modem.Close() })
	return modem, p
}

// expect reads until want has come.
func expect(t *testing.T, from interface{ Read([]byte) (int, error) }, want string) {
	t.Helper()
	var got []byte
	for buf := make([]byte, 3); len(got) < len(want); { // smaller than what comes
		n, err := from.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestLibraryCarriesBothWays(t *testing.T) {
	modem, p := throughLibrary(t, Config{Flow: FlowXONXOFF})
	idle := make(chan bool, 100)
	p.OnIdle(func() { idle <- true })
	go func() { _, _ = modem.Write([]byte("\r\nOK\r\n")) }()
	expect(t, p, "\r\nOK\r\n")
	if _, err := p.Write([]byte("AT\r\x00\xff")); err != nil {
		t.Fatal(err)
	}
	expect(t, modem, "AT\r\x00\xff")
	if err := errors.Join(p.SetBaud(9600), p.SetFlow(FlowRTSCTS), p.Drain(time.Now().Add(time.Second))); err != nil {
		t.Error(err)
	}
	if s, err := modem.Settings(); err != nil || s.Baud != 9600 || s.Flow != FlowRTSCTS {
		t.Errorf("set to %+v, %v", s, err)
	}
	if _, err := p.Status(); !errors.Is(err, ErrNoModemLines) {
		t.Errorf("a pseudo-terminal has lines: %v", err)
	}
	if err := p.SetDTR(false); !errors.Is(err, ErrNoModemLines) {
		t.Errorf("and its DTR falls: %v", err)
	}
}

func TestLibraryGivesUpAtADeadline(t *testing.T) {
	modem, p := throughLibrary(t, Config{WriteTimeout: 20 * time.Millisecond})
	// One that waits already.
	later := time.AfterFunc(10*time.Millisecond, func() { _ = p.SetReadDeadline(time.Now()) })
	defer later.Stop()
	buf := make([]byte, 10)
	if _, err := p.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read: %v", err)
	}
	if _, err := p.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read with a deadline that has passed: %v", err)
	}
	if err := p.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = modem.Write([]byte("RING")) }()
	expect(t, p, "RING")
	// A modem that takes nothing: the terminal's buffer is full after some kilobytes.
	much := bytes.Repeat([]byte{0x7e}, 64<<10)
	if _, err := p.Write(much); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("write: %v", err)
	}
	if _, err := p.Write([]byte("more")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("write behind what is stuck: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, modem) }()
	if err := p.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("AT")); err != nil {
		t.Fatalf("once the modem takes again: %v", err)
	}
}

func TestLibraryDiscards(t *testing.T) {
	modem, p := throughLibrary(t, Config{})
	if _, err := modem.Write([]byte("old")); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read(make([]byte, 1)); n != 1 || err != nil { // the rest is in the reader's hands
		t.Fatal(n, err)
	}
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = modem.Write([]byte("new")) }()
	expect(t, p, "new")
}

func TestLibraryEnds(t *testing.T) {
	modem, p := throughLibrary(t, Config{})
	time.AfterFunc(10*time.Millisecond, func() { _ = p.Close() })
	if _, err := p.Read(make([]byte, 10)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read of a port that was closed meanwhile: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	for name, err := range map[string]error{"SetDTR": p.SetDTR(true), "SetBaud": p.SetBaud(9600), "Discard": p.Discard(), "SetReadDeadline": p.SetReadDeadline(time.Time{})} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Write([]byte("AT")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	_ = modem.Close()

	modem, p = throughLibrary(t, Config{})
	time.AfterFunc(10*time.Millisecond, func() { _ = modem.Close() })
	if _, err := p.Read(make([]byte, 10)); !errors.Is(err, ErrHungUp) {
		t.Errorf("read of a port whose modem was unplugged: %v", err)
	}
}

func TestLibraryOpenErrors(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want Reason
	}{{file + "missing", NotFound}, {file, NotTTY}} {
		var got *OpenError
		if err := new(library).open(c.path, Config{}); !errors.As(err, &got) || got.Reason != c.want {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}
