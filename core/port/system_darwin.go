package port

import (
	"os"

	"golang.org/x/sys/unix"
)

func setFlow(handle uintptr, f Flow) error {
	t, err := unix.IoctlGetTermios(int(handle), unix.TIOCGETA)
	if err != nil {
		return err
	}
	t.Cflag &^= unix.CRTSCTS
	t.Iflag &^= unix.IXON | unix.IXOFF
	switch f {
	case FlowRTSCTS:
		t.Cflag |= unix.CRTSCTS
	case FlowXONXOFF:
		t.Iflag |= unix.IXON | unix.IXOFF
	case FlowNone:
	}
	return unix.IoctlSetTermios(int(handle), unix.TIOCSETA, t)
}

// Exists says whether the system has a port of this name.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readPromptly has nothing to do: a read of the library ends as soon as something is there.
func readPromptly(uintptr) error { return nil }
