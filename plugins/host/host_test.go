package host_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// bin is where TestMain has put the programs.
var bin string

// TestMain builds the second program and the plugins as they are built for a package.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // most of the time is spent waiting for plugins that hang
		panic(err)
	}
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "knak-host-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(bin)
		build := exec.Command("go", "build", "-ldflags", "-X github.com/knakppp/knak/core/advice.patience=10", "-o", bin+"/", "../../cmd/knak", "../../cmd/knak-pluginhost", "./testdata/plugin", "./testdata/raw")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// raws are the plugins that are not made with the SDK.
var raws = map[string]bool{"prints": true, "version7": true, "tcp": true, "notls": true, "unknown": true, "newer": true}

// world is a directory with plugins and a plugins.lock for a Host.
type world struct {
	t    testing.TB
	dir  string
	plan host.Plan

	mu   sync.Mutex
	told []host.Told
}

func newWorld(t testing.TB, names ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.plan = host.Plan{Dirs: []string{w.dir}, Lock: filepath.Join(w.dir, "plugins.lock"), Runtime: filepath.Join(w.dir, "r"), Version: "test"}
	lock := &pin.Lock{Path: w.plan.Lock}
	for _, name := range names {
		from := filepath.Join(bin, "plugin")
		if raws[name] {
			from = filepath.Join(bin, "raw")
		}
		_, sum, err := pin.Install(from, w.dir, name, "")
		if err != nil {
			t.Fatal(err)
		}
		lock.Set(pin.Pin{Name: name, SHA256: sum})
		w.plan.Plugins = append(w.plan.Plugins, host.Plugin{Name: name})
	}
	if err := lock.Write(); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) options() host.Options {
	return host.Options{Program: filepath.Join(bin, host.Program), Tell: func(t host.Told) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, t)
	}}
}

// start starts the plugins; the test ends them.
func (w *world) start() *host.Host {
	w.t.Helper()
	h, err := host.Start(context.Background(), w.plan, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		h.Close()
		w.nothingLeft()
	})
	return h
}

// warnings are what a person was told.
func (w *world) warnings() (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.told {
		if t.Level == "warning" {
			list = append(list, t.Text)
		}
	}
	return list
}

// log is what plugins wrote.
func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, t := range w.told {
		if t.By != "" {
			fmt.Fprintf(&b, "%s: %s\n", t.By, t.Text)
		}
	}
	return b.String()
}

// patience is how long something may take that is done at once on a machine that is not busy.
const patience = 30 * time.Second

// nothingLeft says what is there of plugins though it should not be: processes that run a file below the world's directory,
// sockets and private directories.
func (w *world) nothingLeft() {
	w.t.Helper()
	var left []string
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		left = w.leftovers()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("left after %v: %s", patience, strings.Join(left, "; "))
		}
	}
}

func (w *world) leftovers() (left []string) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		args, _ := os.ReadFile(p + "/cmdline")
		if strings.HasPrefix(string(args), w.dir) {
			left = append(left, "process "+filepath.Base(p)+" "+string(args))
		}
	}
	_ = filepath.WalkDir(w.plan.Runtime, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != w.plan.Runtime && !strings.HasSuffix(path, ".lock") { // a link's lock stays
			left = append(left, path)
		}
		return nil
	})
	return left
}

var decision = advice.Decide{Link: "default", Generation: 1, Decision: ppp.Decision{ID: 1, Protocol: packet.IPCP, Point: ppp.PointOpened}}

func TestGood(t *testing.T) {
	w := newWorld(t, "good")
	w.plan.Plugins[0].Config = []byte(`{"env": true}`)
	t.Setenv("KNAK_SECRET_OF_THE_HOST", "x")
	h := w.start()
	s := h.States()[0]
	if s.Word != host.Running || s.Version != "1.2.3" || s.Major != 1 || !h.Wants(decision) || h.Wants(advice.Identify{}) {
		t.Fatalf("%+v", s)
	}
	a, err := h.Ask(t.Context(), decision)
	if a != nil || err != nil {
		t.Errorf("a plugin that passes: %v, %v", a, err)
	}
	if s := h.Refresh(t.Context())[0]; s.Calls != 1 || s.Slowest == 0 {
		t.Errorf("after a call: %+v", s)
	}
	if len(w.warnings()) > 0 {
		t.Errorf("told: %q", w.warnings())
	}
	for _, want := range []string{"cwd=/ ", "umask=077", "stdin=/dev/null", "core=0", "group=true", "no_new_privs=1"} {
		if !strings.Contains(w.log(), want) {
			t.Errorf("no %s in %s", want, w.log())
		}
	}
	if strings.Contains(w.log(), "KNAK_SECRET") {
		t.Errorf("the host's environment has come along: %s", w.log())
	}
}

