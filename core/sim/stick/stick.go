// Package stick is a simulated modem as a USB device: descriptors, interfaces, and the function of each, behind the endpoints that
// core/usbip serves. A Linux host that attaches it binds the drivers that the real stick would get.
package stick

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/knakppp/knak/core/usbip"
)

// Interface is one USB interface.
type Interface struct {
	Number int    // bInterfaceNumber
	Class  string // class, subclass and protocol in hex, "ff/01/02"
	Disc   bool   // a disc with drivers in place of a tty (mass storage, bulk only)

	Message []byte // of a disc: the vendor's SCSI command that replaces the eject; empty: the standard one
	Bulk    bool   // no interrupt endpoint, as on a diagnostic interface: drivers recognise it by that (option.c's NUMEP2)
	Inert   bool   // endpoints without a function: a network card that nobody uses
}

// acm says whether the interface is the control half of a CDC ACM function, which has a second interface for its data.
func (i Interface) acm() bool { return strings.HasPrefix(i.Class, "02/02/") }

// Config describes a stick at one time.
type Config struct {
	USB          string // vid:pid
	Release      uint16 // bcdDevice
	Manufacturer string
	Product      string
	Interfaces   []Interface
}

// Stick is a device that a host attaches. It may become another device: a disc turns into a modem.
type Stick struct {
	busID string
	dev   uint32

	mu     sync.Mutex
	config Config
	made   device
	lines  map[int]*Line // by interface number; they outlive what the stick is at the moment
	ready  func()
	gone   func()

	ejected     func()
	unplugAfter time.Duration // after the first host has attached it; 0: never
	unplugged   bool
}

// New makes a stick. n is its place on the bus, from 1. ejected, which may be nil, is called when its disc is ejected.
func New(n int, c Config, ejected func()) (*Stick, error) {
	s := &Stick{busID: "1-" + strconv.Itoa(n), dev: uint32(n + 1), lines: map[int]*Line{}, ejected: ejected}
	if err := s.set(c); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Stick) set(c Config) error {
	made, err := build(c)
	if err != nil {
		return err
	}
	s.config, s.made = c, made
	for _, i := range c.Interfaces {
		if !i.Disc && !i.Inert && s.lines[i.Number] == nil {
			s.lines[i.Number] = newLine()
		}
	}
	return nil
}

// Become turns the stick into another device: it leaves the bus, and the next client that attaches it finds the new device.
func (s *Stick) Become(c Config) error {
	s.mu.Lock()
	err := s.set(c)
	gone := s.gone
	s.mu.Unlock()
	if gone != nil {
		gone()
	}
	return err
}

// Unplug takes the stick off the bus; a host may attach it again.
func (s *Stick) Unplug() {
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	if gone != nil {
		gone()
	}
}

// Line gives the modem's side of the tty of an interface; nil if the interface has none.
func (s *Stick) Line(number int) *Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[number]
}

// endpoint says which interface an endpoint belongs to.
type endpoint struct {
	iface Interface
	state bool // the interrupt endpoint that tells the modem lines
}

// device holds the descriptors of a configuration, and the targets of its endpoints.
type device struct {
	vendor, product uint16
	descriptor      []byte
	configuration   []byte
	strings         []string
	in, out         map[uint8]endpoint
	interfaces      []usbip.Interface
	disc            *disc
}

