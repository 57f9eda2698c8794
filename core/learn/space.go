package learn

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// variation is one thing to try.
type variation struct {
	id    string
	what  string // the reason in words
	set   []Setting
	wait  time.Duration // before the attempt
	score float64       // how strongly the evidence points to it
	mild  bool          // it does no harm if it is not needed
	adds  bool          // it may stay in place while others are tried
}

// vary makes a variation from KEY=VALUE settings; all have the same reason.
func vary(what string, settings ...string) variation {
	v := variation{id: strings.Join(settings, " "), what: what}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		v.set = append(v.set, Setting{key, value, "Found by experiment: " + what + "."})
	}
	return v
}

// after adds a pause before the attempt.
func (v variation) after(d time.Duration) variation {
	v.wait = d
	v.id += " after " + d.String()
	return v
}

// numbers are the dial strings for the packet service that known modems use. Those that name another context come last.
const numbers = `["*99#", "*99***1#", "*98*1#", "*99**1*1#", "#777", "*98#", "*99***2#", "*99***3#", "*99***4#", "*99***5#"]`

// space holds the variations by the names that evidence uses. For each, docs/quirks.md describes a modem that behaves so.
// Variations without a weight in evidence are in rare; they are tried together when nothing else has helped.
var space = sync.OnceValue(func() map[string]variation {
	return map[string]variation{
		"patience":      vary("the modem may need longer until it answers, lose characters that come fast, or stop at ATE0", "at.ready_wait=45s", "at.never+=ATE0", "at.char_delay=40ms"),
		"ready":         vary("the modem may need much longer until it answers", "at.ready_wait=1m30s"),
		"typing":        vary("the modem may lose characters that come fast", "at.char_delay=40ms", "at.ready_wait=20s"),
		"answers":       vary("the modem may take long to answer a command", "at.timeout=1m", "sim.wait=1m", "at.ready_wait=1m"),
		"echo-off":      vary("the modem may not take ATE0", "at.echo_off=false"),
		"attach":        vary("the modem may have to be told to attach to packet service", "registration.attach=request"),
		"unregistered":  vary("the modem may be able to call although it says that it is not registered", "registration.require=false"),
		"numbers":       vary("the modem may know another number for packet service", "dial.alternates="+numbers, "dial.alternates_when=refused", "dial.timeout=20s"),
		"short-number":  vary("the modem may know only the short number", "dial.number=*99#"),
		"context-2":     vary("the modem's context 1 may be taken", "context.cid=2"),
		"context-3":     vary("the modem's contexts 1 and 2 may be taken", "context.cid=3"),
		"tone":          vary("the modem may want ATDT", "dial.command=ATDT"),
		"own-apn":       vary("the modem may accept no APN other than the stored one", "at.never+=AT+CGDCONT"),
		"unhurried":     vary("the modem may cut calls whose requests come too fast", "auth.restart=6s", "ipcp.restart=6s", "ipcp.empty_nak_pace=3s", "ipcp.free_naks=0", "lcp.empty_nak_pace=3s", "lcp.free_naks=0", "dial.connect_delay=4s", "lcp.restart=6s"),
		"slow-ipcp":     vary("the modem may cut calls whose IPCP requests come too fast", "ipcp.free_naks=0", "ipcp.empty_nak_pace=3s", "ipcp.restart=6s"),
		"escape":        vary("control characters may be lost on the way", "lcp.accm=0xffffffff", "lcp.send_accm=0xffffffff"),
		"pap":           vary("the modem may accept CHAP and then not let the login count", "auth.allow=pap"),
		"chap":          vary("the modem may accept PAP and then not let the login count", "auth.allow=chap-md5"),
		"blank":         vary("the modem may want an empty user name", "auth.user="),
		"address-only":  vary("the modem may fail when it is asked for name servers", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
		"one-server":    vary("the modem may fail when it is asked for a second name server", "ipcp.request=address,dns1", "ipcp.widen=", "ipcp.vary_after=0"),
		"no-nbns":       vary("the modem may fail when it is asked for NBNS addresses", "ipcp.widen=", "ipcp.vary_after=0"),
		"windows":       vary("the modem may want to be asked for NBNS addresses too, as Windows asks", "ipcp.request=address,dns1,nbns1,dns2,nbns2"),
		"nbns-only":     vary("the modem may want to be asked for NBNS addresses, and fail when it is asked for name servers", "ipcp.request=address,nbns1,nbns2", "ipcp.widen=", "ipcp.vary_after=0"),
		"no-options":    vary("the modem may fail on LCP's options", "lcp.request=", "lcp.vary_after=0"),
		"all-options":   vary("the modem may want all of LCP's options", "lcp.request=mru,accm,magic,pfc,acfc", "lcp.vary_after=0"),
		"no-compress":   vary("the modem may fail on header compression (PFC, ACFC)", "lcp.request=accm,magic", "lcp.vary_after=0"),
		"mru-only":      vary("the modem may want an MRU and fail on other options", "lcp.request=mru", "lcp.vary_after=0"),
		"wide-accm":     vary("the modem may want to be told which characters to escape", "lcp.accm=0x000a0000"),
		"no-echo":       vary("an LCP Echo-Request may end the call", "lcp.echo_mode=off"),
		"rest":          vary("the modem may need a pause between calls", "retry.delay=20s").after(20 * time.Second),
		"long-rest":     vary("the modem may need a long pause between calls", "retry.delay=45s").after(45 * time.Second),
		"patient-ipcp":  vary("the network may need longer to give an address", "ipcp.deadline=2m", "ipcp.max_configure=40"),
		"patient-lcp":   vary("the modem may need longer until it speaks PPP", "lcp.deadline=2m", "lcp.max_configure=40"),
		"patient-auth":  vary("the network may need longer to accept the login", "auth.timeout=2m", "auth.max_requests=40"),
		"patient-net":   vary("the network may need longer to register the modem", "registration.wait=3m", "registration.poll=5s"),
		"patient-dial":  vary("the modem may need longer to connect", "dial.timeout=2m"),
		"patient-proof": vary("the network may need longer until it carries packets", "prove.limit=1m", "prove.interval=3s"),
		"no-accm-sent":  vary("the peer may ask for an ACCM that escapes too few characters", "lcp.send_accm=0x000a0000"),
		"small":         vary("long packets may be lost", "lcp.mru=576", "link.mtu=576"),
	}
})

// rare holds further variations of each stage. They are tried together when nothing else has helped.
var rare = sync.OnceValue(func() map[string][]variation {
	return map[string][]variation{
		event.PhaseDial: {
			vary("the modem may have to be set to its defaults", "at.init+=ATZ", "at.tries=3", "at.optional+=ATZ"),
			vary("the modem may want a pause before its first command", "at.start_delay=3s"),
			vary("the context may still be active", "at.before_context+=AT+CGACT=0,{cid}"),
			vary("the context may have to be read again", "context.read_back=true"),
			vary("the radio may have to stay as it is (no AT+CFUN)", "registration.radio_on=false"),
			vary("the radio may need a pause", "registration.radio_wait=5s"),
			vary("the modem may fail on AT+CSQ", "registration.signal=false"),
			vary("the context may have to be activated before the dial", "at.before_dial+=AT+CGACT=1,{cid}", "at.optional+=AT+CGACT"),
			vary("the context may have to be for both IP versions (IPV4V6)", "context.type=IPV4V6"),
			vary("the line may have no hardware flow control", "port.flow=none", "port.flow_after_connect=none"),
			vary("the serial line may be slow", "port.baud=9600"),
			vary("the SIM may need a pause after its PIN", "sim.pin_wait=5s"),
			vary("the radio may need another command", "registration.radio_command=AT+CFUN=1,0"),
			vary("the context may be defined by ZTE's command", "context.define=+ZGDCONT"),
			vary("the modem may have to be attached as soon as the SIM is ready", "at.after_pin+=AT+CGATT=1", "at.optional+=AT+CGATT"),
			vary("the context may have to be activated as soon as it is defined", "at.after_context+=AT+CGACT=1,{cid}", "at.optional+=AT+CGACT"),
			vary("the last call may not have ended", "hangup.methods=escape,dtr,terminate", "hangup.guard=2s", "hangup.dtr_time=3s", "hangup.terminate_wait=10s", "at.after_hangup+=AT+CGACT=0,{cid}", "at.before_hangup+=AT+CGACT=0,{cid}"),
		},
		event.PhaseLCP: {
			vary("the carrier line (DCD) may mean nothing", "port.watch_carrier=false"),
			vary("header compression may not work although it was agreed", "lcp.refuse=pfc,acfc"),
			vary("the modem may Nak often", "lcp.max_failure=50", "lcp.max_loops=100"),
			vary("the modem may send no request of its own", "lcp.assume_request_after=2s"),
		},
		event.PhaseAuth: {
			vary("the success may have been lost, or not count", "auth.implied_success=false", "auth.provisional=false"),
			vary("the modem may challenge again and again", "auth.rechallenge=ignore", "auth.challenge_pace=2s"),
			vary("the login may have to be in the context", "context.auth_command=+CGAUTH", "context.auth_method=pap"),
		},
		event.PhaseIPCP: {
			vary("the login may have to be in the context", "context.auth_command=+CGAUTH", "context.auth_method=pap"),
			vary("the modem may fail on the old option for addresses (IP-Addresses)", "ipcp.old_addresses=false", "ipcp.zero_peer=reject", "ipcp.assume_request_after=2s"),
			vary("the network may give addresses that look wrong", "ipcp.unbelievable=", "ipcp.dns_placeholders=", "ipcp.placeholder_patience=0s"),
			vary("the peer may name itself by an address that it then does not use", "ipcp.assume_peer=192.0.2.254"),
			vary("the modem may fail on IPV6CP", "ipv6cp.enable=never"),
			vary("the modem may send many Naks without an address before it gives one", "ipcp.max_failure=500", "ipcp.max_identical=100", "ipcp.widen_after=1", "ipcp.placeholder_deadline=3m"),
		},
		event.PhaseUp: {
			vary("the peer may negotiate again", "lcp.confreq_when_open=restart", "ipcp.confreq_when_open=restart", "lcp.max_unchanged=0", "ipcp.max_unchanged=0"),
			vary("the link may be quiet for long", "lcp.echo_mode=adaptive", "lcp.echo_interval=2m", "lcp.echo_failure=10"),
		},
	}
})

// evidence says which variations a failure points to: the weights of all rows that fit are added up. when holds words of
// Failure.shows; a "!" in front means that the failure must not show it. Weights are 1 to 100; only their order matters.
var evidence = []struct {
	phase, kinds, when string // "": any; kinds and when are lists by spaces
	speaks             string // variation:weight
}{
	{"", "", "echo", "no-echo:90"},
	{event.PhaseUp, "", "", "no-echo:50 escape:20 small:15 unhurried:10 rest:8"},

	{event.PhaseDial, event.FailedModemSilent, "command", "without:80"},
	{event.PhaseDial, event.FailedModemSilent, "vital", "answers:75"},
	{event.PhaseDial, event.FailedModemSilent, "", "patience:70 typing:20 answers:15 echo-off:30 ready:25"},
	{event.PhaseDial, event.FailedATError, "command", "without:80"},
	{event.PhaseDial, event.FailedATError, "context-command", "own-apn:85"},
	{event.PhaseDial, event.FailedATError, "", "typing:60 answers:50 echo-off:40 rest:30"},
	{event.PhaseDial, event.FailedNotRegistered, "", "unregistered:80 attach:60 patient-net:10"},
	{event.PhaseDial, event.FailedRegistrationDenied, "", "unregistered:80 attach:20"},
	{event.PhaseDial, event.FailedDialRefused, "back", "rest:95 long-rest:75"},
	{event.PhaseDial, event.FailedDialRefused, "", "numbers:80 attach:70 rest:55 context-2:50 context-3:40 short-number:20 typing:35 tone:30 long-rest:25 patient-dial:5"},
	{event.PhaseDial, event.FailedCarrierLost, "", "numbers:60 attach:50 rest:45 unhurried:20"},

	{event.PhaseLCP, "", "hasty", "unhurried:70"},
	{event.PhaseLCP, event.FailedTimeout, "", "no-options:70 all-options:60 unhurried:50 no-compress:30 mru-only:25 wide-accm:15 rest:20 escape:22 patient-lcp:3"},
	{event.PhaseLCP, "!" + event.FailedTimeout + " !" + event.FailedAuthMethod, "!hasty", "no-options:70 all-options:66 unhurried:50 no-compress:40 mru-only:30 wide-accm:25 rest:45"},
	{event.PhaseLCP, "!" + event.FailedTimeout + " !" + event.FailedAuthMethod, "hasty", "no-options:40 all-options:30 rest:45 mru-only:28 no-compress:20"},

	{event.PhaseAuth, event.FailedTimeout + " " + event.FailedAuthTimeout, "", "escape:80 other-method:50 blank:20 unhurried:30 rest:10 patient-auth:3"},
	{event.PhaseAuth, event.FailedAuthRejected, "", "blank:60 other-method:50 apn-name:45"},
	{event.PhaseAuth, "!" + event.FailedAuthRejected, "hasty", "unhurried:70"},
	{event.PhaseAuth, "!" + event.FailedAuthRejected, "", "other-method:45 unhurried:20 escape:15 blank:14 rest:8"},

	{event.PhaseIPCP, "", "hasty", "slow-ipcp:75"},
	{event.PhaseIPCP, "", "login provisional !blanked", "blank:76"},
	{event.PhaseIPCP, "", "login", "blank:18 other-method:60 apn-name:40"},
	{event.PhaseIPCP, event.FailedTimeout, "unanswered !login", "escape:70"},
	{event.PhaseIPCP, event.FailedTimeout, "", "address-only:45 windows:25 escape:20 nbns-only:15 one-server:12 slow-ipcp:10 patient-ipcp:3"},
	{event.PhaseIPCP, "!" + event.FailedTimeout, "", "address-only:58 windows:35 no-nbns:30 one-server:20 nbns-only:19 slow-ipcp:22 rest:9 patient-ipcp:3"},

	{event.PhaseProve, "", "login", "blank:40 other-method:50 apn-name:20"},
	{event.PhaseProve, "", "", "address-only:30 windows:20 escape:45 unhurried:5 small:25 patient-proof:3"},
}

// shows says whether a failure has a property, named by a word of evidence.
func (f *Failure) shows(word string) bool {
	switch word {
	case "echo":
		return f.Echo
	case "command":
		return f.Command != "" && !vital(f.Command)
	case "vital":
		return f.Command != "" && vital(f.Command) && !strings.EqualFold(f.Command, "AT") && !strings.HasPrefix(strings.ToUpper(f.Command), "ATE")
	case "context-command":
		return strings.HasPrefix(strings.ToUpper(f.Command), "AT+CGDCONT")
	case "back":
		return f.Back
	case "hasty":
		return f.Hasty
	case "login":
		return f.Method != ""
	case "blanked":
		return f.Blanked
	case "provisional":
		return f.Provisional
	case "unanswered":
		return f.Unanswered
	case "spoke":
		return f.Spoke
	}
	return false
}

// fits says whether a list of words holds: no word with "!" may hold, and of the words without "!", if there are any, at least
// one must (with all: every one).
func fits(words string, holds func(string) bool, all bool) bool {
	any, found := false, false
	for _, w := range strings.Fields(words) {
		if not, ok := strings.CutPrefix(w, "!"); ok {
			if holds(not) {
				return false
			}
			continue
		}
		any = true
		if holds(w) {
			found = true
		} else if all {
			return false
		}
	}
	return found || !any
}

// Prior says, 0 to 10, how much more often than other settings this one helps modems of the same kind, as far as the database
// knows.
type Prior func(key, value string) float64

// candidates gives the variations that a failure points to, the likeliest and cheapest first.
func candidates(f Failure, prior Prior) []variation {
	phase := f.Phase
	if f.Up > 0 {
		phase = event.PhaseUp
	}
	weights := map[string]float64{}
	var order []string
	for _, row := range evidence {
		if row.phase != "" && row.phase != phase || !fits(row.kinds, func(w string) bool { return w == f.Kind }, false) || !fits(row.when, f.shows, true) {
			continue
		}
		for _, s := range strings.Fields(row.speaks) {
			id, weight, _ := strings.Cut(s, ":")
			if _, known := weights[id]; !known {
				order = append(order, id)
			}
			weights[id] += number(weight)
		}
	}
	var list []variation
	for _, id := range order {
		for _, v := range f.variations(id) {
			v.score, v.mild = weights[id], id == "unhurried" || id == "slow-ipcp" || id == "escape"
			v.adds = v.mild || id == "numbers" || id == "attach" || id == "patience"
			if prior != nil {
				best := 0.0
				for _, s := range v.set {
					best = max(best, prior(strings.TrimSuffix(s.Key, "+"), s.Value))
				}
				v.score += best
			}
			list = append(list, v)
		}
	}
	slices.SortStableFunc(list, func(a, b variation) int { return cmp.Compare(b.score, a.score) })
	return list
}

// number reads a weight of evidence; a test reads them all.
func number(text string) float64 {
	n := 0.0
	for _, c := range text {
		n = n*10 + float64(c-'0')
	}
	return n
}

// variations gives the variations that a name in evidence stands for after this failure.
func (f *Failure) variations(id string) []variation {
	switch id {
	case "without":
		return []variation{without(f.Command)}
	case "apn-name":
		if f.APN == "" {
			return nil
		}
		return []variation{vary("the modem may want the APN as user name", "auth.user="+f.APN)}
	case "other-method":
		switch f.Method {
		case "pap":
			return []variation{space()["chap"]}
		case "chap", "eap":
			return []variation{space()["pap"]}
		}
		return []variation{space()["pap"], space()["chap"]}
	}
	return []variation{space()[id]}
}

// without leaves a command out. The wait for the modem stands first, so that it is the first to be removed if it is not needed.
func without(command string) variation {
	name := commandName(command)
	return vary("the modem may fail on "+name, "at.ready_wait=1m", "at.never+="+name) // the modem may still be busy with the command
}

// commandName gives the name of a command as at.never has it, without arguments.
func commandName(command string) string {
	if i := strings.IndexAny(command, "=?"); i > 0 && !strings.EqualFold(command, "AT+CPIN?") { // AT+CPIN=… sends the PIN and is another command
		return command[:i]
	}
	return command
}

// vital says whether a command is one without which there is no call.
func vital(command string) bool {
	upper := strings.ToUpper(command)
	return upper == "AT" || strings.HasPrefix(upper, "ATD") || strings.HasPrefix(upper, "AT+CPIN") && upper != "AT+CPIN?" || strings.HasPrefix(upper, "ATE") || strings.HasPrefix(upper, "ATQ") || strings.HasPrefix(upper, "ATZ") && len(upper) < 4
}

// Short gives settings that end an experiment as soon as its result is clear: a modem that has not answered six requests will not
// answer the seventh. They are for keys that nobody has set, and do not change a call that comes up.
func Short() []Setting {
	why := "An experiment is as short as the evidence allows."
	return []Setting{
		{"lcp.max_configure", "6", why}, {"lcp.deadline", "25s", why},
		{"auth.timeout", "20s", why}, {"auth.max_requests", "5", why},
		{"ipcp.max_configure", "6", why}, {"ipcp.deadline", "18s", why},
		{"registration.wait", "20s", why}, {"dial.timeout", "20s", why},
	}
}
