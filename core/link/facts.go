package link

import (
	"strings"
	"unicode"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
)

// Facts is what is known when Config.Resolve is called. An empty field means: not known yet.
type Facts struct {
	modem.Identity
	Operator string // the network that the modem is registered in: MCC-MNC such as "262-01", or the name that the modem gives
	Auth     string // the authentication that the peer demanded first: a word of auth.allow, or Nothing
	Peer     string // the peer's name in its first challenge, or Nothing

	Advised []advice.Setting // what advisers propose for this modem
}

// Nothing, in a field of Facts, means that the fact is known, and that there is none: for example no authentication.
const Nothing = "none"

// demanded gives the authentication that a Configure-Request of LCP demands (RFC 1661 section 6.2).
func demanded(data []byte) string {
	options, err := packet.ParseOptions(nil, data)
	if err != nil {
		return ""
	}
	o, ok := packet.Find(options, packet.LCPAuth)
	if !ok {
		return Nothing
	}
	m, ok := auth.MethodOf(o.Data)
	if !ok {
		return "" // an unknown method
	}
	return m.String()
}

// challenger gives the name in a challenge of CHAP (RFC 1994 section 4.1) or of an EAP method that has one (RFC 3748 section 5.4,
// draft-kamath-pppext-eap-mschapv2 section 2.1). It is false if p is not a challenge.
func challenger(protocol uint16, p packet.Packet) (string, bool) {
	data := p.Data
	switch {
	case protocol == packet.CHAP && p.Code == packet.CHAPChallenge:
	case protocol == packet.EAP && p.Code == packet.EAPRequest && len(data) > 1 && data[0] == packet.EAPMD5:
		data = data[1:]
	case protocol == packet.EAP && p.Code == packet.EAPRequest && len(data) > 5 && data[0] == packet.EAPMSCHAPv2 && data[1] == packet.MSCHAPv2Challenge:
		data = data[5:]
	default:
		return "", false
	}
	if len(data) == 0 || 1+int(data[0]) > len(data) {
		return "", false
	}
	name := strings.ToValidUTF8(string(data[1+int(data[0]):]), "")
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name))
	if name == "" {
		return Nothing, true
	}
	return private.Identities(name), true
}
