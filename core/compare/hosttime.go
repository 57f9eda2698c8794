package compare

import (
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// near says whether two times are so close that no modem depends on the difference: within half a second, or by less than a
// factor of two.
func near(a, b observation) bool {
	short, long := min(a.number, b.number), max(a.number, b.number)
	return long-short < 0.5 || long < 2*short
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func span(d time.Duration, s call.Step, ok bool, does string) observation {
	if !ok || s.Time.IsZero() {
		return observation{}
	}
	return observation{known: true, key: seconds(d), text: seconds(d), does: fmt.Sprintf(does, seconds(d)), pos: s.Pos, number: d.Seconds()}
}

func pace(c *call.Call) observation {
	d, s, ok := mimic.NakPace(c)
	return span(d, s, ok, "waits %s after an empty Nak")
}

func connectDelay(c *call.Call) observation {
	d, s, ok := mimic.ConnectDelay(c)
	return span(d, s, ok, "is silent for %s after CONNECT")
}

func restart(of func(*call.Call) *call.Protocol) func(*call.Call) observation {
	return func(c *call.Call) observation {
		d, s, ok := mimic.Restart(of(c))
		return span(d, s, ok, "asks again after %s")
	}
}

// patience gives how long the host asks for an address. It matters if the failing side gave up by itself.
func patience(c *call.Call) observation {
	d, s, ok := mimic.Patience(c)
	v := span(d, s, ok, "asks in IPCP for %s")
	if !c.Worked() {
		end, gaveUp := c.Terminated()
		timeout := false
		for _, f := range c.Failures {
			timeout = timeout || f.Phase == event.PhaseIPCP && f.Cause != event.FailedCarrierLost && f.Cause != event.FailedTerminated
		}
		if !(gaveUp && end.Dir == event.Sent) && !timeout {
			return observation{}
		}
	}
	return v
}

// longEnough says whether the failing side asked at least as long as the working side needed.
func longEnough(good, bad observation) bool { return bad.number+0.5 >= good.number }

// method gives the authentication method that the host used.
func method(c *call.Call) observation {
	for _, s := range c.Auth.Steps {
		if s.Dir != event.Sent {
			continue
		}
		word := strings.ToLower(packet.ProtocolName(s.Protocol))
		if m := demanded(c, true); m != "" {
			word = m
		}
		return observation{known: true, key: word, text: word, does: "answers by " + word, pos: s.Pos}
	}
	return observation{}
}

// demanded gives the method in the modem's first LCP request or, with last, in the last one, which the host agreed to.
func demanded(c *call.Call, last bool) string {
	word := ""
	for _, s := range c.LCP.Of(event.Rcvd, packet.ConfigureRequest) {
		word = ""
		if o, ok := packet.Find(s.Options, packet.LCPAuth); ok {
			word = notation.OptionText(packet.LCP, o)
			if m, ok := auth.MethodOf(o.Data); ok {
				word = m.String()
			}
		}
		if !last {
			break
		}
	}
	return word
}

// methodWanted gives the method that the host asks for when the modem demands another one.
func methodWanted(c *call.Call) observation {
	if demanded(c, false) == "" {
		return observation{}
	}
	for _, s := range c.LCP.Steps {
		o, ok := packet.Find(s.Options, packet.LCPAuth)
		if s.Dir != event.Sent || !ok {
			continue
		}
		switch s.Code {
		case packet.ConfigureReject:
			return observation{known: true, key: "reject", text: "none: it rejects the demand", does: "rejects any authentication", pos: s.Pos}
		case packet.ConfigureNak:
			word := notation.OptionText(packet.LCP, o)
			if m, ok := auth.MethodOf(o.Data); ok {
				word = m.String()
			}
			return observation{known: true, key: word, text: word, does: "asks for " + word + " instead", pos: s.Pos}
		}
	}
	return observation{known: true, text: "none: it takes " + demanded(c, false), does: "takes " + demanded(c, false)}
}

// speaker says which end sends the first Configure-Request: the host, unless it waits for the modem's.
func speaker(c *call.Call) observation {
	mine, ok := first(&c.LCP)
	theirs, both := c.LCP.First(event.Rcvd, packet.ConfigureRequest)
	switch {
	case !ok:
		return observation{}
	case !both || theirs.Time.Sub(mine.Time) >= 500*time.Millisecond:
		return observation{known: true, key: "host", text: "the host", does: "speaks first", pos: mine.Pos}
	case mine.Time.Sub(theirs.Time) >= 500*time.Millisecond:
		return observation{known: true, key: "modem", text: "the modem", does: "waits for the modem's first packet", pos: mine.Pos}
	}
	return observation{known: true, key: "both", text: "both at once", does: "speaks at once", pos: mine.Pos}
}

// eitherSpeaks says whether neither host waits for the modem.
func eitherSpeaks(a, b observation) bool { return a.key != "modem" && b.key != "modem" }
