package read

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/sentence"
)

var jsonFormat = source.Format{Name: "jsonl", Title: "knak's JSON Lines", Sniff: sniffJSON, Open: openJSON}

func sniffJSON(prefix []byte) int {
	for line := range bytes.Lines(prefix) { // lines of another program may stand before the first event
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] != '{' {
			continue
		}
		if bytes.HasPrefix(line, []byte(`{"t":"`)) && bytes.Contains(line, []byte(`"event":"`)) {
			return source.Certain
		}
	}
	return source.No
}

func openJSON(in *source.Input, c source.Config) source.Source {
	return &jsonSource{in: in, c: c, buf: make([]byte, 0, 2048)}
}

// jsonSource reads what event.Record.AppendJSON writes. A packet is read back from its text. Octets that are not in the text are
// lost: of a packet that cannot be understood, the text has the first 32.
type jsonSource struct {
	in    *source.Input
	c     source.Config
	clock clock
	buf   []byte
	text  []byte
	skip  bool   // the rest of a line that is too long
	link  string // the last link
	lines cache[event.Event]
}

func (s *jsonSource) Next() (event.Record, error) {
	for {
		line, size, err := s.in.Line()
		if err != nil {
			return event.Record{}, err
		}
		rec := event.Record{Link: s.c.Link, Pos: event.Pos{Line: s.in.Lines()}}
		if s.in.Part() || s.skip {
			s.skip = s.in.Part()
			rec.Event = s.unread(line, size, "a line that is too long")
			return rec, nil
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		s.take(&rec, line, size)
		return rec, nil
	}
}

// take reads one line. The part after the time is often the same as in an earlier line.
func (s *jsonSource) take(rec *event.Record, line []byte, size int) {
	const begin = `{"t":"`
	var slot *cached[event.Event]
	if bytes.HasPrefix(line, []byte(begin)) {
		if at, n := s.clock.iso(line[len(begin):]); n > 0 {
			rest := line[len(begin)+n:]
			slot = s.lines.slot(rest)
			if slot.holds(rest) {
				rec.Time, rec.Event, rec.Link = at, slot.value, slot.link
				return
			}
		}
	}
	here := rec.Pos
	if !s.packet(rec, line) {
		if err := s.event(rec, line); err != nil {
			rec.Event = s.unread(line, size, err.Error())
			return
		}
	}
	if l, ok := rec.Event.(event.Log); ok && len(l.Means) == 0 { // written before lines had meanings
		m := sentence.Of(l.Program, l.Text)
		l.Means, l.Value = m.Words, m.Value
		rec.Event = l
	}
	if slot != nil && rec.Pos == here {
		_, n := s.clock.iso(line[len(begin):])
		slot.put(line[len(begin)+n:], rec.Event)
		slot.link = rec.Link
	}
}

func (s *jsonSource) unread(line []byte, size int, reason string) event.Event {
	return event.Unread{Text: printable(string(line[:min(len(line), maxUnread)])), Bytes: size, Reason: reason}
}

// packet reads the most frequent lines, those of packets, without a JSON decoder. It is false for any other line.
func (s *jsonSource) packet(rec *event.Record, line []byte) bool {
	const name, dir, text = `","event":"packet",`, `"dir":"`, `"text":"`
	rest, ok := bytes.CutPrefix(line, []byte(`{"t":"`))
	if !ok {
		return false
	}
	at, n := s.clock.iso(rest)
	if n == 0 {
		return false
	}
	rest, ok = bytes.CutPrefix(rest[n:], []byte(`","link":"`))
	if !ok {
		return false
	}
	i := bytes.Index(rest, []byte(name))
	if i < 0 || bytes.IndexByte(rest[:i], '"') >= 0 || bytes.IndexByte(rest[:i], '\\') >= 0 {
		return false
	}
	link := rest[:i]
	rest = rest[i+len(name):]
	pos := event.Pos{}
	if after, ok := bytes.CutPrefix(rest, []byte(`"pos":"`)); ok {
		j := bytes.Index(after, []byte(`",`))
		if j < 0 {
			return false
		}
		if pos, ok = parsePos(string(after[:j])); !ok {
			return false
		}
		rest = after[j+2:]
	}
	rest, ok = bytes.CutPrefix(rest, []byte(dir))
	if !ok || len(rest) < 5 {
		return false
	}
	d := event.Sent
	if string(rest[:4]) == "rcvd" {
		d = event.Rcvd
	}
	i = bytes.LastIndex(rest, []byte(`"`+text[1:]))
	if i < 0 || !bytes.HasSuffix(rest, []byte(`"}`)) {
		return false
	}
	body := rest[i+len(text) : len(rest)-2]
	if bytes.IndexByte(body, '\\') >= 0 {
		var v string
		if json.Unmarshal(rest[i+len(text)-1:len(rest)-1], &v) != nil {
			return false
		}
		body = []byte(v)
	}
	e, ok := s.parse(d, body)
	if !ok {
		return false
	}
	rec.Time, rec.Event = at, e
	if string(link) != s.link {
		s.link = string(link)
	}
	rec.Link = s.link
	if pos != (event.Pos{}) {
		rec.Pos = pos
	}
	return true
}

func (s *jsonSource) parse(d event.Dir, text []byte) (event.Packet, bool) {
	s.text = append(append(s.text[:0], text...), ']')
	p, err := notation.Parse(s.buf, s.text)
	if err != nil || p.Used != len(s.text) {
		// Octets after a packet (its padding) stand before the closing bracket here: the end of the packet is found by
		// trying.
		p, err = s.parseTail(text)
	}
	if err != nil {
		return event.Packet{}, false
	}
	return event.Packet{Dir: d, Protocol: p.Protocol, Data: bytes.Clone(p.Info)}, true
}

// parseTail reads a text whose last octets come after the packet.
func (s *jsonSource) parseTail(text []byte) (notation.Packet, error) {
	end := len(text)
	for range 64 {
		if end < 3 || text[end-3] != ' ' {
			break
		}
		end -= 3
		s.text = append(append(append(s.text[:0], text[:end]...), ']'), text[end:]...)
		if p, err := notation.Parse(s.buf, s.text); err == nil && p.Used == len(s.text) {
			return p, nil
		}
	}
	return notation.Packet{}, notation.ErrNotation
}

func parsePos(s string) (event.Pos, bool) {
	word, number, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case s == "":
		return event.Pos{}, true
	case err != nil || n <= 0:
	case word == "line":
		return event.Pos{Line: n}, true
	case word == "packet":
		return event.Pos{Packet: n}, true
	}
	return event.Pos{}, false
}

