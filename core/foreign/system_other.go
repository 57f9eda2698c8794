//go:build !unix && !windows

package foreign

import (
	"errors"
	"os"
)

// A browser has no files of other users.
const openNonblock, openNoTTY, openNoFollow = 0, 0, 0

func flock(*os.File) error { return errors.ErrUnsupported }

// Settle has nothing to do.
func Settle(string) error { return nil }
