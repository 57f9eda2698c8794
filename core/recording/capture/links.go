package capture

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Link types, as the registry of LINKTYPE_ values has them (tcpdump.org/linktypes.html).
const (
	linkEthernet   = 1
	linkPPP        = 9   // PPP, usually from the Address field on; no direction
	linkPPPSerial  = 50  // PPP in HDLC-like framing, without flags and FCS
	linkPPPEther   = 51  // PPPoE, without the Ethernet header
	linkRaw        = 101 // IP
	linkLinux      = 113 // Linux cooked capture
	linkPPPD       = 166 // PPP as pppd's filters see it: the Address octet gives the direction
	linkUSBLinux   = 189
	linkPPPWithDir = 204 // an octet with the direction (0: from the modem), then PPP
	linkUSBMmapped = 220
	linkUSBPcap    = 249
	linkRTAC       = 250 // octets of a serial line, after a header of 12 octets
	linkUpperPDU   = 252 // the type in which knak writes events
	linkLinux2     = 276
)

// frame is one packet of a capture.
type frame struct {
	now     time.Time
	data    []byte
	missing int // octets that were not captured
	known   bool
	dir     event.Dir // if known
	comment string
}

// links reads the packets of a capture, by their link type.
type links struct {
	other   tally // packets without PPP
	usb     usb
	speaker speaker
	guessed bool
	told    map[uint32]bool // link types that a warning was given for
}

// tally counts packets that are understood and not shown.
type tally struct {
	packets, octets uint64
}

func (t *tally) add(n int) { t.packets++; t.octets += uint64(n) }

// open is called for each interface.
func (l *links) open(r *reader, i *iface) {
	switch i.link {
	case linkEthernet, linkPPP, linkPPPSerial, linkPPPEther, linkRaw, linkLinux, linkPPPD, linkUSBLinux, linkPPPWithDir,
		linkUSBMmapped, linkUSBPcap, linkRTAC, linkUpperPDU, linkLinux2:
		return
	}
	if l.told == nil {
		l.told = map[uint32]bool{}
	}
	if !l.told[i.link] && len(l.told) < 16 {
		l.told[i.link] = true
		r.warning("the capture has packets of link type %d, which knak does not read: it reads link types that can hold PPP or a serial line", i.link)
	}
}

func (l *links) packet(r *reader, i *iface, f frame) {
	if f.comment != "" {
		r.add(f.now, event.Log{Text: event.Printable(f.comment)})
	}
	b := f.data
	switch i.link {
	case linkPPP, linkPPPSerial:
		l.ppp(r, f, b)
	case linkPPPWithDir, linkPPPD:
		l.directed(r, i.link, f)
	case linkPPPEther:
		l.pppoe(r, f, b)
	case linkEthernet:
		l.ethernet(r, f)
	case linkLinux, linkLinux2:
		l.cooked(r, i.link, f)
	case linkRaw:
		l.ip(r, f, b)
	case linkRTAC:
		l.rtac(r, f)
	case linkUpperPDU:
		l.event(r, f)
	case linkUSBLinux, linkUSBMmapped:
		l.usb.linux(r, i, f)
	case linkUSBPcap:
		l.usb.windows(r, f)
	default:
		r.unread(len(b), "a packet of link type "+strconv.FormatUint(uint64(i.link), 10))
	}
}

// directed reads a packet whose first octet gives the direction: 0 from the modem, otherwise to it. pppd's filter puts it in the
// place of the Address field; sometimes the Address field is there unchanged.
func (l *links) directed(r *reader, link uint32, f frame) {
	b := f.data
	if len(b) == 0 {
		r.unread(len(b), "an empty packet")
		return
	}
	if link == linkPPPD && b[0] == 0xff {
		l.ppp(r, f, b)
		return
	}
	f.known, f.dir = true, direction(b[0] != 0)
	b = b[1:]
	if link == linkPPPD && len(b) > 0 && b[0] == 3 {
		b = b[1:] // the Control field
	}
	l.ppp(r, f, b)
}

