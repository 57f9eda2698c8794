package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/plugins/host"
)

// nursery starts processes, all from one thread of the system that lives as long as this program: the kernel sends a
// child its parent-death signal when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG), not the process.
type nursery struct {
	jobs chan func()

	mu      sync.Mutex
	closed  bool
	adopts  bool
	running map[*process]bool
}

// newNursery prepares the thread: nothing that it starts can gain privileges by a set-user-ID bit or file capabilities.
func newNursery() (*nursery, error) {
	n := &nursery{jobs: make(chan func()), running: map[*process]bool{}}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		ready <- unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		for job := range n.jobs {
			job()
		}
	}()
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("no-new-privileges: %w", err)
	}
	return n, nil
}

// errClosed is the answer to a start after killAll.
var errClosed = errors.New("nothing is started any more")

func (n *nursery) start(p *process) error {
	done := make(chan error)
	n.jobs <- func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.closed {
			done <- errClosed
			return
		}
		err := p.cmd.Start()
		if err == nil {
			n.running[p] = true
		}
		done <- err
	}
	return <-done
}

// adopt makes this process the parent of every process below it whose own parent has ended (prctl(2),
// PR_SET_CHILD_SUBREAPER), so that what leaves a plugin's process group, or its session, is still found and ends with it.
// Those that end by themselves are waited for. It is for a process that starts nothing but plugins.
func (n *nursery) adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("to take in orphans: %w", err)
	}
	n.mu.Lock()
	n.adopts = true
	n.mu.Unlock()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		for range ended {
			n.mu.Lock()
			if n.closed && len(n.running) == 0 { // what this process starts from now on is others'
				n.mu.Unlock()
				return
			}
			for _, pid := range n.orphans() {
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // most of them live
			}
			n.mu.Unlock()
			time.Sleep(orphanEvery)
		}
	}()
	return nil
}

// orphanEvery is how often to look for orphans of a plugin that makes new ones all the time.
const orphanEvery = 200 * time.Millisecond

// orphans gives our children that are no plugins' processes. n.mu is held, so that none is just being started.
func (n *nursery) orphans() (list []int) {
	for _, pid := range host.Children(os.Getpid()) {
		plugin := false
		for p := range n.running {
			plugin = plugin || p.cmd.Process.Pid == pid
		}
		if !plugin {
			list = append(list, pid)
		}
	}
	return list
}

