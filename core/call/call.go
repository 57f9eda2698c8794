// Package call sorts the contents of a recording into calls: the AT commands with their answers, each protocol's packets in both
// directions, and how the call ended. compare, mimic and report work on this, independently of the recording's format.
package call

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Limits of what is kept of one call, and of one recording. Beyond a limit things are only counted.
const (
	maxCalls    = 16
	maxCommands = 400
	maxLines    = 40
	maxSteps    = 600
	maxLong     = 4096      // octets kept of one packet
	maxKept     = 500 << 10 // octets kept of one call's packets and lines; with the structures around them less than 1 MB
)

// Call is one attempt to get a link, and the link if it came up.
type Call struct {
	Number   int // its number in the recording, from 1
	Device   event.Device
	Settings []event.Quirk // the settings that knak reported

	Commands []Command // before the number was dialled, in order
	Dial     *Command  // nil: not shown
	Loose    []Loose   // unsolicited lines of the modem, before the call
	More     int       // commands and lines that were left out

	LCP, IPCP, IPV6CP, CCP Protocol
	Auth                   Protocol // packets of PAP, CHAP and EAP, in order
	Other                  Protocol // packets of further control protocols

	Echoes  Echoes
	Texts   []Loose // text between or instead of frames
	Probes  int     // probes that were sent
	Replies int     // answers to them
	DataIn  int     // data packets received
	DataOut int
	Unread  int // pieces that could not be understood

	Outcome  // whether it came up
	Failures []event.Failure
	Findings []event.Finding
	Down     *event.Down
	Lost     *Loose // NO CARRIER during or after PPP, or the loss of the carrier
	Begin    time.Time
	End      time.Time
	far      string // the furthest phase that an event named, up to IPCP
	kept     int    // octets kept so far, at most maxKept
	told     bool   // a dialer's message belongs to this call
	named    bool   // a line names the cause of a failure by itself
}

// Command is one command line that was sent to the modem, and the answer.
type Command struct {
	Text     string
	Lines    []string // lines of the answer, without the result code
	Result   string   // for example "OK", "+CME ERROR: 10" or "CONNECT 7200000"; "": none
	Sent     time.Time
	Answered time.Time // time of the result; the zero time if there is none
	Pos      event.Pos
}

// Loose is a line with its time and place.
type Loose struct {
	Text string
	Time time.Time
	Pos  event.Pos
	In   string // the phase in which it came: one of the Phase names
}

// Protocol is one control protocol's packets in order.
type Protocol struct {
	Steps []Step
	More  int // packets that were left out
}

// Step is one packet.
type Step struct {
	Dir      event.Dir
	Protocol uint16
	packet.Packet
	Options []packet.Option // of a Configure packet
	Time    time.Time
	Pos     event.Pos
	Again   bool // a repetition of the request before it in the same direction, which had no answer yet
}

// Echoes are LCP's Echo packets, which are only counted.
type Echoes struct {
	Sent, Answered int       // the host's Echo-Requests, and the modem's replies
	Rcvd, Replied  int       // the modem's Echo-Requests, and the host's replies
	First, Last    time.Time // of the host's Echo-Requests
	Heard          time.Time // time of the last reply to them
}

// Timed says whether the recording has times.
func (c *Call) Timed() bool { return !c.Begin.IsZero() }

// PPP says whether the call has any packet.
func (c *Call) PPP() bool {
	return len(c.LCP.Steps)+len(c.Auth.Steps)+len(c.IPCP.Steps)+len(c.IPV6CP.Steps)+len(c.CCP.Steps)+len(c.Other.Steps) > 0
}

// AT says whether the call has any command of the AT dialogue.
func (c *Call) AT() bool { return c.Dial != nil || len(c.Commands) > 0 }

// Address gives the host's address that the modem acknowledged in IPCP.
func (c *Call) Address() (netip.Addr, bool) { return c.Ours, c.Ours.IsValid() }

// Cut says whether the recording shows neither that the link came up nor how the call ended: it began too late or ended too
// early.
func (c *Call) Cut() bool {
	return !c.Worked() && c.Down == nil && len(c.Failures) == 0 && c.Lost == nil && !c.ended() && (c.Dial == nil || c.Dial.Result == "" || c.PPP() || c.connected())
}

func (c *Call) connected() bool { return c.Dial != nil && strings.HasPrefix(c.Dial.Result, "CONNECT") }

func (c *Call) ended() bool {
	_, ok := c.Terminated()
	return ok
}

