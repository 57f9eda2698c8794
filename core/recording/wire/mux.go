package wire

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
)

// muxFlag is the flag of the basic option of 3GPP TS 27.010 (section 5.2.1.1).
const muxFlag = 0xf9

// maxMuxInfo is the most octets of information in a frame of the multiplexer; modems agree on 31 to 2048 (section 5.4.6.3.1, N1).
const maxMuxInfo = 4096

// mux is a line that carries several channels (3GPP TS 27.010). Each is a Line of its own: AT on one, PPP on another.
type mux struct {
	option   cmux.Option
	decoders [2]*cmux.Decoder
	channels [64]*Line
	opening  [64]bool  // the host has asked to open the channel
	text     [2][]byte // text between frames, up to the end of its line
}

// scout checks whether octets of the command state that begin with the multiplexer's flag are one of its frames. It gives the
// rest of b.
func (l *Line) scout(now time.Time, dir event.Dir, b []byte) []byte {
	w := &l.ways[dir]
	for i, c := range b {
		w.scouted = append(w.scouted, c)
		_, _, err := cmux.Parse(cmux.Basic, w.scouted, maxMuxInfo)
		if err == cmux.ErrShort { //nolint:errorlint // Parse returns exactly this error, and this runs for each octet
			continue
		}
		scouted := slices.Clone(w.scouted)
		w.scouted = w.scouted[:0]
		if err == nil {
			l.multiplexed(now, dir, cmux.Basic, scouted)
			l.muxed(now, dir, b[i+1:])
			return nil
		}
		w.held = append(w.held, scouted[0]) // it is text or noise, not a frame
		l.read(now, dir, scouted[1:])
		return b[i+1:]
	}
	return nil
}

// multiplexed switches to the multiplexer. first holds the octets that were taken for a line of the AT dialogue.
func (l *Line) multiplexed(now time.Time, dir event.Dir, o cmux.Option, first []byte) {
	for d := range l.ways {
		w := &l.ways[d]
		if len(w.held) > 0 {
			l.endLine(now, event.Dir(d))
		}
		w.held, w.mark, w.frames, w.synced = w.held[:0], 0, false, false
	}
	l.mux = &mux{option: o, decoders: [2]*cmux.Decoder{cmux.NewDecoder(o, maxMuxInfo), cmux.NewDecoder(o, maxMuxInfo)}}
	l.add(now, event.Log{Program: muxProgram, Text: "the line is multiplexed, " + o.String() + " option"})
	other := 1 - dir
	held := slices.Clone(l.ways[other].scouted)
	l.ways[other].scouted = l.ways[other].scouted[:0]
	l.muxed(now, dir, first)
	if l.mux != nil {
		l.muxed(now, other, held)
	} else {
		l.read(now, other, held)
	}
}

// muxProgram is the Program of the events that report the multiplexer's own frames.
const muxProgram = "27.010"

// channelRefused is the finding that a refused channel names by itself.
const channelRefused = "mux-channel-refused"

// muxed takes octets of a multiplexed line.
func (l *Line) muxed(now time.Time, dir event.Dir, b []byte) {
	if len(b) == 0 {
		return
	}
	m := l.mux
	d := m.decoders[dir]
	d.Write(b)
	for f, other, ok := d.Next(); ok; f, other, ok = d.Next() {
		if other != nil {
			if !l.between(now, dir, other) {
				continue
			}
			// The modem has left the multiplexer: the AT dialogue follows.
			rest := slices.Concat(m.text[dir], slices.Clone(d.Rest()))
			l.unmux(now)
			l.read(now, dir, rest)
			return
		}
		l.betweenEnds(now, dir)
		l.channel(now, dir, f)
	}
}

