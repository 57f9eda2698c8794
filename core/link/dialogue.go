package link

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/private"
)

// This file holds the AT dialogue on the way to a call, and what an adviser may add to it.

// dialogue is what the AT dialogues of an attempt work with: the treatment, which they fill while they run, and the asker. They
// do not know the session.
type dialogue struct {
	*treatment
	asker  *asker
	number int             // of the attempt
	wake   func(time.Time) // tells the dialogue that an answer came
}

// dial is the dialogue of an attempt on one port: identify the modem, find its settings, dial.
func (d *dialogue) dial(x *at.Exchange) error {
	if direct, err := d.makeReady(x); err != nil || direct {
		return err
	}
	return d.call(x)
}

// prepare is dial up to the dialling.
func (d *dialogue) prepare(x *at.Exchange) error {
	_, err := d.makeReady(x)
	return err
}

// makeReady makes the modem ready for the dial. direct means that the profile names no number: the port carries PPP at once, and
// there is no AT dialogue.
func (d *dialogue) makeReady(x *at.Exchange) (direct bool, err error) {
	d.facts = Facts{}
	selection, err := d.cfg.Resolve(d.facts)
	if err != nil {
		return false, err
	}
	direct = selection.Policy.Text("dial.number") == ""
	if !direct {
		plan := d.planFor(selection)
		if err := modem.Sync(x, plan); err != nil {
			d.take(x.Event, selection)
			return false, err
		}
		id, err := modem.Ask(x)
		if err != nil {
			d.take(x.Event, selection)
			return false, err
		}
		d.facts.Identity = id
		if selection, err = d.cfg.Resolve(d.facts); err != nil {
			return false, err
		}
	}
	d.take(x.Event, d.identify(x, selection))
	if direct {
		if d.asker.wants(advice.Credentials{}) {
			d.askCredentials(x, modem.Home{}, "")
		}
		return true, nil
	}
	d.plan.Access, d.plan.Credentials = d.accessHook(x), d.credentialsHook(x)
	if err := modem.Prepare(d.plan, &d.dialed)(x); err != nil {
		return false, err
	}
	if d.awaits("operator") {
		return false, d.registered(x)
	}
	return false, nil
}

// registered comes between Prepare and the call: settings that depend on the operator are resolved here.
func (d *dialogue) registered(x *at.Exchange) error {
	operator, err := modem.Operator(x, d.plan)
	if err != nil || operator == "" {
		return err
	}
	d.facts.Operator = operator
	keys := d.resolveAgain(x.Event)
	if d.selection.Policy.Text("context.apn") != "" && d.ways.used != nil {
		d.ways.used = nil // the entry for the operator has precedence over the table of carriers
		d.replan()
	}
	context := func(key string) bool {
		return strings.HasPrefix(key, "context.") || key == "at.before_context" || key == "at.after_context" || key == "auth.user"
	}
	if slices.ContainsFunc(keys, context) {
		return modem.SetContext(d.plan)(x)
	}
	return nil
}

// maxSettings is how many settings an Identified may hold; more than there are keys are a mistake.
const maxSettings = 256

