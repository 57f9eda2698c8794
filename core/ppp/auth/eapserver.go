package auth

import (
	"crypto/md5"
	"slices"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// eapServer is the authenticator of RFC 3748: it asks for the identity, then offers its methods one after the other.
type eapServer struct {
	base
	c         ServerConfig
	state     eapState
	inner     Method // the method offered
	packet    []byte // the last request or result
	challenge []byte
	identity  string
	name      string // what the client calls itself in the method
	x         mschapv2
	verified  bool
	verdict   byte // packet.EAPSuccess or packet.EAPFailure once known
	sent      int
}

type eapState uint8

const (
	eapIdle       eapState = iota
	eapIdentify            // Identity was asked
	eapChallenged          // a method's challenge is out
	eapConfirming          // MSCHAPv2: its Success or Failure is out
	eapDone
)

func (m *eapServer) Start(now time.Time) {
	m.state = eapIdentify
	m.packet = begin(m.packet, packet.EAPRequest, firstID(m.c.Rand))
	m.packet = append(m.packet, packet.EAPIdentity)
	m.send(now)
}

// begin begins a new Request; its identifier differs from the last one's (RFC 3748 section 4.1).
func (m *eapServer) begin(typ byte) []byte {
	return append(begin(m.packet, packet.EAPRequest, m.packet[1]+1), typ)
}

func (m *eapServer) send(now time.Time) {
	m.packet = finish(m.packet)
	m.sent = 0
	m.repeat(now)
}

func (m *eapServer) repeat(now time.Time) {
	m.sent++
	m.put(Send{m.packet})
	m.arm(now, m.c.Retransmit)
}

func (m *eapServer) Advance(now time.Time) {
	switch {
	case !m.due(now):
	case m.sent < m.c.MaxRequests:
		m.repeat(now)
	default:
		m.fail(TimedOut, "the requests were not answered")
	}
}

func (m *eapServer) fail(r Reason, text string) {
	m.disarm()
	m.state, m.verdict = eapDone, packet.EAPFailure
	m.put(Failure{Reason: r, Method: or(m.inner, EAP), Peer: m.peer(), Message: text})
}

func (m *eapServer) peer() string { return printable(or(m.name, m.identity)) }

func (m *eapServer) Receive(now time.Time, p []byte) {
	code, id, body, ok := header(p)
	if m.state == eapIdle || !ok || code != packet.EAPResponse || len(body) == 0 || id != m.packet[1] {
		m.note(info, "EAP packet with code %d and identifier %d dropped", code, id)
		return
	}
	typ, data := body[0], body[1:]
	switch {
	case m.state == eapDone:
		// The result was lost. Nobody repeats it unasked (RFC 3748 section 4.3), but a repeated response asks.
		if m.packet[0] != packet.EAPRequest {
			m.put(Send{m.packet})
		}
	case m.state == eapIdentify && typ == packet.EAPIdentity:
		if len(data) > maxName {
			m.note(info, "EAP identity of %d octets dropped", len(data))
			return
		}
		m.identity = string(data)
		m.offer(now, m.c.Inner[0])
	case m.state == eapChallenged && typ == packet.EAPNak:
		m.naked(now, data)
	case m.state == eapChallenged && typ == eapType(m.inner):
		m.check(now, data)
	case m.state == eapConfirming && typ == packet.EAPMSCHAPv2:
		m.finish()
	default:
		m.note(info, "EAP response of type %d dropped", typ)
	}
}

// offer sends the challenge of a method.
func (m *eapServer) offer(now time.Time, inner Method) {
	m.inner, m.state = inner, eapChallenged
	m.challenge = make([]byte, md5.Size) // MSCHAPv2's has the same size
	if err := fill(m.c.Rand, m.challenge); err != nil {
		m.fail(Impossible, err.Error())
		return
	}
	m.packet = m.begin(eapType(inner))
	value := func(b []byte) []byte {
		b = append(append(b, byte(len(m.challenge))), m.challenge...)
		return append(b, m.c.Name...)
	}
	if inner == MSCHAPv2 {
		m.packet = appendMSCHAPv2Packet(m.packet, packet.MSCHAPv2Challenge, m.packet[1], value)
	} else {
		m.packet = value(m.packet)
	}
	m.send(now)
}

// naked goes on with the first of our methods behind the refused one that the client asks for (RFC 3748 section 5.3.1).
func (m *eapServer) naked(now time.Time, wanted []byte) {
	at := slices.Index(m.c.Inner, m.inner)
	for _, inner := range m.c.Inner[at+1:] {
		if slices.Contains(wanted, eapType(inner)) {
			m.offer(now, inner)
			return
		}
	}
	m.result(packet.EAPFailure)
	m.fail(NoMethod, "the client has none of our EAP methods")
}

// check looks at the response to a challenge.
func (m *eapServer) check(now time.Time, data []byte) {
	id := m.packet[1]
	if m.inner == MSCHAPv2 {
		if len(data) < 4 || data[0] != packet.MSCHAPv2Response || data[1] != id {
			m.note(info, "EAP-MSCHAPv2 response that answers nothing dropped")
			return
		}
		data = data[4:]
	}
	value, name, ok := packet.Counted(data)
	if !ok || len(name) > maxName {
		m.note(info, "EAP response with a value or name that is too long dropped")
		return
	}
	m.name = string(name)
	// RFC 3748 section 5.1: the identity routes; where the method names nobody, it is all there is.
	secret, known := m.c.lookup([]byte(or(m.name, m.identity)))
	var right bool
	right, m.x = verify(m.inner, id, m.challenge, value, m.name, secret)
	m.verified = right && known
	m.verdict = packet.EAPFailure
	if m.verified || m.c.AcceptAnybody {
		m.verdict = packet.EAPSuccess
	}
	if m.inner != MSCHAPv2 {
		m.finish()
		return
	}
	m.state = eapConfirming
	op := byte(packet.MSCHAPv2Success)
	if m.verdict == packet.EAPFailure {
		op = packet.MSCHAPv2Failure
	}
	m.packet = appendMSCHAPv2Packet(m.begin(packet.EAPMSCHAPv2), op, id, func(b []byte) []byte {
		if op == packet.MSCHAPv2Failure {
			return appendFailureText(b, MSCHAPv2, m.challenge, m.c.FailureMessage)
		}
		return m.x.appendSuccess(b, m.name, secret, m.c.Message)
	})
	m.send(now)
}

// finish sends the verdict.
func (m *eapServer) finish() {
	m.disarm()
	m.result(m.verdict)
	if m.verdict == packet.EAPFailure {
		m.fail(Refused, "wrong user name or password")
		return
	}
	m.state = eapDone
	m.put(Success{Method: m.inner, Peer: m.peer(), Verified: m.verified})
}

// result sends a Success or Failure, with the identifier of the response that led to it (RFC 3748 section 4.2).
func (m *eapServer) result(code byte) {
	m.packet = finish(begin(m.packet, code, m.packet[1]))
	m.put(Send{m.packet})
}
