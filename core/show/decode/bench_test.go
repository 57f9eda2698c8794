package decode

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/knakppp/knak/core/recording/read"
)

// callLog writes what pppd logs of n calls. Where fresh, no two packets of it are the same.
func callLog(n int, fresh bool) []byte {
	var b bytes.Buffer
	for i := range n {
		k := i
		if !fresh {
			k = 0
		}
		for _, line := range []string{
			fmt.Sprintf("sent [LCP ConfReq id=0x%x <asyncmap 0x0> <magic 0x%x> <pcomp> <accomp>]", 1+k%255, 0x10000000+k),
			fmt.Sprintf("rcvd [LCP ConfReq id=0x%x <asyncmap 0x0> <auth chap MD5> <magic 0x%x> <pcomp> <accomp>]", 1+k%255, 0x20000000+k),
			fmt.Sprintf("sent [LCP ConfAck id=0x%x <asyncmap 0x0> <auth chap MD5> <magic 0x%x> <pcomp> <accomp>]", 1+k%255, 0x20000000+k),
			fmt.Sprintf("rcvd [LCP ConfAck id=0x%x <asyncmap 0x0> <magic 0x%x> <pcomp> <accomp>]", 1+k%255, 0x10000000+k),
			fmt.Sprintf("rcvd [CHAP Challenge id=0x1 <%032x>, name = \"NODE\"]", k),
			fmt.Sprintf("sent [CHAP Response id=0x1 <%032x>, name = \"user\"]", k), "rcvd [CHAP Success id=0x1 \"\"]", "CHAP authentication succeeded",
			"sent [IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 0.0.0.0>]",
			fmt.Sprintf("rcvd [IPCP ConfNak id=0x1 <addr 10.%d.%d.2> <ms-dns1 192.0.2.53> <ms-dns2 192.0.2.54>]", k>>8&255, k&255),
			fmt.Sprintf("sent [IPCP ConfReq id=0x2 <addr 10.%d.%d.2> <ms-dns1 192.0.2.53> <ms-dns2 192.0.2.54>]", k>>8&255, k&255),
			fmt.Sprintf("rcvd [IPCP ConfAck id=0x2 <addr 10.%d.%d.2> <ms-dns1 192.0.2.53> <ms-dns2 192.0.2.54>]", k>>8&255, k&255),
			fmt.Sprintf("local  IP address 10.%d.%d.2", k>>8&255, k&255), "Script /etc/ppp/ip-up started (pid 12)", "Modem hangup", "Connection terminated.",
		} {
			fmt.Fprintf(&b, "Jun  4 %02d:%02d:%02d box pppd[12]: %s\n", i/3600%24, i/60%60, i%60, line)
		}
	}
	return b.Bytes()
}

// BenchmarkDecode is knak decode of the log of calls that are alike, and of calls of which every packet is another.
func BenchmarkDecode(b *testing.B) {
	for name, fresh := range map[string]bool{"alike": false, "fresh": true} {
		b.Run(name, func(b *testing.B) {
			log := callLog(5000, fresh)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := read.Open(bytes.NewReader(log), read.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := Run(r, New(io.Discard, Options{}), func() bool { return false }); err != nil {
					b.Fatal(err)
				}
				if s := r.Summary(); s.UnreadLines > 0 {
					b.Fatalf("%+v", s)
				}
			}
		})
	}
}
