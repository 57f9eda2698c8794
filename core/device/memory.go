package device

import (
	"path/filepath"

	"github.com/knakppp/knak/core/keep"
)

// remembered is one entry of the file.
type remembered struct {
	Modem     string `json:"modem"`          // its USB id, its place on the bus and the interfaces that have ttys
	Interface int    `json:"interface"`      // of the tty that carried a link; -1 of a UART
	Baud      int    `json:"baud,omitempty"` // of a UART: the speed at which it answered
}

// File is a Memory in a file of the state directory.
type File struct{ list *keep.List[remembered] }

// NewFile keeps its memory in dir/ports.json; tell hears what is wrong with that file.
func NewFile(dir string, tell func(string)) *File {
	return &File{keep.Open[remembered](filepath.Join(dir, "ports.json"), "which port worked last time", tell)}
}

func of(key string) func(remembered) bool {
	return func(r remembered) bool { return r.Modem == key }
}

// Port gives the interface whose tty carried a link last time, or -1.
func (f *File) Port(key string) int {
	for _, r := range f.list.All() {
		if r.Modem == key && r.Interface >= 0 && r.Interface <= 255 {
			return r.Interface
		}
	}
	return -1
}

// Speed gives the speed at which the module on a UART answered last time, or 0.
func (f *File) Speed(key string) int {
	for _, r := range f.list.All() {
		if r.Modem == key && r.Baud >= 300 && r.Baud <= 4_000_000 {
			return r.Baud
		}
	}
	return 0
}

// Keep remembers a port.
func (f *File) Keep(key string, number int) {
	f.list.Put(remembered{Modem: key, Interface: number}, of(key))
}

// KeepSpeed remembers the speed of a UART.
func (f *File) KeepSpeed(key string, baud int) { f.list.Put(remembered{key, -1, baud}, of(key)) }

// Forget forgets a modem's port.
func (f *File) Forget(key string) { f.list.Drop(of(key)) }
