// Package report draws a call as a ladder of its negotiation: as text for the terminal, or as one HTML page that needs no other file.
package report

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Row is one step of the ladder: an arrow between host and modem, or a mark across both lines.
type Row struct {
	Time time.Time
	Pos  event.Pos
	Kind string // the event's kind, as package event names it
	// Group is what colours and filters tell apart: "at", a protocol's name in small letters such as "ipcp", "data",
	// "phase", "finding", "note" or "unread".
	Group string
	Arrow bool      // the row is an arrow in direction Dir; otherwise it is a mark
	Dir   event.Dir // Sent goes from the host to the modem
	Label string    // a short text for the picture
	Text  string    // the whole text, in one line
	Hex   string    // the octets of a control packet
	Phase string    // the phase at that time

	Again   int      // how often the same packet went in this direction before: above 0 it is a retransmission
	Refusal bool     // Nak, Reject, Failure, Terminate, ERROR, NO CARRIER
	Wrong   []string // what is wrong with the packet by its RFC
	Count   int      // how many packets the row stands for: consecutive data packets share a row
	Bytes   int      // how many octets these packets have
	Pins    []int    // indices of the findings whose evidence this row is
}

// Ladder is a whole call, ready to draw.
type Ladder struct {
	Rows     []Row
	Left     int // how many rows were left out between the first half and the last half
	Findings []event.Finding
	Judged   int // how many of Findings, from the first on, diagnosis found in the whole call; the rest were recorded during the call
	Device   *event.Device
	Up       *event.Up
	Down     *event.Down
	Begin    time.Time
	End      time.Time
}

// Collector is an event.Sink that makes a Ladder in bounded memory: of a long call the first and the last rows are kept.
type Collector struct {
	half  int
	head  []Row
	tail  []Row // a ring
	next  int   // in tail
	left  int
	phase string
	out   Ladder
	lint  lint.Linter
	seen  map[sameKey]seen
}

// sameKey is equal for packets that may be retransmissions of each other.
type sameKey struct {
	dir   event.Dir
	group string
	code  uint8
}

type seen struct {
	text  string
	again int
}

// MaxRows is the greatest number of rows that a page can hold and still be quick in a browser.
const MaxRows = 4000

// NewCollector makes a Collector that keeps at most rows rows; 0 stands for MaxRows.
func NewCollector(rows int) *Collector {
	if rows <= 0 {
		rows = MaxRows
	}
	return &Collector{half: max(rows/2, 1), seen: map[sameKey]seen{}}
}

// Record adds the next record.
func (c *Collector) Record(r event.Record) {
	if !r.Time.IsZero() {
		if c.out.Begin.IsZero() {
			c.out.Begin = r.Time
		}
		c.out.End = r.Time
	}
	if row, ok := c.row(r); ok {
		c.put(row)
	}
}

// last gives the newest row, nil before the first.
func (c *Collector) last() *Row {
	if len(c.tail) > 0 {
		return &c.tail[(c.next+len(c.tail)-1)%len(c.tail)]
	}
	if len(c.head) > 0 {
		return &c.head[len(c.head)-1]
	}
	return nil
}

func (c *Collector) put(row Row) {
	switch {
	case len(c.head) < c.half:
		c.head = append(c.head, row)
	case len(c.tail) < c.half:
		c.tail = append(c.tail, row)
	default:
		c.tail[c.next] = row
		c.next = (c.next + 1) % len(c.tail)
		c.left++
	}
}

// Ladder gives the ladder of the records so far. findings are what diagnosis found in the whole call; findings that were recorded follow them, without
// duplicates.
func (c *Collector) Ladder(findings []event.Finding) Ladder {
	l := c.out
	l.Left = c.left
	l.Rows = append(l.Rows, c.head...)
	l.Rows = append(append(l.Rows, c.tail[c.next:]...), c.tail[:c.next]...)
	all := findings
	for _, f := range c.out.Findings {
		if !hasFinding(all, f.ID) {
			all = append(all, f)
		}
	}
	l.Findings, l.Judged = all, len(findings)
	l.pin()
	return l
}

// said tells a finding that was made while the call was recorded, of an earlier attempt for example, from the verdict on the whole.
func (l *Ladder) said(finding int) string {
	if finding < l.Judged {
		return ""
	}
	return " · said while it was recorded"
}

