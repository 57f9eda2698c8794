package harvest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// scenario writes a modem that misbehaves as this one did, as far as that follows from what helps. It is tried: without the
// settings it must go wrong, with them it must come up, and with one fewer it must go wrong again. What does not pass is not
// written, and the scenario says only who the modem is.
func (f *Found) scenario() string {
	who := fmt.Sprintf("schema = 1\nsummary = %s\nsource = %s\n", mimic.Quote(f.name()+", as far as it is known"), f.source())
	if !f.Nameless() {
		who += fmt.Sprintf("\n[identity]\nmanufacturer = %s\nmodel = %s\nrevision = %s\n", mimic.Quote(f.Device.Vendor), mimic.Quote(f.Device.Model), mimic.Quote(f.Device.Firmware))
	}
	drawn := who + f.faults()
	given := f.given()
	if shortage, ok := f.shows(drawn, given); ok {
		text := "# Written by knak learn: a modem that misbehaves as this one did, drawn from what helped. Nobody has looked inside.\n" + drawn
		if len(given) > 0 || f.hold() > 0 {
			text += "\n[expect]\n"
		}
		if len(given) > 0 {
			text += fmt.Sprintf("set = %s\n", mimic.List(given))
		}
		if f.hold() > 0 {
			text += fmt.Sprintf("hold = %q\n", f.hold())
		}
		return text + "\n[expect.without]\n" + shortage + "\n"
	}
	return "# Written by knak learn. It shows only that the profile does no harm: say what the modem does, and what goes wrong without\n# the profile (docs/sim.md).\n" + who
}

// given are the person's settings that the scenario needs: the APN may be all that the network knows.
func (f *Found) given() []string {
	return slices.DeleteFunc(slices.Clone(f.Given), func(s string) bool { return !strings.HasPrefix(s, "context.apn=") })
}

// shows tries a scenario, and says what goes wrong without the settings, as expect.without has it.
func (f *Found) shows(text string, given []string) (shortage string, ok bool) {
	hold := f.hold()
	s, err := sim.Parse("learned", []byte(text))
	if err != nil || f.Database == nil {
		return "", false
	}
	dial := func(set []learn.Setting) simulate.Result {
		r := policy.Resolver{DB: f.Database, Facts: quirks.Facts{USB: quirks.None}, Unknown: true, Port: "sim", Set: given}
		r.Learned = func(link.Facts) []quirks.Advised {
			var list []quirks.Advised
			for _, s := range set {
				list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: "learned"})
			}
			return list
		}
		return simulate.Run(link.Config{Name: "learned", Resolve: r.Resolve, Once: hold == 0, MaxTime: hold, Timeout: tryLimit}, sim.New(s, 1), time.Unix(0, 0), tryLimit+time.Minute)
	}
	with := dial(f.Verdict.Set)
	up := func(r simulate.Result) bool {
		return r.Outcome.Kind == link.KindDone || r.Outcome.Kind == link.KindMaxTime
	}
	if !up(with) {
		return "", false
	}
	worse := func(r simulate.Result) bool { return !up(r) || r.Elapsed > with.Elapsed+later }
	for i := range f.Verdict.Set {
		if len(f.Verdict.Set) > 1 && !worse(dial(slices.Concat(f.Verdict.Set[:i:i], f.Verdict.Set[i+1:]))) {
			return "", false
		}
	}
	without := dial(nil)
	switch {
	case !worse(without):
		return "", false
	case without.Outcome.Phase == event.PhaseUp && !up(without):
		return `worse = "dropped"`, true
	case up(without): // it takes several attempts, or other requests
		return fmt.Sprintf("slower = %q", later), true
	}
	return fmt.Sprintf("exit = %d", without.Outcome.ExitCode()), true
}

// later is how much later at least a link is up without what makes a difference.
const later = time.Second

// hold is how long the link must be looked at to see the difference, 0: it need only come up.
func (f *Found) hold() time.Duration {
	if slices.ContainsFunc(f.Verdict.Set, func(s learn.Setting) bool { return s.Key == "lcp.echo_mode" }) {
		return time.Minute
	}
	return 0
}

// tryLimit is how long such a dial may take, as in quirks test.
const tryLimit = 2 * time.Minute

// ending says what a modem did, as a rule's do, when calls failed in a phase. Where none failed, other requests were tried within
// a call, for it answered nothing.
func (f *Found) ending(phase string) string {
	if f.alwaysUp() {
		return "drop"
	}
	do := "hangup"
	for _, t := range f.Trials {
		if t.Up || t.Failure.Phase != phase {
			continue
		}
		switch t.Failure.Kind {
		case event.FailedTerminated:
			return "terminate-lcp"
		case event.FailedCarrierLost:
			return "hangup"
		case event.FailedTimeout:
			do = "drop"
		case event.FailedEmptyNaks, event.FailedRepeatedNaks:
			do = "nak"
		}
	}
	return do
}

// rule writes a rule.
func rule(protocol, do string, conditions ...string) string {
	return fmt.Sprintf("\n[[%s.rule]]\n%s\ndo = %q\n", protocol, strings.Join(conditions, "\n"), do)
}

// reply writes another answer to a command.
func reply(command string, lines ...string) string {
	return fmt.Sprintf("\n[[at.reply]]\ncommand = %q\n%s\n", command, strings.Join(lines, "\n"))
}

