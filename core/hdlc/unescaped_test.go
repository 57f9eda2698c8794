package hdlc

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A peer that escapes no control character, although it was told to escape all of them: the FCS tells that they belong to
// the frame (peers B4). One that does, with characters put in on the way (RFC 1662 section 4.2), is read as ever.
func TestFramesWithAndWithoutControlCharacters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	info := func() []byte {
		b := make([]byte, 1+r.IntN(1400))
		for i := range b {
			b[i] = byte(r.IntN(256))
			if r.IntN(3) == 0 {
				b[i] = "\x7d\x7e\x11\x03\n\r\x00\x1f"[r.IntN(8)]
			}
		}
		b[0] = 0x45
		return b
	}
	noise := func(wire []byte) []byte {
		var out []byte
		for _, c := range wire {
			for r.IntN(20) == 0 {
				out = append(out, byte(r.IntN(32)))
			}
			out = append(out, c)
		}
		return out
	}
	for _, c := range []struct {
		name      string
		encode    func([]byte) []byte
		unescaped bool
	}{
		{"escaped", func(b []byte) []byte { return NewEncoder(DefaultConfig()).Append(nil, 0x21, b) }, false},
		{"escaped, with noise", func(b []byte) []byte { return noise(NewEncoder(DefaultConfig()).Append(nil, 0x21, b)) }, false},
		{"not escaped", func(b []byte) []byte { return NewEncoder(Config{}).Append(nil, 0x21, b) }, true},
		{"some escaped", func(b []byte) []byte { return NewEncoder(Config{ACCM: 0x000a0000}).Append(nil, 0x21, b) }, true},
	} {
		for name, size := range map[string]func() int{"whole": whole, "single": single} {
			var wire []byte
			var want []got
			for range 40 {
				b := info()
				wire = append(wire, c.encode(b)...)
				want = append(want, frame(0x21, string(b)))
			}
			d := NewDecoder(DefaultDecoderConfig())
			items := slices.DeleteFunc(decode(d, wire, size), func(g got) bool { return g.Kind == Text }) // before the first is judged
			if !slices.Equal(items, want) {
				t.Errorf("%s, %s: %d of %d frames: %+v", c.name, name, len(items), len(want), d.Stats())
			}
			if s := d.Stats(); (s.Unescaped > 0) != c.unescaped || s.FCSErrors > 0 {
				t.Errorf("%s, %s: %+v", c.name, name, s)
			}
		}
	}
}

// A damaged frame with control characters stays a damaged frame, and costs no more memory than there is.
func TestDamagedAndNotEscaped(t *testing.T) {
	d := NewDecoder(DefaultDecoderConfig())
	wire := []byte("~")
	for range 100_000 {
		wire = append(wire, 0x11, 0x80)
	}
	wire = append(wire, '~', 0x80, 0x11, 0x81, 0x82, 0x83, 0x84, '~', 0x7d, 0x11, '~')
	wire = append(wire, wireOf("E\x00 good")...)
	items := decode(d, wire, whole)
	if s := d.Stats(); !slices.Equal(items, []got{frame(0x21, "E\x00 good")}) || s.Oversize != 1 || s.FCSErrors != 1 || s.Unescaped != 1 || len(d.controls) > maxDropped+1 {
		t.Errorf("%v, %+v", items, s)
	}
}
