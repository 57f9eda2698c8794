//go:build linux

package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Port is an open serial port: raw, 8 data bits, no parity, one stop bit; it stays usable whatever the modem lines say. One
// goroutine may read while another writes. Any goroutine may call Close, which ends both.
type Port struct {
	path     string // with all symbolic links resolved
	file     *os.File
	in, out  transfer
	lock     *lockFile
	saved    *unix.Termios // what Close restores, once there is something to restore
	timeout  time.Duration
	mu       sync.Mutex // guards what follows
	lib      serial.Port
	closed   bool
	deadline bool // a write deadline is set
}

// Open opens the tty at path, which may be a symbolic link. If another process has locked it, the error is a *LockedError;
// otherwise it is an *OpenError. Both say what to do.
//
// Open locks the port in every way that other programs respect: by a UUCP lock file, by flock, and by exclusive use (TIOCEXCL). A
// process that respects none of them and already has the port open is found through /proc. Pseudo-terminals are not searched for,
// because the program that made them keeps them open. If the lock directory cannot be written, the other ways remain.
func Open(path string, cfg Config) (_ *Port, err error) {
	if cfg.Baud == 0 {
		cfg.Baud = DefaultBaud
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = DefaultWriteTimeout
	}
	if cfg.LockDir == "" {
		cfg.LockDir = DefaultLockDir
	}
	tty, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, openError(path, err)
	}
	p := &Port{path: tty, timeout: cfg.WriteTimeout}
	defer func() {
		if err != nil {
			_ = p.giveBack()
		}
	}()
	if p.lock, err = takeLock(tty, cfg.LockDir); err != nil {
		return nil, err
	}
	// This descriptor comes first: once the library has taken the port exclusively, only root could open another.
	fd, err := unix.Open(tty, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, openError(tty, err)
	}
	p.file = os.NewFile(uintptr(fd), tty)
	raw, err := p.file.SyscallConn()
	if err != nil {
		return nil, openError(tty, err)
	}
	p.in.init(raw.Read, unix.SYS_READ)
	p.out.init(raw.Write, unix.SYS_WRITE)
	saved, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return nil, openError(tty, err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, openError(tty, unix.EBUSY)
	}
	if !cfg.Shared && !isPTY(fd) {
		if h, _ := Holders(tty); len(h) > 0 {
			return nil, &LockedError{Path: tty, PID: h[0].PID, Program: h[0].Program}
		}
	}
	p.saved = saved
	if p.lib, err = openLib(tty, cfg.Baud); err != nil {
		return nil, openError(tty, err)
	}
	if err := p.tune(cfg.Flow); err != nil {
		return nil, openError(tty, err)
	}
	return p, nil
}

// Exists says whether the system has a port of this name.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// MayOpen says why this user may not open a port. It does not open the port.
func MayOpen(path string) error { return unix.Access(path, unix.R_OK|unix.W_OK) }

// OpenWithin is Open, but it gives up when ctx ends, even if the system does not answer: a driver that hangs in open(2), or a file
// system below the lock directory. If the port opens later, it is closed.
func OpenWithin(ctx context.Context, path string, cfg Config) (*Port, error) {
	return within(ctx, path, func() (*Port, error) { return Open(path, cfg) })
}

func within(ctx context.Context, path string, open func() (*Port, error)) (*Port, error) {
	if ctx.Done() == nil {
		return open()
	}
	type result struct {
		port *Port
		err  error
	}
	opened := make(chan result) // what nobody takes is given back
	go func() {
		p, err := open()
		select {
		case opened <- result{p, err}:
		case <-ctx.Done():
			if err == nil {
				_ = p.Close()
			}
		}
	}()
	select {
	case r := <-opened:
		return r.port, r.err
	case <-ctx.Done():
		return nil, &OpenError{Path: path, Reason: Failed, Err: context.Cause(ctx)}
	}
}

// openLib lets the library open the tty, and sees to it that programs which this process starts do not inherit its
// descriptor: they would keep DTR up after a hang-up.
func openLib(tty string, baud int) (serial.Port, error) {
	syscall.ForkLock.RLock() // nothing is started meanwhile
	defer syscall.ForkLock.RUnlock()
	lib, err := serial.Open(tty, mode(baud))
	if err != nil {
		return nil, err // and not an interface that holds a nil pointer
	}
	var st unix.Stat_t
	if err := unix.Stat(tty, &st); err != nil {
		return nil, errors.Join(err, lib.Close())
	}
	for _, fd := range descriptors("/proc/self/fd", &st) {
		unix.CloseOnExec(fd)
	}
	return lib, nil
}

func mode(baud int) *serial.Mode {
	return &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
}

// Path is the tty's name in /dev, with symbolic links resolved.
func (p *Port) Path() string { return p.path }

// LockFile is the path of the UUCP lock file, or "" when none could be made.
func (p *Port) LockFile() string { return p.lock.name() }

