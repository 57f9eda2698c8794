package hdlc

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// wireOf is one frame of the IP protocol with everything in full.
func wireOf(info string) string {
	return string(NewEncoder(Config{}).Append(nil, 0x0021, []byte(info)))
}

// compressed is one whose first octet is "!".
func compressed(info string) string {
	return string(NewEncoder(Config{ACFC: true, PFC: true}).Append(nil, 0x0021, []byte(info)))
}

func TestCountersByKindOfDamage(t *testing.T) {
	const ok = "\x45 undamaged"
	good := frame(0x0021, ok)
	flipped := []byte(wireOf(ok))
	flipped[6] ^= 1
	for _, c := range []struct {
		name string
		cfg  DecoderConfig
		in   string
		want []got
		stat Stats
	}{
		{"wrong FCS", DecoderConfig{}, string(flipped) + wireOf(ok), []got{good}, Stats{Frames: 1, FCSErrors: 1}},
		{"flags in a row are no frames (RFC 1662 section 3.1)", DecoderConfig{}, "~~~~" + wireOf(ok) + "~~~", []got{good},
			Stats{Frames: 1}},
		{"fewer than four octets (RFC 1662 section 3.1)", DecoderConfig{}, "~\x80\x81\x82" + wireOf(ok), []got{good},
			Stats{Frames: 1, Short: 1}},
		{"fewer than six octets with a 32-bit FCS (RFC 1662 section 3.1)", DecoderConfig{FCS: FCS32}, "~\x80\x81\x82\x83\x84~", nil,
			Stats{Short: 1}},
		{"abort (RFC 1662 section 4.3)", DecoderConfig{}, "~\xff\x03\x00\x21\x45\x00}~" + wireOf(ok), []got{good},
			Stats{Frames: 1, Aborted: 1}},
		{"longer than the MRU", DecoderConfig{MRU: 20}, wireOf(strings.Repeat("\xaa", 21)) + wireOf(ok), []got{good},
			Stats{Frames: 1, Oversize: 1}},
		{"longer than the MRU by far", DecoderConfig{MRU: 20}, wireOf(strings.Repeat("\xaa", 5000)) + wireOf(ok), []got{good},
			Stats{Frames: 1, Oversize: 1}},
		{"as long as the MRU", DecoderConfig{MRU: len(ok)}, wireOf(ok), []got{good}, Stats{Frames: 1}},
		{"unknown Control field", DecoderConfig{}, string(frameOf(Config{}, []byte("\xff\x13\x00\x21data"))), nil, Stats{BadHeader: 1}},
		{"half a protocol field", DecoderConfig{}, string(frameOf(Config{}, []byte("\xff\x03\xc0"))), nil, Stats{BadHeader: 1}},
		{"noise before the first flag", DecoderConfig{}, "\x80\x81\x82\x83\x84\x85" + wireOf(ok), []got{good}, Stats{Frames: 1, Noise: 6}},
		{"the first flag is missing", DecoderConfig{}, wireOf(ok)[1:], []got{good}, Stats{Frames: 1}},
		{"control characters put in on the way (RFC 1662 section 4.2)", DecoderConfig{ACCM: 0x000a0000},
			strings.ReplaceAll(wireOf(ok), "damaged", "\x11dam\x13aged\x11"), []got{good}, Stats{Frames: 1, Controls: 3}},
		{"one between the Control Escape and its octet", DecoderConfig{ACCM: 0x000a0000},
			strings.ReplaceAll(wireOf("a}b"), "}", "}\x11"), []got{frame(0x21, "a}b")}, Stats{Frames: 1, Controls: 1}},
		{"a control character not in the map is data", DecoderConfig{ACCM: 0x00080000}, wireOf("\x11"), []got{frame(0x21, "\x11")},
			Stats{Frames: 1}},
		{"both forms of both fields, agreed or not", DecoderConfig{},
			string(frameOf(Config{}, []byte("\xff\x03\x00\x21a"))) + string(frameOf(Config{}, []byte("\xff\x03\x21a"))) +
				string(frameOf(Config{}, []byte("\x00\x21a"))) + string(frameOf(Config{}, []byte("\x21a"))),
			[]got{frame(0x21, "a"), frame(0x21, "a"), frame(0x21, "a"), frame(0x21, "a")}, Stats{Frames: 4}},
		{"a peer that starts anew asks with FCS-16", DecoderConfig{FCS: FCS32},
			string(frameOf(Config{}, []byte("\xff\x03\xc0\x21\x01\x01\x00\x04"))), []got{frame(0xc021, "\x01\x01\x00\x04")}, Stats{Frames: 1}},
		{"but nothing else comes with FCS-16 then", DecoderConfig{FCS: FCS32},
			string(frameOf(Config{}, []byte("\xff\x03\xc0\x21\x02\x01\x00\x04"))), nil, Stats{FCSErrors: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, size := range map[string]func() int{"whole": whole, "single": single} {
				d := NewDecoder(c.cfg)
				if items := decode(d, []byte(c.in), size); !slices.Equal(items, c.want) {
					t.Errorf("%s: %v, want %v", name, items, c.want)
				}
				want := c.stat
				want.Bytes = uint64(len(c.in))
				if s := d.Stats(); s != want {
					t.Errorf("%s: %+v, want %+v", name, s, want)
				}
			}
		})
	}
}

