//go:build linux

package peer

import (
	"io"
	"os"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// PTY is a pseudo-terminal that passes bytes as they are. A real peer opens Slave by name; the other side of the line is
// Master.
type PTY struct {
	Master *os.File
	Slave  string
}

// NewPTY makes a pseudo-terminal that ends with the test. The slave stays open in this process, so that Master is never at
// its end only because the peer closes and opens again.
func NewPTY(t testing.TB) *PTY {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("make a pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	termios, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	// cfmakeraw(3).
	termios.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	termios.Oflag &^= unix.OPOST
	termios.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	termios.Cflag = termios.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, termios); err != nil {
		t.Fatal(err)
	}
	return &PTY{Master: master, Slave: slave.Name()}
}

// Join carries bytes both ways between two pseudo-terminals, as a null-modem cable does, until one of them is closed.
func Join(a, b *PTY) {
	carry := func(to, from *os.File) {
		io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 16384))
	}
	go carry(a.Master, b.Master)
	go carry(b.Master, a.Master)
}
