package learn

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// variation is one thing to try.
type variation struct {
	id   string
	what string // for people
	set  []Setting
	wait time.Duration // before the attempt
}

// vary makes a variation whose settings have all the same reason.
func vary(what string, settings ...string) variation {
	v := variation{id: strings.Join(settings, " "), what: what}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		v.set = append(v.set, Setting{key, value, "Found by experiment: " + what + "."})
	}
	return v
}

// after puts a pause before it.
func (v variation) after(d time.Duration) variation {
	v.wait = d
	v.id += " after " + d.String()
	return v
}

// What can be varied. Each is a behaviour that docs/quirks.md knows of some modem.
var (
	slowStart    = vary("the modem may need longer until it answers", "at.ready_wait=40s")
	slowTyping   = vary("the modem may lose characters that come fast", "at.char_delay=20ms", "at.ready_wait=20s")
	longAnswers  = vary("the modem may take long to answer a command", "at.timeout=1m")
	noEchoOff    = vary("the modem may not take ATE0", "at.echo_off=false")
	attach       = vary("the modem may have to be told to attach to packet service", "registration.attach=request")
	unregistered = vary("the modem may be able to call although it says that it is not registered", "registration.require=false")
	manyNumbers  = vary("the modem may know another number for packet service", "dial.alternates=*99***1#,*99#,*99***2#,*99***3#,*98*1#,*99**1*1#,#777")
	shortNumber  = vary("the modem may know only the short number", "dial.number=*99#")
	contextTwo   = vary("the modem's context 1 may be taken", "context.cid=2")
	contextThree = vary("the modem's contexts 1 and 2 may be taken", "context.cid=3")
	tone         = vary("the modem may want ATDT", "dial.command=ATDT")
	unhurried    = vary("the modem may cut calls whose requests come too fast", "dial.connect_delay=2s", "lcp.restart=6s", "auth.restart=6s", "ipcp.restart=6s", "ipcp.empty_nak_pace=2s", "ipcp.free_naks=0", "lcp.empty_nak_pace=2s", "lcp.free_naks=0")
	escapeAll    = vary("control characters may be lost on the way", "lcp.accm=0xffffffff", "lcp.send_accm=0xffffffff")
	papOnly      = vary("CHAP may be accepted and then not count", "auth.allow=pap")
	chapOnly     = vary("PAP may be accepted and then not count", "auth.allow=chap-md5")
	blankName    = vary("the modem may want an empty user name", "auth.user=")
	addressOnly  = vary("the modem may not bear being asked for name servers", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0")
	asWindows    = vary("the modem may want to be asked for NBNS addresses too, as Windows asks", "ipcp.request=address,dns1,nbns1,dns2,nbns2")
	fewOptions   = vary("the modem may not bear LCP's options", "lcp.request=", "lcp.vary_after=0")
	noEcho       = vary("echo requests may end the call", "lcp.echo_mode=off")
	rest         = vary("the modem may need a pause between calls", "retry.delay=15s").after(15 * time.Second)
)

// candidates are the variations that a failure speaks for, the likeliest and cheapest first.
func candidates(f Failure) []variation {
	var list []variation
	add := func(v ...variation) { list = append(list, v...) }
	switch {
	case f.Up > 0: // it was up, and is lost
		add(noEcho, rest)
	case f.Kind == event.FailedModemSilent:
		if f.Command != "" && !vital(f.Command) {
			add(without(f.Command))
		}
		add(slowStart, slowTyping, noEchoOff)
	case f.Kind == event.FailedATError && f.Phase == event.PhaseDial:
		if f.Command != "" && !vital(f.Command) {
			add(without(f.Command))
		}
		add(slowTyping, longAnswers, noEchoOff, rest)
	case f.Kind == event.FailedNotRegistered:
		add(attach, unregistered)
	case f.Kind == event.FailedRegistrationDenied:
		add(unregistered)
	case f.Phase == event.PhaseDial: // the call was refused, or nothing came
		add(manyNumbers, attach, shortNumber, contextTwo, rest, slowTyping, contextThree, tone)
	case f.Phase == event.PhaseLCP && f.Kind == event.FailedTimeout:
		add(unhurried, fewOptions, escapeAll, rest)
	case f.Phase == event.PhaseLCP:
		add(unhurried, fewOptions, rest)
	case f.Phase == event.PhaseAuth:
		add(escapeAll, papOnly, chapOnly, unhurried, rest)
	case f.Phase == event.PhaseIPCP && f.Kind == event.FailedTimeout:
		add(addressOnly, escapeAll, papOnly, asWindows, nameIsAPN(f.APN))
	case f.Phase == event.PhaseIPCP:
		if !f.Provisional { // otherwise an empty name was tried by itself
			add(blankName)
		}
		add(papOnly, addressOnly, nameIsAPN(f.APN), chapOnly, asWindows, unhurried)
	case f.Phase == event.PhaseProve:
		add(addressOnly, papOnly, asWindows, escapeAll)
	}
	return list
}

// without leaves a command out.
func without(command string) variation {
	name := command
	if i := strings.IndexAny(name, "=?"); i > 0 {
		name = name[:i]
	}
	return vary("the modem may not bear "+name, "at.never+="+name, "at.ready_wait=1m") // it may still be busy with it
}

// vital are commands without which there is no call.
func vital(command string) bool {
	upper := strings.ToUpper(command)
	return upper == "AT" || strings.HasPrefix(upper, "ATD") || strings.HasPrefix(upper, "AT+CPIN") || strings.HasPrefix(upper, "ATE") || strings.HasPrefix(upper, "ATZ") && len(upper) < 4
}

// nameIsAPN gives the APN as user name, which some modems take for the choice of the network.
func nameIsAPN(apn string) variation {
	if apn == "" {
		return blankName
	}
	return vary("the modem may want the APN as user name", "auth.user="+apn)
}
