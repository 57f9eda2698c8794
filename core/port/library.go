//go:build !js

package port

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// library is a port whose bytes go through go.bug.st/serial. It is for systems where the runtime cannot wait on a serial port. The
// library's reads and writes may block for ever, so goroutines make them: a caller with a deadline waits for the goroutine, and
// leaves it when the deadline passes.
type library struct {
	path     string
	lib      serial.Port
	timeout  time.Duration // Config.WriteTimeout
	closing  chan struct{} // closed by Close
	once     sync.Once
	discards atomic.Uint64 // how often Discard was called

	arrived chan arrival // closed after the last, when failed says why
	failed  error
	rest    arrival // what Read has not given out yet
	idle    func()
	reading deadline

	wanted  chan []byte // to the writer
	written chan error  // from the writer, for each of wanted
	mu      sync.Mutex  // guards what follows
	busy    bool        // the writer still has what a Write gave up on
	mode    serial.Mode
	writing deadline
	expires bool // writing was set
}

// arrival is the result of one read of the library, and how often Discard had been called before.
type arrival struct {
	octets   []byte
	discards uint64
}

// readSize is the greatest number of octets of one read of the library: at 921600 bit/s about 40 ms.
const readSize = 4096

// open opens the port. On Linux only tests do: see Open.
func (p *library) open(path string, cfg Config) error {
	if cfg.Baud == 0 {
		cfg.Baud = DefaultBaud
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = DefaultWriteTimeout
	}
	p.path, p.timeout = path, cfg.WriteTimeout
	p.closing, p.arrived = make(chan struct{}), make(chan arrival)
	p.wanted, p.written = make(chan []byte), make(chan error, 1)
	p.mode = serial.Mode{BaudRate: cfg.Baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
	lib, err := serial.Open(path, &p.mode)
	if err != nil {
		return libraryError(path, err)
	}
	p.lib = lib
	if cfg.Flow != FlowNone { // the library opens without
		if err := p.SetFlow(cfg.Flow); err != nil {
			return errors.Join(&OpenError{Path: path, Reason: Failed, Err: err}, lib.Close())
		}
	}
	if handle, err := p.handle(); err == nil {
		if err := readPromptly(handle); err != nil {
			return errors.Join(&OpenError{Path: path, Reason: Failed, Err: err}, lib.Close())
		}
	}
	go p.read()
	go p.write()
	return nil
}

// libraryError sorts what the library said about path.
func libraryError(path string, err error) error {
	e := &OpenError{Path: path, Err: err}
	var lib *serial.PortError
	if errors.As(err, &lib) {
		switch lib.Code() {
		case serial.PortBusy:
			e.Reason = Busy
		case serial.PermissionDenied:
			e.Reason = Permission
		case serial.PortNotFound:
			e.Reason, e.Err = NotFound, errors.Join(os.ErrNotExist, err)
		case serial.InvalidSerialPort:
			e.Reason = NotTTY
		}
	} else if errors.Is(err, os.ErrNotExist) {
		e.Reason = NotFound
	}
	return e
}

// Path is the port's name.
func (p *library) Path() string { return p.path }

// LockFile is "": the system itself keeps a second program from the port.
func (p *library) LockFile() string { return "" }

// read hands on what arrives. Two buffers are used alternately: a reader that takes one has finished with the other.
func (p *library) read() {
	defer close(p.arrived)
	buffers := [2][]byte{make([]byte, readSize), make([]byte, readSize)}
	for turn := 0; ; turn = 1 - turn {
		before := p.discards.Load()
		n, err := p.lib.Read(buffers[turn])
		if n > 0 {
			select {
			case p.arrived <- arrival{buffers[turn][:n], p.discards.Load()}:
			case <-p.closing:
				p.failed = os.ErrClosed
				return
			}
		}
		select {
		case <-p.closing:
			p.failed = os.ErrClosed
			return
		default:
		}
		// Windows ends a read that waits when what has arrived is dropped (PurgeComm), and the library takes that for the end.
		p.mu.Lock() // which Discard holds until it is done
		discarded := p.discards.Load() != before
		p.mu.Unlock()
		if err != nil && !discarded {
			p.failed = fmt.Errorf("%w (%w)", ErrHungUp, err)
			return
		}
	}
}

// Read waits for at least one byte. Its errors: os.ErrDeadlineExceeded when the deadline passes, ErrHungUp, os.ErrClosed.
func (p *library) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for len(p.rest.octets) == 0 || p.rest.discards != p.discards.Load() {
		select {
		case <-p.closing:
			return 0, os.ErrClosed
		case <-p.reading.passed():
			return 0, os.ErrDeadlineExceeded
		default:
		}
		var more bool
		select { // what is there is taken before anybody is told that there is nothing
		case p.rest, more = <-p.arrived:
		default:
			if p.idle != nil {
				p.idle()
			}
			select {
			case p.rest, more = <-p.arrived:
			case <-p.reading.passed():
				return 0, os.ErrDeadlineExceeded
			case <-p.closing:
				return 0, os.ErrClosed
			}
		}
		if !more {
			return 0, p.failed
		}
	}
	n := copy(b, p.rest.octets)
	p.rest.octets = p.rest.octets[n:]
	return n, nil
}

