package link

import (
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
)

// Simulation is what Simulate returns.
type Simulation struct {
	Outcome Outcome
	Elapsed time.Duration // of virtual time
	Records []event.Record
	Late    bool // the limit passed before the session was done: it was hung up
}

// stuckLimit is how often in a row a deadline may be no later than the present.
const stuckLimit = 10_000

// hangupLimit is how much virtual time a session may take to end after it was told to.
const hangupLimit = time.Minute

// Simulate runs a session against a simulated modem in virtual time, on plane "none", for at most limit. It takes
// microseconds for seconds, opens nothing and starts no goroutine.
func Simulate(cfg Config, m *sim.Modem, start time.Time, limit time.Duration) Simulation {
	return Simulator{}.Run(cfg, m, start, limit)
}

func (w *simulation) run(start time.Time, limit time.Duration) Simulation {
	s, m := w.session, w.modem
	m.Advance(start)
	s.Start(start)
	w.settle()
	hangAt := start.Add(limit)
	stuck := 0
	for !w.done {
		var d deadline
		d.add(s.Deadline())
		d.add(m.Deadline())
		for _, a := range w.answers {
			d.add(a.at)
		}
		if d.t.IsZero() || d.t.After(hangAt) {
			if w.late && w.now.After(hangAt.Add(-time.Nanosecond)) {
				w.outcome = Outcome{Kind: KindInternal, Detail: "the session does not end"}
				break
			}
			w.now, w.late = hangAt, true
			hangAt = hangAt.Add(hangupLimit)
			s.Hangup(w.now, KindHangup, "the time of the simulation is over")
			w.settle()
			continue
		}
		if stuck++; d.t.After(w.now) {
			w.now, stuck = d.t, 0
		}
		if stuck > stuckLimit {
			w.outcome = Outcome{Kind: KindInternal, Detail: "a machine asks for the same moment again and again"}
			break
		}
		m.Advance(w.now)
		w.deliverAnswers()
		s.Advance(w.now)
		w.settle()
	}
	return Simulation{Outcome: w.outcome, Elapsed: w.now.Sub(start), Records: w.records, Late: w.late}
}

type simulation struct {
	session *Session
	modem   *sim.Modem
	now     time.Time
	records []event.Record
	outcome Outcome
	done    bool
	late    bool
	carrier bool

	simulator Simulator
	answers   []answered // to come
}

// settle carries octets to and fro until neither side has anything left to say at this moment.
func (w *simulation) settle() {
	for quiet := false; !quiet && !w.done; {
		quiet = true
		for {
			o, ok := w.session.Next()
			if !ok {
				break
			}
			quiet = false
			w.do(o)
			if w.done {
				return
			}
		}
		for {
			o, ok := w.modem.Next()
			if !ok {
				break
			}
			quiet = false
			switch o.Kind {
			case sim.OutputWrite:
				w.tap(event.Rcvd, o.Data)
				for rest := append([]byte(nil), o.Data...); len(rest) > 0; {
					_, rest = w.session.Receive(w.now, rest)
				}
			case sim.OutputLines:
				dropped := w.carrier && !o.Lines.DCD
				w.carrier = o.Lines.DCD
				w.session.Lines(w.now, at.ModemLines{DCD: o.Lines.DCD, DSR: o.Lines.DSR, CTS: o.Lines.CTS}, dropped)
			}
		}
	}
}

func (w *simulation) do(o Output) {
	switch o := o.(type) {
	case Write:
		w.tap(event.Sent, o.Bytes)
		w.modem.Receive(w.now, append([]byte(nil), o.Bytes...))
	case PortOp:
		if dtr, ok := o.Op.(at.SetDTR); ok {
			w.modem.SetDTR(w.now, dtr.On)
		}
	case Event:
		w.records = append(w.records, event.Record{Time: w.now, Link: w.session.cfg.Name, Event: o.Event})
	case Ask:
		w.ask(o)
	case OpenPlane:
		w.session.PlaneUp(w.now, "none", "")
	case Reopen:
		w.session.PortOpened(w.now)
	case Done:
		w.done, w.outcome = true, o.Outcome
	}
}

func (w *simulation) tap(dir event.Dir, p []byte) {
	if w.simulator.Tap != nil {
		w.simulator.Tap(w.now, dir, p)
	}
}
