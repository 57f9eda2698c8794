package private

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPacket(t *testing.T) {
	for _, tt := range []struct {
		name     string
		protocol uint16
		in, want string // hex; s stands for an octet that must be overwritten
	}{
		{"PAP password", packet.PAP, "01 01 000d 03 626f62 04 70773132", "01 01 000d 03 626f62 04 ssssssss"},
		{"PAP password and padding", packet.PAP, "01 01 0008 01 62 01 70 7070", "01 01 0008 01 62 01 ss ssss"},
		{"PAP password longer than the packet", packet.PAP, "01 01 0009 01 62 07 7077", "01 01 0009 01 62 07 ssss"},
		{"PAP name longer than the packet", packet.PAP, "01 01 0009 09 62 07 7077", "01 01 0009 09 ssssssss"},
		{"PAP with a false length", packet.PAP, "01 01 00ff 01 62 02 7077", "01 01 00ff 01 62 02 ssss"},
		{"PAP with length 0", packet.PAP, "01 01 0000 01 62 02 7077", "01 01 0000 01 62 02 ssss"},
		{"PAP of an unknown code", packet.PAP, "09 01 0006 7077", "09 01 0006 ssss"},
		{"PAP message stays", packet.PAP, "03 01 0008 03 6e6f21", "03 01 0008 03 6e6f21"},
		{"CHAP response", packet.CHAP, "02 01 000b 04 7224cfcb 7761", "02 01 000b 04 ssssssss 7761"},
		{"CHAP response cut short", packet.CHAP, "02 01 0008 10 7224cf", "02 01 0008 10 ssssss"},
		{"CHAP challenge stays", packet.CHAP, "01 01 000b 04 7224cfcb 7761", "01 01 000b 04 7224cfcb 7761"},
		{"MS-CHAP change of password", packet.CHAP, "07 01 0006 7224", "07 01 0006 ssss"},
		{"EAP MD5", packet.EAP, "02 02 000b 04 02 abcd 626f62", "02 02 000b 04 02 ssss 626f62"},
		{"EAP MD5 request stays", packet.EAP, "01 02 000b 04 02 abcd 626f62", "01 02 000b 04 02 abcd 626f62"},
		{"EAP MSCHAPv2", packet.EAP, "02 03 000d 1a 02 02 0008 02 abcd 62", "02 03 000d 1a 02 02 0008 02 ssss 62"},
		{"EAP token card", packet.EAP, "02 03 0007 06 7077", "02 03 0007 06 ssss"},
		{"PAP inside a Protocol-Reject", packet.LCP, "08 02 0013 c023 01 01 000d 03 626f62 04 70773132", "08 02 0013 c023 01 01 000d 03 626f62 04 ssssssss"},
		{"cut PAP inside a Protocol-Reject", packet.LCP, "08 02 0011 c023 01 01 000d 03 626f62 04 7077", "08 02 0011 c023 01 01 000d 03 626f62 04 ssss"},
		{"callback number", packet.LCP, "01 02 000a 0d06 03 313233", "01 02 000a 0d06 03 ssssss"},
		{"endpoint that is a phone number", packet.LCP, "01 02 000a 1306 05 313233", "01 02 000a 1306 05 ssssss"},
		{"IMSI as PAP name", packet.PAP, "01 01 0010 09 303030303030303030 01 70", "01 01 0010 09 ssssssssssssssssss 01 ss"},
		{"phone number with realm as CHAP name", packet.CHAP, "02 01 0012 01 aa 2b 3131313131313131 40 6161", "02 01 0012 01 ss 2b ssssssssssssssss 40 6161"},
		{"IMSI as EAP identity", packet.EAP, "02 01 000d 01 3131313131313131", "02 01 000d 01 ssssssssssssssss"},
		{"IMSI in a PAP message", packet.PAP, "03 01 0015 10 6e6f 3131313131313131313131313131", "03 01 0015 10 6e6f ssssssssssssssssssssssssssss"},
		{"IMSI in a CHAP message", packet.CHAP, "04 01 0014 6e6f 3131313131313131313131313131", "04 01 0014 6e6f ssssssssssssssssssssssssssss"},
		{"shorter number in a CHAP message", packet.CHAP, "04 01 0013 6e6f 31313131313131313131313131", "04 01 0013 6e6f 31313131313131313131313131"},
		{"IMSI in a challenge's name", packet.CHAP, "01 01 0015 01 aa 49 3131313131313131313131313131", "01 01 0015 01 aa 49 ssssssssssssssssssssssssssss"},
		{"IMSI in an EAP notification", packet.EAP, "01 01 0014 02 49 3131313131313131313131313131", "01 01 0014 02 49 ssssssssssssssssssssssssssss"},
		{"IPCP is nothing's secret", packet.IPCP, "01 01 000a 0306 0a000001", "01 01 000a 0306 0a000001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := unhex(t, tt.in)
			before := bytes.Clone(in)
			got := Packet(tt.protocol, in)
			want := unhex(t, strings.ReplaceAll(tt.want, "ss", "2a"))
			if !bytes.Equal(got, want) {
				t.Errorf("\n got %x\nwant %x", got, want)
			}
			if !bytes.Equal(in, before) {
				t.Error("the original was written to")
			}
			if again := Packet(tt.protocol, got); !bytes.Equal(again, got) {
				t.Errorf("twice gives %x", again)
			}
		})
	}
}

