package capture

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// piece is some octets of a call.
type piece struct {
	now  time.Time
	dir  event.Dir
	data []byte
}

func writePPPDRecord(pieces []piece) []byte {
	clock := pieces[0].now.Truncate(time.Second)
	b := binary.BigEndian.AppendUint32([]byte{itemTime}, uint32(clock.Unix()))
	for _, p := range pieces {
		switch tenths := p.now.Sub(clock) / (100 * time.Millisecond); {
		case tenths > 255:
			b = binary.BigEndian.AppendUint32(append(b, itemLong), uint32(tenths))
			clock = clock.Add(tenths * 100 * time.Millisecond)
		case tenths > 0:
			b = append(b, itemShort, byte(tenths))
			clock = clock.Add(tenths * 100 * time.Millisecond)
		}
		kind := byte(itemSent)
		if p.dir == event.Rcvd {
			kind = itemRcvd
		}
		b = append(binary.BigEndian.AppendUint16(append(b, kind), uint16(len(p.data))), p.data...)
	}
	return append(b, itemEndRcvd)
}

// writeOFono writes the time before each chunk, as oFono does.
func writeOFono(pieces []piece) []byte {
	var b []byte
	for _, p := range pieces {
		b = binary.BigEndian.AppendUint32(append(b, itemTime), uint32(p.now.Unix()))
		kind := byte(itemSent)
		if p.dir == event.Rcvd {
			kind = itemRcvd
		}
		b = append(binary.BigEndian.AppendUint16(append(b, kind), uint16(len(p.data))), p.data...)
	}
	return b
}

// packetOf makes a capture's packet of a piece.
type packetOf func(p piece) []byte

func rtac(p piece) []byte {
	kind := byte(1)
	if p.dir == event.Rcvd {
		kind = 2
	}
	return append([]byte{0, 0, 0, 0, 0, 0, 0, 0, kind, 0, 0, 0}, p.data...)
}

// usbmon gives the submission or the completion that holds the octets.
func usbmon(order binary.AppendByteOrder, head int) packetOf {
	return func(p piece) []byte { return usbPacket(order, head, 'S', usbBulk, 2, p.dir, p.data) }
}

func usbPacket(order binary.AppendByteOrder, head int, submitted, kind, endpoint byte, dir event.Dir, data []byte) []byte {
	b := make([]byte, 8, head+len(data))
	if dir == event.Rcvd {
		endpoint |= usbIn
		if submitted == 'S' {
			submitted = 'C'
		}
	}
	b = append(b, submitted, kind, endpoint, 7)
	b = order.AppendUint16(b, 3)
	b = append(b, '-', 0)
	b = append(b, make([]byte, 16)...)
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(len(data)))
	b = append(b, make([]byte, head-len(b))...)
	return append(b, data...)
}

func usbPcap(p piece) []byte { return usbPcapPacket(usbBulk, 2, p.dir, p.data) }

func usbPcapPacket(kind, endpoint byte, dir event.Dir, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, 27)
	b = append(b, make([]byte, 14)...)
	info := byte(0)
	if dir == event.Rcvd {
		info, endpoint = 1, endpoint|usbIn
	}
	b = append(b, info, 1, 0, 9, 0, endpoint, kind)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
}

func writePcap(order binary.AppendByteOrder, magic uint32, link uint32, of packetOf) func([]piece) []byte {
	return func(pieces []piece) []byte {
		b := order.AppendUint32(nil, magic)
		b = order.AppendUint16(order.AppendUint16(b, 2), 4)
		b = append(b, make([]byte, 8)...)
		b = order.AppendUint32(order.AppendUint32(b, 65535), link)
		unit := time.Microsecond
		if magic == pcapNano {
			unit = time.Nanosecond
		}
		for _, p := range pieces {
			data := of(p)
			b = order.AppendUint32(b, uint32(p.now.Unix()))
			b = order.AppendUint32(b, uint32(p.now.Nanosecond()/int(unit)))
			b = order.AppendUint32(b, uint32(len(data)))
			b = order.AppendUint32(b, uint32(len(data)))
			if magic == pcapLonger {
				b = append(b, make([]byte, 8)...)
			}
			b = append(b, data...)
		}
		return b
	}
}

// writePcapng writes sections in one byte order, with a resolution of 2^-20 seconds, and with blocks of no use between.
func writePcapng(order binary.AppendByteOrder, link uint16, of packetOf) func([]piece) []byte {
	block := func(b []byte, kind uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		b = order.AppendUint32(order.AppendUint32(b, kind), uint32(12+len(body)))
		return order.AppendUint32(append(b, body...), uint32(12+len(body)))
	}
	return func(pieces []piece) []byte {
		var b []byte
		for i, p := range pieces {
			if i == 0 || i == len(pieces)/2 {
				head := order.AppendUint16(order.AppendUint16(order.AppendUint32(nil, byteOrderMagic), 1), 0)
				b = block(b, blockSection, append(head, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
				b = block(b, blockNames, []byte{0, 0, 0, 0})
				iface := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, link), 0), 0)
				iface = order.AppendUint16(order.AppendUint16(iface, optResolution), 1)
				iface = append(iface, 0x80|20, 0, 0, 0, 0, 0, 0, 0)
				b = block(b, blockInterface, iface)
			}
			data := of(p)
			ticks := uint64(p.now.Unix())<<20 | (uint64(p.now.Nanosecond())<<20+1e9-1)/1e9
			body := order.AppendUint32(nil, 0)
			body = order.AppendUint32(order.AppendUint32(body, uint32(ticks>>32)), uint32(ticks))
			body = order.AppendUint32(order.AppendUint32(body, uint32(len(data))), uint32(len(data)))
			b = block(b, blockPacket, append(body, data...))
		}
		return b
	}
}

