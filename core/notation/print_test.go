package notation

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/ppp/packet"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
	return b
}

// The lines are what pppd with the debug option prints for these octets.
func TestLineIsPppdsNotation(t *testing.T) {
	for _, tt := range []struct {
		protocol uint16
		info     string
		want     string
	}{
		{packet.LCP, "01 01 0014 0206 00000000 0506 1a2b3c4d 0702 0802", `[LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x1a2b3c4d> <pcomp> <accomp>]`},
		{packet.LCP, "01 18 0009 0305 c223 05", `[LCP ConfReq id=0x18 <auth chap MD5>]`},
		{packet.LCP, "03 18 0012 0305 c223 80 0305 c223 81 0304 c023", `[LCP ConfNak id=0x18 <auth chap MS> <auth chap MS-v2> <auth pap>]`},
		{packet.LCP, "04 18 0016 0304 c227 0305 c223 07 0306 1234 0102 0303 05", `[LCP ConfRej id=0x18 <auth eap> <auth chap 07> <auth 0x1234 01 02> < 03 03 05>]`},
		{packet.LCP, "01 02 000c 0104 05dc 1104 05f4", `[LCP ConfReq id=0x2 <mru 1500> <mrru 1524>]`},
		{packet.LCP, "01 02 0009 0105 05dc00", `[LCP ConfReq id=0x2 < 01 05 05 dc 00>]`},
		{packet.LCP, "01 02 0012 0408 c025 00000064 1202 0d03 06 ff", `[LCP ConfReq id=0x2 <quality lqr 00 00 00 64> <ssnhf> <callback CBCP> ff]`},
		{packet.LCP, "01 02 0010 1305 01 6162 1307 02 0a000001", `[LCP ConfReq id=0x2 <endpoint [local:61.62]> <endpoint [IP:10.0.0.1]>]`},
		{packet.LCP, "01 02 0010 1309 03 0011223344aa 1303 00", `[LCP ConfReq id=0x2 <endpoint [MAC:00:11:22:33:44:aa]> <endpoint [null]>]`},
		{packet.LCP, "05 02 000f 55736572 20726571 756573", `[LCP TermReq id=0x2 "User reques"]`},
		{packet.LCP, "05 02 0008 000003b3", `[LCP TermReq id=0x2 00 00 03 b3]`},
		{packet.LCP, "06 02 0004", `[LCP TermAck id=0x2]`},
		{packet.LCP, "09 00 0008 06f5a3b1", `[LCP EchoReq id=0x0 magic=0x6f5a3b1]`},
		{packet.LCP, "0a 00 000c 00d3f2ab 06f5a3b1", `[LCP EchoRep id=0x0 magic=0xd3f2ab 06 f5 a3 b1]`},
		{packet.LCP, "0b 01 0006 0102", `[LCP DiscReq id=0x1 01 02]`},
		{packet.LCP, "0c 01 000d 00000001 4d535221 0a", `[LCP Ident id=0x1 magic=0x1 "MSR!\n"]`},
		{packet.LCP, "0d 01 000f 00000001 0000000a 225c7f", `[LCP TimeRem id=0x1 magic=0x1 seconds=10 "\"\\\177"]`},
		{packet.LCP, "08 02 000a 80fd 0101 0004", `[LCP ProtRej id=0x2 80 fd 01 01 00 04]`},
		{packet.LCP, "0f 02 0005 77", `[LCP code=0xf id=0x2 77]`},
		{packet.LCP, "01 02", `[LCP] 01 02`},
		{packet.LCP, "01 02 00ff 0104", `[LCP] 01 02 00 ff 01 04`},
		{packet.LCP, "06 02 0004 0000", `[LCP TermAck id=0x2] 00 00`},
		{packet.IPCP, "01 01 0016 0206 002d 0f01 0306 00000000 8106 00000000", `[IPCP ConfReq id=0x1 <compress VJ 0f 01> <addr 0.0.0.0> <ms-dns1 0.0.0.0>]`},
		{packet.IPCP, "03 01 001c 8106 0a0b0c0d 8306 0a0b0c0e 8206 0a0b0c0d 8406 0a0b0c0e", `[IPCP ConfNak id=0x1 <ms-dns1 10.11.12.13> <ms-dns2 10.11.12.14> <ms-wins 10.11.12.13> <ms-wins 10.11.12.14>]`},
		{packet.IPCP, "03 02 0004", `[IPCP ConfNak id=0x2]`},
		{packet.IPCP, "01 02 0012 010a 0a000001 0a000002 0204 0037", `[IPCP ConfReq id=0x2 <addrs 10.0.0.1 10.0.0.2> <compress old-VJ>]`},
		{packet.IPCP, "01 02 000d 0305 0a0000 9004 0102", `[IPCP ConfReq id=0x2 < 03 05 0a 00 00> < 90 04 01 02>]`},
		{packet.IPCP, "01 02 0008 0300 0702", `[IPCP ConfReq id=0x2 03 00 07 02]`},
		{packet.IPCP, "07 02 0008 0901 0004", `[IPCP CodeRej id=0x2 09 01 00 04]`},
		{packet.IPV6CP, "01 01 0012 010a fc173ad259173248 0204 0061", `[IPV6CP ConfReq id=0x1 <addr fe80::fc17:3ad2:5917:3248> <compress 0x61>]`},
		{packet.CCP, "01 01 000f 1a04 7800 1804 7800 1503 2f", `[CCP ConfReq id=0x1 <deflate 15> <deflate(old#) 15> <bsd v1 15>]`},
		{packet.CCP, "01 01 0010 1206 01000041 0102 1a04 7901", `[CCP ConfReq id=0x1 <mppe +H -M +S -L -D +C> <predictor 1> <deflate 15 method 9 check 1>]`},
		{packet.CCP, "05 02 0008 4c6f7374", `[CCP TermReq id=0x2"Lost"]`},
		{packet.CCP, "0e 02 0004", `[CCP ResetReq id=0x2]`},
		{packet.PAP, "01 01 000d 03 626f62 04 70773132", `[PAP AuthReq id=0x1 user="bob" password=<hidden>]`},
		{packet.PAP, "01 01 0006 00 00", `[PAP AuthReq id=0x1 user="" password=<hidden>]`},
		{packet.PAP, "02 01 0005 00", `[PAP AuthAck id=0x1 ""]`},
		{packet.PAP, "02 01 0004", `[PAP AuthAck id=0x1]`},
		{packet.PAP, "03 01 0008 03 6e6f21", `[PAP AuthNak id=0x1 "no!"]`},
		{packet.CHAP, "01 01 0017 04 7224cfcb 554d54535f434841505f53525652", `[CHAP Challenge id=0x1 <7224cfcb>, name = "UMTS_CHAP_SRVR"]`},
		{packet.CHAP, "02 01 000b 04 7224cfcb 7761", `[CHAP Response id=0x1 <hidden>, name = "wa"]`},
		{packet.CHAP, "02 01 0009 04 7224cfcb", `[CHAP Response id=0x1 <hidden>, name = ""]`},
		{packet.CHAP, "03 01 0004", `[CHAP Success id=0x1 ""]`},
		{packet.CHAP, "04 01 0009 453d363931", `[CHAP Failure id=0x1 "E=691"]`},
		{packet.EAP, "01 01 0005 01", `[EAP Request id=0x1 Identity <No message>]`},
		{packet.EAP, "02 01 0008 01 626f62", `[EAP Response id=0x1 Identity <Name "bob">]`},
		{packet.EAP, "01 02 000b 04 02 abcd 626f62", `[EAP Request id=0x2 MD5-Challenge <Value ab cd> <Name "bob">]`},
		{packet.EAP, "02 02 000b 04 02 abcd 626f62", `[EAP Response id=0x2 MD5-Challenge <hidden> <Name "bob">]`},
		{packet.EAP, "02 02 0007 03 1a 0d", `[EAP Response id=0x2 Nak <Suggested-type 1a (MSCHAPv2)> <Suggested-type 0d (TLS)>]`},
		{packet.EAP, "01 03 000d 1a 01 02 0008 02 abcd 62", `[EAP Request id=0x3 MSCHAPv2 Challenge id=0x2 <Value ab cd> <Name "b">]`},
		{packet.EAP, "02 03 000d 1a 02 02 0008 02 abcd 62", `[EAP Response id=0x3 MSCHAPv2 Response id=0x2 <hidden> <Name "b">]`},
		{packet.EAP, "02 03 0006 1a 03", `[EAP Response id=0x3 MSCHAPv2 03]`},
		{packet.EAP, "02 03 0007 06 7077", `[EAP Response id=0x3 Generic-Token <hidden>]`},
		{packet.EAP, "03 03 0004", `[EAP Success id=0x3]`},
		{packet.ECP, "01 03 0004", `[ECP] 01 03 00 04`},
		{packet.IP, "45 00 00 54 00 00 40 00 40 01", `[IP data] 45 00 00 54 00 00 40 00 ...`},
		{packet.Compressed, "00 15", `[Compressed data] 00 15`},
		{packet.MPLSCP, "01 01 0004", `[proto=0x8281] 01 01 00 04`},
	} {
		if got := Line("rcvd", tt.protocol, unhex(t, tt.info)); got != "rcvd "+tt.want {
			t.Errorf("%s:\n got %s\nwant rcvd %s", tt.info, got, tt.want)
		}
	}
}

