package vectors

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// TestAll tests profiles, several at once, and gives the reports in the order of the profiles. When ctx ends, the reports that are not finished are
// missing.
func TestAll(ctx context.Context, db *quirks.DB, l *Library, ids []string) []Report {
	reports := make([]*Report, len(ids))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(ids)) {
		workers.Go(func() {
			for i := range next {
				r := Test(db, l, ids[i])
				reports[i] = &r
			}
		})
	}
	for i := range ids {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	var list []Report
	for _, r := range reports {
		if r != nil {
			list = append(list, *r)
		}
	}
	return list
}

// trial is a scenario dialled with a profile.
type trial struct {
	scenario sim.Scenario
	profile  string
	// borrowed: the scenario is not the profile's own; it counts only for the quirks of what the profile inherits.
	borrowed bool
	with     []Run // one for each seed
	settings []quirks.Setting
}

// Test tests one profile. It runs in virtual time, so it takes only computing time.
func Test(db *quirks.DB, l *Library, id string) Report {
	r := Report{Profile: id, OK: true, Scenarios: []ScenarioReport{}, Quirks: []QuirkReport{}, Problems: []string{}}
	trials := gather(db, l, id)
	if len(trials) == 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("there is no scenario: write %s%s, see docs/sim.md", id, suffix))
	}
	for i := range trials {
		s, err := trials[i].run(db)
		switch {
		case err != nil:
			r.Problems = append(r.Problems, fmt.Sprintf("%s: %v", s.Name, err))
		case trials[i].borrowed:
		default:
			r.Scenarios = append(r.Scenarios, s)
			r.OK = r.OK && s.OK
		}
	}
	if len(trials) > 0 {
		r.Quirks = dropEach(db, id, trials)
	}
	shown := slices.ContainsFunc(r.Quirks, func(q QuirkReport) bool { return q.When == "" && q.Verdict != Untestable })
	if shown && len(r.Problems) == 0 && r.OK && !slices.ContainsFunc(trials, func(t trial) bool {
		return t.scenario.Expect != nil && t.scenario.Expect.Without != nil
	}) {
		r.Problems = append(r.Problems, "no scenario says what goes wrong without the profile: write [expect.without]")
	}
	for _, q := range r.Quirks {
		r.OK = r.OK && q.Verdict != DeadWeight
	}
	r.OK = r.OK && len(r.Problems) == 0
	return r
}

// gather finds what a profile is tested with.
func gather(db *quirks.DB, l *Library, id string) (trials []trial) {
	for _, s := range l.Own(db, id) {
		trials = append(trials, trial{scenario: s, profile: id})
	}
	p, _ := db.Profile(id)
	if p != nil && p.Fragment() && len(trials) == 0 {
		for _, heir := range db.Profiles() {
			if h, _ := db.Profile(heir); h != nil && !h.Fragment() && slices.Contains(db.Lineage(heir), id) {
				for _, s := range l.Own(db, heir) {
					trials = append(trials, trial{scenario: s, profile: heir})
				}
			}
		}
		return trials
	}
	if len(trials) == 0 {
		return nil
	}
	for _, parent := range db.Lineage(id) {
		if parent != id {
			for _, s := range l.Own(db, parent) {
				trials = append(trials, trial{scenario: s, profile: id, borrowed: true})
			}
		}
	}
	return trials
}

// run dials without the profile and with it.
func (t *trial) run(db *quirks.DB) (ScenarioReport, error) {
	s := ScenarioReport{Name: t.scenario.Name, Profile: t.profile, Problems: []string{}}
	e := t.scenario.Expect
	if e != nil && e.Without != nil && e.Without.Finding != "" && !slices.Contains(diagnose.IDs(), e.Without.Finding) {
		return s, fmt.Errorf("expect.without.finding: there is no finding %q; there are: %s", e.Without.Finding, strings.Join(diagnose.IDs(), ", "))
	}
	with, err := resolve(db, &t.scenario, t.profile, nil)
	if err != nil {
		return s, fmt.Errorf("expect.set: %w", err)
	}
	t.settings = with.Changed()
	t.with = dial(&t.scenario, with)
	if t.borrowed {
		return s, nil
	}
	s.With = worst(t.with)
	for i := range t.with {
		if text := t.with[i].unlike(&t.scenario); text != "" {
			s.With = t.with[i]
			s.Problems = append(s.Problems, "with the profile: "+text)
			break
		}
	}
	if text := t.matched(db); text != "" {
		s.Problems = append(s.Problems, text)
	}
	without, err := resolve(db, &t.scenario, "", nil)
	if err != nil {
		return s, fmt.Errorf("expect.set: %w", err)
	}
	runs := dial(&t.scenario, without)
	s.Without = worst(runs)
	if e != nil && e.Without != nil {
		// Where chance has a part it must go wrong in the named way half of the times.
		wrong, text := 0, ""
		for i := range runs {
			if why := runs[i].notShort(e, &t.with[i]); why != "" {
				s.Without, text = runs[i], why
			} else {
				wrong++
			}
		}
		if wrong == 0 || wrong*2 < len(runs) {
			s.Problems = append(s.Problems, "without the profile: "+text)
		}
	}
	s.With.keepLog(len(s.Problems) > 0)
	s.Without.keepLog(len(s.Problems) > 0)
	s.OK = len(s.Problems) == 0
	return s, nil
}

