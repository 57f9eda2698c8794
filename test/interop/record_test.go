//go:build linux

package interop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

// heardLine is a modem's end of a line that remembers what passed.
type heardLine struct {
	*port.PTY
	mu  sync.Mutex
	way [2]bytes.Buffer // by event.Dir: what the host sent, what it received
}

func (h *heardLine) Read(p []byte) (int, error) {
	n, err := h.PTY.Read(p)
	h.mu.Lock()
	h.way[event.Sent].Write(p[:n])
	h.mu.Unlock()
	return n, err
}

func (h *heardLine) Write(p []byte) (int, error) {
	n, err := h.PTY.Write(p)
	h.mu.Lock()
	h.way[event.Rcvd].Write(p[:n])
	h.mu.Unlock()
	return n, err
}

func startHeardSimulator(t testing.TB, scenario string) (*heardLine, string) {
	t.Helper()
	loaded, err := sim.Load(os.DirFS("../.."), scenario)
	if err != nil {
		t.Fatal(err)
	}
	master, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	line := &heardLine{PTY: master}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Serve(ctx, line, sim.New(loaded, 1), nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve the simulated modem: %v", err)
		}
		_ = master.Close()
	})
	return line, path
}

// tapProcess is a running knak record.
type tapProcess struct {
	cmd     *exec.Cmd
	through string
	stderr  bytes.Buffer
}

