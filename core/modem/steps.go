package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
)

// Step is one command of an adviser's, and the answer that must come.
type Step struct {
	Command string // "": nothing is sent
	// Expect lists beginnings of lines; a line with one of them must come, in the reply or after it. A final result other
	// than OK counts only if Expect names it. Empty: OK must come or, if Command is "", the time must pass.
	Expect    []string
	Timeout   time.Duration // 0: Plan.Timeout; more than five minutes: five minutes
	Sensitive bool          // neither command nor reply is shown
}

// maxStepTimeout is how long a step may take at most.
const maxStepTimeout = 5 * time.Minute

// ErrDials refuses a step that would dial: that is for Plan.DialCommand.
var ErrDials = errors.New("a step must not dial: dial.command and dial.number are for that")

// Steps is a dialogue that takes the steps in order and ends with the first that fails. The exchange must be synchronised: after
// Sync, or between other commands. Plan.Never holds.
func Steps(p Plan, steps []Step) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		for i, s := range steps {
			if err := takeStep(x, p, s); err != nil {
				return fail(err, fmt.Sprintf("step %d of %d failed", i+1, len(steps)))
			}
		}
		return nil
	}
}

func takeStep(x *at.Exchange, p Plan, s Step) error {
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = p.Timeout
	}
	timeout = min(timeout, maxStepTimeout)
	until := x.Now().Add(timeout)
	if s.Command != "" {
		line := p.expand(s.Command)
		if at.Dials(line) {
			return ErrDials
		}
		if s.Sensitive {
			line = x.Secret(line)
		}
		reply, err := x.Command(line, timeout)
		var result *at.ResultError
		if err != nil && !errors.As(err, &result) {
			return err
		}
		if len(s.Expect) == 0 || slices.ContainsFunc(append(reply.Lines, reply.Text), s.awaits) {
			return unlessExpected(err, s)
		}
		if err != nil {
			return err
		}
	}
	if len(s.Expect) == 0 {
		x.Wait(timeout)
		return nil
	}
	if _, ok := x.Expect(until.Sub(x.Now()), s.Expect...); !ok {
		return fmt.Errorf("none of %d expected lines came within %v", len(s.Expect), timeout)
	}
	return nil
}

// unlessExpected drops a refusal that the step expects.
func unlessExpected(err error, s Step) error {
	if len(s.Expect) > 0 {
		return nil
	}
	return err
}

func (s Step) awaits(line string) bool {
	return line != "" && slices.ContainsFunc(s.Expect, func(p string) bool { return strings.HasPrefix(line, p) })
}
