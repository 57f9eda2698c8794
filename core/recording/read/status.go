package read

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
)

// A saying is a line of pppd that is known by how it begins. does is what it means as events besides the Log; nil: nothing.
type saying struct {
	begins string
	does   func(s *logSource, rest string)
}

func failing(phase, cause string) func(*logSource, string) {
	return func(s *logSource, rest string) { s.fails(phase, cause, rest) }
}

// sayings are pppd's, of all releases. A line without a time or a program is known for pppd's by them alone.
var sayings = []saying{
	{"pppd 2", func(s *logSource, _ string) {
		if c := &s.call; c.sawPPP || order(c.phase) > order(event.PhaseDial) || s.talk.by == "chat" && c.phase != "" && s.talk.wvdial == "" {
			c.ended = true
		}
		s.begins("pppd was started again")
	}},
	{"Serial connection established", func(s *logSource, _ string) {
		s.begins("pppd dials again")
		s.talk.by = ""
	}},
	{"Using interface ", func(s *logSource, rest string) { s.begins("pppd begins again"); s.call.iface = firstWord(rest) }},
	{"using channel ", nil}, {"Using channel ", nil},
	{"Connect: ", (*logSource).connects},
	{"local  IP address ", (*logSource).address}, {"local IP address ", (*logSource).address},
	{"remote IP address ", (*logSource).address},
	{"primary   DNS address ", (*logSource).address}, {"primary DNS address ", (*logSource).address},
	{"secondary DNS address ", (*logSource).address},
	{"local  LL address ", (*logSource).address}, {"remote LL address ", nil},
	{"CHAP authentication succeeded", (*logSource).authenticated}, {"PAP authentication succeeded", (*logSource).authenticated},
	{"EAP authentication succeeded", (*logSource).authenticated},
	{"CHAP authentication failed", failing(event.PhaseAuth, event.FailedAuthRejected)}, {"PAP authentication failed", failing(event.PhaseAuth, event.FailedAuthRejected)},
	{"MS-CHAP authentication failed", failing(event.PhaseAuth, event.FailedAuthRejected)}, {"EAP: peer reports authentication failure", failing(event.PhaseAuth, event.FailedAuthRejected)},
	{"EAP authentication failed", failing(event.PhaseAuth, event.FailedAuthRejected)},
	{"No response to PAP authenticate-requests", failing(event.PhaseAuth, event.FailedAuthTimeout)},
	{"LCP: timeout sending Config-Requests", failing(event.PhaseLCP, event.FailedTimeout)},
	{"IPCP: timeout sending Config-Requests", failing(event.PhaseIPCP, event.FailedTimeout)},
	{"IPV6CP: timeout sending Config-Requests", nil}, {"CCP: timeout sending Config-Requests", nil},
	{"LCP terminated by peer", func(s *logSource, rest string) { s.fails("", event.FailedTerminated, rest); s.call.ending = true }},
	{"Serial line is looped back", failing(event.PhaseLCP, event.FailedLoopedBack)},
	{"Excessive lack of response to LCP echo", failing(event.PhaseUp, event.FailedEchoTimeout)},
	{"No response to ", func(s *logSource, rest string) {
		if strings.Contains(rest, "echo-request") {
			s.fails(event.PhaseUp, event.FailedEchoTimeout, "No response to "+rest)
			s.call.ending = true
		}
	}},
	{"Could not determine local IP address", failing(event.PhaseIPCP, event.FailedNoAddress)},
	{"Modem hangup", func(s *logSource, _ string) {
		if s.call.phase == "" && !s.call.ending {
			at := s.rec
			s.call.hungup = &at
			return
		}
		s.fails("", event.FailedCarrierLost, "Modem hangup")
		s.call.ending = true
	}},
	{"Hangup (SIGHUP)", nil},
	{"Terminating on signal", func(s *logSource, rest string) {
		s.call.ending = true
		if s.call.cause == "" {
			s.call.cause, s.call.code = "signal", 5
		}
		s.enter(event.PhaseHangup)
	}},
	{"Connect time ", func(s *logSource, rest string) {
		if v, err := strconv.ParseFloat(firstWord(rest), 64); err == nil && v >= 0 && v < 1e9 {
			s.call.seconds = v * 60
		}
	}},
	{"Sent ", (*logSource).octets},
	{"Connection terminated", func(s *logSource, _ string) { s.call.ending = true; s.ends("terminated") }},
	{"Exit.", func(s *logSource, _ string) { s.ends("terminated"); s.call.ended = s.call.phase != "" }},
	{"Connect script failed", func(s *logSource, _ string) {
		s.call.code = 8
		s.talk.by = ""
		s.enter(event.PhaseDial)
	}},
	{"Device ", func(s *logSource, rest string) {
		if strings.Contains(rest, "locked by") {
			s.fails("port", event.FailedPortLocked, "Device "+rest)
		}
	}},
	{"Failed to open ", failing("port", event.FailedPortOpen)},
	{"unable to open ", failing("port", event.FailedPortOpen)}, {"Unable to open ", failing("port", event.FailedPortOpen)},
	// What has no event of its own.
	{"Plugin ", nil}, {"Remote message: ", nil}, {"Could not determine remote IP address", nil}, {"Cannot determine ethernet address", nil},
	{"not replacing ", nil}, {"replacing old default route", nil}, {"Script ", nil}, {"Waiting for ", nil}, {"Warning", nil}, {"Protocol-Reject for ", nil},
	{"peer refused to authenticate", nil}, {"peer from calling number", nil}, {"No auth is possible", nil}, {"Discarded non-LCP packet", nil}, {"discarding ", nil},
	{"appear to have received our own echo", nil}, {"Received bad configure-", nil}, {"Peer refused to agree to ", nil}, {"No network protocols running", nil},
	{"Receive serial link is not 8-bit clean", nil}, {"Problem: all had bit 7", nil}, {"Serial link appears to be disconnected", nil}, {"Serial link is not 8-bit clean", nil},
	{"Lost compression sync", nil}, {"MPPE ", nil}, {"Refusing MPPE", nil}, {"The remote system ", nil}, {"but I couldn't find any suitable secret", nil},
	{"Couldn't ", nil}, {"Can't ", nil}, {"tcgetattr", nil}, {"tcsetattr", nil}, {"tcflush", nil}, {"Perms of ", nil}, {"Connection refused", nil},
	{"ioctl(", nil}, {"write: ", nil}, {"read: ", nil}, {"Unsupported protocol", nil}, {"unsupported protocol", nil}, {"rcvd unknown", nil},
	{"Timeout waiting for P", nil}, {"Unable to complete PPPoE", nil}, {"PPPoE", nil}, {"PPP session is ", nil}, {"Sending PAD", nil}, {"Send PPPOE", nil},
	{"Recv PPPOE", nil}, {"sent PADT", nil}, {"Overriding mtu", nil}, {"Overriding mru", nil}, {"deflate", nil}, {"Deflate", nil}, {"BSD-Compress", nil}, {"found interface ", nil},
	{"  script ", nil}, {"Starting link", nil}, {"Link ", nil}, {"Starting negotiation on", nil}, {"local IP address changed", nil}, {"rename interface", nil},
	{"Renamed interface", nil}, {"Peer ", nil}, {"Kernel supports ", nil}, {"This system lacks kernel support", nil}, {"Please load the ppp_generic", nil},
	{"In file ", nil}, {"unrecognized option", nil}, {"Removed stale lock", nil}, {"Can't create lock", nil}, {"Idle", nil}, {"Terminating connection", nil},
	{"Connect time expired", nil}, {"Traffic limit", nil}, {"LCP: ", nil}, {"IPCP: ", nil}, {"IPV6CP: ", nil}, {"CCP: ", nil}, {"PAP: ", nil}, {"CHAP: ", nil},
	{"lcp_", nil}, {"ipcp_", nil}, {"fsm_", nil}, {"cif6addr", nil}, {"sif6addr", nil}, {"sifdefaultroute", nil}, {"not adding ", nil}, {"added default", nil},
	{"Unexpected ", nil}, {"Malformed ", nil}, {"speed ", nil}, {"Speed ", nil}, {"Welcome script", nil}, {"Doing disconnect", nil}, {"serial link disconnected", nil},
	{"Starting pppd", nil}, {"pppd options in effect", nil}, {"debug\t", nil}, {"kernel ppp driver", nil}, {"rcvd [", nil}, {"sent [", nil},
}

