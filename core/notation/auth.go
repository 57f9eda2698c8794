package notation

import "github.com/knakppp/knak/core/ppp/packet"

// hide appends n asterisks in place of a value that the text hides.
func (p *parser) hide(n int) {
	p.hidden = true
	for range n {
		p.out = append(p.out, '*')
	}
}

// counted sets the octet before start to the number of octets from start on.
func (p *parser) counted(start int) bool {
	n := len(p.out) - start
	p.out[start-1] = byte(n)
	return n <= 255
}

// str takes a string in quotes and, with count, puts its length before it.
func (p *parser) str(count bool) error {
	if !p.skip(`"`) {
		return p.bad()
	}
	if count {
		p.out = append(p.out, 0)
	}
	start := len(p.out)
	if err := p.quoted(); err != nil {
		return err
	}
	if count && !p.counted(start) {
		return ErrNotation
	}
	return nil
}

func (p *parser) pap(code uint8) error {
	if code == packet.PAPRequest && p.skip(" user=") {
		if err := p.user(); err != nil {
			return err
		}
		if !p.skip(" password=") {
			return p.bad()
		}
		if err := p.password(); err != nil {
			return err
		}
		return p.hex(false)
	}
	if (code == packet.PAPAck || code == packet.PAPNak) && p.byte() == ' ' && p.at+1 < len(p.text) && p.text[p.at+1] == '"' {
		p.at++
		if err := p.str(true); err != nil {
			return err
		}
	}
	return p.hex(false)
}

// user takes the name, in quotes or, if a person replaced it, as <user>.
func (p *parser) user() error {
	if p.byte() == '"' {
		return p.str(true)
	}
	p.out = append(p.out, 0)
	start := len(p.out)
	if p.skip("<") {
		p.out = append(p.out, p.word()...)
		p.hidden = true
		if !p.skip(">") {
			return p.bad()
		}
	} else {
		w := p.word()
		if len(w) > 0 && w[0] >= 0x80 { // typographic quotes of a word processor
			return ErrNotation
		}
		p.out = append(p.out, w...)
	}
	if !p.counted(start) {
		return ErrNotation
	}
	return nil
}

func (p *parser) password() error {
	if p.byte() == '"' {
		return p.str(true)
	}
	p.out = append(p.out, 0)
	start := len(p.out)
	if p.skip("<") {
		p.word()
		if !p.skip(">") {
			return p.bad()
		}
	} else if len(p.word()) == 0 {
		return p.bad()
	}
	p.hide(8)
	p.counted(start)
	return nil
}

func (p *parser) chap(code uint8) error {
	switch code {
	case packet.CHAPChallenge, packet.CHAPResponse:
		if !p.skip(" <") {
			return p.hex(false)
		}
		if err := p.hexValue(); err != nil {
			return err
		}
		if !p.skip(">, name = ") {
			return p.bad()
		}
		if err := p.str(false); err != nil {
			return err
		}
	default:
		if p.skip(" ") {
			if p.byte() != '"' {
				p.at--
				return p.hex(false)
			}
			if err := p.str(false); err != nil {
				return err
			}
		}
	}
	return p.hex(false)
}

// hexValue takes a value in hex without spaces, or a word that hides it, and puts its length before it.
func (p *parser) hexValue() error {
	w := p.word()
	p.out = append(p.out, 0)
	start := len(p.out)
	hex := len(w)%2 == 0
	for _, c := range w {
		hex = hex && isHex(c)
	}
	switch {
	case hex:
		for i := 0; i < len(w); i += 2 {
			p.out = append(p.out, digit(w[i])<<4|digit(w[i+1]))
		}
	case p.at == len(p.text):
		return ErrCut
	case len(w) >= 16 && len(w)%2 == 0: // dots or x in place of each digit
		p.hide(len(w) / 2)
	default:
		p.hide(16)
	}
	if !p.counted(start) {
		return ErrNotation
	}
	return nil
}

var eapTypes = []struct {
	name string
	typ  uint8
}{
	{"Identity", packet.EAPIdentity}, {"Notification", packet.EAPNotification}, {"Nak", packet.EAPNak}, {"MD5-Challenge", packet.EAPMD5},
	{"OTP", packet.EAPOTP}, {"Generic-Token", packet.EAPGTC}, {"RSA", 9}, {"DSS", 10}, {"KEA-Validate", 12}, {"KEA", 11}, {"TLS", packet.EAPTLS},
	{"Defender", 14}, {"Windows 2000", 15}, {"Arcot", 16}, {"Cisco", 17}, {"Nokia", 18}, {"SRP", 19}, {"TTLS", packet.EAPTTLS}, {"RAS", 22},
	{"AKA", 23}, {"3COM", 24}, {"PEAP", packet.EAPPEAP}, {"MSCHAPv2", packet.EAPMSCHAPv2},
}

