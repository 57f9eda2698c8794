package diagnose

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// exchange holds how one control protocol was negotiated (RFC 1661 section 4): how often each end asked, the last answers, and
// the silence since. Rules that do not depend on a protocol's options use it.
type exchange struct {
	asked    int       // our Configure-Requests
	since    int       // how many of them came after the peer's last answer
	request  clue      // the last of them
	firstAt  time.Time // of the first
	lastAt   time.Time // of the last
	answers  int       // Acks, Naks and Rejects of the peer
	answer   clue      // the last of them
	code     uint8     // its code
	answerAt time.Time
	acks     int // how often the peer acknowledged our request

	peerAsked  int    // the peer's Configure-Requests
	peerAsks   clue   // the last of them
	peerData   []byte // its options, at most maxPeerData octets
	peerSame   int    // how many equal ones came last in a row
	weAcked    int    // how often we acknowledged them
	weAnswered int    // our Acks, Naks and Rejects
	weAgreed   bool   // one of them was an Ack
}

const maxPeerData = 256

// take files a Configure packet.
func (x *exchange) take(h *history, at time.Time, e event.Packet, c packet.Packet) {
	if c.Code < packet.ConfigureRequest || c.Code > packet.ConfigureReject {
		return
	}
	switch request := c.Code == packet.ConfigureRequest; {
	case request && e.Dir == event.Sent:
		if x.asked == 0 {
			x.firstAt = at
		}
		x.asked++
		x.since++
		x.request, x.lastAt = h.quote(e), at
	case request:
		x.peerAsked++
		data := c.Data[:min(len(c.Data), maxPeerData)]
		if x.peerAsked > 1 && bytes.Equal(data, x.peerData) {
			x.peerSame++
		} else {
			x.peerSame, x.weAcked = 1, 0
		}
		x.peerAsks, x.peerData = h.quote(e), append(x.peerData[:0], data...)
	case e.Dir == event.Rcvd:
		x.answers++
		x.since = 0
		x.answer, x.code, x.answerAt = h.quote(e), c.Code, at
		if c.Code == packet.ConfigureAck {
			x.acks++
		}
	default:
		x.weAnswered++
		if c.Code == packet.ConfigureAck {
			x.weAcked++
			x.weAgreed = true
		}
	}
}

// oneWay says whether the peer keeps sending a request that we have acknowledged, and answers none of our requests: our packets
// do not arrive there.
func (x *exchange) oneWay() bool {
	return x.peerSame >= 3 && x.weAcked >= 2 && x.asked >= 2 && x.answers == 0
}

// open says that both Configure-Acks were seen.
func (x *exchange) open() bool { return x.weAgreed && x.acks > 0 }

// heard says whether the peer sent any packet of this protocol.
func (x *exchange) heard() bool { return x.peerAsked+x.answers > 0 }

// account gives the exchange in one sentence: "IPCP: asked 10 times; the last answer was a Reject of VJ compression, 27 s before
// the last request". It is "" if no packet was exchanged.
func (x *exchange) account(protocol string) string {
	var parts []string
	switch {
	case x.asked == 1:
		parts = append(parts, "asked once")
	case x.asked > 1:
		parts = append(parts, fmt.Sprintf("asked %d times", x.asked))
	}
	switch {
	case x.answers == 0 && x.asked > 0:
		parts = append(parts, "no answer")
	case x.answers > 0:
		s := "the last answer was " + x.answerText()
		if d := x.lastAt.Sub(x.answerAt); x.since > 0 && d >= time.Second && !x.answerAt.IsZero() {
			s += fmt.Sprintf(", %.0f s before the last request", d.Seconds())
		}
		parts = append(parts, s)
	}
	switch {
	case x.peerAsked == 0 && x.asked > 0 && x.answers > 0:
		parts = append(parts, "the other end never asked")
	case x.peerAsked > 0:
		s := fmt.Sprintf("the other end asked %s", timesText(x.peerAsked))
		if x.weAnswered == 0 {
			s += " and got no answer"
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		return ""
	}
	return protocol + ": " + strings.Join(parts, "; ")
}

// answerText names the last answer: "a Reject of VJ compression, dns1".
func (x *exchange) answerText() string {
	s := map[uint8]string{packet.ConfigureAck: "an Ack", packet.ConfigureNak: "a Nak", packet.ConfigureReject: "a Reject"}[x.code]
	names := optionNames(x.answer.packet)
	switch {
	case x.code == packet.ConfigureAck:
	case names != "":
		s += " of " + names
	default:
		s += " without an option"
	}
	return s
}

func timesText(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// maxNames is the most options that a text names.
const maxNames = 6

// optionNames gives the options of a Configure packet by their names, with commas.
func optionNames(e event.Packet) string {
	var names []string
	for _, o := range e.Options() {
		if len(names) == maxNames {
			names = append(names, "…")
			break
		}
		names = append(names, packet.OptionTitle(e.Protocol, o.Type))
	}
	return strings.Join(names, ", ")
}
