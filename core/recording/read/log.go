package read

import (
	"bytes"
	"errors"
	"html"
	"io"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/sentence"
)

var logFormat = source.Format{Name: "log", Title: "log of pppd, chat, wvdial, NetworkManager or ModemManager", Sniff: sniffLog, Open: openLog}

func openLog(in *source.Input, c source.Config) source.Source {
	return &logSource{in: in, c: c, clock: clock{date: c.Date}, buf: make([]byte, 0, 2048)}
}

// maxWrapped is the most lines that one packet may be wrapped over.
const maxWrapped = 6

// logSource reads lines with any logger's prefix. The prefix may change from line to line, as in logs that were pasted together.
type logSource struct {
	in     *source.Input
	c      source.Config
	clock  clock
	talk   dialogue
	retell retelling
	call   progress
	split  call.Splitter
	asked  string // the kind of event that ask was called for and that is still to be given
	buf    []byte // buffer for the octets of a packet
	queue  []event.Record
	head   int
	rec    event.Record // time, link and place of the present line
	wrap   wrapped
	quote  quotation
	ended  bool
	lines  cache[event.Event]
	owns   cache[bool] // whether a line that names no program is pppd's
	note   bool        // the notice about placeholders for hidden values was given
	form   *formatted  // for a log whose format is a file; nil: the log is of pppd and the other built-in programs
}

// wrapped is a packet whose line ends before the packet does.
type wrapped struct {
	text  []byte // from "sent [" on
	rec   event.Record
	bytes int
	lines int
}

func (s *logSource) Next() (event.Record, error) {
	for s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
		if s.ended {
			return event.Record{}, io.EOF
		}
		if err := s.line(); err != nil {
			if !errors.Is(err, io.EOF) {
				return event.Record{}, err
			}
			s.ended = true
			s.unwrap()
			if s.form != nil {
				s.form.end()
			}
			s.endOfLog()
		}
	}
	r := s.queue[s.head]
	s.queue[s.head] = event.Record{}
	s.head++
	return r, nil
}

func (s *logSource) emit(e event.Event) {
	if s.asked == e.Kind() {
		s.asked = ""
	} else {
		s.ask(e)
	}
	s.put(e)
}

func (s *logSource) put(e event.Event) {
	r := s.rec
	r.Event = e
	s.queue = append(s.queue, r)
}

// line takes one line.
func (s *logSource) line() error {
	line, size, err := s.in.Line()
	if err != nil {
		return err
	}
	line = unquoted(untypeset(line))
	if s.form != nil {
		s.form.take(line, size)
		return nil
	}
	d := s.clock.split(relayed(line))
	if s.wrap.text != nil {
		if !d.headed && !isPacketStart(d.msg) && s.joins(d.msg, size) {
			return nil
		}
		s.unwrap()
	}
	if s.quote.lines > 0 && (d.headed || len(d.msg) == 0 || isModemManager(d.msg)) { // the end of the quotation never came
		q := s.quote
		s.quote = quotation{}
		s.quoted(q.sent, q.text)
	}
	s.rec = event.Record{Time: d.at, Link: s.c.Link, Pos: event.Pos{Line: s.in.Lines()}}
	if s.goesOn(d.msg) {
		return nil
	}
	if isPacketStart(d.msg) && s.packet(d.msg, size) {
		return nil
	}
	s.message(d, size)
	return nil
}

// untypeset gives back the hyphens and the quotation marks that a page has set as a printer would: "–> Sending", “-- got it”.
func untypeset(line []byte) []byte {
	if bytes.IndexByte(line, 0xe2) < 0 && bytes.IndexByte(line, 0xc2) < 0 {
		return line
	}
	return []byte(typeset().Replace(string(line)))
}

var typeset = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "–", "--", "—", "--", "−", "-", "\u00a0", " ", "…", "...")
})