// OnIdle makes Read call f when it is about to wait because there is nothing to read. It must be called before Read; f must not
// use the port's Read.
func (p *library) OnIdle(f func()) { p.idle = f }

// write writes what it is given, one after the other.
func (p *library) write() {
	for {
		select {
		case b := <-p.wanted:
			var err error
			for len(b) > 0 && err == nil {
				var n int
				n, err = p.lib.Write(b)
				b = b[min(n, len(b)):]
				if n == 0 && err == nil {
					err = errors.New("the driver took nothing")
				}
			}
			p.written <- err // there is room for one
		case <-p.closing:
			return
		}
	}
}

// Write sends all of b. If its time runs out, the port may still send the rest. Its errors are those of Read.
func (p *library) Write(b []byte) (int, error) {
	p.mu.Lock()
	set := p.expires
	p.mu.Unlock()
	if !set {
		p.writing.set(time.Now().Add(p.timeout))
		defer p.writing.set(time.Time{})
	}
	if err := p.await(); err != nil { // for what an earlier one has left
		return 0, err
	}
	select {
	case p.wanted <- append([]byte(nil), b...): // it is the writer's now, also where nobody waits for that
	case <-p.closing:
		return 0, os.ErrClosed
	}
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
	if err := p.await(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// await waits until the writer has done what it was given.
func (p *library) await() error {
	p.mu.Lock()
	busy := p.busy
	p.mu.Unlock()
	if !busy {
		return nil
	}
	select {
	case err := <-p.written:
		p.mu.Lock()
		p.busy = false
		p.mu.Unlock()
		select {
		case <-p.closing:
			return os.ErrClosed
		default:
		}
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrHungUp, err)
		}
		return nil
	case <-p.writing.passed():
		return os.ErrDeadlineExceeded
	case <-p.closing:
		return os.ErrClosed
	}
}

// SetReadDeadline sets when Read gives up, including a Read that is waiting. The zero time means never.
func (p *library) SetReadDeadline(t time.Time) error { return p.setDeadline(&p.reading, t) }

// SetWriteDeadline sets when Write gives up, including a Write that is waiting. The zero time brings back Config.WriteTimeout.
func (p *library) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	p.expires = !t.IsZero()
	p.mu.Unlock()
	return p.setDeadline(&p.writing, t)
}

func (p *library) setDeadline(d *deadline, t time.Time) error {
	select {
	case <-p.closing:
		return os.ErrClosed
	default:
	}
	d.set(t)
	return nil
}

// Close ends Read and Write and drops what was not sent. It may be called twice.
func (p *library) Close() (err error) {
	p.once.Do(func() {
		close(p.closing)
		_ = p.lib.ResetOutputBuffer() // a close would wait for output that the modem may never take
		err = p.lib.Close()
	})
	return err
}

// with calls f unless the port is closed.
func (p *library) with(f func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closing:
		return os.ErrClosed
	default:
		return f()
	}
}