func hasFinding(list []event.Finding, id string) bool {
	for _, f := range list {
		if f.ID == id {
			return true
		}
	}
	return false
}

// row draws one record. It is false for what adds nothing to the picture.
func (c *Collector) row(r event.Record) (Row, bool) {
	row := Row{Time: r.Time, Pos: r.Pos, Kind: r.Event.Kind(), Phase: c.phase, Count: 1}
	note := func(group, label string) (Row, bool) {
		row.Group, row.Label, row.Text = group, event.Printable(label), event.Printable(label)
		return row, true
	}
	switch e := r.Event.(type) {
	case event.Packet:
		c.packet(&row, r, e)
		return row, true
	case event.Described:
		row.Arrow, row.Dir, row.Group = true, e.Dir, strings.ToLower(packet.ProtocolName(e.Protocol))
		row.Label, row.Text = event.Printable(e.Line()), event.Printable(e.Line())
		return row, true
	case event.Data:
		if last := c.last(); last != nil && last.Kind == "data" && last.Dir == e.Dir {
			last.Count++
			last.Bytes += e.Length
			last.draw()
			return row, false
		}
		row.Group, row.Arrow, row.Dir, row.Bytes = "data", true, e.Dir, e.Length
		row.draw()
		return row, true
	case event.AT:
		row.Group, row.Arrow, row.Dir = "at", true, e.Dir
		row.Label, row.Text = event.Printable(e.Text), event.Printable(e.Text)
		row.Refusal = e.Dir == event.Rcvd && refusedByModem(e.Text)
		return row, true
	case event.Text:
		row.Group, row.Arrow, row.Dir = "at", true, event.Rcvd
		row.Label, row.Text = event.Printable(e.Text), event.Printable(e.Text)
		row.Refusal = refusedByModem(e.Text)
		return row, true
	case event.Phase:
		c.phase, row.Phase = e.Phase, e.Phase
		if e.Phase == event.PhaseUp || e.Phase == event.PhaseDown {
			return row, false // Up and Down say more
		}
		return note("phase", e.Phase)
	case event.Device:
		c.out.Device = &e
		return note("note", strings.Join(strings.Fields("modem "+e.Vendor+" "+e.Model+" "+e.Firmware), " "))
	case event.Up:
		c.out.Up = &e
		return note("phase", strings.TrimSpace("up: "+e.Local+" "+e.Interface))
	case event.Down:
		c.out.Down = &e
		return note("phase", "down: "+e.Reason)
	case event.Finding:
		if !hasFinding(c.out.Findings, e.ID) {
			c.out.Findings = append(c.out.Findings, e)
		}
		return note("finding", e.Title)
	case event.Failure:
		row.Refusal = true
		return note("note", strings.TrimSpace("failed: "+e.Cause+" "+e.Detail))
	case event.Quirk:
		return note("note", "quirk "+e.Key+" = "+e.Value)
	case event.Decision:
		if e.Verdict == e.Intent && e.By == "" {
			return row, false
		}
		return note("note", fmt.Sprintf("%s %s: intended %s, did %s (%s)", e.Protocol, e.Point, e.Intent, e.Verdict, e.By))
	case event.Registration:
		return note("note", strings.TrimSpace("registration: "+e.State+" "+e.Signal))
	case event.Probe:
		return note("note", "probe "+e.How+" "+e.Target+": "+e.Result)
	case event.Attempt:
		return note("phase", fmt.Sprintf("attempt %d: %s", e.Number, e.Reason))
	case event.Notice:
		return note("note", e.Text)
	case event.Log:
		_, row.Refusal = call.Failure(e)
		return note("note", strings.TrimPrefix(e.Program+": ", ": ")+e.Text)
	case event.Unread:
		row.Bytes = e.Bytes
		return note("unread", e.Text+" ("+e.Reason+")")
	}
	return row, false // states: who wants them reads the log
}

// refusals are the packet codes that refuse something, by protocol.
var refusals = map[uint16][]uint8{
	packet.PAP:  {packet.PAPNak},
	packet.CHAP: {packet.CHAPFailure},
	packet.EAP:  {packet.EAPFailure},
}

