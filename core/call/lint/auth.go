package lint

import (
	"encoding/binary"
	"fmt"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// authState is the authentication that LCP agreed on, and how far it has come.
type authState struct {
	methods [2]method // by the side that must authenticate; the other side demanded it
	passed  bool
	failed  bool
	request [2]uint8 // the last identifier of a PAP request or CHAP challenge or response, by its sender
	asked   [2]bool
	replied [2]uint8 // the last CHAP response's
	said    [2]bool
}

type method struct {
	protocol  uint16
	algorithm uint8
}

func (a *authState) demanded() bool { return a.methods[0].protocol != 0 || a.methods[1].protocol != 0 }

// agree notes the Authentication-Protocol option of an acknowledged request of dir: the other side must authenticate.
func (a *authState) agree(dir event.Dir, option []byte) {
	m := method{}
	if len(option) >= 4 {
		m.protocol = binary.BigEndian.Uint16(option[2:])
		if len(option) > 4 {
			m.algorithm = option[4]
		}
	}
	a.methods[1-dir] = m
}

// proves reports an authentication packet whose protocol is not the one that LCP agreed on for that end. who is the
// end that authenticates itself.
func (l *Linter) proves(protocol uint16, who event.Dir) {
	if m := l.auth.methods[who]; l.whole && l.lcpOpen() && m.protocol != protocol {
		was := "none"
		if m.protocol != 0 {
			was = packet.ProtocolName(m.protocol)
		}
		l.add("auth-not-agreed", "RFC 1661 6.2", "the authentication that LCP agreed on is "+was)
	}
}

func (l *Linter) pap(e event.Packet, c packet.Packet) {
	const clause = "RFC 1334 2.2"
	if l.unknownCode(e, c) {
		return
	}
	if c.Code == packet.PAPRequest {
		l.proves(packet.PAP, e.Dir)
		_, rest, ok := packet.Counted(c.Data)
		if ok {
			_, _, ok = packet.Counted(rest)
		}
		if !ok {
			l.add("pap-length", clause+".1", "the lengths of name and password do not fit into the packet")
		}
		l.auth.request[e.Dir], l.auth.asked[e.Dir] = c.ID, true
		return
	}
	l.proves(packet.PAP, 1-e.Dir)
	l.reply("pap", clause+".2", e.Dir, c)
	if _, _, ok := packet.Counted(c.Data); !ok && len(c.Data) > 0 {
		l.add("pap-length", clause+".2", "the length of the message does not fit into the packet")
	}
	l.done(c.Code == packet.PAPAck)
}

// reply judges the identifier of an answer to the last request of the other side.
func (l *Linter) reply(what, clause string, dir event.Dir, c packet.Packet) {
	switch {
	case !l.auth.asked[1-dir]:
		if l.whole {
			l.add(what+"-unasked", clause, "an answer to a request that was never sent")
		}
	case c.ID != l.auth.request[1-dir]:
		l.add(what+"-id", clause, fmt.Sprintf("identifier 0x%x, but the request had 0x%x", c.ID, l.auth.request[1-dir]))
	}
}

func (l *Linter) done(ok bool) {
	l.auth.passed = l.auth.passed || ok
	l.auth.failed = l.auth.failed || !ok
}

// responseSize gives the length of a response's value by the algorithm (RFC 1994 section 2, RFC 2433 section 6, RFC 2759 section 4).
func responseSize(algorithm uint8) int {
	switch algorithm {
	case packet.AlgorithmMD5:
		return 16
	case packet.AlgorithmMSCHAP, packet.AlgorithmMSCHAPv2:
		return 49
	}
	return 0
}

func (l *Linter) chap(e event.Packet, c packet.Packet) {
	if l.unknownCode(e, c) {
		return
	}
	switch c.Code {
	case packet.CHAPChallenge:
		l.proves(packet.CHAP, 1-e.Dir)
		if v, _, ok := packet.Counted(c.Data); !ok || len(v) == 0 {
			l.add("chap-value", "RFC 1994 4.1", "without a challenge in it")
		}
		l.auth.request[e.Dir], l.auth.asked[e.Dir] = c.ID, true
	case packet.CHAPResponse:
		l.proves(packet.CHAP, e.Dir)
		l.reply("chap", "RFC 1994 4.1", e.Dir, c)
		v, _, ok := packet.Counted(c.Data)
		want := responseSize(l.auth.methods[e.Dir].algorithm)
		switch {
		case !ok:
			l.add("chap-value", "RFC 1994 4.1", "the length of the value does not fit into the packet")
		case want > 0 && len(v) != want:
			l.add("chap-response-size", "RFC 1994 4.1", fmt.Sprintf("a response of %d octets, but the algorithm that was agreed on gives %d", len(v), want))
		}
		l.auth.replied[e.Dir], l.auth.said[e.Dir] = c.ID, true
	default:
		l.proves(packet.CHAP, 1-e.Dir)
		switch {
		case !l.auth.said[1-e.Dir]:
			if l.whole {
				l.add("chap-unasked", "RFC 1994 4.2", "no response was sent")
			}
		case c.ID != l.auth.replied[1-e.Dir]:
			l.add("chap-id", "RFC 1994 4.2", fmt.Sprintf("identifier 0x%x, but the response had 0x%x", c.ID, l.auth.replied[1-e.Dir]))
		}
		l.done(c.Code == packet.CHAPSuccess)
	}
}

func (l *Linter) eap(e event.Packet, c packet.Packet) {
	if l.unknownCode(e, c) {
		return
	}
	switch c.Code {
	case packet.EAPRequest:
		l.proves(packet.EAP, 1-e.Dir)
		l.auth.request[e.Dir], l.auth.asked[e.Dir] = c.ID, true
	case packet.EAPResponse:
		l.proves(packet.EAP, e.Dir)
		l.reply("eap", "RFC 3748 4.1", e.Dir, c)
	default:
		l.proves(packet.EAP, 1-e.Dir)
		l.done(c.Code == packet.EAPSuccess)
	}
	if c.Code <= packet.EAPResponse && len(c.Data) == 0 {
		l.add("eap-type", "RFC 3748 4.1", "without a type")
	}
}
