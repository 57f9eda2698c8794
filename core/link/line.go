package link

import (
	"io"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is PPP on a line in the data state, and what the states with such a line share.

// mruSlack is how much longer than our MRU a frame may be before it is dropped: some modems count the length differently.
const mruSlack = 128

// quietTime is how long the line must be quiet before text without a line end counts as complete.
const quietTime = time.Second

// enoughGarbage: after this many damaged frames since IPCP began, silence is reported as garbage.
const enoughGarbage = 3

// line is the PPP engine with its framing, from CONNECT to the end of the data state.
type line struct {
	out     *outputs
	engine  *ppp.Engine
	encoder *hdlc.Encoder
	decoder *hdlc.Decoder

	badAtIPCP uint64    // damaged frames before IPCP began
	quietAt   time.Time // when text without a line end is handed out
	held      []byte    // input that waits for a decision
	passes    []uint64  // IDs of decisions that the adviser did not want
}

func newLine(out *outputs, settings ppp.Settings, random io.Reader) *line {
	return &line{
		out: out, engine: ppp.New(settings, random), encoder: hdlc.NewEncoder(hdlc.DefaultConfig()),
		decoder: hdlc.NewDecoder(decoderConfig(ppp.DefaultFraming())),
	}
}

func decoderConfig(f ppp.Framing) hdlc.DecoderConfig {
	return hdlc.DecoderConfig{ACCM: f.RecvACCM, MRU: max(f.OwnMRU, hdlc.DefaultMRU) + mruSlack}
}

// frame sets the framing that the two ends have agreed on.
func (l *line) frame(f ppp.Framing) {
	l.encoder.Set(hdlc.Config{ACCM: f.SendACCM, PFC: f.SendPFC, ACFC: f.SendACFC, ShareFlag: true})
	l.decoder.Set(decoderConfig(f))
}

// send frames a packet for the line.
func (l *line) send(protocol uint16, info []byte) {
	start := len(l.out.frames)
	l.out.frames = l.encoder.Append(l.out.frames, protocol, info)
	l.out.put(Write{Bytes: l.out.frames[start:len(l.out.frames):len(l.out.frames)]})
}

// garbled says whether so many frames were damaged since IPCP began that this explains the silence.
func (l *line) garbled() bool { return l.decoder.Stats().Damaged()-l.badAtIPCP >= enoughGarbage }

// lineState is a state in which PPP has the line.
type lineState interface {
	state
	ppp() *line
	// networkUp is called when IPCP is open; the addresses are in the attempt, old holds the ones before. networkDown is
	// called when IPCP is no longer open.
	networkUp(s *Session, now time.Time, old ppp.NetworkUp)
	networkDown(s *Session, now time.Time)
	// packet takes an IP packet that came, and says whether it is for the plane.
	packet(s *Session, now time.Time, ip []byte) bool
}

// onLine is a lineState with the default behaviour: that of a link on its way up.
type onLine struct {
	resting
	*line
}

func (l *onLine) ppp() *line                                    { return l.line }
func (l *onLine) networkUp(*Session, time.Time, ppp.NetworkUp)  {}
func (l *onLine) networkDown(*Session, time.Time)               {}
func (l *onLine) packet(*Session, time.Time, []byte) bool       { return false }
func (l *onLine) comesUp() bool                                 { return true }
func (l *onLine) redial(s *Session, now time.Time)              { s.redialNow(now) }
func (l *onLine) portLost(s *Session, now time.Time, err error) { s.carrierLost(now, err) }
func (l *onLine) deadline(*Session) time.Time                   { return soonest(l.engine.Deadline(), l.quietAt) }

// linesChanged ends the call if DCD drops (V.24 circuit 109), unless the profile says that DCD means nothing.
func (l *onLine) linesChanged(s *Session, now time.Time, carrierDropped bool) {
	if carrierDropped && s.attempt.plan.WatchCarrier {
		l.engine.LowerDown(now)
		s.pumpEngine(now, l.line)
	}
}

func (l *onLine) advance(s *Session, now time.Time) {
	if due(l.quietAt, now) {
		l.quietAt = time.Time{}
		s.textSeen(now, l.line, l.decoder.Flush())
		if !s.has(l.line) {
			return
		}
	}
	l.engine.Advance(now)
	s.pumpEngine(now, l.line)
}

// end says good-bye to the peer.
func (l *onLine) end(s *Session, now time.Time, _ Outcome) {
	s.to(now, &closing{onLine{line: l.line}})
	l.engine.Close(now, s.attempt.goodbye())
	s.pumpEngine(now, l.line)
}

// has says whether l is still the session's line.
func (s *Session) has(l *line) bool {
	st, ok := s.state.(lineState)
	return ok && st.ppp() == l
}

// startPPP gives the line to the engine. rest is what followed CONNECT.
func (s *Session) startPPP(now time.Time, rest []byte) {
	l := newLine(&s.out, s.pppSettings(), s.cfg.Random)
	s.to(now, &negotiating{onLine{line: l}})
	l.engine.Open(now)
	s.pumpEngine(now, l)
	for len(rest) > 0 {
		_, rest = s.Receive(now, rest) // no packet can be for the plane yet
	}
}

// pppSettings gives the engine's settings, with the decisions that the adviser wants.
func (s *Session) pppSettings() ppp.Settings {
	settings := s.attempt.settings()
	s.asker.subscribe(&settings)
	return settings
}

// receive takes octets in the data state.
func (l *onLine) receive(s *Session, now time.Time, p []byte) (ip, rest []byte) {
	if s.mustHold() {
		l.held = keep(l.held, p)
		return nil, nil
	}
	l.engine.NoteTraffic(now)
	l.quietAt = time.Time{}
	item, rest := l.decoder.Next(p)
	for ; item.Kind != hdlc.None; item, rest = l.decoder.Next(rest) {
		switch item.Kind {
		case hdlc.Text:
			s.textSeen(now, l.line, item)
		case hdlc.Frame:
			switch item.Protocol {
			case packet.IP, packet.IPv6:
				if s.state.(lineState).packet(s, now, item.Info) {
					return item.Info, rest
				}
			default:
				s.observe(now, l.line, item.Protocol, item.Info)
				l.engine.Receive(now, item.Protocol, item.Info)
				s.pumpEngine(now, l.line)
			}
		}
		switch {
		case !s.has(l.line):
			return s.Receive(now, rest) // the engine is done; the rest is for the present state
		case s.mustHold():
			l.held = keep(l.held, rest)
			return nil, nil
		}
	}
	if l.decoder.Pending() {
		l.quietAt = now.Add(quietTime)
	}
	return nil, nil
}

// textSeen takes text between frames. NO CARRIER means that the modem has left the data state (V.250 section 5.7.1).
func (s *Session) textSeen(now time.Time, l *line, item hdlc.Item) {
	if item.Kind != hdlc.Text {
		return
	}
	text := strings.TrimSpace(string(item.Text))
	if text == "" {
		return
	}
	s.story.event(now, event.Text{Text: text})
	if strings.Contains(text, "NO CARRIER") {
		l.engine.LowerDown(now)
		s.pumpEngine(now, l)
	}
}

// pumpEngine does what the engine asks for, until it asks for nothing more or has lost the line.
func (s *Session) pumpEngine(now time.Time, l *line) {
	for s.has(l) {
		o, ok := l.engine.Next()
		if !ok {
			if len(l.passes) == 0 {
				return
			}
			id := l.passes[0]
			l.passes = l.passes[1:]
			l.engine.Resolve(now, id, ppp.Verdict{})
			continue
		}
		switch o := o.(type) {
		case ppp.Send:
			l.send(o.Protocol, o.Info)
		case ppp.Framing:
			l.frame(o)
		case ppp.Event:
			if p, ok := o.Event.(event.Phase); ok {
				s.phaseOf(now, l, p)
				continue
			}
			s.story.event(now, o.Event)
		case ppp.Decision:
			if !s.decide(now, l, o) {
				l.passes = append(l.passes, o.ID) // not at once, because the outputs still in the queue must not change
			}
		case ppp.AuthDone:
			s.attempt.provisional = o.Provisional
			s.attempt.pinned.agreed = o.Method.Strength()
		case ppp.NetworkUp:
			s.networkUp(now, o)
		case ppp.NetworkLost:
			s.networkLost(now, o.Failure)
		case ppp.NetworkUp6:
			s.networkUp6(now, o)
		case ppp.NetworkDown:
			s.networkDown(now, o)
		case ppp.DataRejected:
			if u, isUp := s.state.(*up); isUp {
				u.dataRejected(s, now, o.Protocol)
			}
		case ppp.Stalled:
			s.stalled(now, o.Failure)
		case ppp.Closing:
			s.engineFailed(now, l, o.Failure)
		case ppp.Finished:
			s.engineFailed(now, l, o.Failure)
			l.quietAt = time.Time{}
			s.endCall(now, o.Failure.Kind != ppp.KindCarrierLost, true)
			return
		}
	}
}

// phaseOf follows the engine's phases. PhaseUp is reported by the session itself, when the link is really up.
func (s *Session) phaseOf(now time.Time, l *line, p event.Phase) {
	switch p.Phase {
	case event.PhaseUp, event.PhaseDown, event.PhaseHangup:
		return
	case event.PhaseIPCP:
		l.badAtIPCP = l.decoder.Stats().Damaged()
	}
	s.story.event(now, p)
}

// stalled reports why IPCP makes no progress while the engine goes on trying. If an empty user name is worth an attempt, the
// session makes that attempt instead of waiting.
func (s *Session) stalled(now time.Time, f ppp.Failure) {
	s.story.stuckAt = time.Time{} // the failure says more than stuck would
	f.Detail = s.hide(f.Detail)
	o := Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: f.Detail, Provisional: f.Provisional}
	if s.retry.otherWayIn(&s.cfg, &s.attempt.treatment, o) && s.stop == nil {
		s.fail(now, o)
		return
	}
	s.story.event(now, event.Failure{Phase: f.Phase, Cause: f.Kind, Detail: f.Detail, Provisional: f.Provisional})
	s.story.findings(now)
}

