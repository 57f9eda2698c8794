package stick

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/usbip"
)

func newStick(t *testing.T, ejected func(), list ...Interface) *Stick {
	t.Helper()
	s, err := New(1, Config{USB: "12d1:1506", Release: 0x0102, Manufacturer: "Acme", Product: "Stick", Interfaces: list}, ejected)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func control(t *testing.T, s *Stick, kind, request uint8, value, index, length uint16) []byte {
	t.Helper()
	b, status := s.Control(usbip.Setup{Type: kind, Request: request, Value: value, Index: index, Length: length}, nil)
	if status != usbip.StatusOK {
		t.Fatalf("request %d value %x: status %d", request, value, status)
	}
	return b
}

// Each descriptor says how long it is; their sum is what the configuration says (USB 2.0 section 9.6.3).
func TestDescriptors(t *testing.T) {
	s := newStick(t, nil, Interface{Number: 0, Class: "ff/01/01"}, Interface{Number: 1, Class: "02/02/01"}, Interface{Number: 5, Class: "ff/ff/ff", Inert: true})
	d := control(t, s, 0x80, getDescriptor, 1<<8, 0, 18)
	if len(d) != 18 || binary.LittleEndian.Uint16(d[8:]) != 0x12d1 || binary.LittleEndian.Uint16(d[12:]) != 0x0102 {
		t.Errorf("device descriptor % x", d)
	}
	c := control(t, s, 0x80, getDescriptor, 2<<8, 0, 512)
	if int(binary.LittleEndian.Uint16(c[2:])) != len(c) {
		t.Errorf("the configuration says %d octets and has %d", binary.LittleEndian.Uint16(c[2:]), len(c))
	}
	interfaces, addresses := 0, map[byte]bool{}
	for rest := c; len(rest) > 0; rest = rest[rest[0]:] {
		if rest[0] < 2 || int(rest[0]) > len(rest) {
			t.Fatalf("a descriptor of %d octets in % x", rest[0], rest)
		}
		switch rest[1] {
		case 4:
			interfaces++
		case 5:
			if addresses[rest[2]] {
				t.Errorf("endpoint %02x twice", rest[2])
			}
			addresses[rest[2]] = true
		}
	}
	if interfaces != int(c[4]) || interfaces != 4 {
		t.Errorf("%d interfaces, the configuration says %d", interfaces, c[4])
	}
	if b := control(t, s, 0x80, getDescriptor, 3<<8|2, 0x409, 255); !bytes.Equal(b, []byte("\x0c\x03S\x00t\x00i\x00c\x00k\x00")) {
		t.Errorf("a string % x", b)
	}
}

func TestBadSticks(t *testing.T) {
	for name, c := range map[string]Config{
		"id":        {USB: "12d1"},
		"class":     {USB: "12d1:1506", Interfaces: []Interface{{Class: "ff"}}},
		"endpoints": {USB: "12d1:1506", Interfaces: make8()},
	} {
		if _, err := New(1, c, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func make8() (list []Interface) {
	for i := range 8 {
		list = append(list, Interface{Number: i, Class: "ff/ff/ff"})
	}
	return list
}

// bus is a Bus that tells what is done with it.
type bus struct{ added, removed chan *Stick }

func newBus() *bus { return &bus{make(chan *Stick, 4), make(chan *Stick, 4)} }

func (b *bus) Add(d usbip.Device)    { b.added <- d.(*Stick) }
func (b *bus) Remove(d usbip.Device) { b.removed <- d.(*Stick) }

// A modem that restarts leaves the bus, and comes back as what it is then.
func TestARestartIsSeenOnTheBus(t *testing.T) {
	scenario, err := sim.Parse("test", []byte(`schema = 1
summary = "s"
[usb]
id = "12d1:1506"
product = "before"
[usb.restart]
id = "12d1:1573"
product = "after"
after = "10ms"
[[at.trap]]
command = "AT^RESET"
do = "restart"
`))
	if err != nil {
		t.Fatal(err)
	}
	bus := newBus()
	go func() { _ = Serve(t.Context(), bus, 1, scenario, nil) }()
	s := <-bus.added
	gone := make(chan struct{})
	s.Attached(t.Context(), func() {}, func() { close(gone) })
	if status := s.Out(1, []byte("AT^RESET\r")); status != usbip.StatusOK {
		t.Fatalf("status %d", status)
	}
	<-bus.removed
	<-gone
	if <-bus.added != s || s.Info().Product != 0x1573 {
		t.Errorf("it came back as %+v", s.Info())
	}
}

// A modem of a scenario answers behind its endpoints; a drop of DTR (USB CDC PSTN 1.2 section 6.3.12) hangs up.
func TestAModemBehindEndpoints(t *testing.T) {
	scenario, err := sim.Parse("test", []byte("schema = 1\nsummary = \"s\"\n[usb]\nid = \"12d1:1506\"\n[[usb.interface]]\nnumber = 0\nclass = \"ff/01/03\"\nrole = \"diag\"\n[[usb.interface]]\nnumber = 1\nclass = \"ff/01/01\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	bus := newBus()
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, bus, 1, scenario, nil) }()
	s := <-bus.added
	ready := make(chan struct{}, 1)
	s.Attached(ctx, func() {
		select {
		case ready <- struct{}{}:
		default:
		}
	}, func() {})
	say := func(text string, until string) {
		t.Helper()
		if status := s.Out(2, []byte(text)); status != usbip.StatusOK {
			t.Fatalf("status %d", status)
		}
		var heard strings.Builder
		for !strings.Contains(heard.String(), until) {
			if b, _, ok := s.In(3, 64); ok { // diagnosis has 1, the lines of the modem 2
				heard.Write(b)
				continue
			}
			select {
			case <-ready:
			case <-time.After(10 * time.Second):
				t.Fatalf("to %q it said %q", text, heard.String())
			}
		}
	}
	control(t, s, 0x21, setControlLineState, 3, 1, 0)
	say("AT\r", "OK")
	say("ATD*99#\r", "CONNECT")
	for carrier := false; !carrier; { // the line is told first as it was when the host came
		if b, _, ok := s.In(2, 64); ok {
			carrier = b[8]&1 != 0
			continue
		}
		select {
		case <-ready:
		case <-time.After(10 * time.Second):
			t.Fatal("no SERIAL_STATE tells of the carrier")
		}
	}
	control(t, s, 0x21, setControlLineState, 0, 1, 0)
	control(t, s, 0x21, setControlLineState, 3, 1, 0)
	say("AT\r", "OK")
	if status := s.Out(1, []byte("AT\r")); status != usbip.StatusOK {
		t.Errorf("the diagnosis port: %d", status)
	}
	if _, _, ok := s.In(1, 64); ok {
		t.Error("the diagnosis port answers")
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// wrap puts a SCSI command without data into its wrapper (USB MSC BOT 1.0 section 5.1).
func wrap(cdb []byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, cbwSignature)
	b = le.AppendUint32(b, 7)
	b = le.AppendUint32(b, 0)
	b = append(b, 0, 0, byte(len(cdb)))
	return append(append(b, cdb...), make([]byte, 16-len(cdb))...)
}

// The standard eject turns the disc into a modem (SBC-3 section 5.25); where a message of the vendor's is wanted, that alone does.
func TestEject(t *testing.T) {
	ejected := make(chan struct{})
	s := newStick(t, func() { close(ejected) }, Interface{Number: 0, Class: "08/06/50", Disc: true})
	vendors := newStick(t, func() { t.Error("the standard eject, or another command, is taken for the vendor's") },
		Interface{Number: 0, Class: "08/06/50", Disc: true, Message: []byte{0x11, 0x06, 0x20}})
	for _, cdb := range [][]byte{{0x1b, 0, 0, 0, 2, 0}, {0x11, 0x06, 0x21}} {
		vendors.Out(1, wrap(cdb))
	}
	told := make(chan struct{})
	vendors = newStick(t, func() { close(told) }, Interface{Number: 0, Class: "08/06/50", Disc: true, Message: []byte{0x11, 0x06, 0x20}})
	vendors.Out(1, wrap([]byte{0x11, 0x06, 0x20, 0, 0, 1}))
	<-told
	command := func(cdb []byte, length uint32) (data, status []byte) {
		t.Helper()
		le := binary.LittleEndian
		b := le.AppendUint32(nil, cbwSignature)
		b = le.AppendUint32(b, 7)
		b = le.AppendUint32(b, length)
		b = append(b, 0x80, 0, byte(len(cdb)))
		b = append(append(b, cdb...), make([]byte, 16-len(cdb))...)
		s.Out(1, b)
		if length > 0 {
			data, _, _ = s.In(1, int(length))
		}
		status, _, _ = s.In(1, 13)
		return data, status
	}
	if data, status := command([]byte{0x12, 0, 0, 0, 36, 0}, 36); len(data) != 36 || data[0] != 5 || len(status) != 13 || status[12] != 0 {
		t.Errorf("INQUIRY % x, % x", data, status)
	}
	if _, status := command([]byte{0xff, 0, 0, 0, 0, 0}, 0); status[12] != 1 {
		t.Errorf("a command that is not known: % x", status)
	}
	if data, _ := command([]byte{3, 0, 0, 0, 18, 0}, 18); data[2] != 5 {
		t.Errorf("REQUEST SENSE % x", data)
	}
	command([]byte{0x1b, 0, 0, 0, 2, 0}, 0)
	<-ejected
	if err := s.Become(Config{USB: "12d1:1506", Interfaces: []Interface{{Class: "ff/ff/ff"}}}); err != nil {
		t.Fatal(err)
	}
	if i := s.Info(); i.Product != 0x1506 || len(i.Interfaces) != 1 || i.Interfaces[0].Class != 0xff {
		t.Errorf("%+v", i)
	}
}

// What the database knows of the ports of a modem becomes a stick (quirks: ports of an entry).
func TestDescribe(t *testing.T) {
	roles := func(u *sim.USB) (list []string) {
		for _, i := range u.Interfaces {
			list = append(list, i.Role)
		}
		return list
	}
	who := sim.Identity{Manufacturer: "Acme", Model: "M1", USB: "12d1:1506"}
	for _, tt := range []struct {
		data, at int
		want     []string
	}{{3, 2, []string{"silent", "silent", "at", "ppp"}}, {0, 2, []string{"ppp", "silent", "at"}}, {-1, -1, []string{"ppp"}}, {2, 2, []string{"silent", "silent", "ppp"}}} {
		u := Describe(who, tt.data, tt.at)
		if got := roles(u); !slices.Equal(got, tt.want) || u.ID != who.USB || u.Product != "M1" {
			t.Errorf("%d, %d: %q, %+v", tt.data, tt.at, got, u)
		}
	}
	if u := Describe(sim.Identity{Model: "M1"}, 0, 1); u != nil {
		t.Errorf("without an id: %+v", u)
	}
}

// What is said on a DM port is no command: it is known by that for what it is (core/modem's Asker).
func TestDiagnosisAnswersInItsOwnProtocol(t *testing.T) {
	a := modem.NewAsker(time.Now())
	a.Receive(time.Now(), badCommand([]byte("AT\r")))
	if said, _ := a.Done(); said != modem.SpeaksDiag {
		t.Errorf("% x: %d", badCommand([]byte("AT\r")), said)
	}
}

// An action unplugs a stick at its moment, here once the modem was told to; it may be attached again.
func TestUnpluggedAtItsMoment(t *testing.T) {
	scenario, err := sim.Parse("test", []byte("schema = 1\nsummary = \"s\"\n[usb]\nid = \"12d1:1506\"\n[[action]]\nsince = \"connect\"\nafter = \"10ms\"\ndo = \"unplug\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	bus := newBus()
	go func() { _ = Serve(t.Context(), bus, 1, scenario, nil) }()
	s := <-bus.added
	gone := make(chan struct{}, 1)
	s.Attached(t.Context(), func() {}, func() { gone <- struct{}{} })
	s.Out(1, []byte("ATD*99#\r"))
	<-gone
	if s.Info().Product != 0x1506 {
		t.Errorf("%+v", s.Info())
	}
}
