package device

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/quirks"
)

// shownAttributes are the attributes of USB devices and interfaces that are saved. The serial number is not among them: in many
// modems it is the IMEI. manufacturer, product and interface are free text and are checked by hidden.
var shownAttributes = []string{"idVendor", "idProduct", "bcdDevice", "bDeviceClass", "bNumInterfaces", "manufacturer", "product",
	"bInterfaceNumber", "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol", "bNumEndpoints", "interface"}

// Save packs what knak reads about the devices into a new file. The file is a tar.gz with a tree that Host can read: the
// attributes and drivers of USB devices, the ttys, the answer of each tty that was asked, and the identities of the modems.
func Save(name string, root Root, list []Device) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	z := gzip.NewWriter(f)
	p := packer{w: tar.NewWriter(z), sys: root.Sys, seen: map[string]bool{}}
	p.dir("sys/class/tty")
	p.dir("sys/bus/usb/devices")
	p.dir("dev")
	devices, err := fs.ReadDir(root.Sys, "bus/usb/devices")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.err = err
	}
	for _, d := range devices {
		if !strings.Contains(d.Name(), ":") && !strings.HasPrefix(d.Name(), "usb") {
			p.usb(d.Name())
		}
	}
	for _, d := range list {
		if id := d.Identity; id != (Identity{}) {
			b, err := json.Marshal(Identity{hidden(id.Vendor), hidden(id.Model), hidden(id.Firmware)})
			p.err = errors.Join(p.err, err)
			p.file("identity/"+d.Path, append(b, '\n'))
		}
		for i, port := range d.Candidate.Ports {
			if d.USB != "" {
				p.tty(port.Name)
			}
			if said := d.Layout.TTYs[i].Answer.String(); d.Layout.TTYs[i].Answer != 0 {
				p.file("answers/"+port.Name, []byte(said+"\n"))
			}
		}
	}
	return errors.Join(p.err, p.w.Close(), z.Close(), f.Close())
}

// packer writes the tree, and keeps the first error.
type packer struct {
	w    *tar.Writer
	sys  fs.FS
	seen map[string]bool
	err  error
}

var packedAt = time.Unix(0, 0) // the same tree gives the same file

func (p *packer) put(h tar.Header, content []byte) {
	if p.err != nil || p.seen[h.Name] {
		return
	}
	p.seen[h.Name] = true
	h.ModTime, h.Mode, h.Size = packedAt, 0o644, int64(len(content))
	if h.Typeflag == tar.TypeDir {
		h.Mode = 0o755
	}
	if p.err = p.w.WriteHeader(&h); p.err == nil {
		_, p.err = p.w.Write(content)
	}
}

func (p *packer) dir(name string) {
	if name != "." {
		p.dirsAbove(name)
		p.put(tar.Header{Name: name + "/", Typeflag: tar.TypeDir}, nil)
	}
}

func (p *packer) dirsAbove(name string) {
	if up := path.Dir(name); up != "." && !p.seen[up+"/"] {
		p.dir(up)
	}
}

func (p *packer) file(name string, content []byte) {
	p.dirsAbove(name)
	p.put(tar.Header{Name: name, Typeflag: tar.TypeReg}, content)
}

func (p *packer) link(name string) (target string, ok bool) {
	to, err := fs.ReadLink(p.sys, name)
	if err != nil {
		return "", false
	}
	p.dirsAbove("sys/" + name)
	p.put(tar.Header{Name: "sys/" + name, Typeflag: tar.TypeSymlink, Linkname: to}, nil)
	return path.Join(path.Dir(name), to), true
}

// attributes packs the attributes of a directory that are in shownAttributes, and the name of its driver.
func (p *packer) attributes(dir string) {
	for _, a := range shownAttributes {
		b, err := fs.ReadFile(p.sys, dir+"/"+a)
		if err != nil || len(b) > 256 {
			continue
		}
		if a == "manufacturer" || a == "product" || a == "interface" {
			b = hideDigits(b)
		}
		p.file("sys/"+dir+"/"+a, b)
	}
	if _, err := fs.ReadLink(p.sys, dir+"/driver"); err == nil {
		p.link(dir + "/driver")
	}
}

// hidden gives a text of the modem's without anything that may be a serial number or an identity.
func hidden(text string) string { return string(hideDigits([]byte(private.Identities(text)))) }

