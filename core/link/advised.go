package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is what a session asks somebody else besides the decisions of PPP, and what it makes of the answers.

// maxSettings is how many settings an Identified may hold; more than there are keys are a mistake.
const maxSettings = 256

// device is the modem as questions tell of it.
func (s *Session) device(sel Selection) advice.Device {
	d, id := sel.Device, s.facts.Identity
	return advice.Device{Port: d.Port, USB: d.USB, Vendor: id.Vendor, Model: id.Model, Firmware: id.Firmware, Profile: d.Profile}
}

// identify asks what else is known of the modem, and gives the selection that follows.
func (s *Session) identify(x *at.Exchange, sel Selection) Selection {
	if s.cfg.Wants == nil {
		return sel
	}
	if !s.wants(advice.Identify{}) {
		return sel
	}
	a := consult[advice.Identified](s, x, advice.Identify{Link: s.cfg.Name, Attempt: s.attempt, Device: s.device(sel)})
	if !a.Opinion() {
		return sel
	}
	before := s.facts
	for _, f := range []struct {
		into *string
		from string
	}{{&s.facts.Vendor, a.Vendor}, {&s.facts.Model, a.Model}, {&s.facts.Firmware, a.Firmware}} {
		if f.from != "" {
			*f.into = oneLine(at.Redact(f.from))
		}
	}
	s.facts.Advised = a.Settings[:min(len(a.Settings), maxSettings)]
	next, err := s.cfg.Resolve(s.facts)
	if err != nil {
		s.facts = before
		s.tellFailed(x.Now(), advice.KindIdentify, advice.FailedError{By: a.By, Err: err})
		return sel
	}
	for _, f := range next.Refused {
		s.tellFailed(x.Now(), advice.KindIdentify, f)
	}
	keys := make([]string, 0, len(s.facts.Advised))
	for _, setting := range s.facts.Advised {
		keys = append(keys, setting.Key)
	}
	verdict := strings.TrimSpace(strings.Join([]string{s.facts.Vendor, s.facts.Model, s.facts.Firmware}, " "))
	if len(keys) > 0 {
		verdict += ", settings " + strings.Join(keys, " ")
	}
	s.judged(x.Event, advice.KindIdentify, strings.TrimSpace(strings.Join([]string{before.Vendor, before.Model, before.Firmware}, " ")), verdict, a.By)
	return next
}

// credentialsHook gives the function by which the dialogue asks for credentials; nil where nobody has any.
func (s *Session) credentialsHook(x *at.Exchange) func(modem.Home, string) modem.Access {
	if !s.wants(advice.Credentials{}) {
		return nil
	}
	return func(h modem.Home, stored string) modem.Access {
		s.plan.Credentials = nil // once in an attempt, also where the context is set again
		return s.askCredentials(x, h, stored)
	}
}

// askCredentials asks for the way into the network. What a person chose stands.
func (s *Session) askCredentials(x *at.Exchange, h modem.Home, stored string) (way modem.Access) {
	sel := s.selection
	q := advice.Credentials{
		Link: s.cfg.Name, Attempt: s.attempt, Device: s.device(sel), Home: homeCode(h),
		APN: sel.Policy.Text("context.apn"), StoredAPN: stored, User: packet.HideIdentity(s.user(sel.Policy)),
		APNChosen: sel.chosen("context.apn"), UserChosen: s.userChosen(),
	}
	a := consult[advice.Login](s, x, q)
	if !a.Opinion() {
		return way
	}
	a = s.usable(x, a, q)
	s.login = &a
	intent := fmt.Sprintf("apn %q, user %q", q.APN, q.User)
	verdict := "apn as it is"
	if a.APN != "" {
		verdict = fmt.Sprintf("apn %q", a.APN)
		x.Event(event.Quirk{Key: "context.apn", Value: a.APN, Source: a.By, Reason: a.Reason})
	}
	if a.Replace {
		verdict += fmt.Sprintf(", user %q", packet.HideIdentity(a.User))
		x.Event(event.Quirk{Key: "auth.user", Value: packet.HideIdentity(a.User), Source: a.By, Reason: a.Reason})
	}
	if a.Allow != nil {
		words := make([]string, 0, len(a.Allow))
		for _, m := range a.Allow {
			words = append(words, m.String())
		}
		verdict += ", allow " + strings.Join(words, " ")
		x.Event(event.Quirk{Key: "auth.allow", Value: strings.Join(words, " "), Source: a.By, Reason: a.Reason})
	}
	s.judged(x.Event, advice.KindCredentials, intent, verdict, a.By)
	return access(s.login)
}

