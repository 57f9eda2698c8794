// Package auth holds the authentication protocols of PPP as machines, for both ends: PAP (RFC 1334), CHAP with MD5 (RFC 1994),
// MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759) and EAP (RFC 3748) with MD5-Challenge and MSCHAPv2.
//
// The client is the end that proves who it is; the server is the authenticator. Both take the information field of PPP packets
// (from the code octet on) and the time, and give outputs. They do not know LCP: the owner of the link makes the machine for the
// method that LCP agreed on, starts it when LCP is Opened and drops it when LCP goes down.
package auth

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Method is one way of authentication that LCP's Authentication-Protocol option can demand.
type Method uint8

// The methods. None means that LCP agreed on no authentication; there is no machine for it.
const (
	None     Method = iota
	PAP             // RFC 1334
	CHAPMD5         // RFC 1994
	MSCHAP          // RFC 2433
	MSCHAPv2        // RFC 2759
	EAP             // RFC 3748
)

var methods = [...]struct {
	name   string
	option string // the data of the Authentication-Protocol option, RFC 1661 section 6.2
}{
	None:     {"none", ""},
	PAP:      {"pap", "\xc0\x23"},
	CHAPMD5:  {"chap-md5", "\xc2\x23\x05"},
	MSCHAP:   {"mschap", "\xc2\x23\x80"},
	MSCHAPv2: {"mschap-v2", "\xc2\x23\x81"},
	EAP:      {"eap", "\xc2\x27"},
}

