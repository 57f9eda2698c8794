package notation

import (
	"encoding/binary"
	"strconv"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Fields with a secret are never shown, not even as asterisks, so that the text does not reveal their length. core/private has
// overwritten other secrets of a packet before.

// mschapHeaderLen counts OpCode, MS-CHAPv2-ID and MS-Length.
const mschapHeaderLen = 4

func appendPAP(dst []byte, p packet.Packet) []byte {
	if p.Code == packet.PAPRequest {
		if name, after, ok := packet.Counted(p.Data); ok {
			if _, rest, ok := packet.Counted(after); ok {
				dst = appendString(append(dst, " user="...), name)
				dst = append(dst, " password=<hidden>"...)
				return appendHex(dst, rest, maxHexLCP)
			}
		}
		return appendHex(dst, p.Data, maxHexLCP)
	}
	if p.Code == packet.PAPAck || p.Code == packet.PAPNak {
		if msg, rest, ok := packet.Counted(p.Data); ok {
			return appendHex(appendString(append(dst, ' '), msg), rest, maxHexLCP)
		}
	}
	return appendHex(dst, p.Data, maxHexLCP)
}

func appendCHAP(dst []byte, p packet.Packet) []byte {
	switch p.Code {
	case packet.CHAPChallenge, packet.CHAPResponse:
		value, name, ok := packet.Counted(p.Data)
		if !ok {
			break
		}
		dst = append(dst, " <"...)
		if p.Code == packet.CHAPResponse {
			dst = append(dst, "hidden"...)
		} else {
			for _, c := range value {
				dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
			}
		}
		return appendString(append(dst, ">, name = "...), name)
	case packet.CHAPSuccess, packet.CHAPFailure:
		return appendString(append(dst, ' '), p.Data)
	}
	return appendHex(dst, p.Data, maxHexLCP)
}

// eapName gives the name of a type of EAP, "" if it has none.
func eapName(typ uint8) string {
	for i := range eapTypes {
		if eapTypes[i].typ == typ {
			return eapTypes[i].name
		}
	}
	return ""
}

func appendEAP(dst []byte, p packet.Packet) []byte {
	d := p.Data
	if p.Code != packet.EAPRequest && p.Code != packet.EAPResponse {
		return appendHex(dst, d, maxHexLCP)
	}
	if len(d) == 0 {
		return append(dst, " <missing type>"...)
	}
	typ, request := d[0], p.Code == packet.EAPRequest
	d = d[1:]
	if name := eapName(typ); name != "" {
		dst = append(append(dst, ' '), name...)
	} else {
		dst = strconv.AppendUint(append(dst, " type=0x"...), uint64(typ), 16)
	}
	switch {
	case request && (typ == packet.EAPIdentity || typ == packet.EAPNotification):
		if len(d) == 0 {
			return append(dst, " <No message>"...)
		}
		return appendField(dst, "Message", d)
	case typ == packet.EAPIdentity:
		return appendField(dst, "Name", d)
	case typ == packet.EAPNotification:
		return appendHex(dst, d, maxHexLCP)
	case typ == packet.EAPNak:
		for i, t := range d {
			if i == maxTypes {
				return append(dst, " ..."...)
			}
			dst = append(dst, " <Suggested-type "...)
			dst = append(dst, hexDigits[t>>4], hexDigits[t&15])
			if name := eapName(t); name != "" {
				dst = append(append(append(dst, " ("...), name...), ')')
			}
			dst = append(dst, '>')
		}
		return dst
	case typ == packet.EAPMD5:
		return appendValueAndName(dst, d, request)
	case typ == packet.EAPMSCHAPv2:
		return appendMSCHAPv2(dst, d, request)
	case request:
		return appendHex(dst, d, maxHexLCP)
	case len(d) > 0:
		return append(dst, " <hidden>"...)
	}
	return dst
}

func appendMSCHAPv2(dst, d []byte, request bool) []byte {
	if len(d) < mschapHeaderLen {
		return appendHex(dst, d, maxHexLCP)
	}
	if op := d[0]; int(op) < len(eapOps) && op != 0 {
		dst = append(append(dst, ' '), eapOps[op]...)
	} else {
		dst = strconv.AppendUint(append(dst, " opcode=0x"...), uint64(op), 16)
	}
	op := d[0]
	dst = strconv.AppendUint(append(dst, " id=0x"...), uint64(d[1]), 16)
	if n := int(binary.BigEndian.Uint16(d[2:])); n != len(d) {
		dst = strconv.AppendInt(append(dst, " length="...), int64(n), 10)
	}
	d = d[mschapHeaderLen:]
	switch {
	case op == packet.MSCHAPv2Challenge && request, op == packet.MSCHAPv2Response && !request:
		return appendValueAndName(dst, d, request)
	case len(d) == 0:
		return dst
	case request && (op == packet.MSCHAPv2Success || op == packet.MSCHAPv2Failure):
		return appendField(dst, "Message", d)
	case !request:
		return append(dst, " <hidden>"...)
	}
	return appendHex(dst, d, maxHexLCP)
}

// appendValueAndName shows the value of a challenge; for a response, it shows only <hidden>.
func appendValueAndName(dst, d []byte, request bool) []byte {
	value, name, ok := packet.Counted(d)
	if !ok {
		return appendHex(dst, d, maxHexLCP)
	}
	if request {
		dst = append(appendHex(append(dst, " <Value"...), value, maxHex), '>')
	} else {
		dst = append(dst, " <hidden>"...)
	}
	if len(name) == 0 {
		return append(dst, " <No name>"...)
	}
	return appendField(dst, "Name", name)
}

func appendField(dst []byte, word string, value []byte) []byte {
	dst = append(append(append(dst, " <"...), word...), ' ')
	return append(appendString(dst, value), '>')
}
