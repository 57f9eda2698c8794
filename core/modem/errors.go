package modem

import (
	"errors"
	"fmt"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// Kind names what went wrong on the modem's side, in the words of event.Failure.Cause.
type Kind string

// The kinds of failure that the dialogues of this package end in.
const (
	Silent       Kind = event.FailedModemSilent        // no answer to AT
	NoSIM        Kind = event.FailedNoSIM              // no SIM, or it has failed
	PINNeeded    Kind = event.FailedPINNeeded          // a PIN is asked for and none is set
	PINWrong     Kind = event.FailedPINWrong           // the PIN was refused, or must not be risked
	PUKNeeded    Kind = event.FailedPUKNeeded          // the SIM is blocked; only a person may enter a PUK
	Unregistered Kind = event.FailedNotRegistered      // no network within the time allowed
	Denied       Kind = event.FailedRegistrationDenied // the network refuses this subscription
	DialRefused  Kind = event.FailedDialRefused        // no CONNECT; Result holds the modem's words
	ATError      Kind = event.FailedATError            // a command that must succeed did not
	DataMode     Kind = event.FailedDataMode           // the port carries PPP frames, and the modem did not leave the data state
)

// Error ends a dialogue if the modem, the SIM or the network does not do what is needed.
type Error struct {
	Kind   Kind
	Result string // the modem's answer, without secrets; "": none
	Text   string // what happened, in a few words
	Err    error  // the underlying error, or nil
}

func (e *Error) Error() string {
	s := e.Text
	if e.Result != "" {
		s += fmt.Sprintf(" (%s)", e.Result)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// PINRefusedError means that the SIM refused the PIN, or that the PIN was not sent because that could lock the SIM. The caller
// must not run the same plan again: three wrong PINs lock the SIM.
type PINRefusedError struct {
	Remaining int    // tries that are left; -1: not known
	Guessed   bool   // Remaining was counted by knak, because the modem does not report it
	Tried     bool   // false: the PIN was not sent, to leave the last tries to a person
	Before    bool   // it was not sent because the SIM has refused it in an earlier run
	Result    string // the modem's words
}

func (e *PINRefusedError) Error() string {
	what := "the SIM refused the PIN"
	switch {
	case e.Before:
		what = "the PIN was not sent: the SIM has refused this one before"
	case !e.Tried:
		what = "the PIN was not sent to the SIM, to leave the last tries to a person"
	}
	if e.Result != "" {
		what += fmt.Sprintf(" (%s)", e.Result)
	}
	switch {
	case e.Remaining == 1 && e.Guessed:
		what += "; perhaps 1 try is left"
	case e.Remaining == 1:
		what += "; 1 try is left"
	case e.Remaining >= 0 && e.Guessed:
		what += fmt.Sprintf("; perhaps %d tries are left", e.Remaining)
	case e.Remaining >= 0:
		what += fmt.Sprintf("; %d tries are left", e.Remaining)
	}
	switch {
	case e.Before:
		what += "; set the right PIN, or say --pin-again once if the SIM's own was changed"
	case !e.Tried && e.Remaining != 0:
		what += "; --pin-last-try sends it all the same"
	}
	return what
}

// KindOf gives the kind of failure in err's chain; "" if there is no error of this package or of package at.
func KindOf(err error) Kind {
	var e *Error
	var refused *PINRefusedError
	var data *at.DataModeError
	var silent *at.TimeoutError
	var result *at.ResultError
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &refused):
		return PINWrong
	case errors.As(err, &data):
		return DataMode
	case errors.As(err, &silent):
		return Silent
	case errors.As(err, &result):
		return ATError
	}
	return ""
}
