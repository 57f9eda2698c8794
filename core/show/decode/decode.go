// Package decode writes the event stream for a person who reads packets: one line a record, packets in pppd's notation,
// with the time, the direction and what is wrong by the RFC.
package decode

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Options say what is written and how. The zero value writes everything.
type Options struct {
	JSON     bool     // JSON Lines, with "wrong" in packets
	Color    bool     // whether to use SGR sequences (ECMA-48); the caller knows whether there is a terminal
	Hex      bool     // under a packet its octets
	Absolute bool     // the time of day in place of seconds since the first record
	Wrong    bool     // only packets with which something is wrong
	NoData   bool     // no data packets
	NoLog    bool     // no lines of other programs that say nothing else
	Proto    []string // only these protocols and Kinds; empty: all
	Phase    []string // only these phases, the names of trace; empty: all
}

// Kinds are the words of Options.Proto beside the names of protocols.
var Kinds = []string{"at", "text", "data", "log", "unread", "event"}

// Counts are what was seen, whether it was written or not.
type Counts struct {
	Records int64
	Packets int64
	Faulty  int64 // packets with which something is wrong that no RFC allows
	Remarks int64 // packets with nothing but what the RFC allows and seldom means well
}

// Writer is an event.Sink. Each record is written with at most one Write. It is not safe for use from several goroutines.
type Writer struct {
	w      io.Writer
	o      Options
	lint   lint.Linter
	protos []uint16
	kinds  []string
	first  time.Time
	phase  string
	told   bool // there are Phase events
	buf    []byte
	counts Counts
	err    error
}

// New makes a Writer.
func New(w io.Writer, o Options) *Writer {
	d := &Writer{w: w, o: o}
	for _, p := range o.Proto {
		if n, ok := protocol(p); ok {
			d.protos = append(d.protos, n)
		} else {
			d.kinds = append(d.kinds, p)
		}
	}
	return d
}

// protocol reads the name or the number of a protocol.
func protocol(word string) (uint16, bool) {
	for p := range names {
		if strings.EqualFold(names[p].name, word) {
			return names[p].protocol, true
		}
	}
	n, err := strconv.ParseUint(word, 0, 16)
	return uint16(n), err == nil
}

// Protos gives the protocols that Options.Proto can name, in lower case. A number such as 0x8281 is possible too.
func Protos() []string {
	var list []string
	for i := range names {
		list = append(list, names[i].name)
	}
	return list
}

var names = []struct {
	name     string
	protocol uint16
}{
	{"lcp", packet.LCP}, {"pap", packet.PAP}, {"chap", packet.CHAP}, {"eap", packet.EAP}, {"ipcp", packet.IPCP}, {"ipv6cp", packet.IPV6CP}, {"ccp", packet.CCP},
	{"ecp", packet.ECP}, {"cbcp", packet.CBCP}, {"mplscp", packet.MPLSCP}, {"lqr", packet.LQR}, {"bacp", packet.BACP}, {"ipxcp", packet.IPXCP}, {"nbfcp", packet.NBFCP},
}

// Known says whether a word can stand in Options.Proto.
func Known(word string) bool {
	_, ok := protocol(word)
	return ok || slices.Contains(Kinds, word)
}

// Counts gives what was seen so far.
func (d *Writer) Counts() Counts { return d.counts }

// Err gives the first error of writing, nil if there was none.
func (d *Writer) Err() error { return d.err }

// Record writes r, if the options want it.
func (d *Writer) Record(r event.Record) {
	if d.err != nil {
		return
	}
	d.counts.Records++
	if d.first.IsZero() {
		d.first = r.Time
	}
	faults := d.lint.Check(r)
	d.follow(r)
	switch r.Event.(type) {
	case event.Packet, event.Data:
		d.counts.Packets++
		d.count(faults)
	}
	if !d.wanted(r, faults) {
		return
	}
	if d.o.JSON {
		d.buf, d.err = appendJSON(d.buf[:0], r, faults)
	} else {
		d.buf = d.line(d.buf[:0], r, faults)
	}
	if d.err == nil && len(d.buf) > 0 {
		_, d.err = d.w.Write(d.buf)
	}
}

func (d *Writer) count(faults []lint.Fault) {
	if len(faults) == 0 {
		return
	}
	for _, f := range faults {
		if !f.Allowed {
			d.counts.Faulty++
			return
		}
	}
	d.counts.Remarks++
}

// follow keeps the phase: of the log's own words, and where it has none, by the packets.
func (d *Writer) follow(r event.Record) {
	switch e := r.Event.(type) {
	case event.Phase:
		d.phase, d.told = e.Phase, true
	case event.AT:
		if d.phase == "" {
			d.phase = event.PhaseDial
		}
	case event.Packet:
		if d.told {
			return
		}
		switch e.Protocol {
		case packet.LCP:
			if len(e.Data) > 0 && e.Data[0] == packet.ConfigureRequest {
				d.phase = event.PhaseLCP
			}
		case packet.PAP, packet.CHAP, packet.EAP:
			d.phase = event.PhaseAuth
		case packet.IPCP:
			d.phase = event.PhaseIPCP
		case packet.IPV6CP:
			d.phase = event.PhaseIPV6CP
		}
	}
}

func (d *Writer) wanted(r event.Record, faults []lint.Fault) bool {
	if d.o.Wrong && len(faults) == 0 {
		return false
	}
	if len(d.o.Phase) > 0 && !slices.Contains(d.o.Phase, d.phase) {
		return false
	}
	kind := "event"
	switch e := r.Event.(type) {
	case event.Packet:
		return len(d.o.Proto) == 0 || slices.Contains(d.protos, e.Protocol)
	case event.Described:
		return len(d.o.Proto) == 0 || slices.Contains(d.protos, e.Protocol)
	case event.Data:
		kind = "data"
		if d.o.NoData {
			return false
		}
		if slices.Contains(d.protos, e.Protocol) {
			return true
		}
	case event.AT:
		kind = "at"
	case event.Text:
		kind = "text"
	case event.Log:
		kind = "log"
		if d.o.NoLog {
			return false
		}
	case event.Unread:
		kind = "unread"
	}
	return len(d.o.Proto) == 0 || slices.Contains(d.kinds, kind)
}

// appendJSON appends the record as JSON with what is wrong as one more field.
func appendJSON(dst []byte, r event.Record, faults []lint.Fault) ([]byte, error) {
	dst, err := r.AppendJSON(dst)
	if err != nil {
		return dst, err
	}
	if len(faults) > 0 {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(faults); err != nil {
			return dst, err
		}
		dst = append(dst[:len(dst)-1], `,"wrong":`...)
		dst = append(append(dst, bytes.TrimSpace(b.Bytes())...), '}')
	}
	return append(dst, '\n'), nil
}