// heard adds what a saved tree says about a device.
func (r Root) heard(d *Device) {
	if r.Said == nil {
		return
	}
	if b, err := fs.ReadFile(r.Said, "identity/"+d.Path); err == nil && len(b) <= 1024 {
		_ = json.Unmarshal(b, &d.Identity) // a file that cannot be read gives no identity
	}
	for i, p := range d.Candidate.Ports {
		b, err := fs.ReadFile(r.Said, "answers/"+p.Name)
		if err != nil || len(b) > 64 {
			continue
		}
		for a := quirks.Commands; a <= quirks.Refused; a++ {
			if strings.TrimSpace(string(b)) == a.String() {
				d.Layout.TTYs[i].Answer = a
			}
		}
	}
}

// hideDigits hides what may be a serial number in free text: seven digits or more in a row.
func hideDigits(b []byte) []byte {
	out := append([]byte(nil), b...)
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && out[j] >= '0' && out[j] <= '9' {
			j++
		}
		if j-i >= 7 {
			for k := i; k < j; k++ {
				out[k] = '0'
			}
		}
		i = max(j, i+1)
	}
	return out
}

// usb packs a USB device. Hubs and keyboards are packed too, because other devices on the bus may matter; directories below
// interfaces are not.
func (p *packer) usb(name string) {
	dir, ok := p.link("bus/usb/devices/" + name)
	if !ok {
		return
	}
	p.attributes(dir)
	entries, err := fs.ReadDir(p.sys, dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+":") {
			p.attributes(dir + "/" + e.Name())
		}
	}
}

func (p *packer) tty(name string) {
	if dir, ok := p.link("class/tty/" + name); ok {
		if b, err := fs.ReadFile(p.sys, dir+"/dev"); err == nil && len(b) < 32 {
			p.file("sys/"+dir+"/dev", b)
		} else {
			p.dir("sys/" + dir)
		}
		if b, err := fs.ReadFile(p.sys, dir+"/hsotype"); err == nil && len(b) < 64 {
			p.file("sys/"+dir+"/hsotype", b)
		}
	}
}

// Limits of what Unpack accepts.
const (
	maxSaved      = 1 << 20  // octets of the file
	maxUnpacked   = 16 << 20 // of its content
	maxSavedFiles = 20_000
)

// Unpack gives the tree of a file that Save wrote, or of a directory that is such a tree. done removes what was unpacked.
func Unpack(name string) (root Root, done func(), err error) {
	info, err := os.Stat(name)
	if err != nil {
		return Root{}, nil, err
	}
	if info.IsDir() {
		return saved(name, name)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSaved {
		return Root{}, nil, fmt.Errorf("%s must be a file of at most %d octets", name, maxSaved)
	}
	dir, err := os.MkdirTemp("", "knak-devices-")
	if err != nil {
		return Root{}, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := unpack(name, dir); err != nil {
		remove()
		return Root{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	root, closed, err := saved(name, dir)
	if err != nil {
		remove()
		return Root{}, nil, err
	}
	return root, func() { closed(); remove() }, nil
}

// saved gives the tree below dir, which somebody else has made: nothing in it leads out of it (os.Root), be it by several links of
// which each seems to stay inside.
func saved(name, dir string) (root Root, done func(), err error) {
	all, err := os.OpenRoot(dir)
	if err != nil {
		return Root{}, nil, err
	}
	sys, err := all.OpenRoot("sys")
	if err != nil {
		return Root{}, nil, errors.Join(fmt.Errorf("%s is not a saved machine: it has no directory sys", name), all.Close())
	}
	done = func() { _, _ = sys.Close(), all.Close() }
	return Root{Sys: sys.FS(), Dev: filepath.Join(dir, "dev"), Said: all.FS()}, done, nil
}

// unpack writes a tree below dir. os.Root keeps every name of the archive inside. Links are made, not followed; the file
// system that follows them later does not leave the tree either (saved).
func unpack(name, dir string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("this is not a file of knak devices --save: %w", err)
	}
	inside, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer inside.Close()
	t := tar.NewReader(io.LimitReader(z, maxUnpacked))
	for n := 0; ; n++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("this is not a file of knak devices --save: %w", err)
		case n >= maxSavedFiles:
			return fmt.Errorf("more than %d files in the archive", maxSavedFiles)
		}
		clean := path.Clean(h.Name)
		if err := inside.MkdirAll(path.Dir(clean), 0o755); err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = inside.MkdirAll(clean, 0o755)
		case tar.TypeSymlink:
			if path.IsAbs(h.Linkname) || !fs.ValidPath(path.Join(path.Dir(clean), h.Linkname)) {
				return fmt.Errorf("the link %s leads out of the tree", h.Name)
			}
			err = inside.Symlink(h.Linkname, clean)
		case tar.TypeReg:
			var b []byte
			if b, err = io.ReadAll(t); err == nil {
				err = inside.WriteFile(clean, b, 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
}
