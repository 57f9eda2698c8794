package vectors

import (
	"slices"
	"strings"
	"testing"
)

// grounds are the sources that take something away from a modem, by a part of their address. What is not here no source
// says: modems can be left by +++ and DTR, and what a restart cures other things may cure as well.
var grounds = map[string][]string{
	"at.dtr":            {"linux/blob/v6.12/drivers/usb/serial/option.c"}, // the ids to which no modem control requests are sent
	"auth.no_challenge": {"hal/network/lwip/ppp_client.cpp"},
	"dial.restart":      {"ubuntuforums.org/showthread.php?t=1555805"},
	"line.control":      {"rilmodem/ofono/commit/694589f5"},
}

// A scenario may only do what its source says. It names the source and says in its own words what it stands for; what it
// takes away from the modem beyond what other modems miss has a sentence and a source that takes that away.
func TestScenariosAreHonest(t *testing.T) {
	_, l := shipped(t)
	for _, name := range l.names {
		s := l.scenarios[name]
		if len(s.Source) == 0 {
			t.Errorf("%s: no source", name)
		}
		if words := len(strings.Fields(s.StandsFor)); words < 6 || s.StandsFor == s.Summary {
			t.Errorf("%s: stands_for says what the source says, in a sentence; it has %d words", name, words)
		}
		for _, r := range s.Restrictions() {
			if s.Restricts[r] == "" {
				t.Errorf("%s: takes %s away and does not say in [restricts] why", name, r)
			}
			if !slices.ContainsFunc(grounds[r], func(g string) bool {
				return slices.ContainsFunc(s.Source, func(src string) bool { return strings.Contains(src, g) })
			}) {
				t.Errorf("%s: takes %s away, which none of its sources does", name, r)
			}
		}
	}
}

// What no scenario shows is known and few.
func TestWhatNoScenarioShows(t *testing.T) {
	db, l := shipped(t)
	want := map[string]bool{
		"common/no-ath hangup.command":    true, // ATH comes last
		"ublox/sara-r5 lcp.echo_interval": true, // a simulated modem draws no current
		"ericsson/f5521gw hangup.methods": true, // DTR comes after LCP, which ends the call
		"pantech/uml290 at.never":         true, // which command asks for the time is not known
		"quectel/ec200 lcp.max_terminate": true, // DTR and the escape end the call sooner
		"sierra/hl78xx at.before_context": true, // knak gives an active context up by itself
		"simcom/module hangup.methods":    true, // what an escape does to it is not said
		"ublox/sara-r4 hangup.methods":    true, // what remains of the call is not said
		"ublox/u2 hangup.escape":          true, // LCP and DTR come first
	}
	for _, id := range db.Profiles() {
		for _, q := range Test(db, l, id).Quirks {
			if name := q.Home + " " + q.Key; q.Verdict == Idle && !want[name] {
				t.Errorf("%s: %s: %s", q.Source, q.Key, q.Why)
			}
		}
	}
}
