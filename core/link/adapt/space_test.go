package adapt

import (
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/quirks"
)

// Every key is searched, or it is said why it is not; and every value of the space is one that its key takes.
func TestTheSpaceCoversEveryKey(t *testing.T) {
	searched, left := learn.Keys(), learn.Left()
	known := map[string]bool{}
	for _, k := range quirks.Keys {
		known[k.Name] = true
		in, out := slices.Contains(searched, k.Name), left[k.Name] != ""
		if in == out {
			t.Errorf("%s: searched %v, left out %v", k.Name, in, out)
		}
	}
	for key := range left {
		if !known[key] {
			t.Errorf("%s is left out, and is no key", key)
		}
	}
	db := shipped(t)
	for _, set := range learn.Sets() {
		var advised []quirks.Advised
		for _, s := range set {
			advised = append(advised, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: "test"})
		}
		if _, _, err := db.ResolveLearned(quirks.Facts{USB: quirks.None}, "", advised, nil, nil); err != nil {
			t.Errorf("%v: %v", set, err)
		}
	}
}

// safe are the commands that an experiment may send besides those of any dial: none stores anything for good, chooses a network, names
// a PIN, or sends a message.
var safe = []string{"ATZ", "ATD", "ATDT", "ATH", "AT+CGACT=0,{cid}", "AT+CGACT=1,{cid}", "AT+CGATT=1", "AT+CFUN=1,0"}

func TestTheSpaceKeepsToSafeCommands(t *testing.T) {
	commands := map[string]bool{}
	for _, k := range quirks.Keys {
		commands[k.Name] = k.Type == quirks.AT || k.Type == quirks.ATs
	}
	for _, set := range learn.Sets() {
		for _, s := range set {
			if commands[strings.TrimSuffix(s.Key, "+")] && !slices.Contains(safe, s.Value) {
				t.Errorf("%s is not on the list of safe commands", s)
			}
		}
	}
}

// What many profiles of a maker set gains, and never more than evidence weighs.
func TestPriors(t *testing.T) {
	of := Priors(shipped(t))
	anybody, huawei := of(""), of("huawei")
	better := 0
	for _, set := range learn.Sets() {
		for _, s := range set {
			key := strings.TrimSuffix(s.Key, "+")
			a, h := anybody(key, s.Value), huawei(key, s.Value)
			if a < 0 || h < a || h > priorWeight {
				t.Errorf("%s: %v, of one maker %v", s, a, h)
			}
			if h > a {
				better++
			}
		}
	}
	if better == 0 {
		t.Error("no setting is likelier for a maker's modems")
	}
}
