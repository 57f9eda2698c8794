package capture

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/wire"
)

// transfer is one USB transfer with its octets.
type transfer struct {
	now      time.Time
	bus      uint16
	device   uint16
	endpoint uint8 // bit 7 is set if it sends to the host
	bulk     bool
	control  bool
	data     []byte
	missing  int
}

// Transfer types of usbmon, and of USBPcap too.
const (
	usbInterrupt = 1
	usbControl   = 2
	usbBulk      = 3
)

const usbIn = 0x80 // bit of an endpoint's address: it sends to the host

// usb finds the serial ports of modems among the bulk endpoints of a USB capture. Each port whose octets look like an AT dialogue
// or like PPP gets a Line of its own. Other endpoints (mass storage, diagnosis protocols, network interfaces) are only counted.
type usb struct {
	ports  map[portKey]*usbPort
	ifaces map[portKey]uint8 // the interface of each endpoint, from the configuration descriptors in the capture
	other  tally             // transfers on other than bulk endpoints
	full   tally             // transfers of endpoints beyond the limit
}

// portKey names a port: a device and an interface or, if the interface is not known, the number of its two endpoints.
type portKey struct {
	bus, device uint16
	number      uint16
}

const (
	maxPorts   = 64
	maxPending = 4096 // octets of a port that are held until it is known what the port is
	maxBegin   = 256  // octets of a direction that are examined together
	interfaces = 256  // numbers from here on are those of interfaces
)

type usbPort struct {
	key     portKey
	kind    portKind
	line    *wire.Line
	pending []pendingTransfer
	held    int
	ftdi    ftdi
	begin   [2][]byte // the first octets, by event.Dir, collected because a terminal sends them one by one
	tally   [2]tally  // by event.Dir
	last    time.Time
}

type pendingTransfer struct {
	now  time.Time
	dir  event.Dir
	data []byte
}

type portKind uint8

const (
	portUnknown portKind = iota
	portSerial
	portOther
)

// linux reads a packet of usbmon (Linux, Documentation/usb/usbmon.rst): the header of 48 octets, or of 64, in the
// order of the host that captured.
func (u *usb) linux(r *reader, i *iface, f frame) {
	head := 48
	if i.link == linkUSBMmapped {
		head = 64
	}
	b := f.data
	if len(b) < head {
		r.unread(len(b), "a USB packet that is too short")
		return
	}
	event, kind, endpoint := b[8], b[9], b[10]
	data := b[head:]
	if n := int(i.order.Uint32(b[36:])); n >= 0 && n < len(data) {
		data = data[:n]
	}
	in := endpoint&usbIn != 0
	// Sent octets are in the submission, received ones in the completion.
	if event == 'S' && in || event == 'C' && !in || event == 'E' {
		data = nil
	}
	u.take(r, len(b), transfer{
		now: f.now, bus: i.order.Uint16(b[12:]), device: uint16(b[11]), endpoint: endpoint,
		bulk: kind == usbBulk, control: kind == usbControl, data: data, missing: f.missing,
	})
}

// windows reads a packet of USBPcap (usbpcap.com, capture format): little-endian on every host.
func (u *usb) windows(r *reader, f frame) {
	b := f.data
	if len(b) < 27 {
		r.unread(len(b), "a USB packet that is too short")
		return
	}
	head := int(binary.LittleEndian.Uint16(b))
	if head < 27 || head > len(b) {
		r.unread(len(b), "a USB packet with an impossible header")
		return
	}
	info, endpoint, kind := b[16], b[21], b[22]
	data := b[head:]
	if n := binary.LittleEndian.Uint32(b[23:]); uint64(n) < uint64(len(data)) {
		data = data[:n]
	}
	if up, in := info&1 != 0, endpoint&usbIn != 0; up != in && kind == usbBulk {
		data = nil
	}
	u.take(r, len(b), transfer{
		now: f.now, bus: binary.LittleEndian.Uint16(b[17:]), device: binary.LittleEndian.Uint16(b[19:]), endpoint: endpoint,
		bulk: kind == usbBulk, control: kind == usbControl, data: data, missing: f.missing,
	})
}

func (u *usb) take(r *reader, size int, t transfer) {
	switch {
	case t.control:
		u.descriptors(t)
		u.other.add(size)
	case !t.bulk:
		u.other.add(size)
	case len(t.data) > 0:
		u.octets(r, t)
	}
}

