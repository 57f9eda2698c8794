package call

import (
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Outcome follows the events of one attempt and says whether the link came up. All parts of knak use it, so that diagnosis and
// the sorting into calls never disagree about a log. Its memory does not grow. The zero value is ready.
type Outcome struct {
	// Up is set when the link came up: an Up event, or messages that a dialer writes only for a link that is up. Its fields
	// hold what is known. Nil: no event said so; the packets may still show it.
	Up   *event.Up
	UpAt time.Time

	// IPv6 means that a dialer said that IPv6 is up. Refused means that a line said that an authentication or an address was
	// refused.
	IPv6, Refused bool

	// Ours is this end's address as the peer acknowledged it in IPCP, and Theirs the peer's own as it last asked for it. Not valid:
	// the packets show none.
	Ours, Theirs netip.Addr

	own    bool // a recording of knak's own, which has an Up event when the link is up
	failed bool // something failed, other than the loss of the line

	requests [2]int  // number of IPCP's Configure-Requests, by event.Dir
	agreed   [2]bool // whether such a request was acknowledged
	v6agreed bool    // the peer acknowledged our IPV6CP request
	data     [2]int  // data packets, by event.Dir
}

// Take takes one event of the attempt.
func (o *Outcome) Take(r event.Record) {
	switch e := r.Event.(type) {
	case event.State: // only knak records these, and then also records Up
		o.own = true
	case event.Up:
		o.Up, o.UpAt, o.own = &e, r.Time, true
	case event.Failure:
		o.failed = true
	case event.Log:
		for _, w := range e.Means {
			o.word(r, e, w)
		}
	case event.Packet:
		o.packet(e)
	case event.Described:
		o.packet(e.Packet)
	case event.Data:
		o.data[e.Dir]++
		if o.Up == nil && o.Ours.IsValid() && o.data[event.Sent] > 0 && o.data[event.Rcvd] > 0 { // a recording of octets has no event for it
			o.up(r).Local = o.Ours.String()
		}
	}
}

// up notes that the link came up, if that is not known yet.
func (o *Outcome) up(r event.Record) *event.Up {
	if o.Up == nil {
		o.Up, o.UpAt = &event.Up{}, r.Time
	}
	return o.Up
}

func (o *Outcome) word(r event.Record, e event.Log, w string) {
	switch w {
	case event.MeansLocalAddress, event.MeansNewAddress:
		o.up(r).Local = e.Value
	case event.MeansRemoteAddress:
		o.up(r).Peer = e.Value
	case event.MeansDNSAddress:
		if up := o.up(r); len(up.DNS) < 4 {
			up.DNS = append(up.DNS, e.Value)
		}
	case event.MeansIPv6Up:
		o.IPv6 = true
	case event.MeansConnectTime, event.MeansTraffic: // pppd counts from LCP on, even if IPCP fails
		if !o.NeverAgreed() {
			o.up(r)
		}
	default:
		if slices.Contains(Refusals, w) {
			o.Refused = true
		}
		if f, ok := FailureOf(e, w); ok && f.Cause != event.FailedCarrierLost {
			o.failed = true
		}
	}
}

func (o *Outcome) packet(e event.Packet) {
	if e.Protocol == packet.IPV6CP && e.Dir == event.Rcvd {
		if c, ok := e.Control(); ok && c.Code == packet.ConfigureAck {
			o.v6agreed = true
		}
	}
	if e.Protocol != packet.IPCP {
		return
	}
	c, ok := e.Control()
	switch {
	case !ok || e.Dir == event.Rcvd && damaged(c): // it asks nothing and agrees to nothing
	case c.Code == packet.ConfigureRequest:
		o.requests[e.Dir]++
		if a, ok := addressIn(e); ok && e.Dir == event.Rcvd {
			o.Theirs = a
		}
	case c.Code == packet.ConfigureAck:
		o.agreed[1-e.Dir] = true
		if a, ok := addressIn(e); ok && e.Dir == event.Rcvd {
			o.Ours = a
		}
	}
}

// damaged says whether the options of a Configure packet cannot be taken apart.
func damaged(c packet.Packet) bool {
	if c.Code < packet.ConfigureRequest || c.Code > packet.ConfigureReject {
		return false
	}
	_, err := packet.ParseOptions(nil, c.Data)
	return err != nil
}

func addressIn(e event.Packet) (netip.Addr, bool) {
	if o, ok := packet.Find(e.Options(), packet.IPCPAddress); ok {
		return o.Address()
	}
	return netip.Addr{}, false
}

// Worked says whether the link came up: an event said so; or both ends acknowledged each other's IPCP request with a believable
// address, and no event said that the call failed.
func (o *Outcome) Worked() bool {
	switch {
	case o.Up != nil || o.IPv6:
		return true
	case o.own || o.failed || o.Refused:
		return false
	}
	a := o.Ours
	return o.agreed[event.Sent] && o.agreed[event.Rcvd] && a.IsValid() && (Believable(a, o.Theirs) || o.requests[event.Sent] == 0)
}

// NeverAgreed says whether IPCP certainly did not open: there are packets without an Ack, or a line said that it failed. Octets
// that a dialer counts in such a call are not IP packets.
func (o *Outcome) NeverAgreed() bool {
	if o.Up != nil || o.IPv6 || o.v6agreed {
		return false
	}
	return o.Refused || o.requests[0]+o.requests[1] > 1 && !o.agreed[event.Sent] && !o.agreed[event.Rcvd]
}

// Believable says whether a can be an address that a network gives: not the peer's own, and not from a range that is not for
// hosts.
func Believable(a, peer netip.Addr) bool {
	return a != peer && !slices.Contains(Placeholders, a) && !slices.ContainsFunc(unbelievable, func(p netip.Prefix) bool { return p.Contains(a) })
}

// unbelievable are ranges from which no network gives an address (RFC 6890).
var unbelievable = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
}

// Placeholders are the addresses of name servers that many firmwares give while their context is not up yet.
var Placeholders = []netip.Addr{netip.MustParseAddr("10.11.12.13"), netip.MustParseAddr("10.11.12.14")}
