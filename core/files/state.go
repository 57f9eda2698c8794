// Package files says where knak's files are on this machine: the state that must outlive a run, the layers of profiles, and
// scenarios.
package files

import (
	"os"
	"path/filepath"
	"runtime"
)

// systemStateDir is where root's knak keeps what must outlive a run.
const systemStateDir = "/var/lib/knak"

// System is the directory of the configuration, formats and profiles that an administrator has written for all users: /etc/knak.
// It is "" on Windows, because every user may make directories below the root of a drive and below %ProgramData%.
func System() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return "/etc/knak"
}

// State is where this user's knak keeps state that must outlive a run: $KNAK_STATE_DIR; else /var/lib/knak for root; else knak
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

// SimulatedState is the directory, below a state directory, for observations of simulated modems. They are kept apart from those
// of real modems because a simulated modem may claim to be any model.
func SimulatedState(dir string) string { return filepath.Join(dir, "sim") }
