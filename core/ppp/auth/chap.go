package auth

import (
	"bytes"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// appendMD5 appends the response value of RFC 1994 section 4.1: MD5 over identifier, secret and challenge.
func appendMD5(b []byte, id byte, s Secret, challenge []byte) []byte {
	var buf [1 + 256 + 255]byte
	sum := md5.Sum(append(append(append(buf[:0], id), s.Reveal()...), challenge...))
	clear(buf[:])
	return append(b, sum[:]...)
}

// chapClient answers challenges: RFC 1994, and its siblings RFC 2433 and RFC 2759 with method MSCHAP or MSCHAPv2.
type chapClient struct {
	base
	c         ClientConfig
	method    Method
	challenge []byte // the last challenge that was answered
	packet    []byte // the answer to it
	peer      string
	v2        *mschapv2
	delegated bool     // somebody else made the answer
	expect    [40]byte // of it, what Success must hold; zero: not known
	skipped   bool     // the peer goes on without a result
	started   bool
	answered  bool // a response went out
	pending   bool // and its result is not in yet
	done      bool // a Success or Failure was put
	failed    bool
}

func (m *chapClient) Start(now time.Time) {
	m.started = true
	m.arm(now, m.c.Limit)
}

func (m *chapClient) Advance(now time.Time) {
	if !m.due(now) {
		return
	}
	text := "no challenge came"
	if m.answered {
		text = "the response was not answered"
	}
	if m.skipped {
		text = "the peer goes on to the network and has not shown that it knows the password"
	}
	m.fail(Failure{Reason: TimedOut, Message: text})
}

// Unproved says whether a Success is missing that nothing can replace: that of MS-CHAPv2, which proves that the server knows the
// password. If so, the response is sent once more, because a server repeats its answer to it (RFC 1994 section 4.2).
func (m *chapClient) Unproved() bool {
	if m.method != MSCHAPv2 || m.c.TolerateImpostor || m.delegated && m.expect == [40]byte{} {
		return false
	}
	if m.answered && !m.done {
		m.skipped = true
		m.put(Send{m.packet})
	}
	return true
}

// Delegated takes a response that somebody else has made.
func (m *chapClient) Delegated(challenge, response, authenticator []byte) bool {
	code, _, body, ok := header(challenge)
	value, name, fits := packet.Counted(body)
	if code != packet.CHAPChallenge || !ok || !fits || len(response) < packet.HeaderLen || response[0] != packet.CHAPResponse {
		return false
	}
	m.packet = append(m.packet[:0], response...)
	m.challenge = append(m.challenge[:0], value...)
	m.peer = printable(name)
	m.v2, m.delegated, m.expect = nil, true, [40]byte{}
	if len(authenticator) == len(m.expect)/2 {
		copy(m.expect[:], strings.ToUpper(hex.EncodeToString(authenticator)))
	}
	m.answered, m.pending = true, true
	return true
}

// Challenged counts a challenge that somebody else is to answer.
func (m *chapClient) Challenged(now time.Time) bool {
	return m.c.Challenges.admit(&m.base, now, m.c.ChallengePace)
}

func (m *chapClient) fail(f Failure) {
	m.disarm()
	m.done, m.failed, m.pending = true, true, false
	f.Method, f.Peer = m.method, m.peer
	m.put(f)
}

func (m *chapClient) Receive(now time.Time, p []byte) {
	code, id, body, ok := header(p)
	switch {
	case !m.started || m.failed:
	case len(p) < packet.HeaderLen:
		m.note(info, "CHAP packet of %d octets dropped", len(p))
	case code == packet.CHAPChallenge && ok:
		if m.c.Challenges.admit(&m.base, now, m.c.ChallengePace) {
			m.answer(id, body)
		}
	case code == packet.CHAPSuccess || code == packet.CHAPFailure:
		if !ok {
			m.note(info, "CHAP result with a wrong length taken as it is")
		}
		m.result(code, id, body)
	default:
		m.note(info, "CHAP packet with code %d dropped", code)
	}
}

// answer sends the Response to a Challenge. The same challenge gets the same response again, also under MS-CHAPv2,
// where the response holds random octets: the server may be checking the first one while it repeats the challenge.
func (m *chapClient) answer(id byte, body []byte) {
	value, name, ok := packet.Counted(body)
	if !ok {
		m.note(info, "CHAP challenge whose value is longer than the packet dropped")
		return
	}
	if len(name) > maxName {
		m.note(info, "CHAP challenge with a name of %d octets dropped", len(name))
		return
	}
	if m.answered && id == m.packet[1] && bytes.Equal(value, m.challenge) {
		m.pending = true
		m.put(Send{m.packet})
		return
	}
	if want := challengeSize(m.method); want != 0 && len(value) != want {
		m.note(warning, "%v challenge of %d octets dropped: it must have %d", m.method, len(value), want)
		return
	}
	if len(value) == 0 {
		m.note(info, "CHAP challenge without a value answered") // RFC 1994 section 4.1 wants at least one octet
	}
	m.packet = append(begin(m.packet, packet.CHAPResponse, id), byte(responseSize(m.method)))
	switch m.method {
	case MSCHAP:
		m.packet = appendMSCHAPResponse(m.packet, [8]byte(value), m.c.wide())
	case MSCHAPv2:
		x := &mschapv2{authChallenge: [mschapv2ChallengeSize]byte(value)}
		if err := fill(m.c.Rand, x.peerChallenge[:]); err != nil {
			m.fail(Failure{Reason: Impossible, Message: err.Error()})
			return
		}
		x.compute(m.c.Name, m.c.wide())
		m.packet, m.v2 = x.appendResponse(m.packet), x
	default:
		m.packet = appendMD5(m.packet, id, m.c.Secret, value)
	}
	m.packet = finish(append(m.packet, m.c.Name...))
	m.challenge = append(m.challenge[:0], value...)
	m.peer = printable(name)
	m.answered, m.pending, m.delegated = true, true, false
	m.put(Send{m.packet})
}

func challengeSize(m Method) int {
	switch m {
	case MSCHAP:
		return mschapChallengeSize
	case MSCHAPv2:
		return mschapv2ChallengeSize
	default:
		return 0 // any
	}
}

func responseSize(m Method) int {
	if m == CHAPMD5 {
		return md5.Size
	}
	return mschapResponseSize
}

// result takes a Success or Failure. pppd, and so everybody, takes one with any identifier; modems rely on it.
func (m *chapClient) result(code, id byte, body []byte) {
	switch {
	case !m.answered:
		m.note(warning, "CHAP result although nothing was challenged taken as it is")
	case id != m.packet[1]:
		m.note(info, "CHAP result with identifier %d for a response with %d taken as it is", id, m.packet[1])
	}
	if m.done && !m.pending {
		if code == packet.CHAPFailure {
			m.note(warning, "CHAP failure after success ignored: nothing was being checked")
		}
		return
	}
	if code == packet.CHAPFailure {
		f := Failure{Reason: Refused, Message: string(body)}
		if m.method != CHAPMD5 {
			f.Message, f.Code = failureText(body)
		}
		f.Message = printable(f.Message)
		m.fail(f)
		return
	}
	s := Success{Method: m.method, Peer: m.peer, Message: string(body)}
	if m.method == MSCHAPv2 && !m.believed(&s, body) {
		m.fail(Failure{Reason: Impostor, Message: "the server did not prove that it knows the password"})
		return
	}
	m.disarm()
	m.pending = false
	if m.done {
		return
	}
	m.done = true
	s.Message = printable(s.Message)
	m.put(s)
}

// believed looks at the proof in a Success of MS-CHAPv2, fills in what it says, and says whether the Success counts.
func (m *chapClient) believed(s *Success, body []byte) bool {
	switch {
	case m.delegated && m.expect == [40]byte{}:
		s.Message, _ = successText(body, m.expect)
		m.note(warning, "whether the server knows the password cannot be checked: the response came from elsewhere, without what the success must hold")
		return true
	case m.delegated:
		s.Message, s.Verified = successText(body, m.expect)
	case m.v2 != nil:
		s.Message, s.Verified = successText(body, m.v2.authenticator(m.c.Name, m.c.wide()))
	}
	if !s.Verified && m.c.TolerateImpostor {
		m.note(warning, "the server did not prove that it knows the password; tolerated")
		return true
	}
	return s.Verified
}

// chapServer challenges, checks, and from time to time challenges again.
type chapServer struct {
	base
	c         ServerConfig
	method    Method
	challenge []byte
	packet    []byte // the challenge
	reply     []byte // the result of the last response to it
	verdict   byte   // packet.CHAPSuccess, packet.CHAPFailure, or 0 as long as the challenge is open
	sent      int
	started   bool
	succeeded bool
	failed    bool
}

func (m *chapServer) Start(now time.Time) {
	m.started = true
	m.packet = begin(m.packet, packet.CHAPChallenge, firstID(m.c.Rand))
	m.newChallenge(now)
}

// newChallenge makes and sends a challenge with a value and an identifier of its own (RFC 1994 section 4.1).
func (m *chapServer) newChallenge(now time.Time) {
	size := or(challengeSize(m.method), md5.Size)
	if m.challenge == nil {
		m.challenge = make([]byte, size)
	}
	if err := fill(m.c.Rand, m.challenge); err != nil {
		m.fail(Impossible, "", err.Error())
		return
	}
	m.packet = append(begin(m.packet, packet.CHAPChallenge, m.packet[1]+1), byte(size))
	m.packet = append(m.packet, m.challenge...)
	m.packet = finish(append(m.packet, m.c.Name...))
	m.verdict, m.sent = 0, 0
	m.send(now)
}

func (m *chapServer) send(now time.Time) {
	m.sent++
	m.put(Send{m.packet})
	m.arm(now, m.c.Retransmit)
}

func (m *chapServer) fail(r Reason, peer, text string) {
	m.disarm()
	m.failed = true
	m.put(Failure{Reason: r, Method: m.method, Peer: peer, Message: text})
}

func (m *chapServer) Advance(now time.Time) {
	switch {
	case !m.due(now):
	case m.verdict != 0:
		m.newChallenge(now)
	case m.sent < m.c.MaxRequests:
		m.send(now)
	default:
		m.fail(TimedOut, "", "the challenges were not answered")
	}
}

func (m *chapServer) Receive(now time.Time, p []byte) {
	code, id, body, ok := header(p)
	if !m.started || !ok || code != packet.CHAPResponse || id != m.packet[1] {
		m.note(info, "CHAP packet with code %d and identifier %d dropped", code, id)
		return
	}
	value, name, ok := packet.Counted(body)
	if !ok || len(name) > maxName {
		m.note(info, "CHAP response with a value or name that is too long dropped")
		return
	}
	if m.verdict != 0 {
		// The result was lost: it must be the same again, RFC 1994 section 4.2.
		m.put(Send{m.reply})
		return
	}
	if m.failed {
		return
	}
	secret, known := m.c.lookup(name)
	verified, x := verify(m.method, id, m.challenge, value, string(name), secret)
	verified = verified && known
	peer := printable(name)
	if !verified && !m.c.AcceptAnybody {
		m.verdict = packet.CHAPFailure
		m.reply = begin(m.reply, packet.CHAPFailure, id)
		if m.method == CHAPMD5 {
			m.reply = append(m.reply, m.c.FailureMessage...)
		} else {
			m.reply = appendFailureText(m.reply, m.method, m.challenge, m.c.FailureMessage)
		}
		m.reply = finish(m.reply)
		m.put(Send{m.reply})
		m.fail(Refused, peer, "wrong user name or password")
		return
	}
	m.verdict = packet.CHAPSuccess
	m.reply = begin(m.reply, packet.CHAPSuccess, id)
	if m.method == MSCHAPv2 {
		m.reply = x.appendSuccess(m.reply, string(name), secret, m.c.Message)
	} else {
		m.reply = append(m.reply, m.c.Message...)
	}
	m.reply = finish(m.reply)
	m.put(Send{m.reply})
	m.arm(now, m.c.Rechallenge)
	if !m.succeeded {
		m.succeeded = true
		m.put(Success{Method: m.method, Peer: peer, Verified: verified})
	}
}

// verify checks a response value. For MSCHAPv2 it also gives the exchange, whatever the verdict is.
func verify(m Method, id byte, challenge, value []byte, name string, s Secret) (bool, mschapv2) {
	var x mschapv2
	var buf [mschapResponseSize]byte
	want := buf[:0]
	switch m {
	case MSCHAP:
		if len(value) != mschapResponseSize || value[48] != 1 {
			return false, x // an old LAN Manager response alone is not taken
		}
		want = appendMSCHAPResponse(want, [8]byte(challenge), s)
		return subtle.ConstantTimeCompare(want[24:48], value[24:48]) == 1, x
	case MSCHAPv2:
		if len(value) != mschapResponseSize {
			return false, x
		}
		x.authChallenge = [mschapv2ChallengeSize]byte(challenge)
		x.peerChallenge = [mschapv2ChallengeSize]byte(value)
		x.compute(name, s)
		verified := subtle.ConstantTimeCompare(x.ntResponse[:], value[24:48]) == 1
		x.ntResponse = [ntResponseSize]byte(value[24:48])
		return verified, x
	default:
		want = appendMD5(want, id, s, challenge)
		return subtle.ConstantTimeCompare(want, value) == 1, x
	}
}

// appendSuccess appends the message of RFC 2759 section 5.
func (x *mschapv2) appendSuccess(b []byte, name string, s Secret, text string) []byte {
	digest := x.authenticator(name, s)
	b = append(append(b, "S="...), digest[:]...)
	return append(append(b, " M="...), text...)
}
