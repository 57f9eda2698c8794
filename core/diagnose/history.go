package diagnose

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// history is what one attempt has shown so far: counts, the last packet or line of each kind, and their text as evidence. It does
// not grow with the length of a call.
type history struct {
	call.Outcome           // whether the link came up
	pos          event.Pos // place of the present record
	partial      bool      // the present packet may have more options than are shown
	device       event.Device
	phase        string // the phase by the last Phase event, or by other records if there is none
	far          string // the furthest phase
	told         bool   // there are Phase events
	failures     []fault
	notices      []string // warnings
	down         *event.Down
	brokeBy      string // the failure that ended a link that was up

	at   atHistory
	lcp  lcpHistory
	auth authHistory
	ipcp ipcpHistory
	line lineHistory
	data dataHistory
	log  logHistory
}

// Limits of the lists in a history.
const (
	maxFailures = 16
	maxNotices  = 16
	maxLines    = 8
)

// lineHistory is what the modem sent or did on the line while PPP was expected.
type lineHistory struct {
	texts       []clue // text between or instead of frames, each with its place
	sevenBit    clue   // no octet had its highest bit set: text, not frames
	frames      clue   // PPP frames where an answer to a command was expected
	prompt      clue   // a prompt for a person was seen
	carrierLost clue   // the message about the loss of the carrier; empty: it was not lost
	lostIn      string // the phase in which it was lost; "": not known
}

// dataHistory is what happened to packets after an address was agreed.
type dataHistory struct {
	probes, answers     int
	lastProbe           event.Probe
	echoes, echoReplies int  // LCP Echo-Requests that we sent, replies that came
	unanswered          int  // Echo-Requests since the last packet that LCP received
	sent, rcvd          int  // IP packets that a recording shows
	ended               clue // the peer's Terminate-Request after the link was up
}

// record takes one event.
func (h *history) record(r event.Record) {
	h.pos = r.Pos
	was := h.Up != nil
	h.Take(r)
	if h.Up != nil && !was {
		h.log.afterUp = 0
		h.further(event.PhaseUp)
	}
	switch e := r.Event.(type) {
	case event.Attempt:
		if e.Number > 1 { // everything before belongs to the failed attempt; only the modem is the same
			*h = history{device: h.device}
		}
	case event.Device:
		h.device = e
	case event.Phase:
		h.phase, h.told = e.Phase, true
		h.further(e.Phase)
	case event.Failure:
		if h.Up != nil && h.brokeBy == "" && e.Cause != "" {
			h.brokeBy = e.Cause
		}
		if len(h.failures) < maxFailures {
			h.failures = append(h.failures, fault{e, h.here(e.Detail)})
		}
		if e.Cause == event.FailedCarrierLost {
			h.lost("the modem hung up", e.Phase)
		}
	case event.Notice:
		if e.Level == "warning" && len(h.notices) < maxNotices {
			h.notices = append(h.notices, e.Text)
		}
	case event.AT:
		if h.at.record(e, h.pos) && isATText(e.Text) {
			h.answers()
		}
		if e.Dir == event.Rcvd && h.inPPP() {
			h.text(e.Text)
		}
	case event.Registration:
		h.at.state = e
	case event.Text:
		h.text(e.Text)
	case event.Packet:
		h.packet(r.Time, e)
	case event.Described:
		h.described(r.Time, e)
	case event.Probe:
		h.data.probe(e)
	case event.Down:
		h.down = &e
	case event.Log:
		h.logLine(r, e)
		if len(e.Means) == 0 {
			h.hintOf(e.Text)
		}
	case event.Unread:
		h.hintOf(e.Text)
	case event.Data:
		h.data.packet(e)
		h.log.compressed = h.log.compressed || e.Protocol == packet.Compressed && e.Dir == event.Rcvd
	}
}

// here makes a clue at the present record.
func (h *history) here(text string) clue { return clue{pos: h.pos, text: text} }

// quote makes a clue of a packet.
func (h *history) quote(e event.Packet) clue { return clue{pos: h.pos, quoted: true, packet: e} }

// advance sets the phase if there are no Phase events. It never goes back.
func (h *history) advance(phase string) {
	if !h.told && further(phase, h.phase) {
		h.phase = phase
	}
	h.further(phase)
}

// further says whether a phase comes after another one on the way to a link that is up.
func further(phase, than string) bool {
	n := event.PhaseOrder(phase)
	return n <= event.PhaseOrder(event.PhaseUp) && n > event.PhaseOrder(than)
}

func (h *history) further(phase string) {
	if further(phase, h.far) {
		h.far = phase
	}
}

// inPPP says whether frames are expected on the line.
func (h *history) inPPP() bool {
	switch h.phase {
	case "", event.PhaseDial, event.PhaseHangup, event.PhaseDown:
		return false
	}
	return true
}

// unescape puts the line ends back into a text that was made printable.
var unescape = strings.NewReplacer(`\r`, "\n", `\n`, "\n")

func (h *history) text(s string) {
	s = unescape.Replace(s)
	for l := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if strings.Contains(l, "NO CARRIER") {
			switch {
			case h.phase == event.PhaseHangup || h.phase == event.PhaseDown: // the answer to our own hang-up
			case h.lcp.bye: // the same, in a recording without phases
				h.log.ended = true
			default:
				h.lost("NO CARRIER", h.phase)
			}
			continue
		}
		if !h.line.frames.seen() && !h.inPPP() && isFrame(l) {
			h.line.frames = h.here(l)
		}
		if len(h.line.texts) < maxLines {
			h.line.texts = append(h.line.texts, h.here(l))
		}
	}
}