// An observer is told, in order; where it is slower than what happens, the oldest are lost and counted. At the end it still
// is told that the link is down.
func TestObserver(t *testing.T) {
	w := newWorld(t, "watcher")
	h, err := host.Start(t.Context(), w.plan, w.options())
	if err != nil {
		t.Fatal(err)
	}
	h.Record(event.Record{Link: "default", Event: event.Text{Text: "not among what it wants"}})
	for range 1000 {
		h.Record(event.Record{Link: "default", Event: event.Phase{Phase: event.PhaseLCP}})
	}
	h.Record(event.Record{Link: "default", Event: event.Down{Reason: "the end"}})
	for end := time.Now().Add(10 * time.Second); h.Refresh(t.Context())[0].Lost == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was lost of a thousand events")
		}
	}
	h.Close()
	w.nothingLeft()
	log := w.log()
	if !strings.Contains(log, "told kind=phase") || !strings.Contains(log, "told kind=down") || strings.Contains(log, "kind=text") {
		t.Errorf("it was told: %s", log)
	}
}

// A plugin that only decides is told which modem it is all the same.
func TestDevice(t *testing.T) {
	h := newWorld(t, "knows").start()
	h.Record(event.Record{Link: "default", Event: event.Device{Model: "E398"}})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		a, err := h.Ask(t.Context(), decision)
		if v, ok := a.(advice.Verdict); ok && v.Reason == "E398" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%v, %v", a, err)
		}
	}
}

// A challenge is for those who may see secrets.
func TestSecretsNeedTheGrant(t *testing.T) {
	s := host.State{Word: host.Running, Answers: []advice.Kind{advice.KindChallenge}}
	if s.Takes(advice.Challenge{}) {
		t.Error("a plugin without the grant is asked for a response")
	}
	if s.Grants = []string{host.GrantSecrets}; !s.Takes(advice.Challenge{}) {
		t.Error("a plugin with the grant is not asked")
	}
}

// After hangs and failures: not asked any more, started again after a wait, and out after three strikes.
func TestStrikes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "errs")
	h := w.start()
	for i := range 4 {
		a, err := h.Ask(t.Context(), decision)
		if a != nil || err != nil {
			t.Fatalf("call %d: %v, %v", i, a, err)
		}
	}
	s := h.Refresh(t.Context())[0]
	if s.Word != host.Out || s.Strikes != 3 || s.Calls != 3 || s.PID != 0 || h.Wants(decision) {
		t.Errorf("after three failures: %+v", s)
	}
	if told := w.warnings(); len(told) != 1 {
		t.Errorf("told %q", told)
	}
}

// One that has ended is started again, and answers.
func TestStartedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "good")
	h := w.start()
	if err := syscall.Kill(h.States()[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s := h.Refresh(t.Context())[0]
		if s.Starts == 2 && s.Word == host.Running {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", s)
		}
	}
	if _, err := h.Ask(t.Context(), decision); err != nil || h.Refresh(t.Context())[0].Calls != 1 {
		t.Errorf("after the second start: %v, %+v", err, h.States()[0])
	}
}

// Whatever a plugin has started ends also where the second program is killed before it can end anything.
func TestTheSecondProgramIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "leaves")
	h := w.start()
	child := func() string {
		for _, left := range w.leftovers() {
			if strings.Contains(left, "-child") {
				return left
			}
		}
		return ""
	}
	if child() == "" {
		t.Fatal("the plugin has started no child")
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.States()[0].PID))
	if err != nil {
		t.Fatal(err)
	}
	var state, parent = "", 0
	if _, err := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent); err != nil {
		t.Fatalf("%s: %v", stat, err)
	}
	if err := syscall.Kill(parent, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); h.States()[0].Word != host.Out; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", h.States()[0])
		}
	}
	if left := child(); left != "" {
		t.Errorf("it lives: %s", left)
	}
}

// A call over three processes: this one, knak-pluginhost and the plugin.
func BenchmarkDecide(b *testing.B) {
	for _, plain := range []bool{false, true} {
		name := "mtls"
		if plain {
			name = "tls=none"
		}
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, "good")
			w.plan.Plugins[0].Plain = plain
			h := w.start()
			var times []time.Duration
			for b.Loop() {
				begin := time.Now()
				if _, err := h.Ask(b.Context(), decision); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(begin))
			}
			report(b, times)
			if s := h.Refresh(b.Context())[0]; s.Calls != uint64(len(times)) {
				b.Errorf("%d calls, and the plugin was asked %d times: %+v", len(times), s.Calls, s)
			}
		})
	}
}
