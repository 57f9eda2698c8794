package capture

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/record"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/wire"
)

// frames gives the frames of a call without the line around them: Address, Control, Protocol, information.
func frames(pieces []piece) []piece {
	var all []piece
	l := wire.New(wire.Options{Raw: true})
	for _, p := range pieces {
		l.Receive(p.now, p.dir, p.data)
		for r, ok := l.Next(); ok; r, ok = l.Next() {
			f := []byte{0xff, 3}
			switch e := r.Event.(type) {
			case event.Packet:
				f = append(be.AppendUint16(f, e.Protocol), e.Data...)
				all = append(all, piece{p.now, e.Dir, f})
			case event.Data:
				f = append(be.AppendUint16(f, e.Protocol), make([]byte, e.Length)...)
				copy(f[4:], []byte{0x45, 11: 0, 192, 0, 2, 2 - byte(e.Dir), 192, 0, 2, 1 + byte(e.Dir)})
				all = append(all, piece{p.now, e.Dir, f})
			}
		}
	}
	return all
}

// packets keeps of records those of frames.
func packets(records []event.Record) []event.Record {
	var all []event.Record
	for _, r := range records {
		switch r.Event.(type) {
		case event.Packet, event.Data:
			all = append(all, r)
		}
	}
	return all
}

var (
	host  = []byte{2, 0, 0, 0, 0, 1}
	modem = []byte{2, 0, 0, 0, 0, 2}
)

func ethernet(p piece, kind uint16, payload []byte) []byte {
	to, from := modem, host
	if p.dir == event.Rcvd {
		to, from = host, modem
	}
	b := append(append(bytes.Clone(to), from...), 0x81, 0x00, 0, 7) // in a VLAN
	b = append(be.AppendUint16(b, kind), payload...)
	return append(b, make([]byte, max(0, 60-len(b)))...) // padded, as Ethernet is
}

func pppoe(p piece) []byte {
	b := append(be.AppendUint16([]byte{0x11, 0, 0, 1}, uint16(len(p.data)-2)), p.data[2:]...)
	return b
}

func pppoeEthernet(p piece) []byte { return ethernet(p, etherSession, pppoe(p)) }

func cookedPPPoE(p piece) []byte {
	kind := byte(4)
	if p.dir == event.Rcvd {
		kind = 0
	}
	b := append([]byte{0, kind, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0}, be.AppendUint16(nil, etherSession)...)
	return append(b, pppoe(p)...)
}

