package link

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// attemptSpacing is the least time from the beginning of an attempt to the beginning of the next, even if the profile wants less:
// attempts that fail at once must not follow each other without a pause.
const attemptSpacing = time.Second

// final are failures that another attempt cannot cure, or must not try to cure: three wrong PINs block a SIM.
var final = map[Kind]bool{
	event.FailedPINNeeded: true, event.FailedPINWrong: true, event.FailedPUKNeeded: true, event.FailedNoSIM: true, KindUsage: true, KindPrivilege: true, KindNoKernel: true, KindPlane: true,
	event.FailedRegistrationDenied: true, KindInternal: true, KindPlugin: true,
}

// retry decides whether another attempt follows, when, and what it does differently. It reads no clock and does not talk to the
// modem.
type retry struct {
	number    int           // of the attempt, since the start or since the last link that was up
	delay     time.Duration // the last wait before an attempt
	ordered   string        // why another attempt was ordered; "": none was
	plainText bool          // this attempt reads the password octet by octet for MS-CHAP, because the last one was refused
	blanked   bool          // an attempt with an empty user name was made since the link was last up
	blankUser bool          // the attempt sends an empty user name although the policy has another
	otherWay  bool          // the next attempt differs from the last one: another name or APN
	recovered bool          // the step before the next attempt was taken
}

// begins counts an attempt.
func (r *retry) begins() {
	r.number++
	r.recovered = false
}

// next says whether there is another attempt after one that ended with o, and why. wasUp means that a link that worked is lost,
// which only --persist dials again.
func (r *retry) next(cfg *Config, t *treatment, o Outcome, wasUp bool) (reason string, again bool) {
	if ordered := r.ordered; ordered != "" && !final[o.Kind] {
		r.ordered, r.blankUser, r.otherWay, r.delay = "", false, true, 0 // a new call: no step of retry.ladder before it
		return ordered, cfg.MaxAttempts == 0 || r.number < cfg.MaxAttempts
	}
	policy := t.selection.Policy
	if o.Clean() && o.Kind != KindPeerEnded || final[o.Kind] || policy == nil || wasUp && !cfg.Persist {
		return "", false
	}
	r.blankUser = !r.blankUser && t.mayBlank(o) && !(cfg.Vary != nil && r.blanked) // with Vary, an empty name is one variation among others
	r.blanked = r.blanked || r.blankUser
	r.plainText = !r.plainText && t.mayReadOctets(o)
	if r.plainText && (cfg.MaxAttempts == 0 || r.number < cfg.MaxAttempts) {
		r.otherWay = true
		return "the password is not ASCII, and its server may read it octet by octet; trying that", true
	}
	if r.otherWay = r.blankUser; r.blankUser {
		return "the network may not know the user name; trying an empty one", true
	}
	if r.nextWay(cfg, t, o) {
		r.delay, r.otherWay = 0, true
		return "the network may not know the APN; trying another one", true
	}
	limit := cfg.MaxAttempts
	if limit == 0 && !cfg.Persist {
		limit = policy.Int("retry.attempts")
	}
	if limit > 0 && r.number >= limit {
		return "", false
	}
	return o.String(), true
}

// wrongPort are the failures of an attempt on a port that is for something else: it takes no commands, or no dial command, or no
// PPP follows CONNECT.
var wrongPort = map[Kind]string{
	event.FailedModemSilent: event.PhaseDial, event.FailedDialRefused: event.PhaseDial, event.FailedATError: event.PhaseDial,
	event.FailedDataMode: event.PhaseDial, event.FailedTimeout: event.PhaseLCP, event.FailedLoopedBack: event.PhaseLCP,
	KindCarrierLost: event.PhaseLCP,
}

// mayTryPort says whether an attempt on another port may follow one that ended with o.
func (r *retry) mayTryPort(cfg *Config, o Outcome) bool {
	return cfg.OtherPort != nil && wrongPort[o.Kind] == o.Phase && wrongPort[o.Kind] != "" && (cfg.MaxAttempts == 0 || r.number < cfg.MaxAttempts)
}

// otherWayIn says whether another name or APN is worth an attempt after this outcome.
func (r *retry) otherWayIn(cfg *Config, t *treatment, o Outcome) bool {
	return !r.blankUser && t.mayBlank(o) && !(cfg.Vary != nil && r.blanked) || r.wayLeft(cfg, t, o)
}

// wayLeft says whether another way into the network is worth an attempt after this outcome.
func (r *retry) wayLeft(cfg *Config, t *treatment, o Outcome) bool {
	return t.ways.left(o) && (cfg.MaxAttempts == 0 || r.number < cfg.MaxAttempts)
}

// nextWay makes the next attempt use the next way in. After the last way the first one follows again, if attempts are left.
func (r *retry) nextWay(cfg *Config, t *treatment, o Outcome) bool {
	left := r.wayLeft(cfg, t, o)
	switch {
	case left:
		t.ways.next++
	case !t.ways.worked:
		t.ways.next = 0
	}
	return left
}

// wait is how long to wait after an attempt that ended with o and took so long. It doubles from retry.delay to
// retry.max_delay while attempts fail.
func (r *retry) wait(policy Policy, o Outcome, took time.Duration) time.Duration {
	wait := attemptSpacing - took
	if o.Kind == KindRedial || policy == nil {
		return wait
	}
	first, most := policy.Duration("retry.delay"), policy.Duration("retry.max_delay")
	if r.delay == 0 {
		r.delay = min(first, most)
	} else {
		r.delay = min(2*r.delay, most)
	}
	return max(wait, r.delay)
}

// step takes the step of retry.ladder before the next attempt; "redial": there is none to take.
func (r *retry) step(policy Policy) string {
	if r.recovered || r.otherWay || policy == nil { // another name or APN is a cure of its own
		return "redial"
	}
	ladder := policy.List("retry.ladder")
	if len(ladder) == 0 {
		return "redial"
	}
	step := ladder[min(max(r.number, 1), len(ladder))-1]
	r.recovered = step != "redial"
	return step
}