func (c *Collector) packet(row *Row, r event.Record, p event.Packet) {
	row.Arrow, row.Dir = true, p.Dir
	row.Group = strings.ToLower(packet.ProtocolName(p.Protocol))
	row.Text, row.Hex = p.Text(), hex.EncodeToString(p.Data)
	row.Label = strings.TrimPrefix(row.Text, packet.ProtocolName(p.Protocol)+" ")
	for _, f := range c.lint.Check(r) {
		row.Wrong = append(row.Wrong, f.Text+" ("+f.Clause+")")
	}
	control, ok := p.Control()
	if !ok {
		return
	}
	if codes, own := refusals[p.Protocol]; own {
		row.Refusal = strings.IndexByte(string(codes), control.Code) >= 0
	} else {
		row.Refusal = control.Code >= packet.ConfigureNak && control.Code <= packet.ProtocolReject && control.Code != packet.TerminateAck
	}
	// The same content again in the same direction, whatever its identifier: a request that got no answer, or a refusal
	// that says nothing new.
	key := sameKey{p.Dir, row.Group, control.Code}
	body := string(control.Data)
	if old, ok := c.seen[key]; ok && old.text == body && asksAgain(p.Protocol, control.Code) {
		row.Again = old.again + 1
	}
	if control.Code == packet.ConfigureAck && p.Protocol != packet.CHAP { // agreed: what follows is a new negotiation
		delete(c.seen, sameKey{other(p.Dir), row.Group, packet.ConfigureRequest})
	}
	c.seen[key] = seen{body, row.Again}
}

// asksAgain says whether a packet is one that is sent again because it brought nothing. An Ack repeats only what it
// answers, and an echo is sent again by its nature.
func asksAgain(protocol uint16, code uint8) bool {
	switch protocol {
	case packet.PAP, packet.CHAP, packet.EAP:
		return true
	}
	return code != packet.ConfigureAck && code != packet.TerminateAck && code < packet.EchoRequest
}

func other(d event.Dir) event.Dir {
	if d == event.Sent {
		return event.Rcvd
	}
	return event.Sent
}

// refusedByModem says whether a result code ends a call or a command badly (V.250 section 5.7, 3GPP TS 27.007 section 9).
func refusedByModem(line string) bool {
	r, _ := v250.ParseFinal(strings.ToUpper(line))
	return r != v250.NoResult && r != v250.OK && r != v250.Connect
}

// draw makes the label of data packets.
func (row *Row) draw() {
	if row.Count == 1 {
		row.Label = "1 data packet, " + octets(row.Bytes)
	} else {
		row.Label = strconv.Itoa(row.Count) + " data packets, " + octets(row.Bytes)
	}
	row.Text = row.Label
}

func octets(n int) string {
	switch {
	case n < 10_000:
		return strconv.Itoa(n) + " octets"
	case n < 10_000_000:
		return strconv.Itoa(n/1000) + " kB"
	}
	return strconv.Itoa(n/1_000_000) + " MB"
}

// pin says which rows each finding rests on. Evidence names a place, or quotes the row.
func (l *Ladder) pin() {
	for n, f := range l.Findings {
		for _, evidence := range f.Evidence {
			if i := l.place(evidence); i >= 0 && !hasPin(l.Rows[i].Pins, n) {
				l.Rows[i].Pins = append(l.Rows[i].Pins, n)
			}
		}
	}
}

func hasPin(pins []int, n int) bool {
	for _, p := range pins {
		if p == n {
			return true
		}
	}
	return false
}

// place gives the row that evidence means, -1 where there is none: the one at the place it names, else the last one
// whose text it quotes.
func (l *Ladder) place(evidence string) int {
	for i, row := range l.Rows {
		if pos := row.Pos.String(); pos != "" && names(evidence, pos) {
			return i
		}
	}
	for i := len(l.Rows) - 1; i >= 0; i-- {
		row := &l.Rows[i]
		if len(row.Text) >= 2 && row.Group != "phase" && row.Group != "finding" && strings.Contains(evidence, row.Text) {
			return i
		}
	}
	return -1
}

// names says whether text holds pos as a whole: "line 12" is not in "line 123".
func names(text, pos string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], pos)
		if i < 0 {
			return false
		}
		end := at + i + len(pos)
		if end == len(text) || text[end] < '0' || text[end] > '9' {
			return true
		}
		at = end
	}
}
