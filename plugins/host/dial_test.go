package host_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/host"
)

// dial is a run of the real knak on a simulated modem, with the plugins of a world.
type dial struct {
	w      *world
	cmd    *exec.Cmd
	events chan map[string]any
	seen   []map[string]any
	stderr bytes.Buffer
}

func (w *world) dial(required bool, args ...string) *dial {
	w.t.Helper()
	var config strings.Builder
	for _, p := range w.plan.Plugins {
		fmt.Fprintf(&config, "[plugins.%s]\nrequired = %v\n", p.Name, required)
	}
	file := filepath.Join(w.dir, "config.toml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	d := &dial{w: w, events: make(chan map[string]any, 1000)}
	d.cmd = exec.Command(filepath.Join(bin, "knak"), append([]string{"dial", "--json", "--config", file, "--plugin-dir", w.dir, "--sim", "behaves", "--plane", "none"}, args...)...)
	d.cmd.Env = []string{"HOME=" + w.dir, "KNAK_RUNTIME_DIR=" + w.plan.Runtime, "KNAK_PLUGINS_LOCK=" + w.plan.Lock}
	d.cmd.Stderr = &d.stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(d.events)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var e map[string]any
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				d.events <- e
			}
		}
	}()
	return d
}

// until reads events until one is of a kind, or all of them with "".
func (d *dial) until(kind string) map[string]any {
	d.w.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, ok := <-d.events:
			if !ok {
				if kind != "" {
					d.w.t.Errorf("the dial ended without %s: %s", kind, d.stderr.String())
				}
				return nil
			}
			d.seen = append(d.seen, e)
			if e["event"] == kind {
				return e
			}
		case <-limit:
			_ = d.cmd.Process.Kill()
			d.w.t.Fatalf("no %q within 20 s: %v", kind, d.seen)
		}
	}
}

// exit waits for the end and gives the status.
func (d *dial) exit() int {
	d.w.t.Helper()
	d.until("")
	_ = d.cmd.Wait() // the status says it
	return d.cmd.ProcessState.ExitCode()
}

// warnings are those that a person was told of plugins.
func (d *dial) warnings() (list []string) {
	for _, e := range d.seen {
		// On a busy machine any plugin may be slow, which is told as well.
		if text, _ := e["text"].(string); d.w.plan.Plugins[0].Name != "slow" && strings.Contains(text, " is slow: ") {
			continue
		} else if e["event"] == "notice" && e["level"] == "warning" && strings.Contains(text, "plugin") {
			list = append(list, text)
		}
	}
	return list
}

