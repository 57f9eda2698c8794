package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/source"
)

// tells gives what a recording tells, in short.
func tells(t *testing.T, b []byte) (format, text string) {
	t.Helper()
	f, score := find(b)
	if score == 0 {
		t.Fatalf("no format for\n%s", b)
	}
	s := f.Open(source.NewInput(bytes.NewReader(b)), source.Config{})
	var out strings.Builder
	for {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			return f.Name, out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := r.Event.(type) {
		case event.Packet:
			out.WriteString(e.Line() + "\n")
		case event.AT:
			out.WriteString(e.Dir.String() + " " + e.Text + "\n")
		case event.Unread:
			out.WriteString("?? " + e.Reason + "\n")
		}
	}
}

// Octets in hexadecimal, as programs and people write them: two frames of IPCP, the host's and the modem's.
func TestWaysToWriteOctets(t *testing.T) {
	ask := []byte{1, 1, 0, 10, 3, 6, 0, 0, 0, 0}
	nak := []byte{3, 1, 0, 10, 3, 6, 10, 1, 2, 3}
	const want = "sent [IPCP ConfReq id=0x1 <addr 0.0.0.0>]\nrcvd [IPCP ConfNak id=0x1 <addr 10.1.2.3>]\n"
	framed := func(info []byte) []byte { return hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.IPCP, info) }
	plain := func(info []byte) []byte { return append([]byte{0xff, 0x03, 0x80, 0x21}, info...) }
	spaced := func(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% x", b)) }
	tight := func(b []byte) string { return fmt.Sprintf("%x", b) }
	withFCS := func(b []byte) []byte { return hdlc.AppendFCS(bytes.Clone(b), b) }
	trimmed := func(b []byte) []byte { return b[1 : len(b)-1] }
	array := func(b []byte) string {
		return "uint8_t x[] = {\n  " + strings.TrimSuffix(strings.ReplaceAll("0x"+strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ", 0x"), "0x, ", ""), ", ") + "\n};"
	}
	escaped := func(b []byte) string { return `x = "\x` + strings.ReplaceAll(spaced(b), " ", `\x`) + `"` }
	xxd := func(b []byte) string {
		var s strings.Builder
		for i := 0; i < len(b); i += 16 {
			fmt.Fprintf(&s, "%08x:", i)
			row := b[i:min(i+16, len(b))]
			for k, c := range row {
				if k%2 == 0 {
					s.WriteByte(' ')
				}
				fmt.Fprintf(&s, "%02x", c)
			}
			s.WriteString("  ...\n")
		}
		return s.String()
	}
	wrapped := func(b []byte) string { return tight(b[:7]) + "\n" + tight(b[7:]) }
	for name, write := range map[string]func(info []byte) string{
		"with blanks":                 func(i []byte) string { return spaced(framed(i)) },
		"without blanks":              func(i []byte) string { return tight(framed(i)) },
		"without flags and FCS":       func(i []byte) string { return tight(plain(i)) },
		"without flags, with FCS":     func(i []byte) string { return spaced(withFCS(plain(i))) },
		"without flags, with escapes": func(i []byte) string { return spaced(trimmed(framed(i))) },
		"without Address and Control": func(i []byte) string { return tight(plain(i)[2:]) },
		"wrapped":                     func(i []byte) string { return wrapped(plain(i)) },
		"an array in C":               func(i []byte) string { return array(framed(i)) },
		"a text in C":                 func(i []byte) string { return escaped(framed(i)) },
		"xxd":                         func(i []byte) string { return xxd(framed(i)) },
		"a frame of the multiplexer about it": func(i []byte) string {
			return spaced(cmux.Append(nil, cmux.Basic, cmux.Frame{DLCI: 1, Type: cmux.UIH, Info: framed(i)}))
		},
		"of the multiplexer's advanced option": func(i []byte) string {
			return tight(cmux.Append(nil, cmux.Advanced, cmux.Frame{DLCI: 2, Type: cmux.UIH, Info: framed(i)}))
		},
		"with a colon, in capital letters":        func(i []byte) string { return strings.ToUpper(strings.ReplaceAll(spaced(framed(i)), " ", ":")) },
		"behind an offset, characters at the end": func(i []byte) string { return "0000   " + spaced(framed(i)) + "   ~.}#.!" },
	} {
		t.Run(name, func(t *testing.T) {
			for how, text := range map[string]string{
				"without directions":      write(ask) + "\n" + write(nak) + "\n",
				"directions alone":        ">\n" + write(ask) + "\n<\n" + write(nak) + "\n",
				"words for the direction": "TX:\n" + write(ask) + "\nRX:\n" + write(nak) + "\n",
			} {
				if _, got := tells(t, []byte(text)); got != want {
					t.Errorf("%s:\n%s gives\n%s", how, text, got)
				}
			}
		})
	}
}

// Of pppd's records other programs make captures in which the FCS trails each packet and the AT dialogue stands as packets.
func TestConvertedRecord(t *testing.T) {
	file := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	file = binary.LittleEndian.AppendUint32(file, 2|4<<16)
	file = append(file, make([]byte, 8)...)
	file = binary.LittleEndian.AppendUint32(file, 65535)
	file = binary.LittleEndian.AppendUint32(file, linkPPPWithDir)
	lcp := []byte{0xff, 0x03, 0xc0, 0x21, 9, 2, 0, 8, 1, 2, 3, 4}
	data := append([]byte{0x21}, bytes.Repeat([]byte{0x45, 0}, 20)...)
	for _, p := range [][]byte{
		append([]byte{1}, "ATD*99#\r"...), append([]byte{0}, "\r\nCONNECT\r\n"...),
		append([]byte{1}, hdlc.AppendFCS(bytes.Clone(lcp), lcp)...), append([]byte{0}, lcp...), append([]byte{1}, data...),
	} {
		file = append(file, make([]byte, 8)...)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(p)))
		file = binary.LittleEndian.AppendUint32(file, uint32(len(p)))
		file = append(file, p...)
	}
	const want = "sent ATD*99#\nrcvd CONNECT\nsent [LCP EchoReq id=0x2 magic=0x1020304]\nrcvd [LCP EchoReq id=0x2 magic=0x1020304]\n"
	if _, got := tells(t, file); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