// String gives the name that settings and events use: none, pap, chap-md5, mschap, mschap-v2 or eap.
func (m Method) String() string {
	if int(m) < len(methods) {
		return methods[m].name
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// MarshalText gives String, for JSON and TOML.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts what String gives.
func (m *Method) UnmarshalText(text []byte) error {
	for i, e := range methods {
		if e.name == string(text) {
			*m = Method(i)
			return nil
		}
	}
	return fmt.Errorf("unknown authentication method %q: want none, pap, chap-md5, mschap, mschap-v2 or eap", text)
}

// Protocol gives the PPP protocol number that the method's packets carry, or 0 for None.
func (m Method) Protocol() uint16 {
	if o := m.option(); len(o) >= 2 {
		return uint16(o[0])<<8 | uint16(o[1])
	}
	return 0
}

// AppendOption appends the data of LCP's Authentication-Protocol option (RFC 1661 section 6.2; without type and length)
// that asks for the method. None appends nothing.
func (m Method) AppendOption(b []byte) []byte { return append(b, m.option()...) }

// MethodOf says which method the data of an Authentication-Protocol option asks for. Data behind a two-octet PAP or EAP
// is ignored. It gives false for an unknown protocol or CHAP algorithm.
func MethodOf(data []byte) (Method, bool) {
	for m := PAP; m <= EAP; m++ {
		o := m.option()
		if len(data) < len(o) || string(data[:len(o)]) != o {
			continue
		}
		if m.Protocol() == packet.CHAP && len(data) != len(o) {
			continue
		}
		return m, true
	}
	return None, false
}

func (m Method) option() string {
	if int(m) < len(methods) {
		return methods[m].option
	}
	return ""
}

// Machine is implemented by every Client and Server; docs/architecture.md explains its shape.
type Machine interface {
	// Start says that the link is in the Authenticate phase (RFC 1661 section 3.5). It is called once.
	Start(now time.Time)
	// Receive takes the information field of one packet of the method's protocol. The machine does not keep it. Packets that make
	// no sense are dropped; a Note reports some of them.
	Receive(now time.Time, info []byte)
	// Advance fires the timers that are due.
	Advance(now time.Time)
	// Deadline says when Advance must be called next; the zero time: no timer is running.
	Deadline() time.Time
	// Next gives the next output. Call it until it gives false after each of the other calls.
	Next() (Output, bool)
}

// Client is the end that proves who it is. After its Success it goes on answering, because a CHAP or EAP server may challenge
// again at any time (RFC 1994 section 2). If the server then refuses, a Failure follows the Success.
type Client interface{ Machine }

// Delegate is implemented by a Client of CHAP, MS-CHAP or MS-CHAPv2. It lets somebody else, who has the secret, answer the
// challenges.
type Delegate interface {
	Client
	// Delegated says that this response was sent to this challenge; both are the information field of a packet. authenticator is
	// what the Success must hold (RFC 2759 section 8.7: 20 octets). If it is nil, the server is not verified, and a Note says so.
	// The call takes the place of Receive. It gives false if the packets are not a challenge and a response.
	Delegated(challenge, response, authenticator []byte) bool
	// Challenged counts a challenge that somebody else is asked to answer, and says whether it may be answered:
	// ClientConfig.ChallengePace holds for such challenges, too.
	Challenged(now time.Time) bool
}

// Server is the authenticator.
type Server interface{ Machine }

// Output is one of Send, Success, Failure and Note.
type Output interface{ output() }

// Send says that a packet of the method's protocol is to be sent. Info belongs to the machine and is valid until the machine's
// next Receive or Advance.
type Send struct {
	Info []byte
}

// Success says that the authentication succeeded. On a client it is the claim of the server; 3GPP modems make that claim for every
// name and secret (3GPP TS 29.061 section 11.2.1.3.1).
type Success struct {
	Method   Method // the method; for EAP the inner method, or EAP itself if the server asked for none
	Peer     string // the name of the other end in its challenge (client) or its identity (server); may be ""
	Message  string // the server's text, made printable
	Verified bool   // server: the credentials were found and are right; client: the server proved that it knows the secret
}

// Failure says that the authentication failed.
type Failure struct {
	Reason  Reason
	Method  Method // as in Success
	Peer    string // as in Success
	Message string // the server's text, made printable; or a sentence about what happened
	Code    int    // the error code of MS-CHAP (RFC 2433 section 4.3 and 5, for example 691), or 0
}

// Text gives the reason with the message.
func (f Failure) Text() string {
	if f.Message == "" {
		return f.Reason.String()
	}
	return f.Reason.String() + ": " + f.Message
}

// Note reports something that was tolerated or dropped.
type Note struct {
	Notice event.Notice
}

func (Send) output()    {}
func (Success) output() {}
func (Failure) output() {}
func (Note) output()    {}

// Reason says why an authentication failed.
type Reason uint8

// The reasons.
const (
	Refused    Reason = iota + 1 // the server said no (client), or the credentials were wrong (server)
	TimedOut                     // the other end did not answer, or did not answer properly, in time
	Impostor                     // client: the server could not prove that it knows the secret (MS-CHAPv2)
	NoMethod                     // EAP: the two ends have no method in common
	Impossible                   // the exchange cannot be computed, for example because there are no random numbers
)

var reasons = [...]string{
	Refused: "refused", TimedOut: "timed out", Impostor: "impostor", NoMethod: "no common method", Impossible: "impossible",
}

// String gives the reason in one to three words.
func (r Reason) String() string {
	if int(r) < len(reasons) && reasons[r] != "" {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// MarshalText gives String, for JSON.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// The defaults, which are pppd's.
const (
	DefaultRetransmit  = 3 * time.Second
	DefaultMaxRequests = 10
	DefaultLimit       = 60 * time.Second
	// DefaultChallengePace is the time for one more answer, after the first ten challenges.
	DefaultChallengePace = 10 * time.Second
)

// ClientConfig holds the client's name, secret and time limits. Name and Secret may be empty: some modems require that.
type ClientConfig struct {
	Name   string // at most 255 octets
	Secret Secret // PAP: at most 255 octets; MS-CHAP: UTF-8 unless PlainPassword, at most 256 characters

	// Retransmit is the time from one PAP Authenticate-Request to the next; 0 means DefaultRetransmit.
	Retransmit time.Duration
	// MaxRequests is how many PAP Authenticate-Requests are sent; 0 means DefaultMaxRequests.
	MaxRequests int
	// Limit is the time after Start within which a CHAP or EAP server must give a result; 0 means DefaultLimit, a negative value
	// no limit.
	Limit time.Duration

	// ChallengePace bounds the challenges that are answered, those of CHAP and those inside EAP, repeated ones too: ten at once,
	// then one in each ChallengePace. Others are dropped, with one Note. 0 means DefaultChallengePace, a negative value no limit.
	ChallengePace time.Duration
	// Challenges holds the count for ChallengePace; nil: the client has a count of its own.
	Challenges *Challenges

	// PlainPassword turns each octet of the password into one UTF-16 character for MS-CHAP, as lwIP and pppd do, instead of
	// decoding UTF-8. It matters for passwords beyond ASCII only.
	PlainPassword bool

	// TolerateImpostor accepts an MS-CHAPv2 Success whose authenticator response (RFC 2759 section 8.7) is missing or wrong, with
	// a Note. Without it that is a Failure with reason Impostor.
	TolerateImpostor bool

	// Inner lists the acceptable EAP methods, best first, out of CHAPMD5 (MD5-Challenge) and MSCHAPv2. Nil means both, MSCHAPv2
	// first.
	Inner []Method

	// Rand gives the random octets for identifiers and the MS-CHAPv2 peer challenge; nil means crypto/rand.
	Rand io.Reader
}

// wide is the secret whose UTF-16 is the password of MS-CHAP.
func (c *ClientConfig) wide() Secret {
	if c.PlainPassword {
		return widened(c.Secret)
	}
	return c.Secret
}

// ServerConfig holds the name of the authenticator, and the names and secrets that it accepts.
type ServerConfig struct {
	Name string // in challenges, at most 255 octets; for example UMTS_CHAP_SRVR

	// Lookup gives the secret of a client's name. It must not block. Nil knows no names.
	Lookup func(name string) (Secret, bool)
	// AcceptAnybody acknowledges every answer of the client, as 3GPP modems do. Lookup is still called, for Success.Verified.
	AcceptAnybody bool

	Message        string // text of the acknowledgement; in MS-CHAPv2 it follows M=
	FailureMessage string // text of the refusal; in MS-CHAP it follows M=

	Retransmit  time.Duration // from one challenge or request to the next; 0 means DefaultRetransmit
	MaxRequests int           // how many times each is sent; 0 means DefaultMaxRequests
	Limit       time.Duration // PAP: how long to wait for the client; 0 means DefaultLimit, a negative value for ever
	Rechallenge time.Duration // CHAP: from one success to the next challenge; 0 means never

	// Inner lists the EAP methods to offer, in this order, out of CHAPMD5 (MD5-Challenge) and MSCHAPv2. Nil means
	// MSCHAPv2, then CHAPMD5.
	Inner []Method

	// Rand gives the random octets for identifiers and challenges; nil means crypto/rand.
	Rand io.Reader
}

// NewClient makes the client for a method. It gives an error if the name or the secret does not fit the method, or the method has
// no machine. The error holds neither the name nor the secret.
func NewClient(m Method, c ClientConfig) (Client, error) {
	c.Retransmit = or(c.Retransmit, DefaultRetransmit)
	c.MaxRequests = or(c.MaxRequests, DefaultMaxRequests)
	c.Limit = or(c.Limit, DefaultLimit)
	c.ChallengePace = or(c.ChallengePace, DefaultChallengePace)
	if c.Challenges == nil {
		c.Challenges = &Challenges{}
	}
	if c.Inner == nil {
		c.Inner = []Method{MSCHAPv2, CHAPMD5}
	}
	if len(c.Name) > maxName {
		return nil, fmt.Errorf("%v: the user name has %d octets, at most %d are possible", m, len(c.Name), maxName)
	}
	if err := innerFits(c.Inner); err != nil {
		return nil, err
	}
	if m == MSCHAP || m == MSCHAPv2 || m == EAP && slices.Contains(c.Inner, MSCHAPv2) {
		if err := passwordFits(c.wide()); err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
	}
	switch m {
	case PAP:
		if n := len(c.Secret.Reveal()); n > maxName {
			return nil, fmt.Errorf("pap: the password has %d octets, at most %d are possible", n, maxName)
		}
		return &papClient{c: c}, nil
	case CHAPMD5, MSCHAP, MSCHAPv2:
		return &chapClient{c: c, method: m}, nil
	case EAP:
		return &eapClient{c: c}, nil
	}
	return nil, fmt.Errorf("there is no authentication with %v", m)
}

// NewServer makes the server for a method. It gives an error if the name or a message does not fit, or the method has no machine.
func NewServer(m Method, c ServerConfig) (Server, error) {
	c.Retransmit = or(c.Retransmit, DefaultRetransmit)
	c.MaxRequests = or(c.MaxRequests, DefaultMaxRequests)
	c.Limit = or(c.Limit, DefaultLimit)
	if c.Inner == nil {
		c.Inner = []Method{MSCHAPv2, CHAPMD5}
	}
	if len(c.Name) > maxName || len(c.Message) > maxName || len(c.FailureMessage) > maxName {
		return nil, fmt.Errorf("%v: a name or message has more than %d octets", m, maxName)
	}
	if err := innerFits(c.Inner); err != nil {
		return nil, err
	}
	switch m {
	case PAP:
		return &papServer{c: c}, nil
	case CHAPMD5, MSCHAP, MSCHAPv2:
		return &chapServer{c: c, method: m}, nil
	case EAP:
		if len(c.Inner) == 0 {
			return nil, fmt.Errorf("eap: the server needs a method to offer")
		}
		return &eapServer{c: c}, nil
	}
	return nil, fmt.Errorf("there is no authentication with %v", m)
}

func innerFits(inner []Method) error {
	for i, m := range inner {
		if eapType(m) == 0 || slices.Contains(inner[:i], m) {
			return fmt.Errorf("eap: the methods inside can be chap-md5 and mschap-v2, each once, not %v", inner)
		}
	}
	return nil
}
