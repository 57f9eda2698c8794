package ppp

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Settings decide how an Engine behaves. Take Defaults and change single fields. The name in parentheses behind a field's meaning
// is its quirk key.
type Settings struct {
	// Trace makes the engine put out Event. Off, it costs nothing.
	Trace bool

	// Points are the decision points at which a Decision is put out and the packet waits for Resolve.
	Points Points
	// DecisionTimeout is how long a Decision may take before the engine goes on as it intended. 0 means 2 s.
	DecisionTimeout time.Duration
	// Unchecked accepts every Verdict, even if it breaks the standards. It is for simulated modems.
	Unchecked bool

	LCP    LCPSettings
	Auth   AuthSettings
	IPCP   IPCPSettings
	IPV6CP IPV6CPSettings
}

// Negotiation holds the settings that LCP, IPCP and IPV6CP have in common. In the name of a key the protocol's name stands in
// front: lcp.restart, ipcp.restart, ipv6cp.restart.
type Negotiation struct {
	// Restart is the time until an unanswered Configure-Request or Terminate-Request is sent again (restart; RFC 1661
	// section 4.6).
	Restart time.Duration
	// MaxConfigure is how many Configure-Requests without an answer are sent before the failure "timeout" (max_configure).
	MaxConfigure int
	// MaxTerminate is how many Terminate-Requests are sent before the layer is finished anyway (max_terminate).
	MaxTerminate int
	// MaxFailure bounds Naks (max_failure). Of ours: after so many in a row without an Ack, what would be Nak'ed is
	// rejected (RFC 1661 section 4.6). Of the peer's: after so many that each change something, and one more for each
	// option that a request may have, the negotiation is not going to converge. 0: no limit.
	MaxFailure int
	// Deadline is how long the protocol may take to reach Opened, whatever the peer answers (deadline). 0: no limit.
	Deadline time.Duration
	// FreeNaks is how many Naks and Rejects that change something are followed at once. After that each waits for NakPace, so that
	// a peer cannot make us send as fast as it answers (free_naks).
	FreeNaks int
	// NakPace is the time between a Nak that changes nothing, or one too many, and our next request (empty_nak_pace).
	NakPace time.Duration
	// AssumeRequestAfter is how long after the first Ack of our own request a peer that sends no Configure-Request of its
	// own is taken to have sent an empty one (assume_request_after). 0: never.
	//
	// The default is one restart timer and half a second more: a peer that behaves and whose request was lost has sent
	// it again by then. Should its request still come, it is just acknowledged and what it says is taken over.
	AssumeRequestAfter time.Duration
	// AckUnchanged acknowledges a Configure-Request in state Opened that changes nothing, without taking the layer down
	// (confreq_when_open). If it is false, or the request changes something, the layer goes down and negotiates again, as RFC 1661
	// says.
	AckUnchanged bool
	// MaxUnchanged is how many such requests in a row, none later than two restart timers after the last, are
	// acknowledged that way (max_unchanged). One more means that the peer is not Opened and waits for a request from us.
	MaxUnchanged int
	// VaryAfter is after how many unanswered Configure-Requests the next ones hold other options, by Variants in turn
	// (vary_after): some modems never answer a request that has, or does not have, a certain option. 0: never.
	VaryAfter int
	// Variants are the types of options to ask for in place of Request; nil among them stands for Request.
	Variants [][]uint8
	// NoRequest never sends a Configure-Request, and goes on as if ours had been acknowledged. It is for simulated modems.
	NoRequest bool
}

// EchoMode says what a missing Echo-Reply means.
type EchoMode uint8

// The echo modes.
const (
	EchoLearn    EchoMode = iota // as EchoAdaptive, but a peer that has never answered an Echo-Request is never given up
	EchoOff                      // send no Echo-Request
	EchoStrict                   // only an Echo-Reply is a sign of life
	EchoAdaptive                 // any octet received is a sign of life; while octets arrive, no Echo-Request is sent
)

// LCPSettings are for the Link Control Protocol (RFC 1661).
type LCPSettings struct {
	Negotiation

	// Request lists the options of our Configure-Request in order, by type (lcp.request): of LCPMRU, LCPACCM, LCPMagic,
	// LCPPFC and LCPACFC. LCPAuth is added when AuthSettings.Demand says so.
	Request []uint8
	// MRU is the value to ask for if Request has the option (lcp.mru).
	MRU uint16
	// ACCM is the value to ask for if Request has the option (lcp.accm).
	ACCM uint32
	// SendACCM are control characters that we escape in addition to those the peer asked for (lcp.send_accm).
	SendACCM uint32
	// RefuseOptions lists options of the peer's that are rejected although we could do them, by type (lcp.refuse).
	RefuseOptions []uint8

	// EchoMode says what a missing Echo-Reply means (lcp.echo_mode).
	EchoMode EchoMode
	// EchoInterval is the time between Echo-Requests (lcp.echo_interval).
	EchoInterval time.Duration
	// EchoFailure is how many Echo-Requests without a sign of life end the link (lcp.echo_failure).
	EchoFailure int
	// NoEchoReply leaves Echo-Requests unanswered. It is for simulated modems.
	NoEchoReply bool

	// MaxLoops is how many times our own magic number may come back before the failure "looped-back" (lcp.max_loops).
	MaxLoops int
}

