package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/knakppp/knak/core/foreign"
)

// maxRemembered bounds the file: a machine sees few modems.
const maxRemembered = 64

// remembered is one entry of the file.
type remembered struct {
	Modem     string `json:"modem"`          // its USB id, its place on the bus and the interfaces that have ttys
	Interface int    `json:"interface"`      // of the tty that carried a link; -1 of a UART
	Baud      int    `json:"baud,omitempty"` // of a UART: the speed at which it answered
}

// File is a Memory in a file of the state directory. What cannot be read or written is told and does not hold up a dial.
type File struct {
	path string
	tell func(text string)
	mu   sync.Mutex
}

// NewFile keeps its memory in dir/ports.json; tell hears what is wrong with that file.
func NewFile(dir string, tell func(string)) *File {
	return &File{path: filepath.Join(dir, "ports.json"), tell: tell}
}

func (f *File) read() []remembered {
	b, err := foreign.Read(f.path, foreign.Rules{Limit: 64 << 10, Trusted: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []remembered
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		f.tell(fmt.Sprintf("which port worked last time is not known: %v", err))
		return nil
	}
	return list
}

// Port gives the interface whose tty carried a link last time, or -1.
func (f *File) Port(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.read() {
		if r.Modem == key && r.Interface >= 0 && r.Interface <= 255 {
			return r.Interface
		}
	}
	return -1
}

// Speed gives the speed at which the module on a UART answered last time, or 0.
func (f *File) Speed(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.read() {
		if r.Modem == key && r.Baud >= 300 && r.Baud <= 4_000_000 {
			return r.Baud
		}
	}
	return 0
}

// KeepSpeed remembers the speed of a UART.
func (f *File) KeepSpeed(key string, baud int) { f.change(key, &remembered{key, -1, baud}) }

// Keep remembers a port; the entry that was not used for longest makes room.
func (f *File) Keep(key string, number int) { f.change(key, &remembered{key, number, 0}) }

// Forget forgets a modem's port.
func (f *File) Forget(key string) { f.change(key, nil) }

func (f *File) change(key string, entry *remembered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []remembered
	if entry != nil {
		list = append(list, *entry)
	}
	same := false
	for i, r := range f.read() {
		if r.Modem == key {
			same = entry != nil && i == 0 && r == *entry
			continue
		}
		list = append(list, r)
	}
	if same || entry == nil && len(list) == 0 {
		if entry == nil {
			_ = os.Remove(f.path) // it may not be there
		}
		return // nothing to write: the disk of a gateway lasts longer
	}
	list = list[:min(len(list), maxRemembered)]
	b, err := json.MarshalIndent(list, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(f.path), 0o755)
	}
	if err == nil {
		err = foreign.Replace(f.path, append(b, '\n'), 0o644)
	}
	if err != nil {
		f.tell(fmt.Sprintf("which port worked is not remembered: %v", err))
	}
}
