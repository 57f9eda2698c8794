package record

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/wire"
	"github.com/knakppp/knak/core/show/progress"
)

// The layout of the pcapng files that this package writes (draft-ietf-opsawg-pcapng), for the package that reads them back.
// Octets are little-endian, times are in nanoseconds.
//
// Interface LineInterface has link type PPP with direction: an octet, 0 from the modem and 1 to it, then the frame from the
// Address field on (or from where the sender began it), without escapes and FCS.
//
// Interface EventInterface has link type Wireshark Upper PDU: tags of a type and a length of two octets each in network order,
// then what the tag TagDissector names. That is "at" for a line of the AT dialogue, with TagDirection: 0 to the modem, 1 from it;
// and "json" for any other event, in the form of event.Record's JSON. Each packet has, as its comment, the event in words for
// people.
const (
	LineInterface  = 0
	EventInterface = 1

	LinkTypePPPWithDir = 204 // LINKTYPE_PPP_WITH_DIR
	LinkTypeUpperPDU   = 252 // LINKTYPE_WIRESHARK_UPPER_PDU

	TagEnd       = 0
	TagDissector = 12
	TagProtocol  = 33 // the text of Wireshark's column "Protocol"
	TagDirection = 35
	TagInfo      = 36 // the text of its column "Info", for versions that know it

	DissectorAT   = "at"
	DissectorJSON = "json"
)

// Block types and options of pcapng.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrderMagic = 0x1a2b3c4d

	optEnd              = 0
	optComment          = 1
	optName             = 2 // of an interface
	optOS               = 3 // of a section
	optDescription      = 3 // of an interface
	optProgram          = 4 // of a section
	optResolution       = 9 // of an interface
	nanoseconds    byte = 9

	// textLimit is the most octets of an event's text that go into an option. The length of an option has two octets, and a
	// longer text is not read by anyone.
	textLimit = 4096
)

// recordedMRU is the longest frame, in octets, that is recorded as a frame. Some modems send more than the agreed MRU.
const recordedMRU = 16 << 10

// pcapng is the Encoder of Pcapng.
type pcapng struct {
	o     Options
	begun bool
	ways  [2]*hdlc.Decoder // by event.Dir
	lines *wire.Line       // nil: the caller gives records for everything in the bytes other than frames
	hider *private.Hider
	last  time.Time // time of the last packet; the next packet gets no earlier time
	// Frames that came in one read with text before them, such as CONNECT: they wait until the event of the text is written.
	held []byte
}

func newPcapng(o Options) *pcapng {
	p := &pcapng{o: o, hider: newHider(o)}
	for i := range p.ways {
		// No control character is dropped, so that a recording shows those that should not be there. XON and XOFF of
		// software flow control would damage the frames in it.
		p.ways[i] = hdlc.NewDecoder(hdlc.DecoderConfig{MRU: recordedMRU, Damaged: !o.Lines})
	}
	if o.Lines {
		p.lines = wire.New(wire.Options{Raw: o.Secrets})
	}
	return p
}

func (p *pcapng) AppendBytes(dst []byte, now time.Time, dir event.Dir, b []byte) []byte {
	dst = p.release(p.begin(dst))
	d := p.ways[dir]
	behindText := false
	for item, rest := d.Next(b); item.Kind != hdlc.None; item, rest = d.Next(rest) {
		switch {
		case item.Kind == hdlc.Text:
			behindText = true
		case item.Kind == hdlc.Damaged:
			dst = p.damaged(dst, now, dir, item.Frame)
		case behindText:
			p.held = p.frame(p.held, now, dir, item)
		default:
			dst = p.frame(dst, now, dir, item)
		}
	}
	if p.lines != nil {
		p.lines.Receive(now, dir, b)
		dst = p.release(p.said(dst))
	}
	return dst
}

// release appends the frames that were held back.
func (p *pcapng) release(dst []byte) []byte {
	for b := p.held; len(b) > 0; b = b[binary.LittleEndian.Uint32(b[4:]):] {
		putTime(b, p.last)
	}
	dst = append(dst, p.held...)
	p.held = p.held[:0]
	return dst
}

// said appends the events that were read from the bytes.
func (p *pcapng) said(dst []byte) []byte {
	for r, ok := p.lines.Next(); ok; r, ok = p.lines.Next() {
		dst = p.AppendRecord(dst, r)
	}
	return dst
}

