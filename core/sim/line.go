package sim

import (
	"bytes"
	"time"

	"github.com/knakppp/knak/core/hdlc"
)

// maxNoise is the greatest number of random octets in front of a frame.
const maxNoise = 16

// happens throws the dice, and does not where the answer is certain: lines that behave use no chance.
func (m *Modem) happens(p float64) bool { return p > 0 && m.chance.Float64() < p }

// send puts one frame on the line to the host, as the line treats it.
func (m *Modem) send(now time.Time, protocol uint16, info []byte) {
	c, l := m.call, &m.scenario.Line
	if c.silent || !m.online {
		return
	}
	m.counters.FramesOut++
	if need := hdlc.MaxLen(len(info)); cap(m.frame) < need {
		m.frame = make([]byte, 0, need)
	}
	m.frame = c.enc.Append(m.frame[:0], protocol, info)
	times := 1
	at := now
	if l.Direction != "from-host" {
		if m.happens(l.Loss) {
			m.counters.Lost++
			return
		}
		if m.happens(l.Duplicate) {
			times = 2
		}
		if m.happens(l.Noise) {
			noise := make([]byte, 1+m.chance.IntN(maxNoise))
			fill(noise, m.chance)
			m.out.write(OutputWrite, at, noise, 0, 0)
		}
		if m.happens(l.Corrupt) {
			m.counters.Corrupted++
			// Not the flags: those are what the next frame needs as well.
			m.frame[1+m.chance.IntN(len(m.frame)-2)] ^= 1 << m.chance.IntN(8)
		}
		at = now.Add(time.Duration(l.Delay))
	}
	for range times {
		m.out.write(OutputWrite, at, m.frame, l.Chunk, time.Duration(l.ChunkDelay))
	}
}

// fromHost takes a good frame off the line from the host, as the line treats it.
func (m *Modem) fromHost(now time.Time, protocol uint16, info []byte) {
	l := &m.scenario.Line
	if l.Direction == "to-host" {
		m.packetIn(now, protocol, info)
		return
	}
	switch {
	case m.happens(l.Loss):
		m.counters.Lost++
		return
	case m.happens(l.Corrupt): // the FCS would be wrong, and the frame dropped
		m.counters.Corrupted++
		m.counters.FramesBad++
		return
	}
	m.arrive(now, protocol, info)
	if m.happens(l.Duplicate) {
		m.arrive(now, protocol, info)
	}
}

// arrive takes a frame now, or when the line's delay is over.
func (m *Modem) arrive(now time.Time, protocol uint16, info []byte) {
	switch delay := time.Duration(m.scenario.Line.Delay); {
	case m.call == nil: // the first of two copies ended it
	case delay > 0:
		m.arriveLater(now.Add(delay), protocol, bytes.Clone(info))
	default:
		m.packetIn(now, protocol, info)
	}
}

// arriveLater is apart from arrive so that frames without a delay need no memory.
func (m *Modem) arriveLater(at time.Time, protocol uint16, info []byte) {
	m.agenda.add(task{at: at, call: m.call.number, run: func(now time.Time) { m.packetIn(now, protocol, info) }})
}
