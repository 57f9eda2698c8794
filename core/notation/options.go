package notation

import (
	"bytes"
	"net/netip"

	"github.com/knakppp/knak/core/ppp/packet"
)

// options takes all options, each " <word value>".
func (p *parser) options(protocol uint16) error {
	for {
		if !p.skip(" <") && !p.skip("<") {
			if p.at < len(p.text) && p.text[p.at] == ' ' && p.at+1 == len(p.text) {
				p.at++
			}
			return nil
		}
		if err := p.option(protocol); err != nil {
			return err
		}
	}
}

func (p *parser) option(protocol uint16) error {
	if c := p.byte(); c == ' ' { // not understood by pppd: type, length and data as octets
		start := len(p.out)
		if err := p.hex(false); err != nil {
			return err
		}
		if len(p.out)-start < 2 {
			return p.bad()
		}
		return p.closeOption()
	}
	start := len(p.out)
	p.out = append(p.out, 0, 0)
	word := p.word()
	var typ uint8
	var ok bool
	switch protocol {
	case packet.LCP:
		typ, ok = p.lcpOption(word)
	case packet.IPCP:
		typ, ok = p.ipcpOption(word)
	case packet.IPV6CP:
		typ, ok = p.ipv6cpOption(word)
	case packet.CCP:
		typ, ok = p.ccpOption(word)
	}
	if !ok {
		return p.bad()
	}
	if err := p.hex(false); err != nil {
		return err
	}
	n := len(p.out) - start
	if n > 255 {
		return ErrNotation
	}
	p.out[start], p.out[start+1] = typ, byte(n)
	return p.closeOption()
}

func (p *parser) closeOption() error {
	p.spaces()
	if !p.skip(">") {
		return p.bad()
	}
	return nil
}

// value takes a space and a word of at least one octet.
func (p *parser) value() ([]byte, bool) {
	if !p.skip(" ") {
		return nil, false
	}
	w := p.word()
	return w, len(w) > 0
}

func (p *parser) lcpOption(word []byte) (uint8, bool) {
	switch string(word) {
	case "mru", "mrru":
		typ := packet.LCPMRU
		if len(word) == 4 {
			typ = packet.LCPMRRU
		}
		w, _ := p.value()
		v, ok := number(w)
		p.uint16(v)
		return typ, ok && v <= 0xffff
	case "asyncmap", "accm":
		w, _ := p.value()
		v, ok := hexNumber(w)
		p.uint32(v)
		return packet.LCPACCM, ok
	case "magic":
		w, ok := p.value()
		if !ok {
			return 0, false
		}
		v, ok := hexNumber(w)
		if !ok {
			v = p.placeholder(w)
		}
		p.uint32(v)
		return packet.LCPMagic, true
	case "pcomp":
		return packet.LCPPFC, true
	case "accomp":
		return packet.LCPACFC, true
	case "ssnhf":
		return packet.LCPShortSeq, true
	case "auth":
		return packet.LCPAuth, p.auth()
	case "quality":
		w, _ := p.value()
		if string(w) == "lqr" {
			p.uint16(uint32(packet.LQR))
			return packet.LCPQuality, true
		}
		v, ok := hexNumber(w)
		p.uint16(v)
		return packet.LCPQuality, ok && v <= 0xffff
	case "callback":
		w, _ := p.value()
		if string(w) == "CBCP" {
			p.out = append(p.out, 6)
			return packet.LCPCallback, true
		}
		v, ok := hexNumber(w)
		p.out = append(p.out, byte(v))
		if p.skip(" <hidden>") {
			p.hide(8)
		}
		return packet.LCPCallback, ok && v <= 0xff
	case "endpoint":
		return packet.LCPEndpoint, p.endpoint()
	}
	return 0, false
}

func (p *parser) auth() bool {
	w, ok := p.value()
	if !ok {
		return false
	}
	protocol := uint32(0)
	switch string(w) {
	case "pap", "upap", "PAP":
		protocol = uint32(packet.PAP)
	case "eap", "EAP":
		protocol = uint32(packet.EAP)
	case "chap", "CHAP":
		p.uint16(uint32(packet.CHAP))
		return p.algorithm()
	default:
		v, ok := hexNumber(w)
		if !ok || v > 0xffff {
			return false
		}
		protocol = v
	}
	p.uint16(protocol)
	return true
}

