// Package learn finds by experiment the settings that an unknown modem needs: which settings could cure a failure, which of them
// to try next, and which have helped. It does not dial: the caller reports how each attempt ended and gets the settings for the
// next one.
package learn

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Setting is one quirk, as --set takes it.
type Setting struct {
	Key    string `json:"key"` // a "+" at its end adds to a list
	Value  string `json:"value"`
	Reason string `json:"reason"` // why it was tried, for people
}

// String gives KEY=VALUE.
func (s Setting) String() string { return s.Key + "=" + s.Value }

// Failure says how an attempt ended, and what was observed before. Observer.Complete fills in the observed part.
type Failure struct {
	Kind        string        `json:"kind"`                  // a word of event.Failure.Cause
	Phase       string        `json:"phase"`                 // of event.Phase
	Provisional bool          `json:"provisional,omitempty"` // the login had been accepted, perhaps only provisionally (decision 2), and no address was given
	Blanked     bool          `json:"blanked,omitempty"`     // knak had tried an empty user name by itself, and it did not help
	Command     string        `json:"command,omitempty"`     // the AT command that failed or got no answer; "" if there is none
	Up          time.Duration `json:"up,omitempty"`          // how long the link was up; 0: it was not up

	APN        string `json:"apn,omitempty"`        // the APN of the call; "": not known
	Answers    int    `json:"answers,omitempty"`    // how many different commands were answered with OK
	Method     string `json:"method,omitempty"`     // the protocol by which knak authenticated: "pap", "chap" or "eap"; "": it did not
	Spoke      bool   `json:"spoke,omitempty"`      // the modem sent something, even if not an answer
	Requests   int    `json:"requests,omitempty"`   // how many requests of the phase's protocol were sent
	Unanswered bool   `json:"unanswered,omitempty"` // nothing of that protocol came back
	Cut        bool   `json:"cut,omitempty"`        // the call ended at once after one of these requests
	Hasty      bool   `json:"hasty,omitempty"`      // the last request came soon after the one before, and the call ended at once
	Back       bool   `json:"back,omitempty"`       // an earlier attempt came further with the same settings, or with some of them
	Echo       bool   `json:"echo,omitempty"`       // a link that was up was lost soon after an Echo-Request of ours
}

// stages orders the ways to fail by how far the attempt came. An attempt that fails at a later stage than the one before is
// progress.
var stages = map[string]int{
	event.FailedPortOpen: 0, event.FailedModemSilent: 1, event.FailedDataMode: 2, event.FailedATError: 3, event.FailedNotRegistered: 4, event.FailedRegistrationDenied: 4,
	event.FailedDialRefused: 5,
}

var phases = map[string]int{event.PhaseLCP: 7, event.PhaseAuth: 8, event.PhaseIPCP: 9, event.PhaseIPV6CP: 9, event.PhaseProve: 10, event.PhaseUp: 11}

// stage says how far the attempt came. If the modem does not answer, or refuses a command, the number of answered commands
// counts.
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

// within says how far an attempt came within a phase: a peer that answers counts more than one that only hears, and that more
// than one that is silent.
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

// Adapter chooses the settings for the attempts of one dial: it tries one variation after another, the cheapest first, and keeps
// those that came further. The zero value is ready.
type Adapter struct {
	// Limit is how many variations are tried at most; 0: DefaultLimit.
	Limit int
	// Chosen says whether a person set a key; such a key is never changed. nil: no key was set.
	Chosen func(key string) bool
	Prior  Prior // nil: no modems like this one are known

	kept     []Setting // of variations that came further
	carried  []Setting // of variations that changed nothing, but may be half of the cure
	recalled bool      // kept holds the settings given to Start, and they have not failed yet
	trying   *variation
	best     float64 // the furthest stage that an attempt reached
	furthest Failure // the last failure at that stage
	began    bool
	tried    map[string]bool
	count    int
	repeats  int
}

// soon: if a link was up for longer, its loss says nothing about the settings.
const soon = time.Minute

