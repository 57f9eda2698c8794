// Package exit gives the errors that have an exit status of their own.
package exit

import (
	"errors"
	"fmt"

	"github.com/knakppp/knak/core/link"
)

// UsageError is a mistake in flags, configuration or a profile: exit status 2, and nothing was touched.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }

// Usage makes a UsageError of an error.
func Usage(err error) error { return &UsageError{err} }

// Usagef makes a UsageError of a formatted text.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// StatusError ends the program with a status of its own. If the error was shown already, its text is empty.
type StatusError struct {
	Code link.ExitCode
	Text string
}

func (e *StatusError) Error() string { return e.Text }

// Code maps an error to the program's status.
func Code(err error) link.ExitCode {
	var usage *UsageError
	var status *StatusError
	switch {
	case err == nil:
		return link.ExitOK
	case errors.As(err, &usage):
		return link.ExitUsage
	case errors.As(err, &status):
		return status.Code
	}
	return link.ExitFatal
}
