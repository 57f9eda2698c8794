package ppp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Output is one thing that the engine reports or asks for: Send, Framing, Event, Decision, AuthDone, NetworkUp, NetworkUp6,
// NetworkDown, NetworkLost, DataRejected, Stalled, Closing or Finished.
type Output interface{ output() }

// Send is one packet for the line. Info is valid until the next call into the engine other than Next.
type Send struct {
	Protocol uint16
	Info     []byte
}

// Framing says how the two ends frame from now on. Set the encoder and the decoder accordingly before the next packet. LCP's own
// packets are always sent as if nothing had been agreed (RFC 1661 section 5, RFC 1662 section 7).
type Framing struct {
	SendACCM uint32 // control characters that we must escape
	RecvACCM uint32 // control characters that the peer escapes
	SendPFC  bool   // we may compress the protocol field
	SendACFC bool   // we may leave out address and control field
	RecvPFC  bool   // the peer may do so
	RecvACFC bool
	PeerMRU  int // the largest information field that we may send
	OwnMRU   int // the largest information field that we have promised to take
}

// DefaultFraming is the framing of both ends before LCP is Opened and after it went down.
func DefaultFraming() Framing {
	return Framing{SendACCM: 0xffffffff, RecvACCM: 0xffffffff, PeerMRU: 1500, OwnMRU: 1500}
}

// Event is an event for the trace: a Packet, State, Phase, Decision or Notice. There are none without Settings.Trace.
type Event struct {
	Event event.Event
}

// AuthDone says that the Authenticate phase has succeeded.
type AuthDone struct {
	Method      auth.Method // auth.None: neither end demanded authentication
	Provisional bool        // the success may still turn out to be none
	PeerName    string      // the name of the other end; may be ""
	Message     string      // the other end's text; may be ""
}

// NetworkUp says that IPv4 packets may be sent and received. It comes again, without a NetworkDown, if the peer names its own
// address later.
type NetworkUp struct {
	Local       netip.Addr
	Peer        netip.Addr
	PeerAssumed bool         // the peer named none; Peer is IPCPSettings.AssumePeer
	DNS         []netip.Addr // real name servers only, the preferred one first
	NBNS        []netip.Addr
	MTU         int // the largest IP packet, from the peer's MRU
}

// NetworkUp6 says that IPv6 packets may be sent and received. The identifiers make the link-local addresses
// (RFC 5072 section 5).
type NetworkUp6 struct {
	LocalID, PeerID [8]byte
	MTU             int
}

// NetworkDown withdraws a NetworkUp or NetworkUp6.
type NetworkDown struct {
	Protocol uint16 // packet.IPCP or packet.IPV6CP
	Final    bool   // the link ends; otherwise the peer negotiates anew
}

// NetworkLost says that a network protocol has failed, and that the link goes on with the other one.
type NetworkLost struct {
	Failure Failure
}

// DataRejected says that the peer answered a data packet by a Protocol-Reject (RFC 1661 section 5.7). If the packet was sent
// before the peer was ready, it is just lost.
type DataRejected struct {
	Protocol uint16 // packet.IP or packet.IPv6
}

// Stalled says that a protocol has made no progress for IPCPSettings.StallReport. It comes once for each such time, in words that
// a Failure would use. The engine goes on trying until its deadline.
type Stalled struct {
	Failure Failure
	Naks    int           // how many answers have changed nothing
	For     time.Duration // since the protocol started
}

// Closing says that the engine has decided to end the link, and why. Finished with the same Failure follows after the
// exchange of Terminate-Request and Terminate-Ack, at the latest after MaxTerminate restart timers.
type Closing struct {
	Failure Failure
}

// Finished says that the link is over. It is the last output until the next Open.
type Finished struct {
	Failure Failure
}

func (Send) output()         {}
func (Framing) output()      {}
func (Event) output()        {}
func (Decision) output()     {}
func (AuthDone) output()     {}
func (NetworkUp) output()    {}
func (NetworkUp6) output()   {}
func (NetworkDown) output()  {}
func (DataRejected) output() {}
func (NetworkLost) output()  {}
func (Stalled) output()      {}
func (Closing) output()      {}
func (Finished) output()     {}

// Kinds of Failure.
const (
	KindEmptyNaks        = event.FailedEmptyNaks        // IPCP is answered by Naks that hold no option at all
	KindRepeatedNaks     = event.FailedRepeatedNaks     // Naks repeat our proposal, or each Nak says something new
	KindNoAddress        = event.FailedNoAddress        // Naks or Acks hold no address but 0.0.0.0 or a placeholder
	KindAddressRejected  = event.FailedAddressRejected  // the peer rejects the address option
	KindBogusAddress     = event.FailedBogusAddress     // no host can have the address (loopback, link-local, multicast, the peer's own)
	KindTerminated       = event.FailedTerminated       // the peer sent a Terminate-Request
	KindCarrierLost      = event.FailedCarrierLost      // LowerDown was called
	KindTimeout          = event.FailedTimeout          // the peer is silent, or the protocol's deadline passed
	KindAuthRejected     = event.FailedAuthRejected     // the peer refused our name or secret, or we the peer's
	KindAuthMethod       = event.FailedAuthMethod       // no authentication method suits both ends
	KindAuthImpostor     = event.FailedAuthImpostor     // the peer could not prove that it knows our password
	KindAuthDowngrade    = event.FailedAuthDowngrade    // the peer wants a weaker authentication than the one that was agreed first
	KindAuthTimeout      = event.FailedAuthTimeout      // no result of the authentication in time
	KindLoopedBack       = event.FailedLoopedBack       // we receive our own packets
	KindEchoTimeout      = event.FailedEchoTimeout      // an open link shows no sign of life any more
	KindProtocolRejected = event.FailedProtocolRejected // the peer rejects a protocol or code that the link needs
	KindClosed           = "closed"                     // Close was called; not an error
)

// Failure says why a link is over. If Kind is KindClosed, it is not an error.
type Failure struct {
	Phase       string // event.PhaseLCP, PhaseAuth, PhaseIPCP, PhaseIPV6CP or PhaseUp
	Kind        string // one of the Kind constants
	Detail      string // a sentence for people; it may hold text of the peer, made printable
	Protocol    uint16 // the protocol that failed, or 0
	Provisional bool   // the authentication success proved nothing, and IPCP never opened: it may have been a refusal
}

// Error gives kind, protocol and detail.
func (f Failure) Error() string {
	s := f.Kind
	if f.Protocol != 0 {
		s = fmt.Sprintf("%s: %s", packet.ProtocolName(f.Protocol), f.Kind)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}
