package link

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// treatment is what is known about the modem, the subscription and the network, and the settings that follow from it. The
// dialogue of an attempt fills it; the negotiation may add to it.
type treatment struct {
	cfg *Config

	facts     Facts
	selection Selection
	plan      modem.Plan
	ways      ways
	login     *advice.Login // an adviser's login; nil: none
	pinned    pinnedAuth
	plainText bool // read the password octet by octet for MS-CHAP
	blankUser bool // send an empty user name although the policy has another
	pinSpent  bool // the PIN was sent and is not known to be right: it is not sent again

	dialed     modem.Result
	connected  bool         // the modem has said CONNECT
	afterwards []modem.Step // an adviser's commands for the AT port between CONNECT and PPP
}

// following gives the treatment with which the next attempt begins: what was learned about the modem counts until the modem is
// identified again.
func (t *treatment) following(r *retry) treatment {
	next := treatment{
		cfg: t.cfg, selection: t.selection, plan: t.plan, ways: t.ways, pinned: t.pinned, blankUser: r.blankUser, plainText: r.plainText,
		pinSpent: t.pinSpent || t.dialed.PINSent,
	}
	next.ways.used = nil
	return next
}

// take makes the attempt use a selection, and reports it.
func (t *treatment) take(tell func(event.Event), selection Selection) {
	t.selection = selection
	t.plan = t.planFor(selection)
	tell(selection.Device)
	for _, q := range selection.Quirks {
		tell(q)
	}
}

// awaits says whether a fact can still change the selection.
func (t *treatment) awaits(fact string) bool {
	return t.selection.Awaits != nil && t.selection.Awaits(fact)
}

// resolveAgain resolves with what is known now, and gives the keys that changed. The resolver does not change settings of phases
// that have passed.
func (t *treatment) resolveAgain(tell func(event.Event)) (keys []string) {
	selection, err := t.cfg.Resolve(t.facts)
	if err != nil {
		tell(event.Notice{Level: "warning", Text: "the settings stay as they are: " + err.Error()})
		return nil
	}
	for _, q := range selection.Quirks {
		if !slices.Contains(t.selection.Quirks, q) {
			keys = append(keys, q.Key)
			tell(q)
		}
	}
	t.selection = selection
	t.replan()
	return keys
}

// replan makes the plan again, with the same hooks.
func (t *treatment) replan() {
	access, credentials := t.plan.Access, t.plan.Credentials
	t.plan = t.planFor(t.selection)
	t.plan.Access, t.plan.Credentials = access, credentials
}

func (t *treatment) planFor(selection Selection) modem.Plan {
	plan := dialPlan(selection.Policy, t.cfg.PIN.Reveal(), t.user(selection.Policy), t.password())
	plan.PINSpent = t.pinSpent
	plan.PINs, plan.PINAgain, plan.PINLastTry = t.cfg.PINs, t.cfg.PINAgain, t.cfg.PINLastTry
	plan.Identity = t.facts.Identity
	if t.login != nil {
		way := loginAccess(t.login)
		if way.APN != "" {
			plan.APN = way.APN
		}
		if way.Method != "" {
			plan.AuthMethod = way.Method
		}
	}
	if !t.loginGiven(selection) {
		plan.User = "" // a name that PPP sends only because it must send one is not known to the network
	}
	return plan
}

// settings gives the engine's settings.
func (t *treatment) settings() ppp.Settings {
	p := t.selection.Policy
	settings := engineSettings(p, t.user(p), t.password())
	if t.selection.chosen("lcp.request") { // a person knows what to ask for
		settings.LCP.VaryAfter = 0
	}
	if t.selection.chosen("ipcp.request") {
		settings.IPCP.VaryAfter = 0
	}
	if t.login != nil && t.login.Allow != nil {
		settings.Auth.Allow = t.login.Allow
	}
	settings.Auth.AtLeast = t.pinned.atLeast(t.facts.Identity)
	settings.Auth.Client.PlainPassword = settings.Auth.Client.PlainPassword || t.plainText
	return settings
}

