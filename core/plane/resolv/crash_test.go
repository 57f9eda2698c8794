package resolv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeDisk is a file system that may lose its power between any two system calls. What was not brought to the disk may
// then be there or not: of the changes of names a beginning, in their order, as journals keep it, or any of them; of a
// file's content all, a part, or nothing.
type fakeDisk struct {
	names   map[string]*inode
	durable map[string]*inode
	pending []change
	mounted string // a file that cannot be replaced
	closed  string // a directory that takes no change
	crash   int    // after so many steps; 0: never

	lazyNames, lazyFiles bool // what is brought to the disk of a directory, of a file, is not: to show that it matters
}

// change is one of a directory's names that was not brought to the disk yet.
type change struct {
	dir string
	do  func(map[string]*inode)
}

type inode struct {
	node
	synced []byte
	known  bool // some content was brought to the disk
}

// crashed is the panic of a process that was killed in the middle.
type crashed struct{}

func newDisk() *fakeDisk {
	return &fakeDisk{names: map[string]*inode{}, durable: map[string]*inode{}}
}

func (d *fakeDisk) step() {
	if d.crash--; d.crash == 0 {
		panic(crashed{})
	}
}

// put is somebody else's writing, which is on the disk at once.
func (d *fakeDisk) put(path string, n node) {
	d.flush()
	if n.Kind == kindNone {
		delete(d.names, path)
		delete(d.durable, path)
		return
	}
	i := d.names[path]
	if i == nil || d.mounted != path {
		i = &inode{}
	}
	i.node, i.synced, i.known = n, slices.Clone(n.Content), true
	d.names[path], d.durable[path] = i, i
}

func (d *fakeDisk) flush() {
	for _, c := range d.pending {
		c.do(d.durable)
	}
	d.pending = nil
	for _, i := range d.names {
		i.synced, i.known = slices.Clone(i.Content), true
	}
}

// powerFails leaves what is on the disk, by chance.
func (d *fakeDisk) powerFails(r *rand.Rand) {
	journal := r.IntN(2) == 0
	n := r.IntN(len(d.pending) + 1)
	d.fail(func(i int) bool { return i < n && (journal || r.IntN(2) == 0) }, func() int { return r.IntN(3) }, r.IntN)
}

// What of a file's content that was not brought to the disk is there all the same.
const (
	noContent   = iota // what was there before
	someContent        // the beginning of the new, the rest of the old
	allContent
)

// fail leaves what is on the disk: of the pending changes those that keep says, by their number, and of contents what content
// says; cut says at which octet of n.
func (d *fakeDisk) fail(keep func(i int) bool, content func() int, cut func(n int) int) {
	for i, c := range d.pending {
		if keep(i) {
			c.do(d.durable)
		}
	}
	d.pending = nil
	d.names = maps.Clone(d.durable)
	for _, i := range d.names {
		if i.known && bytes.Equal(i.Content, i.synced) {
			continue
		}
		old := i.synced
		switch content() {
		case noContent:
			i.Content = slices.Clone(old)
		case someContent:
			n := cut(len(i.Content) + 1)
			i.Content = append(slices.Clone(i.Content[:n]), old[min(n, len(old)):]...)
		}
		i.synced, i.known = slices.Clone(i.Content), true
	}
}

// named changes the names of path's directory.
func (d *fakeDisk) named(path string, do func(map[string]*inode)) {
	do(d.names)
	d.pending = append(d.pending, change{filepath.Dir(path), do})
	d.step()
}

func (d *fakeDisk) Look(path string) (node, error) {
	if i := d.names[path]; i != nil {
		n := i.node
		n.Content = slices.Clone(n.Content)
		return n, nil
	}
	return node{Kind: kindNone}, nil
}

func (d *fakeDisk) Mounted(path string) string {
	if path == d.mounted {
		return "/outside" + path
	}
	return ""
}

func (d *fakeDisk) shut(path string) error {
	if d.closed != "" && filepath.Dir(path) == d.closed {
		return &fs.PathError{Op: "open", Path: path, Err: unix.EROFS}
	}
	return nil
}

func (d *fakeDisk) Create(path string) (diskFile, error) {
	if err := d.shut(path); err != nil {
		return nil, err
	}
	if d.names[path] != nil {
		return nil, fs.ErrExist
	}
	i := &inode{node: node{Kind: kindFile, Mode: 0o600}}
	d.named(path, func(m map[string]*inode) { m[path] = i })
	return &fakeFile{d: d, i: i}, nil
}