// build makes the descriptors (USB 2.0 section 9.6, USB CDC 1.2 section 5.2.3).
func build(c Config) (device, error) {
	d := device{in: map[uint8]endpoint{}, out: map[uint8]endpoint{}, strings: []string{"", c.Manufacturer, c.Product}}
	id, err := strconv.ParseUint(strings.Replace(c.USB, ":", "", 1), 16, 32)
	if err != nil || len(c.USB) != 9 {
		return d, fmt.Errorf("%q is no USB id vvvv:pppp", c.USB)
	}
	d.vendor, d.product = uint16(id>>16), uint16(id)
	le := binary.LittleEndian
	var body []byte
	nextIn, nextOut, count := uint8(1), uint8(1), 0
	addEndpoint := func(in bool, attributes uint8, size uint16, interval uint8, e endpoint) {
		address := nextOut
		if in {
			address = nextIn
			d.in[nextIn] = e
			nextIn++
			address |= 0x80
		} else {
			d.out[nextOut] = e
			nextOut++
		}
		body = append(body, 7, 5, address, attributes)
		body = le.AppendUint16(body, size)
		body = append(body, interval)
	}
	addInterface := func(number int, class, sub, protocol, endpoints uint8) {
		body = append(body, 9, 4, uint8(number), 0, endpoints, class, sub, protocol, 0)
		d.interfaces = append(d.interfaces, usbip.Interface{Class: class, Subclass: sub, Protocol: protocol})
		count++
	}
	for _, i := range c.Interfaces {
		var class, sub, protocol uint8
		if _, err := fmt.Sscanf(i.Class, "%02x/%02x/%02x", &class, &sub, &protocol); err != nil || i.Number < 0 || i.Number > 254 {
			return d, fmt.Errorf("interface %d: class %q is not three hex numbers between strokes", i.Number, i.Class)
		}
		e := endpoint{iface: i}
		switch {
		case i.acm():
			data := uint8(i.Number + 1)
			body = append(body, 8, 11, uint8(i.Number), 2, class, sub, protocol, 0) // interface association (USB 2.0 ECN)
			addInterface(i.Number, class, sub, protocol, 1)
			body = append(body, 5, 0x24, 0, 0x10, 0x01,
				5, 0x24, 1, 0, data,
				4, 0x24, 2, 0x02,
				5, 0x24, 6, uint8(i.Number), data)
			addEndpoint(true, 3, 16, 9, endpoint{iface: i, state: true})
			addInterface(int(data), 0x0a, 0, 0, 2)
			addEndpoint(true, 2, 512, 0, e)
			addEndpoint(false, 2, 512, 0, e)
		case i.Disc:
			addInterface(i.Number, class, sub, protocol, 2)
			addEndpoint(true, 2, 512, 0, e)
			addEndpoint(false, 2, 512, 0, e)
			d.disc = &disc{name: c.Product, message: i.Message}
		default:
			endpoints := uint8(3)
			if i.Bulk {
				endpoints = 2
			}
			addInterface(i.Number, class, sub, protocol, endpoints)
			if !i.Bulk {
				addEndpoint(true, 3, 16, 9, endpoint{iface: i, state: true})
			}
			addEndpoint(true, 2, 512, 0, e)
			addEndpoint(false, 2, 512, 0, e)
		}
	}
	if nextIn > 16 || nextOut > 16 {
		return d, fmt.Errorf("%s: %d interfaces need more than the 15 endpoints that USB has each way", c.USB, len(c.Interfaces))
	}
	d.configuration = append([]byte{9, 2, 0, 0, uint8(count), 1, 0, 0xa0, 250}, body...)
	le.PutUint16(d.configuration[2:], uint16(len(d.configuration)))
	class := uint8(0)
	d.descriptor = []byte{18, 1, 0, 2, class, 0, 0, 64}
	d.descriptor = le.AppendUint16(d.descriptor, d.vendor)
	d.descriptor = le.AppendUint16(d.descriptor, d.product)
	d.descriptor = le.AppendUint16(d.descriptor, c.Release)
	d.descriptor = append(d.descriptor, nonEmpty(c.Manufacturer, 1), nonEmpty(c.Product, 2), 0, 1)
	return d, nil
}

// nonEmpty is the number of a string descriptor, 0 where there is no string.
func nonEmpty(s string, n uint8) uint8 {
	if s == "" {
		return 0
	}
	return n
}

// Info describes the stick as it is at the moment.
func (s *Stick) Info() usbip.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return usbip.Info{
		BusID: s.busID, Bus: 1, Dev: s.dev, Speed: usbip.HighSpeed, Vendor: s.made.vendor, Product: s.made.product,
		Release: s.config.Release, Configuration: 1, Configurations: 1, Interfaces: s.made.interfaces,
	}
}

// Attached tells the lines that a host has attached the stick.
func (s *Stick) Attached(ctx context.Context, ready, gone func()) {
	s.mu.Lock()
	s.ready, s.gone = ready, gone
	lines := s.present()
	if s.unplugAfter > 0 && !s.unplugged {
		s.unplugged = true
		time.AfterFunc(s.unplugAfter, s.Unplug)
	}
	s.mu.Unlock()
	for _, l := range lines {
		l.attach(ready)
	}
	context.AfterFunc(ctx, func() {
		for _, l := range lines {
			l.detach()
		}
	})
}

// present gives the lines that the stick has at the moment.
func (s *Stick) present() (list []*Line) {
	for _, i := range s.config.Interfaces {
		if l := s.lines[i.Number]; l != nil && !i.Disc && !i.Inert {
			list = append(list, l)
		}
	}
	return list
}