// unquoted removes the marks of a quotation: a mail's, with or without a blank after it, a comment's, a frame's.
func unquoted(line []byte) []byte {
	for len(line) > 1 && line[0] == '>' {
		line = bytes.TrimPrefix(line[1:], []byte(" "))
	}
	if len(line) > 3 && (line[0] == '/' && line[1] == '/' || line[0] == '|') {
		line = bytes.TrimLeft(line, "/| \t")
	}
	return line
}

// relayed removes what programs write before wvdial's lines when they pass them on: GNOME PPP "GNOME PPP: STDERR: ", and wvdial's
// own logger "WvDial<*1>: " and, for the modem's, "WvDial Modem<*1>: ".
func relayed(line []byte) []byte {
	switch {
	case bytes.HasPrefix(line, []byte("GNOME PPP: STD")):
		if i := bytes.Index(line[11:], []byte(": ")); i > 0 {
			return line[11+i+2:]
		}
	case bytes.HasPrefix(line, []byte("WvDial Modem<")):
		if i := bytes.Index(line, []byte(">: ")); i > 0 {
			return line[i+3:]
		}
	case bytes.HasPrefix(line, []byte("WvDial<")):
		if i := bytes.Index(line, []byte(">: ")); i > 0 {
			return append([]byte("--> "), line[i+3:]...)
		}
	}
	return line
}

// message takes a message that does not begin with a packet.
func (s *logSource) message(d logLine, size int) {
	if len(bytes.TrimSpace(d.msg)) == 0 {
		return
	}
	if i := s.joined(d.msg); i > 0 {
		head := d
		head.msg = bytes.TrimRight(d.msg[:i], " ")
		s.message(head, max(size-(len(d.msg)-i), 0))
		next := s.clock.split(d.msg[i:])
		s.rec.Time = next.at
		if !isPacketStart(next.msg) || !s.packet(next.msg, len(d.msg)-i) {
			s.message(next, len(d.msg)-i)
		}
		return
	}
	if i := packetInside(d.msg); i >= 0 {
		s.inside(d, i, size)
		return
	}
	if !s.said(d) {
		s.unread(d.msg, size, "of no known kind")
	}
}

// joined gives the index where another line begins inside a message; 0: no line does. Web pages that treat all white space alike
// make one line of a whole log.
func (s *logSource) joined(msg []byte) int {
	if bytes.IndexByte(msg, '>') < 0 && bytes.IndexByte(msg, ']') < 0 {
		return 0
	}
	if i := bytes.Index(msg, []byte(" --> ")); i > 0 && i+5 < len(msg) && 'A' <= msg[i+5] && msg[i+5] <= 'Z' &&
		(isWvdial(msg) || bytes.Contains(msg[i+5:], []byte(" --> "))) {
		return i + 1
	}
	for from := 0; ; {
		end := bytes.Index(msg[from:], []byte("]: ")) // the end of a program's number, as in pppd[123]:
		if end < 0 {
			return 0
		}
		end += from
		for i := max(from, end-70, 1); i < end; i++ {
			if msg[i-1] == ' ' && 'A' <= msg[i] && msg[i] <= 'Z' && i+15 < len(msg) && msg[i+3] == ' ' {
				if _, n := s.clock.parse(msg[i:]); n > 0 {
					return i
				}
			}
		}
		from = end + 3
	}
}

// said gives the events for a message of one of the known programs. It is false if the message is not known.
func (s *logSource) said(d logLine) bool {
	own := ownProgress(d.msg)
	switch {
	case own != nil:
		s.progress(own)
	case isWvdial(d.msg):
		s.talk.wvdial = d.program
		s.talk.by = "wvdial"
		s.wvdial(bytes.TrimSpace(d.msg[3:]))
	case d.program == "chat" || d.program == "" && isChat(d.msg):
		s.chat(d.msg)
	case d.program == "pppd":
		s.pppd(d.msg)
	case d.program == "" && s.isStatus(d.msg):
		s.pppd(d.msg)
	case isModemManager(d.msg):
		s.modemManager(d)
	case s.talk.by != "" && (d.program == "" && !d.headed || d.program != "" && d.program == s.talk.wvdial):
		s.fromModem(d.msg)
	case d.headed:
		if !s.retold(d) {
			s.log(d.program, d.msg)
		}
	case len(sentence.Of("", string(d.msg[:min(len(d.msg), maxUnread)])).Words) > 0: // a known sentence that was pasted without the program's name
		s.log("", d.msg)
	case showsFrames(string(d.msg)):
		s.emit(event.Text{Text: printable(string(d.msg[:min(len(d.msg), maxUnread)]))})
	case isEcho(d.msg): // only output of wvdial and chat shows the modem's echo
		s.talk.by = "wvdial"
		s.fromModem(d.msg)
	default:
		return s.retold(d)
	}
	return true
}