// Every way in which a plugin can be bad: the link comes up by the host's own way, the person is told once, and where the
// plugin is required the dial fails with 34 instead. Nothing is left behind.
func TestBadPlugins(t *testing.T) {
	chmod := func(w *world) {
		if err := os.Chmod(filepath.Join(w.dir, "knak-plugin-good"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	change := func(w *world) {
		f, err := os.OpenFile(filepath.Join(w.dir, "knak-plugin-good"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what, name string
		prepare    func(w *world)
		warning    string // "": none
		required   int    // the status where it is required
	}{
		{"good", "good", nil, "", 0},
		{"prints through the SDK", "chats", nil, "", 0},
		{"slow", "slow", nil, "plugin slow is slow: ", 0},
		{"never answers", "late", nil, "plugin late did not answer decide within", 34},
		{"panics", "panics", nil, "plugin panics failed at decide", 34},
		{"gives an error", "errs", nil, "plugin errs failed at decide: ", 34},
		{"stopped in a call", "hangs", nil, "plugin hangs did not answer decide within", 34},
		{"floods standard error", "floods", nil, "", 0},
		{"exits in a call", "exits", nil, "plugin exits has ended (exit status 3)", 34},
		{"exits at once", "dies", nil, "does not start: it ended at once; it wrote: no licence file", 34},
		{"stopped before the handshake", "stands", nil, "does not start: it did not say within 10s that it listens", 34},
		{"prints before the handshake", "prints", nil, `does not start: it printed "Hello, I am a plugin" on standard output`, 34},
		{"wrong version", "version7", nil, "wrong version: it speaks version 7 of the plugin protocol, and this knak speaks 1", 34},
		{"listens on TCP", "tcp", nil, "must on a unix socket", 34},
		{"no TLS", "notls", nil, `it listens without TLS; try: tls = "none" in [plugins.notls]`, 34},
		{"another's name", "othername", nil, `refused: it calls itself "somebody"`, 34},
		{"unknown enum values", "unknown", nil, "", 0},
		{"newer minor", "newer", nil, "", 0},
		{"wrong hash", "good", change, "modified: ", 34},
		{"world-writable", "good", chmod, "writable by others: ", 34},
		{"not pinned", "good", func(w *world) { _ = os.Remove(w.plan.Lock) }, "not pinned: ", 34},
		{"missing", "good", func(w *world) { _ = os.Remove(filepath.Join(w.dir, "knak-plugin-good")) }, "missing: no file knak-plugin-good in ", 34},
	} {
		for _, required := range []bool{false, true} {
			want := 0
			if required {
				want = c.required
			}
			t.Run(fmt.Sprintf("%s/required=%v", c.what, required), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, c.name)
				if c.prepare != nil {
					c.prepare(w)
				}
				d := w.dial(required, "--once")
				if code := d.exit(); code != want {
					t.Errorf("status %d, want %d: %s", code, want, d.stderr.String())
				}
				told := d.warnings()
				switch {
				case want != 0 && strings.Contains(strings.Join(told, " "), "knak goes"):
					t.Errorf("required, and told %q", told)
				case want == 0 && c.warning == "" && len(told) > 0:
					t.Errorf("told: %q", told)
				case want == 0 && c.warning != "" && (len(told) != 1 || !strings.Contains(told[0], c.warning)):
					t.Errorf("told %q, want %q once", told, c.warning)
				}
				lines := 0
				for _, e := range d.seen {
					if e["event"] == "log" {
						lines++
					}
				}
				if lines > 300 {
					t.Errorf("%d lines of the plugin in the log", lines)
				}
				w.nothingLeft()
			})
		}
	}
}

// Whoever is killed with SIGKILL, no process, socket or directory is left.
func TestKilled(t *testing.T) {
	for _, c := range []struct {
		what, name string
		whom       string // "knak", or knak-pluginhost
		up         bool   // wait until the link is up
	}{
		{"knak, while knak-pluginhost stands still", "good", "knak", true},
		{"knak, with a good plugin", "good", "knak", true},
		{"knak, with a stopped plugin", "hangs", "knak", true},
		{"knak, while a plugin starts and stands still", "stands", "knak", false},
		{"knak-pluginhost, with a good plugin", "good", "knak-pluginhost", true},
		{"knak-pluginhost, with a stopped plugin", "hangs", "knak-pluginhost", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.name)
			d := w.dial(false)
			if c.up {
				d.until("up")
			} else {
				w.process(c.name)
			}
			victim := d.cmd.Process.Pid
			if strings.Contains(c.what, "knak-pluginhost stands still") {
				program := childOf(t, victim)
				if err := syscall.Kill(program, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				// The kernel wakes an orphan that has stopped with all its threads, not one that is about to.
				for end := time.Now().Add(patience); !stopped(program) && time.Now().Before(end); time.Sleep(time.Millisecond) {
				}
			}
			if c.whom != "knak" {
				victim = childOf(t, victim)
			}
			if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if c.whom != "knak" {
				// The link stays; the person is told.
				for e := d.until("notice"); e != nil && !strings.Contains(fmt.Sprint(e["text"]), "knak-pluginhost: signal: killed"); {
					e = d.until("notice")
				}
				w.noPlugins()
				if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				if code := d.exit(); code != 5 {
					t.Errorf("status %d", code)
				}
			} else {
				_ = d.cmd.Wait() // it was killed
			}
			w.noPlugins()
		})
	}
}

// stopped says whether every thread of a process has stopped.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is right
	return len(threads) > 0 && !slices.ContainsFunc(threads, func(name string) bool {
		stat, err := os.ReadFile(name)
		return err == nil && !strings.Contains(string(stat), ") T ")
	})
}

// A service that is stopped: SIGTERM comes to all processes at once, and nobody is told of failures.
func TestServiceStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "good")
	d := w.dial(false)
	d.until("up")
	program := childOf(t, d.cmd.Process.Pid)
	plugin := childOf(t, program)
	for _, pid := range []int{program, plugin, d.cmd.Process.Pid} {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); pid == plugin && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
			if syscall.Kill(plugin, 0) != nil {
				break // gone while the link is up: this order would be seen as a failure, if any
			}
		}
	}
	if code := d.exit(); code != 5 {
		t.Errorf("status %d", code)
	}
	if told := d.warnings(); len(told) > 0 {
		t.Errorf("told: %q", told)
	}
	w.nothingLeft()
}

// A second program that stands still (SIGSTOP) makes nobody wait, is told of once, and is given up with its plugins.
func TestStandsStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "good")
	h := w.start()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.States()[0].PID))
	if err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	program, err := strconv.Atoi(strings.Fields(fields)[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(program, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// More than its socket holds: the rest waits in this process.
	asked := 0
	for end := time.Now().Add(15 * time.Second); h.States()[0].Word == host.Running && time.Now().Before(end); asked++ {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Millisecond)
		h.Refresh(ctx)
		cancel()
		if took := time.Since(begin); took > 2*time.Second {
			t.Fatalf("call %d took %v", asked, took)
		}
	}
	if s := h.States()[0]; s.Word != host.Out || asked < 500 {
		t.Errorf("after %d calls: %+v", asked, s)
	}
	if told := w.warnings(); len(told) != 1 || !strings.Contains(told[0], "knak-pluginhost: does not answer for 5s") {
		t.Errorf("told: %q", told)
	}
}

// process waits for the process of a plugin.
func (w *world) process(name string) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, l := range w.leftovers() {
			if strings.HasPrefix(l, "process") && strings.Contains(l, "knak-plugin-"+name) {
				return
			}
		}
	}
	w.t.Fatalf("no process of plugin %s", name)
}

// noPlugins is nothingLeft of a dial that may have left its own files.
func (w *world) noPlugins() {
	w.t.Helper()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		left = left[:0]
		for _, l := range w.leftovers() {
			if strings.HasPrefix(l, "process") || strings.Contains(l, "plugins-") {
				left = append(left, l)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	w.t.Fatalf("left after %v: %s", patience, strings.Join(left, "; "))
}

// childOf gives the process that another one has started.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, s := range stats {
		text, _ := os.ReadFile(s)
		_, rest, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(rest)
		if len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(s)))
			return child
		}
	}
	t.Fatalf("%d has no child", pid)
	return 0
}
