//go:build !unix

package foreign

import (
	"errors"
	"os"
)

// Where the system is no Unix there are no such flags: what was opened is judged all the same. A dial with hooks, plugins
// and state, for which they matter most, runs on Unix only.
const openNonblock, openNoTTY, openNoFollow = 0, 0, 0

func flock(*os.File) error { return errors.ErrUnsupported }
