// Package call sorts what a recording shows of a call by protocol and role: the AT commands with their answers, each
// protocol's packets both ways, how it ended. Compare, mimic and drawing read a call so, whatever wrote the recording.
package call

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Bounds of what is kept of one call, and of one recording. What is beyond is counted.
const (
	maxCalls    = 16
	maxCommands = 400
	maxLines    = 40
	maxSteps    = 600
	maxLong     = 4096      // octets kept of one packet
	maxKept     = 500 << 10 // octets kept of one call, of packets and of lines: with what holds them less than 1 MB
)

// Call is one try to get a link, and the link if it came up.
type Call struct {
	Number   int // which of the recording's calls it is, from 1
	Device   event.Device
	Settings []event.Quirk // those that knak said it uses

	Commands []Command // before the number was dialled, in order
	Dial     *Command  // nil: not shown
	Loose    []Loose   // lines that the modem sent unasked, before the call
	More     int       // commands and lines that were left out

	LCP, IPCP, IPV6CP, CCP Protocol
	Auth                   Protocol // PAP, CHAP and EAP, as they came
	Other                  Protocol // packets of further control protocols

	Echoes  Echoes
	Texts   []Loose // text between or instead of frames
	Probes  int     // probes that were sent
	Replies int     // answers to them
	DataIn  int     // packets of the network's protocols
	DataOut int
	Unread  int // pieces that could not be understood

	Outcome  // whether it came up
	Failures []event.Failure
	Findings []event.Finding
	Down     *event.Down
	Lost     *Loose // NO CARRIER in or after PPP, or the carrier that dropped
	Begin    time.Time
	End      time.Time
	far      string // the furthest phase that was named, up to IPCP
	kept     int    // octets that are kept, at most maxKept
	told     bool   // a dialer's words say something of it
	named    bool   // a line names a cause of a failure by itself
}

// Command is one line that was sent to the modem in command state, and what it answered.
type Command struct {
	Text     string
	Lines    []string // without the result
	Result   string   // for example "OK", "+CME ERROR: 10" or "CONNECT 7200000"; "": there was none
	Sent     time.Time
	Answered time.Time // of the result, the zero time if there is none
	Pos      event.Pos
}

// Loose is a line with its time and place.
type Loose struct {
	Text string
	Time time.Time
	Pos  event.Pos
	In   string // where it came: one of the Phase names
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
	Again   bool // it is the same request as the one before it in its direction, unanswered till then
}

// Echoes are LCP's Echo packets, which are only counted.
type Echoes struct {
	Sent, Answered int       // the host's Echo-Requests, and the modem's replies
	Rcvd, Replied  int       // the modem's Echo-Requests, and the host's replies
	First, Last    time.Time // of the host's Echo-Requests
	Heard          time.Time // the last reply to them
}

// Timed says whether the recording tells times.
func (c *Call) Timed() bool { return !c.Begin.IsZero() }

// PPP says whether there is any packet.
func (c *Call) PPP() bool {
	return len(c.LCP.Steps)+len(c.Auth.Steps)+len(c.IPCP.Steps)+len(c.IPV6CP.Steps)+len(c.CCP.Steps)+len(c.Other.Steps) > 0
}

// AT says whether there is anything of the AT dialogue.
func (c *Call) AT() bool { return c.Dial != nil || len(c.Commands) > 0 }

// Address is the host's address, as the modem acknowledged it in IPCP.
func (c *Call) Address() (netip.Addr, bool) {
	for i := len(c.IPCP.Steps) - 1; i >= 0; i-- {
		s := &c.IPCP.Steps[i]
		if s.Dir != event.Rcvd || s.Code != packet.ConfigureAck {
			continue
		}
		if o, ok := packet.Find(s.Options, packet.IPCPAddress); ok {
			return o.Address()
		}
	}
	return netip.Addr{}, false
}

// Cut says that the recording shows neither that the link came up nor how the call ended: it began too late or ended
// too soon.
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

// Before says whether s came before o: by their times, or else by their places.
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

// Name is the name that the host authenticated with, and the packet that carried it. An empty name is a name.
func (c *Call) Name() (string, Step, bool) {
	for i := range c.Auth.Steps {
		s := &c.Auth.Steps[i]
		if s.Dir != event.Sent {
			continue
		}
		if name, ok := NameIn(s.Protocol, packet.Packet{Code: s.Code, Data: s.Data}); ok {
			return name, *s, true
		}
	}
	return "", Step{}, false
}

// NameIn is the name that a packet authenticates with: a PAP request, a CHAP response or an EAP identity.
func NameIn(protocol uint16, p packet.Packet) (string, bool) {
	switch {
	case protocol == packet.PAP && p.Code == packet.PAPRequest:
		name, _, ok := packet.Counted(p.Data)
		return string(name), ok
	case protocol == packet.CHAP && p.Code == packet.CHAPResponse:
		_, name, ok := packet.Counted(p.Data)
		return string(name), ok
	case protocol == packet.EAP && p.Code == packet.EAPResponse && len(p.Data) > 0 && p.Data[0] == packet.EAPIdentity:
		return string(p.Data[1:]), true
	}
	return "", false
}

// Challenger is the name in the modem's first challenge, and the packet.
func (c *Call) Challenger() (string, Step, bool) {
	s, ok := c.Auth.First(event.Rcvd, packet.CHAPChallenge)
	if !ok || s.Protocol != packet.CHAP || len(s.Data) == 0 || int(s.Data[0]) >= len(s.Data) {
		return "", Step{}, false
	}
	return string(s.Data[1+int(s.Data[0]):]), s, true
}

// Verdict is what the modem said of the authentication.
type Verdict uint8

// The verdicts.
const (
	NoVerdict Verdict = iota // it said nothing, or was not asked
	Success
	Refused
)

// Verdict gives the modem's first word on the authentication, with its packet.
func (c *Call) Verdict() (Verdict, Step) {
	for i := range c.Auth.Steps {
		s := &c.Auth.Steps[i]
		if s.Dir != event.Rcvd {
			continue
		}
		switch {
		case s.Protocol == packet.PAP && s.Code == packet.PAPAck, s.Protocol != packet.PAP && s.Code == packet.CHAPSuccess:
			return Success, *s
		case s.Protocol == packet.PAP && s.Code == packet.PAPNak, s.Protocol != packet.PAP && s.Code == packet.CHAPFailure:
			return Refused, *s
		}
	}
	return NoVerdict, Step{}
}

// same says whether two packets hold the same apart from their identifier.
func same(a, b *Step) bool { return a.Code == b.Code && bytes.Equal(a.Data, b.Data) }
