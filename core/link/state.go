package link

import (
	"time"
)

// state is one state of a session; the package's comment shows the ways between states. A value is made when the state is
// entered, and dropped when it is left. What lasts longer belongs to the attempt or the session.
type state interface {
	// enter begins what the state is for. It may go on to another state at once.
	enter(s *Session, now time.Time)
	// leave drops what belongs only to this state. It is called before the next state is entered.
	leave(s *Session)

	// receive, receiveAT, linesChanged, portLost and redial are called by the session's methods of the same names.
	receive(s *Session, now time.Time, p []byte) (ip, rest []byte)
	receiveAT(s *Session, now time.Time, p []byte)
	linesChanged(s *Session, now time.Time, carrierDropped bool)
	portLost(s *Session, now time.Time, err error)
	redial(s *Session, now time.Time)

	// deadline is when advance must be called; the zero time: nothing of this state is due.
	deadline(s *Session) time.Time
	advance(s *Session, now time.Time)

	// end ends the attempt from this state, because of o.
	end(s *Session, now time.Time, o Outcome)
	// comesUp says whether the link is still coming up, so that the failure of a required adviser ends it.
	comesUp() bool
}

// to goes to the next state. It is the only function that does.
func (s *Session) to(now time.Time, next state) {
	if s.moved != nil {
		s.moved(s.state, next)
	}
	s.state.leave(s)
	s.state = next
	next.enter(s, now)
}

// resting is the default behaviour of a state: it takes nothing and waits for nothing.
type resting struct{}

func (resting) enter(*Session, time.Time)                             {}
func (resting) leave(*Session)                                        {}
func (resting) receive(*Session, time.Time, []byte) (ip, rest []byte) { return nil, nil }
func (resting) receiveAT(*Session, time.Time, []byte)                 {}
func (resting) linesChanged(*Session, time.Time, bool)                {}
func (resting) portLost(*Session, time.Time, error)                   {}
func (resting) redial(*Session, time.Time)                            {}
func (resting) deadline(*Session) time.Time                           { return time.Time{} }
func (resting) advance(*Session, time.Time)                           {}
func (resting) end(*Session, time.Time, Outcome)                      {}
func (resting) comesUp() bool                                         { return false }

// idle is a session before Start.
type idle struct{ resting }

// over is a session after Done.
type over struct {
	resting
	outcome Outcome
}

func (o *over) enter(s *Session, _ time.Time) { s.out.put(Done{o.outcome}) }