func (d *fakeDisk) Open(path string) (diskFile, error) {
	i := d.names[path]
	if i == nil || i.Kind != kindFile {
		return nil, fs.ErrNotExist
	}
	return &fakeFile{d: d, i: i}, nil
}

func (d *fakeDisk) Rename(from, to string) error {
	if err := errors.Join(d.shut(from), d.shut(to)); err != nil {
		return err
	}
	if to == d.mounted || from == d.mounted {
		return unix.EBUSY
	}
	i := d.names[from]
	switch {
	case i == nil:
		return fs.ErrNotExist
	case d.names[to] == i: // rename(2): two names of one file: nothing is done
		return nil
	}
	d.named(to, func(m map[string]*inode) { m[to] = i; delete(m, from) })
	return nil
}

func (d *fakeDisk) Link(from, to string) error {
	if from == d.mounted {
		return unix.EXDEV
	}
	if d.names[to] != nil {
		return fs.ErrExist
	}
	i := d.names[from]
	d.named(to, func(m map[string]*inode) { m[to] = i })
	return nil
}

func (d *fakeDisk) Symlink(target, path string) error {
	if d.names[path] != nil {
		return fs.ErrExist
	}
	i := &inode{node: node{Kind: kindLink, Target: target}, known: true}
	d.named(path, func(m map[string]*inode) { m[path] = i })
	return nil
}

func (d *fakeDisk) Chown(path string, uid, gid int) error {
	d.names[path].UID, d.names[path].GID = uid, gid
	d.step()
	return nil
}

func (d *fakeDisk) Remove(path string) error {
	if d.names[path] == nil {
		return nil
	}
	if err := d.shut(path); err != nil {
		return err
	}
	if path == d.mounted {
		return unix.EBUSY
	}
	d.named(path, func(m map[string]*inode) { delete(m, path) })
	return nil
}

func (d *fakeDisk) Sync(dir string) error {
	if d.lazyNames {
		d.step()
		return nil
	}
	d.pending = slices.DeleteFunc(d.pending, func(c change) bool {
		if c.dir == dir {
			c.do(d.durable)
		}
		return c.dir == dir
	})
	d.step()
	return nil
}

type fakeFile struct {
	d *fakeDisk
	i *inode
}

func (f *fakeFile) Write(p []byte) (int, error) {
	half := len(p) / 2
	for _, n := range []int{half, len(p)} { // a process may be killed in the middle of it, as far as others can see
		f.i.Content = append(slices.Clone(p[:n]), f.i.Content[min(n, len(f.i.Content)):]...)
		f.d.step()
	}
	return len(p), nil
}

func (f *fakeFile) Truncate(size int64) error {
	f.i.Content = f.i.Content[:size]
	f.d.step()
	return nil
}

func (f *fakeFile) Chown(uid, gid int) error { f.i.UID, f.i.GID = uid, gid; f.d.step(); return nil }

func (f *fakeFile) Chmod(mode fs.FileMode) error { f.i.Mode = uint32(mode); f.d.step(); return nil }

func (f *fakeFile) Sync() error {
	if f.d.lazyFiles {
		f.d.step()
		return nil
	}
	f.i.synced, f.i.known = slices.Clone(f.i.Content), true
	f.d.step()
	return nil
}

func (f *fakeFile) Close() error { f.d.step(); return nil }

// world is a host with links that come and go, and programs of others that write the file.
type world struct {
	t        *testing.T
	r        *rand.Rand
	d        *fakeDisk
	path     string
	states   []string
	boot     int
	pids     int
	alive    map[owner]bool
	up       map[int]claim // by the number of the link
	original node          // what must come back
	log      []string
	edits    int
}

func (w *world) keeper() *keeper {
	return &keeper{disk: w.d, path: w.path, states: w.states, runs: func(o owner) bool { return w.alive[o] },
		notice: func(level, format string, args ...any) { w.note("notice: "+format, args...) }}
}

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) now() node { n, _ := w.d.Look(w.path); return n }