// maxRepeats is how often a dial that may have failed by chance is repeated when no variation is left.
const maxRepeats = 3

// DefaultLimit is how many variations one dial tries at most.
const DefaultLimit = 5

// Settings gives the settings of the present or next attempt.
func (a *Adapter) Settings() []Setting {
	list := merge(a.kept, a.carried)
	if a.trying != nil {
		list = merge(list, a.trying.set)
	}
	return list
}

// Experimenting says whether the present or next attempt tries a variation. Such an attempt may give up sooner.
func (a *Adapter) Experimenting() bool { return a.trying != nil }

// Recalled says whether the present or next attempt uses settings that an earlier dial had learned.
func (a *Adapter) Recalled() bool { return a.recalled }

// Start begins with settings that worked before with the same modem.
func (a *Adapter) Start(known []Setting) { a.kept, a.recalled = slices.Clone(known), len(known) > 0 }

// Next takes the failure of an attempt. It says in words what the next attempt varies, and how long to wait before it. ok is
// false if no variation is left for this failure or the limit is reached; the settings that came furthest then stay.
func (a *Adapter) Next(f Failure) (what string, wait time.Duration, ok bool) {
	stage := f.stage()
	last := a.trying
	switch {
	case a.trying == nil:
	case stage > a.best: // progress: the next fault is another one
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
	default: // it failed earlier than the fault that is looked for, and says little about it
		f.Back = true
	}
	a.began = true
	limit := a.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if refused(f) && !a.invented(f) || f.Up > soon && !f.Echo { // the settings were good enough for a link that held this long
		return "", 0, false
	}
	if a.count >= limit {
		return a.repeat(f)
	}
	if a.recalled && concerns(a.kept, f) { // another SIM or network may need other settings: the search begins anew
		a.recalled, a.kept, a.carried, a.began, a.best = false, nil, nil, false, 0
		return "what was learned about this modem may no longer be true; going on without it", 0, true
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
		if f.Back && last != nil && (v.wait > 0 || i == 0 && f.Kind == event.FailedATError) && !contradicts(last.set, v.set) { // the last variation was not really tested: it is tried again together with this one
			v.set = merge(last.set, v.set)
		}
		a.trying = &v
		return v.what, v.wait, true
	}
	return a.repeat(f)
}

// invented says whether the refused login was one that knak had made up, because nobody gave a name and PPP needs one. Then an
// empty name and the APN are tried as names, once each. A login that a person gave is never varied.
func (a *Adapter) invented(f Failure) bool {
	return f.Kind == event.FailedAuthRejected && a.Chosen != nil && !a.Chosen("auth.user")
}

// concerns says whether settings may have caused a failure: settings of its phase, and of the phases before it, may.
func concerns(set []Setting, f Failure) bool {
	const dial = "at. sim. registration. context. dial. port. retry."
	of := map[string]string{event.PhaseDial: dial, "": dial, event.PhaseLCP: dial + " lcp. auth.", event.PhaseAuth: dial + " lcp. auth."}
	for _, s := range set {
		prefix, _, _ := strings.Cut(s.Key, ".")
		if f.Kind == event.FailedNotRegistered || f.Kind == event.FailedRegistrationDenied {
			if prefix == "registration" || prefix == "context" { // before registration only these settings reach the network
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

// repeat dials once more with the settings that came furthest, if they may have failed by chance or because there was no pause.
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

// keep adds settings to those that stay. If a key is there already, the new value replaces the old one.
func (a *Adapter) keep(set []Setting) { a.kept = merge(a.kept, set) }

// Also keeps settings too that were not tried by Next, but were seen to help.
func (a *Adapter) Also(set []Setting) { a.keep(set) }

// Worked is called when the link came up, and gives the settings with which it did. The variation that was being tried is kept.
// number is the number that was dialled when the modem said CONNECT; if several numbers were tried, this one is learned.
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

// narrow replaces the list of numbers that were tried by the one that connected.
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

// refused says that no setting of the modem can cure the failure: the network, the SIM or a person refused the login itself. More
// tries could lock the account.
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