// frame appends a sound frame.
func (p *pcapng) frame(dst []byte, now time.Time, dir event.Dir, item hdlc.Item) []byte {
	if item.Protocol < firstControl && p.o.ControlOnly {
		return dst
	}
	head := item.Frame[:len(item.Frame)-len(item.Info)]
	info := item.Info
	if !p.o.Secrets && item.Protocol >= firstControl {
		info = p.hider.Packet(item.Protocol, info)
	}
	dst, start := p.packet(dst, LineInterface, now)
	dst = append(dst, sentOctet(dir))
	dst = append(dst, head...)
	dst = append(dst, info...)
	return endPacket(dst, start, "")
}

// firstControl is the first protocol number of a control protocol: network control protocols at 0x8000, link control and
// authentication at 0xc000 (RFC 1661 section 2).
const firstControl = 0x8000

func sentOctet(dir event.Dir) byte {
	if dir == event.Sent {
		return 1
	}
	return 0
}

// damaged appends an event for a frame with a wrong FCS or header. The octets of the frame are in it only if secrets are
// recorded.
func (p *pcapng) damaged(dst []byte, now time.Time, dir event.Dir, frame []byte) []byte {
	e := event.Unread{Bytes: len(frame), Reason: dir.String() + ": a damaged frame"}
	if p.o.Secrets {
		e.Text = fmt.Sprintf("% x", frame[:min(len(frame), 330)])
	}
	return p.AppendRecord(dst, event.Record{Time: now, Event: e})
}

func (p *pcapng) AppendRecord(dst []byte, r event.Record) []byte {
	dst = p.begin(dst)
	if !p.o.Secrets || p.lines == nil { // with Lines set the events are made from the bytes, and none comes from the caller
		r = p.hider.Record(r)
	}
	var dissector, column, text, payload string
	direction := -1
	switch e := r.Event.(type) {
	case nil, event.Packet, event.Data:
		return p.release(dst) // the frame is written already
	case event.AT:
		dissector, column, payload = DissectorAT, "AT", e.Text
		text = e.Dir.String() + " " + e.Text
		direction = 0
		if e.Dir == event.Rcvd {
			direction = 1
		}
	default:
		line, err := r.AppendJSON(nil)
		if err != nil {
			return dst
		}
		dissector, column, payload, text = DissectorJSON, "knak "+e.Kind(), string(line), describe(r)
		if _, text := e.(event.Text); !text && p.lines == nil {
			dst = p.release(dst)
		}
	}
	dst, start := p.packet(dst, EventInterface, r.Time)
	dst = appendTag(dst, TagDissector, dissector)
	dst = appendTag(dst, TagProtocol, column)
	if direction >= 0 {
		dst = appendTag(dst, TagDirection, string([]byte{0, 0, 0, byte(direction)}))
	} else {
		first, _, _ := strings.Cut(text, "\n")
		dst = appendTag(dst, TagInfo, cut(first, 200))
	}
	dst = appendTag(dst, TagEnd, "")
	dst = append(dst, payload...)
	return endPacket(dst, start, text)
}

