package learn

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Observer follows the events of a dial and collects the observed part of a Failure. The zero value is ready.
type Observer struct {
	Device event.Device // from the last event.Device
	APN    string       // of the call

	up, proved bool
	upAt       time.Time
	begin      time.Time // of the attempt
	phase      string
	pending    string          // the command that was sent last and has no answer yet
	mute       string          // the first command without an answer after which another command was sent
	dialled    string          // the last number
	number     string          // the number that was answered with CONNECT
	spoke      bool            // the modem sent a line of text
	answers    map[string]bool // the commands that were answered with OK
	connected  bool
	method     string // the protocol by which knak authenticated
	sent       map[uint16]*requests
	echo       time.Time
	replied    bool // an Echo-Request was answered
	mutedSince bool // nothing has come since the last Echo-Request
}

// requests are the requests of one protocol that were sent.
type requests struct {
	count        int
	last, before time.Time
	answered     bool     // something of the protocol came back
	refused      bool     // a Nak or a Reject came back
	first, taken []string // names of the options in the first request, and in the acknowledged one
}

// Dialling begins a new attempt: it forgets all but Device and APN.
func (o *Observer) Dialling() { *o = Observer{Device: o.Device, APN: o.APN} }

// Up says whether the link was up in this attempt.
func (o *Observer) Up() bool { return o.up }

// Proved says whether the link was proved (event.Up.Proved) when it came up.
func (o *Observer) Proved() bool { return o.proved }

// Silenced says whether the link was up and nothing has come from the peer since the last Echo-Request, not even a Terminate-Ack.
func (o *Observer) Silenced() bool { return o.up && o.mutedSince }

// Number gives the number that was answered with CONNECT; "" if none was.
func (o *Observer) Number() string { return o.number }

// Record takes an event.
func (o *Observer) Record(r event.Record) {
	if o.begin.IsZero() {
		o.begin = r.Time
	}
	switch e := r.Event.(type) {
	case event.Device:
		o.Device = e
	case event.Quirk:
		if e.Key == "context.apn" {
			o.APN = e.Value
		}
	case event.Phase:
		o.phase = e.Phase
	case event.Up:
		o.up, o.proved, o.upAt = true, e.Proved, r.Time
	case event.AT:
		o.command(e)
	case event.Packet:
		if p, err := packet.Parse(e.Data); err == nil {
			o.packet(r.Time, e, p.Code)
		}
	}
}

// command follows the AT dialogue. Every line of the modem's that is not an echo counts as speech.
func (o *Observer) command(e event.AT) {
	text := strings.TrimSpace(e.Text)
	if e.Dir == event.Sent {
		if o.mute == "" && len(o.pending) > len("ATE0") { // the first ATE0 may be lost on a modem that wakes up
			o.mute = o.pending
		}
		o.pending = text
		if strings.HasPrefix(strings.ToUpper(text), "ATD") {
			o.dialled = strings.TrimLeft(text[3:], "TtPp")
		}
		return
	}
	o.spoke = o.spoke || text != ""
	if strings.HasPrefix(text, "+CGDCONT:") && o.APN == "" {
		if f := strings.Split(text, ","); len(f) > 2 {
			o.APN = strings.Trim(f[2], `" `)
		}
	}
	if v250.IsFinal(text) {
		if text == "OK" && o.pending != "" {
			if o.answers == nil {
				o.answers = map[string]bool{}
			}
			o.answers[o.pending] = true
		}
		o.pending = ""
		if strings.HasPrefix(text, "CONNECT") {
			o.number, o.connected = o.dialled, true
		}
	}
}

func (o *Observer) packet(now time.Time, e event.Packet, code uint8) {
	if o.sent == nil {
		o.sent = map[uint16]*requests{}
	}
	p := o.sent[e.Protocol]
	if p == nil {
		p = &requests{}
		o.sent[e.Protocol] = p
	}
	if e.Dir == event.Rcvd {
		o.mutedSince = false
		p.refused = p.refused || code == packet.ConfigureNak || code == packet.ConfigureReject
		p.answered = p.answered || code >= packet.ConfigureAck && code <= packet.ConfigureReject || isLogin(e.Protocol)
		switch {
		case e.Protocol == packet.LCP && code == packet.EchoReply:
			o.replied = true
		case code == packet.ConfigureAck:
			p.taken = options(e.Protocol, e.Data)
		}
		return
	}
	switch e.Protocol {
	case packet.PAP:
		o.method = "pap"
	case packet.CHAP:
		o.method = "chap"
	case packet.EAP:
		o.method = "eap"
	case packet.LCP:
		if code == packet.EchoRequest {
			o.echo, o.mutedSince = now, true
			return
		}
	}
	if code == packet.ConfigureRequest || e.Protocol == packet.PAP {
		if p.count++; p.count == 1 && code == packet.ConfigureRequest {
			p.first = options(e.Protocol, e.Data)
		}
		p.before, p.last = p.last, now
	}
}

