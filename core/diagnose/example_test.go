package diagnose_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/recording/read"
)

// A log of another dialer is read as events, and judged.
func ExampleCase() {
	const text = `Serial connection established.
Using interface ppp0
sent [LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x5f2c11d9>]
rcvd [LCP ConfReq id=0x0 <asyncmap 0x0> <auth chap MD5> <magic 0x1f0a>]
sent [LCP ConfAck id=0x0 <asyncmap 0x0> <auth chap MD5> <magic 0x1f0a>]
rcvd [LCP ConfAck id=0x1 <asyncmap 0x0> <magic 0x5f2c11d9>]
rcvd [CHAP Challenge id=0x1 <0102030405060708090a0b0c0d0e0f10>, name = "UMTS_CHAP_SRVR"]
sent [CHAP Response id=0x1 <00112233445566778899aabbccddeeff>, name = "me"]
rcvd [CHAP Failure id=0x1 "Access denied"]
CHAP authentication failed: Access denied
sent [LCP TermReq id=0x2 "Failed to authenticate ourselves to peer"]
`
	recording, err := read.Open(strings.NewReader(text), read.Options{Name: "ppp.log"})
	if err != nil {
		log.Fatal(err)
	}
	c := diagnose.NewCase()
	for {
		record, err := recording.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		c.Record(record)
	}
	for _, f := range c.Verdict().Findings[:1] {
		fmt.Printf("%s (%s, %s)\n", f.Title, f.ID, f.Confidence)
		fmt.Println("seen at", f.Places[len(f.Places)-1])
		fmt.Println("try:", f.Cure[0])
	}
	// Output:
	// The user name or the password was refused (auth-rejected, certain)
	// seen at line 9
	// try: check the user name: knak dial --user NAME; some servers want it with a domain, DOMAIN\NAME
}
