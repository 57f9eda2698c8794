package link

import (
	"net/netip"
	"slices"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is the one place where quirk keys become the settings of the machines.

var echoModes = map[string]ppp.EchoMode{
	"learn": ppp.EchoLearn, "off": ppp.EchoOff, "strict": ppp.EchoStrict, "adaptive": ppp.EchoAdaptive,
}

// optionTypes reads the words of lcp.request and ipcp.request.
func optionTypes(protocol uint16, words []string) []uint8 {
	var list []uint8
	for _, w := range words {
		if t, ok := packet.OptionType(protocol, w); ok && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

func prefixes(texts []string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(texts))
	for _, t := range texts {
		if p, err := netip.ParsePrefix(t); err == nil { // quirks has checked it
			list = append(list, p)
		}
	}
	return list
}

func addresses(texts []string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// address reads an address; 0.0.0.0 stands for none.
func address(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// innerMethods gives the methods to agree to inside EAP: those that are allowed outside of EAP too; both, if none is.
func innerMethods(allow []auth.Method) []auth.Method {
	inner := []auth.Method{auth.MSCHAPv2, auth.CHAPMD5}
	named := slices.DeleteFunc(slices.Clone(inner), func(m auth.Method) bool { return !slices.Contains(allow, m) })
	if len(named) == 0 {
		return inner
	}
	return named
}

// negotiation sets what LCP, IPCP and IPV6CP have in common; n holds the values without a key.
func negotiation(p Policy, prefix string, n ppp.Negotiation) ppp.Negotiation {
	n.Restart = p.Duration(prefix + "restart")
	n.MaxConfigure = p.Int(prefix + "max_configure")
	n.MaxTerminate = p.Int(prefix + "max_terminate")
	n.MaxFailure = p.Int(prefix + "max_failure")
	n.Deadline = p.Duration(prefix + "deadline")
	n.FreeNaks = p.Int(prefix + "free_naks")
	n.NakPace = p.Duration(prefix + "empty_nak_pace")
	n.AssumeRequestAfter = p.Duration(prefix + "assume_request_after")
	n.AckUnchanged = p.Text(prefix+"confreq_when_open") == "ack-unchanged"
	n.MaxUnchanged = p.Int(prefix + "max_unchanged")
	return n
}

// engineSettings gives the PPP engine's settings.
func engineSettings(p Policy, user string, password auth.Secret) ppp.Settings {
	s := ppp.Defaults()
	s.LCP.Negotiation = negotiation(p, "lcp.", s.LCP.Negotiation)
	s.LCP.VaryAfter = p.Int("lcp.vary_after")
	s.LCP.Request = optionTypes(packet.LCP, p.List("lcp.request"))
	s.LCP.MRU = uint16(p.Int("lcp.mru"))
	s.LCP.ACCM = uint32(p.Int("lcp.accm"))
	s.LCP.SendACCM = uint32(p.Int("lcp.send_accm"))
	s.LCP.RefuseOptions = optionTypes(packet.LCP, p.List("lcp.refuse"))
	s.LCP.EchoMode = echoModes[p.Text("lcp.echo_mode")]
	s.LCP.EchoInterval = p.Duration("lcp.echo_interval")
	s.LCP.EchoFailure = p.Int("lcp.echo_failure")
	s.LCP.MaxLoops = p.Int("lcp.max_loops")

	s.Auth.Allow = s.Auth.Allow[:0:0]
	for _, word := range p.List("auth.allow") {
		var m auth.Method
		if err := m.UnmarshalText([]byte(word)); err == nil && m != auth.None { // quirks has checked it
			s.Auth.Allow = append(s.Auth.Allow, m)
		}
	}
	s.Auth.Provisional = p.Bool("auth.provisional")
	s.Auth.NoImpliedSuccess = !p.Bool("auth.implied_success")
	s.Auth.IgnoreRechallenge = p.Text("auth.rechallenge") == "ignore"
	s.Auth.Require = p.Bool("auth.require")
	s.Auth.AllowDowngrade = p.Bool("auth.downgrade")
	s.Auth.Client.TolerateImpostor = p.Bool("auth.tolerate_impostor")
	s.Auth.Client.PlainPassword = p.Text("auth.password_encoding") == "octets"
	if s.Auth.Client.ChallengePace = p.Duration("auth.challenge_pace"); s.Auth.Client.ChallengePace == 0 {
		s.Auth.Client.ChallengePace = -1
	}
	s.Auth.Client.Inner = innerMethods(s.Auth.Allow)
	s.Auth.Client.Name = user
	s.Auth.Client.Secret = password
	s.Auth.Client.Limit = p.Duration("auth.timeout")
	s.Auth.Client.Retransmit = p.Duration("auth.restart")
	s.Auth.Client.MaxRequests = p.Int("auth.max_requests")

	s.IPCP.Negotiation = negotiation(p, "ipcp.", s.IPCP.Negotiation)
	s.IPCP.VaryAfter = p.Int("ipcp.vary_after")
	s.IPCP.Request = optionTypes(packet.IPCP, p.List("ipcp.request"))
	s.IPCP.Local, s.IPCP.AcceptLocal = address(p.Text("ipcp.local_address")), p.Bool("ipcp.accept_local")
	s.IPCP.Assign.Address, s.IPCP.AcceptPeer = address(p.Text("ipcp.peer_address")), p.Bool("ipcp.accept_peer")
	s.IPCP.Widen = optionTypes(packet.IPCP, p.List("ipcp.widen"))
	s.IPCP.WidenAfter = p.Int("ipcp.widen_after")
	s.IPCP.StallReport = p.Duration("ipcp.stall_report")
	s.IPCP.PlaceholderDeadline = p.Duration("ipcp.placeholder_deadline")
	s.IPCP.PlaceholderPatience = p.Duration("ipcp.placeholder_patience")
	s.IPCP.Placeholders = prefixes(p.List("ipcp.dns_placeholders"))
	s.IPCP.Unbelievable = prefixes(p.List("ipcp.unbelievable"))
	s.IPCP.MaxIdentical = p.Int("ipcp.max_identical")
	s.IPCP.NoOldAddresses = !p.Bool("ipcp.old_addresses")
	s.IPCP.RejectZeroPeer = p.Text("ipcp.zero_peer") == "reject"
	if a, err := netip.ParseAddr(p.Text("ipcp.assume_peer")); err == nil {
		s.IPCP.AssumePeer = a
	}

	s.IPV6CP.Negotiation = negotiation(p, "ipv6cp.", s.IPV6CP.Negotiation)
	switch p.Text("ipv6cp.enable") {
	case "always":
		s.IPV6CP.Enabled = true
	case "auto":
		// A context of type IP has no IPv6, and some modems drop the call when IPV6CP is tried (V6-01, V6-03).
		t := p.Text("context.type")
		s.IPV6CP.Enabled = t == "IPV6" || t == "IPV4V6"
	}
	s.IPCP.Optional = s.IPV6CP.Enabled && p.Text("context.type") != "IP"
	return s
}

// dialPlan gives the plan of the AT dialogues.
func dialPlan(p Policy, pin, user string, password auth.Secret) modem.Plan {
	plan := modem.Defaults()
	plan.Send = modem.Commands{
		Init:          p.List("at.init"),
		AfterPIN:      p.List("at.after_pin"),
		BeforeContext: p.List("at.before_context"),
		AfterContext:  p.List("at.after_context"),
		BeforeDial:    p.List("at.before_dial"),
		BeforeHangup:  p.List("at.before_hangup"),
		AfterHangup:   p.List("at.after_hangup"),
	}
	plan.Tries = p.Int("at.tries")
	plan.Optional = p.List("at.optional")
	plan.Never = p.List("at.never")
	plan.StartDelay = p.Duration("at.start_delay")
	plan.ResetWait = p.Duration("at.reset_wait")
	plan.Baud = p.Int("port.baud")
	plan.FastBaud = p.Int("port.fast_baud")
	plan.Flow = p.Text("port.flow")
	plan.DataFlow = p.Text("port.flow_after_connect")
	plan.WatchCarrier = p.Bool("port.watch_carrier")
	plan.PINQuoted = p.Bool("sim.pin_quoted")
	plan.RadioCommand = p.Text("registration.radio_command")
	plan.RadioOffCommand = p.Text("registration.radio_off_command")
	plan.RadioWait = p.Duration("registration.radio_wait")
	plan.Attach = p.Text("registration.attach")
	plan.Define = p.Text("context.define")
	plan.ReadBack = p.Bool("context.read_back")
	plan.TerminateWait = p.Duration("hangup.terminate_wait")
	plan.Timeout = p.Duration("at.timeout")
	plan.ReadyWait = p.Duration("at.ready_wait")
	plan.CharDelay = p.Duration("at.char_delay")
	plan.EchoOff = p.Bool("at.echo_off")
	plan.Reset = p.Text("at.reset")
	plan.PIN = pin
	plan.PINWait = p.Duration("sim.pin_wait")
	plan.SIMWait = p.Duration("sim.wait")
	plan.Require = p.Bool("registration.require")
	plan.RegistrationWait = p.Duration("registration.wait")
	plan.RegistrationPoll = p.Duration("registration.poll")
	plan.RadioOn = p.Bool("registration.radio_on")
	plan.Signal = p.Bool("registration.signal")
	plan.CID = p.Int("context.cid")
	plan.ContextType = p.Text("context.type")
	plan.APN = p.Text("context.apn")
	plan.AuthCommand = p.Text("context.auth_command")
	plan.AuthMethod = p.Text("context.auth_method")
	plan.User = user
	plan.Password = password.Reveal()
	plan.DialCommand = p.Text("dial.command")
	plan.Number = p.Text("dial.number")
	plan.Alternates = p.List("dial.alternates")
	plan.AlternatesWhen = p.Text("dial.alternates_when")
	plan.DialTimeout = p.Duration("dial.timeout")
	plan.ConnectDelay = p.Duration("dial.connect_delay")
	plan.HangupMethods = p.List("hangup.methods")
	plan.DTRTime = p.Duration("hangup.dtr_time")
	plan.Escape = p.Text("hangup.escape")
	plan.Guard = p.Duration("hangup.guard")
	plan.HangupCommand = p.Text("hangup.command")
	return plan
}