// do runs a change by a process, which may be killed in the middle of it, or lose its power.
func (w *world) do(what string, by owner, edit func([]claim) []claim) (done bool) {
	kill, power := w.r.IntN(3) == 0, w.r.IntN(2) == 0
	w.d.crash = 0
	if kill {
		w.d.crash = 1 + w.r.IntN(30)
	}
	k := w.keeper()
	w.note("%s", what)
	defer func() {
		w.d.crash = 0
		switch p := recover().(type) {
		case nil:
		case crashed:
			delete(w.alive, by)
			if w.note("  killed"); power {
				w.note("  and the power failed")
				w.d.powerFails(w.r)
				clear(w.alive)
			}
			maps.DeleteFunc(w.up, func(_ int, c claim) bool { return !w.alive[c.Owner] })
		default:
			panic(p)
		}
	}()
	if _, err := k.change(edit); err != nil {
		w.t.Errorf("%s: %v\n%s", what, err, strings.Join(w.log, "\n"))
	}
	return true
}

func same(links []claim) []claim { return links }

func (w *world) step() {
	i := w.r.IntN(3)
	c, isUp := w.up[i]
	switch w.r.IntN(9) {
	case 0, 1, 2:
		if isUp {
			w.down(i)
			return
		}
		w.pids++
		c = claim{Interface: fmt.Sprintf("knak%d", i), Owner: owner{Boot: fmt.Sprint(w.boot), PID: w.pids, Start: 1}, Servers: []netip.Addr{ours(i, 0), ours(i, 1)}}
		w.alive[c.Owner] = true
		w.up[i] = c
		w.do(fmt.Sprintf("up %d", i), c.Owner, withClaim(c))
	case 3:
		if isUp {
			w.down(i)
		}
	case 4:
		if isUp { // other servers, as after a renegotiation
			c.Servers = []netip.Addr{ours(i, 2)}
			w.up[i] = c
			w.do(fmt.Sprintf("change %d", i), c.Owner, withClaim(c))
		}
	case 5:
		if isUp {
			w.note("kill -9 of %d", i)
			delete(w.alive, c.Owner)
			delete(w.up, i)
		}
	case 6:
		w.repair()
	case 7:
		if w.r.IntN(3) == 0 {
			w.note("the power fails")
			w.d.powerFails(w.r)
			clear(w.alive)
			clear(w.up)
		}
	case 8:
		w.foreign()
	}
}

func ours(link, n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(link), byte(53 + n)}) }

func (w *world) down(i int) {
	c := w.up[i]
	if w.do(fmt.Sprintf("down %d", i), c.Owner, withoutClaim(c)) && w.alive[c.Owner] {
		delete(w.up, i)
		delete(w.alive, c.Owner)
	}
}

func (w *world) repair() {
	w.pids++
	by := owner{Boot: fmt.Sprint(w.boot), PID: w.pids, Start: 1}
	w.alive[by] = true
	w.do("repair", by, same)
	delete(w.alive, by)
}

// foreign is what other programs do to the file.
func (w *world) foreign() {
	if st, _, err := w.keeper().load(); err == nil && st != nil && st.Writing {
		return // into half a file nobody writes more
	}
	w.edits++
	n := node{Kind: kindFile, Mode: 0o644, Content: fmt.Appendf(nil, "# theirs\nnameserver 192.0.2.%d\nsearch lan%d\n", w.edits, w.edits)}
	now := w.now()
	kind := w.r.IntN(6)
	if w.d.mounted != "" && kind > 2 {
		kind = 0
	}
	switch {
	case kind == 0:
		w.note("another file %d", w.edits)
		if w.d.mounted == "" {
			n.Mode = 0o640
		}
		w.d.put(w.path, n)
		w.original = n
	case kind == 1 && now.Kind == kindFile && w.original.Kind == kindFile:
		line := fmt.Sprintf("options added%d", w.edits)
		w.note("a line is added: %s", line)
		now.Content = append(slices.Clone(now.Content), line+"\n"...)
		w.d.put(w.path, now)
		w.original.Content = append(slices.Clone(w.original.Content), line+"\n"...)
	case kind == 2 && marked(now.Content):
		w.note("another file %d, with a server of ours left in", w.edits)
		w.original = n
		n.Content = append(slices.Clone(n.Content), "nameserver "+serversIn(now.Content)[0].String()+"\n"...)
		w.d.put(w.path, n)
	case kind == 3:
		w.note("a link %d", w.edits)
		n = node{Kind: kindLink, Target: fmt.Sprintf("elsewhere%d", w.edits)}
		w.d.put(w.path, n)
		w.original = n
	case kind == 4:
		w.note("it is removed")
		n = node{Kind: kindNone}
		w.d.put(w.path, n)
		w.original = n
	}
}

