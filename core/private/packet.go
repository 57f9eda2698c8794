package private

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/knakppp/knak/core/ppp/packet"
)

// star overwrites secrets and the digits of identities.
const star = '*'

// Packet gives a copy of info, with the same length, in which these are overwritten: PAP passwords; the values of CHAP responses,
// and the proof in an EAP response; everything behind them, and all of a packet of these protocols with an unknown code or layout;
// such packets inside a Protocol-Reject; callback and directory numbers in LCP options; the digits of names that look like a
// subscriber's identity, and those of long numbers in a peer's messages (see Name and Numbers). Hiding twice changes nothing more.
func Packet(protocol uint16, info []byte) []byte {
	b := slices.Clone(info)
	new(octets).packet(protocol, b)
	return b
}

// octets hides secrets in packets. The zero value knows none.
type octets struct {
	known  *Known              // nil: nothing; the secrets that pass are added
	number func(digits []byte) // overwrites an identity; nil: hide
}

// Name gives name with the digits of an IMSI or a phone number replaced. A name counts as one if it has at least 8 digits and
// nothing else, except a plus sign before and an @ with a realm after them. Longer numbers are replaced anywhere, see Numbers.
func Name(name string) string {
	b := []byte(name)
	new(octets).name(b)
	return string(b)
}

// Numbers gives a peer's text with each run of 14 or more digits replaced: an IMSI, an IMEI or an ICCID has that length (3GPP TS
// 23.003 sections 2.2 and 6.2.1, ITU-T E.118).
func Numbers(text string) string {
	if !hasDigits(text, 14) {
		return text
	}
	b := []byte(text)
	new(octets).numbers(b)
	return string(b)
}

// hasDigits says whether there are so many digits in a row.
func hasDigits(s string, n int) bool {
	run := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			run = 0
		} else if run++; run == n {
			return true
		}
	}
	return false
}

// text hides in a peer's words.
func (o *octets) text(b []byte) {
	if o.known != nil {
		o.known.Octets(b)
	}
	o.numbers(b)
}

func (o *octets) numbers(b []byte) {
	for start, i := 0, 0; i <= len(b); i++ {
		if i < len(b) && isDigit(b[i]) {
			continue
		}
		if i-start >= 14 {
			o.digits(b[start:i])
		}
		start = i + 1
	}
}

func (o *octets) digits(b []byte) {
	if o.number != nil {
		o.number(b)
		return
	}
	hide(b)
}

// name hides in the name of one side.
func (o *octets) name(name []byte) {
	if o.known != nil {
		o.known.Octets(name)
	}
	o.numbers(name)
	digits := bytes.TrimPrefix(name, []byte("+"))
	if i := bytes.IndexByte(digits, '@'); i >= 0 {
		digits = digits[:i]
	}
	if len(digits) >= 8 && isDigits(string(digits)) {
		o.digits(digits)
	}
}

// login hides a name and the password behind it.
func (o *octets) login(name, after []byte) {
	if o.known != nil && len(after) > 1 {
		if password, _, ok := packet.Counted(after); ok {
			o.known.Public(string(name))
			o.known.Add(string(password))
		}
	}
	o.name(name)
	if len(after) > 1 {
		hide(after[1:]) // the octet before is the password's length
	}
}

func hide(b []byte) {
	for i := range b {
		b[i] = star
	}
}

// packet overwrites in place. A length field that cannot be true is taken as the number of octets there are: a damaged
// packet may hold a secret too.
func (o *octets) packet(protocol uint16, b []byte) {
	if len(b) <= packet.HeaderLen {
		return
	}
	end := int(binary.BigEndian.Uint16(b[2:]))
	if end < packet.HeaderLen || end > len(b) {
		end = len(b)
	}
	body, rest := b[packet.HeaderLen:end], b[end:]
	code := b[0]
	switch protocol {
	case packet.PAP:
		o.pap(code, body, rest)
	case packet.CHAP:
		o.chap(code, body, rest)
	case packet.EAP:
		o.eap(code, body, rest)
	case packet.CBCP: // who is to be called back
		digits(body)
		digits(rest)
	case packet.LCP:
		o.text(rest)
		o.lcp(code, body, b[packet.HeaderLen:])
	default:
		o.text(rest)
		switch {
		case code == packet.CodeReject:
			o.packet(protocol, b[packet.HeaderLen:])
		case code <= packet.ConfigureReject: // addresses and settings, and options that nobody knows
			if o.known != nil {
				o.options(protocol, body)
			}
		default:
			o.text(body)
		}
	}
}

