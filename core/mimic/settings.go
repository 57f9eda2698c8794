// Package mimic turns a recording into files that reproduce it: a quirk profile with which knak behaves as the recorded dialer
// did, and a simulator scenario that behaves as the recorded modem did.
//
// Telephone numbers, identities and passwords are never copied. What a profile or a scenario cannot express is reported (Cannot).
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

// Setting is one quirk that reproduces something that the dialer did.
type Setting struct {
	Key    string
	Value  string // as --set takes it
	Reason string // what the dialer did, one sentence
	Shown  string // the packet or line that shows it
	Pos    event.Pos
}

// String gives KEY=VALUE.
func (s Setting) String() string { return s.Key + "=" + s.Value }

// Cannot is something that the dialer did, but that no setting can reproduce or that must not be copied.
type Cannot struct {
	What string // what the dialer did, and why it cannot be reproduced
	Pos  event.Pos
}

// Host is the behaviour of a dialer, as far as it differs from knak's own.
type Host struct {
	Settings []Setting
	Cannot   []Cannot
}

// Settings gives the settings with which knak behaves as the dialer of c did. Only settings that differ from knak's defaults are
// in it.
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

// set adds a setting, unless it is the default. A value that the key does not accept becomes a Cannot.
func (h *host) set(key, value, reason, shown string, pos event.Pos) {
	v, def, err := quirks.Parse(key, value)
	if err != nil {
		h.cannot(pos, "%s: no setting can do that: %v", strings.TrimSuffix(reason, "."), err)
		return
	}
	if v.Equal(def) {
		return
	}
	out := Setting{Key: key, Value: v.String(), Reason: reason, Shown: shown, Pos: pos}
	// If the dialer did it twice, the last time counts.
	if i := slices.IndexFunc(h.Settings, func(old Setting) bool { return old.Key == key }); i >= 0 {
		h.Settings[i] = out
		return
	}
	h.Settings = append(h.Settings, out)
}

// setting gives a list as --set takes it. An empty list is written as [], because an empty text could be a mistake.
func setting(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return strings.Join(list, ",")
}

// text gives a packet in pppd's notation, without addresses that a network assigned.
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
