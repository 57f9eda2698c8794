// Package memory keeps what was learned of this machine's modems in a file of the state directory.
package memory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/learn"
)

// Modem is who was learned about. Another firmware may behave otherwise.
type Modem struct {
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	Sim      string `json:"sim,omitempty"` // the scenario of a simulated modem: many say the same of themselves
}

// Entry is what was learned of one modem.
type Entry struct {
	Modem
	Settings []learn.Setting `json:"settings"`
	When     time.Time       `json:"when"`
	Failure  string          `json:"failure"` // how the attempt before had ended, "phase: cause"
}

// maxEntries bounds the file: a machine sees few modems.
const maxEntries = 64

// File is the memory. It may be used by several goroutines; what cannot be read or written is told and holds up nothing.
type File struct {
	path string
	tell func(text string)
	mu   sync.Mutex
}

// Open keeps its memory in dir/learned.json.
func Open(dir string, tell func(string)) *File {
	return &File{path: filepath.Join(dir, "learned.json"), tell: tell}
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// All gives the entries, the last learned first.
func (f *File) All() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read()
}

func (f *File) read() []Entry {
	b, err := foreign.Read(f.path, foreign.Rules{Limit: 256 << 10, Trusted: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []Entry
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		f.tell(fmt.Sprintf("what was learned of modems is not known: %v", err))
		return nil
	}
	return list
}

// Keep remembers an entry in place of what was known of the modem.
func (f *File) Keep(e Entry) {
	if e.Model == "" { // nobody could be told apart by that
		return
	}
	f.change(e.Modem, &e)
}

// Forget forgets a modem, and says whether anything was known of it.
func (f *File) Forget(m Modem) bool { return f.change(m, nil) }

// ForgetAll forgets everything.
func (f *File) ForgetAll() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *File) change(m Modem, e *Entry) (known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Entry
	if e != nil {
		list = append(list, *e)
	}
	for _, old := range f.read() {
		if old.Modem == m {
			known = true
			continue
		}
		list = append(list, old)
	}
	if e == nil && !known {
		return false
	}
	b, err := json.MarshalIndent(list[:min(len(list), maxEntries)], "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(f.path), 0o755)
	}
	if err == nil {
		err = foreign.Replace(f.path, append(b, '\n'), 0o600) // a user name may be among the settings
	}
	if err != nil {
		f.tell(fmt.Sprintf("what was learned is not remembered: %v", err))
	}
	return known
}