// matched dials with all the profiles that the modem gets by what it says of itself, where the tested one is among
// several, and says what goes wrong then.
func (t *trial) matched(db *quirks.DB) string {
	facts := factsOf(&t.scenario)
	facts.Remembered = true
	r, err := db.Resolve(facts, "", settings(&t.scenario))
	if err != nil || len(r.Profiles()) < 2 || !slices.Contains(r.Profiles(), t.profile) {
		return ""
	}
	for _, run := range dial(&t.scenario, r) {
		if text := run.unlike(&t.scenario); text != "" {
			return fmt.Sprintf("with all profiles that match the modem (%s): %s", strings.Join(r.Profiles(), ", "), text)
		}
	}
	return ""
}

// untestable says why no simulated modem can show what a key is good for, or "".
func untestable(key string) string {
	switch {
	case key == "at.char_delay":
		return "a simulated modem loses no characters of a command"
	case key == "hangup.dtr_time":
		return "a simulated modem sees DTR at once"
	case strings.HasPrefix(key, "port.") && key != "port.data_interface":
		return "a simulated modem has no port on a host"
	}
	return ""
}

// dropEach takes one quirk of the profile away after the other and looks what gets worse.
func dropEach(db *quirks.DB, id string, trials []trial) []QuirkReport {
	reports := []QuirkReport{}
	at := map[string]int{}
	mine := db.Lineage(id)
	note := func(q QuirkReport) {
		if _, ok := at[q.Key+" "+q.Source]; !ok {
			q.Verdict = DeadWeight
			at[q.Key+" "+q.Source] = len(reports)
			reports = append(reports, q)
		}
	}
	for i := range trials {
		t := &trials[i]
		if t.borrowed && !t.good() {
			continue
		}
		for _, s := range t.settings {
			if s.Profile == "" || !slices.Contains(mine, s.Profile) {
				continue
			}
			if _, known := at[s.Key+" "+s.Source]; !known && t.borrowed && s.Profile == id {
				continue // it is seen in one of the profile's own
			}
			note(QuirkReport{Key: s.Key, Value: s.Value.String(), Source: s.Source, Home: s.Profile, When: s.When, idle: added(s), strict: s.Layer == quirks.Builtin})
			q := &reports[at[s.Key+" "+s.Source]]
			without := func(value string) string {
				r, err := resolve(db, &t.scenario, t.profile, []string{s.Key + "=" + value})
				if err != nil {
					return ""
				}
				return worse(&t.scenario, t.with, dial(&t.scenario, r))
			}
			if (q.Verdict == DeadWeight || !q.plain && ordinary(&t.scenario)) && !(t.borrowed && s.Profile == id) {
				if why := without(s.Default.String()); why != "" {
					q.Verdict, q.Scenario, q.Why = Needed, t.scenario.Name, why
					q.plain = q.plain || ordinary(&t.scenario)
				}
			}
			q.idle = slices.DeleteFunc(q.idle, func(element string) bool {
				rest := slices.DeleteFunc(s.Value.List(), func(e string) bool { return e == element })
				return without(mimic.List(rest)) != ""
			})
		}
	}
	// A quirk for other firmware than any scenario's decides nothing anywhere.
	if p, ok := db.Profile(id); ok {
		for _, own := range p.Quirks {
			note(QuirkReport{Key: own.Key, Value: own.Value.String(), Source: own.Origin, Home: id, When: own.When})
		}
	}
	for i := range reports {
		q := &reports[i]
		if q.Verdict == Needed && len(q.idle) > 0 {
			q.Verdict, q.Scenario, q.Why = DeadWeight, "", fmt.Sprintf("no scenario gets worse without its %s", quote(q.idle[0]))
		}
		if q.Verdict == Needed && q.Home == id {
			q.condition()
		}
		if q.Verdict == DeadWeight && q.When != "" && q.Why == "" && untestable(q.Key) == "" {
			q.Verdict, q.Why = Idle, "acts only when "+q.When+"; no scenario shows it"
		}
		if why := untestable(q.Key); q.Verdict == DeadWeight && why != "" {
			q.Verdict, q.Why = Untestable, why
		} else if q.Verdict == DeadWeight && q.Why == "" {
			q.Why = "no scenario gets worse without it"
		}
	}
	return reports
}

// ordinary says whether a scenario is dialled with what the profile says and no more than the APN besides.
func ordinary(s *sim.Scenario) bool {
	return s.Expect == nil || !slices.ContainsFunc(s.Expect.Set, func(t string) bool { return !strings.HasPrefix(t, "context.apn=") })
}

// condition holds a quirk of the project that is needed to what it says of when it acts.
func (q *QuirkReport) condition() {
	k, _ := quirks.Lookup(q.Key)
	switch {
	case !q.strict:
	case q.When == "" && !q.plain:
		q.Verdict, q.Why = DeadWeight, "acts only where somebody sets what "+q.Scenario+" sets: say so with when"
	case q.When != "" && q.plain && k.Phase != quirks.AtOpen: // what is used before the modem is asked may come too late
		q.Verdict, q.Why = DeadWeight, "acts in an ordinary dial, as "+q.Scenario+" shows: take when out"
	}
}

// added gives the elements of a list that the default does not have, where there are several: each must be good for
// something.
func added(s quirks.Setting) []string {
	usual := s.Default.List()
	own := slices.DeleteFunc(s.Value.List(), func(e string) bool { return slices.Contains(usual, e) })
	if len(own) < 2 {
		return nil
	}
	return own
}

// good says whether the scenario comes up as it should.
func (t *trial) good() bool {
	return !slices.ContainsFunc(t.with, func(r Run) bool { return r.unlike(&t.scenario) != "" })
}

// seconds is how people read a duration here.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
