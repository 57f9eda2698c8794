package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/trust"
)

// Store is the place of installed bundles. Below its directory, usually /var/lib/knak, updates/<serial>/ holds the files of one
// bundle, and the symbolic link updates/current leads to the active one. The one before it is kept.
type Store struct{ Dir string }

// Current gives the directory of the active bundle, for quirks.Sources; it may not exist.
func (s Store) Current() string { return filepath.Join(s.Dir, "updates", "current") }

// Installed gives the manifest of the active bundle. ok is false if there is none.
func (s Store) Installed() (m Manifest, ok bool, err error) {
	name := filepath.Join(s.Current(), manifestName)
	text, err := foreign.Read(name, foreign.Rules{Limit: maxFile})
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		m, err = parseManifest(text)
	}
	if err != nil {
		return m, false, fmt.Errorf("the installed update: %s: %w; remove %s to begin anew", name, err, s.Current())
	}
	return m, true, nil
}

// Lock keeps other processes from installing at the same time, until release is called.
func (s Store) Lock() (release func(), err error) {
	dir := filepath.Join(s.Dir, "updates")
	for _, d := range []string{s.Dir, dir} {
		if err := prepare(d); err != nil {
			return nil, err
		}
	}
	f, err := foreign.Lock(filepath.Join(dir, ".lock"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.New("another update is being installed")
	}
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// prepare makes a directory of the store, readable by all whatever the umask. Running as root it refuses one in which
// somebody else could exchange what was verified, or lead what is written and removed elsewhere.
func prepare(dir string) error {
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		return os.Chmod(dir, 0o755)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !st.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case os.Geteuid() != 0:
		return nil
	case st.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s is refused, because others may write there: chmod go-w", dir)
	}
	if uid, ok := trust.Owner(st); ok && uid != 0 {
		return fmt.Errorf("%s is refused, because it belongs to somebody else than root", dir)
	}
	return nil
}

// Unpack writes the files of a bundle into dir, which must exist and be empty.
func (b *Bundle) Unpack(dir string) error {
	write := func(name string, text []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := makeDirs(dir, filepath.Dir(path)); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err = f.Write(text); err == nil {
			err = f.Chmod(0o644)
		}
		if err == nil {
			err = f.Sync()
		}
		return err
	}
	for _, name := range b.Files() {
		if err := write(name, b.files[name]); err != nil {
			return err
		}
	}
	return write(manifestName, b.manifest)
}

// makeDirs makes the directories from root down to dir, readable by all whatever the umask.
func makeDirs(root, dir string) error {
	if dir != root {
		if err := makeDirs(root, filepath.Dir(dir)); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

// Install makes a bundle the active one: it writes its files beside the others, then replaces the link in one step. Before that
// step nothing has changed, so a crash leaves the old bundle active.
func (s Store) Install(b *Bundle) error {
	dir := filepath.Join(s.Dir, "updates")
	old, _ := os.Readlink(s.Current())
	temp, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := b.Unpack(temp); err != nil {
		return err
	}
	if err := foreign.Settle(temp); err != nil {
		return err
	}
	name := strconv.FormatInt(b.Manifest.Serial, 10)
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil { // left by a crash: it never counted
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	link := filepath.Join(dir, ".current")
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(name, link); err != nil {
		return err
	}
	if err := os.Rename(link, s.Current()); err != nil {
		return err
	}
	if err := foreign.Settle(dir); err != nil {
		return err
	}
	return s.prune(name, old)
}

// prune removes bundles but the given ones.
func (s Store) prune(keep ...string) error {
	dir := filepath.Join(s.Dir, "updates")
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
next:
	for _, e := range list {
		for _, k := range keep {
			if e.Name() == k {
				continue next
			}
		}
		if _, err := strconv.ParseInt(e.Name(), 10, 64); err == nil || strings.HasPrefix(e.Name(), ".new-") {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
