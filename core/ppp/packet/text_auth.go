package packet

import (
	"encoding/binary"
	"strconv"
)

// The fields that hold a secret are never shown, not even as asterisks, so that the text has one form whatever their length.
// What else of a packet may not be shown has been overwritten by core/private before.

// mschapHeaderLen counts OpCode, MS-CHAPv2-ID and MS-Length.
const mschapHeaderLen = 4

func appendPAP(dst []byte, p Packet) []byte {
	if p.Code == PAPRequest {
		if name, after, ok := Counted(p.Data); ok {
			if _, rest, ok := Counted(after); ok {
				dst = appendString(append(dst, " user="...), name)
				dst = append(dst, " password=<hidden>"...)
				return appendHex(dst, rest, maxHexLCP)
			}
		}
		return appendHex(dst, p.Data, maxHexLCP)
	}
	if p.Code == PAPAck || p.Code == PAPNak {
		if msg, rest, ok := Counted(p.Data); ok {
			return appendHex(appendString(append(dst, ' '), msg), rest, maxHexLCP)
		}
	}
	return appendHex(dst, p.Data, maxHexLCP)
}

func appendCHAP(dst []byte, p Packet) []byte {
	switch p.Code {
	case CHAPChallenge, CHAPResponse:
		value, name, ok := Counted(p.Data)
		if !ok {
			break
		}
		dst = append(dst, " <"...)
		if p.Code == CHAPResponse {
			dst = append(dst, "hidden"...)
		} else {
			for _, c := range value {
				dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
			}
		}
		return appendString(append(dst, ">, name = "...), name)
	case CHAPSuccess, CHAPFailure:
		return appendString(append(dst, ' '), p.Data)
	}
	return appendHex(dst, p.Data, maxHexLCP)
}

var eapTypes = []string{"", "Identity", "Notification", "Nak", "MD5-Challenge", "OTP", "Generic-Token", "", "", "RSA", "DSS",
	"KEA", "KEA-Validate", "TLS", "Defender", "Windows 2000", "Arcot", "Cisco", "Nokia", "SRP", "", "TTLS", "RAS", "AKA",
	"3COM", "PEAP", "MSCHAPv2"}

var mschapv2Ops = []string{"", "Challenge", "Response", "Success", "Failure"}

func appendEAP(dst []byte, p Packet) []byte {
	d := p.Data
	if p.Code != EAPRequest && p.Code != EAPResponse {
		return appendHex(dst, d, maxHexLCP)
	}
	if len(d) == 0 {
		return append(dst, " <missing type>"...)
	}
	typ, request := d[0], p.Code == EAPRequest
	d = d[1:]
	if int(typ) < len(eapTypes) && eapTypes[typ] != "" {
		dst = append(append(dst, ' '), eapTypes[typ]...)
	} else {
		dst = strconv.AppendUint(append(dst, " type=0x"...), uint64(typ), 16)
	}
	switch {
	case request && (typ == EAPIdentity || typ == EAPNotification):
		if len(d) == 0 {
			return append(dst, " <No message>"...)
		}
		return appendField(dst, "Message", d)
	case typ == EAPIdentity:
		return appendField(dst, "Name", d)
	case typ == EAPNotification:
		return appendHex(dst, d, maxHexLCP)
	case typ == EAPNak:
		for i, t := range d {
			if i == maxTypes {
				return append(dst, " ..."...)
			}
			dst = append(dst, " <Suggested-type "...)
			dst = append(dst, hexDigits[t>>4], hexDigits[t&15])
			if int(t) < len(eapTypes) && eapTypes[t] != "" {
				dst = append(append(append(dst, " ("...), eapTypes[t]...), ')')
			}
			dst = append(dst, '>')
		}
		return dst
	case typ == EAPMD5:
		return appendValueAndName(dst, d, request)
	case typ == EAPMSCHAPv2:
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
	if op := d[0]; int(op) < len(mschapv2Ops) && op != 0 {
		dst = append(append(dst, ' '), mschapv2Ops[op]...)
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
	case op == MSCHAPv2Challenge && request, op == MSCHAPv2Response && !request:
		return appendValueAndName(dst, d, request)
	case len(d) == 0:
		return dst
	case request && (op == MSCHAPv2Success || op == MSCHAPv2Failure):
		return appendField(dst, "Message", d)
	case !request:
		return append(dst, " <hidden>"...)
	}
	return appendHex(dst, d, maxHexLCP)
}

// appendValueAndName shows the value of a challenge; of a response, that there was one.
func appendValueAndName(dst, d []byte, request bool) []byte {
	value, name, ok := Counted(d)
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