// known finds the saying that a line is.
func known(msg []byte) *saying {
	if len(msg) < 4 {
		return nil
	}
	for i := range sayings {
		if w := sayings[i].begins; len(msg) >= len(w) && msg[0] == w[0] && string(msg[:len(w)]) == w {
			return &sayings[i]
		}
	}
	return nil
}

const established = "Serial connection established"

// isStatus says whether a line that names no program is pppd's.
func (s *logSource) isStatus(msg []byte) bool {
	if s.talk.by == "wvdial" && s.talk.open() { // there the modem speaks too, and wvdial tells what pppd says
		return bytes.Contains(msg, []byte(established))
	}
	return known(msg) != nil || bytes.Contains(msg, []byte(established))
}

// pppd takes a line of pppd that is no packet.
func (s *logSource) pppd(msg []byte) {
	if i := bytes.Index(msg, []byte(established)); i > 0 { // the modem's last word was not ended by a line end
		s.fromModem(msg[:i])
		msg = msg[i:]
	}
	s.hangsUp(string(msg[:min(len(msg), 12)]))
	k := known(msg)
	if k == nil || !isAddress(k.begins) {
		s.addresses()
	}
	if k == nil || k.does == nil {
		s.log("pppd", msg)
		return
	}
	rest := strings.TrimSpace(string(msg[len(k.begins):]))
	if k.begins == "pppd 2" || strings.HasPrefix(k.begins, "Serial conn") || strings.HasPrefix(k.begins, "Using i") {
		k.does(s, rest)
		s.log("pppd", msg)
		return
	}
	s.log("pppd", msg)
	k.does(s, strings.TrimLeft(rest, ": "))
}

