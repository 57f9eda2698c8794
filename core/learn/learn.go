// Package learn finds by experiment how an unknown modem wants to be treated: which settings a failure speaks for, which of
// them to try next, and what of it has helped. It knows no link: somebody tells it how each attempt ended, and gets
// settings for the next.
package learn

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Setting is one quirk, as --set takes it.
type Setting struct {
	Key    string `json:"key"` // with "+" behind it for adding to a list
	Value  string `json:"value"`
	Reason string `json:"reason"` // why it was tried, for people
}

// String gives KEY=VALUE.
func (s Setting) String() string { return s.Key + "=" + s.Value }

// Failure is how an attempt ended, and what was observed on the way. Observer.Complete fills in the second part.
type Failure struct {
	Kind        string        `json:"kind"`                  // a word of event.Failure.Cause
	Phase       string        `json:"phase"`                 // of event.Phase
	Provisional bool          `json:"provisional,omitempty"` // the login had been accepted, which may mean nothing, and no address was given
	Blanked     bool          `json:"blanked,omitempty"`     // an empty name was tried by itself, and did not help
	Command     string        `json:"command,omitempty"`     // the AT command that failed or was never answered, "" where none was
	Up          time.Duration `json:"up,omitempty"`          // how long the link was up; 0: it was not

	APN        string `json:"apn,omitempty"`        // of the call, where one is known
	Answers    int    `json:"answers,omitempty"`    // how many different commands were answered OK
	Method     string `json:"method,omitempty"`     // "pap", "chap" or "eap", by which the peer was told who we are; "": it was not
	Spoke      bool   `json:"spoke,omitempty"`      // the modem said something, be it no answer
	Requests   int    `json:"requests,omitempty"`   // how many requests of the phase's protocol were sent
	Unanswered bool   `json:"unanswered,omitempty"` // and nothing of that protocol came back
	Cut        bool   `json:"cut,omitempty"`        // the call ended at once after one of them
	Hasty      bool   `json:"hasty,omitempty"`      // the last of them came soon after the one before, and the call ended at once
	Back       bool   `json:"back,omitempty"`       // an attempt before had come further with the same settings, or with fewer
	Echo       bool   `json:"echo,omitempty"`       // a link that was up was lost soon after an Echo-Request of ours
}

// stages order how far attempts come: an attempt that fails later than the one before has made a step.
var stages = map[string]int{
	event.FailedPortOpen: 0, event.FailedModemSilent: 1, event.FailedDataMode: 2, event.FailedATError: 3, event.FailedNotRegistered: 4, event.FailedRegistrationDenied: 4,
	event.FailedDialRefused: 5,
}

var phases = map[string]int{event.PhaseLCP: 7, event.PhaseAuth: 8, event.PhaseIPCP: 9, event.PhaseIPV6CP: 9, event.PhaseProve: 10, event.PhaseUp: 11}

// stage is how far the attempt came. Among attempts at which the modem does not answer, or refuses a command, more answers are further.
func (f *Failure) stage() float64 {
	if f.Up > 0 {
		return float64(phases[event.PhaseUp])
	}
	if n, ok := phases[f.Phase]; ok {
		return float64(n) + f.within()
	}
	switch f.Kind {
	case event.FailedModemSilent, event.FailedATError:
		return float64(stages[event.FailedModemSilent]) + float64(min(f.Answers, 99))/100
	}
	if n, ok := stages[f.Kind]; ok {
		return float64(n)
	}
	return 6
}

// within is how far an attempt came within a phase: a peer that answers, or at least hears, is further than one that is silent.
func (f *Failure) within() float64 {
	switch {
	case f.Requests == 0:
		return 0
	case !f.Unanswered:
		return 0.5
	case f.Cut:
		return 0.2
	}
	return 0
}

// Adapter is the experiment of one dial: one variation after another, cheapest first, keeping what led further. The zero
// value is ready.
type Adapter struct {
	// Limit is how many variations are tried; 0: DefaultLimit.
	Limit int
	// Chosen says whether a person chose a key: it is not touched. nil: none was.
	Chosen func(key string) bool
	Prior  Prior // nil: nothing is known of modems like this one

	kept     []Setting // of variations that led further
	carried  []Setting // of variations that changed nothing, and may be half of what is needed
	recalled bool      // kept is what Start was given, and has not failed yet
	trying   *variation
	best     float64 // the furthest stage that an attempt came to
	furthest Failure // the last failure of that stage
	began    bool
	tried    map[string]bool
	count    int
	repeats  int
}

