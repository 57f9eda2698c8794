package quirks

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// DB holds all profiles and device entries of all layers. It does not change after Open; several goroutines may use it at once.
type DB struct {
	files   map[string][]*profileFile // by id, the weakest layer first
	devices []*entry
	front   func() front // of the built-in layer; nil: there is none
	shared  []shared     // of the others
	rules   []PortRule   // of the others

	index index // of devices
	late  []int // the places of those that look at what is known only during the call
}

// maxFile is the size in bytes of the largest file that is read. The largest one in the project has a few kilobytes.
const maxFile = 1 << 20

// Open reads all layers. Each mistake in a file is a Problem. Everything without a mistake is used.
func Open(s Sources) (*DB, []*Problem) {
	trust := s.trust
	if trust == nil && s.Root {
		trust = onlyRootWrites
	}
	l := loader{db: &DB{files: map[string][]*profileFile{}}}
	if s.Builtin != nil {
		_, compiled := s.Builtin.(embed.FS)
		l.load(place{layer: Builtin, fsys: s.Builtin, profiles: "quirks", devices: "devices.toml", sound: compiled})
	}
	if s.Update != "" {
		p := place{layer: Update, fsys: os.DirFS(s.Update), dir: s.Update, profiles: "quirks", devices: "devices.toml", trust: trust}
		before := len(l.problems)
		l.list(&p, ".") // who may write here could exchange what was verified
		if len(l.problems) == before {
			l.load(p)
		}
	}
	for _, d := range []struct {
		layer Layer
		dir   string
	}{{System, s.System}, {User, s.User}} {
		if d.dir != "" {
			l.load(place{layer: d.layer, fsys: os.DirFS(d.dir), dir: d.dir, profiles: "quirks.d", devices: "devices.d", trust: trust})
		}
	}
	return l.db, l.problems
}

// Profiles gives the ids of all profiles, sorted; fragments (common/…) are among them.
func (db *DB) Profiles() []string { return slices.Sorted(maps.Keys(db.files)) }

// Profile gives a profile by its id.
func (db *DB) Profile(id string) (*Profile, bool) {
	files := db.parts(id)
	if len(files) == 0 {
		return nil, false
	}
	p := &Profile{ID: id, Inherits: db.inherits(id)}
	for _, f := range files {
		if f.summary != "" {
			p.Summary = f.summary
		}
		p.Quirks = append(p.Quirks, f.quirks...)
		p.Files = append(p.Files, File{f.layer, f.file})
	}
	return p, true
}

// DeviceNames gives the names of the entries that assign a profile.
func (db *DB) DeviceNames(profile string) []string {
	names := []string{}
	for _, e := range db.devices {
		if e.profile() == profile {
			names = append(names, e.device().Name)
		}
	}
	return names
}

// Devices gives all device entries, weakest layer first, then in the order of the files.
func (db *DB) Devices() []Device {
	list := make([]Device, len(db.devices))
	for i, e := range db.devices {
		list[i] = *e.device()
	}
	return list
}

// ByUSB gives the entries that name a whole USB id. Unlike Devices it does not parse the others.
func (db *DB) ByUSB(id string) (list []Device) {
	for _, i := range db.index.usb(id) {
		list = append(list, *db.devices[i].device())
	}
	return list
}

// Vendors gives the USB vendor ids that the entries name, without parsing the entries.
func (db *DB) Vendors() []string { return db.index.vendors() }

// addDevice adds an entry.
func (db *DB) addDevice(d Device) {
	db.addEntry(&entry{layer: d.Layer, read: &d}, &d)
}

// addEntry adds an entry of which d has what the index looks at.
func (db *DB) addEntry(e *entry, d *Device) {
	db.devices = append(db.devices, e)
	db.index.add(len(db.devices)-1, d)
	if p, _ := d.phase(); p > AtProbe {
		db.late = append(db.late, len(db.devices)-1)
	}
}