// The requests that are answered.
const (
	getStatus        = 0
	clearFeature     = 1
	setFeature       = 3
	getDescriptor    = 6
	getConfiguration = 8
	setConfiguration = 9
	getInterface     = 10
	setInterface     = 11

	setLineCoding       = 0x20
	getLineCoding       = 0x21
	setControlLineState = 0x22
	sendBreak           = 0x23

	maxLUN        = 0xfe // of mass storage, bulk only (USB MSC BOT 1.0 section 3.2)
	resetRecovery = 0xff
)

// Control answers requests at endpoint 0: the standard ones, those of CDC and those of mass storage. It accepts a vendor's own
// requests, which drivers send when they start, without data.
func (s *Stick) Control(q usbip.Setup, data []byte) ([]byte, int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind := q.Type & 0x60; kind {
	case 0:
		return s.standard(q)
	case 0x20:
		return s.class(q, data)
	}
	if q.Type&0x80 != 0 {
		return make([]byte, q.Length), usbip.StatusOK
	}
	return nil, usbip.StatusOK
}

func (s *Stick) standard(q usbip.Setup) ([]byte, int32) {
	switch q.Request {
	case getDescriptor:
		switch kind, index := q.Value>>8, int(q.Value&0xff); kind {
		case 1:
			return s.made.descriptor, usbip.StatusOK
		case 2:
			return s.made.configuration, usbip.StatusOK
		case 3:
			if index == 0 {
				return []byte{4, 3, 0x09, 0x04}, usbip.StatusOK // English
			}
			if index < len(s.made.strings) {
				return stringDescriptor(s.made.strings[index]), usbip.StatusOK
			}
		case 6: // device qualifier: the same at full speed
			d := s.made.descriptor
			return append(append([]byte{10, 6}, d[2:8]...), 1, 0), usbip.StatusOK
		}
		return nil, usbip.StatusStall
	case getStatus:
		return []byte{0, 0}, usbip.StatusOK
	case getConfiguration:
		return []byte{1}, usbip.StatusOK
	case getInterface:
		return []byte{0}, usbip.StatusOK
	case setConfiguration, setInterface, clearFeature, setFeature:
		return nil, usbip.StatusOK
	}
	return nil, usbip.StatusStall
}

// stringDescriptor is UTF-16 with a head (USB 2.0 section 9.6.7).
func stringDescriptor(text string) []byte {
	b := []byte{0, 3}
	for _, u := range utf16.Encode([]rune(text)) {
		if len(b) > 252 {
			break
		}
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	b[0] = uint8(len(b))
	return b
}

func (s *Stick) class(q usbip.Setup, _ []byte) ([]byte, int32) {
	line := s.lines[int(q.Index&0xff)]
	switch q.Request {
	case setControlLineState:
		if line == nil {
			return nil, usbip.StatusStall
		}
		line.setDTR(q.Value&1 != 0)
		return nil, usbip.StatusOK
	case getLineCoding:
		return []byte{0, 0xc2, 1, 0, 0, 0, 8}, usbip.StatusOK // 115200 8N1
	case setLineCoding, sendBreak, resetRecovery:
		return nil, usbip.StatusOK
	case maxLUN:
		return []byte{0}, usbip.StatusOK
	}
	return nil, usbip.StatusStall
}

// Out takes octets that the host sends to an endpoint.
func (s *Stick) Out(number uint8, data []byte) int32 {
	s.mu.Lock()
	e, ok := s.made.out[number]
	line, d := s.lines[e.iface.Number], s.made.disc
	s.mu.Unlock()
	switch {
	case !ok:
		return usbip.StatusStall
	case e.iface.Disc:
		if d.out(data) && s.ejected != nil {
			go s.ejected() // it will call back
		}
	case !e.iface.Inert:
		line.fromHost(data)
	}
	return usbip.StatusOK
}

// In gives octets of an endpoint.
func (s *Stick) In(number uint8, n int) ([]byte, int32, bool) {
	s.mu.Lock()
	e, ok := s.made.in[number]
	line, d := s.lines[e.iface.Number], s.made.disc
	s.mu.Unlock()
	switch {
	case !ok:
		return nil, usbip.StatusStall, true
	case e.iface.Inert:
		return nil, 0, false
	case e.iface.Disc:
		b, ok := d.in(n)
		return b, usbip.StatusOK, ok
	case e.state:
		b, ok := line.state(uint8(e.iface.Number))
		return b, usbip.StatusOK, ok
	}
	b, ok := line.forHost(n)
	return b, usbip.StatusOK, ok
}
