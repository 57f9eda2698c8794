package share

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/show/report"
)

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func configure(code uint8, options ...packet.Option) []byte {
	return packet.Packet{Code: code, ID: 1, Data: packet.AppendOptions(nil, options)}.AppendTo(nil)
}

// secrets is what must be in no file of an archive, however it is written: as text, as hex digits or as octets.
var secrets = []string{
	"262011234567890", "490154203237518", "8949020000012345678", "491701234567", "jane.doe", "s3cret-pass", "10.142.7.9", "84.23.7.200", "2a01:4f8::77",
	"my-home-link", "DEADBEEF00112233",
}

// addresses are those of the secrets that also stand in packets in binary.
var addresses = []string{"10.142.7.9", "84.23.7.200"}

func story() []event.Record {
	addr := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	chap := func(code uint8, value, name string) []byte {
		data := append([]byte{byte(len(value))}, value...)
		return packet.Packet{Code: code, ID: 7, Data: append(data, name...)}.AppendTo(nil)
	}
	pap := append([]byte{33}, "jane.doe@an-isp-of-the-example.ne"...) // 33 is a printable length
	pap = append(append(pap, 11), "s3cret-pass"...)
	rejected := append([]byte{0x80, 0x21}, configure(packet.ConfigureRequest, packet.AddressOption(packet.IPCPAddress, addr("10.142.7.9")))...)
	code := configure(packet.ConfigureNak, packet.AddressOption(packet.IPCPDNS1, addr("84.23.7.200")))
	events := []event.Event{
		event.Device{Port: "/dev/serial/by-id/usb-X_490154203237518-if00", Vendor: "x", Model: "y", Firmware: "1.0"},
		event.AT{Dir: event.Sent, Text: "ATD+491701234567"}, event.AT{Dir: event.Rcvd, Text: "+CGPADDR: 1,10.142.7.9"},
		event.AT{Dir: event.Rcvd, Text: "262011234567890"}, event.Text{Text: "IMEI 490154203237518 ICCID 8949020000012345678"},
		event.Packet{Dir: event.Sent, Protocol: packet.IPCP, Data: configure(packet.ConfigureRequest,
			packet.AddressOption(packet.IPCPAddress, addr("10.142.7.9")), packet.AddressOption(packet.IPCPDNS1, addr("84.23.7.200")))},
		event.Packet{Protocol: packet.PAP, Data: packet.Packet{Code: packet.PAPRequest, ID: 1, Data: pap}.AppendTo(nil)},
		event.Packet{Protocol: packet.CHAP, Data: chap(packet.CHAPResponse, "DEADBEEF00112233", "jane.doe@isp.example")},
		event.Packet{Protocol: packet.CHAP, Data: chap(packet.CHAPChallenge, "0123456789abcdef", "262011234567890")},
		event.Packet{Protocol: packet.LCP, Data: packet.Packet{Code: packet.ProtocolReject, ID: 2, Data: rejected}.AppendTo(nil)},
		event.Packet{Protocol: packet.IPCP, Data: packet.Packet{Code: packet.CodeReject, ID: 3, Data: code}.AppendTo(nil)},
		event.Packet{Protocol: packet.LCP, Data: packet.Packet{Code: packet.TerminateRequest, ID: 3, Data: []byte("call +491701234567 from 84.23.7.200")}.AppendTo(nil)},
		event.Up{Interface: "knak0", Local: "10.142.7.9", Peer: "84.23.7.200", DNS: []string{"84.23.7.200", "2a01:4f8::77"}, IPv6: "fe80::a"},
		event.Probe{Target: "84.23.7.200", How: "icmp", Result: "answer from 84.23.7.200"},
		event.Quirk{Key: "auth.user", Value: "jane.doe@isp.example", Source: "x", Reason: "y"},
		event.Log{Program: "pppd", Text: "remote IP address 84.23.7.200 for jane.doe@isp.example"},
		event.Unread{Text: "jane.doe s3cret-pass 10.142.7.9", Bytes: 30, Reason: "no known line"},
		event.Notice{Text: "the proxy on 10.142.7.9:1080"}, event.Failure{Detail: "84.23.7.200 is silent"}, event.Attempt{Number: 2, Reason: "84.23.7.200"},
		event.Down{Reason: "84.23.7.200"},
	}
	var list []event.Record
	for i, e := range events {
		list = append(list, event.Record{Time: begin.Add(time.Duration(i) * time.Second), Link: "my-home-link", Event: e, Pos: event.Pos{Line: int64(i + 1)}})
	}
	return list
}

// None of what names a person or a place survives in any file of the archive, and the same is still the same.
func TestNoneSurvive(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, begin)
	for _, r := range story() {
		w.Record(r)
	}
	finding := event.Finding{ID: "x", Title: "84.23.7.200 is silent", Evidence: []string{"line 6: sent [IPCP ConfReq id=0x1 <addr 10.142.7.9>]"}, Meaning: "jane.doe@isp.example", Cure: []string{"call 491701234567"}}
	if err := w.Close([]event.Finding{finding}, report.Judgement{Sentence: finding.Title}, Facts{Knak: "dev", Format: "pppd"}); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
		for _, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
				if strings.Contains(strings.ToLower(string(b)), strings.ToLower(form)) {
					t.Errorf("%s holds %q", f.Name, secret)
				}
			}
		}
		for _, s := range addresses {
			a := netip.MustParseAddr(s).As4()
			if bytes.Contains(b, a[:]) || strings.Contains(string(b), hex.EncodeToString(a[:])) {
				t.Errorf("%s holds %s in binary", f.Name, s)
			}
		}
	}
	for _, name := range []string{"events.jsonl", "findings.json", "facts.json", "report.html", "README.txt", "recording.pcapng"} {
		if len(files[name]) < 50 {
			t.Errorf("%s is missing or empty", name)
		}
	}
	// Our address stands in the packet, in the Up and in the finding: all three are the same still.
	if n := len(regexp.MustCompile(`10\.0\.0\.1\b`).FindAllString(files["events.jsonl"]+files["findings.json"], -1)); n < 4 {
		t.Errorf("our address is there %d times under its new name", n)
	}
	if !strings.Contains(files["README.txt"], "4 addresses") {
		t.Errorf("README.txt does not tell what was replaced: %s", files["README.txt"][len(files["README.txt"])-120:])
	}
}

// The recording in the archive is read back as the same packets that events.jsonl has.
func TestRecordingReadsBack(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, begin)
	for _, r := range story() {
		w.Record(r)
	}
	if err := w.Close(nil, report.Judgement{}, Facts{Knak: "dev"}); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	packets := map[string][]string{}
	for _, name := range []string{"events.jsonl", "recording.pcapng"} {
		f, err := archive.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := read.Open(f, read.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for rec, err := range read.All(r) {
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := rec.Event.(event.Packet); ok {
				packets[name] = append(packets[name], p.Line())
			}
		}
	}
	if a, b := packets["events.jsonl"], packets["recording.pcapng"]; len(a) != 7 || !slices.Equal(a, b) {
		t.Errorf("events.jsonl has\n%s\nrecording.pcapng\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}