// parts gives the files that a profile is made of, the weakest layer first: from the last one that replaces the others.
func (db *DB) parts(id string) []*profileFile {
	files := db.files[id]
	for _, f := range files {
		f.force()
	}
	for i, f := range slices.Backward(files) {
		if f.replaces {
			return files[i:]
		}
	}
	return files
}

// inherits gives what a profile inherits from directly, over all layers, the weakest layer first.
func (db *DB) inherits(id string) (list []string) {
	for _, f := range db.parts(id) {
		for _, ref := range f.inherits {
			if !slices.Contains(list, ref.id) {
				list = append(list, ref.id)
			}
		}
	}
	return list
}

// lineage gives a profile and all it inherits from, each once, the weakest first and the profile itself last.
func (db *DB) lineage(id string) (list []string) {
	var visit func(id string)
	visit = func(id string) {
		if slices.Contains(list, id) {
			return
		}
		for _, parent := range db.inherits(id) {
			visit(parent)
		}
		list = append(list, id)
	}
	visit(id)
	return list
}

// Lineage gives a profile and all profiles that it inherits from, each once, the weakest first and the profile itself last.
func (db *DB) Lineage(id string) []string { return db.lineage(id) }

// place is the place of one layer's files.
type place struct {
	layer    Layer
	fsys     fs.FS
	dir      string // what to put before names in problems and origins
	profiles string // directory of <vendor>/<model>.toml
	devices  string // file, or directory of files
	trust    func(fs.FileInfo) error
	sound    bool // compiled into the program: a test has read it, so that it is not read twice at run time
}

// name gives a file's name for people: on a disk as the system writes it, in the program always the same.
func (p *place) name(file string) string {
	if p.dir == "" {
		return path.Clean(file)
	}
	return filepath.Join(p.dir, file)
}

type loader struct {
	db       *DB
	problems []*Problem
}

func (l *loader) problem(p *place, file string, at pos, format string, args ...any) {
	l.problems = append(l.problems, newProblem(p.layer, p.name(file), at, format, args...))
}

// load reads one layer on top of the weaker ones.
func (l *loader) load(p place) {
	var files []*profileFile
	for _, vendor := range l.list(&p, p.profiles) {
		dir := path.Join(p.profiles, vendor.Name())
		if !isDir(&p, dir, vendor) {
			if strings.HasSuffix(dir, ".toml") && !strings.HasPrefix(vendor.Name(), ".") {
				l.problem(&p, dir, pos{}, "a profile must lie in a directory: %s/<vendor>/<model>.toml", p.profiles)
			}
			continue
		}
		for _, e := range l.list(&p, dir) {
			if p.sound {
				if f := later(&p, path.Join(dir, e.Name()), vendor.Name(), e.Name()); f != nil {
					l.db.files[f.id] = append(l.db.files[f.id], f)
				}
				continue
			}
			if f := l.profile(&p, path.Join(dir, e.Name()), vendor.Name(), e.Name()); f != nil {
				files = append(files, f)
			}
		}
	}
	l.link(&p, files)
	l.devices(&p)
}

// isDir says whether an entry of a directory is one, also through a symbolic link.
func isDir(p *place, name string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink != 0 {
		info, err := fs.Stat(p.fsys, name)
		return err == nil && info.IsDir()
	}
	return e.IsDir()
}

