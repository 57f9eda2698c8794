package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/rights"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/internal/wire"
)

// Limits on this process, which plugins inherit.
var limits = []struct {
	resource int
	value    uint64
}{
	{unix.RLIMIT_CORE, 0}, // a core file would hold secrets
	{unix.RLIMIT_NOFILE, 512},
	{unix.RLIMIT_FSIZE, 64 << 20},
	{unix.RLIMIT_DATA, 1 << 30},
}

// Main runs the program and gives its exit status.
func Main(stderr io.Writer) int {
	var st unix.Stat_t
	if err := unix.Fstat(host.SocketFD, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		fmt.Fprintf(stderr, "%s runs external plugins for knak and is started by it. By hand, use: knak plugins run FILE\n", host.Program)
		return 2
	}
	_ = rights.NoDump() // questions hold passwords
	if err := serve(); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// freeAfter is when the memory that the start needed is returned to the system: a dial is over by then.
const freeAfter = 20 * time.Second

func serve() error {
	// One thread at a time: what is done here is short and in turn, and waking a second thread to look whether there is
	// something for it costs more than all of it.
	runtime.GOMAXPROCS(1)
	unix.Umask(0o077)
	for _, l := range limits {
		var old unix.Rlimit
		if err := unix.Getrlimit(l.resource, &old); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		to := unix.Rlimit{Cur: min(l.value, old.Max), Max: min(l.value, old.Max)}
		if err := unix.Setrlimit(l.resource, &to); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
	}
	unix.CloseOnExec(host.SocketFD)
	unix.CloseOnExec(host.SocketFD + 1) // the lock on the private directory
	if err := unix.SetNonblock(host.SocketFD, true); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	conn := host.NewConn(os.NewFile(host.SocketFD, "socket"))
	nursery, err := newNursery()
	if err != nil {
		return err
	}
	if err := nursery.adopt(); err != nil {
		return err
	}
	first, err := conn.Read()
	if err != nil {
		return nil //nolint:nilerr // knak is gone before it began
	}
	if first.Type != host.Open {
		return errors.New("the first message is not a plan")
	}
	var plan host.Plan
	if err := json.Unmarshal(first.Body, &plan); err != nil {
		return fmt.Errorf("the plan: %w", err)
	}
	// A write that fails means that knak is gone; the loop below sees that.
	m := newManager(nursery, plan,
		func(t host.Told) { _ = conn.Write(host.Message{Type: host.Tell}, t) },
		func(c host.Command) { _ = conn.Write(host.Message{Type: host.Order}, c) })
	m.changed = func() { _ = conn.Write(host.Message{Type: host.Change}, m.states()) }
	go holdOut(m)
	go func() {
		host.Warm() // while the plugins start
		wire.Warm()
	}()
	go func() {
		m.start(context.Background())
		_ = conn.Write(host.Message{Type: host.Ready, ID: first.ID}, m.states())
		// A link lives for weeks on small machines. Not yet: the first decisions would find every page gone.
		time.AfterFunc(freeAfter, debug.FreeOSMemory)
	}()
	ordered := loop(conn, m)
	if !ordered {
		// Knak was killed: whatever it was, nothing of ours may be left behind.
		m.kill()
	} else {
		m.stop()
	}
	nursery.killAll() // what is left of any plugin
	removeRuntime(m.plan.Runtime)
	return nil
}

// holdOut lets signals not end this program: knak does, in order, or its end does. SIGTERM comes to all processes of a
// service at once where that is stopped; what plugins then do is no failure. SIGHUP comes from the kernel, where this
// program stood still while knak was killed (POSIX, Orphaned Process Group); the sockets are still to be removed then.
func holdOut(m *manager) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP) // not Ignore, which plugins would inherit
	var once sync.Once
	for s := range signals {
		if s != unix.SIGHUP {
			once.Do(func() { close(m.ending) })
		}
	}
}

// loop serves knak until it says that it is over, or is gone.
func loop(conn *host.Conn, m *manager) (ordered bool) {
	for {
		in, err := conn.Read()
		if err != nil {
			return false
		}
		switch in.Type {
		case host.Ask:
			go answer(conn, m, in)
		case host.Note:
			if r, err := readRecord(in.Body); err == nil {
				m.note(r, in.ID)
			}
		case host.Look:
			_ = conn.Write(host.Message{Type: host.Ready, ID: in.ID}, m.states())
		case host.Close:
			return true
		}
	}
}

func answer(conn *host.Conn, m *manager, in host.Message) {
	out := host.Message{Type: host.Answer, Kind: in.Kind, ID: in.ID}
	q, err := host.UnmarshalQuestion(in.Kind, in.Body)
	var body []byte
	if err == nil {
		a, failed := m.ask(q, in.Budget)
		body, err = host.MarshalReply(a, failed)
	}
	if err != nil {
		if body, err = host.MarshalReply(nil, err); err != nil {
			return
		}
	}
	_ = conn.Write(out, body) // knak may be gone: loop sees that
}

// removeRuntime removes the private directory, whose name knak made.
func removeRuntime(dir string) {
	if _, err := os.Lstat(filepath.Join(dir, host.LockName)); err == nil {
		_ = os.RemoveAll(dir) // what is left is swept at the next start
	}
}
