package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// timeFormat is RFC 3339 with microseconds, always six digits.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

// AppendJSON appends the record as one JSON object without a line end: t, link, event and, in a recording, pos first, then the
// event's own fields. The characters <, > and & are not escaped, because pppd's notation is full of them.
func (r Record) AppendJSON(dst []byte) ([]byte, error) {
	if r.Event == nil {
		return dst, fmt.Errorf("a record of link %q has no event", r.Link)
	}
	head, err := marshal(struct {
		T     string `json:"t"`
		Link  string `json:"link"`
		Event string `json:"event"`
		Pos   string `json:"pos,omitempty"`
	}{r.Time.Format(timeFormat), r.Link, r.Event.Kind(), r.Pos.String()})
	if err != nil {
		return dst, err
	}
	fields, err := marshal(complete(r.Event))
	if err != nil {
		return dst, fmt.Errorf("event %s: %w", r.Event.Kind(), err)
	}
	if len(fields) < 2 || fields[0] != '{' {
		return dst, fmt.Errorf("event %s is not a JSON object", r.Event.Kind())
	}
	dst = append(dst, head[:len(head)-1]...)
	if len(fields) > 2 {
		dst = append(dst, ',')
	}
	return append(dst, fields[1:]...), nil
}

// MarshalJSON gives what AppendJSON appends.
func (r Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// complete makes sure of what readers of the JSON rely on: a list is never null, and a wait is in milliseconds.
func complete(e Event) Event {
	list := func(s []string) []string {
		if s == nil {
			return []string{}
		}
		return s
	}
	switch e := e.(type) {
	case Up:
		e.DNS, e.WINS = list(e.DNS), list(e.WINS)
		return e
	case Finding:
		e.Evidence, e.Cure = list(e.Evidence), list(e.Cure)
		return e
	case Attempt:
		if e.WaitMS == 0 {
			e.WaitMS = e.Wait.Milliseconds()
		}
		return e
	}
	return e
}

// MarshalJSON gives dir, proto (for example "ipcp"), code (pppd's word; "" if the header is not complete), id, options (for a
// Configure packet, each as pppd prints it between < and >) and text (the whole packet in pppd's notation). guessed is present
// only if true. hidden is the number of hidden octets in the value of a CHAP Response; it is present only if it is not 16, which
// is what the text stands for.
func (p Packet) MarshalJSON() ([]byte, error) {
	v := struct {
		Guessed bool     `json:"guessed,omitempty"` // the direction is a guess; this key comes first so that a person who reads the line sees it
		Hidden  int      `json:"hidden,omitempty"`
		Dir     Dir      `json:"dir"`
		Proto   string   `json:"proto"`
		Code    string   `json:"code"`
		ID      uint8    `json:"id"`
		Options []string `json:"options"`
		Text    string   `json:"text"`
	}{Guessed: p.Guessed, Hidden: p.hidden(), Dir: p.Dir, Proto: strings.ToLower(packet.ProtocolName(p.Protocol)), Options: []string{}, Text: p.Text()}
	if c, ok := p.Control(); ok {
		v.Code, v.ID = packet.CodeName(p.Protocol, c.Code), c.ID
		for _, o := range p.Options() {
			v.Options = append(v.Options, notation.OptionText(p.Protocol, o))
		}
	}
	return marshal(v)
}

// shownHidden is the length that <hidden> stands for in a CHAP Response: 16 octets, as in CHAP with MD5.
const shownHidden = 16

// hidden gives the length of a hidden CHAP value; 0 if it is 16, the notation's default, or if nothing is hidden.
func (p Packet) hidden() int {
	c, ok := p.Control()
	if !ok || p.Protocol != packet.CHAP || c.Code != packet.CHAPResponse || len(c.Data) == 0 {
		return 0
	}
	n := int(c.Data[0])
	if n == shownHidden || n >= len(c.Data) || bytes.Count(c.Data[1:1+n], []byte("*")) != n {
		return 0
	}
	return n
}

// WithHidden gives the packet with n octets, from the JSON key hidden, as the hidden value of a CHAP Response; 0 changes nothing.
func (p Packet) WithHidden(n int) Packet {
	c, ok := p.Control()
	if !ok || n <= 0 || n > 255 || p.Protocol != packet.CHAP || c.Code != packet.CHAPResponse || len(c.Data) <= shownHidden || c.Data[0] != shownHidden {
		return p
	}
	value := bytes.Repeat([]byte("*"), n)
	c.Data = slices.Concat([]byte{byte(n)}, value, c.Data[1+shownHidden:])
	p.Data = append(c.AppendTo(nil), p.Data[min(len(p.Data), packet.HeaderLen+len(c.Data)-n+shownHidden):]...)
	return p
}

// Text gives the packet in pppd's notation without brackets.
func (p Packet) Text() string { return notation.Text(p.Protocol, p.Data) }

// Line gives the packet as pppd prints it, with "sent" or "rcvd" and brackets.
func (p Packet) Line() string { return notation.Line(p.Dir.String(), p.Protocol, p.Data) }

// Control parses the packet's header. It is false for a protocol without such a header, and for a damaged packet.
func (p Packet) Control() (packet.Packet, bool) {
	if p.Protocol < 0x8000 {
		return packet.Packet{}, false
	}
	c, err := packet.Parse(p.Data)
	return c, err == nil
}

// Options gives the options of a Configure packet of LCP or of a network control protocol, up to the first damaged one.
func (p Packet) Options() []packet.Option {
	c, ok := p.Control()
	if !ok || c.Code < packet.ConfigureRequest || c.Code > packet.ConfigureReject {
		return nil
	}
	if p.Protocol != packet.LCP && p.Protocol&0xc000 != 0x8000 {
		return nil
	}
	options, _ := packet.ParseOptions(make([]packet.Option, 0, 8), c.Data)
	return options
}

// JSONWriter is a Sink that writes one JSON object a line. It may be used from several goroutines.
type JSONWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error
}

// NewJSONWriter writes to w, one Write for each record.
func NewJSONWriter(w io.Writer) *JSONWriter { return &JSONWriter{w: w} }

// Record writes r. After a failed write nothing more is written; see Err.
func (j *JSONWriter) Record(r Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	b, err := r.AppendJSON(j.buf[:0])
	if err == nil {
		b = append(b, '\n')
		_, err = j.w.Write(b)
	}
	j.buf, j.err = b, err
}

// Err gives the first error, nil if there was none.
func (j *JSONWriter) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}
