package capture

import (
	"bytes"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/recording/source"
)

// Captures without a direction. Each line is a packet with the direction that it must be given, or ? where any will do
// because nothing tells; no packet is wrong, so nothing may be found wrong.
func TestSpeaker(t *testing.T) {
	for _, tt := range []struct{ name, call string }{
		{"two routers that both want a password", `
			< LCP ConfReq id=0x45 <auth chap MD5> <magic 0x12f4de5>
			> LCP ConfReq id=0x9a <auth chap MD5> <magic 0x22f4c9a>
			> LCP ConfAck id=0x45 <auth chap MD5> <magic 0x12f4de5>
			< LCP ConfAck id=0x9a <auth chap MD5> <magic 0x22f4c9a>
			? CHAP Challenge id=0x1 <0011>, name = "R1"
			? CHAP Challenge id=0x1 <2233>, name = "R2"
			? CHAP Response id=0x1 <00112233445566778899aabbccddeeff>, name = "R2"
			? CHAP Response id=0x1 <00112233445566778899aabbccddeeff>, name = "R1"
			? CHAP Success id=0x1 ""
			? CHAP Success id=0x1 ""
			< IPCP ConfReq id=0x1 <addr 10.0.0.2>
			> IPCP ConfReq id=0x1 <addr 10.0.0.1>
			> IPCP ConfAck id=0x1 <addr 10.0.0.2>
			< IPCP ConfAck id=0x1 <addr 10.0.0.1>
			? proto=0x8207 01 01 00 04
			? proto=0x8207 01 01 00 04
			? proto=0x8207 02 01 00 04
			? proto=0x8207 02 01 00 04`},
		{"a request that is sent anew with the next identifier", `
			< LCP ConfReq id=0x1 <auth pap> <magic 0x1>
			< LCP ConfReq id=0x2 <auth pap> <magic 0x1>
			> LCP ConfReq id=0x1 <magic 0x2>
			> LCP ConfAck id=0x2 <auth pap> <magic 0x1>
			< LCP ConfAck id=0x1 <magic 0x2>`},
		{"both ends count from 1", `
			> LCP ConfReq id=0x1 <magic 0x2>
			< LCP ConfReq id=0x1 <auth chap MD5> <magic 0x1>
			> LCP ConfAck id=0x1 <auth chap MD5> <magic 0x1>
			< LCP ConfAck id=0x1 <magic 0x2>
			< CHAP Challenge id=0x1 <0011>, name = "R1"
			> CHAP Response id=0x1 <00112233445566778899aabbccddeeff>, name = "R2"
			< CHAP Success id=0x1 ""
			> IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 0.0.0.0>
			< IPCP ConfReq id=0x1 <addr 192.0.2.1>
			< IPCP ConfNak id=0x1 <addr 192.0.2.2> <ms-dns1 192.0.2.3>
			> IPCP ConfAck id=0x1 <addr 192.0.2.1>
			? IPV6CP ConfReq id=0x1 <addr fe80::0001>
			? IPV6CP ConfReq id=0x1 <addr fe80::0002>
			? IPV6CP ConfAck id=0x1 <addr fe80::0002>
			? IPV6CP ConfAck id=0x1 <addr fe80::0001>
			> IPCP ConfReq id=0x2 <addr 192.0.2.2> <ms-dns1 192.0.2.3>
			< IPCP ConfAck id=0x2 <addr 192.0.2.2> <ms-dns1 192.0.2.3>`},
		{"a modem that has nothing to ask for", `
			> LCP ConfReq id=0x1 <magic 0x2>
			< LCP ConfReq id=0x1 <magic 0x1>
			< LCP ConfAck id=0x1 <magic 0x2>
			> LCP ConfAck id=0x1 <magic 0x1>
			> IPCP ConfReq id=0x1 <addr 0.0.0.0>
			< IPCP ConfReq id=0x7
			> IPCP ConfAck id=0x7
			< IPCP ConfNak id=0x1 <addr 192.0.2.2>
			> IPCP ConfReq id=0x2 <addr 192.0.2.2>
			< IPCP ConfAck id=0x2 <addr 192.0.2.2>`},
		{"the middle of a call", `
			> LCP EchoReq id=0xb magic=0x182effd
			< LCP EchoRep id=0xb magic=0x82e9d0
			< LCP EchoReq id=0xb magic=0x82e9d0
			> LCP EchoRep id=0xb magic=0x182effd`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			var pieces []piece
			for line := range strings.SplitSeq(strings.TrimSpace(tt.call), "\n") {
				line = strings.TrimSpace(line)
				p, err := notation.Parse(nil, []byte(line[2:]+"]"))
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				want = append(want, line)
				pieces = append(pieces, piece{data: append(be.AppendUint16([]byte{0xff, 3}, p.Protocol), p.Info...)})
			}
			var l lint.Linter
			for _, r := range readAll(t, pcapFormat, bytes.NewReader(writePcap(le, pcapMicro, linkPPP, func(p piece) []byte { return p.data })(pieces)), source.Config{}) {
				p, ok := r.Event.(event.Packet)
				if !ok {
					continue
				}
				said := want[0]
				want = want[1:]
				got := map[event.Dir]byte{event.Sent: '>', event.Rcvd: '<'}[p.Dir]
				if p.Guessed {
					got = '?'
				}
				if said[0] != '?' && said[0] != got {
					t.Errorf("%s: got %c", said, got)
				}
				for _, f := range l.Check(r) {
					t.Errorf("%s: wrongly found to be wrong: %s", said, f.Text)
				}
			}
			if len(want) > 0 {
				t.Errorf("not read: %q", want)
			}
		})
	}
}