// list reads a directory; one that is not there is empty.
func (l *loader) list(p *place, dir string) []fs.DirEntry {
	info, err := fs.Stat(p.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []fs.DirEntry
	if err == nil && p.trust != nil {
		err = p.trust(info)
	}
	if err == nil {
		list, err = fs.ReadDir(p.fsys, dir)
	}
	if err != nil {
		l.problem(p, dir, pos{}, "directory is left out: %s", plain(err))
		return nil
	}
	return list
}

// plain gives an error without the path that Problem names already.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// wanted says whether a file is one of ours: scenarios of the simulator lie beside the profiles, and editors leave
// hidden files and backups.
func wanted(name string) bool {
	return strings.HasSuffix(name, ".toml") && !strings.HasSuffix(name, ".sim.toml") && !strings.HasPrefix(name, ".")
}

// tree reads and parses one file; nil when that gave a problem.
func (l *loader) tree(p *place, file string) *node {
	data, err := read(p, file)
	if err != nil {
		l.problem(p, file, pos{}, "file is left out: %s", plain(err))
		return nil
	}
	parse := parseTree
	if p.sound {
		parse = build
	}
	t, err := parse(data)
	if err != nil {
		var se *syntaxError
		at := pos{}
		if errors.As(err, &se) {
			at = se.pos
		}
		l.problem(p, file, at, "%v", err)
		return nil
	}
	return t
}

// read reads a regular file of bounded size. It looks before it opens, because opening a FIFO would wait for ever.
func read(p *place, file string) ([]byte, error) {
	check := func(info fs.FileInfo) error {
		if !info.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%d bytes long, but at most %d are read", info.Size(), maxFile)
		}
		if p.trust != nil {
			return p.trust(info)
		}
		return nil
	}
	info, err := fs.Stat(p.fsys, file)
	if err == nil {
		err = check(info)
	}
	if err != nil {
		return nil, err
	}
	f, err := p.fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Once more on what was really opened: it may have been exchanged in between.
	if info, err = f.Stat(); err == nil {
		err = check(info)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// profile reads one profile; nil when it is not one or has problems.
func (l *loader) profile(p *place, file, vendor, name string) *profileFile {
	if !wanted(name) {
		return nil
	}
	id := vendor + "/" + strings.TrimSuffix(name, ".toml")
	if !isID(id) {
		l.problem(p, file, pos{}, "the name of a profile's file must be lower-case letters, digits, dots, hyphens and underscores")
		return nil
	}
	t := l.tree(p, file)
	if t == nil {
		return nil
	}
	r := reader{layer: p.layer, file: p.name(file)}
	f := r.readProfile(id, t)
	l.problems = append(l.problems, r.problems...)
	if len(r.problems) > 0 {
		return nil
	}
	return f
}

// link adds the files of one layer to the weaker ones, without those that inherit from what is not there, or in a circle.
func (l *loader) link(p *place, files []*profileFile) {
	for _, f := range files {
		l.db.files[f.id] = append(l.db.files[f.id], f)
	}
	drop := func(f *profileFile) {
		files = slices.DeleteFunc(files, func(g *profileFile) bool { return g == f })
		rest := slices.DeleteFunc(l.db.files[f.id], func(g *profileFile) bool { return g == f })
		if l.db.files[f.id] = rest; len(rest) == 0 {
			delete(l.db.files, f.id)
		}
	}
	// Dropping one file can take away what another inherits from, so begin again after each.
again:
	for _, f := range files {
		for _, ref := range f.inherits {
			report := func(format string, args ...any) {
				l.problems = append(l.problems, newProblem(p.layer, f.file, ref.pos, format, args...))
			}
			if l.db.files[ref.id] == nil {
				text := fmt.Sprintf("inherits from %q, which is not there or has problems of its own", ref.id)
				if n := Nearest(ref.id, l.db.Profiles()); n != "" && n != ref.id {
					text += fmt.Sprintf("; did you mean %q?", n)
				}
				report("%s", text)
				drop(f)
				goto again
			}
			if way := l.db.way(ref.id, f.id); way != nil {
				report("inherits in a circle: %s", strings.Join(append([]string{f.id}, way...), " from "))
				drop(f)
				goto again
			}
			if key := l.db.command(ref.id); key != "" && p.layer.tunes() {
				report("inherits from %q, which sets %s: the %s layer must not decide what AT commands are sent", ref.id, key, p.layer)
				drop(f)
				goto again
			}
		}
	}
}

// way gives the profiles by which from inherits from to, both included, or nil.
func (db *DB) way(from, to string) []string {
	seen := map[string]bool{}
	var walk func(id string) []string
	walk = func(id string) []string {
		if id == to {
			return []string{id}
		}
		if seen[id] {
			return nil
		}
		seen[id] = true
		for _, parent := range db.inherits(id) {
			if w := walk(parent); w != nil {
				return append([]string{id}, w...)
			}
		}
		return nil
	}
	return walk(from)
}

// command gives a key by which a profile, or one that it inherits from, decides what AT commands are sent; "" where none
// does. There may be circles still.
func (db *DB) command(id string) string {
	seen := map[string]bool{}
	var walk func(id string) string
	walk = func(id string) string {
		if seen[id] {
			return ""
		}
		seen[id] = true
		for _, f := range db.files[id] {
			f.force()
			for i := range f.quirks {
				if k := table()[f.quirks[i].Key]; k.Class == Command {
					return k.Name
				}
			}
		}
		for _, parent := range db.inherits(id) {
			if name := walk(parent); name != "" {
				return name
			}
		}
		return ""
	}
	return walk(id)
}

// devices reads the device entries of one layer.
func (l *loader) devices(p *place) {
	files := []string{p.devices}
	if info, err := fs.Stat(p.fsys, p.devices); errors.Is(err, fs.ErrNotExist) {
		return
	} else if err != nil || info.IsDir() {
		files = nil
		for _, e := range l.list(p, p.devices) {
			if wanted(e.Name()) {
				files = append(files, path.Join(p.devices, e.Name()))
			}
		}
	}
	var all []Device
	for _, file := range files {
		if p.sound {
			l.devicesLater(p, file)
			continue
		}
		t := l.tree(p, file)
		if t == nil {
			continue
		}
		r := reader{layer: p.layer, file: p.name(file)}
		list, ids := r.readDevices(t)
		if p.layer.tunes() && len(ids) > 0 { // it would take entries of stronger layers out
			r.problem(pos{}, "shared is for the built-in and your own files; the %s layer must not say it", p.layer)
			ids = nil
		}
		for _, ref := range r.disable {
			if !l.db.disable(ref.id, r.origin(ref.pos)) {
				r.problem(ref.pos, "disable: no entry of a weaker layer names profile %q%s", ref.id, l.db.perhaps(ref.id))
			}
		}
		l.problems = append(l.problems, r.problems...)
		l.db.shared = append(l.db.shared, ids...)
		l.db.rules = append(l.db.rules, r.rules...)
		all = append(all, list...)
	}
	for _, d := range all {
		if text := l.db.reject(&d); text != "" {
			l.problems = append(l.problems, newProblem(p.layer, d.file, d.pos, "%s", text))
			continue
		}
		l.db.addDevice(d)
	}
}

// allShared gives the USB ids of all layers that say too little.
func (db *DB) allShared() []shared {
	if db.front == nil {
		return db.shared
	}
	return slices.Concat(db.front().shared, db.shared)
}

// disable makes the entries there are so far that name a profile match nothing, and says whether there are any.
func (db *DB) disable(profile, origin string) (some bool) {
	for _, e := range db.devices {
		if e.profile() == profile {
			e.disabled, some = origin, true
		}
	}
	return some
}

// perhaps names the profile that was perhaps meant.
func (db *DB) perhaps(id string) string {
	if n := Nearest(id, db.Profiles()); n != "" && n != id {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

// reject says why an entry cannot be used among the others, or "".
func (db *DB) reject(d *Device) string {
	if d.Profile != "" && isFragment(d.Profile) {
		return fmt.Sprintf("%q is there to be inherited; a device needs a profile of its own", d.Profile)
	}
	if d.Profile != "" && db.files[d.Profile] == nil {
		text := fmt.Sprintf("profile %q is not there or has problems of its own", d.Profile)
		if n := Nearest(d.Profile, db.Profiles()); n != "" {
			text += fmt.Sprintf("; did you mean %q?", n)
		}
		return text
	}
	if key := db.command(d.Profile); key != "" && d.Layer.tunes() {
		return fmt.Sprintf("profile %q sets %s: the %s layer must not decide which modems get AT commands", d.Profile, key, d.Layer)
	}
	if id, s, alone := d.alone(db.allShared()); alone {
		return fmt.Sprintf("usb id %s is shared by different devices (%s, %s), so the entry must also match the model or the revision",
			id, s.origin, s.reason)
	}
	return ""
}
