//go:build linux

package port

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// PTY is the master side of a pseudo-terminal: the simulator's end of the line. It outlives the programs that open the slave side,
// one after another, as a modem does.
type PTY struct {
	file    *os.File
	opened  *os.File // an inotify watch: readable when somebody has opened the slave
	opening bool     // somebody has, and the sign of it is taken already
	onOpen  func()
}

// OpenPTY makes a pseudo-terminal in raw mode. path is that of the slave side, for example /dev/pts/3, which a dialer opens.
func OpenPTY() (master *PTY, slavePath string, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	file := os.NewFile(uintptr(fd), "/dev/ptmx")
	defer func() {
		if err != nil {
			_ = file.Close()
			err = fmt.Errorf("open a pseudo-terminal: %w", err)
		}
	}()
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, "", err
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, "", err
	}
	// Settings made through the master are the slave's.
	if err := tune(fd, FlowNone); err != nil {
		return nil, "", err
	}
	path := "/dev/pts/" + strconv.Itoa(n)
	// Only after the slave was closed once does the master say that nobody has it open.
	slave, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	if err := unix.Close(slave); err != nil {
		return nil, "", err
	}
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, "", err
	}
	opened := os.NewFile(uintptr(watch), "inotify")
	if _, err := unix.InotifyAddWatch(watch, path, unix.IN_OPEN); err != nil {
		_ = opened.Close()
		return nil, "", err
	}
	return &PTY{file: file, opened: opened}, path, nil
}

// Read waits for at least one byte from the slave side. When the last process closes that side, a Read returns ErrHungUp once: a
// modem sees the same as DTR falling. The next Read waits until the slave side is opened again. Its other errors are those of
// Port.Read. One goroutine at a time may read.
func (p *PTY) Read(b []byte) (int, error) {
	for {
		n, err := p.file.Read(b)
		if !errors.Is(err, unix.EIO) {
			return n, err
		}
		// Nobody has the slave open. It is news if somebody had since that was last said.
		news := p.drain() || p.opening
		p.opening = false
		if news {
			// Another may have opened it meanwhile, and drain may have taken the only sign of that.
			p.opening = !p.alone()
			if p.opening && p.onOpen != nil {
				p.onOpen()
			}
			return 0, ErrHungUp
		}
		var events [512]byte
		if _, err := p.opened.Read(events[:]); err != nil {
			return 0, err
		}
		p.opening = true
		if p.onOpen != nil {
			p.onOpen()
		}
	}
}

// drain takes all signs that the slave was opened and says whether there were any.
func (p *PTY) drain() (some bool) {
	_ = control(p.opened, func(fd int) error {
		var events [512]byte
		for {
			if n, err := unix.Read(fd, events[:]); n <= 0 || err != nil {
				return err
			}
			some = true
		}
	})
	return some
}

// alone says whether nobody has the slave open.
func (p *PTY) alone() bool {
	fds := []unix.PollFd{{}}
	_ = control(p.file, func(fd int) error {
		fds[0].Fd = int32(fd)
		_, err := unix.Poll(fds, 0)
		return err
	})
	return fds[0].Revents&unix.POLLHUP != 0
}

// Write sends b to the slave side. While no program has it open, it returns ErrHungUp. Only the deadline bounds the wait: the
// program that has it open may not read.
func (p *PTY) Write(b []byte) (int, error) {
	if p.alone() { // the tty would keep it for the next program
		return 0, ErrHungUp
	}
	n, err := p.file.Write(b)
	return n, hungUp(err)
}

// SetReadDeadline sets when Read gives up, including a Read that is waiting. The zero time means never.
func (p *PTY) SetReadDeadline(t time.Time) error {
	return closed(errors.Join(p.file.SetReadDeadline(t), p.opened.SetReadDeadline(t)))
}

// SetWriteDeadline sets when Write gives up, including a Write that is waiting. The zero time means never.
func (p *PTY) SetWriteDeadline(t time.Time) error {
	return closed(p.file.SetWriteDeadline(t))
}

// Close ends the pseudo-terminal: a program that has the slave open gets a hangup.
func (p *PTY) Close() error { return errors.Join(p.file.Close(), p.opened.Close()) }

// isPTY says whether the tty is the slave of a pseudo-terminal.
func isPTY(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	major := unix.Major(uint64(st.Rdev))
	return major >= 136 && major <= 143 // UNIX98_PTY_SLAVE_MAJOR and the seven behind it
}
