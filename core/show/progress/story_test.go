package progress

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/core/ppp/packet"
)

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// teller collects a story; at is in milliseconds.
type teller struct{ records []event.Record }

func (s *teller) at(ms int, events ...event.Event) {
	for _, e := range events {
		s.records = append(s.records, event.Record{Time: begin.Add(time.Duration(ms) * time.Millisecond), Link: "default", Event: e})
	}
}

func request(dir event.Dir, protocol uint16, code, id uint8, options ...packet.Option) event.Packet {
	data := packet.Packet{Code: code, ID: id, Data: packet.AppendOptions(nil, options)}.AppendTo(nil)
	return event.Packet{Dir: dir, Protocol: protocol, Data: data}
}

func address(typ uint8, a string) packet.Option {
	return packet.AddressOption(typ, netip.MustParseAddr(a))
}

// storyUp is a call that comes up; storyDown one that does not, as a person may meet it with the E398.
func story(good bool) []event.Record {
	var s teller
	s.at(0, event.Device{Port: "/dev/ttyUSB0", Vendor: "huawei", Model: "E398", Firmware: "11.335", USB: "12d1:1506", Profile: "huawei/e398"})
	s.at(1, event.Phase{Phase: event.PhaseDial}, event.AT{Dir: event.Sent, Text: "AT"}, event.AT{Dir: event.Rcvd, Text: "OK"}, event.AT{Dir: event.Sent, Text: "AT+CREG?"})
	for i := range 4 {
		s.at(10+500*i, event.AT{Dir: event.Rcvd, Text: "+CREG: 0,2"}, event.AT{Dir: event.Rcvd, Text: "OK"}, event.AT{Dir: event.Sent, Text: "AT+CREG?"})
	}
	s.at(2100, event.AT{Dir: event.Rcvd, Text: "+CREG: 0,1"}, event.AT{Dir: event.Rcvd, Text: "OK"}, event.Registration{State: "home", Signal: "-71 dBm"}, event.AT{Dir: event.Sent, Text: "ATD*99#"})
	s.at(2300, event.AT{Dir: event.Rcvd, Text: "CONNECT 7200000"}, event.Phase{Phase: event.PhaseLCP})
	s.at(2310, request(event.Sent, packet.LCP, packet.ConfigureRequest, 1, packet.Uint32Option(packet.LCPMagic, 0x1234)),
		event.State{Protocol: "LCP", From: "Closed", To: "Req-Sent", Cause: "Up"},
		request(event.Rcvd, packet.LCP, packet.ConfigureRequest, 0, packet.AuthOption(packet.CHAP, packet.AlgorithmMD5)),
		request(event.Sent, packet.LCP, packet.ConfigureAck, 0, packet.AuthOption(packet.CHAP, packet.AlgorithmMD5)),
		request(event.Rcvd, packet.LCP, packet.ConfigureAck, 1, packet.Uint32Option(packet.LCPMagic, 0x1234)))
	s.at(2320, event.Phase{Phase: event.PhaseAuth},
		event.Packet{Dir: event.Rcvd, Protocol: packet.CHAP, Data: packet.Packet{Code: 1, ID: 1, Data: []byte("\x02\xab\xcdUMTS_CHAP_SRVR")}.AppendTo(nil)},
		event.Packet{Dir: event.Sent, Protocol: packet.CHAP, Data: packet.Packet{Code: 2, ID: 1, Data: []byte("\x02**wap")}.AppendTo(nil)},
		event.Packet{Dir: event.Rcvd, Protocol: packet.CHAP, Data: packet.Packet{Code: 3, ID: 1}.AppendTo(nil)})
	s.at(2330, event.Phase{Phase: event.PhaseIPCP})
	ask := []packet.Option{address(packet.IPCPAddress, "0.0.0.0")}
	if good {
		ask = append(ask, address(packet.IPCPDNS1, "0.0.0.0"))
		q := event.Quirk{Key: "ipcp.request", Value: `["address", "dns1"]`, Source: "profile huawei/e398.toml:14", Reason: "The Windows dialer that works asks for DNS as well; the modem answers with empty Naks where it is not asked."}
		s.at(2331, q, q, event.Quirk{Key: "auth.user", Value: "", Source: "--user", Reason: ""})
	}
	for i := range 6 {
		id := uint8(i + 1)
		s.at(2340+1000*i, request(event.Sent, packet.IPCP, packet.ConfigureRequest, id, ask...),
			request(event.Rcvd, packet.IPCP, packet.ConfigureNak, id))
		if good {
			break
		}
	}
	if !good {
		s.at(8340, event.Failure{Phase: event.PhaseIPCP, Cause: event.FailedEmptyNaks, Detail: "6 empty Naks", Provisional: true}, event.Text{Text: "\r\nNO CARRIER\r\n"},
			event.Notice{Level: "warning", Text: "the port is also open in another program"}, event.Decision{Protocol: "ipcp", Point: "empty-nak", Intent: "ask-again", Verdict: "give-up", By: "profile"})
		s.at(8341, event.Finding{
			ID: "ipcp-empty-nak", Category: "apn-or-account-not-accepted", Confidence: "likely",
			Title:    "The modem answers every request for an address with nothing",
			Evidence: []string{"rcvd [IPCP ConfNak id=0x6], 6 times, about one a second"},
			Meaning:  "It said yes to the user name before it had asked the network. Now that it should hand out an address it has none. That is how this kind of modem says that the user name, the password or the APN is wrong, or that it is not registered.",
			Cure:     []string{`knak dial --user ""`, "Look at AT+CREG? and at the APN: knak dial --apn NAME with the name that the operator gives; it is often printed in the letter that came with the SIM"},
		})
		s.at(8400, event.Phase{Phase: event.PhaseHangup}, event.Phase{Phase: event.PhaseDown}, event.Down{Reason: "authentication failed after a provisional success", ExitCode: 19},
			event.Attempt{Number: 2, Wait: 5 * time.Second, Reason: "--persist"})
		return s.records
	}
	s.at(2400, request(event.Sent, packet.IPCP, packet.ConfigureRequest, 2, ask...),
		request(event.Rcvd, packet.IPCP, packet.ConfigureNak, 2, address(packet.IPCPAddress, "10.7.0.2"), address(packet.IPCPDNS1, "192.0.2.1")),
		event.Phase{Phase: event.PhaseProve}, event.Probe{Target: "192.0.2.1", How: "dns", Result: "sent"}, event.Probe{Target: "192.0.2.1", How: "dns", Result: "answer after 61 ms"}, event.Phase{Phase: event.PhaseUp},
		event.Up{Interface: "knak0", Plane: "tun", Local: "10.7.0.2", Peer: "10.64.64.64", DNS: []string{"192.0.2.1"}, MTU: 1500, ElapsedMS: 2400, Proved: true})
	for i := range 3 {
		echo := event.Packet{Dir: event.Sent, Protocol: packet.LCP, Data: packet.Packet{Code: packet.EchoRequest, ID: uint8(i), Data: make([]byte, 4)}.AppendTo(nil)}
		s.at(30000*(i+1), echo)
	}
	s.at(100000, event.Phase{Phase: event.PhaseHangup}, event.Phase{Phase: event.PhaseDown}, event.Down{Reason: "ended by a signal", ExitCode: 5, Seconds: 97.6, BytesIn: 1024, BytesOut: 512})
	return s.records
}