// packetInside finds a packet inside a message: two programs wrote at the same time, or one quotes another.
func packetInside(msg []byte) int {
	if bytes.IndexByte(msg, '[') < 0 {
		return -1
	}
	for _, s := range [...]string{"rcvd [", "sent ["} {
		if i := bytes.Index(msg, []byte(s)); i > 0 {
			return i
		}
	}
	return -1
}

// inside takes a message with a packet in it.
func (s *logSource) inside(d logLine, i, size int) {
	n := len(s.queue)
	if !s.packet(d.msg[i:], 0) || len(s.queue) == n {
		s.queue, s.wrap = s.queue[:n], wrapped{}
		if !s.said(d) {
			s.unread(d.msg, size, "of no known kind")
		}
		return
	}
	packets := append([]event.Record(nil), s.queue[n:]...)
	s.queue = s.queue[:n]
	head := d
	head.msg = bytes.TrimRight(d.msg[:i], " `'\"(")
	if len(bytes.TrimSpace(head.msg)) > 0 && !s.said(head) {
		s.unread(head.msg, i, "cut off by another line")
	}
	s.queue = append(s.queue, packets...)
}

// packet takes a message that begins with "sent [" or "rcvd [". It is false if the message is not a packet after all. A packet
// without its end is kept until the next line shows whether the line was wrapped.
func (s *logSource) packet(msg []byte, size int) bool {
	dir := event.Sent
	if msg[0] == 'r' {
		dir = event.Rcvd
	}
	slot := s.lines.slot(msg)
	if slot.holds(msg) {
		if e, ok := slot.value.(event.Packet); ok {
			s.sees(e, slot.value)
			s.emit(slot.value)
			return true
		}
	}
	p, err := notation.Parse(s.buf, msg[len("sent ["):])
	if err == nil {
		e := s.take(dir, p)
		if used := len("sent [") + p.Used; used == len(msg) && e != nil && !p.Replaced {
			slot.put(msg, e)
		} else if size > 0 {
			s.behind(msg[used:])
		}
		return true
	}
	if size > 0 && s.interrupted(msg, size) {
		return true
	}
	if fixed, ok := repaired(msg); ok {
		if p, err := notation.Parse(s.buf, fixed[len("sent ["):]); err == nil {
			s.take(dir, p)
			return true
		}
	}
	switch {
	case errors.Is(err, notation.ErrCut) && size > 0:
		s.wrap = wrapped{text: bytes.Clone(msg), rec: s.rec, bytes: size, lines: 1}
	case size == 0:
		return false
	default:
		s.unread(msg, size, err.Error())
	}
	return true
}

// maxInside is how many packets are looked for in one line.
const maxInside = 4

// interrupted takes a line in which another line begins before its end, because two programs wrote at the same time. It is false
// if no complete packet follows.
func (s *logSource) interrupted(msg []byte, size int) bool {
	at := 6
	for range maxInside {
		i := packetInside(msg[at:])
		if i < 0 {
			return false
		}
		at += i
		if p, err := notation.Parse(s.buf, msg[at+len("sent ["):]); err == nil {
			s.unread(msg[:at], max(size-(len(msg)-at), at), "cut off by another line")
			dir := event.Sent
			if msg[at] == 'r' {
				dir = event.Rcvd
			}
			s.take(dir, p)
			return true
		}
		at += 6
	}
	return false
}

