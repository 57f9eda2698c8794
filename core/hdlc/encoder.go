package hdlc

// Config says how frames are written: what the peer agreed to receive.
type Config struct {
	// ACCM has bit n set when control character n must be escaped (RFC 1662 section 7.1).
	ACCM uint32
	// FCS is the check sequence that ends each frame.
	FCS FCS
	// ACFC leaves out the Address and Control fields (RFC 1661 section 6.6).
	ACFC bool
	// PFC sends protocol numbers below 0x0100 in one octet (RFC 1661 section 6.5).
	PFC bool
	// ShareFlag lets the closing flag of the previous frame open the next: where the buffer given to Append already ends
	// with a flag, no other is written (RFC 1662 section 3.1). Where it does not, the frame gets its own opening flag.
	ShareFlag bool
}

// DefaultConfig is what a link starts with: every control character escaped, FCS-16, nothing compressed.
func DefaultConfig() Config { return Config{ACCM: DefaultACCM, FCS: FCS16} }

// Encoder writes frames. Make one with NewEncoder.
type Encoder struct {
	cfg Config
}

// NewEncoder makes an Encoder with the given settings.
func NewEncoder(cfg Config) *Encoder {
	e := &Encoder{}
	e.Set(cfg)
	return e
}

// Set changes the settings for the frames that follow.
func (e *Encoder) Set(cfg Config) { e.cfg = cfg }

// Config is what Set got last.
func (e *Encoder) Config() Config { return e.cfg }

// Append writes one frame at the end of dst, from opening to closing flag, and returns the longer slice. It allocates
// only when dst lacks room: MaxLen(len(info)) octets of spare capacity are always enough. info must not overlap dst.
//
// An LCP packet with a code from 1 to 7 goes out with every control character escaped and its header whole, whatever
// is agreed: it is what must get through when the two ends no longer agree (RFC 1661 sections 6.5 and 6.6, RFC 1662
// section 7.1). The FCS follows the settings for LCP too.
func (e *Encoder) Append(dst []byte, protocol uint16, info []byte) []byte { panic("hdlc: not written yet") }

// MaxLen is the greatest number of octets that one frame with n octets of information can take, plus the room that
// Append wants for writing in whole words.
func MaxLen(n int) int { return 2 + 2*(4+n+4) + 16 }
