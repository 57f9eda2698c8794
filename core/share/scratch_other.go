//go:build !js

package share

import (
	"errors"
	"os"
)

// newScratch makes a file that goes with its descriptor, whatever happens.
func newScratch() (scratch, error) {
	f, err := os.CreateTemp("", "knak-share-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
