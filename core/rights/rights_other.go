//go:build !linux

// Package rights gives up rights that a running dial does not need. It knows how on Linux only.
package rights

import "errors"

// NoDump does nothing: the error is errors.ErrUnsupported.
func NoDump() error { return errors.ErrUnsupported }

// Drop does nothing: the error is errors.ErrUnsupported.
func Drop() error { return errors.ErrUnsupported }

// Filter does nothing: the error is errors.ErrUnsupported.
func Filter() error { return errors.ErrUnsupported }

// Story says for people which rights a dial of this user keeps and gives up.
func Story() string {
	return "a dial keeps the rights of its user: giving up is done by means that Linux alone has"
}
