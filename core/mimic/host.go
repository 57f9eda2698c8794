package mimic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

func (h *host) cannot(pos event.Pos, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(h.Cannot, func(c Cannot) bool { return c.What == what }) {
		h.Cannot = append(h.Cannot, Cannot{what, pos})
	}
}

// lcp reads the host's first Configure-Request, and the modem's options that the host refused.
func (h *host) lcp() {
	c := h.call
	if req, ok := c.LCP.First(event.Sent, packet.ConfigureRequest); ok {
		var list []string
		for _, o := range req.Options {
			w := packet.OptionRequest(packet.LCP, o.Type)
			if w == "" {
				h.cannot(req.Pos, "it asks in LCP for <%s>, which knak cannot ask for", notation.OptionText(packet.LCP, o))
				continue
			}
			list = append(list, w)
			switch o.Type {
			case packet.LCPMRU:
				if v, ok := o.Uint16(); ok {
					h.set("lcp.mru", fmt.Sprint(v), fmt.Sprintf("The dialer asks for an MRU of %d.", v), text(req), req.Pos)
				}
			case packet.LCPACCM:
				if v, ok := o.Uint32(); ok {
					h.set("lcp.accm", fmt.Sprintf("0x%08x", v), fmt.Sprintf("The dialer asks for the ACCM 0x%08x.", v), text(req), req.Pos)
				}
			}
		}
		h.set("lcp.request", setting(list), "The dialer asks in LCP for these options in this order.", text(req), req.Pos)
	}
	var refused []string
	var at call.Step
	for _, code := range []uint8{packet.ConfigureReject, packet.ConfigureNak} {
		for _, s := range c.LCP.Of(event.Sent, code) {
			for _, o := range s.Options {
				w := packet.OptionRequest(packet.LCP, o.Type)
				switch {
				case code == packet.ConfigureReject && w != "" && !slices.Contains(refused, w):
					refused, at = append(refused, w), s
				case code == packet.ConfigureNak && o.Type != packet.LCPAuth && o.Type != packet.LCPMagic:
					h.cannot(s.Pos, "it answers the modem's LCP request with a Configure-Nak of <%s>, which knak does not do", notation.OptionText(packet.LCP, o))
				}
			}
		}
	}
	if len(refused) > 0 {
		h.set("lcp.refuse", setting(refused), "The dialer rejects these options of the modem's LCP request.", text(at), at.Pos)
	}
}

// auth reads the name, and the methods that the host accepted or asked for.
func (h *host) auth() {
	c := h.call
	if name, s, ok := c.Name(); ok {
		reason := "The dialer authenticates with an empty name."
		if name != "" {
			reason = "The dialer authenticates with this name."
		}
		if isPrivate(name) {
			h.cannot(s.Pos, "it authenticates with a name that looks like a subscriber's identity; it is not copied: give it with --user")
		} else {
			h.set("auth.user", name, reason, text(s), s.Pos)
		}
		if name != "" {
			h.cannot(s.Pos, "its password is hidden when knak reads a recording; if there was one, give it with --password-file")
		}
	}
	var allow []string
	var at call.Step
	for _, code := range []uint8{packet.ConfigureNak, packet.ConfigureReject} {
		for _, s := range c.LCP.Of(event.Sent, code) {
			o, ok := packet.Find(s.Options, packet.LCPAuth)
			if !ok {
				continue
			}
			m, ok := auth.MethodOf(o.Data)
			switch {
			case code == packet.ConfigureReject && len(allow) == 0:
				h.set("auth.allow", "[]", "The dialer rejects the modem's demand for authentication.", text(s), s.Pos)
				return
			case code == packet.ConfigureNak && ok && !slices.Contains(allow, m.String()):
				allow, at = append(allow, m.String()), s
			}
		}
	}
	if len(allow) > 0 {
		h.set("auth.allow", setting(allow), "The dialer asks for this method when the modem demands another one.", text(at), at.Pos)
	}
}

// isPrivate says whether a name must not be copied: it is a subscriber's identity, or contains a text that replaces one.
func isPrivate(name string) bool {
	return Masked(name)
}

// Masked says whether a name is only a replacement, made by the program or the person that wrote or posted the recording.
func Masked(name string) bool {
	return strings.HasPrefix(name, "<") && strings.HasSuffix(name, ">") || strings.Contains(name, hidden) || identity(name)
}

