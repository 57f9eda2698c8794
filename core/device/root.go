// Package device gives the modems of this machine: which they are, what each of their ttys is for and how that is known, and
// which tty to dial on. It reads sysfs and, where the layout of a modem is not known, asks its ttys.
package device

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/knakppp/knak/core/modem"
)

// Root is the place where a machine shows its devices.
type Root struct {
	Sys fs.FS  // the file system at /sys; it must support fs.ReadLinkFS, as os.DirFS does
	Dev string // the directory of the device nodes, "/dev"

	// list gives the serial ports of a system without sysfs. Each is a device of its own, because such a system does not say
	// which ports belong to one modem. nil: the ports are read from Sys.
	list func() ([]modem.Candidate, error)

	// Said holds what the modems of a saved tree answered: their identities, and the answer of each tty. nil: nothing was
	// saved.
	Said fs.FS
}

func (r Root) candidates() ([]modem.Candidate, error) {
	if r.list != nil {
		return r.list()
	}
	return modem.Find(r.Sys)
}

// Host gives the machine's own devices or, where dir is not empty, those below dir/sys and dir/dev. Such a tree was saved on
// another machine, or made for a test.
func Host(dir string) Root {
	if dir == "" {
		return here()
	}
	return Root{Sys: os.DirFS(filepath.Join(dir, "sys")), Dev: filepath.Join(dir, "dev"), Said: os.DirFS(dir)}
}

// Path gives the device node of a tty.
func (r Root) Path(tty string) string { return filepath.Join(r.Dev, tty) }

// TTY gives the name of the tty that a path means: /dev/ttyUSB0 itself, or a symbolic link to it such as those in
// /dev/serial/by-id. If the path leads nowhere, its last element is the name.
func (r Root) TTY(path string) string {
	if r.list != nil {
		return shortName(path)
	}
	dev, err := filepath.Abs(r.Dev)
	if err != nil {
		dev = r.Dev
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for range 16 { // a link may lead to another link; in a saved tree the node itself may be a link to a pseudo-terminal
		if filepath.Dir(path) == dev {
			if _, err := fs.Stat(r.Sys, "class/tty/"+filepath.Base(path)); err == nil {
				break
			}
		}
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return filepath.Base(path)
}

// Lasting gives a path to a tty that stays the same after the next start: udev's link by place (serial/by-path) or by device
// (serial/by-id); without such a link, the path itself. Two sticks of the same model differ by place only.
func (r Root) Lasting(path string) string {
	tty := r.TTY(path)
	for _, dir := range []string{"serial/by-path", "serial/by-id"} {
		links, _ := filepath.Glob(filepath.Join(r.Dev, dir, "*")) // the pattern is right
		for _, name := range links {
			if r.TTY(name) == tty {
				return name
			}
		}
	}
	return path
}
