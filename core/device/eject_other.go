//go:build !linux

package device

import "errors"

// Eject fails: only Linux lets a program send a disc the command.
func Eject(Root, StorageDevice) error {
	return errors.New("knak ejects driver discs on Linux only: eject it by hand, as any disc")
}