// Terminated gives the first Terminate-Request of LCP or IPCP.
func (c *Call) Terminated() (Step, bool) {
	var first Step
	found := false
	for _, p := range []*Protocol{&c.LCP, &c.IPCP} {
		if s, ok := p.First(event.Sent, packet.TerminateRequest); ok && (!found || s.Before(first)) {
			first, found = s, true
		}
		if s, ok := p.First(event.Rcvd, packet.TerminateRequest); ok && (!found || s.Before(first)) {
			first, found = s, true
		}
	}
	return first, found
}

// Before says whether s came before o: by their times or, without times, by their places.
func (s Step) Before(o Step) bool {
	if !s.Time.Equal(o.Time) {
		return s.Time.Before(o.Time)
	}
	return s.Pos.Line < o.Pos.Line || s.Pos.Packet < o.Pos.Packet
}

// First gives the first packet of that direction and code.
func (p *Protocol) First(d event.Dir, code uint8) (Step, bool) {
	for i := range p.Steps {
		if p.Steps[i].Dir == d && p.Steps[i].Code == code {
			return p.Steps[i], true
		}
	}
	return Step{}, false
}

// Of gives all packets of that direction and code, in order.
func (p *Protocol) Of(d event.Dir, code uint8) (list []Step) {
	for i := range p.Steps {
		if p.Steps[i].Dir == d && p.Steps[i].Code == code {
			list = append(list, p.Steps[i])
		}
	}
	return list
}

// Agreed says whether a Configure-Request of that direction was acknowledged.
func (p *Protocol) Agreed(d event.Dir) bool {
	_, ok := p.First(1-d, packet.ConfigureAck)
	return ok
}

// Answer gives what the other end answered to the request at index i, and whether it did.
func (p *Protocol) Answer(i int) (Step, bool) {
	req := &p.Steps[i]
	for j := i + 1; j < len(p.Steps); j++ {
		s := &p.Steps[j]
		switch {
		case s.Dir == req.Dir && s.Code == packet.ConfigureRequest && s.ID != req.ID:
			return Step{}, false
		case s.Dir != req.Dir && s.ID == req.ID && s.Code >= packet.ConfigureAck && s.Code <= packet.ConfigureReject:
			return *s, true
		}
	}
	return Step{}, false
}

// Name gives the name that the host authenticated with, and the packet with it. It is true for an empty name too.
func (c *Call) Name() (string, Step, bool) {
	for i := range c.Auth.Steps {
		s := &c.Auth.Steps[i]
		if s.Dir != event.Sent {
			continue
		}
		if name, ok := packet.AuthName(s.Protocol, s.Code, s.Data); ok {
			return string(name), *s, true
		}
	}
	return "", Step{}, false
}

// Challenger gives the name in the modem's first challenge, and the packet.
func (c *Call) Challenger() (string, Step, bool) {
	s, ok := c.Auth.First(event.Rcvd, packet.CHAPChallenge)
	if !ok || s.Protocol != packet.CHAP || len(s.Data) == 0 || int(s.Data[0]) >= len(s.Data) {
		return "", Step{}, false
	}
	return string(s.Data[1+int(s.Data[0]):]), s, true
}

// Verdict is the modem's answer to the authentication.
type Verdict uint8

// The verdicts.
const (
	NoVerdict Verdict = iota // no answer, or no authentication
	Success
	Refused
)

// Verdict gives the modem's first answer to the authentication, with its packet.
func (c *Call) Verdict() (Verdict, Step) {
	for i := range c.Auth.Steps {
		s := &c.Auth.Steps[i]
		if s.Dir != event.Rcvd {
			continue
		}
		if v := VerdictIn(s.Protocol, s.Packet); v != NoVerdict {
			return v, *s
		}
	}
	return NoVerdict, Step{}
}

// VerdictIn gives what a packet of the one who asks for the authentication says of it: PAP's Ack and Nak, CHAP's and EAP's Success
// and Failure, and the Failure of MS-CHAPv2 within EAP, which a Failure of EAP may follow.
func VerdictIn(protocol uint16, p packet.Packet) Verdict {
	switch {
	case protocol == packet.PAP && p.Code == packet.PAPAck,
		protocol == packet.CHAP && p.Code == packet.CHAPSuccess,
		protocol == packet.EAP && p.Code == packet.EAPSuccess:
		return Success
	case protocol == packet.PAP && p.Code == packet.PAPNak,
		protocol == packet.CHAP && p.Code == packet.CHAPFailure,
		protocol == packet.EAP && p.Code == packet.EAPFailure,
		protocol == packet.EAP && p.Code == packet.EAPRequest && len(p.Data) > 1 && p.Data[0] == packet.EAPMSCHAPv2 && p.Data[1] == packet.MSCHAPv2Failure:
		return Refused
	}
	return NoVerdict
}

// same says whether two packets are equal except for the identifier.
func same(a, b *Step) bool { return a.Code == b.Code && bytes.Equal(a.Data, b.Data) }