// algorithms are the words of all releases; m$oft is what pppd wrote before 2.4.2.
var algorithms = []struct {
	word string
	code uint8
}{
	{"MD5", packet.AlgorithmMD5}, {"MS-v2", packet.AlgorithmMSCHAPv2}, {"MS", packet.AlgorithmMSCHAP}, {"md5", packet.AlgorithmMD5},
	{"m$oft-v2", packet.AlgorithmMSCHAPv2}, {"m$oft", packet.AlgorithmMSCHAP}, {"MSv2", packet.AlgorithmMSCHAPv2},
}

func (p *parser) algorithm() bool {
	if p.byte() != ' ' {
		return true
	}
	at := p.at
	p.at++
	w := p.word()
	for i := range algorithms {
		if algorithms[i].word == string(w) {
			p.out = append(p.out, algorithms[i].code)
			return true
		}
	}
	p.at = at // octets follow, or something unknown
	return len(w) == 2 || len(w) == 0
}

var endpointClasses = []string{"null", "local", "IP", "MAC", "magic", "phone"}

// endpoint reads [class:value] (RFC 1990 section 5.1.3).
func (p *parser) endpoint() bool {
	if !p.skip(" [") {
		return false
	}
	w := p.word()
	name, v, _ := cutByte(w, ':')
	class := -1
	for i, n := range endpointClasses {
		if n == string(name) {
			class = i
		}
	}
	if class < 0 {
		n, ok := number(name)
		if !ok || n > 255 {
			return false
		}
		class = int(n)
	}
	p.out = append(p.out, byte(class))
	switch a, ok := ipv4(v); {
	case class == 2 && ok:
		p.uint32(a)
	case p.skip("<hidden>"):
		p.hide(8)
	case class == 5 && !bytes.ContainsAny(v, ".:"): // a telephone number
		p.out = append(p.out, v...)
	default:
		for len(v) >= 2 && isHex(v[0]) && isHex(v[1]) {
			p.out = append(p.out, digit(v[0])<<4|digit(v[1]))
			if v = v[2:]; len(v) > 0 && (v[0] == '.' || v[0] == ':') {
				v = v[1:]
			}
		}
		if len(v) > 0 {
			return false
		}
	}
	return p.skip("]")
}

func (p *parser) ipcpOption(word []byte) (uint8, bool) {
	switch string(word) {
	case "addr":
		return packet.IPCPAddress, p.address()
	case "addrs":
		first := p.address()
		return packet.IPCPAddresses, first && p.address()
	case "ms-dns1", "ms-dns":
		return packet.IPCPDNS1, p.address()
	case "ms-dns2", "ms-dns3": // RFC 1877 numbers the second server 131, so releases before 2.4.5 called it the third
		return packet.IPCPDNS2, p.address()
	case "ms-wins", "ms-wins1", "ms-wins2": // both servers have one name; the primary comes first
		p.wins++
		if typ := packet.IPCPNBNS1; p.wins == 1 && len(word) != 8 || len(word) == 8 && word[7] == '1' {
			return typ, p.address()
		}
		return packet.IPCPNBNS2, p.address()
	case "compress":
		w, ok := p.value()
		switch string(w) {
		case "VJ":
			p.uint16(uint32(packet.VJCompressed))
		case "old-VJ":
			p.uint16(0x0037)
		default:
			v, hex := hexNumber(w)
			p.uint16(v)
			ok = ok && hex && v <= 0xffff
		}
		return packet.IPCPCompression, ok
	}
	return 0, false
}

// Address reads an IPv4 address from a log. If a person replaced the address by another text, it gives the same placeholder as
// Parse, and replaced is true. ok is false if text cannot stand for an address.
func Address(text string) (a netip.Addr, replaced, ok bool) {
	p := parser{text: []byte(" " + text)}
	if !p.address() || p.at != len(p.text) {
		return netip.Addr{}, false, false
	}
	return netip.AddrFrom4([4]byte(p.out)), p.replaced, true
}

