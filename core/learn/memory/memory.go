// Package memory keeps what was learned of this machine's modems in a file of the state directory.
package memory

import (
	"path/filepath"
	"time"

	"github.com/knakppp/knak/core/keep"
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

// File is the memory. It may be used by several goroutines.
type File struct{ list *keep.List[Entry] }

// Open keeps its memory in dir/learned.json, or nowhere where dir is ""; tell hears what is wrong with that file.
func Open(dir string, tell func(string)) *File {
	path := ""
	if dir != "" {
		path = filepath.Join(dir, "learned.json")
	}
	return &File{keep.Open[Entry](path, "what was learned of modems", tell)}
}

// Path is where the file is.
func (f *File) Path() string { return f.list.Path() }

// All gives the entries, the last learned first.
func (f *File) All() []Entry { return f.list.All() }

// Keep remembers an entry in place of what was known of the modem.
func (f *File) Keep(e Entry) {
	if e.Model == "" { // nobody could be told apart by that
		return
	}
	f.list.Put(e, func(old Entry) bool { return old.Modem == e.Modem })
}

// Forget forgets a modem, and says whether anything was known of it.
func (f *File) Forget(m Modem) bool { return f.list.Drop(func(e Entry) bool { return e.Modem == m }) }

// ForgetAll forgets everything.
func (f *File) ForgetAll() error { return f.list.Clear() }
