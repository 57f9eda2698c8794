package hooks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/trust"
)

// Config says where the scripts are, and what their arguments and environment say.
type Config struct {
	Dir   string        // the scripts are NAME and NAME.d/* below it; NAME is ip-up, ip-down, ipv6-up or ipv6-down
	Limit time.Duration // how long one script may run; then it and its children are killed

	Link  string // the link's name
	TTY   string // the port
	Speed int    // bit/s
	Param string // the sixth argument, pppd's ipparam
	User  string // the user name of the authentication
	UID   int
	PID   int
	// ScriptsDoDNS says that nothing else sets the name servers of the host.
	ScriptsDoDNS bool

	Tell func(event.Notice) // gets a message about a script that failed; must not block
}

// lastWords is how long a script has between SIGTERM and SIGKILL.
const lastWords = time.Second

// Runner is an event.Sink that runs the scripts. It starts no goroutine before a link is up.
type Runner struct {
	cfg  Config
	work sync.WaitGroup
	wake chan struct{} // something may be to do

	mu      sync.Mutex
	follow  follower
	calls   []call // to run now
	running bool   // the goroutine is there
	closed  bool

	// What a script's time is bounded by besides its limit: both end some time after Close.
	ways, last       context.Context
	endWays, endLast context.CancelFunc
}

// New makes a Runner.
func New(cfg Config) *Runner {
	r := &Runner{cfg: cfg, follow: newFollower(cfg), wake: make(chan struct{}, 1)}
	r.ways, r.endWays = context.WithCancel(context.Background())
	r.last, r.endLast = context.WithCancel(context.Background())
	return r
}

// Record starts the scripts of the event without waiting for them. Several goroutines may call it.
func (r *Runner) Record(rec event.Record) {
	switch rec.Event.(type) {
	case event.Up, event.Down:
	default:
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follow.take(rec.Event)
	if r.calls == nil {
		r.calls, _ = r.follow.next(time.Now())
	}
	if !r.running && r.calls != nil {
		r.running = true
		r.work.Go(r.loop)
	}
	r.stir()
}

func (r *Runner) stir() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// loop runs the calls until the runner is closed and the scripts know that the link is down.
func (r *Runner) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		r.mu.Lock()
		calls, again := r.calls, time.Time{}
		if r.calls = nil; calls == nil {
			calls, again = r.follow.next(time.Now())
		}
		closed := r.closed
		r.mu.Unlock()
		switch {
		case calls != nil:
			for _, c := range calls {
				r.run(c)
			}
			r.mu.Lock()
			r.follow.done()
			r.mu.Unlock()
			continue
		case closed:
			return
		case !again.IsZero():
			timer.Reset(time.Until(again))
		}
		select {
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// Close runs the scripts for a link that is down, if their last call was for a link that is up, and returns when they have ended.
// All of it has the time of one script; a script that still runs for the link that came up may use half of that. No Record may
// follow.
func (r *Runner) Close() {
	defer r.endLast()
	defer r.endWays()
	r.mu.Lock()
	r.closed = true
	r.follow.wanted = nil
	running := r.running
	r.mu.Unlock()
	if !running {
		return
	}
	half := time.AfterFunc(r.cfg.Limit/2, r.endWays)
	defer half.Stop()
	whole := time.AfterFunc(r.cfg.Limit+lastWords, r.endLast) // also after one that ignored SIGTERM there is time
	defer whole.Stop()
	r.stir()
	r.work.Wait()
}

func (r *Runner) warn(format string, args ...any) {
	r.cfg.Tell(event.Notice{Level: "warning", Text: fmt.Sprintf(format, args...)})
}

// run runs the scripts for one call: NAME, then those in NAME.d by name.
func (r *Runner) run(c call) {
	for _, path := range r.scripts(c.name) {
		if err := r.script(path, c); err != nil {
			r.warn("the script %s: %v", path, err)
		}
	}
}

// scripts lists what is there. As run-parts(8) has it, a name with anything but letters, digits, '-', '_' and '.' between
// is no script: so an editor's or a package manager's copy is not run.
func (r *Runner) scripts(name string) []string {
	var list []string
	main := filepath.Join(r.cfg.Dir, name)
	if info, err := os.Stat(main); err == nil && info.Mode().IsRegular() {
		list = append(list, main)
	}
	entries, err := os.ReadDir(main + ".d")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.warn("%v", err)
	}
	for _, e := range entries {
		path := filepath.Join(main+".d", e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || !scriptName(e.Name()) {
			continue
		}
		list = append(list, path)
	}
	return list
}

func scriptName(name string) bool {
	for _, suffix := range []string{".bak", ".orig", ".rej", ".swp"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return !strings.HasPrefix(name, ".") && !strings.Contains(name, ".dpkg-") && !strings.Contains(name, ".rpm") &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// script runs one script with pppd's surroundings: no environment but its own, nothing on its standard descriptors, the
// root directory. It has a process group of its own, so that the limit reaches its children too.
func (r *Runner) script(path string, c call) error {
	if err := trust.Path(path); err != nil {
		return fmt.Errorf("not run: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("not run: it is not executable: chmod 755 %s", path)
	}
	bound := r.ways
	if c.down {
		bound = r.last
	}
	ctx, cancel := context.WithTimeout(bound, r.cfg.Limit)
	defer cancel()
	// pppd gives scripts a umask of 077. This process has one umask for all of its threads, so a shell sets it.
	cmd := exec.CommandContext(ctx, "/bin/sh", slices.Concat([]string{"-c", `umask 077; exec "$0" "$@"`, path}, c.args)...)
	cmd.Dir, cmd.Env = "/", c.env
	group(cmd)
	cmd.Cancel = func() error { return end(cmd, syscall.SIGTERM) }
	cmd.WaitDelay = lastWords
	err = cmd.Run()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			_ = end(cmd, syscall.SIGKILL) // processes of the group that are left; usually none
		}
		if bound.Err() != nil {
			return fmt.Errorf("%s was ended, because the dial ends", c.name)
		}
		return fmt.Errorf("%s took longer than %v and was ended", c.name, r.cfg.Limit)
	}
	return err
}
