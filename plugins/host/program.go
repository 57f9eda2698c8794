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

// LockName is a file in a private directory that is locked as long as somebody uses the directory.
const LockName = "lock"

// What the names of private directories begin with, in use and while they are made.
const (
	runtimePrefix = "plugins-"
	newPrefix     = ".plugins-"
)

// maxRuntime is how long the path of the directory above the private one may be: below it 57 characters are added, and a
// socket's path has at most 107 (unix(7)).
const maxRuntime = 48

// errSystem: a plugin is kept within bounds by means of Linux's: it ends with the one who started it, and all that it has started
// with it, and neither gets new rights.
var errSystem = errors.New("plugins run on Linux only, whose means keep them within bounds: leave [plugins] out of the configuration here, or choose another one with --config")

// FindProgram finds the second program: beside this one, or where packages put it. It must be as safe as a plugin's file.
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
