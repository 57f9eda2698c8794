package ppp

import (
	"crypto/md5"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// chapResponse answers a challenge of CHAP with MD5 as somebody who has the secret.
func chapResponse(d Decision, secret string) Verdict {
	value := d.Packet[5 : 5+int(d.Packet[4])]
	sum := md5.Sum(slices.Concat([]byte{d.Packet[1]}, []byte(secret), value))
	info := append([]byte{packet.CHAPResponse, d.Packet[1], 0, byte(5 + 16 + 4), 16}, sum[:]...)
	return Verdict{Action: Transmit, Packet: append(info, "user"...), By: "somebody"}
}

// The secret is with whoever answers, also for the challenges that come when the link is up (RFC 1994 section 2). Where
// nobody answers one of those, it is not answered: the engine's own response would be wrong, and end the link.
func TestResponsesFromElsewhere(t *testing.T) {
	for _, dies := range []bool{false, true} {
		host, mod := dialer(), modem(auth.CHAPMD5)
		host.Auth.Client.Secret = auth.Secret{}
		host.Points, host.DecisionTimeout = PointAuthChallenge, 100*time.Millisecond
		mod.Auth.Server.Rechallenge = 20 * time.Second
		h, m := newEnd(t, host, 1), newEnd(t, mod, 2)
		up := false
		asked, intents := 0, ""
		h.decide = func(_ time.Time, d Decision) Verdict {
			if d.Code != packet.CHAPChallenge {
				return Verdict{}
			}
			if d.Method != auth.CHAPMD5 {
				t.Errorf("method %v", d.Method)
			}
			asked++
			intents += d.Intent.Action.String() + " "
			if up && dies {
				return Verdict{Action: Drop}
			}
			return chapResponse(d, "test secret")
		}
		l := join(t, h, m)
		l.open()
		l.until(time.Minute, func() bool { return h.settled() && m.settled() })
		wantUp(t, h)
		up = true
		l.run(25 * time.Second)
		responses := 0
		for _, line := range h.lines {
			if strings.Contains(line, "CHAP Response") {
				responses++
			}
		}
		if want := 2; !dies && (asked != want || responses != want || len(h.finished) > 0) {
			t.Errorf("asked %d times, %d responses, finished %v", asked, responses, h.finished)
		}
		if dies && (asked < 2 || responses != 1 || len(h.finished) > 0) {
			t.Errorf("died: asked %d times, %d responses, finished %v", asked, responses, h.finished)
		}
		if !strings.HasPrefix(intents, "pass drop") {
			t.Errorf("intents %s", intents)
		}
	}
}