// describe gives an event in the words of core/show/progress, without the time.
func describe(r event.Record) string {
	var b strings.Builder
	w := progress.New(&b, progress.Options{Level: progress.Verbose, Start: r.Time})
	w.Record(r)
	w.Flush()
	lines := strings.Split(strings.Trim(b.String(), "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimPrefix(l, "  0.000s  "), "          ")
	}
	return strings.Join(lines, "\n")
}

func (p *pcapng) Hide(words []string) { p.hider.Learn(words...) }

func (p *pcapng) AppendLost(dst []byte, now time.Time, octets, events uint64) []byte {
	for _, d := range p.ways {
		d.Reset() // what comes now does not continue what came before the hole
	}
	return p.AppendRecord(dst, event.Record{Time: now, Event: lost(octets, events)})
}

func lost(octets, events uint64) event.Notice {
	return event.Notice{Level: "warning", Text: fmt.Sprintf("the recording has a hole here: %d octets and %d events could not be written in time", octets, events)}
}

func (p *pcapng) AppendEnd(dst []byte, now time.Time) []byte {
	dst = p.begin(dst)
	if p.lines != nil {
		p.lines.Close(now)
		dst = p.said(dst)
	}
	return p.release(dst)
}

// begin appends the head of the file, once.
func (p *pcapng) begin(dst []byte) []byte {
	if p.begun {
		return dst
	}
	p.begun = true
	secrets := "passwords, responses and identities are overwritten with asterisks"
	if p.o.Secrets {
		secrets = "with passwords and identities: do not show this to anyone"
	}
	dst, start := beginBlock(dst, blockSection)
	dst = binary.LittleEndian.AppendUint32(dst, byteOrderMagic)
	dst = binary.LittleEndian.AppendUint16(dst, 1) // version 1.0
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, 1<<64-1) // the section's length is not known
	dst = appendOption(dst, optProgram, p.o.Program)
	dst = appendOption(dst, optComment, secrets)
	dst = endBlock(dst, start)
	for _, i := range []struct {
		link              uint16
		name, description string
	}{
		LineInterface:  {LinkTypePPPWithDir, cut(p.o.Port, 200), "PPP between this host and the modem"},
		EventInterface: {LinkTypeUpperPDU, "events", "the AT dialogue, and what knak says about the call"},
	} {
		dst, start = beginBlock(dst, blockInterface)
		dst = binary.LittleEndian.AppendUint16(dst, i.link)
		dst = append(dst, 0, 0)       // reserved
		dst = append(dst, 0, 0, 0, 0) // packets are not cut
		dst = appendOption(dst, optName, i.name)
		dst = appendOption(dst, optDescription, i.description)
		dst = appendOption(dst, optResolution, string([]byte{nanoseconds}))
		dst = endBlock(dst, start)
	}
	return dst
}

// packet begins an Enhanced Packet Block; endPacket ends it.
func (p *pcapng) packet(dst []byte, iface uint32, now time.Time) (_ []byte, start int) {
	dst, start = beginBlock(dst, blockPacket)
	if now.After(p.last) {
		p.last = now
	}
	dst = binary.LittleEndian.AppendUint32(dst, iface)
	dst = append(dst, make([]byte, packetHead-12)...) // the time and two lengths
	putTime(dst[start:], p.last)
	return dst, start
}

// putTime sets the time of a packet block: in two halves, the higher first.
func putTime(block []byte, at time.Time) {
	var t uint64
	if !at.IsZero() {
		t = uint64(at.UnixNano())
	}
	binary.LittleEndian.PutUint32(block[12:], uint32(t>>32))
	binary.LittleEndian.PutUint32(block[16:], uint32(t))
}

// packetHead is the number of octets of an Enhanced Packet Block before the packet.
const packetHead = 28

func endPacket(dst []byte, start int, comment string) []byte {
	n := uint32(len(dst) - start - packetHead)
	binary.LittleEndian.PutUint32(dst[start+20:], n)
	binary.LittleEndian.PutUint32(dst[start+24:], n)
	dst = pad(dst, int(n))
	if comment == "" {
		return endLength(dst, start)
	}
	return endBlock(appendOption(dst, optComment, cut(comment, textLimit)), start)
}

func beginBlock(dst []byte, kind uint32) (_ []byte, start int) {
	start = len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, kind)
	return append(dst, 0, 0, 0, 0), start
}

// endBlock ends a block with options.
func endBlock(dst []byte, start int) []byte {
	return endLength(append(dst, optEnd, 0, 0, 0), start)
}

func endLength(dst []byte, start int) []byte {
	n := uint32(len(dst) - start + 4)
	binary.LittleEndian.PutUint32(dst[start+4:], n)
	return binary.LittleEndian.AppendUint32(dst, n)
}

func appendOption(dst []byte, code uint16, value string) []byte {
	if value == "" {
		return dst
	}
	dst = binary.LittleEndian.AppendUint16(dst, code)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	return pad(append(dst, value...), len(value))
}

// appendTag appends a tag of an Upper PDU: in network order; its length includes the padding.
func appendTag(dst []byte, tag uint16, value string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, tag)
	dst = binary.BigEndian.AppendUint16(dst, uint16((len(value)+3)&^3))
	return pad(append(dst, value...), len(value))
}

// pad fills up n octets to a multiple of four.
func pad(dst []byte, n int) []byte {
	return append(dst, "\x00\x00\x00"[:-n&3]...)
}

// cut shortens a text to limit octets, and keeps it valid UTF-8.
func cut(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit-3] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