// isFrame says whether a text shows PPP frames with their escapes (RFC 1662 section 4.2), in any printable form.
func isFrame(s string) bool {
	return strings.Count(s, "}") >= 6 && (strings.Contains(s, "}!}") || strings.Contains(s, "}#@!") || strings.Contains(s, "} } }"))
}

func (h *history) lost(how, phase string) {
	switch {
	case phase == "" && h.at.dial != "" && !h.connected(): // a log without phases
		phase = event.PhaseDial
	case phase == event.PhaseDial && h.connected(): // the call was connected
		phase = event.PhaseLCP
	}
	if !h.line.carrierLost.seen() {
		h.line.carrierLost, h.line.lostIn = h.here(how), phase
	}
}

// failed gives the first Failure with one of the causes.
func (h *history) failed(causes ...string) (fault, bool) {
	for _, f := range h.failures {
		if slices.Contains(causes, f.Cause) {
			return f, true
		}
	}
	return fault{}, false
}

// failedIn gives the first Failure with that cause in that phase.
func (h *history) failedIn(phase, cause string) (fault, bool) {
	for _, f := range h.failures {
		if f.Phase == phase && f.Cause == cause {
			return f, true
		}
	}
	return fault{}, false
}

// over says whether the attempt has ended or has certainly failed, so that nothing more will come.
func (h *history) over() bool {
	return h.ended() || h.log.eof
}

// ended is over without the end of the recording, which alone does not prove that the attempt ended.
func (h *history) ended() bool {
	return h.down != nil || len(h.failures) > 0 || h.line.carrierLost.seen() || h.log.ended || h.log.signal.seen()
}

// provisional says whether an authentication was called a success before IPCP began. On a cellular modem that proves
// nothing: it must confirm any name and password, because it can only ask the network later (3GPP TS 29.061).
func (h *history) provisional() bool {
	f, ok := h.failed(event.FailedEmptyNaks, event.FailedRepeatedNaks, event.FailedNoAddress, event.FailedTerminated, event.FailedCarrierLost, event.FailedTimeout)
	return h.auth.success.seen() || ok && f.Provisional
}

// stuckInIPCP says whether the network phase was reached and has not given an address.
func (h *history) stuckInIPCP() bool {
	if h.Up != nil || h.Ours.IsValid() {
		return false
	}
	if h.IPv6 && h.ipcp.asked < 10 && len(h.failures) == 0 { // IPv6 works, and IPv4 may still come
		return false
	}
	return h.ipcp.asked > 0 || h.phase == event.PhaseIPCP || h.log.seen && h.far == event.PhaseIPCP || slices.ContainsFunc(h.failures, func(f fault) bool { return f.Phase == event.PhaseIPCP })
}

// packet takes one control packet.
func (h *history) packet(at time.Time, e event.Packet) {
	c, ok := e.Control()
	if !ok {
		if e.Dir == event.Rcvd && e.Protocol >= 0x8000 {
			h.ipcp.damage(h, e)
		}
		return
	}
	switch e.Protocol {
	case packet.LCP:
		if c.Code != packet.TerminateRequest || e.Dir == event.Rcvd || h.lcp.asked+h.lcp.rcvd > 0 { // a Terminate-Request for the call before does not begin one
			h.advance(event.PhaseLCP)
		}
		h.lcpPacket(at, e, c)
	case packet.PAP, packet.CHAP, packet.EAP:
		h.advance(event.PhaseAuth)
		h.auth.record(h, e, c)
	case packet.IPCP:
		h.advance(event.PhaseIPCP)
		h.ipcp.record(h, at, e, c)
	case packet.CCP:
		h.ccpPacket(e, c)
	case packet.IPV6CP, packet.ECP, packet.MPLSCP, packet.CBCP, packet.BACP, packet.LQR, packet.IPXCP, packet.NBFCP:
	default:
		if e.Dir == event.Rcvd {
			h.ipcp.damage(h, e)
		}
	}
}

// described takes a packet that a log shows only in part. What is shown counts. From what is not shown nothing follows: a
// Configure-Nak or Ack without options only says that the packet came.
func (h *history) described(at time.Time, e event.Described) {
	h.partial = !e.Whole()
	h.packet(at, e.Packet)
	h.partial = false
}

func (d *dataHistory) probe(e event.Probe) {
	result := strings.ToLower(e.Result)
	switch {
	case result == "sent":
		d.probes++
	case result == "", strings.Contains(result, "our own packet"): // a probe that comes back unchanged says nothing about the network
	default:
		d.answers++
	}
	d.lastProbe = e
}

// packet counts the data packets in a recording.
func (d *dataHistory) packet(e event.Data) {
	if e.Protocol != packet.IP && e.Protocol != packet.IPv6 && e.Protocol != packet.VJCompressed && e.Protocol != packet.VJUncompressed && e.Protocol != packet.Compressed {
		return
	}
	if e.Dir == event.Sent {
		d.sent++
	} else {
		d.rcvd++
	}
}
