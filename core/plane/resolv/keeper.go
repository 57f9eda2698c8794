package resolv

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// This file is mode "file": one original resolv.conf, and above it the links that are up. The last one's servers are the
// host's; when it ends, those of the one before it are, and in the end the original comes back, whichever link ends first
// and whatever is killed in between.
//
// What is needed for that stands in a state beside the file, and is on the disk before the file is changed; the file is replaced
// in one step. So after a crash at any moment the file has a content that the state knows, and the next dial, hangup or doctor
// can correct it. What the file holds and the state does not know somebody else has written: an edit of ours is made to the
// original, and a file in place of ours is the new original.

// DefaultPath is the resolver's configuration (resolv.conf(5)).
const DefaultPath = "/etc/resolv.conf"

// keeper keeps one resolv.conf.
type keeper struct {
	disk   disk
	path   string   // of the file that is changed
	states []string // where the state may be, best first
	runs   func(owner) bool
	notice func(level, format string, args ...any)
}

// names of what stands beside the file for a while.
func (k *keeper) original() string { return k.states[0] + "-original" } // the original itself, by a second name
func (k *keeper) fresh() string    { return k.states[0] + "-new" }      // that is to replace the file

// statesOf lists where the state of a file may be: beside it, and where that directory takes no file elsewhere. mounted is
// what disk.Mounted says: "ip netns exec" mounts another file over the host's in a directory that both share, and the two
// have a state each.
func statesOf(path, mounted string) []string {
	which := ""
	if mounted != "" {
		which = fmt.Sprintf("-%x", sha256.Sum256([]byte(mounted)))[:13]
	}
	name := "resolv" + strings.ReplaceAll(path, "/", "-") + which + ".state"
	return []string{path + ".knak" + which, "/var/lib/knak/" + name, "/run/knak/" + name}
}

func newKeeper(d disk, path string) *keeper {
	return &keeper{disk: d, path: path, states: statesOf(path, d.Mounted(path)), runs: runs, notice: func(string, string, ...any) {}}
}

// own gives the file that a link at path leads to if that is mounted: the link itself may be another name space's, too.
func own(d disk, path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path && d.Mounted(target) != "" {
		return target
	}
	return path
}

// keeperOf finds out which file is to be changed: the one that path names, or, where nothing can be made beside that, the
// one that it leads to.
func keeperOf(d disk, path string) (*keeper, error) {
	path = own(d, path)
	k, found, err := keeperWithState(d, path)
	if err != nil || found {
		return k, err
	}
	k = newKeeper(d, path)
	now, err := d.Look(path)
	if err != nil || now.Kind != kindLink || k.takesFiles() {
		return k, err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return newKeeper(d, target), nil
}

// keeperWithState finds the file that has a state: the one that path names, or the one that it leads to. It changes nothing.
func keeperWithState(d disk, path string) (k *keeper, found bool, err error) {
	path = own(d, path)
	k = newKeeper(d, path)
	if st, at, err := k.load(); err != nil || st != nil || at != "" {
		return k, err == nil, err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil || target == path {
		return k, false, nil //nolint:nilerr // a link that leads nowhere has no state at its end
	}
	other := newKeeper(d, target)
	if st, at, err := other.load(); err != nil || st != nil || at != "" {
		return other, err == nil, err
	}
	return k, false, nil
}

// takesFiles says whether files can be made beside the file.
func (k *keeper) takesFiles() bool {
	f, err := k.create(k.fresh())
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), k.disk.Remove(k.fresh())) == nil
}

// create makes a file anew; one that was left behind goes.
func (k *keeper) create(path string) (diskFile, error) {
	if err := k.disk.Remove(path); err != nil {
		return nil, err
	}
	return k.disk.Create(path)
}

// report describes the result of a change.
type report struct {
	dead      []string // links whose process has ended without taking its servers back
	displaced bool     // another program has put its own file in place of ours
	wrote     bool     // the file was changed
}

