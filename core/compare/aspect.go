package compare

import (
	"slices"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
)

// observation is what one call shows of an aspect.
type observation struct {
	known  bool   // the call came this far, and the recording shows it
	key    string // two calls agree in the aspect if their keys are equal
	text   string // for a person
	does   string // in words that follow "the working one"; "": the aspect is not for a sentence
	pos    event.Pos
	number float64  // for aspects with a tolerance
	first  []string // for options: those asked for in the first request
	all    []string
}

// aspect is one row in the table of what is compared.
type aspect struct {
	id       string
	role     Role
	protocol string
	what     string
	weight   int // how much a difference tells, 1 to 100
	why      string
	keys     []string // the quirk keys that make knak do the same
	see      func(*call.Call) observation
	alike    func(a, b observation) bool // nil: the keys are the same
	unless   []string                    // it is left out if one of these aspects differs
}

// table gives all aspects: first the host's, then the modem's, each in the order of a call.
func table() []aspect { return append(hostAspects(), modemAspects()...) }

func keysOf(id string) []string {
	for _, a := range table() {
		if a.id == id {
			return a.keys
		}
	}
	if id == atCommand {
		return []string{"at.init", "at.after_pin", "at.after_context", "at.before_dial"}
	}
	return nil
}

// differences gives all aspects that differ and that both sides show, and how many aspects were compared.
func differences(good, bad *call.Call) (list []Difference, compared int) {
	for _, a := range table() {
		g, b := a.see(good), a.see(bad)
		if !g.known || !b.known {
			continue
		}
		if compared++; g.key == b.key || a.alike != nil && a.alike(g, b) {
			continue
		}
		if slices.ContainsFunc(list, func(d Difference) bool { return slices.Contains(a.unless, d.ID) }) {
			continue
		}
		list = append(list, Difference{ID: a.id, Role: a.role, Protocol: a.protocol, What: a.what, Weight: a.weight, Why: a.why,
			Good: seen(g.text, g.pos), Bad: seen(b.text, b.pos), good: g.does, bad: b.does})
	}
	if len(good.Commands) > 0 && len(bad.Commands) > 0 {
		compared++
	}
	return append(list, commands(good, bad)...), compared
}

func seen(text string, pos event.Pos) Seen {
	return Seen{Text: event.Printable(text), Pos: pos, At: pos.String()}
}
