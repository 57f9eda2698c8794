package simulate

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/sim"
)

// Result is the result of a simulated session.
type Result struct {
	Outcome link.Outcome
	Elapsed time.Duration // virtual time
	Records []event.Record
	Late    bool // the limit passed before the session was done, so it was hung up
}

// stuckLimit is how often in a row a deadline may not lie in the future.
const stuckLimit = 10_000

// hangupLimit is how much virtual time a session may take for a hang-up.
const hangupLimit = time.Minute

// Run runs a session against a simulated modem from begin on, for at most limit of virtual time.
func Run(cfg link.Config, m *sim.Modem, begin time.Time, limit time.Duration) Result {
	return World{}.Run(cfg, m, begin, limit)
}

// Run is the function Run with this World.
func (w World) Run(cfg link.Config, m *sim.Modem, begin time.Time, limit time.Duration) Result {
	r := NewRig(cfg, m, begin, w)
	late := r.run(begin.Add(limit))
	return Result{Outcome: r.Outcome, Elapsed: r.Now.Sub(begin), Records: r.Records, Late: late}
}

// run runs the session to its end, and hangs it up at the end of its time.
func (r *Rig) run(end time.Time) (late bool) {
	r.Start()
	for stuck := 0; !r.Done; {
		d := r.Deadline()
		if d.IsZero() || d.After(end) {
			if late {
				r.Outcome = link.Outcome{Kind: link.KindInternal, Detail: "the session does not end"}
				break
			}
			late, r.Now = true, end
			end = end.Add(hangupLimit)
			r.Session.Hangup(r.Now, link.KindHangup, "the time of the simulation is over")
			r.Settle()
			continue
		}
		if stuck++; d.After(r.Now) {
			stuck = 0
		}
		if stuck > stuckLimit {
			r.Outcome = link.Outcome{Kind: link.KindInternal, Detail: "a machine asks for the same moment again and again"}
			break
		}
		r.Step()
	}
	return late
}