// change is the one way in which the file changes: what happened since is taken in, the links that are up are what edit
// makes of those that were, and the file is made to show the last of them.
func (k *keeper) change(edit func([]claim) []claim) (r report, err error) {
	st, at, err := k.load()
	if err != nil {
		return r, err
	}
	now, err := k.disk.Look(k.path)
	if err != nil {
		return r, err
	}
	if len(now.Content) > maxContent {
		return r, fmt.Errorf("%s has more than %d octets", k.path, maxContent)
	}
	var before []byte
	if st == nil {
		if st, err = k.begin(now); err != nil {
			return r, err
		}
	} else {
		before = st.format()
		k.takeIn(st, now)
	}
	st.Links = slices.DeleteFunc(st.Links, func(l claim) bool {
		dead := !k.runs(l.Owner)
		if dead {
			r.dead = append(r.dead, l.Interface)
		}
		return dead
	})
	r.displaced = slices.ContainsFunc(st.Links, func(l claim) bool { return l.Displaced })
	st.Links = edit(st.Links)
	if at == "" && len(st.Links) == 0 && !marked(now.Content) {
		return r, k.tidy() // nothing was there, and nothing is to be
	}
	r.wrote, err = k.settle(st, at, now, before)
	return r, err
}

// begin makes the state of a file that no link has. One that is marked as ours has lost its state: what is left of the
// original comes back.
func (k *keeper) begin(now node) (*state, error) {
	st := &state{Version: 1, Original: now, Known: serversIn(now.Content)}
	if now.Kind != kindFile || !marked(now.Content) {
		return st, nil
	}
	kept, err := k.disk.Look(k.original())
	if err != nil {
		return nil, err
	}
	if kept.Kind != kindNone {
		st.Original = kept
	} else {
		k.notice("warning", "%s was written by knak, and the original is lost: knak's servers are taken out of it, the rest stays", k.path)
		lines := slices.DeleteFunc(linesOf(now.Content), func(line string) bool {
			word, _ := keyword(line)
			return word == "nameserver" || strings.HasPrefix(line, markBegin)
		})
		st.Original.Content = join(lines, nil)
	}
	st.Known, st.Written = serversIn(st.Original.Content), [][]byte{now.Content}
	return st, nil
}

// takeIn finds out what others have done to the file.
func (k *keeper) takeIn(st *state, now node) {
	ours := now.Kind == kindFile && slices.ContainsFunc(st.Written, func(w []byte) bool { return string(w) == string(now.Content) })
	switch {
	case ours, now.same(st.Original): // as it was written, or not yet written
	case st.Writing && now.Kind == kindFile && st.torn(now.Content): // half of it
	case now.Kind == kindFile && len(st.Written) > 0 && st.edited(now.Content):
		e := editOf(nearest(st.Written, now.Content), now.Content, st.Servers)
		switch {
		case st.Original.Kind == kindFile:
			st.Original.Content = e.apply(st.Original.Content)
		case len(e.added) > 0: // of no file, or of a link to another one's: this is what somebody wanted besides
			st.Original = node{Kind: kindFile, Content: e.apply(st.Original.Content), Mode: now.Mode, UID: now.UID, GID: now.GID}
		}
		st.Added = e.addedTo(st.Added)
		st.Written = [][]byte{now.Content}
	default: // another program's own
		st.Original, st.Added, st.Written = now, nil, nil
		for i := range st.Links {
			st.Links[i].Displaced = true
		}
	}
}

// edited says whether a file is ours with changes: it has our mark, or names no servers but ours.
func (st *state) edited(text []byte) bool {
	if marked(text) {
		return true
	}
	named := serversIn(text)
	return len(named) > 0 && !slices.ContainsFunc(named, func(a netip.Addr) bool { return !slices.Contains(st.Servers, a) || slices.Contains(st.Known, a) })
}

// torn says whether a file is what an overwriting leaves that was cut short, or several: each octet is one that stood or
// was to stand at its place.
func (st *state) torn(text []byte) bool {
	all := append(slices.Clone(st.Written), st.Original.Content)
	for i, c := range text {
		if c != 0 && !slices.ContainsFunc(all, func(w []byte) bool { return i < len(w) && w[i] == c }) {
			return false
		}
	}
	return true
}

