package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)

// The secrets of the call below, in every form in which they pass.
var secrets = []string{"s3cret-pass", "4711", "001010123456789", "\x01\x02\x03\x04RESPONSE", "+49301234567", "l0gin"}

func frame(protocol uint16, info []byte) []byte {
	return hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, protocol, info)
}

func control(code, id byte, data string) []byte {
	b := []byte{code, id, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(4+len(data)))
	return append(b, data...)
}

type said struct {
	dir event.Dir
	b   []byte
}

// call is a call with secrets in it.
func call() []said {
	damaged := frame(packet.PAP, control(packet.PAPRequest, 2, "\x02me\x0bs3cret-pass"))
	damaged[8] ^= 1
	return []said{
		{event.Sent, []byte("AT+CPIN=\"4711\"\r")}, {event.Rcvd, []byte("AT+CPIN=\"4711\"\r\r\nOK\r\n")},
		{event.Sent, []byte("AT+CIMI\r")}, {event.Rcvd, []byte("\r\n001010123456789\r\n\r\nOK\r\n")},
		{event.Sent, []byte("ATDT+49301234567\r")}, {event.Rcvd, []byte("\r\nCONNECT\r\nPassword: ")},
		{event.Sent, []byte("l0gin\r")},
		{event.Sent, frame(packet.LCP, control(packet.ConfigureRequest, 1, "\x02\x06\x00\x00\x00\x00"))},
		{event.Sent, frame(packet.PAP, control(packet.PAPRequest, 1, "\x02me\x0bs3cret-pass"))},
		{event.Sent, damaged},
		{event.Rcvd, frame(packet.CHAP, control(packet.CHAPChallenge, 1, "\x04abcdmodem"))},
		{event.Sent, frame(packet.CHAP, control(packet.CHAPResponse, 1, "\x0c\x01\x02\x03\x04RESPONSEme"))},
		{event.Rcvd, frame(packet.LCP, append([]byte{packet.ProtocolReject, 7, 0, 0x1a, 0xc0, 0x23}, control(packet.PAPRequest, 1, "\x02me\x0bs3cret-pass")...))},
		{event.Sent, frame(packet.IP, bytes.Repeat([]byte("E\x00 data "), 30))},
		{event.Rcvd, []byte("\r\nNO CARRIER\r\n")},
	}
}

// encode writes the call in pieces of some length.
func encode(o Options, piece int) []byte {
	e := NewEncoder(o)
	var out []byte
	now := start
	for _, s := range call() {
		for b := s.b; len(b) > 0; now = now.Add(130 * time.Millisecond) {
			n := min(piece, len(b))
			out = e.AppendBytes(out, now, s.dir, b[:n])
			b = b[n:]
		}
	}
	out = e.AppendRecord(out, event.Record{Time: now, Event: event.AT{Dir: event.Sent, Text: "ATZ"}})
	out = e.AppendRecord(out, event.Record{Time: now, Event: event.Quirk{Key: "ipcp.request", Value: "address", Source: "x.toml:3"}})
	return e.AppendEnd(out, now)
}

func TestFormatByName(t *testing.T) {
	for _, c := range []struct {
		format, file string
		want         Format
		err          bool
	}{
		{"", "a.pcapng", Pcapng, false}, {"", "a.b/A.PCAPNG", Pcapng, false}, {"", "a.record", PPPD, false}, {"", "a.ppp", PPPD, false},
		{"pppd", "a.pcapng", PPPD, false}, {"pcapng", "a", Pcapng, false},
		{"", "a.pcap", 0, true}, {"", "a", 0, true}, {"gif", "a.pcapng", 0, true},
	} {
		got, err := ParseFormat(c.format, c.file)
		var unknown *UnknownFormatError
		if got != c.want || errors.As(err, &unknown) != c.err {
			t.Errorf("%q %q: %v, %v", c.format, c.file, got, err)
		}
	}
}

// No form of a file holds a secret, whatever the pieces are in which the line was read; with Secrets it holds all.
func TestSecretsAreOverwritten(t *testing.T) {
	for _, format := range []Format{Pcapng, PPPD} {
		for _, piece := range []int{1, 7, 10000} {
			file := encode(Options{Format: format}, piece)
			plain := plainOf(t, format, file)
			for _, s := range secrets {
				if bytes.Contains(file, []byte(s)) || strings.Contains(plain, s) {
					t.Errorf("%v in pieces of %d: %q is in the file", format, piece, s)
				}
			}
			if !strings.Contains(plain, "me\x0b***********") {
				t.Errorf("%v in pieces of %d: the PAP request is not there without its password", format, piece)
			}
			if !strings.Contains(plain, "E\x00 data ") {
				t.Errorf("%v in pieces of %d: the data packet is not there", format, piece)
			}
		}
		open := plainOf(t, format, encode(Options{Format: format, Secrets: true}, 10000))
		for _, s := range secrets {
			if asked := format == PPPD || strings.HasPrefix(s, "s3") || s[0] == 1; asked && !strings.Contains(open, s) {
				t.Errorf("%v with secrets: %q is not there", format, s)
			}
		}
		if only := plainOf(t, format, encode(Options{Format: format, ControlOnly: true}, 10)); strings.Contains(only, " data ") || !strings.Contains(only, "me\x0b****") {
			t.Errorf("%v of control packets only: not what was asked for", format)
		}
	}
}

