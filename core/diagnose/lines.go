package diagnose

import (
	"slices"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// maxHitLines is how many lines a cause keeps as evidence.
const maxHitLines = 3

// lineHit holds the lines of a log that name one cause by themselves (core/sentence/causes).
type lineHit struct {
	evidence []clue
	meaning  string
}

// hit notes a line that names a cause. A word that is not a cause is ignored.
func (h *history) hit(id string, e event.Log, line clue) {
	c := causeOf(id)
	if c == nil {
		return
	}
	if h.log.hits == nil {
		h.log.hits = map[string]*lineHit{}
	}
	hit := h.log.hits[id]
	if hit == nil {
		said, _ := c.Line(e.Program, e.Text)
		hit = &lineHit{meaning: said.Meaning}
		h.log.hits[id] = hit
	}
	if n := len(hit.evidence); n < maxHitLines && (n == 0 || hit.evidence[n-1].String() != line.String()) {
		hit.evidence = append(hit.evidence, line)
	}
}

// hintOf notes the hints in a line whose meaning is not known.
func (h *history) hintOf(text string) {
	l := &h.log
	l.unknown++
	if sentence.OfModem(text) {
		l.spoken++
		l.spoke = h.here(text)
	}
	hint, ok := sentence.HintOf(text)
	if !ok {
		return
	}
	l.hints = slices.DeleteFunc(l.hints, func(k hinted) bool { return slices.Contains(hint.Past, "all") || slices.Contains(hint.Past, k.id) })
	if hint.Finding == "" {
		return
	}
	l.hinted++
	i := slices.IndexFunc(l.hints, func(k hinted) bool { return k.id == hint.Finding })
	if i < 0 {
		l.hints = append(l.hints, hinted{id: hint.Finding})
		i = len(l.hints) - 1
	}
	if k := &l.hints[i]; len(k.evidence) < maxHitLines {
		k.evidence = append(k.evidence, h.here(text))
	}
}

// speaksOfModems says whether the lines whose meaning is not known are the log of a modem: at least three of them, and at least
// every fifth, have a word about modems. A log of the whole machine has fewer.
func (l *logHistory) speaksOfModems() bool { return l.spoken >= 3 && l.spoken*5 >= l.unknown }

// hinted is a finding that lines hint at.
type hinted struct {
	id       string
	evidence []clue
}

// hintFindings gives the findings that lines hint at. All are only possible. Those about the port come first; the others keep the
// order of their lines, because a later failure is often a consequence of an earlier one. It gives none if the log shows a call,
// because the call itself shows how far it came.
func (h *history) hintFindings() (all []judged) {
	if h.Up != nil || h.begun() || h.far != "" {
		return nil
	}
	list := slices.Clone(h.log.hints)
	slices.SortStableFunc(list, func(a, b hinted) int { return ofPort(a.id) - ofPort(b.id) })
	for _, k := range list {
		r := ruleOf(k.id)
		f := possible.by(k.evidence...)
		f.meaning = "Only the words of a program say so, and knak has no description of that program."
		all = append(all, finding(r, f))
	}
	return all
}

// ofPort is 0 for a finding without which nothing else can work, and 1 for the others.
func ofPort(id string) int {
	switch id {
	case "port-not-allowed", "modem-tty-missing", "port-locked", "port-open", "no-modem":
		return 0
	}
	return 1
}

// causeRule gives the texts of a cause as a rule.
func causeRule(c *sentence.Cause) rule {
	return rule{id: c.ID, category: c.Category, title: c.Title, meaning: c.Meaning, cure: c.Cure}
}

// ruleOf finds the texts of a finding.
func ruleOf(id string) rule {
	if c := causeOf(id); c != nil {
		return causeRule(c)
	}
	for _, list := range rules {
		if i := slices.IndexFunc(list, func(r rule) bool { return r.id == id }); i >= 0 {
			return list[i]
		}
	}
	return rule{id: id} // a test holds that there is none
}

func causeOf(id string) *sentence.Cause {
	all := sentence.Causes()
	for i := range all {
		if all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}

// lineFindings gives the findings of a stage that lines have named.
func (h *history) lineFindings(stage string) []judged {
	if len(h.log.hits) == 0 {
		return nil
	}
	var out []judged
	for _, r := range sentence.Causes() {
		hit := h.log.hits[r.ID]
		if hit == nil || r.Stage != stage || !h.applies(r.When) {
			continue
		}
		c := confidenceOf(r.Confidence)
		if r.When == "refused" && h.auth.success.seen() && !h.lcp.terminated.seen() {
			c = possible
		}
		f := c.by(hit.evidence...)
		f.meaning = hit.meaning
		out = append(out, finding(causeRule(&r), f))
	}
	return out
}

// applies says whether a cause counts in this attempt, by the word of its file.
func (h *history) applies(when string) bool {
	switch when {
	case "failed", "refused":
		return h.Up == nil
	case "first":
		return h.Up == nil && !h.log.wasUp
	case "silent":
		return h.Up == nil && h.lcp.rcvd == 0 && !h.auth.started()
	case "up":
		return h.Up != nil
	}
	return true
}

// stages are the parts of a call in which causes are ranked, in the order of a call.
var stages = []string{"port", "dial", "lcp", "auth", "ipcp", "data"}

func confidenceOf(word string) confidence {
	for c := possible; c <= certain; c++ {
		if c.String() == word {
			return c
		}
	}
	return 0
}
