package capture

import (
	"encoding/binary"
	"time"

	"github.com/knakppp/knak/core/recording/source"
)

// Magic numbers of pcap (draft-ietf-opsawg-pcap section 4), and of the variant with longer packet headers that some old systems
// write.
const (
	pcapMicro  = 0xa1b2c3d4
	pcapNano   = 0xa1b23c4d
	pcapLonger = 0xa1b2cd34
)

// maxPacket is the most octets of one packet in a capture; tcpdump's own limit for USB, 1 MiB, is the greatest.
const maxPacket = 1 << 20

var pcapFormat = source.Format{
	Name: "pcap", Title: "pcap capture",
	Sniff: func(b []byte) int {
		if _, _, _, ok := pcapMagic(b); ok && len(b) >= 24 {
			return source.Certain
		}
		return source.No
	},
	Open: opener(func(*reader) format { return &pcap{} }),
}

// pcap reads packets of one interface.
type pcap struct {
	order binary.ByteOrder
	unit  time.Duration
	head  int // octets of a packet's header
	iface *iface
	links links
}

func pcapMagic(b []byte) (order binary.ByteOrder, unit time.Duration, head int, ok bool) {
	if len(b) < 4 {
		return nil, 0, 0, false
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(b) {
		case pcapMicro:
			return order, time.Microsecond, 16, true
		case pcapNano:
			return order, time.Nanosecond, 16, true
		case pcapLonger:
			return order, time.Microsecond, 24, true
		}
	}
	return nil, 0, 0, false
}

func (p *pcap) step(r *reader) error {
	if p.iface == nil {
		b, err := r.full(24)
		order, unit, head, ok := pcapMagic(b)
		if err != nil || !ok {
			return r.lost(len(b), "no pcap header")
		}
		p.order, p.unit, p.head = order, unit, head
		p.iface = &iface{link: order.Uint32(b[20:]) & 0x0fffffff, order: order} // the upper bits say whether there is an FCS
		p.links.open(r, p.iface)
		return nil
	}
	b, err := r.full(p.head)
	if err != nil {
		r.unread(len(b), "a packet header that is cut off")
		return err
	}
	size, whole := p.order.Uint32(b[8:]), p.order.Uint32(b[12:])
	if size > maxPacket {
		return r.lost(p.head, "not a possible packet header")
	}
	r.pos.Packet++
	now := time.Unix(int64(p.order.Uint32(b)), int64(p.order.Uint32(b[4:]))*int64(p.unit)).UTC()
	b, err = r.full(int(size))
	r.last = now
	if err != nil {
		r.unread(len(b), "a packet that is cut off")
		return err
	}
	p.links.packet(r, p.iface, frame{now: now, data: b, missing: missing(whole, size)})
	return nil
}

// missing gives how many octets of a packet were not captured. More than a PPP frame or a transfer of a serial line can hold is
// not believed: then the header is wrong.
func missing(whole, size uint32) int {
	if whole <= size || whole-size > 0xffff {
		return 0
	}
	return int(whole - size)
}

func (p *pcap) end(r *reader) { p.links.end(r) }
