package compare

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// modemAspects lists what the modem does. If the hosts behaved differently, most differences here follow from that.
func modemAspects() []aspect {
	return []aspect{
		{id: "dial-result", role: Modem, protocol: "at", what: "answer to the number", weight: 100, see: dialResult,
			why: "without CONNECT there is no PPP"},
		{id: "auth-verdict", role: Modem, protocol: "auth", what: "answer to the name", weight: 95, see: verdict,
			why: "a refusal ends the call; a success proves nothing"},
		{id: "auth-demand", role: Modem, protocol: "lcp", what: "authentication demanded", weight: 90, see: demand,
			why: "another demand is often another modem, firmware or APN"},
		{id: "ipcp-answers", role: Modem, protocol: "ipcp", what: "answers in IPCP", weight: 85, see: answers(ipcpOf),
			why: "here the network shows whether it lets the host in"},
		{id: "ending", role: Modem, protocol: "link", what: "end of the call", weight: 80, see: ending,
			why: "who ended it, and where"},
		{id: "lcp-answers", role: Modem, protocol: "lcp", what: "answers in LCP", weight: 60, see: answers(lcpOf),
			why: "what the modem cannot do"},
		{id: "ipcp-own", role: Modem, protocol: "ipcp", what: "modem's own IPCP request", weight: 45, see: own(ipcpOf, ipcpName),
			why: "a modem that asks for nothing has no network yet"},
		{id: "lcp-own", role: Modem, protocol: "lcp", what: "modem's own LCP request", weight: 40, see: own(lcpOf, lcpName),
			why: "another request is often another modem or firmware"},
		{id: "lcp-again", role: Modem, protocol: "lcp", what: "LCP negotiated again", weight: 50, see: again,
			why: "the modem began anew in the middle of the call"},
		{id: "texts", role: Modem, protocol: "link", what: "text between the frames", weight: 35, see: texts,
			why: "the modem left PPP, or never began it"},
		{id: "echoes", role: Modem, protocol: "lcp", what: "answers to Echo-Requests", weight: 30, see: echoes,
			why: "a host that insists on them ends the call"},
		{id: "carries", role: Modem, protocol: "link", what: "packets that came back", weight: 70, see: carries,
			why: "an address is no proof that anything is carried"},
	}
}

func dialResult(c *call.Call) observation {
	if c.Dial == nil {
		return observation{}
	}
	word := c.Dial.Result
	switch {
	case strings.HasPrefix(word, "CONNECT"):
		word = "CONNECT"
	case word == "" && c.PPP():
		return observation{}
	case word == "":
		word = "nothing"
	}
	return observation{known: true, key: word, text: word, does: "gets " + word, pos: c.Dial.Pos}
}

func verdict(c *call.Call) observation {
	if _, _, named := c.Name(); !named {
		return observation{}
	}
	v, s := c.Verdict()
	word := [...]string{"none", "success", "failure"}[v]
	if v == call.NoVerdict && len(c.IPCP.Steps) > 0 {
		word = "none, but IPCP begins"
	}
	return observation{known: true, key: word, text: word, does: "gets " + word, pos: s.Pos}
}

func demand(c *call.Call) observation {
	s, ok := c.LCP.First(event.Rcvd, packet.ConfigureRequest)
	if !ok {
		return observation{}
	}
	word := demanded(c, false)
	if word == "" {
		word = "none"
	}
	return observation{known: true, key: word, text: word, does: "is asked for " + word, pos: s.Pos}
}

// maxKinds is the most kinds of answers that are shown.
const maxKinds = 6

// answers gives the kinds of answers to the host's requests, in order, without their number and values.
func answers(of func(*call.Call) *call.Protocol) func(*call.Call) observation {
	return func(c *call.Call) observation {
		p := of(c)
		if _, asked := first(p); !asked {
			return observation{}
		}
		var kinds, shown []string
		var counts []int
		var pos event.Pos
		for _, s := range p.Steps {
			if s.Dir != event.Rcvd || s.Code < packet.ConfigureAck || s.Code > packet.CodeReject || s.Code == packet.TerminateRequest || s.Code == packet.TerminateAck {
				continue
			}
			kind := kindOf(s)
			if n := len(kinds); n > 0 && kinds[n-1] == kind {
				counts[n-1]++
				continue
			}
			if len(kinds) == 0 {
				pos = s.Pos
			}
			kinds, counts = append(kinds, kind), append(counts, 1)
		}
		for i, k := range kinds[:min(len(kinds), maxKinds)] {
			if counts[i] > 1 {
				k = fmt.Sprintf("%s ×%d", k, counts[i])
			}
			shown = append(shown, k)
		}
		if len(kinds) > maxKinds {
			shown = append(shown, "…")
		}
		text := strings.Join(shown, ", ")
		if len(kinds) == 0 {
			text = "none"
		}
		return observation{known: true, key: strings.Join(kinds, ","), text: text, does: "gets " + text, pos: pos}
	}
}

