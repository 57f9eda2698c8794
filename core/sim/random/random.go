// Package random makes modems with odd behaviour from a table of misbehaviours. They test code that must work with unknown modems.
package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/sim"
)

// Most is the greatest number of faults of a modem.
const Most = 5

// Wanted says what kind of modem Make makes.
type Wanted struct {
	Faults   int  // 1 to Most
	Noisy    bool // in addition, some calls fail or frames are lost by chance
	Hopeless bool // in addition, the modem has a fault that no setting helps against
	Alone    bool // no fault for which a person must give a setting (Fault.Set)
}

// Modem is a modem that Make has made.
type Modem struct {
	sim.Scenario
	Text   string // its scenario as TOML; it names the faults
	Faults []Fault
	Noise  string   // the random event; "": none
	Set    []string // the settings that a person gives for it, in the form of --set
}

// noises are the random events; the first one (in random order) that goes with the faults is taken.
var noises = []Fault{
	{What: "every fifth call fails, by chance", Text: "[dial]\nresult = \"no-carrier\"\nchance = 0.2\n"},
	{What: "every twentieth frame is lost", Text: "[line]\nloss = 0.05\n"},
}

// Make makes a modem. The same seed and w make the same modem.
func Make(seed uint64, w Wanted) (m Modem, err error) {
	if w.Faults < 1 || w.Faults > Most {
		return m, fmt.Errorf("a modem can have 1 to %d faults, not %d", Most, w.Faults)
	}
	r := rand.New(rand.NewPCG(seed, uint64(w.Faults)))
	add := func(f Fault) bool {
		if slices.ContainsFunc(m.Faults, func(o Fault) bool { return o.Kind == f.Kind || clash(o, f) }) {
			return false
		}
		m.Faults = append(m.Faults, f)
		return true
	}
	if w.Hopeless {
		add(incurable()[r.IntN(len(incurable()))])
	}
	most := w.Faults + len(m.Faults)
	for _, i := range r.Perm(len(Faults())) {
		if f := Faults()[i]; len(m.Faults) < most && !(w.Alone && f.Set != "") {
			add(f)
		}
	}
	parts := m.Faults
	if w.Noisy {
		for _, i := range r.Perm(len(noises)) {
			n := noises[i]
			if m.Noise == "" && !slices.ContainsFunc(m.Faults, func(f Fault) bool { return clash(f, n) }) {
				m.Noise, parts = n.What, append(slices.Clone(parts), n)
			}
		}
	}
	var what []string
	body := ""
	for _, f := range parts {
		what, body = append(what, f.What), body+"\n# "+f.What+"\n"+f.Text
		if f.Set != "" && !slices.Contains(m.Set, f.Set) {
			m.Set = append(m.Set, f.Set)
		}
	}
	name := fmt.Sprintf("R%d-%d", seed, w.Faults)
	m.Text = fmt.Sprintf("schema = 1\nsummary = %q\n\n[identity]\nmanufacturer = \"random\"\nmodel = %q\nrevision = \"1\"\n%s", "Random modem: "+strings.Join(what, "; "), name, body)
	m.Scenario, err = sim.Parse("random", []byte(m.Text))
	m.Scenario.Name = strings.Replace(strings.ToLower(name), "r", "random-", 1)
	return m, err
}

// clash says whether two faults cannot be written together: both have a table of one name, or an answer to one command.
func clash(a, b Fault) bool {
	for line := range strings.Lines(a.Text) {
		table := strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[")
		if (table || strings.HasPrefix(line, "command = ")) && strings.Contains(b.Text, line) {
			return true
		}
	}
	return false
}
