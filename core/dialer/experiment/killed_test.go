//go:build linux

package experiment

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// killable names a port and a directory to a process of this test that experiments there.
const killable = "KNAK_TEST_EXPERIMENT"

func TestMain(m *testing.M) {
	if port, dir, ok := strings.Cut(os.Getenv(killable), ","); ok {
		if err := experimentOn(port, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// experimentOn is a whole series in real time, with short pauses, and links that are looked at for a moment only.
func experimentOn(port, dir string) error {
	s, err := New(Options{Dial: dialer.Options{Port: port, StateDir: dir}, Dir: dir, Unknown: true, Budget: learn.Budget{Spacing: time.Millisecond}})
	if err != nil {
		return err
	}
	s.o.Dial.Limits.Time = 50 * time.Millisecond
	fmt.Println("known", s.Resumed())
	for {
		e, more := s.Next()
		if !more {
			break
		}
		fmt.Println("call", len(s.Trials())+1)
		if _, err := s.Try(context.Background(), e); err != nil {
			return err
		}
	}
	fmt.Println("learned", s.Verdict().Set)
	_, err = s.Write()
	return err
}

// A process that experiments on a modem behind a pseudo-terminal is killed (kill -9) at the begin of a call, in the middle of it, and
// with the link up. Whoever comes next finds the modem as it was left, loses no call that was over, and comes to the same.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short was given, and it dials for some seconds")
	}
	scenario, err := sim.Parse("odd.toml", []byte(odd))
	if err != nil {
		t.Fatal(err)
	}
	master, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	ctx, end := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { defer close(served); _ = sim.Serve(ctx, master, sim.New(scenario, 1), nil) }()
	defer func() { end(); <-served }()
	dir := t.TempDir()
	// run starts a process, and kills it so long after the begin of the n-th call; 0: it may end. It gives what it said.
	run := func(n int, after time.Duration) (said []string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), killable+"="+path+","+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said = append(said, lines.Text())
			if lines.Text() == fmt.Sprint("call ", n) {
				time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); (err == nil) != (n == 0) {
			t.Fatalf("%v after %q", err, said)
		}
		return said
	}
	begun := 1 // the call that was killed: it may have been over, and those before it were
	continues := func(said []string) {
		t.Helper()
		known := -1
		_, _ = fmt.Sscanf(said[0], "known %d", &known)
		if known != begun-1 && known != begun {
			t.Errorf("%q: a call that was over is lost, for %d had begun", said[0], begun)
		}
		_, _ = fmt.Sscanf(said[len(said)-1], "call %d", &begun)
	}
	for _, kill := range []struct {
		call  int
		after time.Duration
	}{{1, 0}, {2, 20 * time.Millisecond}, {4, 60 * time.Millisecond}} {
		continues(run(kill.call, kill.after))
	}
	said := run(0, 0)
	if continues(said); said[len(said)-1] != "learned [ipcp.request=address]" {
		t.Errorf("it came to %q", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "quirks.d", "acme", "m1.toml")); err != nil {
		t.Error(err)
	}
}
