package tun

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// tcpSegment makes a TCP packet with correct checksums. Options must be a multiple of four octets.
func tcpSegment(v6 bool, seq uint32, flags byte, options, payload []byte) []byte {
	ipHead := 20
	if v6 {
		ipHead = 40
	}
	p := make([]byte, ipHead+20+len(options)+len(payload))
	if v6 {
		p[0], p[6], p[7] = 0x60, protocolTCP, 64
		binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
		copy(p[8:], bytes.Repeat([]byte{0xfe, 0x80, 1, 2}, 8))
	} else {
		p[0], p[6], p[8], p[9] = 0x45, 0x40, 64, protocolTCP
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		binary.BigEndian.PutUint16(p[4:], uint16(seq>>7))
		copy(p[12:], []byte{10, 64, 0, 1, 10, 64, 0, 2})
		putIPChecksum(p[:20])
	}
	tcp := p[ipHead:]
	binary.BigEndian.PutUint16(tcp, 80)
	binary.BigEndian.PutUint16(tcp[2:], 4000)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	binary.BigEndian.PutUint32(tcp[8:], 77)
	tcp[12], tcp[13], tcp[14] = byte(5+len(options)/4)<<4, flags, 0xff
	copy(tcp[20:], options)
	copy(tcp[20+len(options):], payload)
	binary.BigEndian.PutUint16(tcp[checksumAt:], ^slowSum(append(slowPseudo(p, ipHead), tcp...)))
	return p
}

// slowSum and slowPseudo are RFC 1071 and the pseudo-headers to the letter.
func slowSum(b []byte) uint16 {
	var s uint32
	for i, x := range b {
		s += uint32(x) << (8 * (1 - i%2))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func slowPseudo(p []byte, ipHead int) []byte {
	n := len(p) - ipHead
	if ipHead == 20 {
		return append(bytes.Clone(p[12:20]), 0, protocolTCP, byte(n>>8), byte(n))
	}
	return append(bytes.Clone(p[8:40]), 0, 0, byte(n>>8), byte(n), 0, 0, 0, protocolTCP)
}

func TestSumAgainstTheSlowOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32() | random.Uint32()) //nolint:staticcheck // many bits set: each is another number
		}
		if got, want := fold(sum(b, 0)), slowSum(b); got != want && got+want != 0xffff {
			t.Fatalf("%d octets: %04x, want %04x", n, got, want)
		}
	}
}

// TestTrainThereAndBack: what the coalescer joins, the splitter takes apart into the very same packets.
func TestTrainThereAndBack(t *testing.T) {
	random := rand.NewChaCha8([32]byte{3})
	data := make([]byte, 80_000)
	random.Read(data)
	timestamps := []byte{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}
	for _, c := range []struct {
		name    string
		v6      bool
		options []byte
		sizes   []int // payload octets; the sequence numbers follow each other
		flags   []byte
		trains  []int // how many segments each write is expected to hold
	}{
		{"IPv4", false, nil, []int{1400, 1400, 1400, 200}, nil, []int{4}},
		{"IPv6", true, nil, []int{1400, 1400, 1400, 200}, nil, []int{4}},
		{"IPv4 with options", false, timestamps, []int{1388, 1388, 1388}, nil, []int{3}},
		{"a short one ends a train", false, nil, []int{1400, 200, 1400, 1400}, nil, []int{2, 2}},
		{"a longer one begins a new train", false, nil, []int{200, 1400, 1400}, nil, []int{1, 2}},
		{"PSH ends a train", false, nil, []int{1400, 1400, 1400}, []byte{tcpACK, tcpACK | tcpPSH, tcpACK}, []int{2, 1}},
		{"FIN travels alone", false, nil, []int{1400, 1400, 1400}, []byte{tcpACK, tcpACK, tcpACK | tcpFIN}, []int{2, 1}},
		{"odd sizes", false, nil, []int{333, 333, 333, 1}, nil, []int{4}},
		{"no more than 65535 octets", false, nil, func() (s []int) {
			for range 50 {
				s = append(s, 1400)
			}
			return s
		}(), nil, []int{46, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var kept coalescer
			kept.buf = make([]byte, vnetHead)
			var sent, got [][]byte
			var trains []int
			take := func(wire []byte, segments int) {
				trains = append(trains, segments)
				var s splitter
				s.load(wire)
				for p := s.next(); p != nil; p = s.next() {
					got = append(got, bytes.Clone(p))
				}
			}
			seq, at := uint32(0xffffff00), 0
			// The splitter numbers the packets of a train one by one.
			id := uint16(100)
			for i, size := range c.sizes {
				flags := byte(tcpACK)
				if c.flags != nil {
					flags = c.flags[i]
				}
				p := tcpSegment(c.v6, seq, flags, c.options, data[at:at+size])
				if !c.v6 {
					binary.BigEndian.PutUint16(p[4:], id)
					putIPChecksum(p[:20])
				}
				id, seq, at = id+1, seq+uint32(size), at+size
				sent = append(sent, p)
				seg, ok := parseSegment(p)
				if ok && kept.extend(p, seg) {
					continue
				}
				if n := kept.count; n > 0 {
					take(bytes.Clone(kept.finish()), n)
				}
				if ok {
					kept.start(p, seg)
				} else {
					take(append(make([]byte, vnetHead), p...), 1)
				}
			}
			if n := kept.count; n > 0 {
				take(bytes.Clone(kept.finish()), n)
			}
			if len(got) != len(sent) {
				t.Fatalf("%d packets became %d", len(sent), len(got))
			}
			for i := range sent {
				if !bytes.Equal(sent[i], got[i]) {
					t.Errorf("packet %d\n% x, became\n% x", i, sent[i][:60], got[i][:60])
				}
			}
			if !equal(trains, c.trains) {
				t.Errorf("trains of %v, want %v", trains, c.trains)
			}
		})
	}
}