// Status reads the modem lines. If the port has none, it returns ErrNoModemLines.
func (p *library) Status() (s Status, err error) {
	return s, p.with(func() error {
		bits, err := p.lib.GetModemStatusBits()
		if err != nil {
			return ErrNoModemLines
		}
		s = Status{DCD: bits.DCD, CTS: bits.CTS, DSR: bits.DSR, RI: bits.RI}
		return nil
	})
}

// linesPause is how often WaitLines reads the lines: the library cannot wait for a change.
const linesPause = 500 * time.Millisecond

// WaitLines waits until a modem line changes and reads the lines. If the port has none, it returns ErrNoModemLines at once.
func (p *library) WaitLines() (Status, error) {
	before, err := p.Status()
	if err != nil {
		return Status{}, err
	}
	look := time.NewTicker(linesPause)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-p.closing:
			return Status{}, os.ErrClosed
		}
		if now, err := p.Status(); err != nil || now != before {
			return now, err
		}
	}
}

// SetDTR sets the line Data Terminal Ready. On a port that has no modem lines it returns ErrNoModemLines.
func (p *library) SetDTR(on bool) error {
	return p.with(func() error { return noLines(p.lib.SetDTR(on)) })
}

// SetRTS sets the line Request To Send. On a port that has no modem lines it returns ErrNoModemLines.
func (p *library) SetRTS(on bool) error {
	return p.with(func() error { return noLines(p.lib.SetRTS(on)) })
}

// Break holds the line in the break state for d, and blocks that long.
func (p *library) Break(d time.Duration) error {
	return p.with(func() error { return noLines(p.lib.Break(d)) })
}

func noLines(err error) error {
	if err != nil {
		return ErrNoModemLines
	}
	return nil
}

// SetBaud changes the speed, in bits per second.
func (p *library) SetBaud(baud int) error {
	return p.with(func() error {
		p.mode.BaudRate = baud
		if err := p.lib.SetMode(&p.mode); err != nil {
			return fmt.Errorf("set %s to %d baud: %w", p.path, baud, err)
		}
		return nil
	})
}

// SetFlow changes the flow control.
func (p *library) SetFlow(f Flow) error {
	return p.with(func() error {
		handle, err := p.handle()
		if err == nil {
			err = setFlow(handle, f)
		}
		if err != nil {
			return fmt.Errorf("set flow control of %s to %s: %w", p.path, f, err)
		}
		return nil
	})
}

// handle is the system's number for the open port. The library has no call for flow control and keeps the number to itself,
// and a second one of a port that is open exclusively is not to be had.
func (p *library) handle() (uintptr, error) {
	v := reflect.ValueOf(p.lib)
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		switch f := v.Elem().FieldByName("handle"); {
		case !f.IsValid():
		case f.CanInt():
			return uintptr(f.Int()), nil
		case f.CanUint():
			return uintptr(f.Uint()), nil
		}
	}
	return 0, errors.ErrUnsupported
}

// Drain waits until the driver has sent everything that Write gave it. At deadline it returns os.ErrDeadlineExceeded.
func (p *library) Drain(deadline time.Time) error {
	done := make(chan error, 1)
	go func() { done <- p.lib.Drain() }() // it cannot be ended, but by Close
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-p.closing:
		return os.ErrClosed
	case <-late.C:
		return fmt.Errorf("drain %s: %w", p.path, os.ErrDeadlineExceeded)
	}
}

// Discard drops octets that have arrived and were not read, and octets that were written and not sent.
func (p *library) Discard() error {
	return p.with(func() error {
		p.discards.Add(1)
		defer p.discards.Add(1) // a read that has begun meanwhile is ended, too
		return errors.Join(p.lib.ResetInputBuffer(), p.lib.ResetOutputBuffer())
	})
}

// deadline is a time at which a channel is closed. The zero value has no time.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	times int // how often it was set
	over  chan struct{}
}

// passed gives what is closed when the time has come.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == nil {
		d.over = make(chan struct{})
	}
	return d.over
}

// set changes the time, also for those who wait already.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.over == nil || isClosed(d.over) {
		d.over = make(chan struct{})
	}
	d.times++
	over, times := d.over, d.times
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		close(over)
	default:
		d.timer = time.AfterFunc(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.times == times {
				close(over)
			}
		})
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
