package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

// drain reads a recording to its end, which must come, and takes sums.
func drain(t testing.TB, f source.Format, b []byte, c source.Config) (records int, unread int) {
	t.Helper()
	s := f.Open(source.NewInput(bytes.NewReader(b)), c)
	for {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			if _, again := s.Next(); !errors.Is(again, io.EOF) {
				t.Fatalf("after the end: %v", again)
			}
			return records, unread
		}
		if err != nil {
			t.Fatal(err)
		}
		records++
		if u, ok := r.Event.(event.Unread); ok {
			if unread += u.Bytes; u.Bytes < 0 || u.Reason == "" || len(u.Text) > 4000 {
				t.Fatalf("%#v", u)
			}
		}
	}
}

// A recording may be cut anywhere and damaged anywhere; what stood before is still there.
func TestDamage(t *testing.T) {
	pieces := call(t, "behaves")
	random := rand.New(rand.NewPCG(3, 4))
	for _, tt := range written {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.write(pieces)
			f, _ := find(file)
			whole, unread := drain(t, f, file, source.Config{})
			if unread > 0 {
				t.Fatalf("%d octets are unread of a sound file", unread)
			}
			for range 20 {
				n := random.IntN(len(file))
				if cut, _ := drain(t, f, file[:n], source.Config{}); cut > whole+6 {
					t.Errorf("cut at %d there are %d records, whole %d", n, cut, whole)
				}
				damaged := bytes.Clone(file)
				for range 1 + random.IntN(8) {
					damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
				}
				drain(t, f, damaged, source.Config{})
			}
		})
	}
}

// pppd's record file: what is damaged in the middle costs little more than itself.
func TestResync(t *testing.T) {
	pieces := call(t, "behaves")
	file := writePPPDRecord(pieces)
	cut := bytes.LastIndex(file[:len(file)/2], []byte{itemRcvd, 0}) // the beginning of an item
	damaged := append(bytes.Clone(file[:cut]), append([]byte("\xffgarbage that is no item\xfe"), file[cut:]...)...)
	_, unread := drain(t, pppdRecordFormat, damaged, source.Config{})
	if unread < 20 || unread > 300 {
		t.Errorf("%d octets are unread", unread)
	}
	got := readAll(t, pppdRecordFormat, bytes.NewReader(damaged), source.Config{})
	if s := told(got, false); !strings.Contains(s, "LCP TermReq") {
		t.Errorf("nothing of what follows the damage:\n%s", s)
	}
}

// pcapng: the same, whether octets were put in, taken out or overwritten, in a block or between two.
func TestResyncPcapng(t *testing.T) {
	pieces := frames(call(t, "behaves"))
	file := writePcapng(le, linkPPPWithDir, func(p piece) []byte { return append([]byte{byte(1 - p.dir)}, p.data...) })(pieces)
	var starts []int
	for at := 0; at < len(file); at += int(le.Uint32(file[at+4:])) {
		starts = append(starts, at)
	}
	from := starts[len(starts)/3]
	garbage := bytes.Repeat([]byte("no block\xfe\x00\x01"), 40)
	for name, damaged := range map[string][]byte{
		"put in between two": slices.Concat(file[:from], garbage, file[from:]),
		"put in":             slices.Concat(file[:from+14], garbage, file[from+14:]),
		"taken out":          slices.Concat(file[:from+14], file[from+19:]),
		"overwritten":        slices.Concat(file[:from], garbage[:40], file[from+40:]),
		"a length too great": slices.Concat(file[:from+4], []byte{0xf0, 0x7f, 0, 0}, file[from+8:]),
	} {
		if _, unread := drain(t, pcapngFormat, damaged, source.Config{}); unread == 0 || unread > len(garbage)+300 {
			t.Errorf("%s: %d octets are unread", name, unread)
		}
		got := readAll(t, pcapngFormat, bytes.NewReader(damaged), source.Config{})
		if s := told(got, false); !strings.Contains(s, "LCP TermReq") {
			t.Errorf("%s: nothing of what follows the damage:\n%s", name, s)
		}
	}
}

// Of an input that fails, what there was is told before the error.
func TestFailingInput(t *testing.T) {
	pieces := call(t, "behaves")
	for _, tt := range written {
		file := tt.write(pieces)
		f, _ := find(file)
		broken := errors.New("broken")
		s := f.Open(source.NewInput(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))), source.Config{Date: epoch})
		var got []event.Record
		var err error
		for err == nil {
			var r event.Record
			if r, err = s.Next(); err == nil {
				got = append(got, r)
			}
		}
		if _, again := s.Next(); !errors.Is(err, broken) || !errors.Is(again, broken) || told(got, tt.timed) != told(direct(pieces), tt.timed) {
			t.Errorf("%s: %d records, then %v, then %v", tt.name, len(got), err, again)
		}
	}
}

// Two sessions in one file, as pppd appends them.
func TestSessions(t *testing.T) {
	pieces := call(t, "behaves")
	file := writePPPDRecord(pieces)
	got := readAll(t, pppdRecordFormat, bytes.NewReader(append(bytes.Clone(file), file...)), source.Config{})
	if want := told(direct(pieces), true); told(got, true) != want+want {
		t.Errorf("got\n%s\nwant twice\n%s", told(got, true), want)
	}
}

// What holds lengths that cannot be true takes neither memory nor time, and all of it is accounted for.
func TestImpossibleLengths(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0x7f}
	for name, b := range map[string][]byte{
		"pcap":          append(append(writePcap(le, pcapMicro, linkPPP, rtac)(nil), make([]byte, 8)...), append(huge, huge...)...),
		"pcapng packet": append(append(pcapngHead(linkPPP), 6, 0, 0, 0), huge...),
		"pcapng other":  append(append(pcapngHead(linkPPP), 4, 0, 0, 0), append(huge, make([]byte, 100)...)...),
	} {
		f, _ := find(b)
		if _, unread := drain(t, f, b, source.Config{}); unread == 0 && name != "pcapng other" {
			t.Errorf("%s: nothing is unread", name)
		}
	}
}

