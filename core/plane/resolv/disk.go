package resolv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/knakppp/knak/core/foreign"
)

// The kinds of node.
const (
	kindNone = "none" // nothing has the name
	kindFile = "file"
	kindLink = "link"
)

// node describes the file at a path, with everything that must be restored.
type node struct {
	Kind    string `json:"kind"`
	Target  string `json:"target,omitempty"`  // of a link
	Content []byte `json:"content,omitempty"` // of a file, or of what the link leads to
	Mode    uint32 `json:"mode,omitempty"`    // of a file: permissions
	UID     int    `json:"uid,omitempty"`
	GID     int    `json:"gid,omitempty"`
}

// same says whether two files or links are equal in content, owner and mode. For a link only its target counts, not
// what stands at the target.
func (n node) same(o node) bool {
	switch {
	case n.Kind != o.Kind, n.UID != o.UID, n.GID != o.GID:
		return false
	case n.Kind == kindLink:
		return n.Target == o.Target
	}
	return string(n.Content) == string(o.Content) && n.Mode == o.Mode
}

// disk is the set of system calls that change resolv.conf. A test replaces it to simulate a power failure between any two calls.
type disk interface {
	Look(path string) (node, error) // kindNone where there is nothing
	Create(path string) (diskFile, error)
	Open(path string) (diskFile, error) // for writing
	Rename(from, to string) error
	Link(from, to string) error
	Symlink(target, path string) error
	Chown(path string, uid, gid int) error // of a link itself
	Remove(path string) error              // no error where there is nothing
	Sync(dir string) error
	Mounted(path string) string // what is mounted at this very name, "" if nothing is
}

// diskFile is a file that is being written.
type diskFile interface {
	Write(content []byte) (int, error)
	Truncate(size int64) error
	Chown(uid, gid int) error
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// system is the real disk.
type system struct{}

// maxContent is the greatest size of a resolv.conf. maxState is that of the state, which may hold three.
const (
	maxContent = 64 << 10
	maxState   = 1 << 20
)

func (system) Look(path string) (node, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return node{Kind: kindNone}, nil
	}
	if err != nil {
		return node{}, err
	}
	n := node{Kind: kindFile, Mode: uint32(info.Mode().Perm())}
	n.UID, n.GID = whose(info)
	if info.Mode()&fs.ModeSymlink != 0 {
		n.Kind, n.Mode = kindLink, 0
		if n.Target, err = os.Readlink(path); err != nil {
			return node{}, err
		}
		content, err := foreign.Read(path, foreign.Rules{Limit: maxState, Links: true})
		if err == nil { // otherwise it leads nowhere, or to what is no resolv.conf
			n.Content = content
		}
		return n, nil
	}
	n.Content, err = foreign.Read(path, foreign.Rules{Limit: maxState})
	return n, err
}

func (system) Create(path string) (diskFile, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL | noFollow
	f, err := os.OpenFile(path, flags, 0o600)
	if dir := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && filepath.Base(dir) == "knak" { // one of our own
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, flags, 0o600)
	}
	if err != nil {
		return nil, err // and not an interface that holds a nil pointer
	}
	return systemFile{f}, nil
}

func (system) Open(path string) (diskFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|noFollow|noWait, 0)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

type systemFile struct{ *os.File }

func (f systemFile) Sync() error { return settled(f.File.Sync()) }

// settled forgives a file system that has nothing to bring to a disk (fsync(2), EINVAL).
func settled(err error) error {
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

func (system) Rename(from, to string) error          { return os.Rename(from, to) }
func (system) Link(from, to string) error            { return os.Link(from, to) }
func (system) Symlink(target, path string) error     { return os.Symlink(target, path) }
func (system) Chown(path string, uid, gid int) error { return os.Lchown(path, uid, gid) }
func (system) Sync(dir string) error                 { return settled(foreign.Settle(dir)) }

// Mounted says whether a path is a mount point of this name space (proc_pid_mountinfo(5), fields 4 and 5; the last mount counts).
func (system) Mounted(path string) (root string) {
	text, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 4 && mountEscapes.Replace(f[4]) == path {
			root = f[3]
		}
	}
	return root
}

// mountEscapes are those of /proc/self/mountinfo.
var mountEscapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func (system) Remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
