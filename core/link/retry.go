package link

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// attemptSpacing is how long after the beginning of an attempt the next one begins at the soonest, however short the profile
// wants it: an attempt that fails at once is no reason to spin.
const attemptSpacing = time.Second

// final are failures that another attempt cannot cure, or must not try to: three wrong PINs block a SIM.
var final = map[Kind]bool{
	event.FailedPINNeeded: true, event.FailedPINWrong: true, event.FailedPUKNeeded: true, event.FailedNoSIM: true, KindUsage: true, KindPrivilege: true, KindNoKernel: true, KindPlane: true,
	event.FailedRegistrationDenied: true, KindInternal: true, KindPlugin: true,
}

// retry decides whether an attempt follows another one, when, and what is done differently. It knows neither time nor modem.
type retry struct {
	number    int           // of the attempt, since the start or since the last link that was up
	delay     time.Duration // the last wait before an attempt
	ordered   string        // why somebody wants another attempt, "" where nobody does
	plainText bool          // the attempt reads the password octet by octet for MS-CHAP: the last was refused
	blanked   bool          // an attempt with an empty name was made since the link was up last
	blankUser bool          // the attempt sends an empty user name although the policy has another
	otherWay  bool          // the next attempt differs from the last by itself: another name or APN
	recovered bool          // the step before the next attempt was taken
}

// begins counts an attempt.
func (r *retry) begins() {
	r.number++
	r.recovered = false
}

// next says whether there is another attempt after one that ended with o, and why. wasUp: it is about a link that worked and
// is lost, which only --persist dials again.
func (r *retry) next(cfg *Config, t *treatment, o Outcome, wasUp bool) (reason string, again bool) {
	if ordered := r.ordered; ordered != "" && !final[o.Kind] {
		r.ordered, r.blankUser, r.otherWay, r.delay = "", false, true, 0 // a new call: no step of retry.ladder before it
		return ordered, cfg.MaxAttempts == 0 || r.number < cfg.MaxAttempts
	}
	policy := t.selection.Policy
	if o.Clean() && o.Kind != KindPeerEnded || final[o.Kind] || policy == nil || wasUp && !cfg.Persist {
		return "", false
	}
	r.blankUser = !r.blankUser && t.mayBlank(o) && !(cfg.Vary != nil && r.blanked) // where attempts are varied, it is one variation among others
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

// wrongPort are the failures of an attempt that a port has which is there for something else: it takes no commands, or no
// dial, or nothing speaks PPP behind its CONNECT.
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

// nextWay makes the next attempt use the next way in. After the last one it is the first one's turn again, in case there
// are attempts left.
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
