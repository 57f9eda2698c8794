// Package memory keeps what was learned about this machine's modems, in a file of the state directory.
package memory

import (
	"path/filepath"
	"time"

	"github.com/knakppp/knak/core/keep"
	"github.com/knakppp/knak/core/learn"
)

// Modem is the modem that something was learned about. The firmware belongs to it, because another firmware may behave
// differently.
type Modem struct {
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	Sim      string `json:"sim,omitempty"` // the scenario of a simulated modem: many of them give the same model
}

// Entry is what was learned about one modem.
type Entry struct {
	Modem
	Settings []learn.Setting `json:"settings"`
	When     time.Time       `json:"when"`
	Failure  string          `json:"failure"` // how the attempt before the settings were found ended: "phase: cause"
}

// File is the memory. It may be used by several goroutines.
type File struct{ list *keep.List[Entry] }

// Open gives the memory in dir/learned.json; if dir is "", nothing is kept. tell is called with a message if there is something
// wrong with that file.
func Open(dir string, tell func(string)) *File {
	path := ""
	if dir != "" {
		path = filepath.Join(dir, "learned.json")
	}
	return &File{keep.Open[Entry](path, "what was learned of modems", tell)}
}

// Path gives the path of the file.
func (f *File) Path() string { return f.list.Path() }

// All gives the entries, the newest first.
func (f *File) All() []Entry { return f.list.All() }

// Keep stores an entry; it replaces the earlier entry of the same modem.
func (f *File) Keep(e Entry) {
	if e.Model == "" { // without a model it would match any modem
		return
	}
	f.list.Put(e, func(old Entry) bool { return old.Modem == e.Modem })
}

// Forget removes a modem's entry, and says whether there was one.
func (f *File) Forget(m Modem) bool { return f.list.Drop(func(e Entry) bool { return e.Modem == m }) }

// ForgetAll removes all entries.
func (f *File) ForgetAll() error { return f.list.Clear() }
