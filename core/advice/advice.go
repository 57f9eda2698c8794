// Package advice defines what a link asks an adviser, and the possible answers: plain values and one interface. The adviser may
// be a plugin in another process, a script, or a test; the link does not know.
//
// An answer is a proposal. The link checks it and encodes it itself. If there is no answer, a wrong one, or none in time, the
// link decides by itself. What a person chose on the command line or in their own configuration has precedence over any answer.
package advice

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Adviser answers the questions of a link.
type Adviser interface {
	// Wants says whether the adviser wants to be asked a question. It is called often, from inside a machine: it must be quick, do
	// no I/O, never block, and be safe for concurrent use. Only the fields that the question's comment names are set.
	Wants(Question) bool
	// Ask asks. It must return when ctx ends, and be safe for concurrent use; the question must not be changed. A nil or zero
	// Answer means no opinion. An error says what went wrong; an answer returned with it counts too, because only one of
	// several advisers may have failed. A *RequiredError in it ends the dial.
	Ask(ctx context.Context, q Question) (Answer, error)
}

// Kind is the kind of a question.
type Kind string

// The kinds of questions, in the order in which a dial asks them.
const (
	KindIdentify    Kind = "identify"    // Identify -> Identified
	KindCredentials Kind = "credentials" // Credentials -> Login
	KindSteps       Kind = "steps"       // Steps -> Plan
	KindChallenge   Kind = "challenge"   // Challenge -> Response
	KindDecide      Kind = "decide"      // Decide -> Verdict
	KindProve       Kind = "prove"       // Prove -> Proof
)

// Question is one of Identify, Credentials, Steps, Challenge, Decide and Prove.
type Question interface {
	Kind() Kind
	// Redacted gives the question without secrets, for an adviser that may not see them. For a Challenge, which consists of
	// secrets, it is nil: such an adviser must not be asked.
	Redacted() Question
}

// Answer is one of Identified, Login, Plan, Response, Verdict and Proof.
type Answer interface {
	// To is the kind of question that it answers.
	To() Kind
	// Opinion says whether the answer holds anything; a zero Answer does not.
	Opinion() bool
}

// Budget is how long a question may take: after soft, slow advisers should be reported; after hard, the link goes on without an
// answer. If several are asked, it is for all of them together. The ctx of Ask ends a little after hard, so that an Adviser that
// keeps the budget itself can still say who was late.
func Budget(k Kind) (soft, hard time.Duration) {
	soft, hard = budget(k)
	if n, err := strconv.Atoi(patience); err == nil {
		hard *= time.Duration(n)
	}
	return soft, hard
}

// patience is how many times longer than usual hard is. Tests that run a whole knak build it so (-ldflags -X): where eight other
// programs want the processor, too, an answer within the usual time is nothing that a test can ask for.
var patience = ""

func budget(k Kind) (soft, hard time.Duration) {
	switch k {
	case KindIdentify:
		return 200 * time.Millisecond, time.Second
	case KindCredentials:
		return time.Second, 10 * time.Second // it may reach a store of secrets
	case KindSteps:
		return 500 * time.Millisecond, 2 * time.Second
	case KindProve:
		return time.Second, 5 * time.Second
	case KindChallenge:
		return 200 * time.Millisecond, 2 * time.Second // a key store may be slow, and nobody repeats a challenge sooner
	default: // decide: far below any restart timer, so that no packet is ever sent again for it
		return 20 * time.Millisecond, 150 * time.Millisecond
	}
}

// RequiredError means that an adviser that is required has failed: it ends the dial (exit code 34). A link that is up stays up.
type RequiredError struct {
	By  string // for example "plugin acme"
	Err error
}

func (e *RequiredError) Error() string {
	return fmt.Sprintf("%s is required and failed: %v", e.By, e.Err)
}

// Unwrap gives the cause.
func (e *RequiredError) Unwrap() error { return e.Err }

// FailedError says which adviser failed, so that each is reported once and not with every question.
type FailedError struct {
	By  string
	Err error
}

func (e *FailedError) Error() string { return fmt.Sprintf("%s: %v", e.By, e.Err) }

// Unwrap gives the cause.
func (e *FailedError) Unwrap() error { return e.Err }

// ErrTooLate means that an adviser did not answer in time.
var ErrTooLate = errors.New("no answer in time")

// Failures splits an error of Ask into one failure for each adviser that failed. By is "" if the error does not name
// the adviser.
func Failures(err error) []FailedError {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this is what takes it apart
		var list []FailedError
		for _, e := range joined.Unwrap() {
			list = append(list, Failures(e)...)
		}
		return list
	}
	var required *RequiredError
	var failed *FailedError
	switch {
	case errors.As(err, &required):
		return []FailedError{{required.By, required.Err}}
	case errors.As(err, &failed):
		return []FailedError{*failed}
	}
	return []FailedError{{Err: err}}
}

// Consult asks, and turns a panic into an error.
func Consult(ctx context.Context, by Adviser, q Question) (a Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, fmt.Errorf("it panicked: %v", p)
		}
	}()
	return by.Ask(ctx, q)
}
