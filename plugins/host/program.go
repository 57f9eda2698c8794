package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/knakppp/knak/core/trust"
)

// Program is the name of the second program.
const Program = "knak-pluginhost"

// SocketFD is the descriptor on which the second program finds its end of the socket.
const SocketFD = 3

// LockName is a file in a private directory. It is locked as long as a program uses the directory.
const LockName = "lock"

// The beginnings of the names of private directories: in use, and while they are made.
const (
	runtimePrefix = "plugins-"
	newPrefix     = ".plugins-"
)

// maxRuntime is the greatest length of the path above the private directory: 57 characters follow it, and a socket's path has at
// most 107 (unix(7)).
const maxRuntime = 48

// errSystem: only Linux has the means to keep a plugin within bounds. There it ends with the program that started it, its own
// children end with it, and none of them gets new rights.
var errSystem = errors.New("plugins run on Linux only, whose means keep them within bounds: leave [plugins] out of the configuration here, or choose another one with --config")

// FindProgram finds the second program: beside this program, or where packages install it. The file must be as safe as a plugin's.
func FindProgram() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errSystem
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("plugins: %w", err)
	}
	places := []string{filepath.Join(filepath.Dir(self), Program)}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		dir := filepath.Dir(real)
		places = append(places, filepath.Join(dir, Program), filepath.Join(dir, "../libexec/knak", Program))
	}
	places = append(places, "/usr/libexec/knak/"+Program)
	for _, path := range places {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := trust.Path(path); err != nil {
			return "", fmt.Errorf("plugins: %w", err)
		}
		return path, nil
	}
	return "", fmt.Errorf("plugins need the program %s, which is not beside %s: install it, it is in the same package", Program, self)
}

// tail keeps the last octets that were written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailLimit = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if n := len(t.last); n > tailLimit {
		t.last = append(t.last[:0], t.last[n-tailLimit:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.last))
}
