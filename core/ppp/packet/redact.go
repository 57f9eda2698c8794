package packet

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// hidden is what secrets and the digits of identities are overwritten with.
const hidden = '*'

// Redact gives a copy of info with the same length in which these are overwritten: PAP passwords; the values of CHAP
// responses, and what an EAP response proves itself with; anything after them, and the whole of packets of these
// protocols whose code or layout is not known; such packets inside a Protocol-Reject; callback and directory numbers in
// LCP options; and the digits of names that look like a subscriber's identity, and in a peer's messages those of long
// numbers (see HideIdentity and HideNumbers).
// To redact twice changes nothing more.
func Redact(protocol uint16, info []byte) []byte {
	b := slices.Clone(info)
	redact(protocol, b)
	return b
}

// HideIdentity gives name as it may be shown: the digits of an IMSI or a phone number are replaced. A name is taken for
// one if it is at least 8 digits, with or without a plus sign before and an @ with a realm after. Longer numbers are
// replaced anywhere, see HideNumbers.
func HideIdentity(name string) string {
	b := []byte(name)
	hideIdentity(b)
	return string(b)
}

// HideNumbers gives a peer's text as it may be shown: each run of 14 or more digits is replaced, as long as an IMSI, an
// IMEI or an ICCID is (3GPP TS 23.003 sections 2.2 and 6.2.1, ITU-T E.118).
func HideNumbers(text string) string {
	b := []byte(text)
	hideNumbers(b)
	return string(b)
}

func hideNumbers(b []byte) {
	for start, i := 0, 0; i <= len(b); i++ {
		if i < len(b) && '0' <= b[i] && b[i] <= '9' {
			continue
		}
		if i-start >= 14 {
			hide(b[start:i])
		}
		start = i + 1
	}
}

func hideIdentity(name []byte) {
	hideNumbers(name)
	digits := bytes.TrimPrefix(name, []byte("+"))
	if i := bytes.IndexByte(digits, '@'); i >= 0 {
		digits = digits[:i]
	}
	if len(digits) < 8 {
		return
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return
		}
	}
	hide(digits)
}

func hide(b []byte) {
	for i := range b {
		b[i] = hidden
	}
}

// mayHide says whether a packet of this protocol and code can hold anything that redact would overwrite, so that the
// common ones need no copy.
func mayHide(protocol uint16, info []byte) bool {
	switch protocol {
	case PAP, CHAP, EAP:
		return true
	case LCP:
		return len(info) > HeaderLen && info[0] <= ConfigureReject || len(info) > HeaderLen && (info[0] == CodeReject || info[0] == ProtocolReject)
	}
	return false
}

// redact overwrites in place. A length field that cannot be true is taken as the number of octets there are: a damaged
// packet may hold a secret too.
func redact(protocol uint16, b []byte) {
	if len(b) <= HeaderLen {
		return
	}
	end := int(binary.BigEndian.Uint16(b[2:]))
	if end < HeaderLen || end > len(b) {
		end = len(b)
	}
	body, rest := b[HeaderLen:end], b[end:]
	code := b[0]
	switch protocol {
	case PAP:
		redactPAP(code, body, rest)
	case CHAP:
		redactCHAP(code, body, rest)
	case EAP:
		redactEAP(code, body, rest)
	case LCP:
		switch code {
		case ConfigureRequest, ConfigureAck, ConfigureNak, ConfigureReject:
			redactLCPOptions(body)
		case CodeReject: // RFC 1661 section 5.6: a copy of the rejected packet
			redact(LCP, b[HeaderLen:])
		case ProtocolReject: // RFC 1661 section 5.7: the protocol and a copy of its information field
			if inner := b[HeaderLen:]; len(inner) > 2 {
				redact(binary.BigEndian.Uint16(inner), inner[2:])
			}
		}
	}
}

func redactPAP(code uint8, body, rest []byte) {
	switch code {
	case PAPAck, PAPNak:
		hideNumbers(body)
		hideNumbers(rest)
	case PAPRequest:
		hide(rest)
		name, after, ok := cutCounted(body)
		if !ok {
			if len(body) > 1 {
				hide(body[1:])
			}
			return
		}
		hideIdentity(name)
		if len(after) > 1 {
			hide(after[1:]) // the octet before is the password's length
		}
	default:
		hide(body)
		hide(rest)
	}
}

func redactCHAP(code uint8, body, rest []byte) {
	switch code {
	case CHAPSuccess, CHAPFailure:
		hideNumbers(body)
		hideNumbers(rest)
	case CHAPChallenge:
		if _, name, ok := cutCounted(body); ok {
			hideIdentity(name)
		}
	case CHAPResponse:
		hide(rest)
		redactValueAndName(body)
	default: // MS-CHAP's change of a password, RFC 2433 section 9, or unknown
		hide(body)
		hide(rest)
	}
}

// redactValueAndName overwrites the value of a response and looks at the name behind it.
func redactValueAndName(body []byte) {
	if value, name, ok := cutCounted(body); ok {
		hide(value)
		hideIdentity(name)
	} else if len(body) > 1 {
		hide(body[1:])
	}
}

func redactEAP(code uint8, body, rest []byte) {
	switch code {
	case EAPSuccess, EAPFailure:
		return
	case EAPRequest:
		if len(body) == 0 {
			return
		}
		switch data := body[1:]; body[0] {
		case EAPMD5:
			if _, name, ok := cutCounted(data); ok {
				hideIdentity(name)
			}
		case EAPIdentity, EAPNotification, EAPMSCHAPv2:
			hideNumbers(data)
		}
		return
	case EAPResponse:
	default:
		hide(body)
		hide(rest)
		return
	}
	hide(rest)
	if len(body) < 2 {
		return
	}
	data := body[1:]
	switch body[0] {
	case EAPIdentity:
		hideIdentity(data)
	case EAPNotification:
		hideNumbers(data)
	case EAPNak:
	case EAPMD5:
		redactValueAndName(data)
	case EAPMSCHAPv2:
		switch {
		case len(data) <= mschapHeaderLen:
		case data[0] == MSCHAPv2Response:
			redactValueAndName(data[mschapHeaderLen:])
		default: // the answers to Success and Failure are one octet long
			hide(data[mschapHeaderLen:])
		}
	default:
		hide(data)
	}
}

// mschapHeaderLen counts OpCode, MS-CHAPv2-ID and MS-Length.
const mschapHeaderLen = 4

func redactLCPOptions(body []byte) {
	for len(body) >= 2 {
		n := int(body[1])
		if n < 2 || n > len(body) {
			return
		}
		data := body[2:n]
		switch {
		case len(data) < 2:
		case body[0] == LCPCallback: // the operation, then who or where to call (RFC 1570 section 2.3)
			hide(data[1:])
		case body[0] == LCPEndpoint && data[0] == endpointPhone:
			hide(data[1:])
		}
		body = body[n:]
	}
}

// cutCounted takes an octet that counts and as many octets, and gives what is left.
func cutCounted(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n:n], b[n:], true
}
