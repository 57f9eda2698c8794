package diagnose

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sentence"
)

// lcpHistory is what LCP has shown.
type lcpHistory struct {
	exchange
	rcvd   int    // valid LCP packets that were not our own
	magic  uint32 // our magic number, 0: none
	looped int    // our own packets that came back
	loop   clue
	ourNak []byte // our last Configure-Nak

	demanded  string // the authentication that the peer demanded last, for example "auth chap MD5"
	demand    clue   // the packet of it
	agreed    string // the authentication that we acknowledged
	refused   clue   // our Nak or Reject of it
	offered   string // what we offered instead; "": we sent a Reject
	gaveWay   bool   // the peer asked again without authentication, and we acknowledged that
	wePeer    bool   // we ask the peer to authenticate
	bye       bool   // we sent a Terminate-Request: everything that ends later was told to
	peerNoNak clue   // its refusal

	terminated  clue // the peer's Terminate-Request before the link was up
	afterAuth   bool // it came after the success of the authentication
	terminateID []byte
	rejected    map[uint16]clue // protocols that the peer rejected
}

func (h *history) lcpPacket(at time.Time, e event.Packet, c packet.Packet) {
	l := &h.lcp
	options := e.Options()
	auth, hasAuth := packet.Find(options, packet.LCPAuth)
	magic := uint32(0)
	if o, ok := packet.Find(options, packet.LCPMagic); ok {
		magic, _ = o.Uint32()
	}
	if e.Dir == event.Sent {
		l.take(h, at, e, c)
		switch c.Code {
		case packet.ConfigureRequest:
			if l.terminated.seen() && !l.open() && !h.auth.started() { // the call before was ended: this one goes on
				l.terminated, l.terminateID = clue{}, nil
			}
			l.magic = magic
			l.wePeer = l.wePeer || hasAuth
		case packet.ConfigureAck:
			l.agreed = ""
			l.gaveWay = !hasAuth && l.refused.seen()
			if hasAuth { // a peer may give way and still end the link for this reason, so the refusal is kept in the other cases
				l.refused = clue{}
				l.agreed = notation.OptionText(packet.LCP, auth)
			}
		case packet.ConfigureNak, packet.ConfigureReject:
			l.ourNak = append(l.ourNak[:0], c.Data...)
			if hasAuth {
				l.refused, l.offered = h.quote(e), ""
				if c.Code == packet.ConfigureNak {
					l.offered = notation.OptionText(packet.LCP, auth)
				}
			}
		case packet.EchoRequest:
			h.data.echoes++
			h.data.unanswered++
		case packet.TerminateRequest:
			l.bye = l.bye || l.asked+l.rcvd > 0
			h.weEnd(e, c)
		case packet.TerminateAck: // only a Terminate-Request is answered so (RFC 1661 section 4.2): the log begins behind it
			if !l.terminated.seen() && !h.data.ended.seen() && !h.log.ours && h.Up == nil && l.asked+l.rcvd == 0 {
				l.terminated = h.quote(e)
			}
		}
		return
	}
	if c.Code == packet.ConfigureRequest && magic != 0 && magic == l.magic {
		l.looped++
		l.loop = h.quote(e)
		return
	}
	if c.Code == packet.EchoRequest && l.magic != 0 && len(c.Data) >= 4 && binary.BigEndian.Uint32(c.Data) == l.magic {
		l.looped++
		l.loop = h.quote(e)
		return
	}
	if c.Code == packet.ConfigureNak && magic != 0 && bytes.Equal(c.Data, l.ourNak) { // no other end would choose the same number
		l.looped++
		return
	}
	l.rcvd++
	l.take(h, at, e, c)
	h.data.unanswered = 0
	switch c.Code {
	case packet.ConfigureRequest:
		if hasAuth {
			l.demanded, l.demand = notation.OptionText(packet.LCP, auth), h.quote(e)
		}
	case packet.ConfigureReject:
		if hasAuth {
			l.peerNoNak = h.quote(e)
		}
	case packet.EchoReply:
		h.data.echoReplies++
	case packet.TerminateRequest:
		if len(c.Data) > 0 { // its text, as pppd would write it
			h.saidBy("LCP terminated by peer ("+string(c.Data)+")", h.quote(e))
		}
		if h.log.ours { // it only says goodbye, too
			break
		}
		if h.Up != nil {
			h.data.ended = h.quote(e)
		} else if !l.terminated.seen() {
			l.terminated, l.afterAuth, l.terminateID = h.quote(e), h.auth.success.seen(), bytes.Clone(c.Data[:min(len(c.Data), 64)])
		}
	case packet.ProtocolReject:
		if len(c.Data) >= 2 {
			if l.rejected == nil {
				l.rejected = map[uint16]clue{}
			}
			if p := binary.BigEndian.Uint16(c.Data); len(l.rejected) < maxLines {
				l.rejected[p] = h.quote(e)
			}
		}
	}
}

