//go:build !linux

package device

import "errors"

// Eject always fails: sending the command to a disc is implemented for Linux only.
func Eject(Root, StorageDevice) error {
	return errors.New("knak ejects driver discs on Linux only: eject the disc by hand")
}