func hexes(data []byte, upper bool) string {
	if upper {
		return fmt.Sprintf("% X", data)
	}
	return fmt.Sprintf("% x", data)
}

func characters(data []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(mapASCII(data)))
}

func mapASCII(data []byte) []byte {
	b := make([]byte, len(data))
	for i, c := range data {
		if b[i] = c; c >= 0x80 {
			b[i] = '.'
		}
	}
	return b
}

// rows gives rows of sixteen octets with their characters.
func rows(data []byte, format func(at int, row []byte) string) string {
	var b strings.Builder
	for at := 0; at < len(data); at += 16 {
		b.WriteString(format(at, data[at:min(at+16, len(data))]))
	}
	return b.String()
}

// each makes a text of a line or block for each piece.
func each(of func(p piece) string) func([]piece) []byte {
	return func(pieces []piece) []byte {
		var b strings.Builder
		for _, p := range pieces {
			b.WriteString(of(p))
		}
		return []byte(b.String())
	}
}

func arrow(p piece) string { return "><"[p.dir : p.dir+1] }

func either(p piece, sent, rcvd string) string {
	if p.dir == event.Sent {
		return sent
	}
	return rcvd
}

func socatX(p piece) string {
	return fmt.Sprintf("%s %s  length=%d from=0 to=%d\n %s\n", arrow(p), p.now.Format("2006/01/02 15:04:05.000000"), len(p.data), len(p.data)-1, hexes(p.data, false))
}

// socatBackwards is socat with the modem as its first address.
func socatBackwards(p piece) string { p.dir = 1 - p.dir; return socatX(p) }

func socatXV(p piece) string {
	return fmt.Sprintf("%s %s.000%s  length=%d from=0 to=%d\n%s--\n", arrow(p), p.now.Format("2006/01/02 15:04:05"), p.now.Format("000000.000000")[7:], len(p.data), len(p.data)-1,
		rows(p.data, func(_ int, row []byte) string { return fmt.Sprintf(" %-48s %s\n", hexes(row, false), characters(row)) }))
}

func portmonHex(p piece) string {
	return fmt.Sprintf("7\t%s\tdialer.exe\t%s\tSerial0\tSUCCESS\tLength %d: %s \n", p.now.Format("15:04:05"), either(p, "IRP_MJ_WRITE", "IRP_MJ_READ"), len(p.data), hexes(p.data, true))
}

func interceptty(p piece) string {
	var b strings.Builder
	for _, c := range p.data {
		fmt.Fprintf(&b, "%s\t0x%02x (%s)\n", arrow(p), c, characters([]byte{c}))
	}
	return b.String()
}

func slsnif(p piece) string {
	var b strings.Builder
	b.WriteString(either(p, "Host   -->", "Device -->"))
	for _, c := range p.data {
		if c > ' ' && c < 0x7f {
			fmt.Fprintf(&b, " %c (%03d)", c, c)
		} else {
			fmt.Fprintf(&b, "  (%03d)", c)
		}
	}
	return b.String() + "\n"
}

func hhd(p piece) string {
	stamp := p.now.Format("1/2/2006 3:04:05 PM") + fmt.Sprintf(".%05d", p.now.Nanosecond()/10000)
	return fmt.Sprintf("%s: %s (+0.0000 seconds)\r\n\r\n%s\r\n", either(p, "Request", "Answer"), stamp,
		rows(p.data, func(_ int, row []byte) string {
			return fmt.Sprintf(" %-48s  %s\r\n", hexes(row, true), characters(row))
		}))
}

func eltima(p piece) string {
	return fmt.Sprintf("[%s] %s (COM3)\n%s", p.now.Format("02/01/2006 15:04:05"), either(p, "Written data", "Read data"),
		rows(p.data, func(_ int, row []byte) string {
			return fmt.Sprintf("\t%-48s  %s\n", hexes(row, false), characters(row))
		}))
}

func txrx(p piece) string {
	return fmt.Sprintf("%s %s: %s\n", p.now.Format("2006-01-02 15:04:05.000000"), either(p, "TX", "RX"), hexes(p.data, true))
}

func arrows1(p piece) string { return arrow(p) + " " + hexes(p.data, false) + "\n" }

func hexdumpC(p piece) string {
	return either(p, "host:\n", "modem:\n") + rows(p.data, func(at int, row []byte) string {
		left, right := row[:min(8, len(row))], row[min(8, len(row)):]
		return fmt.Sprintf("%08x  %-23s  %-23s  |%s|\n", at, hexes(left, false), hexes(right, false), characters(row))
	})
}