// descriptors reads from a configuration descriptor which endpoints belong together (USB 2.0 section 9.6.3).
func (u *usb) descriptors(t transfer) {
	const (
		configuration   = 2
		interfaceNumber = 4
		endpoint        = 5
	)
	b := t.data
	if len(b) < 9 || b[0] != 9 || b[1] != configuration {
		return
	}
	current := uint8(0)
	for len(b) >= 2 && b[0] >= 2 && int(b[0]) <= len(b) {
		switch {
		case b[1] == interfaceNumber && b[0] >= 9:
			current = b[2]
		case b[1] == endpoint && b[0] >= 7 && len(u.ifaces) < 4*maxPorts:
			if u.ifaces == nil {
				u.ifaces = map[portKey]uint8{}
			}
			u.ifaces[portKey{t.bus, t.device, uint16(b[2])}] = current
		}
		b = b[b[0]:]
	}
}

func (u *usb) octets(r *reader, t transfer) {
	p := u.port(t)
	if p == nil {
		u.full.add(len(t.data))
		return
	}
	dir := direction(t.endpoint&usbIn == 0)
	if dir == event.Rcvd {
		if t.data = p.ftdi.strip(t.data); len(t.data) == 0 {
			return
		}
	}
	p.tally[dir].add(len(t.data))
	p.last, r.last = t.now, t.now
	if p.kind == portUnknown {
		if len(p.begin[dir]) < maxBegin {
			p.begin[dir] = append(p.begin[dir], t.data[:min(len(t.data), maxBegin)]...)
		}
		if p.kind = judge(t.data); p.kind == portUnknown {
			p.kind = judge(p.begin[dir])
		}
		if p.kind == portUnknown && p.held+len(t.data) > maxPending {
			p.kind = portOther
		}
		if p.kind == portUnknown {
			p.held += len(t.data)
			p.pending = append(p.pending, pendingTransfer{t.now, dir, slices.Clone(t.data)})
			return
		}
		if p.kind == portSerial {
			p.line = r.newLine()
			for _, q := range p.pending {
				p.line.Receive(q.now, q.dir, q.data)
			}
		}
		p.pending, p.begin = nil, [2][]byte{}
	}
	if p.kind == portOther {
		return
	}
	p.line.Receive(t.now, dir, t.data)
	if t.missing > 0 {
		// The next octets do not continue the ones before.
		p.line.Close(t.now)
	}
	r.drain(p.line)
	if t.missing > 0 {
		r.warning("%d octets of this transfer were not captured: capture with a greater snapshot length", t.missing)
	}
}

func (u *usb) port(t transfer) *usbPort {
	key := portKey{t.bus, t.device, uint16(t.endpoint &^ usbIn)}
	if n, ok := u.ifaces[portKey{t.bus, t.device, uint16(t.endpoint)}]; ok {
		key.number = interfaces + uint16(n)
	}
	if p := u.ports[key]; p != nil {
		return p
	}
	if len(u.ports) == maxPorts {
		return nil
	}
	if u.ports == nil {
		u.ports = map[portKey]*usbPort{}
	}
	p := &usbPort{key: key}
	u.ports[key] = p
	return p
}

// end closes the ports and says what was not shown.
func (u *usb) end(r *reader) {
	keys := slices.SortedFunc(maps.Keys(u.ports), func(a, b portKey) int {
		return (int(a.bus)-int(b.bus))<<40 + (int(a.device)-int(b.device))<<20 + int(a.number) - int(b.number)
	})
	for _, k := range keys {
		p := u.ports[k]
		if p.kind == portSerial {
			p.line.Close(p.last)
			r.drain(p.line)
			continue
		}
		r.notice("USB %s: %d octets to the device and %d from it are neither an AT dialogue nor PPP", k, p.tally[event.Sent].octets, p.tally[event.Rcvd].octets)
	}
	if u.full.packets > 0 {
		r.warning("%d transfers (%d octets) are not read: there are too many USB endpoints", u.full.packets, u.full.octets)
	}
	if u.other.packets > 0 {
		r.notice("%d USB transfers (%d octets with their headers) are not on bulk endpoints", u.other.packets, u.other.octets)
	}
}

func (k portKey) String() string {
	if k.number >= interfaces {
		return fmt.Sprintf("bus %d device %d interface %d", k.bus, k.device, k.number-interfaces)
	}
	return fmt.Sprintf("bus %d device %d endpoint %d", k.bus, k.device, k.number)
}