// What the formats of texts are not.
func TestNotDumps(t *testing.T) {
	for name, text := range map[string]string{
		"a pppd log":  "Nov 22 12:00:00 h pppd[1]: sent [LCP ConfReq id=0x1 <asyncmap 0x0>]\nNov 22 12:00:00 h pppd[1]: rcvd [LCP ConfAck id=0x1 <asyncmap 0x0>]\n",
		"plain pppd":  "sent [LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x1>]\nrcvd [LCP EchoRep id=0x0 magic=0x2 01 02 03 04]\n",
		"chat":        "send (ATD*99#^M)\nexpect (CONNECT)\n^M\nATD*99#^M^M\nCONNECT\n -- got it\n",
		"JSON Lines":  `{"t":"2026-11-22T12:00:00.000000Z","link":"x","event":"at","dir":"sent","text":"AT"}` + "\n",
		"prose":       "> I tried it again\n> and it failed\nWhat does your log say?\n",
		"hex and all": "deadbeef\ncafe\n",
		"nothing":     "",
	} {
		if f, score := find([]byte(text)); score > source.Weak {
			t.Errorf("%s is taken for %s (%d)", name, f.Name, score)
		}
	}
}

// Rows of hexadecimal, as many programs write them.
func TestHexRow(t *testing.T) {
	for _, tt := range []struct {
		row  string
		want string // octets; "-": no row
	}{
		{"41 54 0d", "AT\r"}, {" 41 54 0D  AT.", "AT\r"}, {"41:54:0d", "AT\r"}, {"41-54-0D", "AT\r"}, {"41540d", "AT\r"}, {"0x41 0x54, 0x0D", "AT\r"}, {"41,54,0d", "AT\r"},
		{"00000000  41 54 0d                                          |AT.|", "AT\r"}, {"0000: 41 54 0d    AT.", "AT\r"}, {"0000000: 4154 0d0a  AT..", "AT\r\n"},
		{"41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"},
		{"41 42 43 44 45 46 47 48  ab cd", "ABCDEFGH\xab\xcd"}, {"41 42  ab cd", "AB"}, {"41", "A"},
		{"", "-"}, {"4", "-"}, {"414", "-"}, {"AT", "-"}, {"zz 41", "-"}, {"[LCP ConfReq", "-"}, {"add a line", "-"}, {"deadline", "-"},
	} {
		octets, _, ok := hexRow(tt.row)
		if got := string(octets); ok != (tt.want != "-") || ok && got != tt.want {
			t.Errorf("%q: %q %v, want %q", tt.row, got, ok, tt.want)
		}
	}
}

func fuzz(f *testing.F, format source.Format, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, raw bool) {
		format.Sniff(b)
		drain(t, format, b, source.Config{Raw: raw})
	})
}

// few is a short call, so that a fuzzer's inputs are short.
func few() []piece {
	return []piece{
		{epoch, event.Sent, []byte("AT\r")}, {epoch, event.Rcvd, []byte("\r\nCONNECT\r\n")},
		{epoch, event.Rcvd, []byte("\x7e\xff\x7d\x23\xc0\x21\x7d\x29\x7d\x21\x7d\x20\x7d\x28\x01\x02\x03\x04\x7e")},
	}
}

func frame1(p piece) []byte { return append([]byte{1}, p.data...) }

func FuzzPPPDRecord(f *testing.F) {
	fuzz(f, pppdRecordFormat, writePPPDRecord(few()), writeOFono(few()))
}
func FuzzPcap(f *testing.F) {
	fuzz(f, pcapFormat, writePcap(le, pcapMicro, linkUSBLinux, usbmon(le, 48))(few()), writePcap(be, pcapNano, linkUSBPcap, usbPcap)(few()),
		writePcap(le, pcapMicro, linkEthernet, pppoeEthernet)(few()), writePcap(le, pcapMicro, linkRaw, pptp)(few()), writePcap(le, pcapMicro, linkPPP, frame1)(few()))
}
func FuzzPcapng(f *testing.F) {
	fuzz(f, pcapngFormat, writePcapng(le, linkRTAC, rtac)(few()), writePcapng(be, linkPPPWithDir, frame1)(few()), writePcapng(le, linkUpperPDU, func(piece) []byte {
		return []byte("\x00\x0c\x00\x04json\x00\x23\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00{\"event\":\"text\",\"text\":\"x\"}")
	})(few()))
}
func FuzzSocat(f *testing.F)       { fuzz(f, socatFormat, each(socatX)(few()), each(socatXV)(few())) }
func FuzzPortmon(f *testing.F)     { fuzz(f, portmonFormat, each(portmonHex)(few())) }
func FuzzInterceptty(f *testing.F) { fuzz(f, intercepttyFormat, each(interceptty)(few())) }

func FuzzSlsnif(f *testing.F) {
	f.Add([]byte("Device -->  (000) C (067) O (079) N (078) N (078) E (069) C (067) T (084)  (000) ~ (126)  (255) } (125) ~ (126)\n"), false)
	fuzz(f, slsnifFormat, each(slsnif)(few()))
}

func FuzzHex(f *testing.F) {
	fuzz(f, hexFormat, each(hhd)(few()), each(eltima)(few()), each(txrx)(few()), each(hexdumpC)(few()), each(arrows1)(few()))
}
