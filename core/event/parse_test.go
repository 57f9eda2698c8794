package event

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// What AppendJSON writes ParseJSON reads, for every event.
func TestParseJSON(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 123456000, time.UTC)
	for _, e := range []Event{
		Device{Port: "/dev/ttyUSB0", Vendor: "v", USB: "12d1:1506"}, AT{Dir: Rcvd, Text: `"a" <b>`}, Phase{PhaseIPCP},
		Quirk{Key: "k", Value: "v"}, Up{DNS: []string{"192.0.2.1"}, WINS: []string{}, MTU: 1500, Proved: true},
		Finding{ID: "x", Evidence: []string{"e"}, Cure: []string{}}, Down{ExitCode: 16, BytesIn: 1 << 60}, State{Protocol: "LCP"},
		Decision{Point: "p"}, Data{Dir: Rcvd, Protocol: 0x21, Length: 40}, Log{Program: "pppd", Text: "t"}, Log{Program: "pppd", Text: "t", Means: []string{MeansHangup}, Value: "v"}, Unread{Bytes: 3, Reason: "r"},
		Text{"NO CARRIER"}, Registration{State: "home"}, Probe{How: "icmp"}, Attempt{Number: 2, Wait: time.Second, WaitMS: 1000},
		Notice{Level: "info"}, Failure{Cause: FailedTimeout, Provisional: true},
	} {
		for _, pos := range []Pos{{}, {Line: 7}, {Packet: 8}} {
			r := Record{Time: at, Link: "l", Event: e, Pos: pos}
			b, err := r.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseJSON(b, nil)
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%s\n got %#v, %v", b, got, err)
			}
		}
	}
}

func TestParseJSONPacket(t *testing.T) {
	p := Packet{Dir: Rcvd, Protocol: packet.LCP, Data: []byte{9, 1, 0, 8, 1, 2, 3, 4}}
	b, err := Record{Event: p}.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseJSON(b, nil); !errors.Is(err, ErrPacketText) {
		t.Errorf("without a reader of the notation: %v", err)
	}
	got, err := ParseJSON(b, func(text string) (uint16, []byte, error) {
		if text != p.Text() {
			t.Errorf("text %q, want %q", text, p.Text())
		}
		return p.Protocol, p.Data, nil
	})
	if err != nil || !reflect.DeepEqual(got.Event, p) {
		t.Errorf("got %#v, %v", got, err)
	}
}

func TestParseJSONErrors(t *testing.T) {
	for _, line := range []string{``, `{`, `[]`, `{"event":"nothing"}`, `{"event":"at","dir":"up"}`, `{"event":"at","text":1}`, `{"t":"yesterday","event":"text"}`} {
		if r, err := ParseJSON([]byte(line), nil); err == nil {
			t.Errorf("%s: %#v", line, r)
		}
	}
}

// A packet that is only described keeps what is known of it and what is not.
func TestDescribed(t *testing.T) {
	nak := Described{Packet: request(Rcvd, packet.IPCP, packet.ConfigureNak, 0, packet.Option{Type: packet.IPCPAddress}), NoID: true, Unnamed: 2}
	for _, d := range []Described{nak, {Packet: request(Sent, packet.LCP, packet.ConfigureRequest, 7), Unnamed: -1}} {
		b, err := Record{Event: d}.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseJSON(b, func(string) (uint16, []byte, error) { return d.Protocol, d.Data, nil })
		if err != nil || !reflect.DeepEqual(got.Event, d) {
			t.Errorf("%s\n got %#v, %v", b, got.Event, err)
		}
	}
	if got, want := nak.Line(), "rcvd [IPCP ConfNak < 03 02> and 2 more options] (described)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
