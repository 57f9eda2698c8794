package hdlc

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"
)

// Config says how frames are written: by the settings that the peer has asked for.
type Config struct {
	// ACCM has bit n set when control character n must be escaped (RFC 1662 section 7.1).
	ACCM uint32
	// FCS is the check sequence that ends each frame.
	FCS FCS
	// ACFC leaves out the Address and Control fields (RFC 1661 section 6.6).
	ACFC bool
	// PFC sends protocol numbers below 0x0100 in one octet (RFC 1661 section 6.5).
	PFC bool
	// ShareFlag lets the closing flag of the previous frame open the next one: if the buffer given to Append already ends with a
	// flag, Append writes no opening flag (RFC 1662 section 3.1). If it does not, the frame gets its own.
	ShareFlag bool
}

// DefaultConfig is the setting at the start of a link: every control character escaped, FCS-16, nothing compressed.
func DefaultConfig() Config { return Config{ACCM: DefaultACCM, FCS: FCS16} }

// Encoder writes frames. Make one with NewEncoder.
type Encoder struct {
	cfg   Config
	agree escapes // by the settings
	all   escapes // for LCP: every control character
	fcs   [4]byte // here and not on the stack, so that crc32 costs no allocation
	head  [4]byte
}

// NewEncoder makes an Encoder with the given settings.
func NewEncoder(cfg Config) *Encoder {
	e := &Encoder{}
	e.all.set(DefaultACCM)
	e.Set(cfg)
	return e
}

// Set changes the settings for the frames that follow.
func (e *Encoder) Set(cfg Config) {
	e.cfg = cfg
	e.agree.set(cfg.ACCM)
}

// Config gives the settings of the last Set.
func (e *Encoder) Config() Config { return e.cfg }

// Append appends one frame to dst, from opening to closing flag, and returns the longer slice. It allocates only if dst lacks
// room: MaxLen(len(info)) octets of spare capacity are always enough. info must not overlap the spare capacity of dst.
//
// An LCP packet with a code from 1 to 7 is sent with every control character escaped and with its whole header, regardless of the
// settings: it must get through when the two ends no longer agree (RFC 1661 sections 6.5 and 6.6, RFC 1662 section 7.1). Its FCS
// follows the settings; the caller sets them back to FCS-16 when the link leaves the authentication and network phases (RFC 1570
// section 2.1).
func (e *Encoder) Append(dst []byte, protocol uint16, info []byte) []byte {
	esc, acfc, pfc := &e.agree, e.cfg.ACFC, e.cfg.PFC
	if protocol == protocolLCP && len(info) > 0 && info[0] >= 1 && info[0] <= 7 {
		esc, acfc, pfc = &e.all, false, false
	}
	head := e.head[:0]
	if !acfc {
		head = append(head, allStations, unnumbered)
	}
	// One octet tells its end by being odd: an even number below 0x0100 is none that RFC 1661 section 2 allows, and
	// compressed it would be read as the first of two octets.
	if pfc && protocol < 0x100 && protocol&1 != 0 {
		head = append(head, byte(protocol))
	} else {
		head = append(head, byte(protocol>>8), byte(protocol))
	}
	var fcs []byte
	if e.cfg.FCS == FCS32 {
		v := crc32.Update(crc32.Update(0, crc32.IEEETable, head), crc32.IEEETable, info)
		fcs = binary.LittleEndian.AppendUint32(e.fcs[:0], v)
	} else {
		v := ^fcs16(fcs16(fcs16Init, head), info)
		fcs = binary.LittleEndian.AppendUint16(e.fcs[:0], v)
	}

	j := len(dst)
	shared := e.cfg.ShareFlag && j > 0 && dst[j-1] == flag
	dst = slices.Grow(dst, MaxLen(len(info)))
	out := dst[:cap(dst)]
	if !shared {
		out[j] = flag
		j++
	}
	j = esc.each(out, j, head)
	j = esc.put(out, j, info)
	j = esc.each(out, j, fcs)
	out[j] = flag
	return out[:j+1]
}

// MaxLen is the greatest number of octets that one frame with n octets of information can take: two flags, and every
// octet of header, information and FCS escaped.
func MaxLen(n int) int { return 2 + 2*(4+n+4) }

// escapes has the form of each octet on the line.
type escapes struct {
	// octet holds what to send, the first octet in the lowest bits: the octet itself, or the Control Escape and the octet
	// exclusive-or 0x20. From bit 16 on stands how many octets that is.
	octet [256]uint32
	// rare are the octets to be escaped, when they are so few that searching for each beats looking at every octet.
	rare []byte
	room [maxRare]byte
}

const maxRare = 6

func (e *escapes) set(accm uint32) {
	e.rare = e.room[:0]
	few := bits.OnesCount32(accm)+2 <= maxRare
	for c := range uint32(256) {
		if c != flag && c != escape && (c >= 32 || accm>>c&1 == 0) {
			e.octet[c] = c | 1<<16
			continue
		}
		e.octet[c] = escape | (c^escapeBit)<<8 | 2<<16
		if few {
			e.rare = append(e.rare, byte(c))
		}
	}
}

// put writes src at out[j:], escaped, and returns the new j. It may write one octet beyond that.
func (e *escapes) put(out []byte, j int, src []byte) int {
	if len(e.rare) == 0 || len(src) < 32 {
		return e.each(out, j, src)
	}
	// next[n] is where e.rare[n] stands next. The runtime's search looks at 32 octets at a time, and copy moves as many.
	var next [maxRare]int
	for n, c := range e.rare {
		next[n] = find(src, 0, c)
	}
	for i := 0; ; {
		at, which := len(src), 0
		for n := range e.rare {
			if next[n] < at {
				at, which = next[n], n
			}
		}
		j += copy(out[j:], src[i:at])
		if at == len(src) {
			return j
		}
		c := e.rare[which]
		out[j], out[j+1] = escape, c^escapeBit
		j += 2
		i = at + 1
		next[which] = find(src, i, c)
	}
}

// each is put octet by octet. It has no branch: where nearly every word has something to escape, the processor would
// guess wrong as often.
func (e *escapes) each(out []byte, j int, src []byte) int {
	for _, c := range src {
		v := e.octet[c]
		binary.LittleEndian.PutUint16(out[j:j+2], uint16(v))
		j += int(v >> 16)
	}
	return j
}

// find is the index of the first c in p[from:], counted from the start of p; len(p) if there is none.
func find(p []byte, from int, c byte) int {
	if n := bytes.IndexByte(p[from:], c); n >= 0 {
		return from + n
	}
	return len(p)
}
