package device

import (
	"path/filepath"

	"github.com/knakppp/knak/core/keep"
)

// remembered is one entry of the file.
type remembered struct {
	Modem     string `json:"modem"`          // its key: USB id, place on the bus, interfaces with ttys
	Interface int    `json:"interface"`      // the interface whose tty carried a link; -1 for a UART
	Baud      int    `json:"baud,omitempty"` // for a UART: the speed at which it answered, in bit/s
	Identity
}

// Identity is a modem's maker, model and firmware in its own words, never its serial number.
type Identity struct {
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	Firmware string `json:"firmware,omitempty"`
}

// File is a Memory in a file of the state directory.
type File struct{ list *keep.List[remembered] }

// NewFile gives the memory in dir/ports.json. tell is called with a message if there is something wrong with that file.
func NewFile(dir string, tell func(string)) *File {
	return &File{keep.Open[remembered](filepath.Join(dir, "ports.json"), "which port worked last time", tell)}
}

func of(key string) func(remembered) bool {
	return func(r remembered) bool { return r.Modem == key }
}

// entry gives what is remembered about a modem; if that is nothing, the interface is -1.
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

// DataPort gives the tty of a modem that carried a link last time. ok is false if none is remembered, or if it is gone.
func (f *File) DataPort(d *Device) (tty string, ok bool) {
	number := f.Port(d.key())
	for _, p := range d.Candidate.Ports {
		if number >= 0 && p.Interface == number {
			return p.Name, true
		}
	}
	return "", false
}

// Recall sets d.Identity to what the modem said when it was last dialled, unless d.Identity is known.
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

// Identity gives the identity of the modem that answered there last time.
func (f *File) Identity(key string) Identity { return f.entry(key).Identity }

// Keep remembers a port.
func (f *File) Keep(key string, number int) {
	f.change(key, func(r *remembered) { r.Interface = number })
}

// KeepSpeed remembers the speed of a UART.
func (f *File) KeepSpeed(key string, baud int) { f.change(key, func(r *remembered) { r.Baud = baud }) }

// KeepIdentity remembers which modem answered.
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
