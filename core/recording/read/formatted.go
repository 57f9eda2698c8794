package read

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/capture"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/wire"
)

// ofFormat gives the table's entry for a format that is described by a file.
func ofFormat(f *format.Format) source.Format {
	most := source.Certain
	if f.Weak {
		most = mostWeak
	}
	return source.Format{
		Name: f.Name, Title: f.Title, Most: most,
		Sniff: func(prefix []byte) int {
			if len(prefix) == 0 || !isText(prefix) {
				return source.No
			}
			var k clock
			hits, lines := f.Score(prefix, k.stamp, withoutColours, func(b []byte) ([]byte, bool) {
				rest, l := k.outer(b)
				return rest, l.headed
			})
			switch {
			case hits == 0:
				return source.No
			case f.Weak && hits*2 >= lines:
				return mostWeak
			case f.Weak && hits > 1: // a log of which no program is known, though its lines have a time, is less
				return moreThanDated
			case f.Weak:
				return 2 * source.Weak
			}
			return source.Sure + min(hits, 9) // lines of pppd in such a log do not make it a log of pppd
		},
		Open: func(in *source.Input, c source.Config) source.Source {
			s, _ := openLog(in, c).(*logSource)
			s.form = &formatted{s: s, f: f, line: wire.New(wire.Options{Link: c.Link, Raw: c.Raw})}
			s.form.r = f.NewReader(s.clock.stamp)
			return s
		},
	}
}

// stamp reads a time at the start of b. It gives the length of the time, without the blanks after it.
func (k *clock) stamp(b []byte) (time.Time, int) {
	t, n := k.parse(b)
	if n > 0 {
		k.prev = t
	}
	return t, n
}

// moreThanDated is more than sniffLog gives a text whose lines begin with a time.
const moreThanDated = dated + 1

// mostWeak is the highest score of a weak format: more than a log of unknown kind gets, less than one of pppd.
const mostWeak = source.Likely + 1

// formatted reads the lines of a log by its format. Lines that the format does not have are read as lines of pppd and the other
// built-in programs: a log of lwIP, for example, holds packets and sentences like pppd's.
type formatted struct {
	s    *logSource
	f    *format.Format
	r    *format.Reader
	line *wire.Line // for octets in the log
	open bool       // line has received octets

	framed bool // line has given packets: packets in words repeat these

	packet   *format.ControlPacket // its options follow
	text     []byte                // of a packet, as pppd would write it
	at       event.Record          // the record of the packet's line
	more     format.Kind           // AT or Octets: lines without a prefix continue it; else nothing is continued
	dir      event.Dir             // direction of more
	protocol uint16                // protocol of a packet whose octets are in the lines after it, without the Protocol field; 0: they have the field
	tag      string                // tag of the line with which more begins; rows of octets may have the same tag
	left     int                   // how many more lines may continue it
	swap     swap
	recent   [16]said
	written  int
}

// swap says whether the arrows of a log point the other way.
type swap uint8

const (
	swapUnknown swap = iota
	swapNo
	swapYes
)

// said is an event that was given already. It is kept for logs that show the same event both in octets and in words.
type said struct {
	from   origin
	dir    event.Dir
	text   string       // a line of the dialogue
	packet event.Packet // or a packet
}

// origin says in which form a log has shown an event.
type origin uint8

const (
	inWords origin = iota
	inOctets
	inOtherWords // by a rule that may repeat what another line has said
)

// maxMore is the most lines without a prefix that continue the line before them.
const maxMore = 400

