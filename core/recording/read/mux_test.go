package read

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/record"
)

// A recording of a line that is multiplexed (3GPP TS 27.010) has the dialogue of one channel and the packets of another, in either
// form that knak records in.
func TestRecordingOfAMultiplexedLine(t *testing.T) {
	channel := func(dlci uint8, data []byte) []byte {
		return cmux.Append(nil, cmux.Basic, cmux.Frame{DLCI: dlci, Type: cmux.UIH, Info: data})
	}
	echo := hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.LCP, []byte{9, 2, 0, 8, 1, 2, 3, 4})
	now := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, form := range []record.Format{record.Pcapng, record.PPPD} {
		e := record.NewEncoder(record.Options{Format: form, Lines: true})
		b := e.AppendRecord(nil, event.Record{Time: now})
		for _, p := range []struct {
			dir  event.Dir
			data []byte
		}{
			{event.Sent, []byte("AT+CMUX=0\r")}, {event.Rcvd, []byte("\r\nOK\r\n")}, {event.Sent, channel(1, []byte("ATD*99#\r"))},
			{event.Rcvd, channel(1, []byte("\r\nOK\r\n"))},
			{event.Sent, channel(1, []byte("AT+CPIN=\"4711\"\r"))}, {event.Rcvd, channel(1, []byte("\r\nCONNECT\r\n"))}, {event.Rcvd, channel(2, []byte("\r\n+CREG: 1\r\n"))}, {event.Sent, channel(1, echo)},
		} {
			b = e.AppendBytes(b, now, p.dir, p.data)
		}
		b = e.AppendEnd(b, now)
		if bytes.Contains(b, []byte("4711")) {
			t.Errorf("%v: the PIN is in the file", form)
		}
		r, err := Open(bytes.NewReader(b), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rec := range collect(t, r) {
			if s := essence(rec.Event); s != "" {
				got = append(got, s)
			}
		}
		const want = "> AT+CMUX=0\n< OK\n> ATD*99#\n< OK\n> AT+CPIN=\"<hidden>\"\n< CONNECT\n< +CREG: 1\nsent [LCP EchoReq id=0x2 magic=0x1020304]"
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%v: got\n%s", form, s)
		}
	}
}