func isAddress(begins string) bool {
	return strings.HasSuffix(begins, "address ") && !strings.HasPrefix(begins, "remote LL")
}

func (s *logSource) connects(rest string) {
	s.begins("pppd connects again")
	if iface, port, ok := strings.Cut(rest, " <--> "); ok {
		s.call.iface, s.call.port = firstWord(iface), firstWord(port)
		s.emit(event.Device{Port: s.call.port})
	}
	s.call.began = s.rec.Time
	s.talk.by = ""
	s.call.sawPPP = true
	s.enter(event.PhaseLCP)
}

func (s *logSource) authenticated(string) {
	s.call.authOK = true
	s.enter(event.PhaseIPCP)
}

// address takes one line of the group that pppd writes when IPCP is open. What kind it is stands in the line before rest.
func (s *logSource) address(rest string) {
	last := s.queue[len(s.queue)-1].Event.(event.Log).Text
	c := &s.call
	if c.up == nil {
		c.up = &event.Up{}
	}
	a := firstWord(rest)
	if v, _, ok := notation.Address(a); ok { // in place of a hidden address the one that its packets have
		a = v.String()
	}
	switch {
	case strings.HasPrefix(last, "local") && strings.Contains(last, "LL"):
		c.up.IPv6 = a
	case strings.HasPrefix(last, "local"):
		c.up.Local = a
	case strings.HasPrefix(last, "remote"):
		c.up.Peer = a
	default:
		c.up.DNS = append(c.up.DNS, a)
	}
}

func (s *logSource) octets(rest string) {
	var out, in uint64
	f := strings.Fields(rest)
	if len(f) < 4 || !strings.HasPrefix(f[1], "bytes") || f[2] != "received" {
		return
	}
	out, err := strconv.ParseUint(f[0], 10, 64)
	in, err2 := strconv.ParseUint(f[3], 10, 64)
	if err == nil && err2 == nil {
		s.call.out, s.call.in = out, in
	}
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return w
}
