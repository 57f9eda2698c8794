package diagnose

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// logFact says what a line of a log means for the history. The text is matched against words, with * for any text.
type logFact struct {
	text   string
	except string // lines that look alike and mean something else
	take   func(h *history, r event.Record, s, line string)
}

// fails makes a take for a line that names a failure.
func fails(phase, cause string) func(*history, event.Record, string, string) {
	return func(h *history, _ event.Record, _, line string) { h.fail(phase, cause, line) }
}

// phaseIs makes a take for a line that shows how far the call is.
func phaseIs(phase string) func(*history, event.Record, string, string) {
	return func(h *history, _ event.Record, _, _ string) { h.advance(phase) }
}

// keep makes a take that keeps the first line of a kind.
func keep(field func(*history) *string) func(*history, event.Record, string, string) {
	return func(h *history, _ event.Record, _, line string) {
		if p := field(h); *p == "" {
			*p = line
		}
	}
}

// keepUp is keep for what says nothing before there is a link.
func keepUp(field func(*history) *string) func(*history, event.Record, string, string) {
	take := keep(field)
	return func(h *history, r event.Record, s, line string) {
		if h.up != nil {
			take(h, r, s, line)
		}
	}
}

// logFacts are what pppd, chat, wvdial, their plugins and the kernel write, of all releases. Causes that a line names by
// itself are rules of their own in the directory rules.
var logFacts = sync.OnceValue(func() []logFact {
	end := func(h *history, _ event.Record, _, _ string) { h.log.ended = true }
	ours := func(h *history, _ event.Record, _, _ string) { h.log.ours, h.log.ended = true, true }
	hangup := func(h *history, r event.Record, _, line string) { h.hungUp(r, line) }
	authOK := func(h *history, _ event.Record, s, line string) {
		h.auth.names(s)
		if h.auth.success == "" {
			h.auth.success = line
		}
		h.advance(event.PhaseIPCP)
	}
	authBad := func(h *history, _ event.Record, s, line string) {
		h.auth.names(s)
		if h.auth.failure == "" || !strings.Contains(h.auth.failure, "CHAP") {
			h.auth.failure = line
		}
		if _, m, ok := strings.Cut(line, "failed: "); ok {
			h.auth.message = m
		}
	}
	dns := func(h *history, r event.Record, s, _ string) {
		up := h.isUp(r)
		if len(up.DNS) < 4 {
			up.DNS = append(up.DNS, last(s))
		}
		h.log.afterUp = 0
	}
	dialResult := func(result string) func(*history, event.Record, string, string) {
		return func(h *history, r event.Record, _, line string) {
			if h.at.result == "" {
				h.at.result, h.at.dialAt = result, h.here()
			}
			if h.at.dial == "" {
				h.at.dial = "the dial"
			}
		}
	}
	exit := func(phase, cause string) func(*history, event.Record, string, string) {
		return func(h *history, r event.Record, _, line string) {
			if phase == "" {
				phase = h.phase
			}
			if h.up == nil && len(h.failures) == 0 && h.auth.failure == "" && h.lcp.terminated == "" {
				h.fail(phase, cause, line)
			}
			h.log.ended = true
		}
	}
	return []logFact{
		// How far the call is.
		{text: "pppd * started by *", take: func(h *history, _ event.Record, _, _ string) { h.log.pppd = true; h.advance(event.PhaseDial) }},
		{text: "serial connection established*", take: func(h *history, _ event.Record, _, _ string) {
			h.log.dialled = h.at.dial == "" || strings.HasPrefix(strings.ToUpper(h.at.result), "CONNECT")
			h.advance(event.PhaseLCP)
		}},
		{text: "*starting ppp connection*", take: func(h *history, _ event.Record, _, _ string) { h.log.dialled = true }}, // NetworkManager
		{text: "*pppd timed out or didn't initialize*", take: func(h *history, _ event.Record, _, line string) {
			switch {
			case h.up != nil || len(h.failures) > 0:
			case h.far == event.PhaseIPCP:
				h.log.gaveUp, h.log.ended = line, true
			default:
				h.fail(h.far, event.FailedTimeout, line)
			}
		}},
		{text: "starting pppd at *", take: phaseIs(event.PhaseLCP)},
		{text: "connect: * <--> *", take: func(h *history, _ event.Record, s, line string) {
			h.log.connect, h.log.tty = line, last(s)
			h.log.pppoe = h.log.pppoe || !strings.HasPrefix(last(s), "/dev/")
			h.advance(event.PhaseLCP)
		}},
		{text: "*pppoe*", take: func(h *history, _ event.Record, _, _ string) { h.log.pppoe = true }},
		{text: "carrier detected. waiting for prompt*", take: keep(func(h *history) *string { return &h.line.prompt })},
		{text: "hmm... a prompt*", take: keep(func(h *history) *string { return &h.line.prompt })},
		{text: "don't know what to do!*", take: keep(func(h *history) *string { return &h.line.prompt })},
		{text: "connected, but carrier signal lost*", take: func(h *history, _ event.Record, _, line string) {
			if h.line.prompt != "" {
				h.line.prompt, h.log.ended = line, true
				h.advance(event.PhaseLCP)
			}
		}},
		{text: "plugin *nm-pppd-plugin.so loaded*", take: func(h *history, _ event.Record, _, _ string) { h.log.wantDNS = true }}, // NetworkManager always asks
		{text: "* authentication succeeded*", except: "*peer authentication succeeded*", take: authOK},
		{text: "authentication (*) successful*", take: authOK},
		{text: "authentication (*) started*", take: func(h *history, _ event.Record, s, _ string) { h.auth.names(s); h.advance(event.PhaseAuth) }},
		{text: "local ip address *", take: func(h *history, r event.Record, s, _ string) { h.isUp(r).Local = last(s); h.advance(event.PhaseUp) }},
		{text: "local ip address changed to *", take: func(h *history, r event.Record, s, _ string) { h.isUp(r).Local = last(s); h.advance(event.PhaseUp) }},
		{text: "remote ip address *", take: func(h *history, r event.Record, s, _ string) { h.isUp(r).Peer = last(s); h.log.afterUp = 0 }},
		{text: "primary dns address *", take: dns},
		{text: "secondary dns address *", take: dns},
		{text: "local ll address *", take: func(h *history, _ event.Record, _, _ string) { h.log.up6 = true }},
		{text: "* successful, device activated*", take: func(h *history, r event.Record, _, _ string) { h.advance(event.PhaseUp) }},

		// How it ended.
		{text: "modem hangup*", take: hangup},
		{text: "hangup (sighup)*", take: hangup},
		{text: "*the pppd daemon has died: a modem hung up the phone*", take: hangup},
		{text: "* a modem hung up the phone *", take: hangup},
		{text: "connection terminated*", take: end},
		{text: "exit.", take: end},
		{text: "terminating on signal*", take: func(h *history, r event.Record, s, line string) {
			if h.log.gaveUp == "" {
				h.log.gaveUp = line
			}
			ours(h, r, s, line)
		}},
		{text: "terminating connection due to lack of activity*", take: ours},
		{text: "connect time expired*", take: ours},
		{text: "*ensure_killed()*", take: func(h *history, _ event.Record, _, line string) {
			if h.log.gaveUp == "" {
				h.log.gaveUp = line
			}
			h.log.ended = true
		}},
		{text: "caught signal *", take: ours}, // wvdial was told to
		{text: "lcp terminated *peer*", take: func(h *history, _ event.Record, _, line string) { h.peerEnds(line) }},
		{text: "ipcp terminated *peer*", take: func(h *history, _ event.Record, _, line string) {
			if h.up == nil && h.ipcp.terminated == "" {
				h.ipcp.terminated = line
			}
		}},
		{text: "connect time * minutes*", take: func(h *history, r event.Record, s, _ string) { h.minutesLine(r, s) }},
		{text: "protocol-reject for * (0x8021) received*", take: func(h *history, _ event.Record, _, line string) {
			if h.lcp.rejected == nil {
				h.lcp.rejected = map[uint16]string{}
			}
			h.lcp.rejected[packet.IPCP] = line
		}},
		{text: "sent * bytes, received * bytes*", take: func(h *history, r event.Record, s, _ string) { h.bytesLine(r, s) }},

		// LCP.
		{text: "lcp: timeout sending config-requests*", take: fails(event.PhaseLCP, event.FailedTimeout)},
		{text: "lcp negotiation failed*", take: fails(event.PhaseLCP, event.FailedTimeout)},
		{text: "*line is looped back*", take: fails(event.PhaseLCP, event.FailedLoopedBack)},
		{text: "*line appears to be looped back*", take: fails(event.PhaseLCP, event.FailedLoopedBack)},
		{text: "problem: all had bit 7 set to 0*", take: keep(func(h *history) *string { return &h.line.sevenBit })},
		{text: "no response to * echo-requests*", take: fails(event.PhaseUp, event.FailedEchoTimeout)},
		{text: "excessive lack of response to lcp echo*", take: fails(event.PhaseUp, event.FailedEchoTimeout)},

		// Authentication.
		{text: "no auth is possible*", take: keep(func(h *history) *string { return &h.log.noAuth })},
		{text: "chap authentication failed*", take: authBad},
		{text: "pap authentication failed*", take: authBad},
		{text: "eap authentication failed*", take: authBad},
		{text: "ms-chap authentication failed*", take: authBad},
		{text: "eap: peer reports authentication failure*", take: authBad},
		{text: "authentication (*) failed*", take: authBad},
		{text: "authentication error*", take: authBad},
		{text: "we failed to authenticate ourselves*", take: authBad},
		{text: "failed to authenticate ourselves*", take: authBad},
		{text: "no response to pap authenticate-requests*", take: fails(event.PhaseAuth, event.FailedAuthTimeout)},
		{text: "no response to *authentication*", take: fails(event.PhaseAuth, event.FailedAuthTimeout)},

		// The network phase.
		{text: "ipcp: timeout sending config-requests*", take: fails(event.PhaseIPCP, event.FailedTimeout)},
		{text: "received bad configure-nak*", take: keep(func(h *history) *string { return &h.log.badNak })},
		{text: "received bad configure-rej*", take: keep(func(h *history) *string { return &h.log.badNak })},
		{text: "received bad configure-ack*", take: func(h *history, _ event.Record, _, line string) { h.log.badAck = line; h.log.badAcks++ }},
		{text: "could not determine local ip address*", take: fails(event.PhaseIPCP, event.FailedNoAddress)},
		{text: "lost compression sync*", take: keep(func(h *history) *string { return &h.log.lostSync })},

		// Data.
		{text: "*nameserver (dns) failure*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*network is unreachable*", except: "*pppoe*", take: keepUp(func(h *history) *string { return &h.log.noRoute })},
		{text: "*no default route is set*", take: keepUp(func(h *history) *string { return &h.log.noRoute })},
		{text: "ping * bytes of data*", take: func(h *history, _ event.Record, s, _ string) { h.log.pinged = strings.Fields(s)[1] }},
		{text: "*100% packet loss*", take: func(h *history, _ event.Record, _, line string) {
			if a, err := netip.ParseAddr(h.log.pinged); h.up != nil && h.log.noPing == "" && (err != nil || !slices.Contains(placeholders, a)) {
				h.log.noPing = line
			}
		}},
		{text: "default *", take: routeLine},
		{text: "0.0.0.0 *", take: routeLine},
		{text: "not replacing * default route *", take: keep(func(h *history) *string { return &h.log.route })},
		{text: "*can't find host*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*can't find address for*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*name resolution*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*unknown host*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*could not resolve*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*couldn't resolve*", take: keepUp(func(h *history) *string { return &h.log.noNames })},
		{text: "*name or service not known*", take: keepUp(func(h *history) *string { return &h.log.noNames })},

		// The port and what is behind it.
		{text: "*usb disconnect*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "*now disconnected from tty*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "*read() on stdin returned 0*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "tcgetattr*: no such device*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "tcsetattr*: no such device*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "*ioctl*: no such device*", take: keep(func(h *history) *string { return &h.log.gone })},
		{text: "cannot open /dev/*: no such file or directory*", take: keep(func(h *history) *string { return &h.log.redial })},
		{text: "*tty*: no such file or directory*", take: keep(func(h *history) *string { return &h.log.redial })},
		{text: "*tty*: no such device*", except: "tc*etattr*", take: keep(func(h *history) *string { return &h.log.redial })},
		{text: "timeout waiting for pado packets*", take: keep(func(h *history) *string { return &h.log.redial })},
		{text: "unable to complete pppoe discovery*", take: keep(func(h *history) *string { return &h.log.redial })},
		{text: "*locked by*", take: fails("port", event.FailedPortLocked)},
		{text: "can't create lock file*", take: fails("port", event.FailedPortLocked)},
		{text: "*device or resource busy*", take: fails("port", event.FailedPortLocked)},
		{text: "*serial port is*in use*", take: fails("port", event.FailedPortLocked)},

		// The dial.
		{text: "modem not responding*", take: fails("modem", event.FailedModemSilent)},
		{text: "modem initialization failed*", take: fails("modem", event.FailedModemSilent)},
		{text: "*no carrier! trying again*", take: dialResult("NO CARRIER")},
		{text: "no dial tone*", take: dialResult("NO DIALTONE")},
		{text: "no dialtone*", take: dialResult("NO DIALTONE")},
		{text: "*line is busy*", take: dialResult("BUSY")},
		{text: "timed out while dialing*", take: dialResult("NO ANSWER")},
		{text: "invalid dial command*", take: dialResult("ERROR")},
		{text: "bad init string*", take: fails(event.PhaseDial, event.FailedATError)},
		{text: "alarm", take: func(h *history, _ event.Record, _, line string) { h.alarm(line) }},
		{text: "expect (*)", take: func(h *history, _ event.Record, s, _ string) { h.log.expects = s[len("expect ("):] }},
		{text: "failed (*)", take: func(h *history, r event.Record, s, line string) {
			h.unprompted(line)
			if result := strings.ToUpper(strings.Trim(strings.TrimPrefix(s, "failed "), "()")); h.at.dial != "" && h.at.result == "" {
				h.at.result, h.at.dialAt = result, h.here()
			}
		}},
		{text: "connect script failed*", take: func(h *history, _ event.Record, _, line string) { h.log.scriptEnd, h.log.ended = line, true }},

		// wvdial and others name pppd's exit status.
		{text: "*exit code = 6)*", take: exit("port", event.FailedPortLocked)},
		{text: "*exit code = 7)*", take: exit("port", event.FailedPortOpen)},
		{text: "*exit code = 10)*", take: exit("", event.FailedTimeout)},
		{text: "*exit code = 15)*", take: func(h *history, r event.Record, _, line string) { h.fail(event.PhaseUp, event.FailedEchoTimeout, line) }},
		{text: "*exit code = 16)*", take: hangup},
		{text: "*exit code = 17)*", take: exit(event.PhaseLCP, event.FailedLoopedBack)},
		{text: "*exit code = 19)*", take: exit(event.PhaseAuth, event.FailedAuthRejected)},

		// NetworkManager's reasons.
		{text: "*'modem-busy'*", take: dialResult("BUSY")},
		{text: "*'modem-no-dial-tone'*", take: dialResult("NO DIALTONE")},
		{text: "*'modem-no-carrier'*", take: dialResult("NO CARRIER")},
		{text: "*'modem-dial-timeout'*", take: dialResult("NO ANSWER")},
		{text: "*'modem-dial-failed'*", take: dialResult("ERROR")},
		{text: "*'gsm-registration-denied'*", take: fails(event.PhaseDial, event.FailedRegistrationDenied)},
		{text: "*'gsm-registration-not-searching'*", take: fails(event.PhaseDial, event.FailedNotRegistered)},
		{text: "*'gsm-registration-timeout'*", take: fails(event.PhaseDial, event.FailedNotRegistered)},
		{text: "*'gsm-sim-not-inserted'*", take: fails("modem", event.FailedNoSIM)},
		{text: "*'gsm-sim-pin-required'*", take: fails("modem", event.FailedPINNeeded)},
		{text: "*'gsm-sim-puk-required'*", take: fails("modem", event.FailedPUKNeeded)},
		{text: "*'gsm-sim-wrong'*", take: fails("modem", event.FailedPINWrong)},
	}
})

// names files the method that a line names.
func (a *authHistory) names(s string) {
	for _, m := range []string{"CHAP", "PAP", "EAP"} {
		if strings.Contains(strings.ToUpper(s), m) {
			a.method = m
			return
		}
	}
	if a.method == "" {
		a.method = "authentication"
	}
}

// routeLine reads a row of the table of routes that somebody pasted behind the log, as route or ip route prints it, where it
// is one of the default route.
func routeLine(h *history, _ event.Record, s, line string) {
	f := strings.Fields(s)
	device := ""
	if i := slices.Index(f, "dev"); i > 0 && i+1 < len(f) && f[0] == "default" {
		device = f[i+1]
	} else if len(f) == 8 && (f[2] == "0.0.0.0" || f[2] == "default") && strings.HasPrefix(f[3], "u") {
		device = f[7]
	}
	switch {
	case h.up == nil || device == "":
	case strings.HasPrefix(device, "ppp"):
		h.log.routed = true
	case h.log.elsewhere == "":
		h.log.elsewhere = line
	}
}

// unprompted files that chat had a connection and then waited in vain for the words of a person's login.
func (h *history) unprompted(line string) {
	if !h.connected() || h.lcp.rcvd > 0 || h.line.prompt != "" {
		return
	}
	for _, w := range []string{"ogin", "sername", "assword", "ser id", "userid", ">", "ompuserve", "host name"} {
		if strings.Contains(h.log.expects, w) {
			h.line.prompt = line + " (it waited for " + strings.TrimSuffix(h.log.expects, ")") + ")"
			return
		}
	}
}

// alarm files that chat waited for nothing: for the answer to the dial, or to any other command.
func (h *history) alarm(line string) {
	h.unprompted(line)
	switch {
	case h.at.dial != "" && h.at.dial == h.at.command && h.at.result == "":
		h.at.result, h.at.dialAt = "NO ANSWER", h.here()
	case !h.at.answered && h.at.command != "":
		h.fail("modem", event.FailedModemSilent, line)
	}
	h.log.ended = true
}
