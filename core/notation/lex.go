package notation

// bad gives ErrCut if the text has ended, otherwise ErrNotation.
func (p *parser) bad() error {
	if p.at >= len(p.text) || p.begun == p.at+1 {
		return ErrCut
	}
	return ErrNotation
}

// byte gives the next octet, 0 at the end.
func (p *parser) byte() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// back goes back by one octet if that octet is c.
func (p *parser) back(c byte) {
	if p.at > 0 && p.text[p.at-1] == c {
		p.at--
	}
}

// skip takes s if it comes next.
func (p *parser) skip(s string) bool {
	rest := p.text[p.at:]
	if len(rest) < len(s) {
		if len(rest) > 0 && string(rest) == s[:len(rest)] {
			p.begun = p.at + 1
		}
		return false
	}
	if string(rest[:len(s)]) != s {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) spaces() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// word takes the octets before the next space or punctuation mark.
func (p *parser) word() []byte {
	rest := p.text[p.at:]
	for i, c := range rest {
		if characters[c]&endsWord != 0 {
			p.at += i
			return rest[:i]
		}
	}
	p.at = len(p.text)
	return rest
}

// characters has the value of a hexadecimal digit in its lower bits, and what else a character is.
var characters = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case '0' <= b && b <= '9':
			t[c] = isDigit | (b - '0')
		case 'a' <= b && b <= 'f', 'A' <= b && b <= 'F':
			t[c] = isDigit | (b&0x0f + 9)
		case b == ' ', b == '\t', b == '<', b == '>', b == '[', b == ']', b == '"', b == ',':
			t[c] = endsWord
		}
	}
	return t
}()

const (
	isDigit  = 0x10 // hexadecimal
	endsWord = 0x20
)

// field takes name and a number in hex, for example " id=0x1".
func (p *parser) field(name string) (uint32, bool) {
	if !p.skip(name) {
		return 0, false
	}
	return hexNumber(p.word())
}

// hex takes octets, each a space and two digits, and the "..." for more octets. last means that the text after them does not
// matter.
func (p *parser) hex(last bool) error {
	for {
		t := p.text[p.at:]
		if len(t) >= 3 && t[0] == ' ' && isHex(t[1]) && isHex(t[2]) && (len(t) == 3 || !isWord(t[3])) {
			p.out = append(p.out, digit(t[1])<<4|digit(t[2]))
			p.at += 3
			continue
		}
		if p.skip(" ...") {
			p.cut = true
		} else if !last && (len(t) < 3 && len(t) > 0 && t[0] == ' ' && (len(t) == 1 || isHex(t[1]))) {
			p.at = len(p.text)
			return ErrCut
		}
		return nil
	}
}

// quoted takes a string up to its closing quote. Quotes inside the string have a backslash before them.
func (p *parser) quoted() error {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			p.cut = p.cut || p.skip(" ...")
			return nil
		case '\\':
			if err := p.escape(); err != nil {
				return err
			}
		default:
			p.out = append(p.out, c)
		}
	}
	return ErrCut
}

func (p *parser) escape() error {
	if p.at == len(p.text) {
		return ErrCut
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case '0', '1', '2', '3':
		t := p.text[p.at:]
		if len(t) < 2 {
			p.at = len(p.text)
			return ErrCut
		}
		switch {
		case c == '3' && len(t) >= 10 && string(t[:6]) == "777777" && allOctal(t[:10]): // releases that printed a char as a signed number
			c = (t[7]-'0')<<6 | (t[8]-'0')<<3 | (t[9] - '0')
			p.at += 10
		case isOctal(t[0]) && isOctal(t[1]):
			c = (c-'0')<<6 | (t[0]-'0')<<3 | (t[1] - '0')
			p.at += 2
		}
	}
	p.out = append(p.out, c)
	return nil
}

func (p *parser) uint32(v uint32) {
	p.out = append(p.out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func (p *parser) uint16(v uint32) { p.out = append(p.out, byte(v>>8), byte(v)) }

// placeholder gives a number that depends only on a text that hides a value, so that the same text always gives the same number.
func (p *parser) placeholder(text []byte) uint32 {
	p.hidden, p.replaced = true, true
	h := uint32(2166136261) // FNV-1a
	for _, c := range text {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

func cutByte(b []byte, sep byte) (before, after []byte, ok bool) {
	for i, c := range b {
		if c == sep {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

func isHex(c byte) bool { return characters[c]&isDigit != 0 }

func allOctal(b []byte) bool {
	for _, c := range b {
		if !isOctal(c) {
			return false
		}
	}
	return true
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

func isWord(c byte) bool { return isHex(c) || 'g' <= c && c <= 'z' || 'G' <= c && c <= 'Z' }

func digit(c byte) byte { return characters[c] & 0x0f }

// hexNumber reads 0x1f, or 1f as old releases wrote it, of at most 32 bits.
func hexNumber(b []byte) (uint32, bool) {
	if len(b) > 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 'X') {
		b = b[2:]
	}
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	v := uint32(0)
	for _, c := range b {
		d := characters[c]
		if d&isDigit == 0 {
			return 0, false
		}
		v = v<<4 | uint32(d&0x0f)
	}
	return v, true
}

// number reads a decimal number of at most 32 bits.
func number(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	v := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return uint32(v), v <= 0xffffffff
}

// ipv4 reads a dotted address.
func ipv4(b []byte) (v uint32, ok bool) {
	dots, n, digits := 0, uint32(0), 0
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9' && digits < 3:
			n = n*10 + uint32(c-'0')
			digits++
		case c == '.' && digits > 0 && dots < 3 && n <= 255:
			v = v<<8 | n
			n, digits, dots = 0, 0, dots+1
		default:
			return 0, false
		}
	}
	return v<<8 | n, dots == 3 && digits > 0 && n <= 255
}
