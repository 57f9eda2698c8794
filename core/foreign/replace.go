package foreign

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace replaces a file in one step: a reader sees the old content or the new one, never a part, even after a crash. The content
// is on the disk before the name leads to it, and the name is on the disk before Replace returns. The directory must be one in
// which nobody else makes files.
func Replace(path string, content []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // O_EXCL: it never leads through a link
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what counts is err
		}
	}()
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	return Settle(dir)
}
