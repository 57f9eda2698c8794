// Package device gives the modems of this machine: which they are, what each of their ttys is there for and how that is
// known, and on which to dial. It reads sysfs and, where the layout of a modem is not known, asks its ttys.
package device

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/knakppp/knak/core/modem"
)

// Root is where a machine shows its devices.
type Root struct {
	Sys fs.FS  // what is mounted on /sys; it must support fs.ReadLinkFS, as os.DirFS does
	Dev string // the directory of the device nodes, "/dev"

	// list gives the serial ports where there is no sysfs, each as a device of its own: what belongs together is not known
	// there. nil: Sys tells.
	list func() ([]modem.Candidate, error)

	// Said is what modems of a saved tree said: who they are, and what each tty answered; nil: nothing was saved.
	Said fs.FS
}

func (r Root) candidates() ([]modem.Candidate, error) {
	if r.list != nil {
		return r.list()
	}
	return modem.Find(r.Sys)
}

// Host gives the machine's own devices or, where dir is not empty, those below dir/sys and dir/dev: a tree that was
// saved on another machine, or made for a test.
func Host(dir string) Root {
	if dir == "" {
		return here()
	}
	return Root{Sys: os.DirFS(filepath.Join(dir, "sys")), Dev: filepath.Join(dir, "dev"), Said: os.DirFS(dir)}
}

// Path gives the device node of a tty.
func (r Root) Path(tty string) string { return filepath.Join(r.Dev, tty) }

// TTY gives the name of the tty that a path means: /dev/ttyUSB0 itself, or a symbolic link to it such as those in
// /dev/serial/by-id. A path that leads nowhere is taken by its last element.
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
	for range 16 { // one link after another: in a saved tree the node itself may be a link to a pseudo-terminal
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

// Lasting gives a name of a tty that is the same after the next start: that of its place on the bus, or of the device, where udev
// makes such links (serial/by-path, serial/by-id); otherwise the name itself. Two equal sticks differ by place only.
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
