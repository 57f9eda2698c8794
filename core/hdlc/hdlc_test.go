package hdlc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// got is an Item that outlives the Decoder's next call.
type got struct {
	Kind     Kind
	Protocol uint16
	Data     string
}

func (g got) String() string {
	if g.Kind == Text {
		return fmt.Sprintf("text %q", g.Data)
	}
	return fmt.Sprintf("frame %04x %x", g.Protocol, g.Data)
}

func keep(i Item) got {
	if i.Kind == Text {
		return got{Text, 0, string(i.Text)}
	}
	return got{i.Kind, i.Protocol, string(i.Info)}
}

// decode feeds in to d, cut into pieces of the sizes that size gives.
func decode(d *Decoder, in []byte, size func() int) (items []got) {
	for len(in) > 0 {
		n := min(len(in), size())
		item, rest := d.Next(in[:n])
		for ; item.Kind != None; item, rest = d.Next(rest) {
			items = append(items, keep(item))
		}
		in = in[n:]
	}
	return items
}

func whole() int  { return 1 << 30 }
func single() int { return 1 }

func frame(protocol uint16, info string) got { return got{Frame, protocol, info} }
func line(s string) got                      { return got{Text, 0, s} }

// frameOf writes a frame the plain way, octet by octet, as the tests' other opinion.
func frameOf(cfg Config, content []byte) []byte {
	c := slices.Clone(content)
	if cfg.FCS == FCS32 {
		v := ^slowFCS32(0xffffffff, c)
		c = append(c, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	} else {
		v := ^slowFCS16(0xffff, c)
		c = append(c, byte(v), byte(v>>8))
	}
	out := []byte{0x7e}
	for _, b := range c {
		if b == 0x7e || b == 0x7d || b < 0x20 && cfg.ACCM>>b&1 != 0 {
			out = append(out, 0x7d, b^0x20)
		} else {
			out = append(out, b)
		}
	}
	return append(out, 0x7e)
}

func TestTransparencyRFC1662Section4_2(t *testing.T) {
	// The examples that the section gives; 0x91 shows that the eighth bit makes it no control character.
	for _, c := range []struct {
		in   byte
		want string
	}{{0x7e, "7d5e"}, {0x7d, "7d5d"}, {0x03, "7d23"}, {0x11, "7d31"}, {0x13, "7d33"}, {0x91, "91"}} {
		wire := NewEncoder(DefaultConfig()).Append(nil, 0x0021, []byte{c.in})
		// 7e ff 7d23 7d20 21 …
		if got := fmt.Sprintf("%x", wire[7:7+len(c.want)/2]); got != c.want {
			t.Errorf("%#02x goes out as %s, want %s", c.in, got, c.want)
		}
	}
}

func TestKnownFrames(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		prot uint16
		info string
		wire string
	}{
		{"LCP Configure-Request without options, default settings", DefaultConfig(), 0xc021, "\x01\x01\x00\x04",
			"7eff7d23c0217d217d217d207d24d1b57e"},
		{"the same after everything was agreed: LCP goes out as before (RFC 1662 section 7.1)",
			Config{ACFC: true, PFC: true}, 0xc021, "\x01\x01\x00\x04", "7eff7d23c0217d217d217d207d24d1b57e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := NewEncoder(c.cfg).Append(nil, c.prot, []byte(c.info))
			if fmt.Sprintf("%x", got) != c.wire {
				t.Errorf("%x, want %s", got, c.wire)
			}
		})
	}
}

func TestEncoderHeader(t *testing.T) {
	const in = "ab"
	for _, c := range []struct {
		cfg  Config
		prot uint16
		info string
		want string // the content before the FCS
	}{
		{Config{}, 0x0021, in, "\xff\x03\x00\x21ab"},
		{Config{ACFC: true}, 0x0021, in, "\x00\x21ab"},
		{Config{PFC: true}, 0x0021, in, "\xff\x03\x21ab"},
		{Config{ACFC: true, PFC: true}, 0x0021, in, "\x21ab"},
		{Config{ACFC: true, PFC: true}, 0x8021, in, "\x80\x21ab"},
		// Only LCP codes 1 to 7 are sent plainly (RFC 1661 sections 6.5 and 6.6): 8 and up may be compressed.
		{Config{ACFC: true}, 0xc021, "\x01", "\xff\x03\xc0\x21\x01"},
		{Config{ACFC: true}, 0xc021, "\x07", "\xff\x03\xc0\x21\x07"},
		{Config{ACFC: true}, 0xc021, "\x08", "\xc0\x21\x08"},
		{Config{ACFC: true}, 0xc021, "\x00", "\xc0\x21\x00"},
		// An even number in one octet would be read as the first of two.
		{Config{PFC: true, ACFC: true}, 0x0020, in, "\x00\x20ab"},
	} {
		for _, fcs := range []FCS{FCS16, FCS32} {
			c.cfg.FCS = fcs
			wire := c.cfg
			if c.prot == 0xc021 && c.info[0] >= 1 && c.info[0] <= 7 {
				wire.ACCM = 0xffffffff
			}
			want := frameOf(wire, []byte(c.want))
			if got := NewEncoder(c.cfg).Append(nil, c.prot, []byte(c.info)); !bytes.Equal(got, want) {
				t.Errorf("%+v %04x %q: %x, want %x", c.cfg, c.prot, c.info, got, want)
			}
		}
	}
}