// take takes one line.
func (f *formatted) take(b []byte, size int) {
	s := f.s
	b = bytes.TrimLeft(withoutColours(b), " \t")
	l := f.r.Line(b)
	outer := logLine{msg: b}
	var rule *format.Rule
	if l.Bare {
		rest, o := s.clock.outer(b)
		if o.headed {
			outer = o
			if rule = f.r.Match(l); rule == nil { // the format's prefix may stand after another program's
				l = f.r.Line(rest)
			}
		}
	}
	if l.Timed {
		s.clock.prev = l.At
	} else if !outer.at.IsZero() {
		l.At = outer.at
	} else if l.Bare {
		l.At = s.rec.Time // the time of the line that it continues
	}
	if s.wrap.text != nil {
		if l.Bare && !isPacketStart(l.Message) && s.joins(l.Message, size) {
			return
		}
		s.unwrap()
	}
	s.rec = event.Record{Time: l.At, Link: s.c.Link, Pos: event.Pos{Line: s.in.Lines()}}
	l.Message = bytes.TrimLeft(l.Message, " \t")
	if f.packet != nil {
		if f.r.Option(l.Message, f.packet) {
			return
		}
		if len(bytes.TrimSpace(l.Message)) == 0 {
			return
		}
		if rule == nil {
			rule = f.r.Match(l)
		}
		if rule != nil && rule.Kind == format.Nothing { // such a line may stand between the options of a packet
			return
		}
		f.finish()
	}
	if isPacketStart(l.Message) {
		f.settle(event.Sent, event.Rcvd)
		n := len(s.queue)
		if s.packet(l.Message, size) {
			if len(s.queue) > n {
				last := s.queue[len(s.queue)-1]
				if e, ok := last.Event.(event.Packet); ok && f.again(said{from: inWords, dir: e.Dir, packet: e}) {
					s.queue = s.queue[:len(s.queue)-1]
				}
			}
			return
		}
	}
	if f.left > 0 && f.more == format.Octets && (l.Bare || l.Tag == f.tag) && f.row(l.Message) {
		return
	}
	if len(bytes.TrimSpace(l.Message)) == 0 {
		return
	}
	if rule == nil {
		rule = f.r.Match(l)
	}
	if !l.Bare && (rule == nil || rule.Kind != format.Nothing && !(rule.Kind == format.Octets && f.more == format.Octets && !rule.More)) {
		f.left = 0
	}
	if rule == nil || rule.Kind != format.Octets {
		f.settle(event.Sent, event.Rcvd)
	}
	if rule == nil || !f.matched(rule, l) {
		f.unmatched(l, outer, size)
	}
}

// outer removes what a program that passed the log on has written before each line: its own time, and perhaps an arrow; and the
// mark of a quotation before that. "> " may also be a mark of who speaks, so a format's own line is looked for before.
func (k *clock) outer(b []byte) ([]byte, logLine) {
	b = bytes.TrimLeft(b, " \t")
	rest := b
	if inner, ok := bytes.CutPrefix(b, []byte("> ")); ok {
		if rest, l := k.outer(inner); l.headed {
			return rest, l
		}
		return inner, logLine{msg: inner, headed: true}
	}
	if len(rest) > 0 && rest[0] == '"' { // a column of a table
		rest = bytes.Replace(rest[1:], []byte(`",`), []byte(" "), 1)
		if at, n := k.parse(rest); n > 0 && n == len(bytes.TrimSpace(rest)) { // the other columns are empty
			return nil, logLine{at: at, headed: true}
		}
	}
	at, n := k.take(rest)
	if n == 0 {
		return b, logLine{msg: b}
	}
	rest = rest[n:]
	for _, mark := range []string{"-> ", "PM ", "AM "} {
		rest = bytes.TrimPrefix(rest, []byte(mark))
	}
	return rest, logLine{at: at, msg: rest, headed: true}
}

