// Package mimic turns a recording into settings that do the same: of a dialer that worked the quirk profile that makes knak
// do what it did, and of a modem that misbehaved the simulator scenario that misbehaves so.
//
// Telephone numbers, identities and passwords are never copied. What a profile or a scenario cannot say is told.
package mimic

import (
	"slices"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/quirks"
)

// Setting is one quirk that does what a dialer was seen to do.
type Setting struct {
	Key    string
	Value  string // as --set takes it
	Reason string // what the dialer did, one sentence
	Shown  string // the packet or line that shows it
	Pos    event.Pos
}

// String gives KEY=VALUE.
func (s Setting) String() string { return s.Key + "=" + s.Value }

// Cannot is something that the dialer did and that no setting makes knak do, or that is not copied.
type Cannot struct {
	What string // what the dialer did, and what stands in the way
	Pos  event.Pos
}

// Host is how a dialer behaved, as far as it is not what knak does by itself.
type Host struct {
	Settings []Setting
	Cannot   []Cannot
}

// Settings gives what makes knak do as the dialer of c did. Only what differs from knak's defaults is in it.
func Settings(c *call.Call) Host {
	h := host{call: c}
	h.commands()
	h.dial()
	h.context()
	h.lcp()
	h.auth()
	h.ipcp()
	h.others()
	h.timing()
	return h.Host
}

type host struct {
	Host
	call *call.Call
}

// set notes a setting, unless it is the default. One that the key does not take is told instead.
func (h *host) set(key, value, reason, shown string, pos event.Pos) {
	v, def, err := quirks.Parse(key, value)
	if err != nil {
		h.cannot(pos, "%s: no setting can say it: %v", strings.TrimSuffix(reason, "."), err)
		return
	}
	if v.Equal(def) {
		return
	}
	out := Setting{Key: key, Value: v.String(), Reason: reason, Shown: shown, Pos: pos}
	// What the dialer said twice counts as it was said last.
	if i := slices.IndexFunc(h.Settings, func(old Setting) bool { return old.Key == key }); i >= 0 {
		h.Settings[i] = out
		return
	}
	h.Settings = append(h.Settings, out)
}

// setting gives a list as --set takes it; an empty one is written, for an empty text could be an oversight.
func setting(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return strings.Join(list, ",")
}

// text shows a packet in pppd's notation, without the addresses that a network gave.
func text(s call.Step) string {
	p := s.Packet
	if s.Protocol == packet.IPCP && s.Code <= packet.ConfigureReject {
		var options []packet.Option
		for _, o := range s.Options {
			if a, ok := o.Address(); ok && !a.IsUnspecified() && packet.OptionRequest(packet.IPCP, o.Type) != "" {
				o = packet.AddressOption(o.Type, standIn[o.Type])
			}
			options = append(options, o)
		}
		p.Data = packet.AppendOptions(nil, options)
	}
	return notation.Text(s.Protocol, p.AppendTo(nil))
}
