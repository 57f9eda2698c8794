//go:build linux

package port

import (
	"os"

	"golang.org/x/sys/unix"
)

// Settings reads the settings of the slave side. Polling cannot disturb a program's own reading and setting. To be notified of
// changes (TIOCPKT with EXTPROC) the flag EXTPROC would have to be set again after each change, and the program may have set
// something else in between.
func (p *PTY) Settings() (s Settings, err error) {
	err = control(p.file, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err != nil {
			return err
		}
		s.Baud = int(t.Ospeed)
		if t.Cflag&unix.CBAUD == unix.B0 {
			s.Baud = 0
		}
		switch {
		case t.Cflag&unix.CRTSCTS != 0:
			s.Flow = FlowRTSCTS
		case t.Iflag&unix.IXON != 0:
			s.Flow = FlowXONXOFF
		}
		s.Local, s.HangUp = t.Cflag&unix.CLOCAL != 0, t.Cflag&unix.HUPCL != 0
		return nil
	})
	return s, err
}

// Alone says whether no program has the slave side open.
func (p *PTY) Alone() bool { return p.alone() }

// OnOpen makes Read call f when a program opens the slave side while Read waits for that. It must be called before Read.
func (p *PTY) OnOpen(f func()) { p.onOpen = f }

// Like gives the slave side the owner, group and mode of another tty, so that the same users may open both. It skips changes that
// are not permitted.
func (p *PTY) Like(tty, slave string) {
	var st unix.Stat_t
	if unix.Stat(tty, &st) != nil {
		return
	}
	_ = os.Chown(slave, int(st.Uid), int(st.Gid))
	_ = os.Chmod(slave, os.FileMode(st.Mode&0o777))
}
