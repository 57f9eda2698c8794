package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nursery starts processes, all from one thread of the system that lives as long as this program: the kernel sends a
// child its parent-death signal when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG), not the process.
type nursery struct{ jobs chan func() }

// newNursery prepares the thread: nothing that it starts can gain privileges by a set-user-ID bit or file capabilities.
func newNursery() (*nursery, error) {
	n := &nursery{jobs: make(chan func())}
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

func (n *nursery) start(cmd *exec.Cmd) error {
	done := make(chan error)
	n.jobs <- func() { done <- cmd.Start() }
	return <-done
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

	lines sync.WaitGroup
	wait  sync.Once
	ended chan struct{} // it was waited for, and its group killed
	err   error         // how it ended

	mu  sync.Mutex
	out bool // its number may be another's by now
}

// environment is what a plugin sees of ours: where programs are, in which language and time zone it should speak.
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
		// Whatever a plugin started and left behind may hold its output open.
		WaitDelay: 500 * time.Millisecond,
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
	var err error
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
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

// Start starts it; stdin is /dev/null.
func (p *process) Start(context.Context) error {
	if err := p.nursery.start(p.cmd); err != nil {
		close(p.ended)
		if errors.Is(err, unix.ENOENT) {
			err = fmt.Errorf("its interpreter is not there (first line of a script, or the loader of a program): %w", err)
		}
		return err
	}
	p.lines.Go(p.readLines)
	return nil
}

// lineLimit is how much of a line of standard error is kept, in octets.
const lineLimit = 1000

func (p *process) readLines() {
	buf, line, over := make([]byte, 4096), make([]byte, 0, lineLimit), false
	for {
		n, err := p.stderr.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			part, after, ended := bytes.Cut(rest, []byte{'\n'})
			rest = after
			room := lineLimit - len(line)
			line = append(line, part[:min(len(part), room)]...)
			over = over || len(part) > room
			if ended {
				p.takeLine(line)
				line, over = line[:0], false
			}
		}
		if err != nil {
			if len(line) > 0 {
				p.takeLine(line)
			}
			return
		}
	}
}

// Wait waits until the process has ended and ends what else is in its group.
func (p *process) Wait(context.Context) error {
	p.wait.Do(func() {
		pid := p.cmd.Process.Pid
		for {
			var info unix.Siginfo
			err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		// It is not reaped yet, so its number, which is the group's, is nobody else's.
		p.mu.Lock()
		_ = unix.Kill(-pid, unix.SIGKILL)
		p.out = true
		p.mu.Unlock()
		p.lines.Wait()
		p.err = p.cmd.Wait()
		close(p.ended)
	})
	<-p.ended
	return p.err
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

// Stdout is where the handshake comes.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr gives nothing: its lines go their own, limited way.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is for go-plugin's log.
func (p *process) Name() string { return p.name }

// ID is the number of the process.
func (p *process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose adds nothing to go-plugin's error: we write our own.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost takes the address that the plugin printed: a socket in its own private directory and nothing else.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != filepath.Clean(p.socketDir) {
		return "", "", fmt.Errorf("it listens on %s %s, but must on a unix socket in the directory of PLUGIN_UNIX_SOCKET_DIR", network, address)
	}
	return network, address, nil
}

// HostToPlugin is for go-plugin's broker, which we do not use.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
