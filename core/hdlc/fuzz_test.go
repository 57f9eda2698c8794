package hdlc

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzDecode feeds anything at all: it must not panic or grow, and one octet at a time must give what the whole gives.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\r\nCONNECT\r\n~\xff}#\xc0!}!}!} }$\xd1\xb5~\r\nNO CARRIER\r\n"), uint32(0xffffffff), false)
	f.Add([]byte("~!E\x00\x00}~~}~}}~\x11\x13}\x11~"), uint32(0x000a0000), true)
	f.Add([]byte("~\xff\x03\xc0!\r\nNO CARRIER\r\n~~~~"), uint32(0), false)
	f.Add(bytes.Repeat([]byte("}]"), 200), uint32(1), false)
	f.Fuzz(func(t *testing.T, in []byte, accm uint32, long bool) {
		cfg := DecoderConfig{ACCM: accm, MRU: 64}
		if long {
			cfg.FCS = FCS32
		}
		a, b := NewDecoder(cfg), NewDecoder(cfg)
		want, got := decode(a, in, whole), decode(b, in, single)
		if !slices.Equal(got, want) {
			t.Fatalf("one at a time %v\nwhole %v", got, want)
		}
		if a.Stats() != b.Stats() {
			t.Fatalf("one at a time %+v\nwhole %+v", b.Stats(), a.Stats())
		}
		if x, y := keep(a.Flush()), keep(b.Flush()); x != y {
			t.Fatalf("Flush: one at a time %v, whole %v", y, x)
		}
		if a.Stats().Bytes != uint64(len(in)) || len(a.buf) > 200 {
			t.Fatalf("%d octets: %+v, buffer of %d", len(in), a.Stats(), len(a.buf))
		}
		for _, i := range want {
			if i.Kind == Frame && len(i.Data) > cfg.MRU || i.Kind == Text && len(i.Data) > maxLine || i.Kind == None {
				t.Fatal(i)
			}
		}
		// Whatever came before, a frame between two flags gets through.
		a.Next([]byte{flag})
		wire := NewEncoder(Config{ACCM: accm, FCS: cfg.FCS}).Append(nil, 0xc021, []byte("\x01\x01\x00\x04"))
		if item, _ := a.Next(wire); item.Kind != Frame || item.Protocol != 0xc021 {
			t.Fatalf("then %v", keep(item))
		}
	})
}

// FuzzRoundTrip encodes anything with any settings: the plain encoder must agree, and the decoder must give it back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("~}\x00\x11\x7f\xff"), uint16(0x0021), uint32(0), byte(0))
	f.Add(bytes.Repeat([]byte{0x7e, 1, 2, 3}, 40), uint16(0xc021), uint32(0xffffffff), byte(3))
	f.Fuzz(func(t *testing.T, info []byte, protocol uint16, accm uint32, set byte) {
		if len(info) == 0 || protocol&0x0101 != 1 || protocol>>8 == 0xff || protocol == 0x00ff {
			return // no protocol number (RFC 1661 section 2), or the one that the Address takes away
		}
		cfg := Config{ACCM: accm, FCS: FCS(set & 1), ACFC: set&2 != 0, PFC: set&4 != 0}
		wire := NewEncoder(cfg).Append(nil, protocol, info)
		if protocol != protocolLCP {
			content := []byte{0xff, 3, byte(protocol >> 8), byte(protocol)}
			if cfg.PFC && protocol < 0x100 {
				content = slices.Delete(content, 2, 3)
			}
			if cfg.ACFC {
				content = content[2:]
			}
			if want := frameOf(cfg, append(content, info...)); !bytes.Equal(wire, want) {
				t.Fatalf("%x, want %x", wire, want)
			}
		}
		d := NewDecoder(DecoderConfig{ACCM: accm, FCS: cfg.FCS, MRU: len(info)})
		items := decode(d, wire, whole)
		if len(items) == 0 || items[len(items)-1] != frame(protocol, string(info)) || d.Stats().Damaged() != 0 {
			t.Fatalf("%x: %v %+v", wire, items, d.Stats())
		}
	})
}
