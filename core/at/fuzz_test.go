package at

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// play feeds p to a dialogue in pieces of n octets and gives everything that came out.
func play(p []byte, n int) string {
	d := NewDialogue(func(x *Exchange) error {
		x.Secret("4711")
		reply, err := x.Command("AT+CPIN?", time.Second)
		x.Subscribe("+CREG:", func(line string) { fmt.Fprint(testWriter{x}, line) })
		reply2, err2 := x.Command("ATI", time.Second)
		line, ok := x.Expect(time.Second, "RING")
		reply3, err3 := x.Command("ATD*99#", time.Minute)
		return fmt.Errorf("%q %v %q %v %q %v %q %v", reply, err, reply2, err2, line, ok, reply3, err3)
	})
	defer d.Stop()
	var b strings.Builder
	now := time.Unix(0, 0)
	done := false
	drain := func() {
		for o, ok := d.Next(); ok; o, ok = d.Next() {
			fmt.Fprintf(&b, "%T %v\n", o, o)
			_, end := o.(Done)
			done = done || end
		}
	}
	for i := 0; i < len(p); i += n {
		d.Receive(now, p[i:min(i+n, len(p))])
		drain()
	}
	for range 100 {
		if done {
			break
		}
		now = d.Deadline()
		d.Advance(now)
		drain()
	}
	if !done {
		panic("the dialogue does not end")
	}
	octets, cut := d.Noise()
	fmt.Fprintf(&b, "rest %q noise %d %d", d.Rest(), octets, cut)
	return b.String()
}

// testWriter puts a subscriber's line among the outputs, so that the order counts.
type testWriter struct{ x *Exchange }

func (w testWriter) Write(p []byte) (int, error) {
	w.x.Write(p)
	return len(p), nil
}

// FuzzReply: whatever a modem sends, however it is cut into pieces, the outputs are the same, the dialogue ends, no
// long number is shown.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"",
		"\r\n+CPIN: READY\r\n\r\nOK\r\nATI\r\r\nHuawei\r\n+CREG: 1\r\nOK\r\nRING\r\nATD*99#\r\r\nCONNECT 7200000\r\n~\xff}#\xc0!}!}!} }$~",
		"+CME ERROR: 10\r\n\x00\x00ERROR\r\n",
		"~\xff}#\xc0!}!}!} }$~\r\nCONNECT~",
		"OK\rOK\r~~~~OK\nCONNECT~\xff\x03",
		"OK\rNO CARRIER\rCONNECT\rOK\r\n",
		"AT+CPIN?\r\r\n262019876543210\r\n4711\r\nOK\r\n",
		"OK\r\nOK\r\nRING\r\n~\xff}#\xc0!\r\nCONNECT\r\n\r\n\n~",
		strings.Repeat("x", 2*maxLine) + "\r\nOK\r\n",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, p []byte, n int) {
		if n < 1 {
			n = 1
		}
		bulk := play(p, len(p)+1)
		for _, n := range []int{1, n} {
			if got := play(p, n); got != bulk {
				t.Fatalf("in pieces of %d:\n%s\nin one:\n%s", n, got, bulk)
			}
		}
	})
}