// startTap runs knak record and gives the terminal for the other dialer.
func startTap(t testing.TB, modem, file string, args ...string) (*tapProcess, string) {
	t.Helper()
	p := &tapProcess{through: filepath.Join(t.TempDir(), "terminal")}
	p.cmd = exec.Command(program.Path(), append([]string{"record", modem, "--through", p.through, "-o", file}, args...)...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		if t.Failed() {
			t.Logf("knak record said:\n%s", p.stderr.Bytes())
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != p.through+"\n" {
		t.Fatalf("knak record printed %q, %v", line, err)
	}
	return p, resolved(t, p.through)
}

// end ends it with Ctrl-C, and checks that it ends well and leaves nothing behind.
func (p *tapProcess) end(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("knak record: %v", err)
	}
	if _, err := os.Lstat(p.through); err == nil {
		t.Error("the link to the terminal is still there")
	}
}

// readRecords reads a recording whole.
func readRecords(t testing.TB, file string) []event.Record {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := read.Open(f, read.Options{Name: file, Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Record
	for rec, err := range read.All(r) {
		if err != nil {
			t.Fatalf("%s after %d records: %v", file, len(all), err)
		}
		all = append(all, rec)
	}
	return all
}

// framesOf gives the frames of a recording in each direction, one a line.
func framesOf(records []event.Record) (ways [2][]string) {
	for _, r := range records {
		switch e := r.Event.(type) {
		case event.Packet:
			ways[e.Dir] = append(ways[e.Dir], fmt.Sprintf("%04x %x", e.Protocol, e.Data))
		case event.Data:
			ways[e.Dir] = append(ways[e.Dir], fmt.Sprintf("%04x, %d octets", e.Protocol, e.Length))
		}
	}
	return ways
}

// dialogueOf gives the lines of the AT dialogue, without those that only say that the call is over.
func dialogueOf(records []event.Record) (ways [2][]string) {
	for _, r := range records {
		if e, ok := r.Event.(event.AT); ok && e.Text != "NO CARRIER" {
			ways[e.Dir] = append(ways[e.Dir], e.Text)
		}
	}
	return ways
}

func same(t *testing.T, what string, got, want [2][]string) {
	t.Helper()
	for dir := range want {
		g, w := strings.Join(got[dir], "\n"), strings.Join(want[dir], "\n")
		if g != w {
			t.Errorf("%s, %s:\n%s\nwant\n%s", what, event.Dir(dir), g, w)
		}
	}
}

// TestTapBetweenPPPDAndTheModem: pppd and chat run unchanged on a tap, on a tap, on a simulated modem. Both recordings, one
// in each format, and the record file of pppd itself hold the same frames; with secrets asked for, knak's in pppd's format is
// the line octet for octet.
func TestTapBetweenPPPDAndTheModem(t *testing.T) {
	peer.NeedPPPD(t)
	dir := t.TempDir()
	exact, wireshark, own := filepath.Join(dir, "exact.record"), filepath.Join(dir, "call.pcapng"), filepath.Join(dir, "pppd.record")
	line, modem := startHeardSimulator(t, "behaves")
	inner, terminal := startTap(t, modem, wireshark)
	outer, terminal := startTap(t, terminal, exact, "--secrets")

	p, n := dialWithPPPD(t, &simulator{path: terminal}, "user somebody", "password hidden-word", "record "+own)
	p.WaitUp(t, 60*time.Second)
	peer.Ping(t, peer.End{Namespace: n, Addr: netip.MustParseAddr("192.0.2.2")}, peer.End{Addr: netip.MustParseAddr("192.0.2.1")}, 1400)
	p.Hangup()
	p.WaitLog(t, "Connection terminated", 20*time.Second)
	p.Ended(t, 20*time.Second)
	outer.end(t)
	inner.end(t)

	var octets [2][]byte
	file, err := os.ReadFile(exact)
	if err != nil {
		t.Fatal(err)
	}
	for len(file) > 0 {
		switch kind := file[0]; kind {
		case 1, 2:
			n := 3 + int(file[1])<<8 + int(file[2])
			way := event.Sent
			if kind == 2 {
				way = event.Rcvd
			}
			octets[way] = append(octets[way], file[3:n]...)
			file = file[n:]
		case 3:
			file = file[1:]
		case 6:
			file = file[2:]
		default: // 5 and 7
			file = file[5:]
		}
	}
	line.mu.Lock()
	for way, got := range octets {
		if want := line.way[way].Bytes(); !bytes.Equal(got, want) {
			t.Errorf("%s: %d octets are not the %d that the modem saw", event.Dir(way), len(got), len(want))
		}
	}
	line.mu.Unlock()

	want := readRecords(t, own)
	if frames := framesOf(want); len(frames[event.Sent]) < 8 || len(frames[event.Rcvd]) < 8 {
		t.Fatalf("pppd recorded %q", frames)
	}
	got := readRecords(t, exact)
	same(t, "frames, knak's and pppd's record file", framesOf(got), framesOf(want))
	same(t, "dialogue, knak's and pppd's record file", dialogueOf(got), dialogueOf(want))

	for i, r := range want {
		if e, ok := r.Event.(event.Packet); ok {
			e.Data = private.Packet(e.Protocol, e.Data)
			want[i].Event = e
		}
	}
	got = readRecords(t, wireshark)
	same(t, "frames, knak's pcapng and pppd's record file", framesOf(got), framesOf(want))
	same(t, "dialogue, knak's pcapng and pppd's record file", dialogueOf(got), dialogueOf(want))

	// It takes the AT dialogue of each direction for a damaged frame.
	if dump, err := exec.Command("pppdump", "-p", exact).CombinedOutput(); err != nil || strings.Count(string(dump), "BAD FCS") != 2 || !strings.Contains(string(dump), "rcvd  ff 03 c0 21") {
		t.Errorf("pppdump: %v\n%s", err, dump)
	}
}

// TestKilledRecorder: after kill -9, as after the loss of power, the file is readable, and holds all but the last second.
func TestKilledRecorder(t *testing.T) {
	for _, name := range []string{"call.pcapng", "call.record"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			n := peer.NewNamespace(t)
			k := program.Start(t, program.Config{Namespace: n, Args: []string{
				"dial", "--port", startSimulator(t, "behaves").path, "--plane", "tun", "--dns", "none", "--record", file,
			}})
			k.WaitUp(t, limit)
			var last time.Time
			for start := time.Now(); time.Since(start) < 2*time.Second; last = time.Now() {
				peer.Ping(t, peer.End{Namespace: n, Addr: netip.MustParseAddr("192.0.2.2")}, peer.End{Addr: netip.MustParseAddr("192.0.2.1")}, 1000)
			}
			k.Kill()
			var data time.Time
			count := 0
			for _, r := range readRecords(t, file) {
				if _, ok := r.Event.(event.Data); ok {
					data = r.Time
					count++
				}
			}
			if missing := last.Sub(data); missing > time.Second || count < 4 {
				t.Errorf("%d data packets, the last %v before the last ping", count, missing)
			}
		})
	}
}