func equal(a, b []int) bool {
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

// TestWhatIsNotCoalesced: each of these changes makes a packet something that must reach the kernel as it is, or another flow.
func TestWhatIsNotCoalesced(t *testing.T) {
	payload := bytes.Repeat([]byte("knak"), 100)
	first := tcpSegment(false, 1000, tcpACK, nil, payload)
	for name, change := range map[string]func(p []byte){
		"another sequence number": func(p []byte) { p[27]++ },
		"another port":            func(p []byte) { p[21]++ },
		"another address":         func(p []byte) { p[15]++ },
		"another acknowledgement": func(p []byte) { p[31]++ },
		"another window":          func(p []byte) { p[34]++ },
		"another TTL":             func(p []byte) { p[8]-- },
		"another TOS":             func(p []byte) { p[1] = 4 },
		"URG":                     func(p []byte) { p[33] |= 0x20 },
		"ECE":                     func(p []byte) { p[33] |= 0x40 },
		"CWR":                     func(p []byte) { p[33] |= tcpCWR },
		"RST":                     func(p []byte) { p[33] |= 4 },
		"more fragments":          func(p []byte) { p[6] |= 0x20 },
		"may be fragmented":       func(p []byte) { p[6] = 0 },
		"IP options":              func(p []byte) { p[0] = 0x46 },
		"UDP":                     func(p []byte) { p[9] = 17 },
	} {
		t.Run(name, func(t *testing.T) {
			var c coalescer
			c.buf = make([]byte, vnetHead)
			seg, ok := parseSegment(first)
			if !ok {
				t.Fatal("the first segment was not taken")
			}
			c.start(first, seg)
			p := tcpSegment(false, 1000+uint32(len(payload)), tcpACK, nil, payload)
			if seg, ok := parseSegment(p); !ok || !c.extend(bytes.Clone(p), seg) {
				t.Fatal("without the change it is not coalesced either")
			}
			p = tcpSegment(false, 1000+2*uint32(len(payload)), tcpACK, nil, payload)
			change(p)
			putIPChecksum(p[:20])
			p[36], p[37] = 0, 0
			binary.BigEndian.PutUint16(p[36:], ^slowSum(append(slowPseudo(p, 20), p[20:]...)))
			if seg, ok := parseSegment(p); ok && c.extend(p, seg) {
				t.Error("it was coalesced")
			}
		})
	}
	for _, at := range []int{10, 36, 100} {
		p := bytes.Clone(first)
		p[at] ^= 1
		if _, ok := parseSegment(p); ok {
			t.Errorf("octet %d is wrong, and the packet was taken without its checksum", at)
		}
	}
}

// FuzzSplit: whatever stands in a header, nothing panics and no packet is longer than what was read.
func FuzzSplit(f *testing.F) {
	var c coalescer
	c.buf = make([]byte, vnetHead)
	for i := range uint32(3) {
		p := tcpSegment(false, 1000*i, tcpACK, nil, make([]byte, 1000))
		seg, _ := parseSegment(p)
		if i == 0 {
			c.start(p, seg)
		} else {
			c.extend(p, seg)
		}
	}
	f.Add(bytes.Clone(c.finish()))
	f.Add(append(make([]byte, vnetHead), tcpSegment(true, 1, tcpACK, nil, []byte("x"))...))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4096 { // segments of one octet each make long ones slow
			return
		}
		size := len(in)
		var s splitter
		s.load(in)
		for n := 0; ; n++ {
			p := s.next()
			if p == nil {
				break
			}
			if len(p) > size || n > size {
				t.Fatalf("packet %d of %d octets came out of %d", n, len(p), size)
			}
		}
	})
}

