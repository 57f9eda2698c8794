package auth

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Strength orders the methods by how little they reveal to an eavesdropper, or to an attacker in the peer's place. A link whose
// authentication was of one strength is not to go on with a lesser one (docs/decisions/0003-authentication.md).
type Strength uint8

// The strengths, the least first.
const (
	NoProof  Strength = iota // nobody proves anything
	Clear                    // PAP: the password itself is sent
	Response                 // CHAP with MD5, MS-CHAP, EAP's MD5-Challenge: proof of the password, from us alone
	Mutual                   // MS-CHAPv2 and EAP's MSCHAPv2: the peer proves that it knows the password, too
)

var strengths = [...]string{NoProof: "none", Clear: "in clear", Response: "by response", Mutual: "mutual"}

// String gives the strength in a word or two.
func (s Strength) String() string {
	if int(s) < len(strengths) {
		return strengths[s]
	}
	return fmt.Sprintf("strength %d", uint8(s))
}

// Strength is what the method is worth. EAP alone is worth what the best of the methods inside it is, when both are allowed.
func (m Method) Strength() Strength {
	switch m {
	case PAP:
		return Clear
	case CHAPMD5, MSCHAP:
		return Response
	case MSCHAPv2, EAP:
		return Mutual
	default:
		return NoProof
	}
}

// AtLeast gives those of the methods that have the strength, in the same order.
func AtLeast(methods []Method, s Strength) []Method {
	list := make([]Method, 0, len(methods))
	for _, m := range methods {
		if m.Strength() >= s {
			list = append(list, m)
		}
	}
	return list
}

// Challenges bounds how many challenges of the peer's choice are answered: each answer is a sample for guessing the
// password, and a flood of them costs time. Those that every honest server sends, every few seconds at the most, pass. The
// clients that one link has one after the other share it: a peer that negotiates anew begins no new count. The zero value
// has admitted none.
type Challenges struct {
	spent float64
	at    time.Time // when spent was right
	left  int       // not answered
}

// challengeBurst is how many challenges are answered at once; after that one for each ChallengePace.
const challengeBurst = 10

// admit says whether one more challenge is to be answered.
func (c *Challenges) admit(b *base, now time.Time, pace time.Duration) bool {
	if pace <= 0 {
		return true
	}
	if d := now.Sub(c.at); d > 0 {
		c.spent = max(0, c.spent-float64(d)/float64(pace))
		c.at = now
	}
	if c.spent > challengeBurst-1 {
		if c.left++; c.left == 1 {
			b.note(warning, "the peer challenges again and again: one challenge in %v is answered, the others are dropped", pace)
		}
		return false
	}
	c.spent++
	return true
}

// isChallenge says whether a packet's answer would prove the password, or give it away.
func isChallenge(code byte, body []byte) bool {
	return len(body) > 0 && code == packet.EAPRequest && (body[0] == packet.EAPMD5 || body[0] == packet.EAPMSCHAPv2 && len(body) > 1 && body[1] == packet.MSCHAPv2Challenge)
}
