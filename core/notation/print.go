package notation

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/ppp/packet"
)

// AppendText appends the packet in the notation of pppd's debug lines but without the brackets, for example `IPCP ConfReq id=0x1
// <addr 0.0.0.0>`. The part that cannot be understood follows as hex. Passwords and responses to challenges are never shown;
// core/private has overwritten other secrets before.
func AppendText(dst []byte, protocol uint16, info []byte) []byte {
	dst, _ = appendParts(dst, protocol, info)
	return dst
}

// Text gives what AppendText appends.
func Text(protocol uint16, info []byte) string { return string(AppendText(nil, protocol, info)) }

// Line gives one line as pppd's debug option prints it. dir is "sent" or "rcvd". Octets after a packet (padding, or the contents
// of a protocol that pppd does not know) come after the closing bracket, as in pppd.
func Line(dir string, protocol uint16, info []byte) string {
	dst := append(append(make([]byte, 0, 128), dir...), " ["...)
	dst, end := appendParts(dst, protocol, info)
	tail := string(dst[end:])
	return string(append(append(dst[:end], ']'), tail...))
}

// OptionText gives one option of a Configure packet as pppd prints it between < and >, for example "addr 10.0.0.1".
// An option that is not known, or whose length is wrong, is hex: type, length and data.
func OptionText(protocol uint16, o packet.Option) string {
	raw := o.AppendTo(nil)
	return strings.TrimSpace(string(appendOption(nil, protocol, raw)))
}

// Limits of the octets shown in hex: pppd's for LCP, and one of our own against very long output.
const (
	maxHexLCP = 32
	maxHex    = 256
	// maxBody is the approximate length in characters at which the options, or one string, of a packet are cut with " ...".
	// Ordinary packets are much shorter; the limit keeps a hostile peer from filling the screen.
	maxBody = 1500
	// maxTypes is how many types of an EAP Nak are shown by name.
	maxTypes = 32
)

var (
	dataWords = map[uint16]string{packet.IP: "IP", packet.IPv6: "IPV6", packet.Compressed: "Compressed", packet.Encrypted: "Encrypted"}
)

// appendParts appends the text; end is the index where pppd closes the bracket.
func appendParts(dst []byte, protocol uint16, info []byte) (out []byte, end int) {
	switch protocol {
	case packet.LCP, packet.IPCP, packet.IPV6CP, packet.CCP, packet.PAP, packet.CHAP, packet.EAP:
		dst = append(dst, packet.ProtocolName(protocol)...)
		p, err := packet.Parse(info)
		if err != nil {
			return appendHex(dst, info, maxHexLCP), len(dst)
		}
		dst = append(append(dst, ' '), packet.CodeName(protocol, p.Code)...)
		dst = strconv.AppendUint(append(dst, " id=0x"...), uint64(p.ID), 16)
		dst = appendBody(dst, protocol, p)
		return appendHex(dst, info[packet.HeaderLen+len(p.Data):], maxHexLCP), len(dst)
	case packet.ECP, packet.CBCP: // pppd names these and prints their bytes
		dst = append(dst, packet.ProtocolName(protocol)...)
	default:
		if name, ok := dataWords[protocol]; ok {
			dst = append(append(dst, name...), " data"...)
			return appendHex(dst, info, 8), len(dst)
		}
		dst = strconv.AppendUint(append(dst, "proto=0x"...), uint64(protocol), 16)
	}
	return appendHex(dst, info, maxHexLCP), len(dst)
}

func appendBody(dst []byte, protocol uint16, p packet.Packet) []byte {
	switch protocol {
	case packet.PAP:
		return appendPAP(dst, p)
	case packet.CHAP:
		return appendCHAP(dst, p)
	case packet.EAP:
		return appendEAP(dst, p)
	case packet.LCP:
		return appendLCP(dst, p)
	}
	b := p.Data
	switch p.Code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		dst, b = appendOptionList(dst, protocol, b)
	case packet.TerminateRequest, packet.TerminateAck:
		if printable(b) {
			if protocol != packet.CCP { // pppd leaves no space there
				dst = append(dst, ' ')
			}
			return appendString(dst, b)
		}
	}
	return appendHex(dst, b, maxHex)
}

func appendLCP(dst []byte, p packet.Packet) []byte {
	b := p.Data
	switch p.Code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		dst, b = appendOptionList(dst, packet.LCP, b)
	case packet.TerminateRequest, packet.TerminateAck:
		if printable(b) {
			return appendString(append(dst, ' '), b)
		}
	case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest, packet.Identification, packet.TimeRemaining:
		if len(b) < 4 {
			break
		}
		dst = appendHexNumber(append(dst, " magic="...), b[:4])
		b = b[4:]
		if p.Code == packet.TimeRemaining && len(b) >= 4 {
			dst = strconv.AppendUint(append(dst, " seconds="...), uint64(binary.BigEndian.Uint32(b)), 10)
			b = b[4:]
		}
		if p.Code >= packet.Identification && len(b) > 0 {
			return appendString(append(dst, ' '), b)
		}
	}
	return appendHex(dst, b, maxHexLCP)
}