// behind takes the rest of a line after a packet: nothing, or another program's line.
func (s *logSource) behind(rest []byte) {
	if rest = bytes.TrimSpace(rest); len(rest) > 0 {
		s.message(logLine{msg: rest}, len(rest))
	}
}

// take gives the events of a packet that was read. It returns the packet's own event; nil for a data packet.
func (s *logSource) take(dir event.Dir, p notation.Packet) event.Event {
	if p.Replaced && !s.note {
		s.note = true
		s.emit(event.Notice{Level: "info", Text: "the log hides addresses: 192.0.2.0/24 stands for them"})
	}
	if p.Protocol < 0x8000 || p.Protocol == packet.Compressed {
		s.emit(event.Data{Dir: dir, Protocol: p.Protocol, Length: len(p.Info)})
		return nil
	}
	e := event.Packet{Dir: dir, Protocol: p.Protocol, Data: bytes.Clone(p.Info)}
	var shared event.Event = e
	s.sees(e, shared)
	s.emit(shared)
	return shared
}

// unprinted puts back the plain characters that word processors and web pages replace.
var unprinted = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "\u00a0", " ", "‹", "<", "›", ">", "\x93", `"`, "\x94", `"`, "\t", " ", "id = ", "id=", "id =", "id=", "magic = ", "magic=", "magic =", "magic=")
})

// repaired undoes what web pages and word processors do to a line.
func repaired(msg []byte) ([]byte, bool) {
	odd := false
	for _, c := range msg {
		odd = odd || c >= 0x80 || c == '&' || c == '\t'
	}
	odd = odd || bytes.Contains(msg, []byte(" =")) || bytes.Contains(msg, []byte("= ")) // a translator's
	if !odd || len(msg) > 4096 {
		return nil, false
	}
	text := unprinted().Replace(html.UnescapeString(string(msg)))
	return []byte(text), text != string(msg) && len(text) > 6
}

// joins says whether the line continues the packet that broke off, and if so takes the line.
func (s *logSource) joins(line []byte, size int) bool {
	w := &s.wrap
	if w.lines >= maxWrapped || len(line) == 0 {
		return false
	}
	dir := event.Sent
	if w.text[0] == 'r' {
		dir = event.Rcvd
	}
	trimmed := bytes.TrimLeft(line, " \t")
	for _, glue := range [...]string{"", " "} { // cut at a column, or at a space
		text := append(append(bytes.Clone(w.text), glue...), trimmed...)
		p, err := notation.Parse(s.buf, text[len("sent ["):])
		switch {
		case err == nil:
			s.rec = w.rec
			s.wrap = wrapped{}
			s.take(dir, p)
			return true
		case errors.Is(err, notation.ErrCut):
			w.text, w.bytes, w.lines = text, w.bytes+size, w.lines+1
			return true
		}
	}
	return false
}

// unwrap gives up a packet whose end did not come.
func (s *logSource) unwrap() {
	if s.wrap.text == nil {
		return
	}
	w := s.wrap
	s.wrap = wrapped{}
	now := s.rec
	s.rec = w.rec
	s.unread(w.text, w.bytes, "the line ends inside the packet")
	s.rec = now
}

// maxUnread is the most octets that are kept of a line that was not understood.
const maxUnread = 1000

func (s *logSource) unread(text []byte, size int, reason string) {
	s.emit(event.Unread{Text: printable(string(text[:min(len(text), maxUnread)])), Bytes: size, Reason: reason})
}

// log gives the event for a program's line, and the events that follow from it for the call.
func (s *logSource) log(program string, text []byte) {
	slot := s.lines.slot(text)
	if slot.holds(text) {
		if l, ok := slot.value.(event.Log); ok && l.Program == program {
			s.says(l, slot.value)
			return
		}
	}
	l := made(program, strings.TrimRight(string(text[:min(len(text), maxUnread)]), " \t"))
	var event event.Event = l
	slot.put(text, event)
	s.says(l, event)
}