// sweep kills the orphans of a plugin whose process has ended. Whom they belonged to is gone; what they say of themselves
// is believed only where it is of another plugin that runs: that one ends, too, some day.
func (n *nursery) sweep(of *process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.adopts {
		return
	}
	for end := time.Now().Add(termLimit); time.Now().Before(end); { // who is killed leaves children of its own
		left := 0
		for _, pid := range n.orphans() {
			if n.belongs(pid, of) {
				continue
			}
			left++
			_ = unix.Kill(pid, unix.SIGKILL) // ours and not waited for: its number is nobody else's
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
		if left == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// belongs says whether an orphan has the environment of a plugin that runs, other than of.
func (n *nursery) belongs(pid int, of *process) bool {
	environment, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for p := range n.running {
		if p != of && p.socketDir != "" && bytes.Contains(environment, []byte("TMPDIR="+p.socketDir+"\x00")) {
			return true
		}
	}
	return false
}

func (n *nursery) ended(p *process) {
	n.mu.Lock()
	delete(n.running, p)
	n.mu.Unlock()
}

// killAll kills every process with its group and starts none any more. It waits until the processes have ended.
func (n *nursery) killAll() {
	n.mu.Lock()
	n.closed = true
	var all []*process
	for p := range n.running {
		all = append(all, p)
	}
	n.mu.Unlock()
	for _, p := range all {
		p.signal(unix.SIGKILL)
	}
	limit := time.After(termLimit)
	for _, p := range all {
		select {
		case <-p.ended:
		case <-limit:
		}
	}
	n.sweep(nil)
}

// process is one run of a plugin's file. It is go-plugin's runner.Runner.
type process struct {
	nursery   *nursery
	cmd       *exec.Cmd
	name      string
	socketDir string
	stdout    io.ReadCloser
	stderr    io.ReadCloser
	takeLine  func(line []byte) // of standard error

	output sync.WaitGroup // its readers
	ended  chan struct{}  // it was waited for, and its group killed
	err    error          // how it ended; read after ended

	mu  sync.Mutex
	out bool // its number may be another's by now
}

// environment is the environment of a plugin: the search path for programs, the language and the time zone.
var environment = []string{"PATH", "LANG", "LC_ALL", "LC_MESSAGES", "TZ"}

// newProcess prepares the run of an open file. extra is go-plugin's part of the environment.
func newProcess(n *nursery, f *os.File, name, path, socketDir string, extra []string, takeLine func([]byte)) (*process, error) {
	p := &process{nursery: n, name: name, socketDir: socketDir, takeLine: takeLine, ended: make(chan struct{})}
	cmd := &exec.Cmd{
		// What was hashed is what is run, wherever the name leads by now. The descriptor is closed by exec itself.
		Path: "/proc/self/fd/" + strconv.Itoa(int(f.Fd())),
		Args: []string{path},
		Dir:  "/",
		// TMPDIR is for go-plugin's and others' temporary files: they go with the private directory.
		Env:         []string{"TMPDIR=" + socketDir, "HOME=/"},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	for _, key := range environment {
		if value, ok := os.LookupEnv(key); ok {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, extra...)
	if script(f) {
		// The kernel gives the interpreter a name to open: the descriptor must still be there then.
		cmd.Path, cmd.ExtraFiles = "/proc/self/fd/3", []*os.File{f}
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.output.Add(1)
	p.stdout = &watched{ReadCloser: stdout, done: p.output.Done}
	if p.stderr, err = cmd.StderrPipe(); err != nil {
		return nil, err
	}
	p.cmd = cmd
	return p, nil
}

func script(f *os.File) bool {
	var head [2]byte
	_, err := f.ReadAt(head[:], 0)
	return err == nil && string(head[:]) == "#!"
}

// Start starts the process; its stdin is /dev/null.
func (p *process) Start(context.Context) error {
	if err := p.nursery.start(p); err != nil {
		close(p.ended)
		if errors.Is(err, unix.ENOENT) {
			err = fmt.Errorf("its interpreter is not there (first line of a script, or the loader of a program): %w", err)
		}
		return err
	}
	p.output.Go(p.readLines)
	go p.reap()
	return nil
}

// lineLimit is the greatest length of a line of standard error, in octets; the rest is cut.
const lineLimit = 1000

func (p *process) readLines() {
	w := &lineWriter{take: p.takeLine}
	_, _ = io.CopyBuffer(struct{ io.Writer }{w}, p.stderr, make([]byte, 4096)) // its end is the end of the process
	w.flush()
}

// How much a plugin may write: a burst, and so many octets a second. A plugin that writes more has to wait, as on a slow terminal.
// Reading everything and throwing it away would cost time without a limit.
const (
	writeRate  = 64 << 10
	writeBurst = 256 << 10
	writePause = 500 * time.Millisecond // the longest wait at a time
)

// lineWriter cuts its input into lines.
type lineWriter struct {
	take  func(line []byte)
	mu    sync.Mutex
	line  []byte
	ahead float64   // octets of the burst that are used up
	at    time.Time // when ahead was right
}

// Write never fails.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := b; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte{'\n'})
		rest = after
		w.line = append(w.line, part[:min(len(part), lineLimit-len(w.line))]...)
		if ended {
			w.take(w.line)
			w.line = w.line[:0]
		}
	}
	time.Sleep(w.spend(time.Now(), len(b)))
	return len(b), nil
}

// spend says how long to wait after n octets.
func (w *lineWriter) spend(now time.Time, n int) time.Duration {
	w.ahead = max(0, w.ahead-now.Sub(w.at).Seconds()*writeRate) + float64(n)
	w.at = now
	over := (w.ahead - writeBurst) / writeRate
	return min(time.Duration(max(over, 0)*float64(time.Second)), writePause)
}

// flush gives a last line that has no end.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) > 0 {
		w.take(w.line)
		w.line = nil
	}
}

// Wait waits until the process has ended and the rest of its group was killed.
func (p *process) Wait(context.Context) error {
	<-p.ended
	return p.err
}

// reap waits for the process, kills what else is in its group, and lets go of its output.
func (p *process) reap() {
	pid := p.cmd.Process.Pid
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	// It is not reaped yet, so its number, which is the group's, is nobody else's.
	p.mu.Lock()
	_ = unix.Kill(-pid, unix.SIGKILL)
	p.out = true
	p.mu.Unlock()
	p.nursery.sweep(p)
	read := make(chan struct{})
	go func() { p.output.Wait(); close(read) }()
	select {
	case <-read:
	case <-time.After(outputLimit): // something that left the group holds it open
	}
	p.err = p.cmd.Wait() // closes our ends
	p.nursery.ended(p)
	close(p.ended)
}

// over says whether the process has ended, be it that reap is not done with what it left.
func (p *process) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return true
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0 // 0: there is nothing to wait for yet
}

// outputLimit is how long to go on reading the output of a process that has ended.
const outputLimit = 300 * time.Millisecond

// watched says when its reader has reached the end.
type watched struct {
	io.ReadCloser
	once sync.Once
	done func()
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.ReadCloser.Read(b)
	if err != nil {
		w.once.Do(w.done)
	}
	return n, err
}

// orderly says whether it ended by itself with success, or by SIGTERM. It must have ended.
func (p *process) orderly() bool {
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		return p.err == nil
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == unix.SIGTERM
}

// signal sends to the whole group, if the process was not waited for.
func (p *process) signal(s unix.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd.Process != nil && !p.out {
		_ = unix.Kill(-p.cmd.Process.Pid, s)
	}
}

// Kill ends the group at once. go-plugin calls it.
func (p *process) Kill(context.Context) error {
	p.signal(unix.SIGKILL)
	return nil
}

// Stdout gives the stream with the handshake.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr gives nothing: the lines of standard error are read elsewhere, at a limited rate.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name gives a name for go-plugin's log.
func (p *process) Name() string { return p.name }

// ID gives the number of the process.
func (p *process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose adds nothing to go-plugin's error: serve writes its own.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost checks the address that the plugin printed: it must be a socket in the plugin's private directory.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != filepath.Clean(p.socketDir) {
		return "", "", fmt.Errorf("it listens on %s %s, but must on a unix socket in the directory of PLUGIN_UNIX_SOCKET_DIR", network, address)
	}
	return network, address, nil
}

// HostToPlugin is for go-plugin's broker, which serve does not use.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