func TestTextBetweenFrames(t *testing.T) {
	const ok = "\x45\x00 data"
	good := frame(0x0021, ok)
	for _, c := range []struct {
		name  string
		accm  uint32
		in    string
		want  []got
		flush []got // what Flush then gives
	}{
		{"glued to the closing flag, no flag behind", 0, wireOf(ok) + "\r\nNO CARRIER\r\n", []got{good, line("\r\nNO CARRIER\r\n")}, nil},
		{"the same, every control character being dropped from frames", 0xffffffff,
			string(NewEncoder(DefaultConfig()).Append(nil, 0x21, []byte(ok))) + "\r\nNO CARRIER\r\n",
			[]got{good, line("\r\nNO CARRIER\r\n")}, nil},
		{"echo and result before the first frame", 0, "ATD*99#\r\r\nCONNECT\r\n" + wireOf(ok),
			[]got{line("ATD*99#\r\r\n"), line("CONNECT\r\n"), good}, nil},
		{"without a line end, a flag behind", 0, wireOf(ok) + "NO CARRIER" + wireOf(ok), []got{good, line("NO CARRIER"), good}, nil},
		{"without a line end, no flag behind", 0, wireOf(ok) + "\r\nNO CARR", []got{good}, []got{line("\r\nNO CARR")}},
		{"a numeric result code", 0, wireOf(ok) + "3\r", []got{good}, []got{line("3\r")}},
		{"line ends alone are no text", 0, wireOf(ok) + "\r\n\r\n" + wireOf(ok) + "\r\n", []got{good, good}, nil},
		{"glued between text and a frame without opening flag", 0, "~\r\nCONNECT\r\n" + wireOf(ok)[1:],
			[]got{line("\r\nCONNECT\r\n"), good}, nil},
		{"in the middle of a frame", 0, wireOf(ok) + wireOf(ok)[:9] + "\r\nNO CARRIER\r\n", []got{good}, []got{line("\r\nNO CARRIER\r\n")}},
		{"in the middle of a frame, a flag behind", 0, wireOf(ok) + wireOf(ok)[:9] + "\r\nNO CARRIER\r\n~",
			[]got{good, line("\r\nNO CARRIER\r\n")}, nil},
		{"in the middle of a frame, every control character being dropped from it", 0xffffffff,
			"~\xff}#\xc0!}!\r\nNO CARRIER\r\n", []got{line("NO CARRIER")}, nil},
		{"two lines", 0, "~\r\nNO CARRIER\r\n\r\n+CGREG: 0\r\n", []got{line("\r\nNO CARRIER\r\n"), line("\r\n+CGREG: 0\r\n")}, nil},
		// A compressed header makes a frame begin like text: "!" is IP. It must not be lost.
		{"a frame that is all printable", 0, "~" + printableFrame(t), []got{frame(0x21, printableInfo(t))}, nil},
		{"a frame that holds a line is given out as both", 0, compressed("NO CARRIER\r\n\x80 and more"),
			[]got{line("!NO CARRIER\r\n"), frame(0x21, "NO CARRIER\r\n\x80 and more")}, nil},
		{"half a compressed IP packet is no text", 0, compressed("\x45\x00\x00\x20")[:4], nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, size := range map[string]func() int{"whole": whole, "single": single} {
				d := NewDecoder(DecoderConfig{ACCM: c.accm})
				if items := decode(d, []byte(c.in), size); !slices.Equal(items, c.want) {
					t.Errorf("%s: %v, want %v", name, items, c.want)
				}
				var flushed []got
				for i := d.Flush(); i.Kind != None; i = d.Flush() {
					flushed = append(flushed, keep(i))
				}
				if !slices.Equal(flushed, c.flush) {
					t.Errorf("%s: Flush gives %v, want %v", name, flushed, c.flush)
				}
			}
		})
	}
}

