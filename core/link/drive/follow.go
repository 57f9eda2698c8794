package drive

import (
	"time"

	"github.com/knakppp/knak/core/pace"
	"github.com/knakppp/knak/core/plane"
)

// follower brings the host's plane to the latest state that the session wants. A peer that renegotiates a thousand times must not
// make this host set up a thousand interfaces in a row, long after the peer has gone. The follower does one thing at a time and
// skips the states in between; the more planes came, the longer the next one waits. It is a machine: it does nothing itself.
type follower struct {
	wanted *plane.Config // nil: no plane
	number int           // counts what was wanted; that of wanted
	late   [8]byte       // an IPv6 identifier that the plane is still to be given

	has    int // number of the plane that there is; 0: none
	making int // number of the plane that is being made
	busy   bool
	asked  int // planes that the session waits for an answer about
	ended  bool
	pace   pace.Pace
}

func newFollower() follower {
	return follower{pace: pace.Pace{Burst: 2, First: time.Second, Most: 30 * time.Second, Calm: 2 * time.Minute}}
}

// The actions of the follower.
type (
	openStep  struct{ cfg plane.Config }
	closeStep struct{}
	ipv6Step  struct{ id [8]byte }
)

// want says that a plane is wanted in the place of any before.
func (f *follower) want(cfg plane.Config) {
	f.wanted, f.late = &cfg, [8]byte{}
	f.number++
	f.asked++
}

// wantNone says that no plane is wanted.
func (f *follower) wantNone() { f.wanted, f.late = nil, [8]byte{} }

// wantIPv6 gives the plane that is wanted an IPv6 identifier.
func (f *follower) wantIPv6(id [8]byte) {
	switch {
	case f.wanted == nil:
	case f.has == f.number || f.making == f.number:
		f.late = id
	default:
		f.wanted.InterfaceID6 = id
	}
}

// end says that the session has ended: what there is is closed, and nothing is made any more.
func (f *follower) end() {
	f.wantNone()
	f.ended = true
}

// useless says that nobody wants what is being made.
func (f *follower) useless() bool { return f.making != 0 && (f.wanted == nil || f.making != f.number) }

// stale says that the plane that there is is not the one that is wanted.
func (f *follower) stale() bool { return f.wanted == nil || f.has != f.number }

// next gives what to do now; done says that it is done. Where there is nothing, it says when to ask again: the zero time is
// after the next call.
func (f *follower) next(now time.Time) (step any, again time.Time) {
	stays := f.wanted != nil && f.has == f.number
	switch {
	case f.busy:
		return nil, time.Time{}
	case f.has != 0 && !stays:
		f.has = 0
		step = closeStep{}
	case stays && f.late != [8]byte{}:
		step = ipv6Step{f.late}
		f.late = [8]byte{}
	case stays || f.wanted == nil:
		return nil, time.Time{}
	default:
		if due := f.pace.Due(now); due.After(now) {
			return nil, due
		}
		f.pace.Take(now)
		f.making = f.number
		step = openStep{*f.wanted}
	}
	f.busy = true
	return step, time.Time{}
}

// made says that what next gave is done, and of a plane whether there is one now. It gives how many of the session's
// questions that answers: those that were asked before the plane was begun and were not answered yet.
func (f *follower) made(ok bool) (answers int) {
	f.busy = false
	if f.making == 0 {
		return 0
	}
	if ok {
		f.has = f.making
	} else if f.making == f.number {
		f.wanted = nil // it is told that there is none, and asks anew if it likes
	}
	answers = f.asked - (f.number - f.making) // those after it are still to be answered
	f.asked -= answers
	f.making = 0
	return answers
}