// options gives the names of a packet's options, in the words of lcp.request and ipcp.request.
func options(protocol uint16, data []byte) []string {
	p, err := packet.Parse(data)
	if err != nil {
		return nil
	}
	list, _ := packet.ParseOptions(nil, p.Data)
	names := []string{}
	for _, o := range list {
		for _, word := range requestWords[protocol] {
			if t, ok := packet.OptionType(protocol, word); ok && t == o.Type {
				names = append(names, word)
			}
		}
	}
	return names
}

// requestWords are the options that can be asked for.
var requestWords = map[uint16][]string{
	packet.LCP: {"mru", "accm", "magic", "pfc", "acfc"}, packet.IPCP: {"address", "dns1", "dns2", "nbns1", "nbns2"},
}

// unheard is how many requests without an answer make the engine ask for other options in the same call (lcp.vary_after,
// ipcp.vary_after).
const unheard = 3

// Faster gives settings with which the call would have come up sooner: the options of the first request that the peer answered,
// if it did not answer the earlier ones.
func (o *Observer) Faster() (set []Setting) {
	for _, k := range []struct {
		protocol uint16
		key      string
	}{{packet.LCP, "lcp.request"}, {packet.IPCP, "ipcp.request"}} {
		r := o.sent[k.protocol]
		if !o.up || r == nil || r.refused && k.protocol == packet.LCP || r.count <= unheard || r.taken == nil || slices.Equal(r.first, r.taken) {
			continue
		}
		set = append(set, Setting{k.key, strings.Join(r.taken, ","), "Found by experiment: the modem answers no request with other options."})
	}
	return set
}

// UpAfter gives the time from the first event until the link was up; 0: it was not up.
func (o *Observer) UpAfter() time.Duration {
	if !o.up || o.begin.IsZero() {
		return 0
	}
	return o.upAt.Sub(o.begin)
}

// Limits of time: how soon after a packet of ours a call must end for that packet to be the reason; how close two requests must
// be for a modem to find them hasty; how long a link may go on after the Echo-Request that ended it.
const (
	promptly  = 1500 * time.Millisecond
	hastyGap  = 4 * time.Second
	echoTrail = 10 * time.Second
)

var protocols = map[string]uint16{event.PhaseLCP: packet.LCP, event.PhaseAuth: packet.PAP, event.PhaseIPCP: packet.IPCP}

// isLogin says whether a protocol is one of authentication.
func isLogin(protocol uint16) bool {
	return protocol == packet.PAP || protocol == packet.CHAP || protocol == packet.EAP
}

// ended says whether the peer or the modem has ended the call.
func ended(kind string) bool {
	return kind == event.FailedCarrierLost || kind == event.FailedTerminated
}

// cut says whether the call ended at once after a request of ours. The peer has then received the request.
func (o *Observer) cut(now time.Time, f Failure) bool {
	r := o.sent[protocols[f.Phase]]
	return ended(f.Kind) && r != nil && r.count > 0 && now.Sub(r.last) < promptly
}

// Complete adds what was observed to a failure that happened at now.
func (o *Observer) Complete(now time.Time, f Failure) Failure {
	if o.up && f.Up == 0 {
		f.Up = max(now.Sub(o.upAt), 1)
	}
	if !o.up && f.Phase == event.PhaseUp { // the link was about to come up
		f.Phase = event.PhaseProve
	}
	f.APN, f.Method, f.Spoke, f.Answers = o.APN, o.method, o.spoke, len(o.answers)
	if o.mute != "" {
		f.Command = o.mute // this command blocked the modem, whatever failed after it
	} else if o.pending != "" && f.Command == "" && f.Phase == event.PhaseDial && len(o.pending) > len("ATE0") {
		f.Command = o.pending
	}
	f.Cut = o.cut(now, f)
	if r := o.sent[protocols[f.Phase]]; r != nil && protocols[f.Phase] != 0 {
		f.Requests = r.count
		f.Hasty = (ended(f.Kind) || f.Kind == event.FailedAuthRejected) && r.count > 1 && r.last.Sub(r.before) < hastyGap && now.Sub(r.last) < promptly
		f.Unanswered = !r.answered
	}
	f.Echo = !o.echo.IsZero() && !o.replied && (f.Up > 0 && now.Sub(o.echo) < echoTrail || ended(f.Kind) && now.Sub(o.echo) < promptly) || f.Kind == event.FailedEchoTimeout && !o.replied
	return f
}