// usable is what counts of an answer: nothing that a person has chosen, and nothing that could not be sent.
func (s *Session) usable(x *at.Exchange, a advice.Login, q advice.Credentials) advice.Login {
	bad := func(what string) {
		s.tellFailed(x.Now(), advice.KindCredentials, advice.FailedError{By: a.By, Err: fmt.Errorf("%s cannot be used", what)})
	}
	if q.APNChosen {
		a.APN = ""
	}
	if len(a.APN) > 100 || oneLine(a.APN) != a.APN || strings.Contains(a.APN, `"`) { // 3GPP TS 23.003 section 9.1
		bad("the APN")
		a.APN = ""
	}
	if q.UserChosen {
		a.Replace = false
	}
	if a.Replace && (len(a.User) > 255 || len(a.Password.Reveal()) > 255) {
		bad("a user name or password of more than 255 octets")
		a.Replace = false
	}
	if !a.Replace {
		a.User, a.Password = "", auth.Secret{}
	}
	if s.selection.chosen("auth.allow") {
		a.Allow = nil
	}
	a.Allow = slices.DeleteFunc(slices.Clone(a.Allow), func(m auth.Method) bool { return m == auth.None || m > auth.EAP })
	if len(a.Allow) == 0 {
		a.Allow = nil
	}
	return a
}

// homeCode writes the network that issued a SIM as carriers do: MCC-MNC.
func homeCode(h modem.Home) string {
	if (h.MNCLength == 2 || h.MNCLength == 3) && len(h.Digits) >= 3+h.MNCLength {
		return h.Digits[:3] + "-" + h.Digits[3:3+h.MNCLength]
	}
	return h.Digits
}

// userChosen says that a person chose the user name or the password.
func (s *Session) userChosen() bool { return s.selection.UserChosen || !s.cfg.Password.Empty() }

// advisedLogin is the login that somebody else gave for this attempt; nil: none.
func (s *Session) advisedLogin() *advice.Login {
	if s.login == nil || !s.login.Replace {
		return nil
	}
	return s.login
}

// chosen says whether a person chose the value of a key.
func (s Selection) chosen(key string) bool { return s.Chosen != nil && s.Chosen(key) }

// call is the dialogue from a modem that is ready to data: what is to be sent before, the dial command, and what comes after.
func (s *Session) call(x *at.Exchange) error {
	if s.cfg.Wants == nil {
		return modem.Call(s.plan, &s.dialed)(x)
	}
	plan := s.plan
	dial := at.HideNumber(plan.DialCommand + plan.Number)
	if s.wants(advice.Steps{When: advice.Before}) {
		if err := modem.Sync(x, plan); err != nil { // as Call does: the last question may have gone without an answer
			return err
		}
		q := advice.Steps{Link: s.cfg.Name, Attempt: s.attempt, Device: s.device(s.selection), When: advice.Before, Dial: dial, Commands: true}
		for _, c := range plan.Send.BeforeDial {
			q.Steps = append(q.Steps, advice.Step{Command: c})
		}
		a := consult[advice.Plan](s, x, q)
		if err := s.planned(x, a, fmt.Sprintf("%d steps before the dial", len(q.Steps))); err != nil {
			return err
		}
		if len(a.Steps) > 0 && !a.Replace {
			plan.AlsoBeforeDial = modemSteps(a.Steps)
		}
		if a.Replace {
			plan.Send.BeforeDial, plan.AlsoBeforeDial = nil, modemSteps(a.Steps)
		}
	}
	if err := modem.Call(plan, &s.dialed)(x); err != nil {
		return err
	}
	s.connected = true
	if !s.wants(advice.Steps{When: advice.After}) {
		return nil
	}
	q := advice.Steps{Link: s.cfg.Name, Attempt: s.attempt, Device: s.device(s.selection), When: advice.After, Dial: dial,
		Connect: s.dialed.Connect, Commands: s.cfg.ATPort}
	a := consult[advice.Plan](s, x, q)
	a.Replace = false // there is nothing to replace
	if err := s.planned(x, a, "PPP"); err != nil {
		return err
	}
	if len(a.Steps) > 0 && !s.cfg.ATPort {
		s.tellFailed(x.Now(), advice.KindSteps, advice.FailedError{By: a.By, Err: fmt.Errorf("the port carries PPP, and there is no AT port for its %d steps", len(a.Steps))})
		return nil
	}
	s.afterwards = modemSteps(a.Steps)
	return nil
}

// maxSteps is how many steps a Plan may hold.
const maxSteps = 64

// planned tells a plan, and gives an error where it is that there is to be no call.
func (s *Session) planned(x *at.Exchange, a advice.Plan, intent string) error {
	if !a.Opinion() {
		return nil
	}
	verdict := fmt.Sprintf("%d steps more", len(a.Steps))
	switch {
	case a.Abort != "":
		verdict = "abort: " + oneLine(a.Abort)
	case a.Replace:
		verdict = fmt.Sprintf("%d steps instead", len(a.Steps))
	}
	s.judged(x.Event, advice.KindSteps, intent, verdict, a.By)
	switch {
	case a.Abort != "":
		return &abortError{by: a.By, reason: oneLine(a.Abort)}
	case len(a.Steps) > maxSteps:
		return &modem.Error{Kind: modem.ATError, Text: fmt.Sprintf("%s wants %d steps; %d are allowed", a.By, len(a.Steps), maxSteps)}
	}
	return nil
}

