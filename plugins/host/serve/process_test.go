package serve

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// What was hashed is run, though another file has taken the name since; a program and a script.
func TestReplacedBetweenCheckAndStart(t *testing.T) {
	n, err := newNursery()
	if err != nil {
		t.Fatal(err)
	}
	env, err := exec.LookPath("env")
	if err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good")
	if err := os.WriteFile(good, []byte("#!/bin/sh\necho this=good\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OF_THE_HOST", "secret")
	for _, c := range []struct{ what, file, want string }{{"program", env, "GIVEN=yes"}, {"script", good, "this=good"}} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			path, sum, err := pin.Install(c.file, dir, "acme", "")
			if err != nil {
				t.Fatal(err)
			}
			lock := &pin.Lock{Path: filepath.Join(dir, "plugins.lock")}
			lock.Set(pin.Pin{Name: "acme", SHA256: sum})
			if err := lock.Write(); err != nil {
				t.Fatal(err)
			}
			f, _, err := open(&host.Plan{Lock: lock.Path, Dirs: []string{dir}}, &host.Plugin{Name: "acme"})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			evil := filepath.Join(dir, "evil")
			if err := os.WriteFile(evil, []byte("#!/bin/sh\necho this=evil\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(evil, path); err != nil {
				t.Fatal(err)
			}
			p, err := newProcess(n, f, "acme", path, dir, []string{"GIVEN=yes"}, func([]byte) {})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			out, _ := io.ReadAll(p.Stdout())
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(out), c.want) || strings.Contains(string(out), "evil") || strings.Contains(string(out), "OF_THE_HOST") {
				t.Errorf("it said %q", out)
			}
		})
	}
}

// gone waits until a process has ended: it was sent SIGKILL, but must get the processor once more.
func gone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") || strings.Contains(string(state), ") X ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the process lives: %s", state)
		}
	}
}

// What a plugin has started ends with it, also what has left its process group and session, or was left by its parent; and
// whatever it says of itself. Another plugin's does not.
func TestWhatLeavesTheGroupEnds(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("SKIPPED: no setsid: apt-get install util-linux")
	}
	n, err := newNursery()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.adopt(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.killAll)
	run := func(name, script string) (*process, string) {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		pid, once := make(chan string, 1), sync.Once{}
		p, err := newProcess(n, f, name, file, dir, nil, func(line []byte) { text := string(line); once.Do(func() { pid <- text }) })
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, p.Stdout()) }()
		return p, <-pid
	}
	_, others := run("other", "setsid sh -c 'echo $$ >&2; exec sleep 100'\n")
	for name, script := range map[string]string{
		"a session of its own": "setsid sh -c 'echo $$ >&2; exec sleep 100' &\nwait\n",
		"left by its parent":   "setsid sh -c 'sh -c \"echo \\$\\$ >&2; exec sleep 100\" & sleep 0.1' \nexec sleep 100\n",
		"no environment":       "setsid env -i /bin/sh -c 'echo $$ >&2; exec /bin/sleep 100' &\nwait\n",
		// It ends once its child has spoken: earlier the child would be killed before this test knows it.
		"left by a plugin's end": "t=$(mktemp -u)\nsetsid sh -c 'echo $$ >&2; : >$0; exec sleep 100' \"$t\" &\nuntil [ -e \"$t\" ]; do sleep 0.01; done\nrm -f \"$t\"\nexit 0\n",
	} {
		t.Run(name, func(t *testing.T) {
			p, child := run("acme", script)
			p.signal(unix.SIGKILL)
			<-p.ended
			gone(t, child)
		})
	}
	if state, err := os.ReadFile("/proc/" + others + "/stat"); err != nil || strings.Contains(string(state), ") Z ") {
		t.Errorf("the child of a plugin that runs was ended: %v", err)
	}
	n.killAll()
	gone(t, others)
}

// What a plugin has started ends with it.
func TestTheGroupEnds(t *testing.T) {
	n, err := newNursery()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "forks")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nsleep 100 &\necho $! >&2\nwait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pid, once := make(chan string, 1), sync.Once{}
	p, err := newProcess(n, f, "forks", file, dir, nil, func(line []byte) { text := string(line); once.Do(func() { pid <- text }) })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, p.Stdout()) }()
	child := <-pid
	n.killAll()
	<-p.ended
	gone(t, child)
	if err := n.start(p); err == nil {
		t.Error("after the end something is started")
	}
}

// That a process has ended is seen before it is waited for, which takes a moment where it leaves others behind.
func TestOver(t *testing.T) {
	p := &process{cmd: exec.Command("sleep", "100")}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if p.over() {
		t.Error("one that runs is over")
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for !p.over() {
		time.Sleep(time.Millisecond)
	}
	if err := p.cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
}

func TestOnlyUnixSocketsOfItsOwnDirectory(t *testing.T) {
	p := &process{socketDir: "/run/knak/plugins-1/plugin-dir2"}
	for _, c := range []struct {
		network, address string
		ok               bool
	}{
		{"unix", "/run/knak/plugins-1/plugin-dir2/plugin3", true},
		{"unix", "/run/knak/plugins-1/plugin-dir2/../x", false}, {"unix", "/tmp/x", false}, {"unix", "x", false}, {"tcp", "127.0.0.1:1", false},
	} {
		if _, _, err := p.PluginToHost(c.network, c.address); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.network, c.address, err)
		}
	}
}