// soon is how long a link may have been up for its loss to say something of how the modem is treated.
const soon = time.Minute

// maxRepeats is how often a dial that may have failed by chance is made again once the variations are used up.
const maxRepeats = 3

// DefaultLimit is how many variations one dial tries.
const DefaultLimit = 5

// Settings are those of the attempt that runs, or is next.
func (a *Adapter) Settings() []Setting {
	list := merge(a.kept, a.carried)
	if a.trying != nil {
		list = merge(list, a.trying.set)
	}
	return list
}

// Experimenting says whether the attempt that runs, or is next, is not the first of its kind: it need not be as patient.
func (a *Adapter) Experimenting() bool { return a.trying != nil }

// Recalled says whether it is one with what was learned before.
func (a *Adapter) Recalled() bool { return a.recalled }

// Start begins with settings that have worked before for such a modem.
func (a *Adapter) Start(known []Setting) { a.kept, a.recalled = slices.Clone(known), len(known) > 0 }

// Next hears how an attempt ended and says what the next one varies, in words, and how long to wait before it. It is false
// where nothing is left that the failure speaks for, or the limit is reached: then the settings that led furthest stay.
func (a *Adapter) Next(f Failure) (what string, wait time.Duration, ok bool) {
	stage := f.stage()
	last := a.trying
	switch {
	case a.trying == nil:
	case stage > a.best: // a step: what comes next is another fault
		a.keep(merge(a.carried, a.trying.set))
		a.carried = nil
	case stage == a.best && a.trying.adds:
		a.carried = merge(a.carried, a.trying.set)
	}
	a.trying = nil
	switch {
	case !a.began || stage > a.best:
		a.best, a.furthest = stage, f
	case stage == a.best:
		a.furthest = f
	default: // it failed before it came to what is searched for, and says little of that
		f.Back = true
	}
	a.began = true
	limit := a.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if refused(f) && !a.invented(f) || f.Up > soon && !f.Echo { // a link that has held for long was treated well enough
		return "", 0, false
	}
	if a.count >= limit {
		return a.repeat(f)
	}
	if a.recalled && concerns(a.kept, f) { // another SIM or network may want it otherwise: the search begins anew
		a.recalled, a.kept, a.carried, a.began, a.best = false, nil, nil, false, 0
		return "what was learned of this modem may hold no more; going on without it", 0, true
	}
	list := candidates(f, a.Prior)
	if f.Back {
		list = append(list[:min(1, len(list))], candidates(a.furthest, a.Prior)...)
	}
	for i, v := range list {
		if a.tried[v.id] || a.touches(v) || f.Kind == event.FailedAuthRejected && v.set[0].Key != "auth.user" {
			continue
		}
		if a.tried == nil {
			a.tried = map[string]bool{}
		}
		a.tried[v.id] = true
		a.count++
		if f.Back && last != nil && (v.wait > 0 || i == 0 && f.Kind == event.FailedATError) && !contradicts(last.set, v.set) { // what was tried was not put to the test: once more, and then it is
			v.set = merge(last.set, v.set)
		}
		a.trying = &v
		return v.what, v.wait, true
	}
	return a.repeat(f)
}

// invented says that a login was refused for which nobody gave a name or a password: knak had made up a name, because it must send one. Others
// are tried then, an empty one and the APN, once each; a person's login is never varied.
func (a *Adapter) invented(f Failure) bool {
	return f.Kind == event.FailedAuthRejected && a.Chosen != nil && !a.Chosen("auth.user")
}

// concerns says whether settings may have to do with a failure: those of its phase, and of phases before it.
func concerns(set []Setting, f Failure) bool {
	const dial = "at. sim. registration. context. dial. port. retry."
	of := map[string]string{event.PhaseDial: dial, "": dial, event.PhaseLCP: dial + " lcp. auth.", event.PhaseAuth: dial + " lcp. auth."}
	for _, s := range set {
		prefix, _, _ := strings.Cut(s.Key, ".")
		if f.Kind == event.FailedNotRegistered || f.Kind == event.FailedRegistrationDenied {
			if prefix == "registration" || prefix == "context" { // nothing else is asked of the network by then
				return true
			}
			continue
		}
		if keys, early := of[f.Phase]; !early || slices.Contains(strings.Fields(keys), prefix+".") {
			return true
		}
	}
	return false
}

