//go:build !js

package share

import (
	"errors"
	"os"
	"runtime"
)

// newScratch makes a file that goes with its descriptor, whatever happens; on Windows when it is closed.
func newScratch() (scratch, error) {
	f, err := os.CreateTemp("", "knak-share-*")
	if err != nil {
		return nil, err
	}
	if runtime.GOOS == "windows" {
		return laterGone{f}, nil
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// laterGone is a file of Windows, which removes none that is open.
type laterGone struct{ *os.File }

func (l laterGone) Close() error { return errors.Join(l.File.Close(), os.Remove(l.Name())) }