// faults draws the misbehaviour that each setting of the set helps against.
func (f *Found) faults() string {
	set := map[string]string{}
	var b strings.Builder
	var at, silenced []string
	for _, s := range f.Verdict.Set {
		set[s.Key] = s.Value
		if s.Key == "at.never+" {
			silenced = append(silenced, s.Value)
		}
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { _, ok := set[k]; return ok })
	}
	method := "pap"
	for _, t := range f.Trials {
		if t.Failure.Method == "chap" && len(t.Settings) == 0 {
			method = "chap-md5"
		}
	}
	// What is said in AT.
	if has("at.char_delay") {
		at = append(at, "pace = \"10ms\"")
	}
	if has("at.ready_wait") && len(silenced) == 0 {
		at = append(at, "boot = \"14s\"")
	}
	if len(at) > 0 {
		fmt.Fprintf(&b, "\n[at]\n%s\n", strings.Join(at, "\n"))
	}
	for _, c := range silenced {
		b.WriteString(reply(strings.TrimSuffix(c, "?")+"*", "silent = true", "deaf = \"50s\""))
	}
	if has("registration.require") {
		state := 3
		for _, t := range f.Trials {
			if t.Failure.Kind == event.FailedNotRegistered {
				state = 0
			}
		}
		for _, c := range []string{"CEREG", "CGREG", "CREG", "C5GREG"} {
			b.WriteString(reply("AT+"+c+"?", fmt.Sprintf("lines = [\"+%s: 0,%d\"]", c, state)))
		}
	}
	if has("registration.attach") {
		b.WriteString("\n[registration]\nattach = \"asked\"\n")
	}
	if n := cmp.Or(set["dial.number"], number(set["context.cid"])); n != "" {
		fmt.Fprintf(&b, "\n[dial]\nresult = \"no-carrier\"\nnumber = [%q]\n", n)
	}
	// What is said in PPP.
	if has("lcp.send_accm") {
		b.WriteString("\n[line]\ncontrol = \"lost\"\n")
	}
	if has("lcp.echo_mode") {
		b.WriteString(rule("lcp", "hangup", "on = \"echo-request\""))
	}
	if options, ok := set["lcp.request"]; ok {
		asks := strings.Split(options, ",")
		if slices.Contains(asks, "mru") {
			b.WriteString(rule("lcp", f.ending(event.PhaseLCP), "lacks = [\"mru\"]"))
		}
		for _, o := range []string{"accm", "magic", "pfc", "acfc"} {
			if !slices.Contains(asks, o) {
				b.WriteString(rule("lcp", f.lasting(event.PhaseLCP), fmt.Sprintf("asks = [%q]", o)))
			}
		}
	}
	if has("lcp.free_naks", "lcp.empty_nak_pace") || has("lcp.restart") {
		b.WriteString(rule("lcp", "hangup", "sooner = \"1s\""))
	}
	conditions := []string{}
	if allow, ok := set["auth.allow"]; ok {
		demand := map[string]string{"pap": "chap-md5", "chap-md5": "pap"}[allow]
		fmt.Fprintf(&b, "\n[auth]\ndemand = %q\nalso = [%q]\n", cmp.Or(demand, "pap"), allow)
		conditions = append(conditions, fmt.Sprintf("method_not = [%q]", allow))
	}
	if user, ok := set["auth.user"]; ok {
		if len(conditions) == 0 {
			fmt.Fprintf(&b, "\n[auth]\ndemand = %q\n", method)
		}
		conditions = append(conditions, "user_not = "+mimic.Quote(user))
	}
	for _, c := range conditions {
		b.WriteString(rule("ipcp", f.ending(event.PhaseIPCP), c))
	}
	if has("ipcp.free_naks", "ipcp.empty_nak_pace", "ipcp.restart") {
		b.WriteString(rule("ipcp", "hangup", "sooner = \"1s\""))
	}
	asks, asked := set["ipcp.request"]
	switch {
	case asked && strings.Contains(asks, "nbns1"):
		do := f.ending(event.PhaseIPCP)
		b.WriteString("\n[ipcp]\nnbns = [\"192.0.2.70\"]\n" + rule("ipcp", f.lasting(event.PhaseIPCP), "lacks = [\"nbns1\"]"))
		if !strings.Contains(asks, "dns1") {
			b.WriteString(rule("ipcp", do, "asks = [\"dns1\"]"))
		}
	case asked && !strings.Contains(asks, "dns1"):
		b.WriteString(rule("ipcp", f.lasting(event.PhaseIPCP), "asks = [\"dns1\"]"))
	case asked && !strings.Contains(asks, "dns2"):
		b.WriteString(rule("ipcp", f.lasting(event.PhaseIPCP), "asks = [\"dns2\"]"))
	}
	if has("ipcp.widen") && !asked {
		b.WriteString(rule("ipcp", "hangup", "asks = [\"nbns1\"]") + rule("ipcp", "nak", "before = \"5s\""))
	}
	return b.String()
}

// lasting is ending, but what a modem that failed did not answer it answers never again: another request in the same call would
// have been tried.
func (f *Found) lasting(phase string) string {
	if do := f.ending(phase); do != "drop" || f.alwaysUp() {
		return do
	}
	return "silence"
}

// alwaysUp says whether all calls came up.
func (f *Found) alwaysUp() bool {
	return !slices.ContainsFunc(f.Trials, func(t learn.Trial) bool { return !t.Up })
}

// number is the one that names a context other than the first.
func number(cid string) string {
	if cid == "" {
		return ""
	}
	return "*99***" + cid + "#"
}