// FuzzCoalesce: any packets one after the other; nothing panics, and what is kept stays within bounds.
func FuzzCoalesce(f *testing.F) {
	f.Add(tcpSegment(false, 1000, tcpACK, nil, make([]byte, 10)), tcpSegment(false, 1010, tcpACK, nil, make([]byte, 10)))
	f.Add(tcpSegment(true, 1000, tcpACK, nil, make([]byte, 10)), []byte{0x45})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var c coalescer
		c.buf = make([]byte, vnetHead)
		for _, p := range [][]byte{a, b, b, a} {
			if len(p) > maxPacket {
				return
			}
			seg, ok := parseSegment(p)
			if ok && c.extend(p, seg) {
				continue
			}
			if c.count > 0 {
				if out := c.finish(); len(out) > vnetHead+maxPacket {
					t.Fatalf("%d octets", len(out))
				}
			}
			if ok {
				c.start(p, seg)
			}
		}
	})
}

func BenchmarkCoalesceAndSplit(b *testing.B) {
	var packets [][]byte
	for i := range uint32(44) {
		packets = append(packets, tcpSegment(false, 1448*i, tcpACK, make([]byte, 12), make([]byte, 1448)))
	}
	c := coalescer{buf: make([]byte, vnetHead, vnetHead+maxPacket)}
	s := splitter{out: make([]byte, 0, maxPacket)}
	b.SetBytes(44 * 1500)
	b.ReportAllocs()
	for b.Loop() {
		for i, p := range packets {
			seg, _ := parseSegment(p)
			if i == 0 {
				c.start(p, seg)
			} else {
				c.extend(p, seg)
			}
		}
		s.load(c.finish())
		for s.next() != nil {
		}
	}
}

// ack makes an acknowledgement of everything before number.
func ack(number uint32, flags byte, options, payload []byte) []byte {
	p := tcpSegment(false, 5, flags, options, payload)
	tcp := p[20:]
	binary.BigEndian.PutUint32(tcp[8:], number)
	tcp[checksumAt], tcp[checksumAt+1] = 0, 0
	binary.BigEndian.PutUint16(tcp[checksumAt:], ^slowSum(append(slowPseudo(p, 20), tcp...)))
	return p
}

// TestOvertakenAcknowledgements: only what says nothing that the next one does not say is dropped (RFC 3449 section 5.2.1).
func TestOvertakenAcknowledgements(t *testing.T) {
	timestamps := []byte{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}
	later := []byte{1, 1, 8, 10, 1, 2, 3, 5, 5, 6, 7, 9}
	sack := []byte{1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}
	for _, c := range []struct {
		name          string
		first, second []byte
		want          bool
	}{
		{"acknowledges more", ack(100, tcpACK, nil, nil), ack(200, tcpACK, nil, nil), true},
		{"over the end of the numbers", ack(0xfffffff0, tcpACK, nil, nil), ack(10, tcpACK, nil, nil), true},
		{"with timestamps", ack(100, tcpACK, timestamps, nil), ack(200, tcpACK, later, nil), true},
		{"the same again", ack(100, tcpACK, nil, nil), ack(100, tcpACK, nil, nil), false},
		{"an older one", ack(200, tcpACK, nil, nil), ack(100, tcpACK, nil, nil), false},
		{"the first has SACK", ack(100, tcpACK, sack, nil), ack(200, tcpACK, nil, nil), false},
		{"the second has SACK", ack(100, tcpACK, nil, nil), ack(200, tcpACK, sack, nil), false},
		{"the first has data", ack(100, tcpACK, nil, []byte("x")), ack(200, tcpACK, nil, nil), false},
		{"the second has data", ack(100, tcpACK, nil, nil), ack(200, tcpACK, nil, []byte("x")), false},
		{"FIN", ack(100, tcpACK, nil, nil), ack(200, tcpACK|tcpFIN, nil, nil), false},
		{"ECE", ack(100, tcpACK|0x40, nil, nil), ack(200, tcpACK, nil, nil), false},
		{"another sequence number", tcpSegment(false, 6, tcpACK, nil, nil), ack(200, tcpACK, nil, nil), false},
		{"another kind of IP", tcpSegment(true, 5, tcpACK, nil, nil), ack(200, tcpACK, nil, nil), false},
	} {
		kept := coalescer{buf: make([]byte, vnetHead)}
		got := false
		if s, ok := parseSegment(c.first); ok {
			kept.start(c.first, s)
			if s, ok := parseSegment(c.second); ok {
				got = kept.overtakes(c.second, s)
				if kept.extend(c.second, s) {
					t.Errorf("%s: joined as data", c.name)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: dropped %v, want %v", c.name, got, c.want)
		}
	}
}
