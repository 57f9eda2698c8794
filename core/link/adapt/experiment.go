package adapt

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/quirks"
)

// Hold is how long an experiment looks at a link that came up: long enough for two Echo-Requests.
const Hold = 5 * time.Second

// Treatment is how the modem is treated in an experiment, as policy.Resolver has Learned and Unset. One attempt is one experiment: a
// second one with an empty name would hide what the first needs.
func Treatment(e learn.Experiment) (learned, unset []quirks.Advised) {
	const by = "knak learn"
	learned = append([]quirks.Advised{{Key: "auth.try_blank", Value: "false", Reason: "An experiment is one attempt.", By: by}}, Advised(e.Settings, by)...)
	unset = append(Advised(learn.Short(), by), quirks.Advised{Key: "lcp.echo_interval", Value: "2s", Reason: "An experiment is short.", By: by})
	return learned, unset
}

// Result is what came of an experiment: a link is up where it was still there at the end of Hold.
func Result(o link.Outcome, seen *learn.Observer, now time.Time, took time.Duration) learn.Result {
	r := learn.Result{Number: seen.Number(), Vendor: seen.Device.Vendor, Took: took, Faster: seen.Faster(), UpAfter: seen.UpAfter()}
	switch {
	case o.Kind == link.KindMaxTime && seen.Silenced():
		r.Failure = seen.Complete(now, learn.Failure{Kind: event.FailedEchoTimeout, Phase: event.PhaseUp, Up: Hold})
		r.Failure.Echo = true
	case o.Kind == link.KindMaxTime && seen.Up():
		r.Up = true
	default:
		r.Failure = seen.Complete(now, learn.Failure{Kind: string(o.Kind), Phase: o.Phase, Provisional: o.Provisional, Command: o.Command})
	}
	return r
}

// Seen takes a recording, and gives the last call in it that failed, as the first experiment of a search; ok is false where none did. What
// the dialer was told is not known: the modem is taken to have been treated as it is by default.
type Seen struct {
	calls call.Collector
	seen  []*learn.Observer
	last  []time.Time
}

// Record takes an event of the recording.
func (s *Seen) Record(r event.Record) {
	s.calls.Record(r)
	for len(s.seen) < len(s.calls.Calls()) {
		s.seen, s.last = append(s.seen, &learn.Observer{}), append(s.last, r.Time)
	}
	if n := len(s.seen); n > 0 {
		s.seen[n-1].Record(r)
		if !r.Time.IsZero() {
			s.last[n-1] = r.Time
		}
	}
}

// Trial is the call as an experiment. device is the modem, as far as it has said who it is.
func (s *Seen) Trial(what string) (t learn.Trial, device event.Device, ok bool) {
	calls := s.calls.Calls()
	for i := len(calls) - 1; i >= 0; i-- {
		c := calls[i]
		if c.Worked() {
			continue
		}
		f := learn.Failure{Kind: event.FailedTimeout, Phase: c.Reached()}
		switch {
		case len(c.Failures) > 0:
			last := c.Failures[len(c.Failures)-1]
			f.Kind, f.Provisional = last.Cause, last.Provisional
			if last.Phase != "" {
				f.Phase = last.Phase
			}
		case c.Lost != nil:
			f.Kind = event.FailedCarrierLost
		case c.Dial != nil && !strings.HasPrefix(c.Dial.Result, "CONNECT"):
			f.Kind, f.Phase = event.FailedDialRefused, event.PhaseDial
		default:
			if step, ended := c.Terminated(); ended && step.Dir == event.Rcvd {
				f.Kind = event.FailedTerminated
			}
		}
		if f.Phase == "" || f.Phase == event.PhaseHangup || f.Phase == event.PhaseDown {
			continue
		}
		f = s.seen[i].Complete(s.last[i], f)
		f.Provisional = f.Provisional || f.Phase == event.PhaseIPCP && f.Method != "" // who got there was let in
		return learn.Trial{What: what, Failure: f, Took: max(0, c.End.Sub(c.Begin))}, c.Device, true
	}
	return t, device, false
}