// ppp reads a PPP frame without flags and FCS.
func (l *links) ppp(r *reader, f frame, b []byte) {
	if len(b) == 0 {
		r.unread(len(f.data), "an empty packet")
		return
	}
	if f.known && isDialogue(b) { // another program made the capture from pppd's record, in which the dialogue is not marked
		r.octets(f.now, f.dir, b)
		return
	}
	guessed := false
	if !f.known {
		f.dir, guessed = l.speaker.dir(b)
		if !l.guessed {
			l.guessed = true
			r.last = f.now
			r.warning("the capture does not say in which direction packets went; the end that asks for an address or answers a challenge is taken for this host")
		}
	}
	r.last = f.now
	r.line.Frame(f.now, f.dir, b, f.missing)
	have := len(r.out)
	r.drain(r.line)
	for i := range r.out[have:] {
		if p, ok := r.out[have+i].Event.(event.Packet); ok && guessed {
			p.Guessed = true
			r.out[have+i].Event = p
		}
	}
}

// isDialogue says whether octets in the place of a frame are text of the AT dialogue. A PPP frame begins with ff, or its first or
// second octet is odd; a command or a result code is printable, and longer than a header.
func isDialogue(b []byte) bool {
	text := bytes.TrimLeft(b, "\r\n\x00")
	if len(text) < 2 || !printable(bytes.ReplaceAll(b, []byte{0}, nil)) {
		return false
	}
	return bytes.EqualFold(text[:2], []byte("AT")) || len(text) < len(b) || bytes.HasSuffix(text, []byte("\r\n")) || bytes.HasSuffix(text, []byte("\r"))
}

// rtac reads octets of a serial line: a time of eight octets, an event, the state of the control lines, two reserved octets and,
// if the event is data, the octets that were sent or received.
func (l *links) rtac(r *reader, f frame) {
	const (
		head  = 12
		txGot = 1
		rxGot = 2
		ends  = 4 // events up to this one are data or say nothing
	)
	b := f.data
	if len(b) < head {
		r.unread(len(b), "a serial packet that is too short")
		return
	}
	kind, octets := b[8], b[head:]
	switch {
	case kind == txGot:
		r.octets(f.now, event.Sent, octets)
	case kind == rxGot:
		r.octets(f.now, event.Rcvd, octets)
	case kind > ends && int(kind)-ends-1 < len(rtacEvents) && rtacEvents[kind-ends-1] != "":
		r.last = f.now
		r.warning("%s", rtacEvents[kind-ends-1])
	case kind > ends:
		r.unread(len(b), "a serial event that is not known")
	}
}

// rtacEvents names the events from 5 on.
var rtacEvents = [...]string{
	"the recorder lost data here", "", "a framing error on the line: perhaps the speed is wrong", "a parity error on the line", "a break on the line", "the serial port's buffer overflowed",
}

// event reads an event that knak wrote: a line of the AT dialogue, or an event as JSON, in the form of Wireshark's Upper PDU
// (tags of a type and a length of two octets each, in network order).
func (l *links) event(r *reader, f frame) {
	const (
		tagEnd       = 0
		tagDissector = 12
		tagDirection = 35
	)
	b := f.data
	dissector, dir := "", event.Sent
	for len(b) >= 4 {
		tag, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			break
		}
		value := b[4 : 4+n]
		b = b[4+n:]
		switch tag {
		case tagDissector:
			dissector = string(trimNUL(value))
		case tagDirection:
			if n == 4 && value[3] == 1 {
				dir = event.Rcvd
			}
		case tagEnd:
			l.said(r, f, dissector, dir, b)
			return
		}
	}
	r.unread(len(f.data), "an event that is cut off")
}

func (l *links) said(r *reader, f frame, dissector string, dir event.Dir, b []byte) {
	switch dissector {
	case "at":
		r.add(f.now, event.AT{Dir: dir, Text: event.Printable(string(b))})
	case "json":
		rec, err := event.ParseJSON(b, nil)
		if err != nil {
			r.unread(len(b), "an event that is not understood: "+err.Error())
			return
		}
		rec.Time, rec.Pos = f.now, r.pos
		if r.c.Link != "" {
			rec.Link = r.c.Link
		}
		r.out = append(r.out, rec)
	default:
		l.other.add(len(f.data))
	}
}

func trimNUL(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

func (l *links) end(r *reader) {
	l.usb.end(r)
	if l.other.packets > 0 {
		r.notice("%d packets (%d octets) of the capture carry no PPP", l.other.packets, l.other.octets)
	}
}
