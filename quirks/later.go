package quirks

import (
	"bytes"
	"io/fs"
	"strings"
	"sync"
)

// The files that are compiled into the program are read when somebody looks at them: a dial needs some ten of seven hundred
// entries and one or two profiles. A test holds what comes of it to what a strict reading gives.

// entry is a device entry, perhaps one that is still text.
type entry struct {
	profile  string // as Device has it
	layer    Layer
	disabled string

	once sync.Once
	text func() *Device // nil: read is set
	read *Device
}

// device gives the entry, read.
func (e *entry) device() *Device {
	if e.text != nil {
		e.once.Do(func() { e.read = e.text() })
	}
	if e.disabled != "" && e.read.Disabled == "" {
		d := *e.read
		d.Disabled = e.disabled
		return &d
	}
	return e.read
}

// later makes a profile that is read when it is first looked at; nil where the file is none.
func later(p *place, file, vendor, name string) *profileFile {
	id := vendor + "/" + strings.TrimSuffix(name, ".toml")
	if !wanted(name) || !validID().MatchString(id) {
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

// devicesLater reads what stands before the first entry of a file, and of the entries what the index looks at.
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
	t, err := build(head)
	if err != nil {
		l.problem(p, file, pos{}, "%v", err)
		return
	}
	r := reader{layer: p.layer, file: p.name(file)}
	_, ids := r.readDevices(t)
	l.problems = append(l.problems, r.problems...)
	l.db.shared = append(l.db.shared, ids...)
	l.db.rules = append(l.db.rules, r.rules...)
	before := bytes.Count(head, []byte{'\n'})
	for len(rest) > 0 {
		text := rest
		if n := bytes.Index(rest[1:], deviceHead); n >= 0 {
			text = rest[:n+2]
		}
		rest = rest[len(text):]
		l.deviceLater(p, file, text, before)
		before += bytes.Count(text, []byte{'\n'})
	}
}

// deviceLater adds the entry of a piece of a file.
func (l *loader) deviceLater(p *place, file string, text []byte, before int) {
	name, layer := p.name(file), p.layer
	whole := func() *Device {
		r := reader{layer: layer, file: name}
		t, err := buildFrom(text, before)
		if err != nil {
			return &Device{Layer: layer, Origin: name}
		}
		d := r.readDevice(t.child("device").items[0])
		return &d
	}
	d, ok := glance(text)
	if !ok {
		l.db.addDevice(*whole())
		return
	}
	l.db.addEntry(&entry{profile: d.Profile, layer: layer, text: whole}, d)
}

// glance takes from the text of an entry its profile and its conditions. It is false where they are not written in the simple
// way, each in a line of its own and without escapes.
func glance(text []byte) (*Device, bool) {
	d := &Device{}
	for line := range bytes.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " = ")
		if !ok {
			continue
		}
		if key == "profile" {
			if d.Profile, ok = strings.CutPrefix(strings.TrimSuffix(value, `"`), `"`); !ok {
				return nil, false
			}
			continue
		}
		for i := range conditions {
			if conditions[i].name != key {
				continue
			}
			list, ok := strings.CutPrefix(value, `["`)
			if ok {
				list, ok = strings.CutSuffix(list, `"]`)
			}
			if !ok || strings.Contains(list, `\`) {
				return nil, false
			}
			*conditions[i].field(d) = strings.Split(list, `", "`)
		}
	}
	return d, true
}