// identity says whether a name has replaced digits.
func identity(name string) bool {
	run := 0
	for _, r := range name {
		if r == '*' || r == 'x' || r == 'X' || r == '#' {
			if run++; run >= 6 {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// ipcp reads the options that the host asked for first, and those that it added later.
func (h *host) ipcp() {
	c := h.call
	requests := c.IPCP.Of(event.Sent, packet.ConfigureRequest)
	if len(requests) == 0 {
		return
	}
	first := requests[0]
	var list []string
	for _, o := range first.Options {
		w := packet.OptionRequest(packet.IPCP, o.Type)
		if w == "" {
			h.cannot(first.Pos, "it asks in IPCP for <%s>, which knak cannot ask for", notation.OptionText(packet.IPCP, o))
			continue
		}
		list = append(list, w)
		if a, ok := o.Address(); ok && a != netip.IPv4Unspecified() {
			h.cannot(first.Pos, "it asks for its own %s in IPCP, while knak asks for 0.0.0.0; the value is not copied", w)
		}
	}
	h.set("ipcp.request", setting(list), "The dialer asks in IPCP for these options in this order.", text(first), first.Pos)

	var added []string
	var at call.Step
	empty := 0
	for i, s := range c.IPCP.Steps {
		if s.Dir == event.Rcvd && s.Code == packet.ConfigureNak && len(s.Options) == 0 {
			empty++
		}
		if s.Dir != event.Sent || s.Code != packet.ConfigureRequest {
			continue
		}
		for _, o := range s.Options {
			if w := packet.OptionRequest(packet.IPCP, o.Type); w != "" && !slices.Contains(list, w) && !slices.Contains(added, w) && !nakked(c.IPCP.Steps[:i], o.Type) {
				added, at = append(added, w), s
			}
		}
	}
	wanted := slices.ContainsFunc([]string{"nbns1", "nbns2"}, func(w string) bool { return !slices.Contains(list, w) })
	switch {
	case len(added) > 0:
		h.set("ipcp.widen", setting(added), "The dialer also asks for these when the modem's Naks give no address.", text(at), at.Pos)
	case empty > 2 && wanted:
		h.set("ipcp.widen", "[]", "The dialer keeps asking for the same options, even if the modem often answers with a Nak that changes nothing.", text(first), first.Pos)
	}
	if refused := c.IPCP.Of(event.Sent, packet.ConfigureReject); len(refused) > 0 {
		for _, o := range refused[0].Options {
			if o.Type == packet.IPCPAddress {
				h.set("ipcp.zero_peer", "reject", "The dialer rejects the address that the modem asks for.", text(refused[0]), refused[0].Pos)
			}
		}
	}
}

// nakked says whether the modem named the option in a Nak: then the host only follows the proposal.
func nakked(steps []call.Step, typ uint8) bool {
	return slices.ContainsFunc(steps, func(s call.Step) bool {
		_, ok := packet.Find(s.Options, typ)
		return ok && s.Dir == event.Rcvd && s.Code == packet.ConfigureNak
	})
}

// others reads the other protocols.
func (h *host) others() {
	c := h.call
	ctx, _, defined := c.Context()
	v6 := defined && (ctx.Type == "IPV6" || ctx.Type == "IPV4V6")
	if s, ok := c.IPV6CP.First(event.Sent, packet.ConfigureRequest); ok {
		if !v6 {
			h.set("ipv6cp.enable", "always", "The dialer negotiates IPv6.", text(s), s.Pos)
		}
	} else if v6 && len(c.IPCP.Steps) > 0 {
		h.set("ipv6cp.enable", "never", "The dialer does not negotiate IPv6.", "", event.Pos{})
	}
	if s, ok := c.CCP.First(event.Sent, packet.ConfigureRequest); ok {
		h.cannot(s.Pos, "it offers compression (CCP), which knak does not know")
	}
	for _, s := range c.Other.Steps {
		if s.Dir == event.Sent && s.Code == packet.ConfigureRequest {
			h.cannot(s.Pos, "it negotiates %s, which knak does not know", packet.ProtocolName(s.Protocol))
		}
	}
	for _, s := range c.LCP.Of(event.Sent, packet.Identification) {
		h.cannot(s.Pos, "it sends an Identification in LCP, which knak does not do")
	}
}