// plainOf is everything that a file says, without escapes: the frames of either direction by hdlc, and what is text.
func plainOf(t *testing.T, format Format, file []byte) string {
	t.Helper()
	if format == Pcapng {
		return string(file) // frames stand in it without escapes
	}
	var all strings.Builder
	for dir, b := range unpackPPPD(t, file) {
		all.Write(b)
		d := hdlc.NewDecoder(hdlc.DecoderConfig{MRU: 4096})
		for item, rest := d.Next(b); item.Kind != hdlc.None; item, rest = d.Next(rest) {
			all.Write(item.Info)
		}
		if n := d.Stats().FCSErrors; n > 1 { // the one that arrived damaged
			t.Errorf("%v: %d frames with a wrong FCS", event.Dir(dir), n)
		}
	}
	return all.String()
}

// unpackPPPD reads the format as pppdump(8) does, and gives the octets by direction.
func unpackPPPD(t *testing.T, file []byte) (ways [2][]byte) {
	t.Helper()
	if len(file) < 6 || file[0] != 7 {
		t.Fatalf("the file begins with % x", file[:min(6, len(file))])
	}
	for len(file) > 0 {
		switch file[0] {
		case 7, 5:
			file = file[5:]
		case 6:
			file = file[2:]
		case 1, 2:
			n := int(binary.BigEndian.Uint16(file[1:]))
			dir := event.Sent
			if file[0] == 2 {
				dir = event.Rcvd
			}
			ways[dir] = append(ways[dir], file[3:3+n]...)
			file = file[3+n:]
		case 3:
			file = file[1:]
		default:
			t.Fatalf("an item %d", file[0])
		}
	}
	return ways
}

// With secrets, pppd's format holds the line octet for octet; without, all octets of a call that has none.
func TestPPPDFormatIsExact(t *testing.T) {
	e, plain := NewEncoder(Options{Format: PPPD, Secrets: true}), NewEncoder(Options{Format: PPPD})
	var want, wantPlain [2][]byte
	var file, filePlain []byte
	for i, s := range call() {
		file = e.AppendBytes(file, start, s.dir, s.b)
		want[s.dir] = append(want[s.dir], s.b...)
		if i == 3 || i >= 7 && i != 8 && i != 9 && i != 11 && i != 12 {
			if i == 3 {
				s.b = []byte("\r\nREADY\r\n")
			}
			filePlain = plain.AppendBytes(filePlain, start, s.dir, s.b)
			wantPlain[s.dir] = append(wantPlain[s.dir], s.b...)
		}
	}
	for i, got := range unpackPPPD(t, e.AppendEnd(file, start)) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("%v:\n% x\nwant\n% x", event.Dir(i), got, want[i])
		}
	}
	for i, got := range unpackPPPD(t, plain.AppendEnd(filePlain, start)) {
		if !bytes.Equal(got, wantPlain[i]) {
			t.Errorf("without secrets, %v:\n% x\nwant\n% x", event.Dir(i), got, wantPlain[i])
		}
	}
}

// The clock of pppd's format counts in tenths of a second and never goes back.
func TestPPPDClock(t *testing.T) {
	e := NewEncoder(Options{Format: PPPD, Secrets: true})
	var file []byte
	for _, after := range []time.Duration{0, 40 * time.Millisecond, 30 * time.Second, 10 * time.Second, 31 * time.Second} {
		file = e.AppendBytes(file, start.Add(after), event.Sent, []byte{'x'})
	}
	second := binary.BigEndian.AppendUint32([]byte{7}, uint32(start.Unix()))
	want := append(second, 6, 2, 1, 0, 1, 'x', 1, 0, 1, 'x', 5, 0, 0, 1, 0x2c, 1, 0, 1, 'x', 1, 0, 1, 'x', 6, 10, 1, 0, 1, 'x')
	if !bytes.Equal(file, want) {
		t.Errorf("% x\nwant\n% x", file, want)
	}
}

