package link

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
)

// This file chooses the APN if nobody named one: first the modem's own, then those that are known for the SIM's carrier.

// maxAccess is how many ways into a network (APN and login) are tried. A carrier with many resellers has more; then a person
// should choose.
const maxAccess = 5

// ways holds the ways into the network that are known, and which one is used.
type ways struct {
	home   modem.Home // the SIM's network, for which list is
	list   []Access   // the ways to try, in order; one without a source is the modem's own
	next   int        // the one of this attempt, or of the next
	used   *Access    // the carrier's that this attempt uses; nil: the modem's own APN, or the user's
	told   bool       // what there is to choose from
	worked bool       // the link has been up: the way used then is right
}

// login says whether the credentials of this attempt are the carrier's.
func (w *ways) login() bool { return w.used != nil && w.used.Login }

// accessHook gives the function by which the dialogue asks for a way in; nil if it must not ask. It does not ask if the policy
// names an APN.
func (d *dialogue) accessHook(x *at.Exchange) func(modem.Home, string) (modem.Access, bool) {
	sel := d.selection
	if sel.Access == nil || sel.Policy.Text("context.apn_lookup") == "never" {
		return nil
	}
	return func(h modem.Home, stored string) (modem.Access, bool) {
		a := &d.ways
		if h.Digits != a.home.Digits || h.MNCLength > 0 && h != a.home {
			list, unsure := sel.Access(h)
			if unsure && h.MNCLength == 0 {
				return modem.Access{}, true
			}
			a.home, a.next, a.told, a.list = h, 0, false, ownFirst(list, stored)
		}
		if len(a.list) == 0 {
			x.Event(event.Notice{Level: "info", Text: "the modem has no APN, and none is known for the SIM's network; --apn names one", About: event.NoticeNoAPN})
			return modem.Access{}, false
		}
		way := a.list[a.next]
		switch {
		case way.Source == "" && a.next > 0:
			x.Event(event.Notice{Level: "info", Text: "back to the modem's own APN " + way.APN})
		case way.Source != "":
			a.tell(x)
			if sel.chosen("auth.user") || !d.cfg.Password.Empty() { // the user's own credentials are kept
				way.Login, way.User, way.Password = false, "", ""
			}
			used := way
			a.used = &used
			why := "the SIM is of network " + way.Network
			x.Event(event.Quirk{Key: "context.apn", Value: way.APN, Source: way.Source, Reason: why})
			if way.Login {
				x.Event(event.Quirk{Key: "auth.user", Value: way.User, Source: way.Source, Reason: why})
			}
		}
		if strings.EqualFold(way.APN, stored) && sel.Policy.Text("context.auth_command") == modem.AuthNone {
			way.APN = "" // the modem has this APN already: the context stays as it is, its type too
		}
		return way.Access, false
	}
}

// ownFirst gives the ways to try, in order. If the modem has stored one of the carrier's APNs, that one comes first. Any other
// stored APN was set by a person: it comes first too and is only replaced if it fails. It is tried once more at the end, so that
// the modem keeps it if the fault was elsewhere.
func ownFirst(list []Access, stored string) []Access {
	var first, rest []Access
	for _, a := range list {
		if strings.EqualFold(a.APN, stored) {
			first = append(first, a)
		} else {
			rest = append(rest, a)
		}
	}
	list = append(first, rest...)
	list = list[:min(len(list), maxAccess)]
	if stored == "" || len(first) > 0 {
		return list
	}
	own := Access{Access: modem.Access{APN: stored}}
	if len(list) == 0 {
		return []Access{own}
	}
	return append(append([]Access{own}, list...), own)
}

// tell says once the list was shown to the user.
func (w *ways) tell(x *at.Exchange) {
	if len(w.list) == 1 || w.told {
		return
	}
	w.told = true
	var names []string
	network := ""
	for _, way := range w.list {
		names = append(names, way.APN)
		if way.Source != "" {
			network = way.Network
		}
	}
	x.Event(event.Notice{Level: "info", Text: fmt.Sprintf("APNs to try for network %s: %s; --apn NAME picks one", network, strings.Join(names, ", "))})
}

// accessRefused are the failures that an unknown APN can cause, in addition to a late refusal. Most networks refuse the APN when
// the context is activated, which modems do at the dial or during IPCP; some accept it and carry nothing.
var accessRefused = map[Kind]bool{
	event.FailedDialRefused: true, event.FailedAuthRejected: true, event.FailedEmptyNaks: true, event.FailedRepeatedNaks: true,
	event.FailedNoAddress: true, event.FailedAddressRejected: true, event.FailedTerminated: true, event.FailedCarrierLost: true,
	event.FailedBogusAddress: true, event.FailedCarriesNothing: true,
}

// left says whether another way in is worth an attempt after this outcome.
func (w *ways) left(o Outcome) bool {
	if o.Kind == KindCarrierLost && o.Phase == event.PhaseDial {
		return false // the port is gone: no network has refused anything
	}
	refused := accessRefused[o.Kind] || o.Provisional && o.ExitCode() == ExitAuth
	return refused && !w.worked && w.next+1 < len(w.list)
}
