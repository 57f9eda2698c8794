package learn

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Observer follows the events of a dial and keeps what a failure has to say besides its name. The zero value is ready.
type Observer struct {
	Device event.Device // as it was told last
	APN    string       // of the call

	up, proved bool
	upAt       time.Time
	phase      string
	pending    string          // the command that was sent last and has no answer yet
	mute       string          // the first command that another one followed without an answer
	dialled    string          // the last number
	number     string          // the one that was answered CONNECT
	spoke      bool            // the modem sent a line of AT
	answers    map[string]bool // the commands that were answered OK
	connected  bool
	method     string // by which the peer was told who we are
	sent       map[uint16]*requests
	ended      uint16 // the protocol of the last Terminate-Request or failure that the peer sent
	echo       time.Time
	replied    bool // an Echo-Request was answered
	mutedSince bool // nothing came after an Echo-Request
}

// requests are the requests of one protocol that were sent.
type requests struct {
	count        int
	last, before time.Time
	answered     bool // something of the protocol came back
}

// Dialling forgets what belongs to one attempt.
func (o *Observer) Dialling() { *o = Observer{Device: o.Device, APN: o.APN} }

// Up says whether the link was up in this attempt.
func (o *Observer) Up() bool { return o.up }

// Proved says whether a packet had come back by then.
func (o *Observer) Proved() bool { return o.proved }

// Silenced says that nothing has come from the peer since an Echo-Request, not even an answer to the Terminate-Request.
func (o *Observer) Silenced() bool { return o.up && o.mutedSince }

// Number is what was dialled when the modem said CONNECT, "" where it did not.
func (o *Observer) Number() string { return o.number }

// Record takes an event.
func (o *Observer) Record(r event.Record) {
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

// command follows the dialogue. Whatever else a modem says is not echo.
func (o *Observer) command(e event.AT) {
	text := strings.TrimSpace(e.Text)
	if e.Dir == event.Sent {
		if o.mute == "" && len(o.pending) > len("ATE0") { // the greeting may well be lost
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
		p.answered = p.answered || code >= packet.ConfigureAck && code <= packet.ConfigureReject || isLogin(e.Protocol)
		switch {
		case e.Protocol == packet.LCP && code == packet.EchoReply:
			o.replied = true
		case code == packet.TerminateRequest && (e.Protocol == packet.LCP || e.Protocol == packet.IPCP):
			o.ended = e.Protocol
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
		p.count++
		p.before, p.last = p.last, now
	}
}

// What an observation means in times: how soon after a packet of ours a call must end for that packet to be the reason, how
// soon two requests follow each other that a modem may call hasty, and how long a link may carry on after an Echo-Request that
// was its end.
const (
	promptly  = 1500 * time.Millisecond
	hastyGap  = 4 * time.Second
	echoTrail = 10 * time.Second
)

var protocols = map[string]uint16{event.PhaseLCP: packet.LCP, event.PhaseAuth: packet.PAP, event.PhaseIPCP: packet.IPCP}

// isLogin says whether a protocol authenticates.
func isLogin(protocol uint16) bool {
	return protocol == packet.PAP || protocol == packet.CHAP || protocol == packet.EAP
}

// ended says whether the peer or the modem has ended the call.
func ended(kind string) bool {
	return kind == event.FailedCarrierLost || kind == event.FailedTerminated
}

// cut says whether the call ended at once after a request of ours: it was heard, then.
func (o *Observer) cut(now time.Time, f Failure) bool {
	r := o.sent[protocols[f.Phase]]
	return ended(f.Kind) && r != nil && r.count > 0 && now.Sub(r.last) < promptly
}

// Complete fills what was observed into a failure that came at a time.
func (o *Observer) Complete(now time.Time, f Failure) Failure {
	if o.up && f.Up == 0 {
		f.Up = max(now.Sub(o.upAt), 1)
	}
	if !o.up && f.Phase == event.PhaseUp { // it was about to be
		f.Phase = event.PhaseProve
	}
	f.APN, f.Method, f.Spoke, f.Answers = o.APN, o.method, o.spoke, len(o.answers)
	if o.mute != "" {
		f.Command = o.mute // it is what held the modem up, whatever failed after it
	} else if o.pending != "" && f.Command == "" && f.Phase == event.PhaseDial && len(o.pending) > len("ATE0") {
		f.Command = o.pending
	}
	f.Cut = o.cut(now, f)
	if r := o.sent[protocols[f.Phase]]; r != nil && protocols[f.Phase] != 0 {
		f.Requests = r.count
		f.Hasty = (ended(f.Kind) || f.Kind == event.FailedAuthRejected) && r.count > 1 && r.last.Sub(r.before) < hastyGap && now.Sub(r.last) < promptly
		f.Unanswered = !r.answered
	}
	f.Echo = !o.echo.IsZero() && (f.Up > 0 && now.Sub(o.echo) < echoTrail || ended(f.Kind) && now.Sub(o.echo) < promptly) || f.Kind == event.FailedEchoTimeout && !o.replied
	return f
}
