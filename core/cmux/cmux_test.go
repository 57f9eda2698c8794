package cmux

import (
	"bytes"
	"errors"
	"testing"
)

// Frames that modems and hosts send, as recordings have them.
func TestFrames(t *testing.T) {
	for name, tt := range map[string]struct {
		option Option
		octets string
		frame  Frame
	}{
		"27.010 5.4.1: SABM opens the control channel": {Basic, "\xf9\x03\x3f\x01\x1c\xf9", Frame{0, true, SABM, true, nil}},
		"5.4.1: UA agrees": {Basic, "\xf9\x03\x73\x01\xd7\xf9", Frame{0, true, UA, true, nil}},
		"5.2.1.6: of UIH the FCS does not cover the data": {Basic, "\xf9\x05\xef\x21\x7e\xff\x03\xc0\x21\x09\x02\x00\x08\x50\xed\x76\x89\x15\xc7\x7e\x6e\xf9",
			Frame{1, false, UIH, false, []byte("\x7e\xff\x03\xc0\x21\x09\x02\x00\x08\x50\xed\x76\x89\x15\xc7\x7e")}},
		"5.2.2: the advanced option":                       {Advanced, "\x7e\x03\x3f\xfc\x7e", Frame{0, true, SABM, true, nil}},
		"5.2.2: octets are escaped in the advanced option": {Advanced, "\x7e\x05\xef\x7d\x5e\x7d\x5d\xdf\x7e", Frame{1, false, UIH, false, []byte{0x7e, 0x7d}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Append(nil, tt.option, tt.frame)
			f, n, err := Parse(tt.option, got, MaxInfo)
			if err != nil || n != len(got)-1 || f.DLCI != tt.frame.DLCI || f.Type != tt.frame.Type || f.CR != tt.frame.CR || f.PF != tt.frame.PF || !bytes.Equal(f.Info, tt.frame.Info) {
				t.Fatalf("%x: %+v, %d, %v", got, f, n, err)
			}
			if string(got) != tt.octets {
				t.Errorf("%x, want %x", got, tt.octets)
			}
		})
	}
}

// A length of more than 127 has a second octet (5.2.1.5), and no frame is taken whose flag, FCS or control field is wrong.
func TestParse(t *testing.T) {
	long := Append(nil, Basic, Frame{DLCI: 3, Type: UI, Info: bytes.Repeat([]byte{0xf9}, 300)})
	if f, _, err := Parse(Basic, long, MaxInfo); err != nil || len(f.Info) != 300 || long[3]&1 != 0 {
		t.Fatal(err, len(f.Info))
	}
	if _, _, err := Parse(Basic, long, 299); !errors.Is(err, ErrFrame) {
		t.Error("a limit is not kept", err)
	}
	for i := range long[:len(long)-1] {
		if _, _, err := Parse(Basic, long[:i], MaxInfo); !errors.Is(err, ErrShort) {
			t.Fatal(i, err)
		}
	}
	for i := 1; i < len(long); i++ { // also of the data: UI covers them
		bad := bytes.Clone(long)
		bad[i] ^= 0x42
		if _, _, err := Parse(Basic, bad, MaxInfo); err == nil {
			t.Fatal(i)
		}
	}
}

// What stands between frames comes out, however the octets are cut.
func TestDecoder(t *testing.T) {
	stream := append([]byte("OK\r\n"), Append(nil, Basic, Frame{DLCI: 1, Type: UIH, Info: []byte("AT\r")})...)
	stream = append(stream, Append(nil, Basic, Frame{DLCI: 2, CR: true, Type: UIH, Info: []byte{0x7e, 0xff, 0xf9}})[1:]...) // one flag between two
	stream = append(stream, "NO CARRIER\r\n"...)
	for size := 1; size <= len(stream); size++ {
		d := NewDecoder(Basic, 100)
		var frames, other []byte
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			d.Write(rest[:n])
			rest = rest[n:]
			for f, o, ok := d.Next(); ok; f, o, ok = d.Next() {
				other = append(other, o...)
				frames = append(frames, f.Info...)
			}
		}
		other = append(other, d.Rest()...)
		if string(frames) != "AT\r\x7e\xff\xf9" || string(other) != "OK\r\n\xf9NO CARRIER\r\n" {
			t.Fatalf("%d: %q, %q", size, frames, other)
		}
	}
}

// A line that idles in flags for hours holds no memory, and the frame behind them comes.
func TestIdleFlags(t *testing.T) {
	for _, o := range []Option{Basic, Advanced} {
		want := Frame{DLCI: 1, Type: UIH, Info: []byte("AT\r")}
		frame := Append(nil, o, want)
		d := NewDecoder(o, 64)
		for range 10_000 {
			d.Write(frame[:1])
			if _, other, ok := d.Next(); ok {
				t.Fatalf("%v: %x comes out", o, other)
			}
		}
		if n := len(d.buf) - d.taken; n > 1 {
			t.Errorf("%v: %d octets are held", o, n)
		}
		d.Write(frame)
		if f, _, ok := d.Next(); !ok || !bytes.Equal(f.Info, want.Info) {
			t.Errorf("%v: %+v, %v", o, f, ok)
		}
	}
}

func TestMessage(t *testing.T) {
	m, rest, ok := ParseMessage([]byte{0xe3, 0x05, 0x07, 0x0d, 0xc3, 0x01})
	if !ok || m.Name() != "MSC" || !m.Command || !bytes.Equal(m.Value, []byte{7, 13}) {
		t.Fatal(m, ok)
	}
	if m, rest, ok = ParseMessage(rest); !ok || m.Name() != "CLD" || len(rest) != 0 {
		t.Fatal(m, ok)
	}
	if _, _, ok = ParseMessage([]byte{0xe3, 0x09, 1}); ok {
		t.Error("a message that is cut off")
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\xf9\x05\xef\x09AT\r\n\x58\xf9"), uint8(0), uint8(3))
	f.Add([]byte("\x7e\x05\xef\x7d\x5e\x7d\x5d\xdf\x7e"), uint8(1), uint8(1))
	f.Add(bytes.Repeat([]byte{advancedFlag}, 200), uint8(1), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, option, size uint8) {
		o := Option(option % 2)
		d := NewDecoder(o, 64)
		step := int(size%16) + 1
		for rest := b; len(rest) > 0; {
			n := min(step, len(rest))
			d.Write(rest[:n])
			rest = rest[n:]
			for fr, _, ok := d.Next(); ok; fr, _, ok = d.Next() {
				if fr.Type == 0 {
					continue
				}
				again, _, err := Parse(o, Append(nil, o, fr), MaxInfo)
				if err != nil || again.DLCI != fr.DLCI || again.Type != fr.Type || !bytes.Equal(again.Info, fr.Info) {
					t.Fatalf("%+v comes back as %+v, %v", fr, again, err)
				}
			}
			if len(d.buf)-d.taken > 2*(64+8) {
				t.Fatalf("%d octets are held", len(d.buf))
			}
		}
	})
}