// kindOf describes an answer without values that always differ.
func kindOf(s call.Step) string {
	word := map[uint8]string{packet.ConfigureAck: "Ack", packet.ConfigureNak: "Nak", packet.ConfigureReject: "Reject", packet.CodeReject: "Code-Reject"}[s.Code]
	if s.Code == packet.ConfigureAck || s.Code == packet.CodeReject {
		return word
	}
	if len(s.Options) == 0 {
		return "empty " + word
	}
	var list []string
	for _, o := range s.Options {
		n := ipcpName(o)
		if s.Protocol == packet.LCP {
			n = lcpName(o)
		}
		if a, ok := o.Address(); ok && s.Code == packet.ConfigureNak && s.Protocol == packet.IPCP && a.IsUnspecified() {
			n += " 0.0.0.0"
		}
		list = append(list, n)
	}
	return word + " (" + strings.Join(list, " ") + ")"
}

// own gives the options of the modem's first own request.
func own(of func(*call.Call) *call.Protocol, name func(packet.Option) string) func(*call.Call) observation {
	return func(c *call.Call) observation {
		p := of(c)
		s, ok := p.First(event.Rcvd, packet.ConfigureRequest)
		if !ok {
			if _, asked := first(p); !asked {
				return observation{}
			}
			return observation{known: true, key: "none", text: "none", does: "gets no request"}
		}
		list := names(s.Options, name)
		for i, n := range list {
			for _, o := range s.Options {
				if v, is := o.Uint16(); is && n == "MRU" && o.Type == packet.LCPMRU && s.Protocol == packet.LCP {
					list[i] = fmt.Sprintf("MRU %d", v)
				}
				if v, is := o.Uint32(); is && n == "ACCM" && o.Type == packet.LCPACCM && s.Protocol == packet.LCP {
					list[i] = fmt.Sprintf("ACCM 0x%x", v)
				}
			}
		}
		return observation{known: true, key: set(list), text: orNothing(list), does: "is asked for " + and(list), pos: s.Pos}
	}
}

// ending says how the modem ended the call, if it did.
func ending(c *call.Call) observation {
	if c.Cut() || !c.PPP() {
		return observation{}
	}
	if s, ok := c.Terminated(); ok && s.Dir == event.Rcvd {
		word := packet.ProtocolName(s.Protocol) + " Terminate-Request by the modem"
		return observation{known: true, key: word, text: word + after(c), does: "is ended by the modem's Terminate-Request", pos: s.Pos}
	}
	if s, ok := c.Terminated(); c.Lost != nil && (!ok || s.Time.After(c.Lost.Time)) {
		return observation{known: true, key: "hangup in " + c.Lost.In, text: "the modem hangs up in " + word(c.Lost.In), does: "is hung up", pos: c.Lost.Pos}
	}
	return observation{known: true, key: "host", text: "by the host", does: "ends itself"}
}

func after(c *call.Call) string {
	if c.Worked() {
		return ", once up"
	}
	return " in " + word(c.Reached())
}

func texts(c *call.Call) observation {
	if !c.PPP() && c.Reached() == event.PhaseDial {
		return observation{}
	}
	var list []string
	var pos event.Pos
	for _, t := range c.Texts {
		if text := strings.TrimSpace(t.Text); !strings.Contains(text, "NO CARRIER") && len(list) < 3 { // the end of the call is an aspect of its own
			if list = append(list, text); len(list) == 1 {
				pos = t.Pos
			}
		}
	}
	v := observation{known: true, key: fmt.Sprint(len(list) > 0), text: "none", does: "gets no text"}
	if len(list) > 0 {
		v.text, v.pos = strings.Join(list, " / "), pos
		v.does = "gets text: " + v.text
	}
	return v
}

// echoes says whether Echo-Requests are answered.
func echoes(c *call.Call) observation {
	e := c.Echoes
	switch {
	case e.Sent == 0, e.Sent == 1 && e.Answered == 0:
		return observation{}
	case e.Answered == 0:
		return observation{known: true, key: "none", text: fmt.Sprintf("none to %d", e.Sent), does: "gets no Echo-Reply"}
	}
	return observation{known: true, key: "some", text: fmt.Sprintf("%d to %d", e.Answered, e.Sent), does: "gets Echo-Replies"}
}

// carries says whether anything came back over the link.
func carries(c *call.Call) observation {
	switch {
	case c.Probes+c.DataOut == 0:
		return observation{}
	case c.Replies+c.DataIn == 0:
		return observation{known: true, key: "no", text: "none", does: "gets no packet back"}
	}
	return observation{known: true, key: "yes", text: "some", does: "gets packets back"}
}

// again says whether the modem asks for LCP once more when authentication or IPCP has begun.
func again(c *call.Call) observation {
	var begun call.Step
	for _, p := range []*call.Protocol{&c.IPCP, &c.Auth} {
		if len(p.Steps) > 0 {
			begun = p.Steps[0]
		}
	}
	if begun.Protocol == 0 {
		return observation{}
	}
	for _, s := range c.LCP.Of(event.Rcvd, packet.ConfigureRequest) {
		if begun.Before(s) {
			return observation{known: true, key: "yes", text: "yes", does: "is asked for LCP once more", pos: s.Pos}
		}
	}
	return observation{known: true, key: "no", text: "no", does: "is asked for LCP once"}
}
