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
	// It was sent SIGKILL by now, but must get the processor once more to end.
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := os.ReadFile("/proc/" + child + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") || strings.Contains(string(state), ") X ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the child lives: %s", state)
		}
	}
	if err := n.start(p); err == nil {
		t.Error("after the end something is started")
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