// check looks at a host whose links have all ended.
func (w *world) check() bool {
	if now := w.now(); !now.same(w.original) {
		w.t.Errorf("%+v\ncontent %q\nwant %+v\n%q\n%s", now, now.Content, w.original, w.original.Content, strings.Join(w.log, "\n"))
		return false
	}
	for name := range w.d.names {
		if name != w.path {
			w.t.Errorf("left behind: %s\n%s", name, strings.Join(w.log, "\n"))
			return false
		}
	}
	return true
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 1)), d: newDisk(), path: "/etc/resolv.conf", alive: map[owner]bool{}, up: map[int]claim{}}
	w.states = statesOf(w.path, "")
	w.original = [...]node{
		{Kind: kindFile, Mode: 0o640, GID: 7, Content: []byte("# by hand\nsearch lan\nnameserver 192.0.2.250\n")},
		{Kind: kindFile, Mode: 0o644, Content: []byte("nameserver 192.0.2.251\noptions edns0\n")},
		{Kind: kindLink, Target: "../run/stub-resolv.conf"},
		{Kind: kindNone},
		{Kind: kindFile, Mode: 0o644, Content: []byte{}},
	}[w.r.IntN(5)]
	switch w.r.IntN(4) {
	case 0:
		w.original = node{Kind: kindFile, Mode: 0o644, Content: []byte("nameserver 192.0.2.252\n")}
		w.d.mounted = w.path // into a container
		if w.r.IntN(2) == 0 {
			w.d.closed = "/etc" // whose root cannot be written
		}
	}
	w.d.put(w.path, w.original)
	w.note("original %+v, mounted %v, closed %v", w.original, w.d.mounted != "", w.d.closed != "")
	return w
}