// repeat dials once more with what led furthest, where that may have failed by chance or for want of a pause.
func (a *Adapter) repeat(f Failure) (what string, wait time.Duration, ok bool) {
	chance := f.Kind == event.FailedDialRefused || f.Kind == event.FailedCarrierLost
	if !chance || f.Up > 0 || a.repeats == maxRepeats {
		return "", 0, false
	}
	a.repeats++
	return "it may have failed by chance; once more", time.Duration(a.repeats) * 4 * time.Second, true
}

// touches says whether a variation would override a person's choice.
func (a *Adapter) touches(v variation) bool {
	return a.Chosen != nil && slices.ContainsFunc(v.set, func(s Setting) bool { return a.Chosen(strings.TrimSuffix(s.Key, "+")) })
}

// keep adds settings to those that stay; of one key the later counts.
func (a *Adapter) keep(set []Setting) { a.kept = merge(a.kept, set) }

// Also adds what was seen to help without having been tried.
func (a *Adapter) Also(set []Setting) { a.keep(set) }

// Worked hears that the link came up, and gives the settings with which it did. What was being tried is kept.
// number is what was dialled when the modem said CONNECT: where several were tried, that one was learned.
func (a *Adapter) Worked(number string) []Setting {
	a.kept, a.carried = merge(a.kept, a.carried), nil
	if a.trying != nil {
		a.keep(a.trying.set)
		a.trying = nil
	}
	a.kept = narrow(a.kept, number)
	a.recalled = false
	return slices.Clone(a.kept)
}

// narrow puts the number that was answered in place of the many that were tried.
func narrow(set []Setting, number string) []Setting {
	i := slices.IndexFunc(set, func(s Setting) bool { return s.Key == "dial.alternates" })
	if i < 0 || number == "" || strings.Contains(number, "<") {
		return set
	}
	reason := set[i].Reason
	set = slices.DeleteFunc(slices.Clone(set), func(s Setting) bool {
		return s.Key == "dial.alternates" || s.Key == "dial.alternates_when" || s.Key == "dial.timeout" || s.Key == "dial.number"
	})
	if rest, ok := strings.CutPrefix(number, "*99***"); ok {
		if cid := strings.TrimSuffix(rest, "#"); cid != "1" {
			return merge(set, []Setting{{"context.cid", cid, reason}})
		}
		return set
	}
	return merge(set, []Setting{{"dial.number", number, reason}})
}

// refused says that the failure is no matter of how the modem is treated: the network, the SIM or a person has said no to
// the login itself. Trying on would count against the account.
func refused(f Failure) bool { return f.Kind == event.FailedAuthRejected || f.NeedsPerson() }

// NeedsPerson says that no setting cures the failure, and that a person must change something before another call has sense: the
// SIM or its PIN, or what holds the port.
func (f *Failure) NeedsPerson() bool {
	switch f.Kind {
	case event.FailedPINNeeded, event.FailedPINWrong, event.FailedPUKNeeded, event.FailedNoSIM, event.FailedPortLocked, event.FailedPortOpen, event.FailedNoModem:
		return true
	}
	return false
}

// Look says what a person should look at where no setting helps.
func (f *Failure) Look() string {
	switch {
	case f.Kind == event.FailedAuthRejected:
		return "the user name and the password: the network refuses them, or the account"
	case f.Kind == event.FailedModemSilent:
		return "the port, the cable and the speed: the modem answers nothing"
	case f.Kind == event.FailedNotRegistered, f.Kind == event.FailedRegistrationDenied:
		return "the coverage, the antenna and whether the SIM is allowed into this network"
	case f.Kind == event.FailedNoSIM, f.Kind == event.FailedPINNeeded, f.Kind == event.FailedPINWrong, f.Kind == event.FailedPUKNeeded:
		return "the SIM and its PIN"
	case f.Phase == event.PhaseDial, f.Phase == "":
		return "whether the subscription has data and credit, the APN, and the coverage"
	case f.Phase == event.PhaseIPCP, f.Phase == event.PhaseAuth:
		return "the APN, the user name and the password: a network that does not know them often says so only here"
	case f.Phase == event.PhaseProve:
		return "whether the subscription has data and credit: the link is there and carries nothing"
	case f.Phase == event.PhaseLCP:
		return "whether this is the modem's PPP port: knak devices shows the others"
	}
	return "what knak diagnose says of the recording"
}