func show(records []event.Record, o Options) []byte {
	var b bytes.Buffer
	p := New(&b, o)
	for _, r := range records {
		p.Record(r)
	}
	p.Flush()
	return b.Bytes()
}

func TestProgressGolden(t *testing.T) {
	for _, tt := range []struct {
		name string
		good bool
		o    Options
	}{
		{"up_steps", true, Options{}},
		{"up_journal", true, Options{Journal: true}},
		{"up_normal", true, Options{Level: Detail}},
		{"up_color", true, Options{Level: Detail, Color: true}},
		{"down_steps", false, Options{}},
		{"down_normal", false, Options{Level: Detail}},
		{"down_quiet", false, Options{Level: Quiet}},
		{"down_verbose", false, Options{Level: Verbose}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden.Same(t, filepath.Join("testdata", tt.name+".golden"), show(story(tt.good), tt.o), "")
		})
	}
}

func TestJSONGolden(t *testing.T) {
	for name, good := range map[string]bool{"up": true, "down": false} {
		var b bytes.Buffer
		j := event.NewJSONWriter(&b)
		for _, r := range story(good) {
			j.Record(r)
		}
		if err := j.Err(); err != nil {
			t.Fatal(err)
		}
		golden.Same(t, filepath.Join("testdata", name+".jsonl"), b.Bytes(), "")
	}
}