// jsonDir is an event.Dir as written in JSON.
type jsonDir event.Dir

func (d *jsonDir) UnmarshalText(b []byte) error {
	switch string(b) {
	case "sent":
		*d = jsonDir(event.Sent)
	case "rcvd":
		*d = jsonDir(event.Rcvd)
	default:
		return fmt.Errorf("%q is not a direction: sent or rcvd", b)
	}
	return nil
}

// event reads a line with any event.
func (s *jsonSource) event(rec *event.Record, line []byte) error {
	var head struct {
		T     time.Time `json:"t"`
		Link  string    `json:"link"`
		Event string    `json:"event"`
		Pos   string    `json:"pos"`
		Dir   jsonDir   `json:"dir"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("not a JSON object, or cut off")
		}
		return fmt.Errorf("not an event of knak: %w", err)
	}
	make, ok := events[head.Event]
	if !ok {
		return fmt.Errorf("there is no event with the name %q", head.Event)
	}
	e, err := make(s, line, event.Dir(head.Dir))
	if err != nil {
		return err
	}
	rec.Time, rec.Link, rec.Event = head.T, head.Link, e
	if pos, ok := parsePos(head.Pos); ok && head.Pos != "" {
		rec.Pos = pos
	}
	return nil
}

// events has a function for each kind of event that reads it from its line.
var events = map[string]func(s *jsonSource, line []byte, dir event.Dir) (event.Event, error){
	"device": decode[event.Device], "phase": decode[event.Phase], "quirk": decode[event.Quirk], "up": decode[event.Up], "finding": decode[event.Finding],
	"down": decode[event.Down], "state": decode[event.State], "decision": decode[event.Decision], "log": decode[event.Log], "unread": decode[event.Unread],
	"text": decode[event.Text], "registration": decode[event.Registration], "probe": decode[event.Probe], "notice": decode[event.Notice],
	"failure": decode[event.Failure],
	"attempt": func(s *jsonSource, line []byte, dir event.Dir) (event.Event, error) {
		e, err := decode[event.Attempt](s, line, dir)
		if a, ok := e.(event.Attempt); ok {
			a.Wait = time.Duration(a.WaitMS) * time.Millisecond
			return a, nil
		}
		return e, err
	},
	"at": func(_ *jsonSource, line []byte, dir event.Dir) (event.Event, error) {
		var e struct {
			Text string `json:"text"`
		}
		err := json.Unmarshal(line, &e)
		return event.AT{Dir: dir, Text: e.Text}, err
	},
	"data": func(_ *jsonSource, line []byte, dir event.Dir) (event.Event, error) {
		var e struct {
			Protocol uint16 `json:"protocol"`
			Length   int    `json:"length"`
		}
		err := json.Unmarshal(line, &e)
		return event.Data{Dir: dir, Protocol: e.Protocol, Length: e.Length}, err
	},
	"packet": func(s *jsonSource, line []byte, dir event.Dir) (event.Event, error) {
		var e struct {
			Text    string `json:"text"`
			Guessed bool   `json:"guessed"`
			Hidden  int    `json:"hidden"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		p, ok := s.parse(dir, []byte(e.Text))
		p.Guessed = e.Guessed
		p = p.WithHidden(e.Hidden)
		if !ok {
			return nil, errors.New("the text of a packet that cannot be read back")
		}
		return p, nil
	},
}

func decode[E event.Event](_ *jsonSource, line []byte, _ event.Dir) (event.Event, error) {
	var e E
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("an event with fields that are not knak's: %w", err)
	}
	return e, nil
}
