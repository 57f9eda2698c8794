package format

import (
	"strconv"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// direction reads a word for one of the two directions, or an arrow.
func direction(s string) (event.Dir, bool) {
	switch strings.ToLower(strings.Trim(s, ":.()[] ")) {
	case "sent", "send", "sending", "tx", "txd", "xmit", "transmit", "transmitted", "write", "writing", "wrote", "out", "output", "outgoing", "o", "xmt", "xmits", "snd", "sends", "tx'd", "transmitting", "uplink", "->", "-->", ">", ">>", ">>>", "=>":
		return event.Sent, true
	case "rcvd", "recv", "received", "receive", "receiving", "rec'd", "rx", "rxd", "read", "reading", "in", "input", "incoming", "i", "rcv", "rec", "recvd", "receives", "got", "rx'd", "downlink", "<-", "<--", "<", "<<", "<<<", "<=":
		return event.Rcvd, true
	}
	return 0, false
}

// letters gives the letters and digits of a word in lower case, for names that every program writes in a way of its own.
func letters(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		}
		return -1
	}, s)
}

// protocolOf reads the name of a control protocol, or its number in hexadecimal.
func protocolOf(s string) (uint16, bool) {
	switch letters(s) {
	case "lcp":
		return packet.LCP, true
	case "pap", "upap":
		return packet.PAP, true
	case "chap", "mschap", "chapmd5":
		return packet.CHAP, true
	case "eap":
		return packet.EAP, true
	case "ipcp", "ip":
		return packet.IPCP, true
	case "ipv6cp", "ip6cp", "ipv6":
		return packet.IPV6CP, true
	case "ccp":
		return packet.CCP, true
	case "ecp":
		return packet.ECP, true
	case "ipxcp":
		return packet.IPXCP, true
	case "mplscp":
		return packet.MPLSCP, true
	case "cbcp":
		return packet.CBCP, true
	}
	s, hex := strings.CutPrefix(strings.ToLower(strings.TrimSpace(s)), "0x")
	n, err := strconv.ParseUint(s, 16, 16)
	return uint16(n), err == nil && (hex || len(s) == 4) && n >= 0x8000
}

// codes are the words for codes, by their letters. Configure- and Terminate- are of all protocols, the rest of those whose
// RFC has them.
var codes = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"confreq": "ConfReq", "confack": "ConfAck", "confnak": "ConfNak", "confnack": "ConfNak", "confrej": "ConfRej",
		"termreq": "TermReq", "termack": "TermAck", "coderej": "CodeRej", "protrej": "ProtRej", "protorej": "ProtRej",
		"echoreq": "EchoReq", "echorep": "EchoRep", "echoreply": "EchoRep", "discreq": "DiscReq", "discardreq": "DiscReq", "ident": "Ident", "identification": "Ident",
		"timerem": "TimeRem", "timeremaining": "TimeRem", "resetreq": "ResetReq", "resetack": "ResetAck",
		"authreq": "AuthReq", "authack": "AuthAck", "authnak": "AuthNak", "authnack": "AuthNak",
		"challenge": "Challenge", "response": "Response", "success": "Success", "failure": "Failure", "request": "Request",
		"req": "ConfReq", "ack": "ConfAck", "nak": "ConfNak", "nack": "ConfNak", "rej": "ConfRej", "reject": "ConfRej",
		"cfgreq": "ConfReq", "cfgack": "ConfAck", "cfgnak": "ConfNak", "cfgnack": "ConfNak", "cfgrej": "ConfRej", "cfgrequest": "ConfReq", "cfgreject": "ConfRej", "trmreq": "TermReq", "trmack": "TermAck",
		"configrequest": "ConfReq", "configreq": "ConfReq", "configack": "ConfAck", "confignak": "ConfNak", "confignack": "ConfNak", "configrej": "ConfRej", "configreject": "ConfRej",
		"configurerequest": "ConfReq", "configurereq": "ConfReq", "configureack": "ConfAck", "configurenak": "ConfNak", "configurenack": "ConfNak", "configurereject": "ConfRej", "configurerej": "ConfRej",
		"configurationrequest": "ConfReq", "configurationack": "ConfAck", "configurationnak": "ConfNak", "configurationreject": "ConfRej",
		"terminaterequest": "TermReq", "terminatereq": "TermReq", "terminateack": "TermAck", "codereject": "CodeRej", "protocolreject": "ProtRej", "protocolrej": "ProtRej",
		"echorequest": "EchoReq", "discardrequest": "DiscReq", "resetrequest": "ResetReq",
		"authenticaterequest": "AuthReq", "authenticatereq": "AuthReq", "authenticateack": "AuthAck", "authenticatenak": "AuthNak", "authenticationrequest": "AuthReq", "authenticationack": "AuthAck", "authenticationnak": "AuthNak",
	}
})