// identify asks the adviser what else is known about the modem, and gives the selection that follows.
func (d *dialogue) identify(x *at.Exchange, sel Selection) Selection {
	if !d.asker.wants(advice.Identify{}) {
		return sel
	}
	a := consult[advice.Identified](d, x, advice.Identify{Link: d.cfg.Name, Attempt: d.number, Device: d.device(sel)})
	if !a.Opinion() {
		return sel
	}
	before := d.facts
	for _, f := range []struct {
		into *string
		from string
	}{{&d.facts.Vendor, a.Vendor}, {&d.facts.Model, a.Model}, {&d.facts.Firmware, a.Firmware}} {
		if f.from != "" {
			*f.into = oneLine(private.Identities(f.from))
		}
	}
	d.facts.Advised = a.Settings[:min(len(a.Settings), maxSettings)]
	next, err := d.cfg.Resolve(d.facts)
	if err != nil {
		d.facts = before
		d.asker.tellFailed(x.Now(), advice.KindIdentify, advice.FailedError{By: a.By, Err: err})
		return sel
	}
	for _, f := range next.Refused {
		d.asker.tellFailed(x.Now(), advice.KindIdentify, f)
	}
	keys := make([]string, 0, len(d.facts.Advised))
	for _, setting := range d.facts.Advised {
		keys = append(keys, setting.Key)
	}
	verdict := strings.TrimSpace(strings.Join([]string{d.facts.Vendor, d.facts.Model, d.facts.Firmware}, " "))
	if len(keys) > 0 {
		verdict += ", settings " + strings.Join(keys, " ")
	}
	d.asker.verdict(x.Event, advice.KindIdentify, strings.TrimSpace(strings.Join([]string{before.Vendor, before.Model, before.Firmware}, " ")), verdict, a.By)
	return next
}

// credentialsHook gives the function by which the dialogue asks for credentials; nil if the adviser has none.
func (d *dialogue) credentialsHook(x *at.Exchange) func(modem.Home, string) modem.Access {
	if !d.asker.wants(advice.Credentials{}) {
		return nil
	}
	return func(h modem.Home, stored string) modem.Access {
		d.plan.Credentials = nil // once in an attempt, also where the context is set again
		return d.askCredentials(x, h, stored)
	}
}

// askCredentials asks for the way into the network. What a person chose is kept.
func (d *dialogue) askCredentials(x *at.Exchange, h modem.Home, stored string) (way modem.Access) {
	sel := d.selection
	q := advice.Credentials{
		Link: d.cfg.Name, Attempt: d.number, Device: d.device(sel), Home: homeCode(h),
		APN: sel.Policy.Text("context.apn"), StoredAPN: stored, User: private.Name(d.user(sel.Policy)),
		APNChosen: sel.chosen("context.apn"), UserChosen: d.userChosen(),
	}
	a := consult[advice.Login](d, x, q)
	if !a.Opinion() {
		return way
	}
	a = d.usable(x, a, q)
	d.login = &a
	intent := fmt.Sprintf("apn %q, user %q", q.APN, q.User)
	verdict := "apn as it is"
	if a.APN != "" {
		verdict = fmt.Sprintf("apn %q", a.APN)
		x.Event(event.Quirk{Key: "context.apn", Value: a.APN, Source: a.By, Reason: a.Reason})
	}
	if a.Replace {
		verdict += fmt.Sprintf(", user %q", private.Name(a.User))
		x.Event(event.Quirk{Key: "auth.user", Value: private.Name(a.User), Source: a.By, Reason: a.Reason})
	}
	if a.Allow != nil {
		words := make([]string, 0, len(a.Allow))
		for _, m := range a.Allow {
			words = append(words, m.String())
		}
		verdict += ", allow " + strings.Join(words, " ")
		x.Event(event.Quirk{Key: "auth.allow", Value: strings.Join(words, " "), Source: a.By, Reason: a.Reason})
	}
	d.asker.verdict(x.Event, advice.KindCredentials, intent, verdict, a.By)
	return loginAccess(d.login)
}