func TestSharedFlagRFC1662Section3_1(t *testing.T) {
	for _, share := range []bool{false, true} {
		e := NewEncoder(Config{ShareFlag: share})
		one := e.Append(nil, 0x0021, []byte("one"))
		two := e.Append(one, 0x0021, []byte("two"))
		flags := bytes.Count(two, []byte{0x7e})
		if want := map[bool]int{false: 4, true: 3}[share]; flags != want {
			t.Errorf("share %v: %d flags, want %d", share, flags, want)
		}
		d := NewDecoder(DecoderConfig{})
		if items := decode(d, two, whole); !slices.Equal(items, []got{frame(0x21, "one"), frame(0x21, "two")}) {
			t.Errorf("share %v: %v", share, items)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	accms := []uint32{0, 0x000a0000, 0xffffffff, 0x00000001, 0x80000000, 0x7fffffff, 0x0000ffff}
	for range 20 {
		accms = append(accms, r.Uint32(), r.Uint32()&r.Uint32()&r.Uint32()) //nolint:staticcheck // few bits set: each is another number
	}
	protocols := []uint16{0x0021, 0x0057, 0xc021, 0x8021, 0xc223, 0x00fd, 0x4003}
	for _, accm := range accms {
		for bitsOf := range 16 {
			cfg := Config{ACCM: accm, FCS: FCS(bitsOf & 1), ACFC: bitsOf&2 != 0, PFC: bitsOf&4 != 0, ShareFlag: bitsOf&8 != 0}
			e := NewEncoder(cfg)
			var wire []byte
			var want []got
			for i := range 12 {
				info := make([]byte, 1+r.IntN(400))
				for k := range info {
					info[k] = byte(r.Uint32())
					if i%3 == 0 { // plenty of what is special
						info[k] = []byte{0x7e, 0x7d, 0x5e, 0x5d, 0x20, 0x00, 0x0a, 0x11, 0x7f, 0xff}[r.IntN(10)]
					}
				}
				p := protocols[r.IntN(len(protocols))]
				before := len(wire)
				wire = e.Append(wire, p, info)
				want = append(want, frame(p, string(info)))
				if n := len(wire) - before; n > MaxLen(len(info)) {
					t.Fatalf("%d octets for %d, MaxLen says %d", n, len(info), MaxLen(len(info)))
				}
			}
			for name, size := range map[string]func() int{
				"whole": whole, "single": single, "random": func() int { return 1 + r.IntN(64) },
			} {
				d := NewDecoder(DecoderConfig{ACCM: accm, FCS: cfg.FCS})
				if got := decode(d, wire, size); !slices.Equal(got, want) {
					t.Fatalf("%+v %s:\n got %v\nwant %v", cfg, name, got, want)
				}
				if s := d.Stats(); s != (Stats{Bytes: uint64(len(wire)), Frames: 12}) {
					t.Fatalf("%+v %s: %+v", cfg, name, s)
				}
			}
		}
	}
}

func TestEverySplitPoint(t *testing.T) {
	e := NewEncoder(Config{ACCM: 0x000a0000})
	wire := []byte("ATD*99#\r\r\nCONNECT 7200000\r\n")
	wire = e.Append(wire, 0xc021, []byte("\x01\x01\x00\x04"))
	wire = append(wire, "~garbage\x80~"...)
	wire = e.Append(wire, 0x0021, []byte("}~\x11\x13 data"))
	wire = append(wire, "\r\nNO CARRIER\r\n"...)
	cfg := DecoderConfig{ACCM: 0x000a0000}
	want := decode(NewDecoder(cfg), wire, whole)
	if len(want) != 5 {
		t.Fatalf("%v", want)
	}
	for a := range wire {
		for b := a; b < len(wire); b++ {
			d := NewDecoder(cfg)
			got := decode(d, wire[:a], whole)
			got = append(got, decode(d, wire[a:b], whole)...)
			got = append(got, decode(d, wire[b:], whole)...)
			if !slices.Equal(got, want) {
				t.Fatalf("cut at %d and %d:\n got %v\nwant %v", a, b, got, want)
			}
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	info := randomInfo(1500)
	for _, cfg := range []Config{{}, {ACCM: 0xffffffff}, {FCS: FCS32}} {
		e := NewEncoder(cfg)
		dst := make([]byte, 0, MaxLen(len(info)))
		d := NewDecoder(DecoderConfig{ACCM: cfg.ACCM, FCS: cfg.FCS})
		if n := testing.AllocsPerRun(100, func() {
			wire := e.Append(dst, 0x0021, info)
			if item, _ := d.Next(wire); item.Kind != Frame {
				t.Fatal(item.Kind)
			}
		}); n != 0 {
			t.Errorf("%+v: %v allocations", cfg, n)
		}
	}
}
