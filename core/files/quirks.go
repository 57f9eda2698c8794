package files

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
	"github.com/knakppp/knak/quirks/bundle"
)

// Quirks gives the places of the layers of profiles on this machine.
func Quirks() quirks.Sources {
	s := quirks.Sources{Builtin: knak.Files, Update: Updates().Current(), System: System(), Root: os.Geteuid() == 0}
	if dir, err := os.UserConfigDir(); err == nil {
		s.User = filepath.Join(dir, "knak")
	}
	return s
}

// Updates is where updates of the quirk database are installed. They are for all users, except on Windows, where they are for this
// user.
func Updates() bundle.Store {
	if dir := os.Getenv("KNAK_STATE_DIR"); dir != "" {
		return bundle.Store{Dir: dir}
	}
	if runtime.GOOS == "windows" {
		return bundle.Store{Dir: State()}
	}
	return bundle.Store{Dir: systemStateDir}
}