// usable gives the usable part of an answer: without values that a person has chosen already, and without values that cannot be
// sent.
func (d *dialogue) usable(x *at.Exchange, a advice.Login, q advice.Credentials) advice.Login {
	bad := func(what string) {
		d.asker.tellFailed(x.Now(), advice.KindCredentials, advice.FailedError{By: a.By, Err: fmt.Errorf("%s cannot be used", what)})
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
	if d.selection.chosen("auth.allow") {
		a.Allow = nil
	}
	a.Allow = slices.DeleteFunc(slices.Clone(a.Allow), func(m auth.Method) bool { return m == auth.None || m > auth.EAP })
	if len(a.Allow) == 0 {
		a.Allow = nil
	}
	return a
}

// homeCode writes the network that issued a SIM as MCC-MNC.
func homeCode(h modem.Home) string {
	if (h.MNCLength == 2 || h.MNCLength == 3) && len(h.Digits) >= 3+h.MNCLength {
		return h.Digits[:3] + "-" + h.Digits[3:3+h.MNCLength]
	}
	return h.Digits
}

// call is the dialogue from a modem that is ready to the data state: steps before the dial, the dial command, and steps after it.
func (d *dialogue) call(x *at.Exchange) error {
	if d.asker.silent() {
		return modem.Call(d.plan, &d.dialed)(x)
	}
	plan := d.plan
	dial := private.Number(plan.DialCommand + plan.Number)
	if d.asker.wants(advice.Steps{When: advice.Before}) {
		if err := modem.Sync(x, plan); err != nil { // as Call does: the last question may have gone without an answer
			return err
		}
		q := advice.Steps{Link: d.cfg.Name, Attempt: d.number, Device: d.device(d.selection), When: advice.Before, Dial: dial, Commands: true}
		for _, c := range plan.Send.BeforeDial {
			q.Steps = append(q.Steps, advice.Step{Command: c})
		}
		a := consult[advice.Plan](d, x, q)
		if err := d.planned(x, a, fmt.Sprintf("%d steps before the dial", len(q.Steps))); err != nil {
			return err
		}
		if len(a.Steps) > 0 && !a.Replace {
			plan.AlsoBeforeDial = modemSteps(a.Steps)
		}
		if a.Replace {
			plan.Send.BeforeDial, plan.AlsoBeforeDial = nil, modemSteps(a.Steps)
		}
	}
	if err := modem.Call(plan, &d.dialed)(x); err != nil {
		return err
	}
	d.connected = true
	if !d.asker.wants(advice.Steps{When: advice.After}) {
		return nil
	}
	q := advice.Steps{Link: d.cfg.Name, Attempt: d.number, Device: d.device(d.selection), When: advice.After, Dial: dial,
		Connect: d.dialed.Connect, Commands: d.cfg.ATPort}
	a := consult[advice.Plan](d, x, q)
	a.Replace = false // there is nothing to replace
	if err := d.planned(x, a, "PPP"); err != nil {
		return err
	}
	if len(a.Steps) > 0 && !d.cfg.ATPort {
		d.asker.tellFailed(x.Now(), advice.KindSteps, advice.FailedError{By: a.By, Err: fmt.Errorf("the port carries PPP, and there is no AT port for its %d steps", len(a.Steps))})
		return nil
	}
	d.afterwards = modemSteps(a.Steps)
	return nil
}

// maxSteps is how many steps a Plan may hold.
const maxSteps = 64

// planned reports a plan, and gives an error if the plan forbids the call.
func (d *dialogue) planned(x *at.Exchange, a advice.Plan, intent string) error {
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
	d.asker.verdict(x.Event, advice.KindSteps, intent, verdict, a.By)
	switch {
	case a.Abort != "":
		return &abortError{by: a.By, reason: oneLine(a.Abort)}
	case len(a.Steps) > maxSteps:
		return &modem.Error{Kind: modem.ATError, Text: fmt.Sprintf("%s wants %d steps; %d are allowed", a.By, len(a.Steps), maxSteps)}
	}
	return nil
}

// abortError means that an adviser forbade the call.
type abortError struct{ by, reason string }

func (e *abortError) Error() string { return e.by + ": " + e.reason }

func modemSteps(list []advice.Step) []modem.Step {
	var steps []modem.Step
	for _, s := range list {
		steps = append(steps, modem.Step{Command: s.Command, Expect: s.Expect, Timeout: s.Timeout, Sensitive: s.Sensitive})
	}
	return steps
}

// instruct is the dialogue on the AT port between CONNECT and PPP.
func (d *dialogue) instruct(x *at.Exchange) error {
	if err := modem.Sync(x, d.plan); err != nil {
		return err
	}
	return modem.Steps(d.plan, d.afterwards)(x)
}
