package resolv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/core/plane/undo"
)

// maxServers is what the C library's resolver uses (MAXNS in resolv.h).
const maxServers = 3

// setFile puts our resolv.conf in the place of the old one by rename, so that no reader ever sees half a file. The old
// one, which may be a symbolic link, keeps a second name beside it until the undoing renames it back: owner, mode and
// link survive without being copied.
func setFile(cfg Config, u *undo.List) error {
	path := cfg.Path
	if path == "" {
		path = "/etc/resolv.conf"
	}
	backup := fmt.Sprintf("%s.before-%s", path, cfg.Interface)
	if err := repair(path, backup, cfg.Interface); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ours := content(cfg, old)
	temporary, err := writeBeside(path, ours)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)

	hadOne := true
	if err := os.Link(path, backup); errors.Is(err, fs.ErrNotExist) {
		hadOne = false
	} else if err != nil {
		return fmt.Errorf("keep the old %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		if hadOne {
			os.Remove(backup)
		}
		return fmt.Errorf("replace %s: %w", path, err)
	}
	u.Add("restore "+path, func() error {
		now, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(now, ours) || errors.Is(err, fs.ErrNotExist) {
			// Somebody has written the file since: it is theirs, and newer than what we have kept.
			cfg.Notice("info", "%s was changed by another program while the link was up: it stays as it is", path)
			if hadOne {
				return os.Remove(backup)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if !hadOne {
			return os.Remove(path)
		}
		return os.Rename(backup, path)
	})
	return nil
}

// repair finds the backup of a run that ended without its undoing. Where the file is still that run's, the backup is the
// host's own file and comes back; otherwise somebody has written a newer one.
func repair(path, backup, link string) error {
	if _, err := os.Lstat(backup); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if now, err := os.ReadFile(path); err == nil && bytes.HasPrefix(now, []byte(mark(link))) {
		return os.Rename(backup, path)
	}
	return os.Remove(backup)
}

func mark(link string) string {
	return fmt.Sprintf("# Made by knak for the link %s. The file that was here comes back when the link ends.\n", link)
}

// content is our file: the servers of the link and every line of the old file that is not about servers.
func content(cfg Config, old []byte) []byte {
	var b bytes.Buffer
	b.WriteString(mark(cfg.Interface))
	b.WriteString(nameservers(cfg))
	for line := range strings.Lines(string(old)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "nameserver" || strings.ContainsAny(fields[0][:1], "#;") {
			continue
		}
		b.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	return b.Bytes()
}

func nameservers(cfg Config) string {
	var b strings.Builder
	for i, s := range cfg.Servers {
		if i == maxServers {
			break
		}
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	return b.String()
}

// writeBeside writes a file that everybody may read, in the directory of path, and returns its name.
func writeBeside(path string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".resolv.conf.knak-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return "", err
	}
	if err := f.Chmod(0o644); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}