// channel takes one frame of the multiplexer.
func (l *Line) channel(now time.Time, dir event.Dir, f cmux.Frame) {
	l.stats.Frames++
	if f.Type != cmux.UIH && f.Type != cmux.UI {
		e := event.Log{Program: muxProgram, Text: dir.String() + " " + f.Type.String() + " of DLCI " + strconv.Itoa(int(f.DLCI))}
		opening := &l.mux.opening[f.DLCI]
		if f.Type == cmux.DM && dir == event.Rcvd && *opening { // to anything but SABM it only says that the channel is not open
			e.Means = []string{channelRefused}
		}
		*opening = f.Type == cmux.SABM && dir == event.Sent
		l.add(now, e)
		return
	}
	if f.DLCI == 0 {
		for info := f.Info; len(info) > 0; {
			msg, rest, ok := cmux.ParseMessage(info)
			if !ok {
				return
			}
			info = rest
			if name := msg.Name(); name != "" && msg.Type != cmux.MSC {
				l.add(now, event.Log{Program: muxProgram, Text: dir.String() + " " + name + " of the control channel"})
			}
		}
		return
	}
	c := l.mux.channels[f.DLCI]
	if c == nil {
		c = New(l.o)
		l.mux.channels[f.DLCI] = c
	}
	c.Receive(now, dir, f.Info)
	l.drain(c)
}

// drain moves the records of a channel to the line.
func (l *Line) drain(c *Line) {
	for r, ok := c.Next(); ok; r, ok = c.Next() {
		l.out = append(l.out, r)
	}
}

// between takes octets between frames. It is true if they are a line of text, which shows that the modem or the host has left the
// multiplexer.
func (l *Line) between(now time.Time, dir event.Dir, b []byte) bool {
	m := l.mux
	m.text[dir] = append(m.text[dir], b...)
	text := bytes.TrimLeft(m.text[dir], "\xf9\x7e")
	begin := bytes.TrimLeft(text, "\r\n")
	if i := bytes.IndexByte(begin, '\r'); i >= 0 {
		line := begin[:i]
		if isText(line) && ink(line) > 1 && (dir == event.Rcvd || isCommand(line)) {
			m.text[dir] = append([]byte(nil), text...)
			return true
		}
	}
	if len(m.text[dir]) > maxLine {
		l.betweenEnds(now, dir)
	}
	return false
}

// betweenEnds makes a record of octets between frames that were not understood.
func (l *Line) betweenEnds(now time.Time, dir event.Dir) {
	m := l.mux
	if text := bytes.Trim(m.text[dir], "\xf9\x7e\x00\r\n"); len(text) > 0 {
		l.unread(now, dir, m.text[dir], "not a frame of the multiplexer")
	}
	m.text[dir] = m.text[dir][:0]
}

// unmux ends the multiplexer, and hands out what its channels still hold.
func (l *Line) unmux(now time.Time) {
	m := l.mux
	for d := range m.decoders {
		if rest := bytes.Trim(m.decoders[d].Rest(), "\xf9\x7e"); len(rest) > 0 {
			l.unread(now, event.Dir(d), rest, "a frame of the multiplexer whose end is missing")
		}
	}
	for _, c := range m.channels {
		if c == nil {
			continue
		}
		c.Close(now)
		l.drain(c)
		s := c.Stats()
		l.stats.Lines += s.Lines
		l.stats.UnreadBytes += s.UnreadBytes
		l.stats.UnreadSpans += s.UnreadSpans
	}
	l.mux = nil
}

// add gives the statistics of the line and of its open channels together.
func (m *mux) add(s Stats) Stats {
	for _, c := range m.channels {
		if c != nil {
			s.Lines += c.stats.Lines
			s.UnreadBytes += c.stats.UnreadBytes
			s.UnreadSpans += c.stats.UnreadSpans
		}
	}
	return s
}

// asMux checks whether octets between two flags are a frame of the multiplexer's advanced option, which uses the same flag as
// PPP.
func (l *Line) asMux(now time.Time, dir event.Dir, span []byte) bool {
	if len(span) < 3 || span[0]&1 == 0 || span[0] == 0xff {
		return false
	}
	whole := append(append([]byte{flag}, span...), flag)
	if _, _, err := cmux.Parse(cmux.Advanced, whole, maxMuxInfo); err != nil {
		return false
	}
	w := &l.ways[dir]
	l.line(now, dir, w.held[:w.mark-1])
	w.held, w.mark = w.held[:0], 0
	l.multiplexed(now, dir, cmux.Advanced, whole)
	return true
}
