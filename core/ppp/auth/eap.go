package auth

import (
	"bytes"
	"crypto/md5"
	"slices"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// eapType gives the EAP type of a method that can be inside EAP, or 0.
func eapType(m Method) byte {
	switch m {
	case CHAPMD5:
		return packet.EAPMD5
	case MSCHAPv2:
		return packet.EAPMSCHAPv2
	default:
		return 0
	}
}

// eapClient is the peer of RFC 3748: it answers requests, and sends nothing by itself (section 4.3).
type eapClient struct {
	base
	c       ClientConfig
	request []byte   // the last request that was answered
	older   [][]byte // the few before it, oldest first
	packet  []byte   // the answer to it
	method  Method   // the method that the server began, or EAP
	peer    string
	v2      *mschapv2
	proved  bool   // MSCHAPv2: the server proved itself
	waived  bool   // or that was tolerated
	text    string // what the method inside said
	refused *Failure
	naked   bool // the last answer was a Nak
	started bool
	pending bool // the server has not come to a result since the last request
	done    bool
	failed  bool
}

func (m *eapClient) Start(now time.Time) {
	m.started, m.pending, m.method = true, true, EAP
	m.arm(now, m.c.Limit)
}

func (m *eapClient) Advance(now time.Time) {
	if !m.due(now) {
		return
	}
	if m.refused != nil {
		m.fail(*m.refused)
		return
	}
	text := "no request came"
	if m.packet != nil {
		text = "the server came to no result"
	}
	m.fail(Failure{Reason: TimedOut, Message: text})
}

// Unproved says whether a Success is missing that nothing can replace: that of MSCHAPv2, which proves that the server knows the
// password.
func (m *eapClient) Unproved() bool {
	return m.method == MSCHAPv2 && !m.proved && !m.waived && !m.c.TolerateImpostor
}

// Refused gives the refusal of the server's MSCHAPv2, if no EAP Failure has come after it.
func (m *eapClient) Refused() (Failure, bool) {
	if m.refused == nil || m.done {
		return Failure{}, false
	}
	return *m.refused, true
}

func (m *eapClient) fail(f Failure) {
	m.disarm()
	m.done, m.failed, m.pending = true, true, false
	f.Method, f.Peer = m.method, m.peer
	m.put(f)
}

func (m *eapClient) Receive(now time.Time, p []byte) {
	code, id, body, ok := header(p)
	switch {
	case !m.started || m.failed:
	case len(p) < packet.HeaderLen:
		m.note(info, "EAP packet of %d octets dropped", len(p))
	case code == packet.EAPRequest && ok && len(body) > 0:
		if isChallenge(code, body) && !m.c.Challenges.admit(&m.base, now, m.c.ChallengePace) {
			return
		}
		m.respond(p[:packet.HeaderLen+len(body)], id, body[0], body[1:])
	case code == packet.EAPSuccess || code == packet.EAPFailure:
		m.result(code, id)
	default:
		m.note(info, "EAP packet with code %d dropped", code)
	}
}

// respond answers a Request. One that is the last one again gets the last answer again (RFC 3748 section 4.1).
func (m *eapClient) respond(request []byte, id, typ byte, data []byte) {
	if m.packet != nil && bytes.Equal(request, m.request) {
		m.put(Send{m.packet})
		return
	}
	if slices.ContainsFunc(m.older, func(b []byte) bool { return bytes.Equal(b, request) }) {
		// A copy that took longer than what came after it. The server goes on from the later answer, and so do we:
		// to begin anew would forget what is going on.
		m.note(info, "EAP request with identifier %d came again out of turn; dropped", id)
		return
	}
	var answer []byte
	naked := false
	switch {
	case typ == packet.EAPIdentity:
		// A new conversation: RFC 3748 section 2 lets the server begin one at any time.
		m.method, m.v2, m.proved, m.waived, m.refused, m.text = EAP, nil, false, false, nil, ""
		answer = append(m.begin(id, typ), m.c.Name...)
	case typ == packet.EAPNotification:
		m.note(info, "the server says: %s", printable(data))
		answer = m.begin(id, typ)
	case typ == packet.EAPMD5 && slices.Contains(m.c.Inner, CHAPMD5):
		answer = m.md5(id, data)
	case typ == packet.EAPMSCHAPv2 && slices.Contains(m.c.Inner, MSCHAPv2):
		answer = m.mschapv2(id, data)
	case typ == packet.EAPNak || typ == 0:
		m.note(info, "EAP request of type %d dropped", typ)
	default:
		naked = true
		answer = m.begin(id, packet.EAPNak)
		for _, inner := range m.c.Inner {
			answer = append(answer, eapType(inner))
		}
		if len(m.c.Inner) == 0 {
			answer = append(answer, 0) // no alternative, RFC 3748 section 5.3.1
		}
	}
	if answer == nil || m.failed {
		return
	}
	m.naked = naked
	m.pending = true
	m.packet = finish(answer)
	m.remember(request)
	m.put(Send{m.packet})
}

// maxOlder is how many requests before the last one are recognised: a whole conversation of MSCHAPv2.
const maxOlder = 4

// remember keeps the request that was answered.
func (m *eapClient) remember(request []byte) {
	if m.request != nil {
		if len(m.older) == maxOlder {
			m.older = slices.Delete(m.older, 0, 1)
		}
		m.older = append(m.older, m.request)
	}
	m.request = bytes.Clone(request)
}

// begin begins a Response.
func (m *eapClient) begin(id, typ byte) []byte {
	return append(begin(m.packet, packet.EAPResponse, id), typ)
}

// md5 is RFC 3748 section 5.4: RFC 1994's challenge and response with EAP's identifier.
func (m *eapClient) md5(id byte, data []byte) []byte {
	value, name, ok := packet.Counted(data)
	if !ok || len(name) > maxName {
		m.note(info, "EAP MD5-Challenge with a value or name that is too long dropped")
		return nil
	}
	m.method, m.peer = CHAPMD5, printable(name)
	answer := append(m.begin(id, packet.EAPMD5), md5.Size)
	return append(appendMD5(answer, id, m.c.Secret, value), m.c.Name...)
}

// mschapv2 is draft-kamath-pppext-eap-mschapv2 section 2: RFC 2759's packets in EAP's. The length inside the packet is not
// needed and often wrong, so nobody looks at it.
func (m *eapClient) mschapv2(id byte, data []byte) []byte {
	if len(data) == 0 || data[0] != packet.MSCHAPv2Failure && len(data) < 4 {
		m.note(info, "EAP-MSCHAPv2 request of %d octets dropped", len(data))
		return nil
	}
	var text []byte
	if len(data) >= 4 {
		text = data[4:]
	}
	switch data[0] {
	case packet.MSCHAPv2Challenge:
		return m.mschapv2Challenge(id, data[1], text)
	case packet.MSCHAPv2Success:
		if m.v2 == nil {
			m.note(warning, "EAP-MSCHAPv2 success before any challenge dropped")
			return nil
		}
		message, proved := successText(text, m.v2.authenticator(m.c.Name, m.c.wide()))
		m.proved, m.text = proved, printable(message)
		if !proved && !m.tolerated() {
			return nil
		}
		return append(m.begin(id, packet.EAPMSCHAPv2), packet.MSCHAPv2Success)
	case packet.MSCHAPv2Failure:
		message, code := failureText(text)
		m.refused = &Failure{Reason: Refused, Message: printable(message), Code: code}
		return append(m.begin(id, packet.EAPMSCHAPv2), packet.MSCHAPv2Failure)
	}
	m.note(info, "EAP-MSCHAPv2 request with operation %d dropped", data[0])
	return nil
}

func (m *eapClient) mschapv2Challenge(id, mschapID byte, data []byte) []byte {
	value, name, ok := packet.Counted(data)
	if !ok || len(value) != mschapv2ChallengeSize || len(name) > maxName {
		m.note(info, "EAP-MSCHAPv2 challenge with a value or name of a wrong size dropped")
		return nil
	}
	x := &mschapv2{authChallenge: [mschapv2ChallengeSize]byte(value)}
	m.method, m.peer = MSCHAPv2, printable(name)
	if err := fill(m.c.Rand, x.peerChallenge[:]); err != nil {
		m.fail(Failure{Reason: Impossible, Message: err.Error()})
		return nil
	}
	x.compute(m.c.Name, m.c.wide())
	m.v2, m.proved, m.waived, m.refused = x, false, false, nil
	return appendMSCHAPv2Packet(m.begin(id, packet.EAPMSCHAPv2), packet.MSCHAPv2Response, mschapID, func(b []byte) []byte {
		b = x.appendResponse(append(b, mschapResponseSize))
		return append(b, m.c.Name...)
	})
}

// tolerated decides about a server that did not prove itself.
func (m *eapClient) tolerated() bool {
	if !m.c.TolerateImpostor {
		m.fail(Failure{Reason: Impostor, Message: "the server did not prove that it knows the password"})
		return false
	}
	m.waived = true
	m.note(warning, "the server did not prove that it knows the password; tolerated")
	return true
}

// result takes an EAP Success or Failure. Its identifier should be that of the last response (RFC 3748 section 4.2);
// pppd counts on, and its is one more.
func (m *eapClient) result(code, id byte) {
	if m.packet == nil {
		m.note(warning, "EAP result although nothing was asked taken as it is")
	} else if id != m.packet[1] && id != m.packet[1]+1 {
		m.note(info, "EAP result with identifier %d for a response with %d taken as it is", id, m.packet[1])
	}
	if !m.pending {
		if code == packet.EAPFailure {
			m.note(warning, "EAP failure after success ignored: nothing was being checked")
		}
		return
	}
	if code == packet.EAPFailure {
		switch {
		case m.refused != nil:
			m.fail(*m.refused)
		case m.naked:
			m.fail(Failure{Reason: NoMethod, Message: "the server wants an EAP method that we do not have"})
		default:
			m.fail(Failure{Reason: Refused})
		}
		return
	}
	if m.method == MSCHAPv2 && !m.proved && !m.waived && !m.tolerated() {
		// A success that skips the server's proof: RFC 3748 section 4.2 and section 7.16 warn of it.
		return
	}
	m.disarm()
	m.pending = false
	if m.done {
		return
	}
	m.done = true
	m.put(Success{Method: m.method, Peer: m.peer, Message: m.text, Verified: m.proved})
}

// appendMSCHAPv2Packet appends the packet inside an EAP-MSCHAPv2 packet, with its own identifier and length.
func appendMSCHAPv2Packet(b []byte, op, id byte, data func([]byte) []byte) []byte {
	at := len(b)
	b = data(append(b, op, id, 0, 0))
	length := len(b) - at
	b[at+2], b[at+3] = byte(length>>8), byte(length)
	return b
}
