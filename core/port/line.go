//go:build linux

package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Status reads the modem lines. If the tty has none, it returns ErrNoModemLines.
func (p *Port) Status() (Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Status{}, os.ErrClosed
	}
	s, err := p.lib.GetModemStatusBits()
	if err != nil {
		return Status{}, modemLines(err)
	}
	return Status{DCD: s.DCD, CTS: s.CTS, DSR: s.DSR, RI: s.RI}, nil
}

// WaitLines waits until a modem line changes and reads the lines. If the driver cannot report changes, it returns ErrNoModemLines
// at once. With some drivers, closing the port does not end WaitLines: call it in a goroutine that nothing waits for.
func (p *Port) WaitLines() (Status, error) {
	fd := -1
	if err := p.control(func(f int) (err error) {
		fd, err = unix.FcntlInt(uintptr(f), unix.F_DUPFD_CLOEXEC, 0)
		return err
	}); err != nil {
		return Status{}, err
	}
	defer unix.Close(fd)
	lines := unix.TIOCM_CD | unix.TIOCM_DSR | unix.TIOCM_RI
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCMIWAIT, uintptr(lines)); errno != 0 {
		return Status{}, modemLines(errno)
	}
	return p.Status()
}

// SetDTR sets the line Data Terminal Ready. Modems hang up when it falls. If the tty has no modem lines, it returns
// ErrNoModemLines.
func (p *Port) SetDTR(on bool) error {
	return p.withLib(func(lib serial.Port) error { return modemLines(lib.SetDTR(on)) })
}

// SetRTS sets the line Request To Send, if flow control does not control it. If the tty has no modem lines, it returns
// ErrNoModemLines.
func (p *Port) SetRTS(on bool) error {
	return p.withLib(func(lib serial.Port) error { return modemLines(lib.SetRTS(on)) })
}

func (p *Port) withLib(f func(serial.Port) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	return f(p.lib)
}

func modemLines(err error) error {
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		return ErrNoModemLines
	}
	return hungUp(err)
}

// SetBaud changes the speed, in bits per second.
func (p *Port) SetBaud(baud int) error {
	return p.withLib(func(lib serial.Port) error {
		if err := lib.SetMode(mode(baud)); err != nil {
			return fmt.Errorf("set %s to %d baud: %w", p.path, baud, hungUp(err))
		}
		return nil
	})
}

// SetFlow changes the flow control.
func (p *Port) SetFlow(f Flow) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	if err := p.tune(f); err != nil {
		return fmt.Errorf("set flow control of %s to %s: %w", p.path, f, hungUp(err))
	}
	return nil
}

// tune makes the line raw, with 8 data bits, no parity, one stop bit and the flow control f, and leaves its speed alone.
func (p *Port) tune(f Flow) error {
	return p.control(func(fd int) error { return tune(fd, f) })
}

// setFlow and readPromptly are library's.
func setFlow(handle uintptr, f Flow) error { return tune(int(handle), f) }

func readPromptly(uintptr) error { return nil }

func tune(fd int, f Flow) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	makeRaw(t)
	switch f {
	case FlowRTSCTS:
		t.Cflag |= unix.CRTSCTS
	case FlowXONXOFF:
		t.Iflag |= unix.IXON | unix.IXOFF
	case FlowNone:
	}
	return unix.IoctlSetTermios(fd, unix.TCSETS2, t)
}

func makeRaw(t *unix.Termios) {
	// A BREAK or a parity error is no data: IGNBRK and IGNPAR keep it from becoming a NUL.
	t.Iflag = unix.IGNBRK | unix.IGNPAR
	t.Oflag = 0
	t.Lflag = 0
	t.Cflag &^= unix.CSIZE | unix.PARENB | unix.PARODD | unix.CMSPAR | unix.CSTOPB | unix.CRTSCTS
	// CLOCAL: open and read do not depend on DCD. HUPCL: DTR falls when the last descriptor is closed.
	t.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL | unix.HUPCL
	clear(t.Cc[:])
	t.Cc[unix.VMIN] = 1
	t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = 0x11, 0x13
}

// Break holds the line in the break state for d, and blocks for that time. If the driver cannot do that, it returns
// ErrNoModemLines.
func (p *Port) Break(d time.Duration) error {
	return p.withLib(func(lib serial.Port) error { return modemLines(lib.Break(d)) })
}

// Drain waits until the driver has sent everything that Write gave it. At deadline it returns os.ErrDeadlineExceeded. Octets in
// the modem's own buffers are not visible.
func (p *Port) Drain(deadline time.Time) error {
	// The system call that waits (TCSBRK) cannot be interrupted by a deadline, so the queue is looked at instead.
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		var queued int
		err := p.control(func(fd int) (err error) { queued, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ); return err })
		switch {
		case err != nil:
			return hungUp(err)
		case queued == 0:
			return nil
		case !time.Now().Before(deadline):
			return fmt.Errorf("drain %s: %w", p.path, os.ErrDeadlineExceeded)
		}
		time.Sleep(pause)
	}
}

// Discard drops octets that have arrived and were not read, and octets that were written and not sent.
func (p *Port) Discard() error {
	return hungUp(p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) }))
}

// closingWaitNone tells the driver not to wait for output when the tty is closed. Few drivers know the call, and it takes
// privilege; where it fails nothing is lost but time.
func closingWaitNone(fd int) error {
	// struct serial_struct of linux/serial.h: closing_wait is the 16-bit number at octet 40 on every machine, behind eight
	// ints, close_delay, two chars and hub6. The struct has 72 octets at most.
	const closingWait, none = 40, 65535
	var s [128]byte
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGSERIAL, uintptr(unsafe.Pointer(&s))); e != 0 {
		return e
	}
	binary.NativeEndian.PutUint16(s[closingWait:], none)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSSERIAL, uintptr(unsafe.Pointer(&s))); e != 0 {
		return e
	}
	return nil
}