// Two and three links in every order of up, down, kill -9, power loss between any two system calls, and what others do to
// the file meanwhile: in the end it is as it would be without any of the links.
func TestResolvConfSurvives(t *testing.T) {
	for seed := range uint64(2000) {
		w := newWorld(t, seed)
		for range 4 + w.r.IntN(12) {
			w.step()
		}
		for _, i := range slices.Sorted(maps.Keys(w.up)) { // what is still up ends in order, or is found dead
			if w.r.IntN(2) == 0 {
				if _, ok := w.up[i]; ok {
					w.down(i)
				}
			}
		}
		clear(w.alive)
		clear(w.up)
		w.r = rand.New(rand.NewPCG(seed, 2))
		for range 3 { // repairs that are killed too
			w.repair()
		}
		w.d.crash = 0
		if _, err := w.keeper().change(same); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if !w.check() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// The power fails between any two system calls of each change, and several times at each: in the end the original is back. It
// would not be if a directory or a file were not brought to the disk at the right moment, which is shown, too.
func TestEveryCrashPoint(t *testing.T) {
	originals := []node{
		{Kind: kindFile, Mode: 0o640, GID: 7, Content: []byte("# by hand\nsearch lan\nnameserver 192.0.2.250\n")},
		{Kind: kindLink, Target: "../run/stub-resolv.conf"},
		{Kind: kindNone},
	}
	link := func(i int) claim {
		return claim{Interface: fmt.Sprintf("knak%d", i), Owner: owner{Boot: "0", PID: i + 1, Start: 1}, Servers: []netip.Addr{ours(i, 0), ours(i, 1)}}
	}
	other := link(0)
	other.Servers = other.Servers[:1]
	scripts := map[string][]func([]claim) []claim{ // all but the last change go well
		"up":                        {withClaim(link(0))},
		"other servers":             {withClaim(link(0)), withClaim(other)},
		"down":                      {withClaim(link(0)), withoutClaim(link(0))},
		"a second link":             {withClaim(link(0)), withClaim(link(1))},
		"the first of two goes":     {withClaim(link(0)), withClaim(link(1)), withoutClaim(link(0))},
		"the last of two goes":      {withClaim(link(0)), withClaim(link(1)), withoutClaim(link(0)), withoutClaim(link(1))},
		"another dial finds it up":  {withClaim(link(0)), same},
		"up once more after an end": {withClaim(link(0)), withoutClaim(link(0)), withClaim(link(1))},
	}
	run := func(lazyNames, lazyFiles bool) (tried, lost int, last string) {
		for _, original := range originals {
			for name, script := range scripts {
				if (lazyNames || lazyFiles) && (original.Kind != kindFile || len(script) > 2) {
					continue // some are enough to show it
				}
				for point, over := 1, false; !over; point++ {
					for way, ways := 0, 1; way < ways; way++ {
						w := newWorld(t, 0)
						w.d, w.original = newDisk(), original
						w.d.put(w.path, original)
						w.d.lazyNames, w.d.lazyFiles = lazyNames, lazyFiles
						for i := range 2 {
							w.alive[link(i).Owner] = true
						}
						for i, change := range script {
							if i == len(script)-1 {
								w.d.crash = point
							}
							func() {
								defer func() {
									if p := recover(); p != nil && p != any(crashed{}) {
										panic(p)
									}
								}()
								_, _ = w.keeper().change(change)
								over = over || i == len(script)-1
							}()
						}
						w.d.crash = 0
						// Of n changes of names a beginning has reached the disk, or one alone, or all but one; and of contents as much.
						n := len(w.d.pending)
						ways = 3 * (3*n + 1)
						shape, k := way/3/max(n, 1), way/3%max(n, 1)
						w.d.fail(func(i int) bool {
							switch shape {
							case 0:
								return i < k
							case 1:
								return i == k
							case 2:
								return i != k
							}
							return true
						}, func() int { return way % 3 }, func(n int) int { return n / 2 })
						clear(w.alive)
						w.d.lazyNames, w.d.lazyFiles = false, false
						_, err := w.keeper().change(same)
						tried++
						if now := w.now(); err != nil || !now.same(original) || len(w.d.names) > 1 {
							lost++
							last = fmt.Sprintf("%s, point %d, way %d: %v: %+v, content %q, files %v, want %+v", name, point, way, err, now, now.Content, slices.Collect(maps.Keys(w.d.names)), original)
						}
					}
				}
			}
		}
		return tried, lost, last
	}
	tried, lost, last := run(false, false)
	if lost > 0 || tried < 1000 {
		t.Errorf("%d of %d: %s", lost, tried, last)
	}
	for _, lazy := range [][2]bool{{true, false}, {false, true}} {
		_, without, _ := run(lazy[0], lazy[1])
		t.Logf("of %d ends, lost %d; without directories %v, files %v: %d", tried, lost, lazy[0], lazy[1], without)
		if without == 0 {
			t.Errorf("directories left out %v, files left out %v: nothing is lost, so this test would not see it", lazy[0], lazy[1])
		}
	}
}

// A state that somebody has removed or damaged: the original is still there by its second name, and else what is left of it.
func TestALostState(t *testing.T) {
	const path = "/etc/resolv.conf"
	original := node{Kind: kindFile, Mode: 0o640, Content: []byte("# by hand\nsearch lan\nnameserver 192.0.2.1\n")}
	for _, c := range []struct {
		name    string
		damage  func(d *fakeDisk, k *keeper)
		content string
		mode    uint32
	}{
		{"removed", func(d *fakeDisk, k *keeper) { d.put(k.states[0], node{Kind: kindNone}) }, string(original.Content), 0o640},
		{"damaged", func(d *fakeDisk, k *keeper) {
			d.put(k.states[0], node{Kind: kindFile, Content: []byte("{\"version\":")})
		}, string(original.Content), 0o640},
		{"removed with the original", func(d *fakeDisk, k *keeper) {
			d.put(k.states[0], node{Kind: kindNone})
			d.put(k.original(), node{Kind: kindNone})
		}, "search lan\n", 0o644},
	} {
		d := newDisk()
		d.put(path, original)
		alive := map[owner]bool{{PID: 1}: true}
		k := &keeper{disk: d, path: path, states: statesOf(path, ""), runs: func(o owner) bool { return alive[o] }, notice: func(string, string, ...any) {}}
		if _, err := k.change(withClaim(claim{Interface: "knak0", Owner: owner{PID: 1}, Servers: []netip.Addr{ours(0, 0)}})); err != nil {
			t.Fatal(err)
		}
		c.damage(d, k)
		clear(alive)
		if _, err := k.change(same); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if now, _ := d.Look(path); string(now.Content) != c.content || now.Mode != c.mode {
			t.Errorf("%s: %q, mode %o", c.name, now.Content, now.Mode)
		}
		if _, err := k.change(same); err != nil || len(d.names) != 1 {
			t.Errorf("%s: %v, %d files", c.name, err, len(d.names))
		}
	}
}

// A later version has a link up, or was killed: what it has written down is all that its original is known by.
func TestTheStateOfALaterVersion(t *testing.T) {
	d := newDisk()
	k := newKeeper(d, "/etc/resolv.conf")
	k.runs = func(owner) bool { return true }
	d.put(k.path, node{Kind: kindFile, Content: []byte(markBegin + "knak0\nnameserver 10.0.0.53\n"), Mode: 0o644})
	d.put(k.states[0], node{Kind: kindFile, Content: []byte(`{"version":2,"stack":[],"original":"elsewhere"}`)})
	before := maps.Clone(d.names)
	for name, edit := range map[string]func([]claim) []claim{
		"another link": withClaim(claim{Interface: "knak1", Servers: []netip.Addr{ours(0, 0)}}),
		"a repair":     same,
	} {
		if _, err := k.change(edit); !errors.Is(err, errVersion) || !strings.Contains(err.Error(), k.states[0]) {
			t.Errorf("%s: %v", name, err)
		}
		if !maps.Equal(before, d.names) {
			t.Errorf("%s: something was changed", name)
		}
	}
}

// netnsDisk is the file system as "ip netns exec" shows it: the same directories, and another file over resolv.conf.
type netnsDisk struct{ *fakeDisk }

const netnsPath = "/etc/resolv.conf"

func (d netnsDisk) at(path string) string {
	if path == netnsPath {
		return "/etc/netns/modem/resolv.conf"
	}
	return path
}

func (d netnsDisk) Mounted(path string) string {
	if path == netnsPath {
		return d.at(path)
	}
	return ""
}
func (d netnsDisk) Look(path string) (node, error)     { return d.fakeDisk.Look(d.at(path)) }
func (d netnsDisk) Open(path string) (diskFile, error) { return d.fakeDisk.Open(d.at(path)) }
func (d netnsDisk) Rename(from, to string) error {
	if d.at(to) != to || d.at(from) != from {
		return unix.EBUSY
	}
	return d.fakeDisk.Rename(from, to)
}
func (d netnsDisk) Link(from, to string) error {
	if d.at(from) != from {
		return unix.EXDEV
	}
	return d.fakeDisk.Link(from, to)
}
func (d netnsDisk) Remove(path string) error {
	if d.at(path) != path {
		return unix.EBUSY
	}
	return d.fakeDisk.Remove(path)
}

// Two links, one of them in a network name space that shares all but resolv.conf with the host: each changes its own, in
// whatever order they come and go.
func TestANetworkNamespaceHasItsOwn(t *testing.T) {
	host := node{Kind: kindFile, Mode: 0o644, Content: []byte("nameserver 192.0.2.1\nsearch lan\n")}
	inside := node{Kind: kindFile, Mode: 0o644, Content: []byte("nameserver 198.51.100.1\n")}
	for _, order := range []string{"abAB", "abBA", "baAB", "baBA", "aAbB"} {
		d := newDisk()
		d.put(netnsPath, host)
		d.put(netnsDisk{}.at(netnsPath), inside)
		for _, c := range order {
			k, name := newKeeper(d, netnsPath), "knak0"
			if c|' ' == 'b' {
				k = newKeeper(netnsDisk{d}, netnsPath)
			}
			k.runs = func(owner) bool { return true }
			cl := claim{Interface: name, Owner: owner{PID: int(c | ' ')}, Servers: []netip.Addr{ours(int(c|' ')-'a', 0)}}
			edit := withoutClaim(cl)
			if c >= 'a' {
				edit = withClaim(cl)
			}
			if r, err := k.change(edit); err != nil || r.displaced {
				t.Fatalf("%s, at %c: %+v, %v", order, c, r, err)
			}
			now, _ := k.disk.Look(netnsPath)
			if got := slices.Contains(serversIn(now.Content), cl.Servers[0]); got != (c >= 'a') {
				t.Errorf("%s, at %c: %q", order, c, now.Content)
			}
		}
		for path, want := range map[string]node{netnsPath: host, netnsDisk{}.at(netnsPath): inside} {
			if now, _ := d.Look(path); !now.same(want) {
				t.Errorf("%s: %s is %q in the end", order, path, now.Content)
			}
		}
		if len(d.names) != 2 {
			t.Errorf("%s: left behind: %v", order, slices.Collect(maps.Keys(d.names)))
		}
	}
}