// AuthSettings are for the Authenticate phase (RFC 1661 section 3.5).
type AuthSettings struct {
	// Allow lists the methods by which the peer may authenticate us (auth.allow). If it demands another one, we Nak with the
	// first. Empty: we reject every demand.
	Allow []auth.Method
	// AtLeast is the least strength of a method that the peer may demand, whatever Allow holds: the strength that has worked
	// before with this modem. A peer that demands no authentication is accepted.
	AtLeast auth.Strength
	// AllowDowngrade lets the peer demand, in a later negotiation of the same call, a method that is weaker than the first one, or
	// than AtLeast (auth.downgrade). Without it such a demand ends the link with "auth-downgrade".
	AllowDowngrade bool
	// Require ends the link with "auth-method" if the peer demands no authentication of us (auth.require).
	Require bool
	// Client holds our name and secret. Limit is auth.timeout, Retransmit auth.restart, MaxRequests auth.max_requests. Its Rand is
	// the engine's.
	Client auth.ClientConfig
	// Provisional says that a success counts only when IPCP is open (auth.provisional; 3GPP TS 29.061).
	Provisional bool
	// NoImpliedSuccess keeps waiting for the peer's Success even when it already negotiates IPCP, which it may not do before (the
	// opposite of auth.implied_success). Without it the peer's second Configure-Request stands for a Success that was lost. The
	// Success of MS-CHAPv2 is never replaced that way, because it proves something.
	NoImpliedSuccess bool
	// IgnoreRechallenge does not answer CHAP challenges after a success (auth.rechallenge). RFC 1994 section 2 requires an answer.
	IgnoreRechallenge bool

	// Demand lists the methods by which the peer must authenticate itself, best first; it must take one of them. Empty: nothing is
	// demanded, as a dialer wants it.
	Demand []auth.Method
	// Server says whom we believe, if Demand is not empty.
	Server auth.ServerConfig
}

// Assignment holds the addresses that the modem's end of a link gives to the dialer.
type Assignment struct {
	Address netip.Addr    // the zero Addr: nothing is assigned, the peer may take what it likes
	DNS     [2]netip.Addr // the zero Addr: the option is rejected
	NBNS    [2]netip.Addr // the zero Addr: the option is rejected
}

// IPCPSettings are for the IP Control Protocol (RFC 1332, RFC 1877).
type IPCPSettings struct {
	Negotiation

	// Disabled refuses IPCP by a Protocol-Reject.
	Disabled bool
	// Optional lets the link go on with IPv6 alone if IPCP fails and IPV6CP is open or negotiating: the context has IPv6.
	Optional bool
	// Request lists the options of our first Configure-Request in order, by type (ipcp.request): of IPCPAddress,
	// IPCPDNS1, IPCPDNS2, IPCPNBNS1 and IPCPNBNS2. All ask with 0.0.0.0.
	Request []uint8
	// Local is the address to ask for instead of 0.0.0.0; it is kept against every Nak (ipcp.local_address).
	Local netip.Addr
	// AcceptLocal accepts the peer's suggestion in place of Local (ipcp.accept_local).
	AcceptLocal bool
	// YieldLocal is after how many Naks in a row for another address Local is left out of the request. 0: never. It is for the
	// modem's end.
	YieldLocal int
	// Assign holds the peer's addresses; its address is ipcp.peer_address.
	Assign Assignment
	// AcceptPeer accepts another address than Assign.Address if the peer has one (ipcp.accept_peer).
	AcceptPeer bool

	// Widen lists options that are added to the request, in order, when Naks make no progress: some firmware answers only requests
	// for NBNS addresses, too (ipcp.widen).
	Widen []uint8
	// WidenAfter is after how many such Naks an option is added (ipcp.widen_after). 0: never.
	WidenAfter int
	// StallReport is how long Naks may make no progress before Stalled reports it (ipcp.stall_report).
	StallReport time.Duration
	// PlaceholderDeadline replaces Deadline once a placeholder was seen: such a modem waits for its network and says so
	// (ipcp.placeholder_deadline).
	PlaceholderDeadline time.Duration
	// PlaceholderPatience is how long we go on asking for real name servers when only placeholders come
	// (ipcp.placeholder_patience). After that the link comes up without them.
	PlaceholderPatience time.Duration
	// Placeholders are values that mean "not known yet", as an address or a name server (ipcp.dns_placeholders).
	Placeholders []netip.Prefix
	// Unbelievable are addresses that cannot be ours (ipcp.unbelievable).
	Unbelievable []netip.Prefix
	// MaxIdentical is how many times in a row a Nak may repeat our proposal for a name server, when the address is known, before
	// we stop asking for that server; at most 255 (ipcp.max_identical).
	MaxIdentical int
	// NoOldAddresses does not try the IP-Addresses option (type 1) when IP-Address was rejected (the opposite of
	// ipcp.old_addresses).
	NoOldAddresses bool

	// AssumePeer is the peer's address if the peer names none (ipcp.assume_peer).
	AssumePeer netip.Addr
	// RejectZeroPeer rejects 0.0.0.0 as the peer's own address at once. Without it AssumePeer is suggested first (ipcp.zero_peer:
	// "reject" or "nak").
	RejectZeroPeer bool
}