// withoutColours removes the escape sequences of a terminal (ECMA-48 section 5.4) from a line.
func withoutColours(b []byte) []byte {
	if bytes.IndexByte(b, 0x1b) < 0 && !bytes.Contains(b, []byte("[0")) {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		n := 0
		switch {
		case b[i] == 0x1b && i+1 < len(b) && b[i+1] == '[':
			n = 2
		case b[i] == 0x1b:
			continue
		case b[i] == '[' && i+1 < len(b) && b[i+1] == '0': // a web page has dropped the escape character
			n = 1
		}
		if n > 0 {
			end, digits := i+n, 0
			for end < len(b) && digits < 4 && (b[end] >= '0' && b[end] <= '9' || b[end] == ';') {
				digits++
				if b[end] == ';' {
					digits = 0
				}
				end++
			}
			if end < len(b) && (b[end] == 'm' || b[i] == 0x1b && b[end] >= '@') {
				i = end
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

// matched takes a line that matches a rule. It is false if the values in the line turn out not to fit.
func (f *formatted) matched(rule *format.Rule, l format.Line) bool {
	s := f.s
	switch rule.Kind {
	case format.AT:
		dir, ok := f.r.Dir()
		if !ok {
			return false
		}
		text := f.r.Field("text")
		dir = f.oriented(dir, text)
		if rule.More {
			f.goesOn(format.AT, event.Rcvd, l.Tag) // an answer has more lines, or follows the command
		}
		from := inWords
		if rule.Again {
			from = inOtherWords
		}
		f.dialogue(dir, text, from)
	case format.Octets:
		dir, ok := f.r.Dir()
		if !f.r.Has("dir") { // the octets continue the block that has begun
			dir, ok = f.dir, f.left > 0 && f.more == format.Octets
		}
		if !ok {
			return false
		}
		if rule.More {
			f.goesOn(format.Octets, dir, l.Tag)
			f.protocol = f.r.Protocol()
		}
		if f.r.Has("octets") {
			octets, ok := capture.HexRow(f.r.Field("octets"))
			if !ok {
				return rule.More
			}
			f.octets(dir, octets)
		} else if f.r.Has("text") {
			f.octets(dir, characters(f.r.Raw("text")))
		}
	case format.Packet:
		p, ok := f.r.Packet()
		if !ok {
			return false
		}
		f.packet, f.at = &p, s.rec
		if !p.Below {
			f.finish()
		}
	case format.Sentence:
		program := l.Tag
		if program == "" {
			program = rule.Program
		}
		if program == "" {
			program = f.f.Name
		}
		text, value := string(l.Message[:min(len(l.Message), maxUnread)]), f.r.Value()
		e := event.Log{Program: printable(program), Text: printable(strings.TrimRight(text, " \t")), Means: rule.Means, Value: printable(value)}
		if e.Is(event.MeansScriptEnd) || e.Is(event.MeansNoWords) || e.Is(event.MeansModemSilent) {
			s.enter(event.PhaseDial)
		}
		s.says(e, e)
	}
	return true
}

func (f *formatted) goesOn(kind format.Kind, dir event.Dir, tag string) {
	f.more, f.dir, f.tag, f.left = kind, dir, tag, maxMore
}

// unmatched takes a line that matches no rule.
func (f *formatted) unmatched(l format.Line, outer logLine, size int) {
	s := f.s
	d := logLine{at: l.At, program: l.Tag, msg: l.Message, headed: !l.Bare}
	if l.Bare && f.left > 0 && f.more == format.AT && !s.isPPPD(l.Message) {
		f.left--
		f.dialogue(f.dir, string(l.Message), inWords)
		return
	}
	if l.Bare && !f.framed { // a line of the AT dialogue as it is, between the lines of the program
		switch {
		case format.IsCommand(l.Message):
			f.goesOn(format.AT, event.Rcvd, "")
			f.dialogue(event.Sent, string(l.Message), inWords)
			return
		case format.IsAnswer(l.Message):
			f.dialogue(event.Rcvd, string(l.Message), inWords)
			return
		}
	}
	if l.Bare && outer.headed { // a line of another program on the same host
		d = logLine{at: outer.at, headed: true}
		d.program, d.msg = tag(outer.msg)
	}
	if l.Bare && !outer.headed && !s.isPPPD(l.Message) && packetInside(l.Message) < 0 {
		s.unread(l.Message, size, "of no known kind") // such a log holds no lines of other programs
		return
	}
	s.message(d, size)
}