// device describes the modem for questions.
func (t *treatment) device(sel Selection) advice.Device {
	d, id := sel.Device, t.facts.Identity
	return advice.Device{Port: d.Port, USB: d.USB, Vendor: id.Vendor, Model: id.Model, Firmware: id.Firmware, Profile: d.Profile}
}

// user is the name to authenticate with in this attempt.
func (t *treatment) user(p Policy) string {
	if l := t.advisedLogin(); l != nil {
		return l.User
	}
	if t.blankUser {
		return ""
	}
	if a := t.ways.used; a != nil && a.Login {
		return a.User
	}
	return p.Text("auth.user")
}

func (t *treatment) password() auth.Secret {
	if l := t.advisedLogin(); l != nil {
		return l.Password
	}
	if a := t.ways.used; a != nil && a.Login {
		return auth.NewSecret(a.Password)
	}
	return t.cfg.Password
}

// loginGiven says whether somebody gave a user name or a password: a person, the profile or the carrier's entry.
func (t *treatment) loginGiven(selection Selection) bool {
	return selection.chosen("auth.user") || !t.password().Empty() || t.advisedLogin() != nil || t.ways.login() ||
		slices.ContainsFunc(selection.Quirks, func(q event.Quirk) bool { return q.Key == "auth.user" })
}

// userChosen says that a person chose the user name or the password.
func (t *treatment) userChosen() bool {
	return t.selection.chosen("auth.user") || !t.cfg.Password.Empty()
}

// advisedLogin gives the name and password from an adviser for this attempt; nil: none.
func (t *treatment) advisedLogin() *advice.Login {
	if t.login == nil || !t.login.Replace {
		return nil
	}
	return t.login
}

// mayBlank says whether an empty user name is worth an attempt: the success was provisional, the network then refused,
// the name was not empty, no person chose it (AUTH-02, AUTH-03), and it is not the one that the SIM's carrier asks for.
func (t *treatment) mayBlank(o Outcome) bool {
	return o.Provisional && o.ExitCode() == ExitAuth && !t.selection.chosen("auth.user") && !t.ways.login() && t.advisedLogin() == nil &&
		t.selection.Policy.Text("auth.user") != "" && t.selection.Policy.Bool("auth.try_blank")
}

// mayReadOctets says whether the password is worth an attempt as octets: MS-CHAP read it as UTF-16 and was refused, and servers
// that pppd or lwIP set up read it otherwise.
func (t *treatment) mayReadOctets(o Outcome) bool {
	ascii := func(text string) bool {
		return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
	}
	switch t.facts.Auth {
	case auth.MSCHAP.String(), auth.MSCHAPv2.String(), auth.EAP.String():
		return o.Kind == event.FailedAuthRejected && !ascii(t.password().Reveal()) && t.selection.Policy.Text("auth.password_encoding") == "auto"
	}
	return false
}

// loginAccess is a login as the modem's side takes it.
func loginAccess(a *advice.Login) modem.Access {
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

// observe looks at a packet before the engine does, so that facts in the packet can still change the answer.
func (s *Session) observe(now time.Time, l *line, protocol uint16, info []byte) {
	switch s.state.(type) {
	case *negotiating, *judging:
	default:
		return
	}
	t := &s.attempt.treatment
	if t.facts.Auth != "" && (t.facts.Peer != "" || protocol == packet.LCP) {
		return
	}
	p, err := packet.Parse(info)
	if err != nil {
		return
	}
	fact := ""
	switch {
	case t.facts.Auth == "" && protocol == packet.LCP && p.Code == packet.ConfigureRequest:
		t.facts.Auth, fact = demanded(p.Data), "auth"
	case t.facts.Peer == "" && (protocol == packet.CHAP || protocol == packet.EAP):
		name, ok := challenger(protocol, p)
		if !ok {
			return
		}
		t.facts.Peer, fact = name, "peer"
	}
	if fact == "" || !t.awaits(fact) {
		return
	}
	if keys := t.resolveAgain(func(e event.Event) { s.story.event(now, e) }); len(keys) > 0 {
		l.engine.Adjust(now, s.pppSettings())
		s.pumpEngine(now, l)
	}
}