// settle makes the file show the last link, or the original where there is none. before is the state as it stands.
func (k *keeper) settle(st *state, at string, now node, before []byte) (wrote bool, err error) {
	top := len(st.Links) - 1
	for top >= 0 && st.Links[top].Displaced {
		top--
	}
	want := st.Original
	if top >= 0 {
		l := st.Links[top]
		want = node{Kind: kindFile, Mode: 0o644, UID: os.Geteuid(), GID: os.Getegid(), Content: content(l, st.Original.Content, st.Added)}
		for _, a := range l.Servers {
			if !slices.Contains(st.Servers, a) {
				st.Servers = append(st.Servers, a)
			}
		}
	} else if want.Kind == kindFile {
		want.Content = without(want.Content, st.leftIn())
	}
	if st.InPlace && want.Kind == kindFile {
		want.Mode, want.UID, want.GID = now.Mode, now.UID, now.GID
	}
	if now.same(want) && !st.Writing {
		return false, k.keep(st, at, before)
	}
	st.expect(now, want)
	saved := st.format()
	at, err = k.save(st, at)
	if err != nil {
		return false, err
	}
	if !st.InPlace {
		err = k.replace(st, now, want)
	}
	if st.InPlace || inPlaceOnly(err) {
		at, err = k.overwrite(st, at, want)
	}
	if err != nil {
		return false, errors.Join(err, k.forget(st, at))
	}
	return true, k.keep(st, at, saved)
}

// expect makes the state know what the file holds of ours and is to hold, so that either is known again after a crash.
func (st *state) expect(now, want node) {
	if !st.Writing {
		st.Written = slices.DeleteFunc(st.Written, func(w []byte) bool { return string(w) != string(now.Content) })
	}
	if !want.same(st.Original) {
		st.Written = append(st.Written[max(0, len(st.Written)-maxWritten+1):], want.Content)
	}
}

// leftIn are the servers that no link wants any more, and that were not the host's before.
func (st *state) leftIn() (list []netip.Addr) {
	for _, a := range st.Servers {
		wanted := slices.ContainsFunc(st.Links, func(l claim) bool { return slices.Contains(l.Servers, a) })
		if !wanted && !slices.Contains(st.Known, a) {
			list = append(list, a)
		}
	}
	return list
}

// replace puts a node in the place of the file in one step.
func (k *keeper) replace(st *state, now, want node) error {
	kept, err := k.disk.Look(k.original())
	if err != nil {
		return err
	}
	switch {
	case want.Kind == kindNone:
		err = k.disk.Remove(k.path)
	case kept.Kind != kindNone && kept.same(want) && want.same(st.Original): // the original itself
		err = k.disk.Rename(k.original(), k.path)
	default:
		if now.same(st.Original) && now.Kind != kindNone {
			// A second name keeps it whole: what cannot be copied too. A file system without such names has the state.
			if err := k.disk.Remove(k.original()); err != nil {
				return err
			}
			_ = k.disk.Link(k.path, k.original())
		}
		if err = k.make(want); err == nil {
			err = k.disk.Rename(k.fresh(), k.path)
		}
		if err != nil {
			err = errors.Join(err, k.disk.Remove(k.fresh()))
		}
	}
	return err // where that does not reach the disk the file is as it was, which the state knows
}

// make makes what is to replace the file, and brings it to the disk.
func (k *keeper) make(n node) error {
	if n.Kind == kindLink {
		if err := k.disk.Remove(k.fresh()); err != nil {
			return err
		}
		return errors.Join(k.disk.Symlink(n.Target, k.fresh()), k.disk.Chown(k.fresh(), n.UID, n.GID))
	}
	f, err := k.create(k.fresh())
	if err != nil {
		return err
	}
	_, err = f.Write(n.Content)
	return errors.Join(err, f.Chown(n.UID, n.GID), f.Chmod(fs.FileMode(n.Mode)), f.Sync(), f.Close())
}

// inPlaceOnly says whether the file cannot be replaced, but perhaps overwritten: it is a mount point (EBUSY), or its
// directory takes no file.
func inPlaceOnly(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EXDEV)
}