// ccpPacket looks for a compression that failed while in use (RFC 1962 section 3).
func (h *history) ccpPacket(e event.Packet, c packet.Packet) {
	switch {
	case c.Code == packet.TerminateRequest && (bytes.Contains(bytes.ToLower(c.Data), []byte("sync")) || h.log.compressed && !h.log.ended):
		h.log.lostSync = h.quote(e)
	case c.Code == packet.ResetRequest:
		if h.log.resets++; h.log.resets == 1 {
			h.log.reset = h.quote(e)
		}
	}
}

// userRequest is what pppd and knak write into the Terminate-Request of a link that somebody wanted to end. It is a sentence
// of package sentence too, whose tables nearly every live dial does without thanks to this.
const userRequest = "User request"

// weEnd reads why this side ends the link, from the text in its Terminate-Request.
func (h *history) weEnd(e event.Packet, c packet.Packet) {
	switch string(c.Data) {
	case "":
		return
	case userRequest:
		h.log.ours = true
		return
	}
	m := sentence.Of("", string(c.Data))
	switch {
	case m.Is(event.MeansEndedByUs):
		h.log.ours = true
	case m.Is(event.MeansEchoTimeout) && !h.otherFailure():
		h.fail(event.PhaseUp, event.FailedEchoTimeout, h.quote(e))
	case m.Is(event.MeansAuthFailed) && !h.auth.failure.seen():
		if _, silent := h.failed(event.FailedAuthTimeout); !silent { // there was no refusal
			h.auth.failure = h.quote(e)
		}
	default:
		h.saidBy(string(c.Data), h.quote(e))
	}
}

// authHistory is what the authentication has shown. Secrets in its packets are hidden.
type authHistory struct {
	method     string // "PAP", "CHAP" or "EAP"
	challenger string // the name in the peer's Challenge, for example UMTS_CHAP_SRVR
	challenge  clue
	sent       int // requests or responses that we sent
	user       *string
	request    clue // the last of them
	success    clue // the packet of it
	failure    clue
	message    string // the text of success or failure
	weAsk      clue   // our own Challenge: this side demands authentication from the peer
	noAnswer   clue   // the peer's Response without a name or a value
	malformed  clue   // our Response, if its length is not that of its algorithm
}

// record takes a packet.
func (a *authHistory) record(h *history, e event.Packet, c packet.Packet) {
	a.method = packet.ProtocolName(e.Protocol)
	verdict := call.VerdictIn(e.Protocol, c)
	switch {
	case e.Dir == event.Sent && e.Protocol == packet.CHAP && c.Code == packet.CHAPChallenge:
		a.weAsk = h.quote(e)
	case e.Dir == event.Rcvd && e.Protocol == packet.CHAP && c.Code == packet.CHAPResponse:
		if value, name, ok := packet.Counted(c.Data); ok && (len(value) == 0 || len(name) == 0) {
			a.noAnswer = h.quote(e)
		}
	case e.Dir == event.Sent:
		name, ok := packet.AuthName(e.Protocol, c.Code, c.Data)
		if ok {
			user := string(name)
			a.user = &user
		}
		if ok || e.Protocol == packet.EAP && c.Code == packet.EAPResponse {
			a.sent++
			a.request = h.quote(e)
			if e.Protocol == packet.CHAP && len(c.Data) > 0 && c.Data[0] > 16 && strings.Contains(h.lcp.agreed, "MD5") {
				a.malformed = h.quote(e)
			}
		}
	case verdict == call.Success:
		a.success = h.quote(e)
		a.message = message(e.Protocol, c)
	case verdict == call.Refused:
		if !a.failure.seen() || e.Protocol != packet.EAP || c.Code != packet.EAPFailure { // EAP's own says nothing more
			a.failure = h.quote(e)
			a.message = message(e.Protocol, c)
		}
	case e.Protocol == packet.CHAP && c.Code == packet.CHAPChallenge:
		a.challenge = h.quote(e)
		if _, name, ok := packet.Counted(c.Data); ok {
			a.challenger = event.Printable(string(name))
		}
	case e.Protocol == packet.EAP && c.Code == packet.EAPRequest:
		a.challenge = h.quote(e)
	}
}

func message(protocol uint16, c packet.Packet) string {
	if protocol == packet.PAP {
		m, _, _ := packet.Counted(c.Data)
		return event.Printable(string(m))
	}
	return event.Printable(string(c.Data))
}

// ipcpHistory is what IPCP has shown.
type ipcpHistory struct {
	exchange
	wanted map[uint8]bool // the options that were in any of them
	forced netip.Addr     // an address, not 0.0.0.0, in our first request

	empty           int // Naks without an option
	emptyFirst      time.Time
	emptyLast       time.Time
	nak             clue // the last Nak
	naks            int  // Naks with options
	repeated        int  // how many equal ones came last in a row
	lastNak         []byte
	nakAddress      netip.Addr // the last address in a Nak other than 0.0.0.0
	placeholder     int        // Naks without an address whose name servers are placeholders
	placeholderNak  clue
	addressRejected clue
	ack             clue
	dns             []netip.Addr
	peerAddress     netip.Addr // in the peer's own last request
	refusedTheirs   clue       // our Reject of the peer's address
	weNaks          int        // how often our Naks named another address for the peer
	weNaked         clue       // our Nak of it with another address
	dropped         clue       // its next request, without an address
	consented       bool       // we acknowledged that request
	again           clue       // the peer's request on a link that is up
	terminated      clue
	damaged         int
	damagedLine     clue
}