// engineFailed takes the reason why the engine gives up or has given up. Then the line is closed.
func (s *Session) engineFailed(now time.Time, l *line, f ppp.Failure) {
	s.failedOf(now, l, f)
	if _, already := s.state.(*closing); !already {
		s.to(now, &closing{onLine{line: l}})
	}
}

// shortLife: if the peer ends a link that has carried nothing within this time after it came up, the link counts as failed.
const shortLife = 2 * time.Second

// failedOf makes the engine's failure the outcome of the attempt, unless the attempt has one already.
func (s *Session) failedOf(now time.Time, l *line, f ppp.Failure) {
	if s.attempt.outcome.Kind != "" {
		return
	}
	o := Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: s.hide(f.Detail), Provisional: f.Provisional}
	_, wasUp := s.state.(*up)
	switch {
	case wasUp && f.Kind == ppp.KindTerminated && s.attempt.meter.in == 0 && now.Sub(s.attempt.meter.since) < shortLife:
		// A peer that took back its agreement has not ended a working link: pppd does this if it got no address.
	case wasUp && f.Kind == ppp.KindTerminated:
		o.Kind, o.Phase = KindPeerEnded, event.PhaseUp
	case f.Kind == ppp.KindClosed: // and not by us
		o.Kind = KindAborted
	case f.Kind == ppp.KindTimeout && f.Phase == event.PhaseIPCP && l.garbled():
		o.Kind = event.FailedGarbage
	}
	s.attempt.outcome = o
	s.story.failure(now, o)
}