func TestTextIsTheLineWithoutBrackets(t *testing.T) {
	if got := Text(packet.IPCP, unhex(t, "06 02 0004 00")); got != "IPCP TermAck id=0x2 00" {
		t.Error(got)
	}
}

func TestHexOfAFloodIsCut(t *testing.T) {
	if got := Text(packet.LCP, append(unhex(t, "08 01 03ec"), make([]byte, 1000)...)); !strings.HasSuffix(got, " 00 ...") || len(got) > 160 {
		t.Error(len(got), got)
	}
}

// TestTextIsBounded: whatever a packet holds, its text is not longer than a screen (peers B7: a line of 26,260 characters).
func TestTextIsBounded(t *testing.T) {
	for _, fill := range [][]byte{
		{1, 2}, {1, 4, 5, 0xdc}, {3, 6, 10, 0, 0, 1}, {0xff}, {0}, {'"'}, {3, 255}, {0x03, 0x1a, 0x04, 0x00}, {26, 3, 1, 0, 0xff, 0xfe},
		{19, 9, 3, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}, {200, 0xff, 0x80, 0x81}, {1, 0xff},
	} {
		data := bytes.Repeat(fill, 16000/len(fill))
		for code := range 256 {
			info := packet.Packet{Code: uint8(code), ID: 1, Data: data}.AppendTo(nil)
			for _, protocol := range []uint16{packet.LCP, packet.IPCP, packet.IPV6CP, packet.CCP, packet.ECP, packet.PAP, packet.CHAP, packet.EAP, packet.IP, 0x1234} {
				if n := len(Text(protocol, info)); n > 2*maxBody {
					t.Fatalf("%s of %x: %d characters", packet.CodeName(protocol, uint8(code)), fill, n)
				}
			}
		}
	}
}

