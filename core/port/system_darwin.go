package port

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.bug.st/serial"
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

// Dir is the directory of the ports.
const Dir = "/dev"

// List gives the ports for calling out (cu.*); tty.* would wait for a carrier. Only IOKit, which needs C, knows the devices behind
// them.
func List() ([]Listed, error) {
	paths, err := serial.GetPortsList()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	var list []Listed
	for _, path := range paths {
		if name := ShortName(path); strings.HasPrefix(name, "cu.") {
			list = append(list, Listed{Name: name})
		}
	}
	return list, nil
}

// ShortName gives cu.usbmodem1 of /dev/cu.usbmodem1.
func ShortName(path string) string { return filepath.Base(path) }