// Read waits for at least one byte. Its errors: os.ErrDeadlineExceeded when the deadline passes, ErrHungUp, os.ErrClosed.
func (p *Port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := p.in.once(b, true)
	if n == 0 && err == nil {
		err = ErrHungUp
	}
	return n, err
}

// OnIdle makes Read call f when it is about to wait because there is nothing to read, so that its caller can gather the results of
// several reads. It must be called before Read; f must not use the port's Read.
func (p *Port) OnIdle(f func()) { p.in.idle = f }

// Write sends all of b, or says how many bytes of it the driver took. Its errors are those of Read.
func (p *Port) Write(b []byte) (int, error) {
	// Mostly the driver takes all at once; only what has to wait needs a time limit.
	n, err := p.out.once(b, false)
	if err != nil || n == len(b) {
		return n, err
	}
	p.mu.Lock()
	set := p.deadline
	p.mu.Unlock()
	if !set {
		if err := closed(p.file.SetWriteDeadline(time.Now().Add(p.timeout))); err != nil {
			return n, err
		}
		defer p.file.SetWriteDeadline(time.Time{})
	}
	for n < len(b) {
		more, err := p.out.once(b[n:], true)
		n += more
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// SetReadDeadline sets when Read gives up, including a Read that is waiting. The zero time means never.
func (p *Port) SetReadDeadline(t time.Time) error { return closed(p.file.SetReadDeadline(t)) }

// SetWriteDeadline sets when Write gives up, including a Write that is waiting. The zero time brings back Config.WriteTimeout.
func (p *Port) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	p.deadline = !t.IsZero()
	p.mu.Unlock()
	return closed(p.file.SetWriteDeadline(t))
}

// hungUp turns what a tty says when its other side is gone into ErrHungUp: end of file or EIO after a hang-up, ENXIO or
// ENODEV when the device is gone.
func hungUp(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return ErrHungUp
	}
	return err
}

// Close ends Read and Write, drops what was not sent, and restores the tty's settings, its locks and exclusive use. Call Drain
// before it if the modem must get the rest. It may be called twice.
func (p *Port) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if again {
		return nil
	}
	return p.giveBack()
}

// giveBack undoes as much of Open as was done.
func (p *Port) giveBack() error {
	var errs []error
	if p.saved != nil {
		// A close waits for output that the modem may never take, up to half a minute: drop it, and tell the driver not to.
		_ = p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
		_ = p.control(closingWaitNone)
		err := p.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS2, p.saved) })
		if err != nil && !errors.Is(hungUp(err), ErrHungUp) {
			errs = append(errs, fmt.Errorf("restore the settings of %s: %w", p.path, err))
		}
	}
	if p.lib != nil {
		_ = p.lib.Close() // gives up exclusive use; the descriptor below is what counts
	}
	if p.file != nil {
		errs = append(errs, p.file.Close()) // and with it flock
	}
	errs = append(errs, p.lock.release())
	return errors.Join(errs...)
}

// transfer is one direction of the port: system calls on a descriptor that does not block, made without telling the
// scheduler. It would take each for one that may last, and hand this thread's work to another one and back, which costs
// more than the call. Its closures are made once: one made for a call would be allocated for it.
type transfer struct {
	wait, try func() error
	idle      func() // called before waiting; nil: nobody wants to know

	buf []byte
	n   int
	err error
}

// init takes RawConn's Read or Write and the number of the system call that goes with it.
func (t *transfer) init(ready func(func(fd uintptr) bool) error, call uintptr) {
	do := func(fd uintptr) {
		for {
			n, _, errno := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(&t.buf[0])), uintptr(len(t.buf)))
			switch errno {
			case 0:
				t.n, t.err = int(n), nil
			case unix.EINTR:
				continue
			default:
				t.n, t.err = 0, errno
			}
			return
		}
	}
	whenReady := func(fd uintptr) bool {
		do(fd)
		if t.err != unix.EAGAIN {
			return true
		}
		if t.idle != nil {
			t.idle()
		}
		return false
	}
	now := func(fd uintptr) bool { do(fd); return true }
	t.wait = func() error { return ready(whenReady) }
	t.try = func() error { return ready(now) }
}

// once makes one transfer. With wait it goes on until some bytes went over; otherwise none may have.
func (t *transfer) once(b []byte, wait bool) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	t.buf = b
	f := t.try
	if wait {
		f = t.wait
	}
	err := f()
	t.buf = nil
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, os.ErrClosed
	case t.err == unix.EAGAIN:
		return 0, nil
	}
	return t.n, hungUp(t.err)
}

// control calls f with the descriptor, which stays open meanwhile.
func (p *Port) control(f func(fd int) error) error { return control(p.file, f) }

func control(file syscall.Conn, f func(fd int) error) error {
	c, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return closed(err)
	}
	return inner
}

// closed turns an error of setting a deadline or of reaching the descriptor, which both fail only on a closed file and do
// not say so in a way that errors.Is knows, into os.ErrClosed.
func closed(err error) error {
	if err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return os.ErrClosed
	}
	return err
}