// abortError says that somebody who was asked would not have the call.
type abortError struct{ by, reason string }

func (e *abortError) Error() string { return e.by + ": " + e.reason }

func modemSteps(list []advice.Step) []modem.Step {
	var steps []modem.Step
	for _, s := range list {
		steps = append(steps, modem.Step{Command: s.Command, Expect: s.Expect, Timeout: s.Timeout, Sensitive: s.Sensitive})
	}
	return steps
}

// after is the dialogue on the AT port between CONNECT and PPP.
func (s *Session) after(x *at.Exchange) error {
	if err := modem.Sync(x, s.plan); err != nil {
		return err
	}
	return modem.Steps(s.plan, s.afterwards)(x)
}

// judge decides whether a link that IPCP calls open is proved or believed; somebody else may be asked first.
func (s *Session) judge(now time.Time) {
	s.unjudged()
	if s.cfg.Wants == nil || s.cfg.Prove == ProveNever || !s.wants(advice.Prove{}) {
		s.proveOrOpen(now, s.mustProve(), nil)
		return
	}
	s.stage = stagePPP
	n := s.network
	s.judging = s.ask(now, advice.Prove{
		Link: s.cfg.Name, Attempt: s.attempt, Local: n.Local, Peer: n.Peer, PeerAssumed: n.PeerAssumed,
		DNS: slices.Clone(n.DNS), MTU: n.MTU, Provisional: s.provisional, WillProbe: s.mustProve(),
	}, func(now time.Time, a advice.Answer, _ bool) {
		s.judging = nil
		p, _ := a.(advice.Proof)
		s.proofGiven(now, p)
	})
}

// unjudged forgets that somebody was asked.
func (s *Session) unjudged() {
	if s.judging != nil {
		s.drop(s.judging)
		s.judging = nil
	}
}

func (s *Session) proofGiven(now time.Time, p advice.Proof) {
	probe := s.mustProve()
	intent := map[bool]string{false: "believe", true: "probe"}[probe]
	tell := func(verdict string) {
		s.judged(func(e event.Event) { s.event(now, e) }, advice.KindProve, intent, verdict, p.By)
	}
	targets := slices.DeleteFunc(slices.Clone(p.Targets), func(a netip.Addr) bool {
		return !a.Is4() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback()
	})
	targets = targets[:min(len(targets), maxTargets)]
	switch {
	case !p.Opinion():
	case p.Refuse != "":
		tell("refuse: " + oneLine(p.Refuse))
		s.fail(now, Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: s.provisional, Detail: s.hide(p.By + ": " + oneLine(p.Refuse))})
		return
	case p.Trust != "" && s.cfg.Prove == ProveAlways:
		tell("trust: " + oneLine(p.Trust) + "; but the user wants a proof")
	case p.Trust != "":
		tell("trust: " + oneLine(p.Trust))
		probe, targets = false, nil
	case len(targets) > 0:
		tell(fmt.Sprintf("probe %d more", len(targets)))
		probe = true
	}
	s.proveOrOpen(now, probe, targets)
}

// maxTargets is how many targets of somebody else are probed.
const maxTargets = 8

func (s *Session) proveOrOpen(now time.Time, probe bool, targets []netip.Addr) {
	if probe {
		s.startProof(now, targets)
		return
	}
	s.openPlane(now)
}

// settings are the engine's.
func (s *Session) settings() ppp.Settings {
	p := s.selection.Policy
	settings := engineSettings(p, s.user(p), s.password())
	if s.login != nil && s.login.Allow != nil {
		settings.Auth.Allow = s.login.Allow
	}
	settings.Auth.AtLeast = s.pinned.atLeast(s.facts.Identity)
	settings.Auth.Client.PlainPassword = settings.Auth.Client.PlainPassword || s.plainText
	if s.cfg.Wants != nil {
		s.subscribe(&settings)
	}
	return settings
}

// access is a login as the modem's side takes it.
func access(a *advice.Login) modem.Access {
	way := modem.Access{APN: a.APN, Login: a.Replace, User: a.User, Password: a.Password.Reveal()}
	if len(a.Allow) > 0 {
		switch a.Allow[0] {
		case auth.PAP:
			way.Method = "pap"
		case auth.CHAPMD5:
			way.Method = "chap"
		}
	}
	return way
}

// oneLine makes text of somebody else's fit for a line of a log.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return strings.TrimSpace(text)
}
