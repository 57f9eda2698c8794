// Package resolv makes the DNS servers of a link the host's own, and undoes that later. There are three ways. Which one is right
// depends on the program that owns /etc/resolv.conf on this host.
package resolv

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/plane/undo"
)

// The modes of Set.
const (
	System     = "system"     // the first of resolved, resolvconf and file that works on this host
	Resolved   = "resolved"   // use systemd-resolved, through resolvectl
	Resolvconf = "resolvconf" // use resolvconf(8)
	File       = "file"       // write resolv.conf(5) and restore the old one later
	None       = "none"       // leave the host's DNS alone
)

// Modes lists the modes in the order in which help texts show them.
func Modes() []string { return []string{System, Resolved, Resolvconf, File, None} }

// Errors of Set.
var (
	ErrMode        = errors.New("no such DNS mode")
	ErrUnavailable = errors.New("not on this host")
)

// Config says which servers to set, and how.
type Config struct {
	Mode      string // "" is System
	Interface string
	Servers   []netip.Addr // best first; if there are none, Set does nothing
	// Default says that these servers answer for names of all domains. Without it only systemd-resolved is used, in mode System:
	// the two others cannot have servers for a part of the names.
	Default bool
	Path    string // the file of mode File; "" is /etc/resolv.conf

	Notice func(level, format string, args ...any) // gets messages for people; must not be nil
}

// Host says where Set looks for the host's files and programs. The zero value is the real host; tests use other directories.
type Host struct {
	Programs []string // directories with programs; nil: those of the system, never $PATH
	Run      string   // "" is /run
	Proc     string   // "" is /proc
}

func (h Host) program(name string) (string, error) {
	dirs := h.Programs
	if dirs == nil {
		dirs = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrUnavailable)
}

func (h Host) run() string {
	if h.Run != "" {
		return h.Run
	}
	return "/run"
}

// resolvedRuns tells whether systemd-resolved is running, by the socket that it serves.
func (h Host) resolvedRuns() bool {
	_, err := os.Stat(filepath.Join(h.run(), "systemd/resolve/io.systemd.Resolve"))
	return err == nil
}

// Set makes the servers the host's own and registers the undoing in u. It returns the mode that was used.
//
// If the DNS of the host cannot be set in mode System, that is a notice, because the link works anyway. If the mode was chosen by
// name, it is an error.
func (h Host) Set(ctx context.Context, cfg Config, u *undo.List) (string, error) {
	if cfg.Mode == "" {
		cfg.Mode = System
	}
	if !slices.Contains(Modes(), cfg.Mode) {
		return "", fmt.Errorf("%q: %w (there are %s)", cfg.Mode, ErrMode, strings.Join(Modes(), ", "))
	}
	if len(cfg.Servers) == 0 || cfg.Mode == None {
		return None, nil
	}
	if cfg.Mode != System {
		return cfg.Mode, h.set(ctx, cfg.Mode, cfg, u)
	}
	mode := h.chooses(cfg.Path)
	if mode == None {
		cfg.Notice("info", "the host's DNS stays as it is: %s", notHere)
		return None, nil
	}
	if mode != Resolved && !cfg.Default {
		cfg.Notice("info", "the host's DNS stays as it is, because the link is not the default route; --dns %s changes it", mode)
		return None, nil
	}
	if err := h.set(ctx, mode, cfg, u); err != nil {
		cfg.Notice("warning", "the host's DNS stays as it is: %v; the link's servers are %v", err, cfg.Servers)
		return None, nil
	}
	return mode, nil
}

// Check says why a mode cannot work on this host, as far as that is visible without changing anything.
func (h Host) Check(mode string) error {
	if mode == Resolved && h.elsewhere() {
		return errElsewhere
	}
	program := map[string]string{Resolved: "resolvectl", Resolvconf: "resolvconf"}[mode]
	if program == "" {
		return nil
	}
	if _, err := h.program(program); err != nil {
		return fmt.Errorf("this host has no %s; --dns system takes what there is", program)
	}
	return nil
}

// elsewhere says whether this process is in another network name space than the host's services, as "ip netns exec" makes
// one. systemd-resolved and resolvconf then know nothing of its interfaces: by a number that they have in common they would
// set the servers of another one. An entry of /proc/net has an inode for each name space, and everybody may ask for it.
func (h Host) elsewhere() bool {
	proc := h.Proc
	if proc == "" {
		proc = "/proc"
	}
	theirs, err := os.Stat(filepath.Join(proc, "1/net/dev"))
	if err != nil {
		return false // of a system that hides it
	}
	own, err := os.Stat(filepath.Join(proc, "self/net/dev"))
	return err == nil && !os.SameFile(theirs, own)
}

// notHere is the advice for a name space whose resolv.conf belongs to the whole host, and whose services are elsewhere.
const notHere = "this network name space shares it with others; /etc/netns/NAME/resolv.conf gives it its own, --dns file changes the one that is shared"

var errElsewhere = errors.New("systemd-resolved serves another network name space than this one; --dns system takes what there is")

// Chooses says which mode System is on this host. It is None on systems other than Linux, which alone has the TUN plane, and in a
// network name space that has no resolv.conf of its own.
func (h Host) Chooses() string { return h.chooses("") }

func (h Host) chooses(path string) string {
	if runtime.GOOS != "linux" {
		return None
	}
	if h.elsewhere() {
		if path == "" {
			path = DefaultPath
		}
		if (system{}).Mounted(own(system{}, path)) == "" {
			return None
		}
		return File
	}
	if _, err := h.program("resolvectl"); err == nil && h.resolvedRuns() {
		return Resolved
	}
	if _, err := h.program("resolvconf"); err == nil {
		return Resolvconf
	}
	return File
}

func (h Host) set(ctx context.Context, mode string, cfg Config, u *undo.List) error {
	switch mode {
	case Resolved:
		return h.setResolved(ctx, cfg, u)
	case Resolvconf:
		return h.setResolvconf(ctx, cfg, u)
	}
	return h.setFile(ctx, cfg, u)
}