func pptp(p piece) []byte {
	gre := append([]byte{0x30, 0x81, 0x88, 0x0b}, be.AppendUint16(nil, uint16(len(p.data)))...)
	gre = append(gre, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1)
	gre = append(gre, p.data...)
	ip := append([]byte{0x45, 0}, be.AppendUint16(nil, uint16(20+len(gre)))...)
	ip = append(ip, 0, 0, 0, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
	return append(ip, gre...)
}

// Link types that hold frames instead of octets. Where there is no direction it is told by what is said.
func TestLinkTypes(t *testing.T) {
	dirOctet := func(p piece) byte {
		if p.dir == event.Sent {
			return 1
		}
		return 0
	}
	for _, scenario := range []string{"behaves", "behaves-pap", "empty-naks"} {
		all := call(t, scenario)
		pieces := frames(all)
		want := told(packets(direct(all)), true)
		for _, tt := range []struct {
			name string
			link uint32
			of   packetOf
		}{
			{"PPP with direction", linkPPPWithDir, func(p piece) []byte { return append([]byte{dirOctet(p)}, p.data...) }},
			{"PPP with direction, compressed fields", linkPPPWithDir, func(p piece) []byte {
				f := p.data[2:]
				if f[0] == 0 {
					f = f[1:]
				}
				return append([]byte{dirOctet(p)}, f...)
			}},
			{"pppd's filter", linkPPPD, func(p piece) []byte { return append([]byte{dirOctet(p)}, p.data[1:]...) }},
			{"PPP", linkPPP, func(p piece) []byte { return p.data }},
			{"PPP serial", linkPPPSerial, func(p piece) []byte { return p.data }},
			{"PPPoE", linkPPPEther, pppoe},
			{"PPPoE on Ethernet", linkEthernet, pppoeEthernet},
			{"PPPoE, cooked", linkLinux, cookedPPPoE},
			{"PPTP", linkRaw, pptp},
		} {
			t.Run(scenario+"/"+tt.name, func(t *testing.T) {
				got := readAll(t, pcapFormat, bytes.NewReader(writePcap(le, pcapMicro, tt.link, tt.of)(pieces)), source.Config{})
				if s := told(got, true); s != want {
					t.Errorf("got\n%s\nwant\n%s", s, want)
				}
			})
		}
	}
}

// What knak records reads back: frames, AT dialogue, text and events.
func TestOwnRecordings(t *testing.T) {
	for _, scenario := range []string{"behaves", "behaves-pap", "empty-naks", "apn-no-carrier"} {
		pieces := call(t, scenario)
		want := told(direct(pieces), true)
		for format, options := range map[string]record.Options{
			"pcapng": {Format: record.Pcapng, Lines: true, Program: "test"}, "pppd-record": {Format: record.PPPD, Secrets: true},
		} {
			t.Run(scenario+"/"+format, func(t *testing.T) {
				e := record.NewEncoder(options)
				var file []byte
				for _, p := range pieces {
					file = e.AppendBytes(file, p.now, p.dir, p.data)
				}
				file = e.AppendEnd(file, pieces[len(pieces)-1].now)
				f, _ := find(file)
				if f.Name != format {
					t.Fatalf("taken for %q", f.Name)
				}
				if s := told(readAll(t, f, bytes.NewReader(file), source.Config{}), true); s != want {
					t.Errorf("got\n%s\nwant\n%s", s, want)
				}
			})
		}
	}
	e := record.NewEncoder(record.Options{Format: record.Pcapng})
	rec := event.Record{Time: epoch, Link: "x", Event: event.Decision{Point: "ipcp.confnak", Verdict: "follow"}}
	got := readAll(t, pcapngFormat, bytes.NewReader(e.AppendRecord(nil, rec)), source.Config{})
	rec.Pos.Packet = 1
	if len(got) != 1 || got[0] != rec {
		t.Errorf("%#v", got)
	}
}

// A modem has several ports, and there are other devices: the ports that carry AT or PPP are read, each for itself, in
// their order; the others are counted.
func TestUSB(t *testing.T) {
	config := []byte{9, 2, 46, 0, 1, 1, 0, 0x80, 250, 9, 4, 3, 0, 2, 0xff, 1, 1, 0, 7, 5, 0x84, usbBulk - 1, 0, 2, 0, 7, 5, 0x03, usbBulk - 1, 0, 2, 0, 9, 4, 4, 0, 0, 8, 6, 80, 0}
	at := func(endpoint byte, dir event.Dir, s string) []byte {
		return usbPacket(le, 64, 'S', usbBulk, endpoint, dir, []byte(s))
	}
	list := [][]byte{
		usbPacket(le, 64, 'S', usbControl, 0, event.Rcvd, config),
		usbPacket(le, 64, 'S', usbBulk, 6, event.Sent, append([]byte("USBC"), make([]byte, 27)...)),
		usbPacket(le, 64, 'S', usbBulk, 6, event.Rcvd, make([]byte, 512)),
		usbPacket(le, 64, 'S', usbInterrupt, 1, event.Rcvd, []byte{1, 2}),
		at(3, event.Sent, "A"), at(4, event.Rcvd, "A"), at(3, event.Sent, "TD*99#\r"), // two endpoints of one interface, with two numbers
		at(2, event.Sent, "AT+CSQ\r"),
		at(4, event.Rcvd, "TD*99#\r\r\nCONNECT\r\n"),
		at(2, event.Rcvd, "\r\n+CSQ: 9,99\r\n\r\nOK\r\n"),
		at(4, event.Rcvd, "\x7e\xff\x7d\x23\xc0\x21\x7d\x29\x7d\x21\x7d\x20\x7d\x28\x7d\x21\x7d\x22\x7d\x23\x7d\x24"),
		usbPacket(le, 64, 'C', usbBulk, 3, event.Sent, []byte("AT\r")), // a completion repeats nothing
		at(4, event.Rcvd, "\x7e"),
		usbPacket(le, 64, 'S', usbBulk, 5, event.Rcvd, []byte("$GPGGA,1,2\r\n")),
	}
	var pieces []piece
	for _, b := range list {
		pieces = append(pieces, piece{epoch, event.Sent, b})
	}
	file := writePcap(le, pcapMicro, linkUSBMmapped, func(p piece) []byte { return p.data })(pieces)
	got := readAll(t, pcapFormat, bytes.NewReader(file), source.Config{})
	want := "event.AT{Dir:sent Text:ATD*99#}\nevent.AT{Dir:sent Text:AT+CSQ}\nevent.AT{Dir:rcvd Text:ATD*99#}\nevent.AT{Dir:rcvd Text:CONNECT}\n" +
		"event.AT{Dir:rcvd Text:+CSQ: 9,99}\nevent.AT{Dir:rcvd Text:OK}\n" +
		"event.Unread{Text:rcvd ff 7d 23 c0 21 7d 29 7d … Bytes:21 Reason:a frame with a wrong FCS}\n"
	if s := told(got, false); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	var notices []string
	for _, r := range got {
		if n, ok := r.Event.(event.Notice); ok {
			notices = append(notices, n.Text)
		}
	}
	if w := []string{
		"USB bus 3 device 7 endpoint 5: 0 octets to the device and 12 from it are neither an AT dialogue nor PPP",
		"USB bus 3 device 7 endpoint 6: 31 octets to the device and 512 from it are neither an AT dialogue nor PPP",
		"2 USB transfers (171 octets with their headers) are not on bulk endpoints",
	}; !equal(notices, w) {
		t.Errorf("%q", notices)
	}
}

// A serial converter of FTDI's puts the state of its lines before what it sends.
func TestFTDI(t *testing.T) {
	for _, size := range []int{64, 512} {
		pieces := call(t, "behaves")
		of := func(p piece) []byte {
			data := p.data
			if p.dir == event.Rcvd {
				data = nil
				for b := p.data; ; b = b[size-2:] {
					data = append(append(data, 0x31, 0x60), b[:min(len(b), size-2)]...)
					if len(b) <= size-2 {
						break
					}
				}
			}
			return usbPacket(le, 64, 'S', usbBulk, 2, p.dir, data)
		}
		idle := piece{pieces[0].now, event.Rcvd, nil}
		file := writePcap(le, pcapMicro, linkUSBMmapped, of)(append([]piece{idle, idle}, pieces...))
		if got, want := told(readAll(t, pcapFormat, bytes.NewReader(file), source.Config{}), true), told(direct(pieces), true); got != want {
			t.Errorf("packets of %d: got\n%s\nwant\n%s", size, got, want)
		}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Options of packets: a comment, and the direction.
func TestPacketOptions(t *testing.T) {
	lcp := []byte{0xff, 3, 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4}
	b := pcapngHead(linkPPP)
	b = appendBlock(b, lcp, 1, 0, 5, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0)
	b = appendBlock(b, lcp, 2, 0, 4, 0, 1, 0, 0, 0)
	got := readAll(t, pcapngFormat, bytes.NewReader(b), source.Config{})
	want := "event.Log{Program: Text:hello Means:[] Value:}\nsent [LCP EchoReq id=0x1 magic=0x1020304]\nrcvd [LCP EchoReq id=0x1 magic=0x1020304]\n"
	if s := told(got, false); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// Times of pcapng in other resolutions (if_tsresol).
func TestResolution(t *testing.T) {
	for _, tt := range []struct {
		v     byte
		ticks uint64
		want  int64 // nanoseconds
	}{
		{0, 7, 7e9}, {3, 7001, 7001e6}, {6, 7000001, 7000001e3}, {9, 7000000001, 7000000001}, {12, 7000000000001, 7e9}, {0x80, 7, 7e9}, {0x80 | 10, 7<<10 | 512, 75e8},
		{0x80 | 63, 1<<63 | 1<<62, 15e8}, {19, 1e19, 1e9}, {255, 1<<63 | 1<<62, 15e8},
	} {
		i := &iface{}
		i.resolution(tt.v)
		if got := i.time(tt.ticks).UnixNano(); got != tt.want {
			t.Errorf("%#x: %d ticks are %d, want %d", tt.v, tt.ticks, got, tt.want)
		}
	}
}

// A pcap header by bits, so that all four magics in both orders are told apart.
func TestMagic(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{le, be} {
		for _, m := range []uint32{pcapMicro, pcapNano, pcapLonger} {
			b := append(order.AppendUint32(nil, m), make([]byte, 20)...)
			if f, score := find(b); f.Name != "pcap" || score != source.Certain {
				t.Errorf("% x: %q %d", b[:4], f.Name, score)
			}
		}
	}
}