// A command that no table knows may hold a secret: one that is known is found in it.
func TestKnownSecrets(t *testing.T) {
	e := NewEncoder(Options{Format: PPPD, Hidden: []string{"s3cret-pass", "471"}})
	file := e.AppendBytes(nil, start, event.Sent, []byte("AT^ODD=1,s3cret-pass\rAT^PIN=\"471\",4715\r"))
	got := string(unpackPPPD(t, e.AppendEnd(file, start))[event.Sent])
	if want := "AT^ODD=1,<hidden>\rAT^PIN=\"<hidden>\",<hidden>\r"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A command that is hidden whole, as a plugin's sensitive step is, has an answer that is hidden as well.
func TestPrivateCommand(t *testing.T) {
	e := NewEncoder(Options{Format: PPPD})
	e.Hide([]string{"AT^GETKEY?"})
	file := e.AppendBytes(nil, start, event.Sent, []byte("AT^GETKEY?\r"))
	file = e.AppendBytes(file, start, event.Rcvd, []byte("AT^GETKEY?\r\r\n^KEY: a1b2\r\n\r\nOK\r\n"))
	file = e.AppendBytes(file, start, event.Sent, []byte("ATI\r"))
	file = e.AppendBytes(file, start, event.Rcvd, []byte("ATI\r\r\nE398\r\n\r\nOK\r\n"))
	got := unpackPPPD(t, e.AppendEnd(file, start))
	if want := "<hidden>\rATI\r"; string(got[event.Sent]) != want {
		t.Errorf("sent %q, want %q", got[event.Sent], want)
	}
	if want := "<hidden>\r\r\n^KEY: <hidden>\r\n\r\nOK\r\nATI\r\r\nE398\r\n\r\nOK\r\n"; string(got[event.Rcvd]) != want {
		t.Errorf("received %q, want %q", got[event.Rcvd], want)
	}
}

// What begins as a prompt for a PIN does may be an answer that says that none is needed.
func TestNoPrompt(t *testing.T) {
	e := NewEncoder(Options{Format: PPPD})
	file := e.AppendBytes(nil, start, event.Rcvd, []byte("+CPIN: READY\r\nOK\r\n"))
	file = e.AppendBytes(file, start, event.Sent, []byte("AT+CSQ\r"))
	if got := string(unpackPPPD(t, e.AppendEnd(file, start))[event.Sent]); got != "AT+CSQ\r" {
		t.Errorf("%q", got)
	}
}

func TestFileName(t *testing.T) {
	if got := FileName("/log/%t.pcapng", start); got != "/log/20260301-120000.pcapng" {
		t.Error(got)
	}
}

func FuzzEncoders(f *testing.F) {
	for _, s := range call() {
		f.Add(s.b, uint8(3))
	}
	f.Add([]byte{0x7e, 0x7d, 0x7e, 0x7d}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		all := Options{Format: PPPD, Secrets: true}
		for i, o := range []Options{all, {Format: PPPD}, {Format: PPPD, ControlOnly: true}, {Format: Pcapng}} {
			e := NewEncoder(o)
			var file []byte
			for at := 0; at < len(b); at += int(piece) + 1 {
				file = e.AppendBytes(file, start, event.Rcvd, b[at:min(at+int(piece)+1, len(b))])
			}
			file = e.AppendEnd(file, start)
			if i == 0 && len(b) > 0 && !bytes.Equal(unpackPPPD(t, file)[event.Rcvd], b) {
				t.Error("not the same octets")
			}
			if o.Format == Pcapng {
				checkBlocks(t, file)
			}
		}
	})
}

// checkBlocks walks over the blocks of a pcapng file.
func checkBlocks(t *testing.T, file []byte) {
	t.Helper()
	for len(file) > 0 {
		if len(file) < 12 {
			t.Fatalf("%d octets behind the last block", len(file))
		}
		n := binary.LittleEndian.Uint32(file[4:])
		if n%4 != 0 || n < 12 || int(n) > len(file) || binary.LittleEndian.Uint32(file[n-4:]) != n {
			t.Fatalf("a block of length %d", n)
		}
		file = file[n:]
	}
}

// A modem's first frame often comes in one read with CONNECT: in the file it stands behind it, whoever reads the text.
func TestFrameStandsBehindItsText(t *testing.T) {
	request := frame(packet.LCP, control(packet.ConfigureRequest, 1, "\x02\x06\x00\x00\x00\x00"))
	connect := append([]byte("\r\nCONNECT\r\n"), request...)
	for _, lines := range []bool{false, true} {
		e := NewEncoder(Options{Lines: lines})
		file := e.AppendBytes(nil, start, event.Sent, []byte("ATD*99#\r"))
		file = e.AppendBytes(file, start, event.Rcvd, connect)
		if !lines {
			for _, told := range []event.Event{event.AT{Dir: event.Rcvd, Text: "CONNECT"}, event.Phase{Phase: "lcp"}, event.Notice{Text: "later"}} {
				file = e.AppendRecord(file, event.Record{Time: start.Add(time.Millisecond), Event: told})
			}
		}
		file = e.AppendEnd(file, start)
		checkBlocks(t, file)
		text, first := bytes.Index(file, []byte("CONNECT")), bytes.Index(file, []byte{0xff, 0x03, 0xc0, 0x21})
		if text < 0 || first < text || bytes.Count(file, []byte{0xc0, 0x21}) != 1 {
			t.Errorf("lines=%v: text at %d, frame at %d", lines, text, first)
		}
		if phase := bytes.Index(file, []byte("== lcp")); !lines && phase < first {
			t.Errorf("the phase, at %d, is not behind the frame, at %d", phase, first)
		}
	}
}
