// Command plugin is many plugins for the tests of package host: how it behaves is the name of its file.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/plugins/sdk"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "knak-plugin-")
	p := sdk.Plugin{Name: name, Version: "1.2.3", About: "A plugin for tests"}
	switch name {
	case "chats":
		fmt.Println("Hello, I am a plugin") // the SDK keeps it away from the handshake
	case "dies":
		fmt.Fprintln(os.Stderr, "no licence file")
		os.Exit(4)
	case "stands": // before it has said anything
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	case "othername":
		p.Name = "somebody"
	case "watcher":
		p.Implementation = &watcher{}
		sdk.Serve(p)
	}
	p.Implementation = &plugin{name: name}
	sdk.Serve(p)
}

type plugin struct {
	name   string
	config struct {
		Word string `json:"word"`
		Env  bool   `json:"env"`
	}
}

func (p *plugin) Config() any { return &p.config }

func (p *plugin) Configure(context.Context, []sdk.Grant) error {
	if p.name == "leaves" { // a child in a session of its own, of which nothing says whose it is but its own name, for the test
		child := &exec.Cmd{Path: "/bin/sleep", Args: []string{os.Args[0] + "-child", "100"}, Env: []string{}, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
		return child.Start()
	}
	if p.config.Env {
		wd, _ := os.Getwd()
		var umask = unix.Umask(0o77)
		stdin, _ := os.Readlink("/proc/self/fd/0")
		var core unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
		noNew, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		var names []string
		for _, e := range os.Environ() {
			name, _, _ := strings.Cut(e, "=")
			names = append(names, name)
		}
		slog.Info("environment", "names", strings.Join(names, " "), "cwd", wd, "umask", fmt.Sprintf("%03o", umask), "stdin", stdin,
			"core", core.Max, "group", unix.Getpgrp() == os.Getpid(), "no_new_privs", noNew)
	}
	return nil
}

func (p *plugin) Decisions() []sdk.On {
	return []sdk.On{{Decide: p.decide}}
}

func (p *plugin) decide(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
	switch p.name {
	case "knows":
		return sdk.Terminate(e.Device.Model), nil
	case "slow":
		time.Sleep(25 * time.Millisecond) // above the soft budget, far below the hard one
	case "late":
		time.Sleep(time.Hour)
	case "panics":
		panic("the author was wrong")
	case "errs":
		return sdk.Verdict{}, fmt.Errorf("not today")
	case "hangs":
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	case "floods":
		for i := range 200 { // in each of some fifteen decisions
			fmt.Fprintf(os.Stderr, "line %d %s\n", i, strings.Repeat("x", 100))
		}
	case "exits":
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	}
	return sdk.Pass(), nil
}

// watcher is slow to be told, and says of which kinds it was told.
type watcher struct{ seen sync.Map }

func (w *watcher) Notify(_ context.Context, n sdk.Notice) error {
	if _, again := w.seen.LoadOrStore(n.Kind, true); !again {
		slog.Info("told", "kind", n.Kind)
	}
	time.Sleep(2 * time.Millisecond)
	return nil
}