func FuzzTextNeverPanics(f *testing.F) {
	for _, p := range []uint16{packet.LCP, packet.PAP, packet.CHAP, packet.EAP, packet.IPCP, packet.IPV6CP, packet.CCP, packet.ECP, packet.IP, 0x1234} {
		f.Add(p, []byte{1, 1, 0, 12, 3, 5, 0xc2, 0x23, 5, 1, 4, 5})
		f.Add(p, []byte{2, 1, 0, 12, 26, 2, 1, 0, 9, 4, 1, 2})
	}
	f.Fuzz(func(t *testing.T, protocol uint16, info []byte) {
		line := Line("rcvd", protocol, info)
		for i := range len(line) {
			if line[i] < ' ' || line[i] > '~' {
				t.Fatalf("%q holds an octet that a terminal could obey", line)
			}
		}
		if len(line) > 64+8*max(len(info), 8)+20*len(info) {
			t.Fatalf("%d octets became a line of %d", len(info), len(line))
		}
		if !strings.HasPrefix(line, "rcvd [") || !strings.Contains(line, "]") {
			t.Fatalf("not a line of pppd: %q", line)
		}
		p, err := packet.Parse(info)
		if err == nil {
			options, _ := packet.ParseOptions(nil, p.Data)
			for _, o := range options {
				OptionText(protocol, o)
			}
		}
	})
}

func TestOptionText(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{OptionText(packet.IPCP, packet.AddressOption(packet.IPCPDNS2, netip.MustParseAddr("9.9.9.9"))), "ms-dns2 9.9.9.9"},
		{OptionText(packet.LCP, packet.Option{Type: 0x0d, Data: []byte{6}}), "callback CBCP"},
		{OptionText(packet.LCP, packet.Option{Type: 0x63, Data: []byte{6}}), "63 03 06"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
}
