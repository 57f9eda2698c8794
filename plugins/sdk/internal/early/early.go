// Package early keeps what a plugin prints away from the line by which it tells its host where it listens. Importing it is
// enough: it takes standard output at start-up, before main, when the process was started by a host.
package early

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/plugins/proto"
)

var (
	// Hosted says that a host has started this process.
	Hosted = os.Getenv(proto.CookieKey) == proto.CookieValue

	// Stderr is standard error as the process got it; go-plugin puts something else in os.Stderr.
	Stderr = os.Stderr

	// stdout is standard output as the process got it.
	stdout *os.File
)

func init() {
	if !Hosted {
		return
	}
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return
	}
	if err := unix.Dup3(2, 1, 0); err != nil { // what prints to descriptor 1, C code and children included, is logged
		_ = unix.Close(fd)
		return
	}
	stdout = os.NewFile(uintptr(fd), "stdout")
}

// Open puts a pipe in os.Stdout, of which the one line of the handshake reaches the host; all else goes to standard error.
func Open() error {
	if stdout == nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	os.Stdout = w
	go sort(r, stdout, Stderr)
	return nil
}

// sort gives the first line that is a handshake to host, and what is before and after it to log.
func sort(from io.Reader, host io.WriteCloser, log io.Writer) {
	in := bufio.NewReaderSize(from, 16<<10)
	within := false // a line that is longer than the buffer
	for {
		line, err := in.ReadSlice('\n')
		if host != nil && !within && isHandshake(line) {
			_, _ = host.Write(line)
			_ = host.Close()
			host = nil
		} else if len(line) > 0 {
			_, _ = log.Write(line)
		}
		if within = errors.Is(err, bufio.ErrBufferFull); err != nil && !within {
			return
		}
	}
}

// isHandshake says whether the line is "1|major|unix|path|grpc|...", go-plugin's.
func isHandshake(line []byte) bool {
	parts := strings.Split(strings.TrimSpace(string(line)), "|")
	return len(parts) >= 5 && parts[0] == "1" && (parts[2] == "unix" || parts[2] == "tcp") && parts[4] == "grpc"
}
