package quirks

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// The files that are compiled into the program are read when somebody looks at them: a dial needs some ten of seven hundred
// entries and one or two profiles. A test holds what comes of it to what a strict reading gives.

// entry is a device entry, which may still be unparsed text.
type entry struct {
	layer    Layer
	disabled string // as Device has it

	text []byte // in its file; nil: read is set
	name string // of that file
	line int    // how many lines there are before text
	once sync.Once
	read *Device
}

// device gives the entry, read.
func (e *entry) device() *Device {
	if e.text != nil {
		e.once.Do(func() { e.read = e.parse() })
	}
	if e.disabled != "" && e.read.Disabled == "" {
		d := *e.read
		d.Disabled = e.disabled
		return &d
	}
	return e.read
}

func (e *entry) parse() *Device {
	r := reader{layer: e.layer, file: e.name}
	t, err := buildFrom(e.text, e.line)
	if err != nil {
		return &Device{Layer: e.layer, Origin: e.name}
	}
	d := r.readDevice(t.child("device").items[0])
	return &d
}

// profile gives what Device has, without reading the entry where it is text.
func (e *entry) profile() string {
	if e.text == nil {
		return e.read.Profile
	}
	_, rest, ok := bytes.Cut(e.text, []byte("\nprofile = "))
	if !ok {
		return ""
	}
	if line, _, _ := bytes.Cut(rest, []byte("\n")); isSimple(line, `"`, `"`) {
		return string(line[1 : len(line)-1])
	}
	return e.device().Profile
}

// isSimple says whether a value is written in the simple way, between these and without escapes.
func isSimple(value []byte, open, end string) bool {
	return len(value) >= len(open)+len(end) && string(value[:len(open)]) == open && string(value[len(value)-len(end):]) == end && bytes.IndexByte(value, '\\') < 0
}

// later makes a profile that is read when it is first looked at; nil where the file is none.
func later(p *place, file, vendor, name string) *profileFile {
	id := vendor + "/" + strings.TrimSuffix(name, ".toml")
	if !wanted(name) || !isID(id) {
		return nil
	}
	q := *p
	return &profileFile{id: id, layer: p.layer, file: p.name(file), read: func(f *profileFile) {
		l := loader{db: &DB{}}
		if t := l.tree(&q, file); t != nil {
			r := reader{layer: q.layer, file: f.file}
			g := r.readProfile(id, t)
			f.summary, f.replaces, f.inherits, f.quirks = g.summary, g.replaces, g.inherits, g.quirks
		}
	}}
}

var deviceHead = []byte("\n[[device]]\n")

// front is the text before the first entry of the built-in file.
type front struct {
	shared []shared
	rules  []PortRule
}

// devicesLater takes a file apart into its entries, of which the index is all that is read.
func (l *loader) devicesLater(p *place, file string) {
	data, err := fs.ReadFile(p.fsys, file)
	if err != nil {
		l.problem(p, file, pos{}, "file is left out: %s", plain(err))
		return
	}
	at := bytes.Index(data, deviceHead)
	if at < 0 {
		at = len(data) - 1
	}
	head, rest := data[:at+1], data[at+1:]
	name, layer := p.name(file), p.layer
	l.db.front = sync.OnceValue(func() front {
		r := reader{layer: layer, file: name}
		t, err := build(head)
		if err != nil {
			return front{}
		}
		_, ids := r.readDevices(t)
		return front{ids, r.rules}
	})
	before := bytes.Count(head, []byte{'\n'})
	all := make([]entry, bytes.Count(data, deviceHead))
	l.db.devices = slices.Grow(l.db.devices, len(all))
	for i := range all {
		text := rest
		if n := bytes.Index(rest[1:], deviceHead); n >= 0 {
			text = rest[:n+2]
		}
		rest = rest[len(text):]
		e := &all[i]
		e.layer, e.name, e.text, e.line = layer, name, text, before
		before += bytes.Count(text, []byte{'\n'})
		l.db.addLater(e)
	}
}

// addLater adds an entry that is text.
func (db *DB) addLater(e *entry) {
	if ids := onlyUSB(e.text); ids != nil {
		db.devices = append(db.devices, e)
		db.index.texts = append(db.index.texts, usbText{len(db.devices) - 1, ids})
		return
	}
	if d, ok := glance(e.text); ok {
		db.addEntry(e, d)
		return
	}
	db.addDevice(*e.device())
}

// onlyUSB gives the list of USB ids in the text of an entry that looks at nothing else; nil: it looks at something else, or the
// list is not written in the simple way.
func onlyUSB(text []byte) (ids []byte) {
	for line := range bytes.Lines(text) {
		key, value, ok := bytes.Cut(line, []byte(" = "))
		switch {
		case !ok:
		case string(key) == "usb":
			ids = bytes.TrimSuffix(value, []byte("\n"))
		case slices.ContainsFunc(conditions, func(c condition) bool { return c.name == string(key) }):
			return nil
		}
	}
	if !isSimple(ids, `["`, `"]`) {
		return nil
	}
	return ids
}

// glance takes from the text of an entry its conditions. It is false where they are not written in the simple way, each in a
// line of its own and without escapes.
func glance(text []byte) (*Device, bool) {
	d := &Device{}
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" = "))
		for i := range conditions {
			if conditions[i].name != string(key) {
				continue
			}
			if !isSimple(value, `["`, `"]`) {
				return nil, false
			}
			*conditions[i].field(d) = strings.Split(string(value[2:len(value)-2]), `", "`)
		}
	}
	return d, true
}