// printable is pppd's test of whether the data of a Terminate packet is a message: its first octet.
func printable(b []byte) bool { return len(b) > 0 && b[0] >= ' ' && b[0] < 0x7f }

// appendOptionList appends options until one has an impossible length, and gives the rest.
func appendOptionList(dst []byte, protocol uint16, b []byte) (out, rest []byte) {
	begin := len(dst)
	for len(b) >= 2 {
		if len(dst)-begin > maxBody {
			return append(dst, " ..."...), nil
		}
		n := int(b[1])
		if n < 2 || n > len(b) {
			break
		}
		dst = append(appendOption(append(dst, " <"...), protocol, b[:n]), '>')
		b = b[n:]
	}
	return dst, b
}

// appendOption appends the text between < and >. raw is one whole option. Octets that do not belong to the value follow as hex;
// if the option is not understood, all octets do.
func appendOption(dst []byte, protocol uint16, raw []byte) []byte {
	var used int
	switch protocol {
	case packet.LCP:
		dst, used = appendLCPOption(dst, raw[0], raw[2:])
	case packet.IPCP:
		dst, used = appendIPCPOption(dst, raw[0], raw[2:])
	case packet.IPV6CP:
		dst, used = appendIPV6CPOption(dst, raw[0], raw[2:])
	case packet.CCP:
		dst, used = appendCCPOption(dst, raw[0], raw[2:])
	default:
		used = -1
	}
	if used < 0 {
		return appendHex(dst, raw, maxHex)
	}
	return appendHex(dst, raw[2+used:], maxHex)
}

// Each append…Option gives how many octets of the data it has shown; -1: it did not understand the option.

func appendLCPOption(dst []byte, typ uint8, d []byte) ([]byte, int) {
	word := ""
	switch {
	case typ == packet.LCPMRU && len(d) == 2:
		word = "mru "
	case typ == packet.LCPMRRU && len(d) == 2:
		word = "mrru "
	case typ == packet.LCPACCM && len(d) == 4:
		return appendHexNumber(append(dst, "asyncmap "...), d), 4
	case typ == packet.LCPMagic && len(d) == 4:
		return appendHexNumber(append(dst, "magic "...), d), 4
	case typ == packet.LCPPFC && len(d) == 0:
		return append(dst, "pcomp"...), 0
	case typ == packet.LCPACFC && len(d) == 0:
		return append(dst, "accomp"...), 0
	case typ == packet.LCPShortSeq && len(d) == 0:
		return append(dst, "ssnhf"...), 0
	case typ == packet.LCPAuth && len(d) >= 2:
		return appendAuth(append(dst, "auth "...), d)
	case typ == packet.LCPQuality && len(d) >= 2:
		dst = append(dst, "quality "...)
		if binary.BigEndian.Uint16(d) == packet.LQR {
			return append(dst, "lqr"...), 2
		}
		return appendHexNumber(dst, d[:2]), 2
	case typ == packet.LCPCallback && len(d) >= 1:
		dst = append(dst, "callback "...)
		if d[0] == 6 { // Microsoft's: negotiated by CBCP
			return append(dst, "CBCP"...), 1
		}
		dst = appendHexNumber(dst, d[:1])
		if len(d) > 1 {
			dst = append(dst, " <hidden>"...)
		}
		return dst, len(d)
	case typ == packet.LCPEndpoint && len(d) >= 1:
		return appendEndpoint(dst, d), len(d)
	default:
		return dst, -1
	}
	return strconv.AppendUint(append(dst, word...), uint64(binary.BigEndian.Uint16(d)), 10), 2
}

func appendAuth(dst, d []byte) ([]byte, int) {
	switch binary.BigEndian.Uint16(d) {
	case packet.PAP:
		return append(dst, "pap"...), 2
	case packet.EAP:
		return append(dst, "eap"...), 2
	case packet.CHAP:
		dst = append(dst, "chap"...)
		if len(d) > 2 {
			switch d[2] {
			case packet.AlgorithmMD5:
				return append(dst, " MD5"...), 3
			case packet.AlgorithmMSCHAP:
				return append(dst, " MS"...), 3
			case packet.AlgorithmMSCHAPv2:
				return append(dst, " MS-v2"...), 3
			}
		}
		return dst, 2
	}
	return appendHexNumber(dst, d[:2]), 2
}

func appendEndpoint(dst, d []byte) []byte {
	class, v := d[0], d[1:]
	dst = append(dst, "endpoint ["...)
	if int(class) < len(endpointClasses) {
		dst = append(dst, endpointClasses[class]...)
	} else {
		dst = strconv.AppendUint(dst, uint64(class), 10)
	}
	switch {
	case class == 0 && len(v) == 0:
	case class == packet.EndpointPhone:
		dst = append(dst, ":<hidden>"...)
	case class == 2 && len(v) == 4:
		dst = netip.AddrFrom4([4]byte(v)).AppendTo(append(dst, ':'))
	default:
		sep := byte(':')
		for _, c := range v {
			dst = append(dst, sep, hexDigits[c>>4], hexDigits[c&15])
			if class != 3 {
				sep = '.'
			}
		}
	}
	return append(dst, ']')
}

