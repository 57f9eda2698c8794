package auth

import (
	"crypto/subtle"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// papClient is RFC 1334 section 2: it repeats its Authenticate-Request until it is answered.
type papClient struct {
	base
	c       ClientConfig
	packet  []byte
	firstID byte
	sent    int
	done    bool
	failed  bool
}

func (m *papClient) Start(now time.Time) {
	m.firstID = firstID(m.c.Rand)
	secret := m.c.Secret.Reveal()
	m.packet = make([]byte, 0, packet.HeaderLen+2+len(m.c.Name)+len(secret))
	m.packet = begin(m.packet, packet.PAPRequest, m.firstID)
	m.packet = append(m.packet, byte(len(m.c.Name)))
	m.packet = append(m.packet, m.c.Name...)
	m.packet = append(m.packet, byte(len(secret)))
	m.packet = finish(append(m.packet, secret...))
	m.request(now)
}

// request sends the next Authenticate-Request. Its identifier is a new one each time (RFC 1334 section 2.2.1).
func (m *papClient) request(now time.Time) {
	m.packet[1] = m.firstID + byte(m.sent)
	m.sent++
	m.put(Send{m.packet})
	m.arm(now, m.c.Retransmit)
}

func (m *papClient) Advance(now time.Time) {
	if !m.due(now) {
		return
	}
	if m.sent < m.c.MaxRequests {
		m.request(now)
		return
	}
	m.disarm()
	m.done, m.failed = true, true
	clear(m.packet) // it holds the password
	m.put(Failure{Reason: TimedOut, Method: PAP, Message: "the requests were not answered"})
}

func (m *papClient) Receive(_ time.Time, p []byte) {
	code, id, body, ok := header(p)
	if m.sent == 0 || len(p) < packet.HeaderLen {
		m.note(info, "PAP packet of %d octets dropped", len(p))
		return
	}
	if code != packet.PAPAck && code != packet.PAPNak {
		m.note(info, "PAP packet with code %d dropped", code)
		return
	}
	if !ok {
		m.note(info, "PAP answer with a wrong length taken as it is")
	}
	if int(id-m.firstID) >= m.sent {
		m.note(info, "PAP answer with identifier %d, which no request had, taken as it is", id)
	}
	if m.done {
		if (code == packet.PAPNak) != m.failed {
			m.note(warning, "PAP answer that contradicts the one before it ignored")
		}
		return
	}
	m.disarm()
	m.done, m.failed = true, code == packet.PAPNak
	clear(m.packet) // it holds the password
	message := papMessage(body)
	if m.failed {
		m.put(Failure{Reason: Refused, Method: PAP, Message: message})
		return
	}
	m.put(Success{Method: PAP, Message: message})
}

// papMessage takes the message of an Ack or Nak; its length octet may be missing, or count octets that are not there.
func papMessage(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	rest := body[1:]
	return printable(rest[:min(int(body[0]), len(rest))])
}

// papServer is the authenticator of RFC 1334 section 2.
type papServer struct {
	base
	c        ServerConfig
	packet   []byte
	started  bool
	answered byte // the code that was sent, or 0
}

func (m *papServer) Start(now time.Time) {
	m.started = true
	m.arm(now, m.c.Limit)
}

func (m *papServer) Advance(now time.Time) {
	if !m.due(now) {
		return
	}
	m.disarm()
	m.answered = packet.PAPNak
	m.put(Failure{Reason: TimedOut, Method: PAP, Message: "no Authenticate-Request came"})
}

func (m *papServer) Receive(_ time.Time, p []byte) {
	code, id, body, ok := header(p)
	if !m.started || !ok || code != packet.PAPRequest {
		m.note(info, "PAP packet with code %d dropped", code)
		return
	}
	name, rest, ok := packet.Counted(body)
	if !ok {
		m.note(info, "PAP request whose name is longer than the packet dropped")
		return
	}
	password, _, ok := packet.Counted(rest)
	if !ok {
		m.note(info, "PAP request whose password is longer than the packet dropped")
		return
	}
	if m.answered != 0 {
		// The answer was lost: it must be the same again, RFC 1334 section 2.2.1.
		m.answer(id)
		return
	}
	secret, known := m.c.lookup(name)
	verified := known && subtle.ConstantTimeCompare([]byte(secret.Reveal()), password) == 1
	m.disarm()
	if !verified && !m.c.AcceptAnybody {
		m.answered = packet.PAPNak
		m.answer(id)
		m.put(Failure{Reason: Refused, Method: PAP, Peer: printable(name), Message: "wrong user name or password"})
		return
	}
	m.answered = packet.PAPAck
	m.answer(id)
	m.put(Success{Method: PAP, Peer: printable(name), Verified: verified})
}

func (m *papServer) answer(id byte) {
	message := m.c.Message
	if m.answered == packet.PAPNak {
		message = m.c.FailureMessage
	}
	message = message[:min(len(message), 255)]
	m.packet = append(begin(m.packet, m.answered, id), byte(len(message)))
	m.packet = finish(append(m.packet, message...))
	m.put(Send{m.packet})
}

// lookup asks for a client's secret.
func (c *ServerConfig) lookup(name []byte) (Secret, bool) {
	if c.Lookup == nil {
		return Secret{}, false
	}
	return c.Lookup(string(name))
}
