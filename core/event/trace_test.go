package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func request(dir Dir, protocol uint16, code, id uint8, options ...packet.Option) Packet {
	data := packet.Packet{Code: code, ID: id, Data: packet.AppendOptions(nil, options)}.AppendTo(nil)
	return Packet{Dir: dir, Protocol: protocol, Data: data}
}

func address(typ uint8, a string) packet.Option {
	return packet.AddressOption(typ, netip.MustParseAddr(a))
}

// Every key that cli.md promises is in the object, and every line is one object.
func TestJSONKeys(t *testing.T) {
	keys := map[string]string{
		"device": "port vendor model firmware usb profile", "at": "dir text", "phase": "phase", "packet": "dir proto code id options text",
		"quirk": "key value source reason", "up": "interface plane local peer dns wins mtu ipv6 ipv6_peer elapsed_ms proved",
		"finding": "id category confidence title evidence meaning cure", "down": "reason exit_code seconds bytes_in bytes_out",
		"failure": "phase cause detail provisional", "state": "protocol from to cause", "decision": "protocol point intent verdict by",
		"text": "text", "registration": "state signal", "probe": "target how result", "attempt": "attempt wait_ms reason", "notice": "level text",
		"data": "dir protocol length", "log": "program text", "unread": "text bytes reason",
	}
	for _, e := range []Event{Device{}, AT{}, Phase{}, Packet{}, Quirk{}, Up{}, Finding{}, Down{}, Failure{}, State{}, Decision{}, Text{},
		Registration{}, Probe{}, Attempt{Wait: 1500 * time.Millisecond}, Notice{}, Data{}, Log{}, Unread{}} {
		b, err := Record{Time: begin.Add(1500 * time.Nanosecond), Link: `a"b`, Event: e}.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		want := strings.Fields(keys[e.Kind()])
		for _, k := range append(want, "t", "link", "event") {
			if v, ok := m[k]; !ok || v == nil {
				t.Errorf("%s: %q is missing or null in %s", e.Kind(), k, b)
			}
		}
		if len(m) != len(want)+3 {
			t.Errorf("%s: a key that is not in the contract: %s", e.Kind(), b)
		}
		if m["t"] != "2026-11-22T10:00:00.000001Z" || m["link"] != `a"b` || m["event"] != e.Kind() {
			t.Errorf("head of %s", b)
		}
		if e.Kind() == "attempt" && m["wait_ms"] != 1500.0 {
			t.Errorf("the wait is lost: %s", b)
		}
	}
}

func TestJSONIsNotEscapedForHTML(t *testing.T) {
	r := Record{Time: begin, Event: request(Rcvd, packet.IPCP, packet.ConfigureNak, 1, address(packet.IPCPAddress, "10.0.0.1"))}
	b, err := r.AppendJSON(nil)
	if err != nil || !bytes.Contains(b, []byte(`"options":["addr 10.0.0.1"],"text":"IPCP ConfNak id=0x1 <addr 10.0.0.1>"`)) {
		t.Errorf("%s %v", b, err)
	}
}

type failing struct{ writes int }

func (f *failing) Write(b []byte) (int, error) { f.writes++; return 0, errors.New("disk full") }

func TestWriteErrorsAreKept(t *testing.T) {
	f := &failing{}
	j := NewJSONWriter(f)
	for range 3 {
		j.Record(Record{Event: Text{"x"}})
	}
	if j.Err() == nil || f.writes != 1 {
		t.Errorf("error %v after %d writes, want 1", j.Err(), f.writes)
	}
	j = NewJSONWriter(&bytes.Buffer{})
	j.Record(Record{Link: "l"})
	if j.Err() == nil {
		t.Error("a record without an event was written")
	}
}

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"OK", "OK"}, {"\r\nNO CARRIER\r\n", `\r\nNO CARRIER\r\n`}, {"\x1b[2J\x00", `\x1b[2J\x00`}, {"a\x9bb", `a\x9bb`},
		{"\u009b31m", `\u009b31m`}, {"Ωμέγα", "Ωμέγα"}, {"a\u202eb", `a\u202eb`}, {"\x7f", `\x7f`},
		{strings.Repeat("x", 10000), strings.Repeat("x", 400) + " … (9600 more bytes)"},
		{strings.Repeat("x", 399) + "ΩΩ", strings.Repeat("x", 399) + " … (4 more bytes)"},
	} {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("%.40q became %.60q, want %.60q", tt.in, got, tt.want)
		}
	}
}
