package sim

import (
	"encoding/binary"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is what a router does with an IP packet that the host does not take: RFC 791 section 3.2, RFC 792 and RFC 1191
// for IPv4, RFC 4443 section 3.2 for IPv6.

const (
	flagDont       = 0x4000 // don't fragment
	flagMore       = 0x2000 // more fragments
	fragmentUnits  = 8
	icmpTooBig     = 3 // destination unreachable, with code 4
	icmpTooBigCode = 4
	icmp6TooBig    = 2
)

// squeeze sends a packet that is longer than the host takes: in fragments if allowed; otherwise it is dropped, and its sender
// gets an error.
func (m *Modem) squeeze(now time.Time, b []byte) {
	most := m.call.peerMRU
	header := 0
	if b[0]>>4 == 4 && len(b) >= ipHeaderLen {
		header = int(b[0]&15) * 4
	}
	if header < ipHeaderLen || header > len(b) || most < header+fragmentUnits || binary.BigEndian.Uint16(b[6:])&flagDont != 0 {
		if m.takePackets {
			if e := tooBig(b, most); e != nil {
				m.out.write(OutputPacket, now, e, 0, 0)
			}
		}
		return
	}
	// The options of the header are copied into each fragment; RFC 791 would leave some out of all but the first.
	step := (most - header) / fragmentUnits * fragmentUnits
	at := int(binary.BigEndian.Uint16(b[6:])&0x1fff) * fragmentUnits
	more := binary.BigEndian.Uint16(b[6:])&flagMore != 0
	for from := header; from < len(b); from += step {
		until := min(from+step, len(b))
		f := append(append(make([]byte, 0, most), b[:header]...), b[from:until]...)
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		offset := uint16((at + from - header) / fragmentUnits)
		if more || until < len(b) {
			offset |= flagMore
		}
		binary.BigEndian.PutUint16(f[6:], offset)
		f[10], f[11] = 0, 0
		binary.BigEndian.PutUint16(f[10:], checksum(f[:header], 0))
		m.counters.PacketsOut++
		m.send(now, packet.IP, f)
	}
}

// tooBig makes the error about a packet for its sender; nil if there must be none.
func tooBig(b []byte, most int) []byte {
	switch {
	case b[0]>>4 == 4 && len(b) >= ipHeaderLen:
		quote := b[:min(len(b), int(b[0]&15)*4+fragmentUnits)]
		body := append([]byte{icmpTooBig, icmpTooBigCode, 0, 0, 0, 0, byte(most >> 8), byte(most)}, quote...)
		putChecksum(body, 2, 0)
		request := append([]byte(nil), b[:ipHeaderLen]...)
		request[9] = protocolICMP
		return append(appendIP(nil, request, len(body)), body...)
	case b[0]>>4 == 6 && len(b) >= ip6HeaderLen:
		quote := b[:min(len(b), 1280-ip6HeaderLen-8)]
		body := append([]byte{icmp6TooBig, 0, 0, 0, 0, 0, byte(most >> 8), byte(most)}, quote...)
		return appendIP6(nil, [16]byte(b[24:40]), [16]byte(b[8:24]), initialTTL, body)
	}
	return nil
}
