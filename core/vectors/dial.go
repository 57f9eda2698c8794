package vectors

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// epoch is the time at which every simulated dial begins.
var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	// patience is the greatest virtual time of a dial, over all attempts.
	patience = 2 * time.Minute
	// chances is how often a scenario with random events is dialled.
	chances = 4
	// story is how many lines of the log of a failing run are kept.
	story = 25
)

// resolve gives the settings of a profile, or the defaults for an empty id, with what the scenario sets, and then set.
func resolve(db *quirks.DB, s *sim.Scenario, id string, set []string) (*quirks.Resolution, error) {
	facts := quirks.Facts{}
	if id != "" {
		facts = factsOf(s)
	}
	return db.Resolve(facts, id, append(settings(s), set...))
}

// factsOf gives what the scenario says of the modem.
func factsOf(s *sim.Scenario) quirks.Facts {
	return quirks.Facts{USB: s.Identity.USB, Manufacturer: s.Identity.Manufacturer, Model: s.Identity.Model, Revision: s.Identity.Revision}
}

// settings gives what the scenario sets.
func settings(s *sim.Scenario) (set []string) {
	if e := s.Expect; e != nil {
		if e.User != nil {
			set = append(set, "auth.user="+*e.User)
		}
		set = append(set, e.Set...)
	}
	return set
}

// byChance says whether the scenario behaves differently from seed to seed.
func byChance(s *sim.Scenario) bool {
	l := &s.Line
	if l.Loss+l.Corrupt+l.Duplicate+l.Noise > 0 {
		return true
	}
	for _, rules := range [][]sim.Rule{s.LCP.Rules, s.Auth.Rules, s.IPCP.Rules, s.IPV6CP.Rules} {
		for _, r := range rules {
			if r.Do == "garbage" || slices.ContainsFunc(r.Options, func(o string) bool { return strings.HasSuffix(o, "=random") }) {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.Actions, func(a sim.Action) bool { return a.Do == "garbage" })
}

// dial dials a scenario once, or, where chance has a part, once for each of several seeds.
func dial(s *sim.Scenario, r *quirks.Resolution) []Run {
	n := 1
	if byChance(s) {
		n = chances
	}
	runs := make([]Run, n)
	for i := range runs {
		runs[i] = dialOnce(s, r, uint64(i))
	}
	return runs
}

func dialOnce(s *sim.Scenario, r *quirks.Resolution, seed uint64) Run {
	e := s.Expect
	if e == nil {
		e = &sim.Expect{}
	}
	selection := policy.Selection(r)
	selection.Awaits = nil
	said := settings(s) // what is set besides, to leave a quirk out, is nobody's choice
	selection.Chosen = func(key string) bool {
		return slices.ContainsFunc(said, func(t string) bool { return strings.HasPrefix(t, key+"=") })
	}
	cfg := link.Config{
		Name: "test", Resolve: func(link.Facts) (link.Selection, error) { return selection, nil },
		PIN: auth.NewSecret(e.PIN), Password: auth.NewSecret(e.Password),
		Once: e.Hold == 0, MaxTime: time.Duration(e.Hold), Timeout: patience,
		Random: rand.NewChaCha8([32]byte{byte(seed)}),
	}
	port := s.OnPort(r.Int("port.data_interface"))
	done := simulate.Run(cfg, sim.New(port, seed), epoch, patience+time.Duration(e.Hold)+time.Minute)
	return judge(done, time.Duration(e.Hold))
}

// judge makes a Run of what happened.
func judge(d simulate.Result, hold time.Duration) Run {
	r := Run{Exit: int(d.Outcome.ExitCode()), Outcome: d.Outcome.String(), Findings: []string{}, DNS: []string{}, HungUp: true}
	hangup := time.Time{}
	for _, rec := range d.Records {
		switch ev := rec.Event.(type) {
		case event.Packet:
			if ev.Dir == event.Sent && !r.Up {
				r.Packets++
			}
		case event.AT:
			if ev.Dir == event.Sent {
				r.sent = append(r.sent, ev.Text)
			}
		case event.Up:
			if !r.Up {
				r.Up, r.up, r.Proved, r.MTU = true, rec.Time.Sub(epoch), ev.Proved, ev.MTU
				r.DNS = append(r.DNS, ev.DNS...)
			}
		case event.Finding:
			if !slices.Contains(r.Findings, ev.ID) {
				r.Findings = append(r.Findings, ev.ID)
			}
		case event.Phase:
			if ev.Phase == event.PhaseHangup && hangup.IsZero() && r.Up {
				hangup = rec.Time
			}
		case event.Notice:
			if ev.About == event.NoticeCallMayBeUp {
				r.HungUp = false
			}
		}
	}
	switch {
	case d.Late:
		r.Held = false
	case hold == 0:
		r.Held = d.Outcome.Kind == link.KindDone
	default:
		r.Held = d.Outcome.Kind == link.KindMaxTime
	}
	if !hangup.IsZero() {
		r.hangup = epoch.Add(d.Elapsed).Sub(hangup)
	}
	r.Seconds, r.HangupSeconds = r.up.Seconds(), r.hangup.Seconds()
	r.records = d.Records
	return r
}

// tell gives the last lines of the story as a dial shows them.
func tell(records []event.Record) []string {
	var b bytes.Buffer
	p := progress.New(&b, progress.Options{Level: progress.Verbose, Start: epoch})
	for _, r := range records {
		p.Record(r)
	}
	p.Flush()
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	return lines[max(len(lines)-story, 0):]
}

// keepLog keeps the end of the story if somebody will want it.
func (r *Run) keepLog(keep bool) {
	if keep {
		r.Log = tell(r.records)
	}
	r.records = nil
}

// worst gives the run that came out worst.
func worst(runs []Run) Run {
	return slices.MaxFunc(runs, func(a, b Run) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.up, b.up))
	})
}

func rank(r Run) int {
	switch {
	case !r.Up:
		return 2
	case !r.Held:
		return 1
	}
	return 0
}
