// Package diagnose reads the event stream and says what went wrong, what it means, and what to try.
//
// It sees only events, so a live call, a recording and another dialer's log are judged in the same way: for everything that PPP
// shows, the packets alone must be enough. An event.Failure comes from the part that failed, and is a strong hint.
package diagnose

import (
	"slices"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// Watcher is an event.Sink that keeps a small history of one attempt and judges it. It can be asked at any time, also during a
// live call; its memory does not grow with the call. It is not safe for use from several goroutines.
type Watcher struct{ h history }

// New makes a Watcher without events.
func New() *Watcher { return &Watcher{} }

// Record takes one event of the link. An event.Attempt with a number above 1 begins a new history.
func (w *Watcher) Record(r event.Record) { w.h.record(r) }

// judged is a finding with the values that it is ranked by.
type judged struct {
	confidence
	firm bool
	event.Finding
}

// Findings judges the events so far and gives the findings, the most likely cause first. It is empty if nothing is wrong or
// nothing is known.
func (w *Watcher) Findings() []event.Finding { return findings(w.h.judge()) }

// judge asks all rules, stage by stage: first the causes that a line of a log names by itself, then those that follow from the
// history. Of two equally likely findings, the first one says more.
func (h *history) judge() []judged {
	var all []judged
	for i, stage := range stages {
		all = append(all, h.lineFindings(stage)...)
		for _, r := range rules[i] {
			if f := r.match(h); f.confidence != 0 {
				all = append(all, finding(r, f))
			}
		}
	}
	if len(all) == 0 {
		all = h.hintFindings()
	}
	if len(all) == 0 {
		for _, r := range restRules {
			if f := r.match(h); f.confidence != 0 {
				return append(all, finding(r, f))
			}
		}
	}
	if h.log.eof && !h.ended() && h.Up == nil { // missing events may only have been cut off
		for i := range all {
			if all[i].confidence == certain || all[i].firm { // a program said so in words, or it happened often enough
				continue
			}
			all[i].confidence = possible
			all[i].Confidence = possible.String()
		}
	}
	slices.SortStableFunc(all, func(a, b judged) int { return int(b.confidence) - int(a.confidence) })
	return all
}

// finding makes the finding of one rule that matched.
func finding(r rule, f found) judged {
	out := event.Finding{
		ID: r.id, Category: r.category, Confidence: f.confidence.String(), Title: r.title,
		Meaning: r.meaning, Cure: append(f.cure, r.cure...),
	}
	if f.category != "" {
		out.Category = f.category
	}
	if f.title != "" {
		out.Title = f.title
	}
	if f.meaning != "" {
		if out.Meaning != "" {
			out.Meaning += " "
		}
		out.Meaning += f.meaning
	}
	out.Evidence, out.Places = shown(f.evidence)
	return judged{f.confidence, f.firm, out}
}

func findings(all []judged) []event.Finding {
	out := make([]event.Finding, len(all))
	for i, j := range all {
		out[i] = j.Finding
	}
	return out
}

// Finding gives the most likely cause. It is false if nothing is wrong or nothing is known.
func (w *Watcher) Finding() (event.Finding, bool) {
	if all := w.Findings(); len(all) > 0 {
		return all[0], true
	}
	return event.Finding{}, false
}

// confidence says how sure a rule is. The zero value: the rule does not match.
type confidence int

const (
	possible confidence = iota + 1
	likely
	certain
)

func (c confidence) String() string {
	return [...]string{"", "possible", "likely", "certain"}[c]
}

// rule names one cause. Its texts are for a person who dials a modem and does not know PPP.
type rule struct {
	id       string
	category string // one of the corpus' categories of causes; "": none fits
	title    string
	meaning  string
	cure     []string // what to try, the best first
	match    func(*history) found
}

// found is the result of a rule for one history.
type found struct {
	confidence
	firm     bool // what is missing did not come often enough to be certain that it was not cut off
	evidence []clue
	title    string   // in place of the rule's own
	meaning  string   // what only this call shows; it follows the rule's own meaning
	cure     []string // shown before the rule's own cures
	category string   // in place of the rule's own
}

// no is the result of a rule that does not match.
var no found

// by makes a found with this confidence and its evidence; empty clues are left out.
func (c confidence) by(evidence ...clue) found { return found{confidence: c, evidence: evidence} }

// add adds evidence.
func (f *found) add(evidence ...clue) { f.evidence = append(f.evidence, evidence...) }

// rules holds all rules that are written in Go, by stages. The order decides between equally likely causes: the more specific
// cause stands first.
var rules = [...][]rule{slices.Concat(portRules, simRules), dialRules, lcpRules, authRules, ipcpRules, dataRules}

// Categories gives the categories of all findings, sorted. A finding may have another category than its rule.
func Categories() []string {
	list := []string{"transport-lost", "wrong-tty-port"} // given by rules instead of their own category
	for _, r := range sentence.Causes() {
		list = append(list, r.Category)
	}
	for _, r := range slices.Concat(slices.Concat(rules[:]...), restRules) {
		list = append(list, r.category)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// IDs gives the ids of all findings, in the order of the rules.
func IDs() []string {
	var ids []string
	for i, stage := range stages {
		for _, r := range sentence.Causes() {
			if r.Stage == stage {
				ids = append(ids, r.ID)
			}
		}
		for _, r := range rules[i] {
			ids = append(ids, r.id)
		}
	}
	for _, r := range restRules {
		ids = append(ids, r.id)
	}
	return ids
}
