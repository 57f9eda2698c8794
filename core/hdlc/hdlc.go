// Package hdlc turns PPP frames into octets for an asynchronous line and back: flags, escaping and the frame check sequence of RFC
// 1662. It does no input or output, starts no goroutine, and allocates nothing once its buffers exist.
//
// The two directions are separate values, because a link negotiates the settings of each direction separately: an Encoder follows
// what the peer has asked for, a Decoder what this side has asked for.
package hdlc

// The octets with a special meaning on the line (RFC 1662 sections 3.1 and 4.2).
const (
	flag        = 0x7e // delimits frames
	escape      = 0x7d // the next octet is to be taken exclusive-or 0x20
	escapeBit   = 0x20
	allStations = 0xff // the Address field, always
	unnumbered  = 0x03 // the Control field, always
)

// Values of the settings before anything is negotiated.
const (
	DefaultACCM = 0xffffffff // RFC 1662 section 7.1
	DefaultMRU  = 1500       // RFC 1661 section 6.1
)

// protocolLCP is the Link Control Protocol, whose frames go out as if nothing had been agreed (RFC 1661 section 5).
const protocolLCP = 0xc021

// FCS names a kind of frame check sequence.
type FCS uint8

// The two frame check sequences of RFC 1662 appendix C. The zero value is the one that every link starts with.
const (
	FCS16 FCS = iota // 16 bits, the default
	FCS32            // 32 bits, by the FCS-Alternatives option (RFC 1570 section 2.1)
)

// Size is the number of octets that the FCS takes in a frame.
func (f FCS) Size() int {
	if f == FCS32 {
		return 4
	}
	return 2
}

// String gives "FCS-16" or "FCS-32".
func (f FCS) String() string {
	if f == FCS32 {
		return "FCS-32"
	}
	return "FCS-16"
}
