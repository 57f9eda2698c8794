package capture

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng section 11.1).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOldPacket = 2
	blockSimple    = 3
	blockNames     = 4
	blockStats     = 5
	blockPacket    = 6
	blockCustom    = 0x00000bad
	blockCustomNot = 0x40000bad // not to be copied

	byteOrderMagic = 0x1a2b3c4d
)

// Options of pcapng blocks.
const (
	optEnd        = 0
	optComment    = 1
	optFlags      = 2  // of a packet: bits 0 and 1 give its direction; 1: inbound, 2: outbound
	optResolution = 9  // of an interface
	optOffset     = 14 // of an interface, in seconds
)

// maxInterfaces is the most interfaces of a section that are kept.
const maxInterfaces = 4096

var pcapngFormat = source.Format{
	Name: "pcapng", Title: "pcapng capture",
	Sniff: func(b []byte) int {
		if len(b) >= 12 && binary.LittleEndian.Uint32(b) == blockSection {
			if m := binary.LittleEndian.Uint32(b[8:]); m == byteOrderMagic || bits.ReverseBytes32(m) == byteOrderMagic {
				return source.Certain
			}
		}
		return source.No
	},
	Open: opener(func(*reader) format { return &pcapng{} }),
}

// pcapng reads sections one after another. Blocks that are not about packets are skipped, as the format provides.
type pcapng struct {
	order  binary.ByteOrder
	ifaces []*iface
	links  links
}

func (p *pcapng) step(r *reader) error {
	head, err := r.in.Peek(12)
	if err != nil {
		return err
	}
	if len(head) < 12 {
		return r.lost(0, "a block that is cut off")
	}
	if binary.LittleEndian.Uint32(head) == blockSection {
		switch {
		case binary.LittleEndian.Uint32(head[8:]) == byteOrderMagic:
			p.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]) == byteOrderMagic:
			p.order = binary.BigEndian
		default:
			return r.lost(0, "a section without its byte-order magic")
		}
		p.ifaces = nil
	}
	if p.order == nil {
		return r.lost(0, "no pcapng section")
	}
	kind, size := p.order.Uint32(head), p.order.Uint32(head[4:])
	if size < 12 || size > maxPacket+4096 && (known(kind) && kind != blockNames || kind > blockCustom && kind != blockCustomNot && kind>>31 == 0) {
		return p.resync(r, "a block whose length cannot be true")
	}
	if size > maxPacket+4096 {
		return r.pass(int64(size)) // names, secrets and the like are not needed
	}
	whole := int(size+3) &^ 3
	switch b, _ := r.in.Peek(whole); {
	case len(b) < whole && whole <= source.PrefixLen: // the file ends inside this block: it is cut off, or the length is wrong
		return p.resync(r, "a block that is cut off")
	case len(b) == whole && p.order.Uint32(b[size-4:]) != size:
		if b, _ := r.in.Peek(whole + 12); !known(kind) || len(b) == whole+12 && !p.begins(b[whole:]) {
			return p.resync(r, "a block whose two lengths differ, with no block after it")
		}
	}
	b, err := r.full(whole)
	if err != nil {
		r.unread(len(b), "a block that is cut off")
		return err
	}
	if p.order.Uint32(b[size-4:]) != size {
		r.warning("a block of %d octets has another length at its end; it is read as if the first length were right", size)
	}
	p.block(r, kind, b[8:size-4])
	return nil
}

// known says whether a block is of a kind that is frequent in captures of packets.
func known(kind uint32) bool {
	switch kind {
	case blockSection, blockInterface, blockPacket, blockOldPacket, blockSimple, blockNames, blockStats:
		return true
	}
	return false
}

// begins says whether b looks like the beginning of a block.
func (p *pcapng) begins(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	kind, size := p.order.Uint32(b), p.order.Uint32(b[4:])
	return known(kind) && size >= 12 && size <= maxPacket+4096
}

// resync skips damaged octets: it looks for the next block with the same length at its beginning and its end.
func (p *pcapng) resync(r *reader, reason string) error {
	lost, from := 0, 1
	for {
		b, err := r.in.Peek(source.PrefixLen)
		if err != nil {
			r.unread(lost, reason)
			return err
		}
		for i := from; i+12 <= len(b); i++ {
			if !p.begins(b[i:]) {
				continue
			}
			if size := int(p.order.Uint32(b[i+4:])); i+size <= len(b) && int(p.order.Uint32(b[i+size-4:])) == size {
				r.in.Skip(i)
				r.unread(lost+i, reason)
				return nil
			}
		}
		n := len(b)
		if n == source.PrefixLen {
			n /= 2 // a block may begin here and end after the octets that are visible
		}
		r.in.Skip(n)
		lost, from = lost+n, 0
	}
}