// printableInfo finds a packet whose whole compressed frame, FCS included, is printable.
func printableInfo(t *testing.T) string {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100000 {
		info := make([]byte, 12)
		for i := range info {
			info[i] = 'A' + byte(r.IntN(26))
		}
		wire := compressed(string(info))
		if strings.IndexFunc(wire[1:len(wire)-1], func(c rune) bool { return !isPrintable(byte(c)) || c > 0x7f }) < 0 {
			return string(info)
		}
	}
	t.Fatal("none found")
	return ""
}

func printableFrame(t *testing.T) string { return compressed(printableInfo(t))[1:] }

func TestFlushLosesNoFrame(t *testing.T) {
	for _, wire := range []string{compressed("NO CARRIER\r\n and more"), compressed("E"), wireOf("x\r\nOK\r\nrest")} {
		for cut := range wire {
			d := NewDecoder(DecoderConfig{})
			decode(d, []byte(wire[:cut]), whole)
			d.Flush()
			items := decode(d, []byte(wire[cut:]), whole)
			if len(items) == 0 || items[len(items)-1].Kind != Frame {
				t.Fatalf("%q cut at %d: %v", wire, cut, items)
			}
		}
	}
}

func TestResynchronisesAfterNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	d := NewDecoder(DecoderConfig{})
	for range 2000 {
		noise := make([]byte, r.IntN(40))
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		decode(d, noise, whole)
		items := decode(d, []byte(wireOf("after the noise")), whole)
		if len(items) == 0 || items[len(items)-1] != frame(0x21, "after the noise") {
			t.Fatalf("after %x: %v", noise, items)
		}
	}
	if s := d.Stats(); s.FCSErrors == 0 || s.Short == 0 || s.Aborted == 0 {
		t.Errorf("%+v", s)
	}
}

func TestTextWithoutEndTakesNoMoreMemory(t *testing.T) {
	d := NewDecoder(DecoderConfig{MRU: 100})
	var n int
	for range 1000 {
		for _, i := range decode(d, []byte(strings.Repeat("x", 100)), whole) {
			if i.Kind != Text || len(i.Data) > maxLine {
				t.Fatal(i)
			}
			n += len(i.Data)
		}
	}
	if len(d.buf) > 200 || n < 100*1000-maxLine {
		t.Errorf("buffer of %d octets, %d octets of text", len(d.buf), n)
	}
	if items := decode(d, []byte("\r\n"+wireOf("a")), whole); items[len(items)-1] != frame(0x21, "a") {
		t.Errorf("%v", items)
	}
}

func TestHeadroom(t *testing.T) {
	for _, c := range []Config{{}, {ACFC: true, PFC: true}} {
		wire := NewEncoder(c).Append(nil, 0x0021, []byte("packet"))
		d := NewDecoder(DecoderConfig{})
		item, _ := d.Next(wire)
		if len(item.Room) != Headroom+6 || &item.Room[Headroom] != &item.Info[0] {
			t.Fatalf("%+v", item)
		}
		clear(item.Room[:Headroom]) // may be overwritten
		if item, _ = d.Next(wire); !bytes.Equal(item.Info, []byte("packet")) {
			t.Errorf("%q", item.Info)
		}
	}
}

func TestSettingsChangeBetweenFrames(t *testing.T) {
	e, d := NewEncoder(DefaultConfig()), NewDecoder(DefaultDecoderConfig())
	wire := e.Append(nil, 0xc021, []byte("\x01\x01\x00\x04"))
	e.Set(Config{FCS: FCS32, ACFC: true, PFC: true})
	rest := e.Append(nil, 0x0021, bytes.Repeat([]byte{0x8d}, 2000))
	items := decode(d, append(wire, rest[:3]...), whole)
	d.Set(DecoderConfig{FCS: FCS32, MRU: 2000})
	items = append(items, decode(d, rest[3:], whole)...)
	if len(items) != 2 || items[1].Protocol != 0x0021 || len(items[1].Data) != 2000 {
		t.Errorf("%v", items)
	}
	decode(d, rest[:1500], whole)
	d.Set(DecoderConfig{MRU: 100}) // what has arrived is too long now
	if items := decode(d, rest[1500:], whole); items != nil || d.Stats().Oversize != 1 {
		t.Errorf("%v, %+v", items, d.Stats())
	}
}