func (p *ipcpHistory) record(h *history, at time.Time, e event.Packet, c packet.Packet) {
	options := e.Options()
	address := netip.Addr{}
	if o, ok := packet.Find(options, packet.IPCPAddress); ok {
		address, _ = o.Address()
	}
	if e.Dir == event.Sent {
		p.take(h, at, e, c)
		switch {
		case c.Code == packet.ConfigureNak && address.IsValid() && !address.IsUnspecified() && p.peerAddress.IsValid() && !p.peerAddress.IsUnspecified():
			p.weNaked = h.quote(e)
			p.weNaks++
		case c.Code == packet.ConfigureReject:
			if _, old := packet.Find(options, packet.IPCPAddresses); old || address.IsValid() {
				p.refusedTheirs = h.quote(e)
			}
		case c.Code == packet.ConfigureAck:
			p.consented = p.consented || p.dropped.seen()
		}
		if c.Code == packet.ConfigureRequest {
			if p.wanted == nil {
				p.wanted = map[uint8]bool{}
			}
			if p.asked == 1 && address.IsValid() && !address.IsUnspecified() {
				p.forced = address
			}
			for _, o := range options {
				p.wanted[o.Type] = true
			}
		}
		return
	}
	if _, err := packet.ParseOptions(nil, c.Data); err != nil && c.Code >= packet.ConfigureRequest && c.Code <= packet.ConfigureReject {
		p.damage(h, e)
		return
	}
	p.take(h, at, e, c)
	switch c.Code {
	case packet.ConfigureRequest:
		if h.Up != nil && !p.again.seen() {
			p.again = h.quote(e)
		}
		if p.peerAddress = address; address.IsValid() {
			p.weNaked, p.dropped, p.consented = clue{}, clue{}, false
		} else if p.weNaked.seen() && !p.dropped.seen() {
			p.dropped = h.quote(e)
		}
	case packet.ConfigureNak:
		p.takeNak(h, at, e, c, options, address)
	case packet.ConfigureReject:
		if address.IsValid() {
			p.addressRejected = h.quote(e)
		}
	case packet.ConfigureAck:
		p.ack = h.quote(e)
		p.dns = p.dns[:0]
		for _, o := range options {
			if a, ok := o.Address(); ok && (o.Type == packet.IPCPDNS1 || o.Type == packet.IPCPDNS2) {
				p.dns = append(p.dns, a)
			}
		}
	case packet.TerminateRequest:
		if h.Up == nil {
			p.terminated = h.quote(e)
		}
	case packet.TerminateAck, packet.CodeReject:
	default:
		p.damage(h, e)
	}
}

func (p *ipcpHistory) takeNak(h *history, at time.Time, e event.Packet, c packet.Packet, options []packet.Option, address netip.Addr) {
	p.nak = h.quote(e)
	if len(options) == 0 && h.partial {
		return
	}
	if len(options) == 0 {
		if p.empty == 0 {
			p.emptyFirst = at
		}
		p.empty++
		p.emptyLast = at
		return
	}
	p.naks++
	if bytes.Equal(c.Data, p.lastNak) {
		p.repeated++
	} else {
		p.repeated = 1
	}
	p.lastNak = append(p.lastNak[:0], c.Data...)
	if address.IsValid() && !address.IsUnspecified() {
		p.nakAddress = address
		return
	}
	for _, o := range options {
		if a, ok := o.Address(); ok && slices.Contains(call.Placeholders, a) {
			p.placeholder++
			p.placeholderNak = h.quote(e)
			return
		}
	}
}

// damage counts packets after the authentication that make no sense.
func (p *ipcpHistory) damage(h *history, e event.Packet) {
	if h.ipcp.asked == 0 && h.phase != event.PhaseIPCP {
		return
	}
	p.damaged++
	p.damagedLine = h.quote(e)
}

// emptyText says how many empty Naks came and how fast.
func (p *ipcpHistory) emptyText() clue {
	s := p.nak.and(", %d times", p.empty)
	if d := p.emptyLast.Sub(p.emptyFirst); p.empty > 1 && d > 0 {
		s = s.and(" in %.1f s, one about every %.1f s", d.Seconds(), d.Seconds()/float64(p.empty-1))
	}
	return s
}

// askedText names all options that were asked for, in the words of the setting ipcp.request.
func (p *ipcpHistory) askedText() string {
	var names []string
	for _, n := range packet.OptionNames {
		switch {
		case n.Protocol != packet.IPCP || !p.wanted[n.Type]:
		case n.Request:
			names = append(names, n.Word)
		default:
			names = append(names, n.Title)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// askedAll says whether all options of ipcp.request were asked for, as a Windows dialer does.
func (p *ipcpHistory) askedAll() bool {
	for _, n := range packet.OptionNames {
		if n.Protocol == packet.IPCP && n.Request && !p.wanted[n.Type] {
			return false
		}
	}
	return true
}