// overwrite writes into the file. That takes several steps, so the state says that it is being done.
func (k *keeper) overwrite(st *state, at string, want node) (string, error) {
	if want.Kind != kindFile {
		return at, fmt.Errorf("%s cannot be replaced, and was not a regular file before", k.path)
	}
	f, err := k.disk.Open(k.path)
	if err != nil {
		return at, err
	}
	st.InPlace, st.Writing = true, true
	if at, err = k.save(st, at); err != nil {
		return at, errors.Join(err, f.Close())
	}
	_, err = f.Write(want.Content)
	if err = errors.Join(err, f.Truncate(int64(len(want.Content))), f.Sync(), f.Close()); err != nil {
		return at, err
	}
	st.Writing = false
	return at, nil
}

// keep saves the state of a file that is as it should be, unless that was done, or removes it with the last link.
func (k *keeper) keep(st *state, at string, saved []byte) error {
	if len(st.Links) == 0 {
		return k.remove(at)
	}
	if string(saved) == string(st.format()) {
		return nil
	}
	_, err := k.save(st, at)
	return err
}

// forget is keep where the file could not be changed: a state without a link says nothing that is still to be done unless
// the file is ours.
func (k *keeper) forget(st *state, at string) error {
	now, err := k.disk.Look(k.path)
	if err != nil || marked(now.Content) || st.Writing {
		return err
	}
	return k.remove(at)
}

// remove removes what stands beside the file, the state last.
func (k *keeper) remove(at string) error {
	if at == "" {
		return nil
	}
	if err := k.disk.Sync(filepath.Dir(k.path)); err != nil { // that the original is back
		return err
	}
	for _, path := range []string{k.original(), k.fresh()} {
		if err := k.disk.Remove(path); err != nil && !inPlaceOnly(err) {
			return err
		}
	}
	for _, path := range []string{at + ".new", at} {
		if err := k.disk.Remove(path); err != nil {
			return err
		}
	}
	return k.disk.Sync(filepath.Dir(at))
}

// tidy removes what a process has left that was killed before it had a state.
func (k *keeper) tidy() error {
	left := []string{k.original(), k.fresh()}
	for _, path := range k.states {
		left = append(left, path+".new")
	}
	for _, path := range left {
		if err := k.disk.Remove(path); err != nil && !inPlaceOnly(err) {
			return err
		}
	}
	return nil
}

// load reads the state; nil where there is none.
func (k *keeper) load() (st *state, at string, err error) {
	for _, path := range k.states {
		n, err := k.disk.Look(path)
		if errors.Is(err, fs.ErrPermission) {
			return nil, "", err
		}
		if err != nil || n.Kind == kindNone {
			continue
		}
		if n.Kind != kindFile || n.UID != 0 && n.UID != os.Geteuid() {
			return nil, "", fmt.Errorf("%s is not knak's: remove it", path)
		}
		st, err := parseState(n.Content)
		if errors.Is(err, errVersion) { // its link may be up
			return nil, "", fmt.Errorf("%s: %w: end that version's dial, or let it put %s right (hangup); once none of them runs, remove the state", path, err, k.path)
		}
		if err != nil { // nothing that this program has written: replacing is done in one step
			k.notice("warning", "%s: %v; what is left is put right as far as it can be", path, err)
			return nil, path, nil
		}
		return st, path, nil
	}
	return nil, "", nil
}

// save writes the state where it is, or where it can be.
func (k *keeper) save(st *state, at string) (string, error) {
	text := st.format()
	if at != "" {
		return at, k.saveAt(at, text)
	}
	var errs []error
	for _, path := range k.states {
		err := k.saveAt(path, text)
		if err == nil {
			return path, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func (k *keeper) saveAt(path string, text []byte) error {
	f, err := k.create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = k.disk.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, k.disk.Remove(path+".new"))
	}
	return k.disk.Sync(filepath.Dir(path))
}

// withClaim puts a link on top, or changes the servers of one that is there already.
func withClaim(c claim) func([]claim) []claim {
	return func(links []claim) []claim {
		i := slices.IndexFunc(links, c.same)
		if i >= 0 && !links[i].Displaced {
			links[i].Servers = c.Servers
			return links
		}
		return append(withoutClaim(c)(links), c)
	}
}

func withoutClaim(c claim) func([]claim) []claim {
	return func(links []claim) []claim { return slices.DeleteFunc(links, c.same) }
}

func (c claim) same(o claim) bool { return c.Interface == o.Interface && c.Owner == o.Owner }
