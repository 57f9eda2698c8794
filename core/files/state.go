// Package files says where this machine has knak's files: what must outlive a run, the layers of profiles, the scenarios of people.
package files

import (
	"os"
	"path/filepath"
	"runtime"
)

// systemStateDir is where root's knak keeps what must outlive a run.
const systemStateDir = "/var/lib/knak"

// System is the directory of the configuration, formats and profiles that an administrator has written for all users: /etc/knak. It
// is "" on Windows: below the root of a drive, and below %ProgramData%, every user may make such a directory.
func System() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return "/etc/knak"
}

// State is where this user's knak keeps what must outlive a run: $KNAK_STATE_DIR, or /var/lib/knak for root, or knak
// below $XDG_STATE_HOME; on Windows knak below %LocalAppData%.
func State() string {
	if dir := os.Getenv("KNAK_STATE_DIR"); dir != "" {
		return dir
	}
	if runtime.GOOS == "windows" {
		if dir, err := os.UserCacheDir(); err == nil {
			return filepath.Join(dir, "knak")
		}
	}
	if os.Geteuid() == 0 {
		return systemStateDir
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "knak")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "knak")
}

// SimulatedState is where a state directory holds what simulated modems have shown: they may say that they are whichever, so it must
// not be taken for what real ones have.
func SimulatedState(dir string) string { return filepath.Join(dir, "sim") }
