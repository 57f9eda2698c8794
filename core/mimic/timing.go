package mimic

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// timing reads the times that can decide whether a call works: the silence after CONNECT, retransmission, the pace after Naks,
// patience and echoes.
func (h *host) timing() {
	c := h.call
	if !c.Timed() {
		return
	}
	if d, s, ok := ConnectDelay(c); ok && d >= 500*time.Millisecond {
		h.set("dial.connect_delay", tenth(d), "The dialer waits this long after CONNECT.", text(s), s.Pos)
	}
	for _, p := range []struct {
		key   string
		steps *call.Protocol
		usual time.Duration
	}{{"lcp.restart", &c.LCP, 3 * time.Second}, {"ipcp.restart", &c.IPCP, 3 * time.Second}, {"ipv6cp.restart", &c.IPV6CP, 3 * time.Second}} {
		if d, s, ok := Restart(p.steps); ok && unlike(d, p.usual) {
			h.set(p.key, tenth(d), "The dialer repeats a request without an answer after this time.", text(s), s.Pos)
		}
	}
	if d, s, ok := NakPace(c); ok && unlike(d, 300*time.Millisecond) {
		h.set("ipcp.empty_nak_pace", tenth(d), "The dialer waits this long before it answers a Nak that changes nothing.", text(s), s.Pos)
	}
	if d, s, ok := Patience(c); ok && c.Worked() && d > 50*time.Second {
		h.set("ipcp.deadline", (d * 3 / 2).Round(10*time.Second).String(), "The modem needed this long to give an address; with its default, knak would have given up.", text(s), s.Pos)
	}
	e := c.Echoes
	held := c.End.Sub(c.UpAt)
	switch {
	case e.Sent > 1:
		d := e.Last.Sub(e.First) / time.Duration(e.Sent-1)
		if d >= time.Second && unlike(d, 30*time.Second) {
			h.set("lcp.echo_interval", d.Round(time.Second).String(), "The dialer sends an Echo-Request this often.", fmt.Sprintf("%d Echo-Requests", e.Sent), event.Pos{})
		}
	case e.Sent == 0 && !c.UpAt.IsZero() && held > 90*time.Second && c.DataIn+c.DataOut == 0:
		h.set("lcp.echo_mode", "off", "The dialer sends no Echo-Requests, however long the link lasts.", "", event.Pos{})
	}
}

// unlike says whether a time differs so much from knak's own that it needs a setting.
func unlike(d, usual time.Duration) bool {
	diff := (d - usual).Abs()
	return diff > 200*time.Millisecond && diff > usual/5
}

func tenth(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// ConnectDelay gives the time from CONNECT to the host's first packet. It is false if the modem had sent a packet before.
func ConnectDelay(c *call.Call) (time.Duration, call.Step, bool) {
	if c.Dial == nil || c.Dial.Answered.IsZero() || !strings.HasPrefix(c.Dial.Result, "CONNECT") || len(c.LCP.Steps) == 0 {
		return 0, call.Step{}, false
	}
	s, ok := c.LCP.First(event.Sent, packet.ConfigureRequest)
	return s.Time.Sub(c.Dial.Answered), s, ok && !s.Time.IsZero()
}

// Restart gives the median time after which the host repeated a request without an answer.
func Restart(p *call.Protocol) (time.Duration, call.Step, bool) {
	var all []time.Duration
	var at call.Step
	var last time.Time
	for _, s := range p.Steps {
		if s.Dir != event.Sent || s.Code != packet.ConfigureRequest {
			continue
		}
		if s.Again && !last.IsZero() {
			if len(all) == 0 {
				at = s
			}
			all = append(all, s.Time.Sub(last))
		}
		last = s.Time
	}
	return median(all), at, len(all) > 0
}

// NakPace gives the median time from a Configure-Nak of the modem that changes nothing to the host's next IPCP request.
func NakPace(c *call.Call) (time.Duration, call.Step, bool) {
	var all []time.Duration
	var at call.Step
	for i, s := range c.IPCP.Steps {
		if s.Dir != event.Rcvd || s.Code != packet.ConfigureNak || len(s.Options) > 0 {
			continue
		}
		for _, next := range c.IPCP.Steps[i+1:] {
			if next.Dir == event.Rcvd && next.Code == packet.ConfigureNak {
				break
			}
			if next.Dir == event.Sent && next.Code == packet.ConfigureRequest {
				if len(all) == 0 {
					at = next
				}
				all = append(all, next.Time.Sub(s.Time))
				break
			}
		}
	}
	return median(all), at, len(all) > 1
}

// Patience gives how long the host asked for an address: from its first IPCP request to the Ack, or to its last request.
func Patience(c *call.Call) (time.Duration, call.Step, bool) {
	all := c.IPCP.Of(event.Sent, packet.ConfigureRequest)
	if len(all) == 0 {
		return 0, call.Step{}, false
	}
	last := all[len(all)-1]
	end := last.Time
	if acks := c.IPCP.Of(event.Rcvd, packet.ConfigureAck); len(acks) > 0 {
		end = acks[len(acks)-1].Time
	}
	return end.Sub(all[0].Time), last, true
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