func (p *pcapng) block(r *reader, kind uint32, b []byte) {
	switch kind {
	case blockInterface:
		p.iface(r, b)
	case blockPacket, blockOldPacket:
		p.packet(r, kind, b)
	case blockSimple:
		r.pos.Packet++
		if len(b) < 4 || len(p.ifaces) == 0 {
			r.unread(len(b), "a packet without an interface")
			return
		}
		whole := p.order.Uint32(b)
		size := min(whole, uint32(len(b)-4))
		if snap := p.ifaces[0].snap; snap > 0 {
			size = min(size, snap)
		}
		p.links.packet(r, p.ifaces[0], frame{now: r.last, data: b[4 : 4+size], missing: missing(whole, size)})
	}
}

func (p *pcapng) iface(r *reader, b []byte) {
	if len(b) < 8 || len(p.ifaces) == maxInterfaces {
		r.unread(len(b), "an interface that cannot be used")
		return
	}
	i := &iface{link: uint32(p.order.Uint16(b)), snap: p.order.Uint32(b[4:]), order: p.order, unit: time.Microsecond}
	for code, value := range options(p.order, b[8:]) {
		switch {
		case code == optResolution && len(value) == 1:
			i.resolution(value[0])
		case code == optOffset && len(value) == 8:
			i.offset = int64(p.order.Uint64(value))
		}
	}
	p.ifaces = append(p.ifaces, i)
	p.links.open(r, i)
}

func (p *pcapng) packet(r *reader, kind uint32, b []byte) {
	r.pos.Packet++
	if len(b) < 20 {
		r.unread(len(b), "a packet block that is too short")
		return
	}
	n := p.order.Uint32(b)
	if kind == blockOldPacket {
		n = uint32(p.order.Uint16(b)) // the other half is the number of dropped packets
	}
	ticks := uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))
	size, whole := p.order.Uint32(b[12:]), p.order.Uint32(b[16:])
	if uint64(n) >= uint64(len(p.ifaces)) || uint64(size) > uint64(len(b)-20) {
		r.unread(len(b), "a packet block without its interface, or with a packet longer than the block")
		return
	}
	i := p.ifaces[n]
	f := frame{now: i.time(ticks), data: b[20 : 20+size], missing: missing(whole, size)}
	r.last = f.now
	rest := b[min(len(b), 20+(int(size)+3)&^3):]
	for code, value := range options(p.order, rest) {
		switch {
		case code == optFlags && len(value) == 4:
			switch p.order.Uint32(value) & 3 {
			case 1:
				f.known, f.dir = true, event.Rcvd
			case 2:
				f.known, f.dir = true, event.Sent
			}
		case code == optComment && len(value) < 4096 && i.link != linkUpperPDU:
			// A person's comment on the packet. knak's own events have their text there too, for other programs to
			// show.
			f.comment = strings.ToValidUTF8(string(value), "?")
		}
	}
	p.links.packet(r, i, f)
}

func (p *pcapng) end(r *reader) { p.links.end(r) }

// options gives the options of a block, up to the first damaged one.
func options(order binary.ByteOrder, b []byte) func(func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, n := order.Uint16(b), int(order.Uint16(b[2:]))
			if code == optEnd || 4+n > len(b) || !yield(code, b[4:4+n]) {
				return
			}
			b = b[min(len(b), 4+(n+3)&^3):]
		}
	}
}

// iface is one interface of a capture.
type iface struct {
	link   uint32
	snap   uint32
	order  binary.ByteOrder
	unit   time.Duration // length of a tick, if it is a whole number of nanoseconds
	per    uint64        // ticks in a second, if unit is 0
	offset int64         // in seconds
}

// resolution sets the unit of times from if_tsresol: a negative power of 10 or, with the highest bit set, of 2.
func (i *iface) resolution(v byte) {
	i.unit, i.per = 0, 0
	switch {
	case v&0x80 != 0:
		i.per = 1 << min(v&0x7f, 63)
	case v <= 9:
		i.unit = time.Second
		for range v {
			i.unit /= 10
		}
	default:
		i.per = 1
		for range min(v, 19) {
			i.per *= 10
		}
	}
}

func (i *iface) time(ticks uint64) time.Time {
	per := i.per
	if i.unit > 0 {
		per = uint64(time.Second / i.unit)
	}
	seconds, rest := ticks/per, ticks%per
	hi, lo := bits.Mul64(rest, uint64(time.Second))
	nano, _ := bits.Div64(hi, lo, per) // rest < per, so the quotient fits
	return time.Unix(int64(seconds)+i.offset, int64(nano)).UTC()
}
