//go:build linux

// Package program runs the knak program as a user does, for tests: it builds it once, starts it, reads its JSON Lines and
// waits for its exit status.
package program

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/test/peer"
)

// variable names the built program; the guest passes it on to the tests inside.
const variable = "KNAK_PROGRAM"

// Build builds a static knak for this test run. The undo function removes it.
func Build() (undo func(), err error) {
	dir, err := os.MkdirTemp("", "knak-program-")
	if err != nil {
		return nil, err
	}
	undo = func() { os.RemoveAll(dir) }
	path := filepath.Join(dir, "knak")
	cmd := exec.Command("go", "build", "-o", path, "github.com/knakppp/knak/cmd/knak")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		undo()
		return nil, fmt.Errorf("build knak: %w\n%s", err, out)
	}
	// Another user may have to run it.
	if err := os.Chmod(dir, 0o755); err != nil {
		undo()
		return nil, err
	}
	return undo, os.Setenv(variable, path)
}

// Path is the program that Build made.
func Path() string { return os.Getenv(variable) }

// Config says how to run knak.
type Config struct {
	Namespace *peer.Namespace
	Args      []string
	Password  string              // given on standard input, with --password-file -; "" gives none
	User      *syscall.Credential // as whom to run; nil: as the test itself
	Dir       string              // home and runtime directory, so that no file of the real user counts; "" makes one
}

// Event is one JSON line, with the keys that tests look at.
type Event struct {
	Event     string    `json:"event"`
	T         time.Time `json:"t"`
	Phase     string    `json:"phase"`
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Cause     string    `json:"cause"`
	Detail    string    `json:"detail"`
	Interface string    `json:"interface"`
	Plane     string    `json:"plane"`
	Local     string    `json:"local"`
	Peer      string    `json:"peer"`
	DNS       []string  `json:"dns"`
	WINS      []string  `json:"wins"`
	MTU       int       `json:"mtu"`
	IPv6      string    `json:"ipv6"`
	ElapsedMS int64     `json:"elapsed_ms"`
	Proved    bool      `json:"proved"`
	Reason    string    `json:"reason"`
	ExitCode  int       `json:"exit_code"`
	BytesIn   uint64    `json:"bytes_in"`
	BytesOut  uint64    `json:"bytes_out"`
	Level     string    `json:"level"`
	Text      string    `json:"text"`

	// Seen is when the test read the line.
	Seen time.Time `json:"-"`
}

// Process is a running knak with --json.
type Process struct {
	Started time.Time

	cmd  *exec.Cmd
	dir  string
	done chan struct{}

	mu      sync.Mutex
	events  []Event
	raw     bytes.Buffer
	stderr  bytes.Buffer
	changed chan struct{} // closed and replaced at each new event
}

// command makes an exec.Cmd with an environment of its own.
func command(cfg Config, dir string, args []string) *exec.Cmd {
	cmd := exec.Command(Path(), args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "KNAK_RUNTIME_DIR=" + filepath.Join(dir, "run"), "LANG=C.UTF-8",
		"KNAK_NO_ADAPT=true"} // a modem that fails is to fail as it is; core/link/adapt has what varies
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: cfg.User}
	if cfg.Password != "" {
		cmd.Stdin = bytes.NewBufferString(cfg.Password + "\n")
	}
	return cmd
}

// home makes a home directory that the configured user may write.
func home(t testing.TB, cfg Config) string {
	t.Helper()
	if cfg.Dir != "" {
		return cfg.Dir
	}
	dir, err := os.MkdirTemp("", "knak-home-") // not t.TempDir: its parents are closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if cfg.User != nil {
		if err := os.Chown(dir, int(cfg.User.Uid), int(cfg.User.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Start starts knak with --json and the arguments. It ends with the test; a failed test shows what it said.
func Start(t testing.TB, cfg Config) *Process {
	t.Helper()
	if Path() == "" {
		t.Fatal("no program was built: TestMain must call program.Build")
	}
	args := append(slices.Clone(cfg.Args), "--json")
	if cfg.Password != "" {
		args = append(args, "--password-file", "-")
	}
	p := &Process{dir: home(t, cfg), done: make(chan struct{}), changed: make(chan struct{})}
	p.cmd = command(cfg, p.dir, args)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Started = time.Now()
	if err := cfg.Namespace.Start(p.cmd); err != nil {
		t.Fatalf("start knak: %v", err)
	}
	go p.read(bufio.NewScanner(out))
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("knak %q said:\n%s%s", args, p.raw.Bytes(), p.stderr.Bytes())
		}
	})
	return p
}

func (p *Process) read(lines *bufio.Scanner) {
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		e := Event{Event: "(not JSON)", Text: lines.Text()}
		_ = json.Unmarshal(lines.Bytes(), &e) // what is no JSON is found by NotJSON
		e.Seen = time.Now()
		p.mu.Lock()
		p.raw.Write(lines.Bytes())
		p.raw.WriteByte('\n')
		p.events = append(p.events, e)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // its status is read from ProcessState
	close(p.done)
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Events gives a copy of everything said so far.
func (p *Process) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Find gives the first event for which match is true.
func (p *Process) Find(match func(Event) bool) (Event, bool) {
	events := p.Events()
	if i := slices.IndexFunc(events, match); i >= 0 {
		return events[i], true
	}
	return Event{}, false
}

// Finding gives the finding's id, or "".
func (p *Process) Finding() string {
	e, _ := p.Find(func(e Event) bool { return e.Event == "finding" })
	return e.ID
}

// WaitUp waits for the event "up"; the test fails when it takes too long or knak ends first.
func (p *Process) WaitUp(t testing.TB, limit time.Duration) Event {
	t.Helper()
	return p.Wait(t, "up", limit, func(e Event) bool { return e.Event == "up" })
}

// Wait waits for an event.
func (p *Process) Wait(t testing.TB, what string, limit time.Duration, match func(Event) bool) Event {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if e, ok := p.Find(match); ok {
			return e
		}
		select {
		case <-changed:
		case <-p.done:
			if e, ok := p.Find(match); ok {
				return e
			}
			t.Fatalf("knak ended with status %d and never said %s", p.cmd.ProcessState.ExitCode(), what)
		case <-timer.C:
			t.Fatalf("knak did not say %s in %v", what, limit)
		}
	}
}

// Exit gives the exit status once knak has ended, and holds it to what "down" said. The test fails when that takes too long.
func (p *Process) Exit(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("knak did not end in %v", limit)
	}
	code := p.cmd.ProcessState.ExitCode()
	down, ok := p.Find(func(e Event) bool { return e.Event == "down" })
	if !ok {
		t.Errorf("knak ended with status %d and no event \"down\"", code)
	} else if down.ExitCode != code {
		t.Errorf("\"down\" says status %d, and it was %d", down.ExitCode, code)
	}
	for _, e := range p.Events() {
		if e.Event == "(not JSON)" {
			t.Errorf("not a JSON line: %s", e.Text)
		}
	}
	return code
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// Command runs another knak beside this one (knak hangup, knak status): same namespace, user and directories.
func (p *Process) Command(cfg Config, args ...string) (output string, err error) {
	cmd := command(Config{User: cfg.User}, p.dir, args)
	var out []byte
	cfg.Namespace.Do(func() { out, err = cmd.CombinedOutput() })
	return string(out), err
}

// Kill ends knak the hard way if it runs still.
func (p *Process) Kill() {
	select {
	case <-p.done:
		return
	default:
	}
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		<-p.done
	}
}