// ControlPacket is a packet as a line describes it.
type ControlPacket struct {
	Dir      event.Dir
	Protocol uint16
	Code     string // pppd's word
	ID       uint8
	NoID     bool
	Length   int // of the packet with its header, -1: not told
	Count    int // of options, -1: not told
	Options  []string
	Text     string // what follows the header in quotes
	Name     string
	Below    bool // the options follow in the lines behind
	Whole    bool // what is not told is not there
}

// Packet gives the packet of the last match. It is false if the words for it are not known.
func (r *Reader) Packet() (ControlPacket, bool) {
	p := ControlPacket{Length: -1, Count: -1, NoID: true, Below: r.rule.Below, Whole: r.rule.Whole}
	var ok, ok2, ok3 bool
	p.Dir, ok = r.Dir()
	p.Protocol, ok2 = r.protocol()
	p.Code, ok3 = r.code()
	if !ok || !ok2 || !ok3 {
		return p, false
	}
	switch p.Protocol { // the words of RFC 1334 and RFC 1994 for what others call by less
	case packet.PAP:
		switch p.Code {
		case "ConfReq", "Request":
			p.Code = "AuthReq"
		case "ConfAck", "Success":
			p.Code = "AuthAck"
		case "ConfNak", "Failure":
			p.Code = "AuthNak"
		}
	case packet.CHAP, packet.EAP:
	default:
		if p.Code == "Request" {
			p.Code = "ConfReq"
		}
	}
	p.header(r)
	if r.Has("options") {
		p.Options, p.Whole = r.inline(r.Field("options"))
	}
	return p, true
}

// header takes what the last match tells of the packet's header and of its text.
func (p *ControlPacket) header(r *Reader) {
	id := r.Field("id")
	if r.m.values[fieldOf("id")].hex && !strings.HasPrefix(id, "0x") { // {id:hex}: its digits alone do not say so
		id = "0x" + id
	}
	if n, ok := number(id); ok && n <= 255 {
		p.ID, p.NoID = uint8(n), false
	}
	if n, ok := number(r.Field("length")); ok {
		p.Length = n
	}
	if n, ok := number(r.Field("count")); ok {
		p.Count = n
	}
	if v := r.Field("reason"); v != "" {
		p.Text = v
	}
	if v := r.Field("name"); v != "" {
		p.Name = v
	}
}

// Protocol gives the protocol that the last match names; 0: none.
func (r *Reader) Protocol() uint16 {
	if !r.Has("protocol") {
		return 0
	}
	p, _ := r.protocol()
	return p
}

// inline reads options that stand in the packet's own line: pppd's, or the format's own with commas or semicolons between.
// whole says that all of it was understood.
func (r *Reader) inline(s string) (options []string, whole bool) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " ,;") {
		part := s
		if s[0] == '<' {
			i := strings.IndexByte(s, '>')
			if i < 0 {
				return options, false
			}
			options, s = append(options, s[:i+1]), s[i+1:]
			continue
		}
		if i := strings.IndexAny(s, ",;"); i >= 0 {
			part = s[:i]
		}
		s = s[len(part):]
		o := r.option([]byte(part))
		if o == nil {
			return options, false
		}
		options = append(options, r.fill(o.as))
	}
	return options, true
}

// number reads a number: hexadecimal with 0x, or decimal.
func number(s string) (int, bool) {
	s = strings.TrimSpace(s)
	if s == "" || !isHex(s[0]) { // most lines have none
		return 0, false
	}
	n, err := strconv.ParseUint(s, 0, 31)
	if err != nil {
		n, err = strconv.ParseUint(strings.TrimLeft(s, "0"), 10, 31)
	}
	return int(n), err == nil
}