var eapOps = []string{"", "Challenge", "Response", "Success", "Failure"}

func (p *parser) eap(code uint8) error {
	if code != packet.EAPRequest && code != packet.EAPResponse {
		return p.hex(false)
	}
	if p.skip(" <missing type>") {
		return nil
	}
	typ, ok := p.eapType()
	if !ok {
		return p.bad()
	}
	p.out = append(p.out, typ)
	switch {
	case p.skip(" <No message>"):
	case typ == packet.EAPMD5:
		return p.eapValue()
	case typ == packet.EAPMSCHAPv2:
		return p.eapMSCHAPv2()
	case typ == packet.EAPNak:
		return p.eapNak()
	case p.skip(" <Message "), p.skip(" <Name "):
		if err := p.str(false); err != nil {
			return err
		}
		if !p.skip(">") {
			return p.bad()
		}
	case p.skip(" <hidden>"):
		p.hide(8)
	}
	return p.hex(false)
}

func (p *parser) eapType() (uint8, bool) {
	for i := range eapTypes {
		at := p.at
		if p.skip(" ") && p.skip(eapTypes[i].name) && !isWord(p.byte()) && p.byte() != '-' {
			return eapTypes[i].typ, true
		}
		p.at = at
	}
	v, ok := p.field(" type=")
	return uint8(v), ok && v <= 0xff
}

func (p *parser) eapNak() error {
	for p.skip(" <Suggested-type ") {
		v, ok := hexNumber(p.word())
		if !ok || v > 0xff {
			return p.bad()
		}
		p.out = append(p.out, byte(v))
		for p.at < len(p.text) && p.text[p.at] != '>' { // the name again, in parentheses
			p.at++
		}
		if !p.skip(">") {
			return p.bad()
		}
	}
	return p.hex(false)
}

// eapValue reads <Value 01 02> <Name "x">; each may be missing.
func (p *parser) eapValue() error {
	p.out = append(p.out, 0)
	start := len(p.out)
	switch {
	case p.skip(" <hidden>"):
		p.hide(16)
	case p.skip(" <Value"):
		if err := p.hex(false); err != nil {
			return err
		}
		if !p.skip(">") {
			return p.bad()
		}
	default:
		p.out = p.out[:start-1]
		return p.hex(false)
	}
	if !p.counted(start) {
		return ErrNotation
	}
	if p.skip(" <No name>") {
		return p.hex(false)
	}
	if p.skip(" <Name ") {
		if err := p.str(false); err != nil {
			return err
		}
		if !p.skip(">") {
			return p.bad()
		}
	}
	return p.hex(false)
}

func (p *parser) eapMSCHAPv2() error {
	start := len(p.out)
	op := -1
	for i, name := range eapOps {
		at := p.at
		if name != "" && p.skip(" ") && p.skip(name) && p.byte() == ' ' {
			op = i
			break
		}
		p.at = at
	}
	if op < 0 {
		v, ok := p.field(" opcode=")
		if !ok || v > 0xff {
			return p.hex(false)
		}
		op = int(v)
	}
	id, ok := p.field(" id=")
	if !ok || id > 0xff {
		return p.bad()
	}
	p.out = append(p.out, byte(op), byte(id), 0, 0)
	length := -1
	if p.skip(" length=") {
		v, ok := number(p.word())
		if !ok || v > 0xffff {
			return p.bad()
		}
		length = int(v)
	}
	var err error
	switch {
	case uint8(op) == packet.MSCHAPv2Challenge || uint8(op) == packet.MSCHAPv2Response:
		err = p.eapValue()
	case p.skip(" <Message "):
		if err = p.str(false); err == nil && !p.skip(">") {
			err = p.bad()
		}
	case p.skip(" <hidden>"):
		p.hide(8)
	default:
		err = p.hex(false)
	}
	if err != nil {
		return err
	}
	if length < 0 {
		length = len(p.out) - start
	}
	p.out[start+2], p.out[start+3] = byte(length>>8), byte(length)
	return nil
}
