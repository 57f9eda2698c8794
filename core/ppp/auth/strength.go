package auth

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Strength orders the methods by how little they reveal to an eavesdropper, or to an attacker in the peer's place. A link must not
// go on with a weaker method than the first one (docs/decisions/0003-authentication.md).
type Strength uint8

// The strengths, the weakest first.
const (
	NoProof  Strength = iota // no end proves anything
	Clear                    // PAP: the password itself is sent
	Response                 // CHAP with MD5, MS-CHAP, EAP's MD5-Challenge: we prove that we know the password, the peer does not
	Mutual                   // MS-CHAPv2 and EAP's MSCHAPv2: the peer proves that it knows the password, too
)

var strengths = [...]string{NoProof: "none", Clear: "in clear", Response: "by response", Mutual: "mutual"}

// String gives the strength in one or two words.
func (s Strength) String() string {
	if int(s) < len(strengths) {
		return strengths[s]
	}
	return fmt.Sprintf("strength %d", uint8(s))
}

// Strength gives the strength of a method. EAP has the strength of its best inner method, provided that both are allowed.
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

// AtLeast gives those of the methods that have at least this strength, in the same order.
func AtLeast(methods []Method, s Strength) []Method {
	list := make([]Method, 0, len(methods))
	for _, m := range methods {
		if m.Strength() >= s {
			list = append(list, m)
		}
	}
	return list
}

// Challenges bounds how many challenges that the peer chooses are answered: each answer is a sample for guessing the password, and
// a flood of them costs time. Challenges at the rate of an honest server (one every few seconds at most) pass. All clients of one
// link share one Challenges, so that a peer does not get a new count by negotiating anew. The zero value has counted none.
type Challenges struct {
	spent float64
	at    time.Time // when spent was right
	left  int       // not answered
}

// challengeBurst is how many challenges are answered at once; after that one in each ChallengePace.
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