// address takes an IPv4 address, or the text that replaces it.
func (p *parser) address() bool {
	if !p.skip(" ") {
		return false
	}
	w := p.word()
	if p.byte() == '<' { // <addr <hidden>>
		p.at++
		if w = p.word(); !p.skip(">") {
			return false
		}
	}
	v, ok := ipv4(w)
	if !ok {
		if !hiddenAddress(w) {
			return false
		}
		v = 0xc0000200 + 1 + p.placeholder(w)%253
	}
	p.uint32(v)
	return true
}

// hiddenAddress says whether a word can replace an address: it has at least one character that addresses do not have, and none
// that only other values have.
func hiddenAddress(w []byte) bool {
	if len(w) == 0 || len(w) > 40 {
		return false
	}
	masks := 0
	for _, c := range w {
		switch {
		case '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.', c == '*', c == '#', c == '?', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			masks++
		default:
			return false
		}
	}
	return masks > 3 || masks > 0 && bytes.IndexByte(w, '.') < 0
}

func (p *parser) ipv6cpOption(word []byte) (uint8, bool) {
	switch string(word) {
	case "addr":
		w, ok := p.value()
		if !ok {
			return 0, false
		}
		a, err := netip.ParseAddr(string(w))
		if err != nil || !a.Is6() {
			return 0, false
		}
		b := a.As16()
		p.out = append(p.out, b[8:]...)
		return packet.IPV6CPInterfaceID, true
	case "compress":
		w, _ := p.value()
		v, ok := hexNumber(w)
		p.uint16(v)
		return packet.IPV6CPCompression, ok && v <= 0xffff
	}
	return 0, false
}

func (p *parser) ccpOption(word []byte) (uint8, bool) {
	switch string(word) {
	case "mppe":
		return packet.CCPMPPE, p.mppe()
	case "deflate", "deflate(old#)":
		typ := packet.CCPDeflate
		if len(word) > len("deflate") {
			typ = packet.CCPDeflateDraft
		}
		w, _ := p.value()
		size, ok := number(w)
		method, check := uint32(8), uint32(0)
		if p.skip(" method ") {
			method, _ = number(p.word())
		}
		if p.skip(" check ") {
			check, _ = number(p.word())
		}
		p.out = append(p.out, byte(size-8)<<4|byte(method&15), byte(check))
		return typ, ok && size >= 8 && size <= 23
	case "bsd":
		if !p.skip(" v") {
			return 0, false
		}
		v, ok := number(p.word())
		w, _ := p.value()
		bits, good := number(w)
		p.out = append(p.out, byte(v<<5|bits&31))
		return packet.CCPBSD, ok && good && v < 8 && bits < 32
	case "predictor":
		w, _ := p.value()
		if string(w) == "2" {
			return packet.CCPPredictor2, true
		}
		return packet.CCPPredictor1, string(w) == "1"
	}
	return 0, false
}

// mppe reads " +H -M +S -L -D -C" (RFC 3078 section 2.1).
func (p *parser) mppe() bool {
	var b [4]byte
	seen := false
	for p.at+2 < len(p.text) && p.text[p.at] == ' ' && (p.text[p.at+1] == '+' || p.text[p.at+1] == '-') {
		on := p.text[p.at+1] == '+'
		name := p.text[p.at+2]
		p.at += 3
		seen = true
		if !on {
			continue
		}
		switch name {
		case 'H':
			b[0] |= 0x01
		case 'M':
			b[3] |= 0x80
		case 'S':
			b[3] |= 0x40
		case 'L':
			b[3] |= 0x20
		case 'D':
			b[3] |= 0x10
		case 'C':
			b[3] |= 0x01
		default:
			return false
		}
	}
	if seen {
		p.out = append(p.out, b[:]...)
	}
	return seen || p.byte() == ' ' // octets, as old releases wrote them
}