func (o *octets) lcp(code uint8, body, all []byte) {
	switch code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		o.lcpOptions(body)
	case packet.CodeReject: // RFC 1661 section 5.6: a copy of the rejected packet
		o.packet(packet.LCP, all)
	case packet.ProtocolReject: // RFC 1661 section 5.7: the protocol and a copy of its information field
		if len(all) > 2 {
			o.packet(binary.BigEndian.Uint16(all), all[2:])
		}
	case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest, packet.Identification, packet.TimeRemaining:
		o.text(body[min(4, len(body)):]) // behind the magic number
	default:
		o.text(body)
	}
}

// digits overwrites the digits of telephone numbers.
func digits(b []byte) {
	for start, i := 0, 0; i <= len(b); i++ {
		if i < len(b) && isDigit(b[i]) {
			continue
		}
		if i-start >= shortWord {
			hide(b[start:i])
		}
		start = i + 1
	}
}

// options hides what is known in options whose values are no addresses.
func (o *octets) options(protocol uint16, body []byte) {
	for len(body) >= 2 {
		n := int(body[1])
		if n < 2 || n > len(body) {
			break
		}
		if n > 2+4 || protocol != packet.IPCP && protocol != packet.IPV6CP {
			o.text(body[2:n])
		}
		body = body[n:]
	}
	o.text(body)
}

func (o *octets) pap(code uint8, body, rest []byte) {
	switch code {
	case packet.PAPAck, packet.PAPNak:
		o.text(body)
		o.text(rest)
	case packet.PAPRequest:
		hide(rest)
		name, after, ok := packet.Counted(body)
		if !ok {
			if len(body) > 1 {
				hide(body[1:])
			}
			return
		}
		o.login(name, after)
	default:
		hide(body)
		hide(rest)
	}
}

func (o *octets) chap(code uint8, body, rest []byte) {
	switch code {
	case packet.CHAPSuccess, packet.CHAPFailure:
		o.text(body)
		o.text(rest)
	case packet.CHAPChallenge:
		if _, name, ok := packet.Counted(body); ok {
			o.name(name)
		} else {
			o.text(body)
		}
		o.text(rest)
	case packet.CHAPResponse:
		hide(rest)
		o.valueAndName(body)
	default: // MS-CHAP's change of a password, RFC 2433 section 9, or unknown
		hide(body)
		hide(rest)
	}
}

// valueAndName overwrites the value of a response and looks at the name behind it.
func (o *octets) valueAndName(body []byte) {
	if value, name, ok := packet.Counted(body); ok {
		hide(value)
		o.name(name)
	} else if len(body) > 1 {
		hide(body[1:])
	}
}

func (o *octets) eap(code uint8, body, rest []byte) {
	switch code {
	case packet.EAPSuccess, packet.EAPFailure:
		o.text(body)
		o.text(rest)
		return
	case packet.EAPRequest:
		if len(body) == 0 {
			return
		}
		switch data := body[1:]; body[0] {
		case packet.EAPMD5:
			if _, name, ok := packet.Counted(data); ok {
				o.name(name)
			}
		default:
			o.text(data)
		}
		o.text(rest)
		return
	case packet.EAPResponse:
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
	case packet.EAPIdentity:
		o.name(data)
	case packet.EAPNotification:
		o.text(data)
	case packet.EAPNak:
	case packet.EAPMD5:
		o.valueAndName(data)
	case packet.EAPMSCHAPv2:
		switch {
		case len(data) <= mschapHeaderLen:
		case data[0] == packet.MSCHAPv2Response:
			o.valueAndName(data[mschapHeaderLen:])
		default: // the answers to Success and Failure are one octet long
			hide(data[mschapHeaderLen:])
		}
	default:
		hide(data)
	}
}

// mschapHeaderLen counts OpCode, MS-CHAPv2-ID and MS-Length.
const mschapHeaderLen = 4

func (o *octets) lcpOptions(body []byte) {
	for len(body) >= 2 {
		n := int(body[1])
		if n < 2 || n > len(body) {
			return
		}
		data := body[2:n]
		switch {
		case len(data) < 2:
		case body[0] == packet.LCPCallback: // the operation, then who or where to call (RFC 1570 section 2.3)
			hide(data[1:])
		case body[0] == packet.LCPEndpoint && data[0] == packet.EndpointPhone:
			hide(data[1:])
		case body[0] == packet.LCPAuth, body[0] == packet.LCPMagic:
		default:
			o.text(data)
		}
		body = body[n:]
	}
	o.text(body)
}
