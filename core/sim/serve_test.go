package sim

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
)

// collector keeps the records that Serve gives it.
type collector struct {
	mu      sync.Mutex
	records []event.Record
}

func (c *collector) Record(r event.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, r)
}

func TestServe(t *testing.T) {
	far, near := net.Pipe()
	defer func() { _ = near.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sink := &collector{}
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, far, New(load(t, "behaves"), 1), sink) }()

	if err := near.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(near)
	say := func(text, until string) {
		t.Helper()
		go func() { _, _ = io.WriteString(near, text) }() // a pipe holds nothing: the echo comes while we write
		got := ""
		for !strings.Contains(got, until) {
			b, err := in.ReadByte()
			if err != nil {
				t.Fatalf("%q, then %v", got, err)
			}
			got += string(b)
		}
	}
	say("AT\r", "\r\nOK\r\n")
	say("ATD*99#\r", "CONNECT 7200000\r\n~")

	go func() { _, _ = io.Copy(io.Discard, in) }() // take the frames, or the modem waits for us
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve does not end with its context")
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if len(sink.records) < 4 || sink.records[0].Link != "behaves" || sink.records[0].Time.IsZero() {
		t.Errorf("%d records: %+v", len(sink.records), sink.records)
	}
}

func TestServeFiresTimers(t *testing.T) {
	far, near := net.Pipe()
	defer func() { _ = near.Close() }()
	s := parse(t, "[at]\nurc = [{after = \"10ms\", text = \"^BOOT\"}]\n")
	go func() { _ = Serve(t.Context(), far, New(s, 1), nil) }()
	if err := near.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("\r\n^BOOT\r\n"))
	if _, err := io.ReadFull(near, got); err != nil || string(got) != "\r\n^BOOT\r\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestServeEndsWithTheLine(t *testing.T) {
	far, near := net.Pipe()
	_ = near.Close()
	if err := Serve(t.Context(), far, New(parse(t, ""), 1), nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a line that fails: %v", err)
	}
	if err := Serve(t.Context(), endedLine{}, New(parse(t, ""), 1), nil); err != nil {
		t.Errorf("a line that ends: %v", err)
	}
}

// endedLine is a line whose other end said that it has nothing more to say.
type endedLine struct{}

func (endedLine) Read([]byte) (int, error)         { return 0, io.EOF }
func (endedLine) Write(b []byte) (int, error)      { return len(b), nil }
func (endedLine) SetReadDeadline(time.Time) error  { return nil }
func (endedLine) SetWriteDeadline(time.Time) error { return nil }

// On a pseudo-terminal a program that closes its side hangs up, and the next one finds the modem in command mode.
func TestServeOnAPseudoTerminal(t *testing.T) {
	master, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	m := New(load(t, "behaves"), 1)
	fell := make(chan struct{}, 2)
	sink := event.SinkFunc(func(r event.Record) {
		if n, ok := r.Event.(event.Notice); ok && n.Text == "DTR fell" {
			fell <- struct{}{}
		}
	})
	go func() { done <- Serve(ctx, master, m, sink) }()
	for range 2 {
		tty, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := tty.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ say, until string }{{"ATE0\r", "\r\nOK\r\n"}, {"ATD*99#\r", "\r\nCONNECT 7200000\r\n~"}} {
			if _, err := io.WriteString(tty, c.say); err != nil {
				t.Fatal(err)
			}
			got, buf := "", make([]byte, 512)
			for !strings.Contains(got, c.until) {
				n, err := tty.Read(buf)
				if err != nil {
					t.Fatalf("%q, then %v", got, err)
				}
				got += string(buf[:n])
			}
		}
		_ = tty.Close()
		select { // who opens it again at once is not seen to have closed it
		case <-fell:
		case <-time.After(10 * time.Second):
			t.Fatal("closing the terminal does not drop DTR")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if n := m.Counters().Calls; n != 2 {
		t.Errorf("%d calls", n)
	}
}

// The real chat program is the judge of whether the AT side is a fair modem: the script is the usual one.
func TestRealChatDials(t *testing.T) {
	chat, err := exec.LookPath("chat")
	if err != nil {
		if chat, err = exec.LookPath("/usr/sbin/chat"); err != nil {
			t.Skip("SKIPPED: chat on the simulator: it is not installed (Debian: apt install ppp)")
		}
	}
	script := []string{"-t", "5", "ABORT", "NO CARRIER", "ABORT", "BUSY", "ABORT", "ERROR",
		"", "ATZ", "OK", "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0", "OK", `AT+CGDCONT=1,"IP","internet"`, "OK", `ATD*99***1#`, "CONNECT"}
	for _, c := range []struct {
		scenario string
		status   int // chat(8): 0, 3 for a time-out, 4 and up for the ABORT strings in their order
	}{
		{"behaves", 0}, {"huawei/e398", 0}, {"one-byte-at-a-time", 0}, {"at-slow", 0},
		{"dial-no-carrier", 4}, {"dial-busy", 5}, {"dial-error", 6},
	} {
		t.Run(c.scenario, func(t *testing.T) {
			t.Parallel() // chat takes its time: most of a second in each
			master, path, err := port.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = master.Close() }()
			tty, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tty.Close() }()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- Serve(ctx, master, New(load(t, c.scenario), 1), nil) }()
			cmd := exec.CommandContext(ctx, chat, script...)
			cmd.Stdin, cmd.Stdout = tty, tty
			_ = cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("chat ends with %d, want %d", got, c.status)
			}
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
	}
}
