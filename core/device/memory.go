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
	Identity
}

// Identity is who a modem said it is, never a serial number.
type Identity struct {
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	Firmware string `json:"firmware,omitempty"`
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

// entry gives what is remembered of a modem; where nothing is, its interface is -1.
func (f *File) entry(key string) remembered {
	for _, r := range f.list.All() {
		if r.Modem == key {
			return r
		}
	}
	return remembered{Modem: key, Interface: -1}
}

// Port gives the interface whose tty carried a link last time, or -1.
func (f *File) Port(key string) int {
	if r := f.entry(key); r.Interface >= 0 && r.Interface <= 255 {
		return r.Interface
	}
	return -1
}

// DataPort gives the tty of a modem that carried a link last time, false where none is remembered or it is gone.
func (f *File) DataPort(d *Device) (tty string, ok bool) {
	number := f.Port(d.key())
	for _, p := range d.Candidate.Ports {
		if number >= 0 && p.Interface == number {
			return p.Name, true
		}
	}
	return "", false
}

// Recall puts who a modem said it is, the last time that it was dialled, into the device, unless that is known.
func (f *File) Recall(d *Device) {
	if d.Identity == (Identity{}) {
		d.Identity = f.entry(d.key()).Identity
	}
}

// Speed gives the speed at which the module on a UART answered last time, or 0.
func (f *File) Speed(key string) int {
	if r := f.entry(key); r.Baud >= 300 && r.Baud <= 4_000_000 {
		return r.Baud
	}
	return 0
}

// Identity gives who answered there last time.
func (f *File) Identity(key string) Identity { return f.entry(key).Identity }

// Keep remembers a port.
func (f *File) Keep(key string, number int) {
	f.change(key, func(r *remembered) { r.Interface = number })
}

// KeepSpeed remembers the speed of a UART.
func (f *File) KeepSpeed(key string, baud int) { f.change(key, func(r *remembered) { r.Baud = baud }) }

// KeepIdentity remembers who answered.
func (f *File) KeepIdentity(key string, id Identity) {
	f.change(key, func(r *remembered) { r.Identity = id })
}

func (f *File) change(key string, change func(*remembered)) {
	r := f.entry(key)
	change(&r)
	f.list.Put(r, of(key))
}

// Forget forgets a modem's port.
func (f *File) Forget(key string) {
	if f.entry(key).Interface >= 0 {
		f.Keep(key, -1)
	}
}
