package quirks

import (
	"errors"
	"io/fs"
)

// onlyRootWrites refuses what somebody other than root could have written: such a file would let them send AT commands
// and choose addresses with root's rights.
func onlyRootWrites(info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("refused, because knak runs as root and others may write here: chmod go-w")
	}
	if ownedByAnother(info) {
		return errors.New("refused, because knak runs as root and somebody else is the owner: chown root")
	}
	return nil
}