// IPV6CPSettings are for the IPv6 Control Protocol (RFC 5072).
type IPV6CPSettings struct {
	Negotiation

	// Enabled negotiates IPv6 (ipv6cp.enable); otherwise it is refused by a Protocol-Reject.
	Enabled bool
	// InterfaceID is the identifier to ask for; zero: a random one.
	InterfaceID [8]byte
}

// lcpVariants are the requests of other dialers: all options, as few as pppd with -pc -ac; no options, for a modem that knows
// none; the magic number alone; a Maximum-Receive-Unit, as Windows.
var lcpVariants = [][]uint8{
	{packet.LCPMRU, packet.LCPACCM, packet.LCPMagic, packet.LCPPFC, packet.LCPACFC}, {},
	{packet.LCPACCM, packet.LCPMagic}, {packet.LCPMRU}, nil, {packet.LCPACCM}, {packet.LCPMagic},
}

// ipcpVariants ask for NBNS addresses as well, as Windows does, and for the address alone. Between them stands the first request,
// for a network that is only slow.
var ipcpVariants = [][]uint8{
	{packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPNBNS1, packet.IPCPDNS2, packet.IPCPNBNS2}, {packet.IPCPAddress}, nil,
}

// varied is the negotiation with other requests after so many that nobody answered.
func (n Negotiation) varied(after int, variants [][]uint8) Negotiation {
	n.VaryAfter, n.Variants = after, variants
	return n
}

// Defaults gives the built-in policy: a dialer that works with all known modem faults that need no profile.
func Defaults() Settings {
	common := Negotiation{
		Restart:            3 * time.Second,
		MaxConfigure:       10,
		MaxTerminate:       2,
		MaxFailure:         5,
		Deadline:           time.Minute,
		FreeNaks:           5,
		NakPace:            300 * time.Millisecond,
		AssumeRequestAfter: 3500 * time.Millisecond,
		AckUnchanged:       true,
		MaxUnchanged:       3,
	}
	s := Settings{
		Trace:           true,
		DecisionTimeout: 2 * time.Second,
		LCP: LCPSettings{
			Negotiation:  common.varied(3, lcpVariants),
			Request:      []uint8{packet.LCPACCM, packet.LCPMagic, packet.LCPPFC, packet.LCPACFC},
			MRU:          1500,
			EchoMode:     EchoLearn,
			EchoInterval: 30 * time.Second,
			EchoFailure:  4,
			MaxLoops:     10,
		},
		Auth: AuthSettings{
			Allow:       []auth.Method{auth.CHAPMD5, auth.PAP, auth.MSCHAPv2, auth.MSCHAP, auth.EAP},
			Provisional: true,
			Client: auth.ClientConfig{
				Inner:         []auth.Method{auth.MSCHAPv2, auth.CHAPMD5},
				ChallengePace: auth.DefaultChallengePace,
			},
		},
		IPCP: IPCPSettings{
			Negotiation:         common.varied(3, ipcpVariants),
			Request:             []uint8{packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPDNS2},
			Widen:               []uint8{packet.IPCPNBNS1, packet.IPCPNBNS2},
			WidenAfter:          2,
			StallReport:         10 * time.Second,
			PlaceholderDeadline: 90 * time.Second,
			PlaceholderPatience: 30 * time.Second,
			Placeholders:        prefixes("10.11.12.13/32", "10.11.12.14/32"),
			Unbelievable:        prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"),
			MaxIdentical:        10,
			AssumePeer:          netip.AddrFrom4([4]byte{10, 64, 64, 64}),
		},
		IPV6CP: IPV6CPSettings{Negotiation: common},
	}
	// Modems Nak while they wait for the network, about once a second, so it is far above RFC 1661's 5.
	s.IPCP.MaxFailure = 100
	return s
}

func prefixes(text ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(text))
	for i, t := range text {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}
