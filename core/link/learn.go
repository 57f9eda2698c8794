package link

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is what a call shows of the network and of the peer, and what follows for the settings.

// Facts are what is known so far when Config.Resolve is called. An empty field is not known yet.
type Facts struct {
	modem.Identity
	Operator string // the network that the modem is registered in: MCC-MNC such as "262-01", or the name that the modem gives
	Auth     string // the authentication that the peer demanded first: a word of auth.allow, or Nothing
	Peer     string // what the peer calls itself in its first challenge, or Nothing

	Advised []advice.Setting // what somebody who was asked proposes for such a modem
}

// Nothing in a field of Facts says that it is known that there is no such thing.
const Nothing = "none"

// awaits says whether a fact can still decide something.
func (s *Session) awaits(fact string) bool {
	return s.selection.Awaits != nil && s.selection.Awaits(fact)
}

// learned resolves again by what is known now. The resolver leaves alone what has been used already, by the phases of the
// keys; the changes are told by tell. It reports which keys changed.
func (s *Session) learned(tell func(event.Event)) (keys []string) {
	selection, err := s.cfg.Resolve(s.facts)
	if err != nil {
		tell(event.Notice{Level: "warning", Text: "the settings stay as they are: " + err.Error()})
		return nil
	}
	for _, q := range selection.Quirks {
		if !slices.Contains(s.selection.Quirks, q) {
			keys = append(keys, q.Key)
			tell(q)
		}
	}
	s.selection = selection
	s.replan()
	return keys
}

// replan makes the plan anew, with the same ways to ask.
func (s *Session) replan() {
	access, credentials := s.plan.Access, s.plan.Credentials
	s.plan = s.planFor(s.selection)
	s.plan.Access, s.plan.Credentials = access, credentials
}

// registered is the dialogue between Prepare and the call, where the operator can decide something.
func (s *Session) registered(x *at.Exchange) error {
	operator, err := modem.Operator(x, s.plan)
	if err != nil || operator == "" {
		return err
	}
	s.facts.Operator = operator
	keys := s.learned(x.Event)
	if s.selection.Policy.Text("context.apn") != "" && s.access.used != nil {
		s.access.used = nil // what the operator's entry names beats what the SIM's carrier is known by
		s.replan()
	}
	context := func(key string) bool {
		return strings.HasPrefix(key, "context.") || key == "at.before_context" || key == "at.after_context" || key == "auth.user"
	}
	if slices.ContainsFunc(keys, context) {
		return modem.SetContext(s.plan)(x)
	}
	return nil
}

// observe looks at a packet before the engine does, so that what it shows can decide how it is answered.
func (s *Session) observe(now time.Time, protocol uint16, info []byte) {
	if s.stage != stagePPP {
		return
	}
	p, err := packet.Parse(info)
	if err != nil {
		return
	}
	switch {
	case s.facts.Auth == "" && protocol == packet.LCP && p.Code == packet.ConfigureRequest:
		s.facts.Auth = demanded(p.Data)
		s.apply(now, "auth")
	case s.facts.Peer == "" && (protocol == packet.CHAP || protocol == packet.EAP):
		if name, ok := challenger(protocol, p); ok {
			s.facts.Peer = name
			s.apply(now, "peer")
		}
	}
}

// apply lets the engine know what follows from a fact that has just been learned.
func (s *Session) apply(now time.Time, fact string) {
	if !s.awaits(fact) {
		return
	}
	if keys := s.learned(func(e event.Event) { s.event(now, e) }); len(keys) > 0 {
		s.engine.Adjust(now, s.settings())
		s.pumpEngine(now)
	}
}

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
		return "" // something that nobody knows
	}
	return m.String()
}

// challenger gives the name in a challenge of CHAP (RFC 1994 section 4.1) or of one of EAP's methods that have one
// (RFC 3748 section 5.4, draft-kamath-pppext-eap-mschapv2 section 2.1); false: it is none.
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
	return at.Redact(name), true
}
