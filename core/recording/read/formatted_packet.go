package read

import (
	"bytes"
	"strings"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/format"
)

// finish makes the event of a packet whose options are complete.
func (f *formatted) finish() {
	p, now := f.packet, f.s.rec
	f.packet, f.s.rec = nil, f.at
	defer func() { f.s.rec = now }()
	e, whole := f.made(p)
	if e.Data == nil {
		return
	}
	if whole && !p.NoID {
		if !f.again(said{from: inWords, dir: e.Dir, packet: e}) {
			f.s.sees(e, e)
			f.s.emit(e)
		}
		return
	}
	if f.framed {
		return
	}
	d := event.Described{Packet: e, NoID: p.NoID}
	if !whole {
		d.Unnamed = -1
		if p.Count >= 0 {
			d.Unnamed = max(p.Count-len(e.Options()), 0)
		}
	}
	f.s.sees(e, d)
	f.s.emit(d)
}

// made gives the octets of a packet that is described in words. whole means that they are the complete packet.
func (f *formatted) made(p *format.ControlPacket) (e event.Packet, whole bool) {
	e = event.Packet{Dir: p.Dir, Protocol: p.Protocol}
	f.text = append(append(append(f.text[:0], packet.ProtocolName(p.Protocol)...), ' '), p.Code...)
	f.text = append(append(f.text, " id=0x"...), hexDigits[p.ID>>4], hexDigits[p.ID&15])
	head := len(f.text)
	parse := func(blank string, body ...string) bool {
		f.text = f.text[:head]
		for _, b := range body {
			f.text = append(append(f.text, blank...), b...)
		}
		f.text = append(f.text, ']')
		got, err := notation.Parse(f.s.buf, f.text)
		if err != nil || got.Used != len(f.text) {
			return false
		}
		e.Data = bytes.Clone(got.Info)
		return true
	}
	if !strings.HasPrefix(p.Code, "Conf") {
		switch {
		case p.Protocol == packet.PAP && p.Code == "AuthReq":
			parse("", " user=", quoted(p.Name), " password=<hidden>")
		case p.Protocol == packet.CHAP && (p.Code == "Challenge" || p.Code == "Response"):
			f.header(&e, p)
			return e, false
		case p.Text != "":
			parse(" ", quoted(p.Text))
		}
		if e.Data == nil && !parse("") {
			f.header(&e, p)
		}
		return e, true
	}
	whole = p.Below || p.Whole || p.Length == packet.HeaderLen || len(p.Options) > 0
	all := len(p.Options) > 0 && parse(" ", p.Options...)
	if !all && !parse("") {
		f.header(&e, p)
		return e, false
	}
	var good []string // options that are not understood are left out, the others are kept
	for _, o := range p.Options {
		if !all {
			if good = append(good, o); !parse(" ", good...) {
				good, whole = good[:len(good)-1], false
				continue
			}
		}
		if strings.HasPrefix(o, "< ") && len(o) == len("< 03 02>") { // no value
			whole = false
		}
	}
	if p.Length >= 0 {
		whole = len(e.Data) == p.Length && (whole || len(p.Options) > 0)
	}
	return e, whole && (p.Count < 0 || p.Count == len(e.Options()))
}

const hexDigits = "0123456789abcdef"

// header makes a packet of which only the header is known.
func (f *formatted) header(e *event.Packet, p *format.ControlPacket) {
	for code := range uint8(16) {
		if packet.CodeName(p.Protocol, code) == p.Code {
			e.Data = []byte{code, p.ID, 0, packet.HeaderLen}
			return
		}
	}
}

// quoted puts a text in quotes as pppd does.
func quoted(s string) string {
	return `"` + escaped.Replace(strings.Trim(s, `"`)) + `"`
}

var escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