func TestName(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"wap", "wap"}, {"", ""}, {"1234567", "1234567"}, {"12345678", "********"}, {"+12345678", "+********"},
		{"00000000@realm.example", "********@realm.example"}, {"user12345678", "user12345678"}, {"12345678a", "12345678a"},
		{"@12345678", "@12345678"},
	} {
		if got := Name(tt.in); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.in, got, tt.want)
		}
	}
}

// FuzzPacket plants a secret where each protocol carries one, then pads, cuts and damages the packet as the fuzzer
// likes, except for the octets that say where the secret begins.
func FuzzPacket(f *testing.F) {
	f.Add(uint8(0), "bob", []byte("hunter2!"), []byte{}, uint16(0), false)
	f.Add(uint8(1), "", []byte("0123456789abcdef"), []byte("pad"), uint16(3), true)
	f.Add(uint8(4), "x", []byte("0123456789abcdef"), []byte{1}, uint16(9), true)
	f.Fuzz(func(t *testing.T, form uint8, name string, secret, extra []byte, length uint16, damage bool) {
		if len(name) > 100 || len(secret) < 8 || len(secret) > 100 || len(extra) > 500 {
			return
		}
		secret = []byte("Q" + hex.EncodeToString(secret)[:14] + "Z") // long enough not to appear by chance, never '*' or a hex dump
		counted := func(b []byte) []byte { return append([]byte{byte(len(b))}, b...) }
		var protocol uint16
		code, body := uint8(2), []byte(nil)
		switch form % 5 {
		case 0:
			protocol, code = packet.PAP, 1
			body = append(counted([]byte(name)), counted(secret)...)
		case 1:
			protocol = packet.CHAP
			body = append(counted(secret), name...)
		case 2:
			protocol = packet.EAP
			body = append(append([]byte{packet.EAPMD5}, counted(secret)...), name...)
		case 3:
			protocol = packet.EAP
			body = append(append([]byte{packet.EAPMSCHAPv2, packet.MSCHAPv2Response, 1, 0, 0}, counted(secret)...), name...)
		case 4:
			protocol = packet.EAP
			body = append([]byte{packet.EAPGTC}, secret...)
		}
		if strings.Contains(name, string(secret)) || bytes.Contains(extra, secret) {
			return
		}
		info := packet.Packet{Code: code, ID: 1, Data: body}.AppendTo(nil)
		info = append(info, extra...)
		if damage {
			info[2], info[3] = byte(length>>8), byte(length)
		}
		wrapped := append(packet.Packet{Code: packet.ProtocolReject, Data: append([]byte{byte(protocol >> 8), byte(protocol)}, info...)}.AppendTo(nil), extra...)
		for _, p := range []struct {
			protocol uint16
			info     []byte
		}{{protocol, info}, {packet.LCP, wrapped}} {
			out := Packet(p.protocol, p.info)
			if bytes.Contains(out, secret) || len(out) != len(p.info) {
				t.Fatalf("the secret is in %q", out)
			}
			if again := Packet(p.protocol, out); !bytes.Equal(again, out) {
				t.Fatalf("twice gives %q, once %q", again, out)
			}
			{
				text := notation.Line("sent", p.protocol, out)
				spaced := strings.TrimSpace(fmt.Sprintf("% x", secret))
				if strings.Contains(text, string(secret)) || strings.Contains(text, spaced) || strings.Contains(text, hex.EncodeToString(secret)) {
					t.Fatalf("the secret is in %s", text)
				}
			}
		}
	})
}
