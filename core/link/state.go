package link

import (
	"time"
)

// state is where a session is in its life; the package's comment draws how one follows another. A value is made when a
// state is entered and dropped when it is left: what outlives it is the attempt's or the session's.
type state interface {
	// enter begins what the state is for. It may go on to another state at once.
	enter(s *Session, now time.Time)
	// leave drops what belongs to this state alone. The next state is not entered yet.
	leave(s *Session)

	// receive, receiveAT, linesChanged, portLost and redial are the session's doors of these names.
	receive(s *Session, now time.Time, p []byte) (ip, rest []byte)
	receiveAT(s *Session, now time.Time, p []byte)
	linesChanged(s *Session, now time.Time, carrierDropped bool)
	portLost(s *Session, now time.Time, err error)
	redial(s *Session, now time.Time)

	// deadline is when advance must be called; the zero time: nothing of this state is due.
	deadline(s *Session) time.Time
	advance(s *Session, now time.Time)

	// end ends the attempt, as far as it got, because of o.
	end(s *Session, now time.Time, o Outcome)
	// comesUp says whether the attempt can still be refused by somebody without whom there must be no link.
	comesUp() bool
}

// to goes to the next state. Nothing else does.
func (s *Session) to(now time.Time, next state) {
	if s.moved != nil {
		s.moved(s.state, next)
	}
	s.state.leave(s)
	s.state = next
	next.enter(s, now)
}

// resting is what a state does where it says nothing else: it takes nothing and waits for nothing.
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
