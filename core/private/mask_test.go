package private

import (
	"bytes"
	"testing"

	"github.com/knakppp/knak/core/ppp/packet"
)

// The same is replaced by the same, what says something about a fault stays what it is, and the rest of a text stays.
func TestMaskText(t *testing.T) {
	m := NewMask()
	for _, c := range []struct{ in, want string }{
		{"local IP address 10.142.7.9", "local IP address 10.0.0.1"},
		{"peer 10.142.7.9, DNS 8.8.8.8:53 and 8.8.8.8.", "peer 10.0.0.1, DNS 198.18.0.1:53 and 198.18.0.1."},
		{"192.168.4.5 172.20.1.2 100.80.3.4 169.254.9.9", "192.168.0.1 172.16.0.1 100.64.0.1 169.254.0.1"},
		{"10.64.64.64 10.11.12.13 0.0.0.0 127.0.0.1 255.255.255.255", "10.64.64.64 10.11.12.13 0.0.0.0 127.0.0.1 255.255.255.255"},
		{"fe80::1234:5678 2a01:4f8::9 ::1", "fe80::1 2001:db8::1 ::1"},
		{"ATD+491701234567", "ATDnumber-1"},
		{"ATD*99***1#", "ATD*99***1#"},
		{"CONNECT 115200000", "CONNECT 115200000"},
		{"again 491701234567 and 5551234", "again number-1 and number-2"},
		{`name = "jane.doe@isp.example" jane.doe@isp.example`, `name = "name-1@isp.example" name-1@isp.example`},
		{"eth 00:A0:C6:11:22:33 up", "eth 02:00:00:00:00:01 up"},
		{"<magic 0x86ad05dc> <7f806230a13ca07796da768f640748d1>", "<magic 0x86ad05dc> <7f806230a13ca07796da768f640748d1>"},
		{"09:13:55 firmware 11.433.19.00.00", "09:13:55 firmware 11.433.19.00.00"},
		{"", ""},
	} {
		if got := m.Text(c.in); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
}

// Two names stay two, be they as short as can be, and the same the same, in packets and in texts.
func TestMaskNames(t *testing.T) {
	login := func(name string) []byte {
		data := append([]byte{byte(len(name))}, name...)
		return packet.Packet{Code: packet.PAPRequest, Data: append(data, 1, 'x')}.AppendTo(nil)
	}
	m := NewMask("acme/m1")
	seen := map[string]string{}
	for _, name := range []string{"bob", "eve", "bo", "ev", "jane.roe", "jane.doe", "jane.roe@isp.example", "x"} {
		first, again := string(m.Packet(packet.PAP, login(name))), string(m.Packet(packet.PAP, login(name)))
		if first != again || bytes.Contains([]byte(first), []byte(name)) {
			t.Errorf("%s: %q, again %q", name, first, again)
		}
		if other, ok := seen[first]; ok {
			t.Errorf("%s and %s are both %q", name, other, first)
		}
		seen[first] = name
	}
	if got := m.Text("welcome jane.doe, not janet.doe"); got != "welcome name-6, not janet.doe" {
		t.Error(got)
	}
	for _, name := range []string{"guest", "web", ""} {
		if in := login(name); !bytes.Equal(m.Packet(packet.PAP, in), Packet(packet.PAP, in)) {
			t.Errorf("%q is the same for everybody", name)
		}
	}
}

// A masked packet has the length of the packet, so that what was wrong with it is still wrong; to mask never panics.
func FuzzMaskPacket(f *testing.F) {
	f.Add(uint16(packet.IPCP), []byte{1, 1, 0, 10, 3, 6, 10, 142, 7, 9})
	f.Add(uint16(packet.PAP), append([]byte{1, 1, 0, 21, 8}, "jane.doe\x07hunter2"...))
	f.Add(uint16(packet.LCP), append([]byte{12, 1, 0, 22, 1, 2, 3, 4}, "host 84.23.7.9"...))
	f.Fuzz(func(t *testing.T, protocol uint16, data []byte) {
		m := NewMask()
		before := bytes.Clone(data)
		got := m.Packet(protocol, data)
		if len(got) != len(data) || !bytes.Equal(before, data) {
			t.Fatalf("%x became %x, the original is %x", before, got, data)
		}
		if again := NewMask(); protocol == packet.IPCP && !bytes.Equal(again.Packet(protocol, data), got) {
			t.Fatal("two masks that have seen the same differ")
		}
	})
}