func appendIPCPOption(dst []byte, typ uint8, d []byte) ([]byte, int) {
	var word string
	switch typ {
	case packet.IPCPAddresses:
		if len(d) != 8 {
			return dst, -1
		}
		dst = netip.AddrFrom4([4]byte(d)).AppendTo(append(dst, "addrs "...))
		return netip.AddrFrom4([4]byte(d[4:])).AppendTo(append(dst, ' ')), 8
	case packet.IPCPCompression:
		if len(d) < 2 {
			return dst, -1
		}
		dst = append(dst, "compress "...)
		switch binary.BigEndian.Uint16(d) {
		case packet.VJCompressed:
			return append(dst, "VJ"...), 2
		case 0x0037: // the number that RFC 1172 printed by mistake
			return append(dst, "old-VJ"...), 2
		}
		return appendHexNumber(dst, d[:2]), 2
	case packet.IPCPAddress:
		word = "addr "
	case packet.IPCPDNS1:
		word = "ms-dns1 "
	case packet.IPCPDNS2:
		word = "ms-dns2 "
	case packet.IPCPNBNS1, packet.IPCPNBNS2:
		word = "ms-wins "
	}
	if word == "" || len(d) != 4 {
		return dst, -1
	}
	return netip.AddrFrom4([4]byte(d)).AppendTo(append(dst, word...)), 4
}

func appendIPV6CPOption(dst []byte, typ uint8, d []byte) ([]byte, int) {
	switch {
	case typ == packet.IPV6CPInterfaceID && len(d) == 8:
		dst = append(dst, "addr fe80:"...)
		for i, c := range d {
			if i%2 == 0 {
				dst = append(dst, ':')
			}
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
		return dst, 8
	case typ == packet.IPV6CPCompression && len(d) >= 2:
		return appendHexNumber(append(dst, "compress "...), d[:2]), 2
	}
	return dst, -1
}

func appendCCPOption(dst []byte, typ uint8, d []byte) ([]byte, int) {
	switch {
	case typ == packet.CCPMPPE && len(d) >= 4:
		dst = append(dst, "mppe"...)
		for _, bit := range []struct { // RFC 3078 section 2.1
			octet int
			mask  byte
			name  byte
		}{{0, 0x01, 'H'}, {3, 0x80, 'M'}, {3, 0x40, 'S'}, {3, 0x20, 'L'}, {3, 0x10, 'D'}, {3, 0x01, 'C'}} {
			sign := byte('-')
			if d[bit.octet]&bit.mask != 0 {
				sign = '+'
			}
			dst = append(dst, ' ', sign, bit.name)
		}
		return dst, 4
	case (typ == packet.CCPDeflate || typ == packet.CCPDeflateDraft) && len(d) >= 2:
		dst = append(dst, "deflate"...)
		if typ == packet.CCPDeflateDraft {
			dst = append(dst, "(old#)"...)
		}
		dst = strconv.AppendUint(append(dst, ' '), uint64(d[0]>>4)+8, 10)
		if m := d[0] & 15; m != 8 {
			dst = strconv.AppendUint(append(dst, " method "...), uint64(m), 10)
		}
		if d[1] != 0 {
			dst = strconv.AppendUint(append(dst, " check "...), uint64(d[1]), 10)
		}
		return dst, 2
	case typ == packet.CCPBSD && len(d) >= 1:
		dst = strconv.AppendUint(append(dst, "bsd v"...), uint64(d[0]>>5), 10)
		return strconv.AppendUint(append(dst, ' '), uint64(d[0]&31), 10), 1
	case typ == packet.CCPPredictor1:
		return append(dst, "predictor 1"...), 0
	case typ == packet.CCPPredictor2:
		return append(dst, "predictor 2"...), 0
	}
	return dst, -1
}

const hexDigits = "0123456789abcdef"

// appendHexNumber appends a big-endian number of at most 4 octets as 0x…, without leading zeros.
func appendHexNumber(dst, b []byte) []byte {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendHex appends each octet as a space and two digits, and " ..." if there are more than limit.
func appendHex(dst, b []byte, limit int) []byte {
	for i, c := range b {
		if i == limit {
			return append(dst, " ..."...)
		}
		dst = append(dst, ' ', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendString appends b in quotes, escaped as pppd does it.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	begin := len(dst)
	for _, c := range b {
		if len(dst)-begin > maxBody {
			return append(dst, "\" ..."...)
		}
		switch {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case c >= ' ' && c <= '~':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
	}
	return append(dst, '"')
}
