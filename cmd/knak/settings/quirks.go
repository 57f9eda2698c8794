package settings

import (
	"fmt"

	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
)

// OpenQuirks reads the quirk database of this machine, and reports mistakes in outer layers on standard error.
func OpenQuirks(t *terminal.Terminal) (*quirks.DB, error) {
	db, problems := quirks.Open(files.Quirks())
	for _, p := range problems {
		if p.Layer == quirks.Builtin {
			return nil, fmt.Errorf("built-in quirks: %w", p)
		}
		fmt.Fprintf(t.Err, "knak: %s layer: %s (the file is left out)\n", p.Layer, p)
	}
	return db, nil
}
