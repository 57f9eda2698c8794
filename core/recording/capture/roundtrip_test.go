package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bytes"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/wire"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// call gives what passes in a simulated call.
func call(t testing.TB, scenario string) []piece {
	t.Helper()
	var pieces []piece
	linktest.Call{Scenario: scenario, Begin: epoch, Tap: func(now time.Time, dir event.Dir, p []byte) {
		pieces = append(pieces, piece{now.Truncate(100 * time.Millisecond), dir, bytes.Clone(p)})
	}}.Records(t)
	if len(pieces) < 10 {
		t.Fatalf("%s: only %d pieces", scenario, len(pieces))
	}
	return pieces
}

// direct gives what the octets themselves say.
func direct(pieces []piece) []event.Record {
	var all []event.Record
	l := wire.New(wire.Options{})
	drain := func() {
		for r, ok := l.Next(); ok; r, ok = l.Next() {
			all = append(all, r)
		}
	}
	for _, p := range pieces {
		l.Receive(p.now, p.dir, p.data)
		drain()
	}
	l.Close(pieces[len(pieces)-1].now)
	drain()
	return all
}

// find gives the format that is surest of b.
func find(b []byte) (best source.Format, score int) {
	for _, f := range Formats() {
		if s := f.Sniff(b[:min(len(b), source.PrefixLen)]); s > score {
			best, score = f, s
		}
	}
	return best, score
}

func readAll(t testing.TB, f source.Format, r io.Reader, c source.Config) []event.Record {
	t.Helper()
	s := f.Open(source.NewInput(r), c)
	var all []event.Record
	for {
		rec, err := s.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Pos == (event.Pos{}) {
			t.Errorf("%#v has no place", rec)
		}
		all = append(all, rec)
	}
}

// told gives events as text, but for what the reader says of the recording itself; with times, if any.
func told(records []event.Record, timed bool) string {
	var b strings.Builder
	for _, r := range records {
		if _, ok := r.Event.(event.Notice); ok {
			continue
		}
		if timed {
			b.WriteString(r.Time.Format("15:04:05.0 "))
		}
		if p, ok := r.Event.(event.Packet); ok {
			fmt.Fprintln(&b, p.Line())
		} else {
			fmt.Fprintf(&b, "%T%+v\n", r.Event, r.Event)
		}
	}
	return b.String()
}

var le, be = binary.LittleEndian, binary.BigEndian

// written are the ways to write a recording, with the format that it must be taken for.
var written = []struct {
	name   string
	format string
	write  func([]piece) []byte
	timed  bool // to a tenth of a second
}{
	{"pppd record", "pppd-record", writePPPDRecord, true},
	{"pppd record of oFono", "pppd-record", writeOFono, false},
	{"pcap RTAC", "pcap", writePcap(le, pcapMicro, linkRTAC, rtac), true},
	{"pcap RTAC big-endian, nanoseconds", "pcap", writePcap(be, pcapNano, linkRTAC, rtac), true},
	{"pcap with longer headers", "pcap", writePcap(le, pcapLonger, linkRTAC, rtac), true},
	{"pcap usbmon", "pcap", writePcap(le, pcapMicro, linkUSBLinux, usbmon(le, 48)), true},
	{"pcap usbmon mmapped, big-endian", "pcap", writePcap(be, pcapMicro, linkUSBMmapped, usbmon(be, 64)), true},
	{"pcap USBPcap", "pcap", writePcap(le, pcapMicro, linkUSBPcap, usbPcap), true},
	{"pcapng RTAC", "pcapng", writePcapng(le, linkRTAC, rtac), true},
	{"pcapng usbmon big-endian", "pcapng", writePcapng(be, linkUSBMmapped, usbmon(be, 64)), true},
	{"socat -x", "socat", each(socatX), true},
	{"socat -x from the modem", "socat", each(socatBackwards), true},
	{"socat -x -v", "socat", each(socatXV), true},
	{"Portmon", "portmon", each(portmonHex), false},
	{"interceptty", "interceptty", each(interceptty), false},
	{"slsnif", "slsnif", each(slsnif), false},
	{"HHD Free Serial Port Monitor", "hhd", each(hhd), true},
	{"Eltima Serial Port Monitor", "hhd", each(eltima), false},
	{"TX and RX with times", "hex", each(txrx), true},
	{"arrows", "hex", each(arrows1), false},
	{"hexdump -C", "hhd", each(hexdumpC), false},
}

// Each way to write a call reads back to what the octets themselves say, whole and in small reads.
func TestRoundTrip(t *testing.T) {
	for _, scenario := range []string{"behaves", "empty-naks", "behaves-pap", "apn-no-carrier", "corrupt-5"} {
		pieces := call(t, scenario)
		records := direct(pieces)
		for _, tt := range written {
			t.Run(scenario+"/"+tt.name, func(t *testing.T) {
				file := tt.write(pieces)
				f, _ := find(file)
				if f.Name != tt.format {
					t.Fatalf("taken for %q", f.Name)
				}
				want := told(records, tt.timed)
				readers := []io.Reader{bytes.NewReader(file)}
				if scenario == "behaves" {
					readers = append(readers, iotest.OneByteReader(bytes.NewReader(file)))
				}
				for _, r := range readers {
					got := readAll(t, f, r, source.Config{Date: epoch})
					if s := told(got, tt.timed); s != want {
						t.Fatalf("got\n%s\nwant\n%s", s, want)
					}
				}
			})
		}
	}
}
