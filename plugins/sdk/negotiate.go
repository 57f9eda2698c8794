package sdk

import (
	"context"
	"net/netip"
	"time"
)

// Addr is the standard library's address.
type Addr = netip.Addr

// Duration is the standard library's.
type Duration = time.Duration

// Negotiator may decide differently from knak about an event of LCP, the authentication, IPCP or IPV6CP. knak waits 20 ms, and at
// most 150 ms, for all plugins together.
type Negotiator interface {
	// Decisions lists the events that the plugin decides about. It is called once, before Configure. The first entry that
	// fits an event is used.
	Decisions() []On
}

// On is one kind of event with the function that decides it.
type On struct {
	Protocol Protocol // 0: any
	Point    Point    // 0: any
	Decide   func(ctx context.Context, e Event) (Verdict, error)
}

// Protocol is a PPP protocol number.
type Protocol uint16

// The protocols with events.
const (
	LCP    Protocol = 0xc021
	PAP    Protocol = 0xc023
	CHAP   Protocol = 0xc223
	EAP    Protocol = 0xc227
	IPCP   Protocol = 0x8021
	IPV6CP Protocol = 0x8057
)

// Point is what has happened; it determines the possible answers. Pass is always possible.
type Point int32

// The decision points.
const (
	// PointRequest: knak is about to send a Configure-Request with Options.
	// Request with other options; Wait and ask again; Drop (the restart timer runs all the same); Terminate.
	PointRequest Point = 1
	// PointPeerRequest: a Configure-Request came; the intent is the Ack, Nak or Reject that would be the answer.
	// Ack, Nak or Reject with Options; Wait and then do as intended; Drop; Terminate.
	PointPeerRequest Point = 2
	// PointNak: a Configure-Nak of knak's request came; the intent is Request with the next request's options and delay.
	// Request with other options, after Delay; Retry what was sent; Drop; Terminate.
	PointNak Point = 3
	// PointReject: the same for a Configure-Reject.
	PointReject Point = 4
	// PointAck: a Configure-Ack of knak's request came; the intent is Ack (accept it) or Drop (it does not match). Ack; Retry
	// (ask again after Delay); Drop; Terminate.
	PointAck Point = 5
	// PointTerminate: a Terminate-Request came; the intent is Ack, which ends the protocol.
	// Ack; Retry (acknowledge, but negotiate on); Drop.
	PointTerminate Point = 6
	// PointTimeout: the restart timer ran out; the intent is Retry, or Terminate when the counter is at zero.
	// Retry; Wait for Delay; Terminate.
	PointTimeout Point = 7
	// PointAuthChallenge: a packet of the authentication protocol came, and there is no result yet; the intent is Pass.
	// Send a packet in place of knak's answer; Wait; Drop; Terminate.
	PointAuthChallenge Point = 8
	// PointAuthResult: the authentication came to a result; the intent is Ack for a success, Terminate for a failure.
	// Ack; Terminate.
	PointAuthResult Point = 9
	// PointAddress: IPCP's Ack holds these options; the intent is Ack where the address is believable, else Retry.
	// Ack; Retry (ask again after Delay); Terminate.
	PointAddress Point = 10
	// PointOpened: a protocol is about to be Opened; the intent is Pass.
	// Wait; Terminate.
	PointOpened Point = 11
)

// Event is one decision that knak has to make.
type Event struct {
	Link     Link
	Device   Device
	ID       uint64 // counts the decisions of this attempt
	Protocol Protocol
	Point    Point   // a later knak may have points that are not listed here
	Code     uint8   // code of the packet that came; 0: no packet came
	Options  Options // of the packet, or of the request that is about to be sent
	Packet   []byte  // the information field that came, from the code on; nil: no packet came
	Redacted bool    // secrets in Packet and Options are overwritten, because the plugin has no GrantSecrets
	Intent   Verdict // what knak does if the plugin passes
	Budget   Duration
}

// Action is what a Verdict says to do.
type Action int32

// The actions. The comment of each Point says which are possible.
const (
	ActionPass      Action = 1 // as knak intended; the zero Action passes as well
	ActionAck       Action = 2
	ActionNak       Action = 3
	ActionReject    Action = 4
	ActionRequest   Action = 5
	ActionWait      Action = 6
	ActionRetry     Action = 7
	ActionTerminate Action = 8
	ActionDrop      Action = 9
	ActionSend      Action = 10
)

// Verdict is an answer to an Event, or what knak would do. The zero value passes. The functions below make each kind.
type Verdict struct {
	Action  Action
	Options Options  // for Ack, Nak, Reject and Request; nil with Ack: the request's own
	Packet  []byte   // for Send: the information field, from the code on
	Delay   Duration // for Request, Retry and Wait; at most a minute
	Reason  string   // for Terminate
}

// Pass lets knak do as it intended.
func Pass() Verdict { return Verdict{Action: ActionPass} }

// Ack acknowledges, or accepts what came.
func Ack() Verdict { return Verdict{Action: ActionAck} }

// Nak answers with a Configure-Nak that suggests the options.
func Nak(options ...Option) Verdict { return Verdict{Action: ActionNak, Options: options} }

// Reject answers with a Configure-Reject of the options.
func Reject(options ...Option) Verdict { return Verdict{Action: ActionReject, Options: options} }

// Request asks for the options.
func Request(options ...Option) Verdict { return Verdict{Action: ActionRequest, Options: options} }

// Wait does nothing for d, then what knak intended.
func Wait(d Duration) Verdict { return Verdict{Action: ActionWait, Delay: d} }

// Retry sends the same request again.
func Retry() Verdict { return Verdict{Action: ActionRetry} }

// Terminate ends the protocol, or the link for LCP and the authentication.
func Terminate(reason string) Verdict { return Verdict{Action: ActionTerminate, Reason: reason} }

// Drop ignores the packet that came, or does not send the packet.
func Drop() Verdict { return Verdict{Action: ActionDrop} }

// Send sends a packet in place of knak's answer: the information field, from the code on.
func Send(packet []byte) Verdict { return Verdict{Action: ActionSend, Packet: packet} }

// In gives the verdict with a delay before it takes effect.
func (v Verdict) In(d Duration) Verdict {
	v.Delay = d
	return v
}
