// Package decode writes the event stream for a person who reads packets. Each record is one line: time, direction, the packet in pppd's notation, and
// what is wrong with it by its RFC.
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

// Options say which records are written, and how. The zero value writes all of them.
type Options struct {
	JSON     bool     // write JSON Lines; packets then have the field "wrong"
	Color    bool     // use SGR sequences (ECMA-48); the caller knows whether the output is a terminal
	Hex      bool     // write the octets below each packet
	Absolute bool     // write the time of day instead of seconds since the first record
	Wrong    bool     // only packets with a fault, counting those that an RFC allows
	NoData   bool     // no data packets
	NoLog    bool     // no lines of other programs' logs that are nothing but text
	Proto    []string // only these protocols and Kinds; empty: all of them
	Phase    []string // only these phases, by the names of package event; empty: all of them
}

// Kinds are the words of Options.Proto that are not protocols.
var Kinds = []string{"at", "text", "data", "log", "unread", "event"}

// Counts counts all records, also those that were not written.
type Counts struct {
	Records int64
	Packets int64
	Faulty  int64 // packets with a fault that no RFC allows
	Remarks int64 // packets whose faults are all allowed by an RFC, but seldom mean well
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

// New makes a Writer that writes to w.
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

// Protos gives the names of protocols that Options.Proto may hold, in lower case. A protocol number such as 0x8281 is allowed, too.
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

// Known says whether Options.Proto may hold this word.
func Known(word string) bool {
	_, ok := protocol(word)
	return ok || slices.Contains(Kinds, word)
}

// Counts gives the counts so far.
func (d *Writer) Counts() Counts { return d.counts }

// Err gives the first write error, or nil.
func (d *Writer) Err() error { return d.err }

// Record writes r if the options select it.
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
