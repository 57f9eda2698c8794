package at

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
)

// rig plays the modem and the clock for one dialogue.
type rig struct {
	t       *testing.T
	d       *Dialogue
	now     time.Time
	begin   time.Time
	answer  map[string]string // a command without its CR, to what the modem sends
	sent    []string          // what was written
	events  []event.Event
	err     error
	done    bool
	oneByte bool
	partial string
	hidden  []string // what Hide named
}

func newRig(t *testing.T, answer map[string]string, talk func(*Exchange) error) *rig {
	t.Helper()
	begin := time.Unix(1000, 0)
	r := &rig{t: t, d: NewDialogue(talk), now: begin, begin: begin, answer: answer}
	t.Cleanup(r.d.Stop)
	r.d.Advance(r.now)
	r.drain()
	return r
}

// drain does what the dialogue wants until it waits.
func (r *rig) drain() {
	for {
		o, ok := r.d.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case Hide:
			if len(r.partial) == 0 {
				r.hidden = o.Secrets
			}
		case Write:
			r.sent = append(r.sent, string(o.Bytes))
			r.partial += string(o.Bytes)
			if cmd, ok := strings.CutSuffix(r.partial, "\r"); ok {
				r.partial = ""
				if a, ok := r.answer[cmd]; ok {
					r.receive(a)
				}
			}
		case Event:
			r.events = append(r.events, o.Event)
		case Done:
			r.done, r.err = true, o.Err
		}
	}
}

func (r *rig) receive(s string) {
	if r.oneByte {
		for i := range len(s) {
			r.d.Receive(r.now, []byte{s[i]})
		}
	} else {
		r.d.Receive(r.now, []byte(s))
	}
	r.drain()
}

// pass lets time go on, stopping at each deadline.
func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for !r.done {
		next := r.d.Deadline()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.After(r.now) {
			r.now = next
		}
		r.d.Advance(r.now)
		r.drain()
	}
	r.now = end
	if r.done {
		return
	}
	r.d.Advance(r.now)
	r.drain()
}

// trace gives the AT events as text.
func (r *rig) trace() string {
	var b strings.Builder
	for _, ev := range r.events {
		if at, ok := ev.(event.AT); ok {
			fmt.Fprintf(&b, "%v %s\n", at.Dir, at.Text)
		}
	}
	return b.String()
}

func ask(line string, reply *Reply) func(*Exchange) error {
	return func(x *Exchange) (err error) {
		*reply, err = x.Command(line, 5*time.Second)
		return err
	}
}

// TestReply: the forms in which modems send replies (V.250 section 5.7; quirks AT-14, AT-15, USB-24).
func TestReply(t *testing.T) {
	for _, tt := range []struct {
		name, command, received string
		lines                   []string
		text                    string
	}{
		{"plain", "AT+CSQ", "\r\n+CSQ: 20,99\r\n\r\nOK\r\n", []string{"+CSQ: 20,99"}, "OK"},
		{"echo", "AT+CSQ", "AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n", []string{"+CSQ: 20,99"}, "OK"},
		{"end of an echo", "AT+CSQ", "+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n", []string{"+CSQ: 20,99"}, "OK"},
		{"LF only", "AT+CSQ", "+CSQ: 20,99\nOK\n", []string{"+CSQ: 20,99"}, "OK"},
		{"CR only", "AT+CSQ", "+CSQ: 20,99\rOK\r", []string{"+CSQ: 20,99"}, "OK"},
		{"two CRs", "AT+CSQ", "\r\r\n+CSQ: 20,99\r\r\n\r\r\nOK\r\r\n", []string{"+CSQ: 20,99"}, "OK"},
		{"missing leading CR", "AT+CSQ", "\n+CSQ: 20,99\r\nOK\r\n", []string{"+CSQ: 20,99"}, "OK"},
		{"URC before", "AT+CPIN?", "\r\n^RSSI: 12\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n", []string{"+CPIN: READY"}, "OK"},
		{"URC between", "AT+CPIN?", "\r\n+CPIN: READY\r\n\r\n+CREG: 1\r\nRING\r\n\r\nOK\r\n", []string{"+CPIN: READY"}, "OK"},
		{"echo broken by a URC", "AT+CPIN?", "\r\n+CREG: 1\r\nAT+CPIN?\r\r\n+CPIN: READY\r\nOK\r\n", []string{"+CPIN: READY"}, "OK"},
		{"text without a code", "AT+CGMM", "\r\nE398\r\n\r\nOK\r\n", []string{"E398"}, "OK"},
		{"ATI with codes", "ATI", "Model: X\r\n+GCAP: +CGSM,+DS\r\n^MODE: 5,4\r\nOK\r\n", []string{"Model: X", "+GCAP: +CGSM,+DS"}, "OK"},
		{"OK within a text", "ATI", "OKAY\r\nERRORLESS\r\nOK\r\n", []string{"OKAY", "ERRORLESS"}, "OK"},
		{"another mark", "AT+CCID", "^ICCID: x\r\n+ICCID: y\r\nOK\r\n", []string{"^ICCID: x", "+ICCID: y"}, "OK"},
		{"two commands", "AT+CSQ;+CREG?", "+CSQ: 1,2\r\n+CREG: 0,1\r\n+CGREG: 1\r\nOK\r\n", []string{"+CSQ: 1,2", "+CREG: 0,1"}, "OK"},
		{"NULs and noise", "AT", "\x00\x00\xfe\x80\x01O\x00K\r\n", nil, "OK"},
		{"a stray flag", "AT", "~OK\r\n", nil, "OK"},
		{"a tilde in a text", "ATI", "a~b~c\r\nOK\r\n", []string{"a~b~c"}, "OK"},
		{"NO CARRIER of the call before", "AT", "\r\nNO CARRIER\r\n\r\nOK\r\n", nil, "OK"},
		{"10 kB", "ATI", strings.Repeat("x", 10000) + "\r\nOK\r\n", []string{strings.Repeat("x", maxLine)}, "OK"},
		{"CONNECT", "ATD*99#", "\r\nCONNECT\r\n", nil, "CONNECT"},
		{"CONNECT with speed", "ATD*99#", "ATD*99#\r\r\nCONNECT 7200000\r\n", nil, "CONNECT 7200000"},
		{"CONNECT with slash", "ATD*99#", "\r\nCONNECT/ARQ\r\n", nil, "CONNECT/ARQ"},
		{"CONNECT after OK", "ATD*99#", "\r\nOK\r\n\r\nCONNECT\r\n", nil, "CONNECT"},
		{"CONNECT after a stray flag", "ATD*99#", "~\x7fCONNECT\r\n", nil, "CONNECT"},
	} {
		for _, oneByte := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", tt.name, oneByte), func(t *testing.T) {
				var reply Reply
				r := newRig(t, nil, ask(tt.command, &reply))
				r.oneByte = oneByte
				r.receive(tt.received)
				if !r.done || r.err != nil {
					t.Fatalf("done %v, error %v", r.done, r.err)
				}
				if fmt.Sprint(reply.Lines) != fmt.Sprint(tt.lines) || reply.Text != tt.text {
					t.Errorf("got %q, %q; want %q, %q", reply.Lines, reply.Text, tt.lines, tt.text)
				}
			})
		}
	}
}

// TestFinalErrors: final results other than OK (V.250 section 5.7.1, TS 27.007 section 9.2, TS 27.005 section 3.2.5).
func TestFinalErrors(t *testing.T) {
	for _, tt := range []struct {
		command, received string
		result            v250.Result
		code              int
		text              string
	}{
		{"AT+X", "\r\nERROR\r\n", v250.Failed, -1, "ERROR"},
		{"AT+X", "\r\n+CME ERROR: 10\r\n", v250.CME, 10, "+CME ERROR: 10 (SIM not inserted)"},
		{"AT+X", "\r\n+CME ERROR:16\r\n", v250.CME, 16, "+CME ERROR:16 (incorrect password)"},
		{"AT+X", "\r\n+CME ERROR: sim busy\r\n", v250.CME, 14, "+CME ERROR: sim busy"},
		{"AT+X", "\r\n+CME ERROR: 9999\r\n", v250.CME, 9999, "+CME ERROR: 9999"},
		{"AT+X", "\r\n+CME ERROR: something else\r\n", v250.CME, -1, "+CME ERROR: something else"},
		{"AT+X", "\r\n+CMS ERROR: 310\r\n", v250.CMS, 310, "+CMS ERROR: 310"},
		{"AT+X", "\r\nCOMMAND NOT SUPPORT\r\n", v250.NotSupported, -1, "COMMAND NOT SUPPORT"},
		{"AT+X", "\r\nTOO MANY PARAMETERS\r\n", v250.NotSupported, -1, "TOO MANY PARAMETERS"},
		{"ATD*99#", "\r\nNO CARRIER\r\n", v250.NoCarrier, -1, "NO CARRIER"},
		{"ATD*99#", "\r\nBUSY\r\n", v250.Busy, -1, "BUSY"},
		{"ATD*99#", "\r\nNO DIALTONE\r\n", v250.NoDialtone, -1, "NO DIALTONE"},
		{"ATD*99#", "\r\nNO DIAL TONE\r\n", v250.NoDialtone, -1, "NO DIAL TONE"},
		{"ATD*99#", "\r\nNO ANSWER\r\n", v250.NoAnswer, -1, "NO ANSWER"},
		{"ATD*99#", "\r\nDELAYED 10:00\r\n", v250.Delayed, -1, "DELAYED 10:00"},
		{"AT+CGDATA=\"PPP\",1", "\r\nNO CARRIER\r\n", v250.NoCarrier, -1, "NO CARRIER"},
	} {
		var reply Reply
		r := newRig(t, nil, ask(tt.command, &reply))
		r.receive(tt.received)
		var got *ResultError
		if !errors.As(r.err, &got) {
			t.Errorf("%q: error %v", tt.received, r.err)
			continue
		}
		if got.Result != tt.result || got.Code != tt.code || got.Text != tt.text || got.Command != tt.command {
			t.Errorf("%q: got %+v", tt.received, *got)
		}
	}
}

// TestRest: no octet that follows CONNECT is lost, nor frames that came before it (quirk DIAL-06).
func TestRest(t *testing.T) {
	const frame = "~\xff}#\xc0!}!}!} }4}\"}&} } } } }%}&q\xd9=\x8a}'}\"}(}\"\xe9p~"
	for _, tt := range []struct{ name, received, rest string }{
		{"nothing", "\r\nCONNECT\r\n", ""},
		{"glued", "\r\nCONNECT\r\n" + frame, frame},
		{"glued to CR", "\r\nCONNECT\r" + frame, frame},
		{"no line end at all", "\r\nCONNECT" + frame, frame},
		{"speed, no line end", "CONNECT 7200000" + frame + frame, frame + frame},
		{"before", frame + "\r\nCONNECT\r\n", frame},
		{"before and after", frame + frame[1:] + "\r\nCONNECT 115200\r\n" + frame, frame + frame[1:] + frame},
		{"text after", "CONNECT\r\n\r\nNO CARRIER\r\n", "NO CARRIER\r\n"},
		{"line ends within", "CONNECT\r\n~\r\n\r\n~", "~\r\n\r\n~"},
	} {
		for _, oneByte := range []bool{false, true} {
			var reply Reply
			r := newRig(t, nil, func(x *Exchange) (err error) {
				reply, err = x.Command("ATD*99***1#", time.Minute)
				x.Wait(time.Second) // a pause before the first frame loses nothing either
				return err
			})
			r.oneByte = oneByte
			r.receive(tt.received)
			r.pass(time.Second)
			if !r.done || r.err != nil || reply.Result != v250.Connect {
				t.Fatalf("%s: done %v, error %v, reply %+v", tt.name, r.done, r.err, reply)
			}
			if got := r.d.Rest(); string(got) != tt.rest {
				t.Errorf("%s: rest %q, want %q", tt.name, got, tt.rest)
			}
		}
	}
}

// TestFramesWithoutConnect: a modem that begins LCP and never says CONNECT is connected after three seconds.
func TestFramesWithoutConnect(t *testing.T) {
	const frame = "~\xff}#\xc0!}!}!} }$}\"}&} } } } \x12\x34~"
	var reply Reply
	r := newRig(t, nil, ask("ATD*99#", &reply))
	r.receive(frame)
	r.pass(connectGrace - 1)
	if r.done {
		t.Fatal("done too early")
	}
	r.receive(frame)
	r.pass(1)
	if !r.done || r.err != nil || reply.Result != v250.Connect {
		t.Fatalf("done %v, error %v, reply %+v", r.done, r.err, reply)
	}
	if got := string(r.d.Rest()); got != frame+frame {
		t.Errorf("rest %q", got)
	}
}

// TestDataMode: PPP frames where an answer is expected say that the modem is in the data state (quirk USB-14), well
// before the timeout; an answer that comes all the same counts.
func TestDataMode(t *testing.T) {
	for _, received := range []string{
		"~\xff}#\xc0!}!}!} }$",
		"~\xff\x03\xc0\x21\x01\x01\x00\x04",
		"\x00\x00~!E\x00\x00\x54",
		"~\xff}#\xc0!}%}!} }$",
		"~\x7f}#@!}!}!} }4}\"}&", // the eighth bit was stripped
		"}#}!}$",
	} {
		var reply Reply
		r := newRig(t, nil, ask("AT", &reply))
		r.receive(received)
		r.pass(frameGrace)
		var data *DataModeError
		if !r.done || !errors.As(r.err, &data) {
			t.Errorf("%q: done %v, error %v", received, r.done, r.err)
		}
	}
	var reply Reply
	r := newRig(t, nil, ask("AT", &reply))
	r.receive("~\xff}#\xc0!}!}!} }$")
	r.pass(frameGrace / 2)
	r.receive("\r\nOK\r\n")
	if !r.done || r.err != nil {
		t.Errorf("with an answer: done %v, error %v", r.done, r.err)
	}
	// What a modem says is not taken for frames.
	r = newRig(t, nil, ask("ATI", &reply))
	r.receive("{a}{b} }x ~ [c]\r\n~~~\r\nOK\r\n")
	if !r.done || r.err != nil {
		t.Errorf("text: done %v, error %v", r.done, r.err)
	}
}

// TestLateReply: the answer to a command that timed out is not taken for that of the next.
func TestLateReply(t *testing.T) {
	var second Reply
	var first error
	talk := func(x *Exchange) (err error) {
		if _, err = x.Command("AT", 0); err != nil {
			return err
		}
		_, first = x.Command("AT+COPS?", 2*time.Second)
		second, err = x.Command("AT+CGMM", 2*time.Second)
		return err
	}
	r := newRig(t, map[string]string{"AT": "\r\nOK\r\n"}, talk)
	delete(r.answer, "AT")
	r.pass(2 * time.Second)
	var silent *TimeoutError
	if !errors.As(first, &silent) {
		t.Fatalf("first: %v", first)
	}
	if got := strings.Join(r.sent, "|"); got != "AT\r|AT+COPS?\r|AT\r" {
		t.Fatalf("sent %q", got)
	}
	r.receive("\r\n+COPS: 0,0,\"X\"\r\n\r\nOK\r\n") // late
	r.pass(quiet / 2)
	r.receive("\r\nOK\r\n") // the answer to AT
	r.answer["AT+CGMM"] = "\r\nE398\r\n\r\nOK\r\n"
	r.pass(quiet)
	if !r.done || r.err != nil || len(second.Lines) != 1 || second.Lines[0] != "E398" {
		t.Errorf("done %v, error %v, second %+v", r.done, r.err, second)
	}
}

// 3GPP TS 27.005 section 3.4.1: the text of a message that comes while something is asked is no part of the answer, be it in
// octets or in several lines.
func TestMessageIsNoAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		"+CMT: ,24\r\n07911356131313F3040C91\r\nE3372\r\nOK":            "E3372",
		"+CMT: \"+49170\",,\"x\"\r\nYour code\r\nis 123456\r\nOK":       "",
		"E3372\r\n+CMT: \"+49170\",,\"x\"\r\nYour code is 123456\r\nOK": "E3372",
		"+CBM: 1,2,3,1,1\r\ncall 112\r\n+CGMM: \"E3372\"\r\nOK":         `+CGMM: "E3372"`,
	} {
		var reply Reply
		r := newRig(t, map[string]string{"AT+CGMM": "\r\n" + answer + "\r\n"}, func(x *Exchange) (err error) {
			reply, err = x.Command("AT+CGMM", 0)
			return err
		})
		if got := strings.Join(reply.Lines, "|"); !r.done || r.err != nil || got != want {
			t.Errorf("%q: the answer is %q, want %q (%v)", answer, got, want, r.err)
		}
		if shown := r.trace(); strings.Contains(shown, "123456") || strings.Contains(shown, "131313F3") || strings.Contains(shown, "49170") {
			t.Error(shown)
		}
	}
}

// TestSecrets: neither a secret nor an identity reaches an event or an error.
func TestSecrets(t *testing.T) {
	const pin, password, imsi, imei, iccid = "4711", `pa"ss`, "262019876543210", "490154203237518", "8949020000012345678F"
	r := newRig(t, map[string]string{
		`AT+CPIN="` + pin + `"`:                "AT+CPIN=\"" + pin + "\"\r\r\n+CME ERROR: " + pin + "\r\n",
		`AT+CGAUTH=1,2,"user","pa\22ss"`:       "AT+CGA\r\n\r\nUTH=1,2,\"user\",\"pa\\22ss\"\r\r\nERROR\r\n",
		`AT+CGAUTH=1,2,"user","x"`:             "AT+CGAUTH=1,2,\"user\",\"x\"\r\r\nERROR\r\n",
		"AT+CIMI":                              "\r\n" + imsi + "\r\n\r\nOK\r\n",
		"AT+CGSN":                              "\r\n+CGSN: \"" + imei + "\"\r\n\r\nOK\r\n",
		"AT+CCID":                              "\r\n+CCID: " + iccid + "\r\n\r\nOK\r\n",
		"AT+CNUM":                              "\r\n+CNUM: \"me\",\"+491709876543\",145\r\n\r\nOK\r\n",
		"ATI":                                  "\r\nHuawei\r\nIMEI: " + imei + "\r\n+CLIP: \"+491709876543\",145\r\nMEID: 0xA1000009ABCDEF\r\nfoo 49-015420-323751-8\r\n\r\nOK\r\n",
		`AT+CGDCONT=1,"IP","internet.example"`: "\r\nOK\r\n",
		"ATDT+491709876543":                    "\r\nATDT+491709876543\r\r\nNO CARRIER\r\n",
	}, func(x *Exchange) error {
		_, err := x.Command(`AT+CPIN=`+Quote(x.Secret(pin)), 0)
		_, err2 := x.Command(`AT+CGAUTH=1,2,"user",`+Quote(x.Secret(password)), 0)
		_, err3 := x.Command(`AT+CGAUTH=1,2,"user",`+Quote(x.Secret("x")), 0)
		for _, c := range []string{"AT+CIMI", "AT+CGSN", "AT+CCID", "AT+CNUM", "ATI", `AT+CGDCONT=1,"IP","internet.example"`} {
			reply, err := x.Command(c, 0)
			if err != nil {
				return err
			}
			if c == "AT+CIMI" && reply.Lines[0] != imsi {
				t.Errorf("the code itself does not get the IMSI: %q", reply.Lines)
			}
		}
		_, err4 := x.Command("ATDT+491709876543", 0)
		return errors.Join(err, err2, err3, err4)
	})
	if !r.done {
		t.Fatal("not done")
	}
	shown := r.trace() + r.err.Error()
	for _, s := range []string{pin, `pa`, "22ss", imsi, imei, "8949020000", "1709876543", "A1000009", "490154", "49-01", `"x"`} {
		if strings.Contains(shown, s) {
			t.Errorf("%q is shown in:\n%s", s, shown)
		}
	}
	for _, s := range []string{`sent AT+CPIN="<hidden>"`, `rcvd AT+CPIN="<hidden>"`, "rcvd <hidden>", "rcvd Huawei", "internet.example", "sent ATDT<hidden>", `"user","<hidden>"`} {
		if !strings.Contains(shown, s) {
			t.Errorf("%q is not shown in:\n%s", s, shown)
		}
	}
}

// TestHiddenWhole: a command that is secret as a whole has an answer that is secret, and the port is told before it is sent.
func TestHiddenWhole(t *testing.T) {
	r := newRig(t, map[string]string{"AT^GETKEY?": "AT^GETKEY?\r\r\n^KEY: a1b2\r\n7f\r\n\r\nOK\r\n^LATE: a1b2\r\na1b2\r\n"}, func(x *Exchange) error {
		_, err := x.Command(x.Secret("AT^GETKEY?"), 0)
		x.Wait(0)
		return err
	})
	if !r.done || r.err != nil {
		t.Fatal(r.done, r.err)
	}
	shown := r.trace()
	for _, s := range []string{"GETKEY", "a1b2", "7f"} {
		if strings.Contains(shown, s) {
			t.Errorf("%q is shown in:\n%s", s, shown)
		}
	}
	if !slices.Equal(r.hidden, []string{"AT^GETKEY?"}) || !strings.Contains(shown, "^KEY: <hidden>") {
		t.Errorf("the port was told of %q; %s", r.hidden, shown)
	}
}

// TestCommandLine: what must not be sent is not sent.
func TestCommandLine(t *testing.T) {
	for _, line := range []string{"", "AT+X=\"a\rATD112;\"", "AT\n", "AT+X=" + strings.Repeat("x", maxCommand), "AT\x00"} {
		var reply Reply
		r := newRig(t, nil, ask(line, &reply))
		if !r.done || r.err == nil || len(r.sent) != 0 {
			t.Errorf("%.20q: done %v, error %v, sent %q", line, r.done, r.err, r.sent)
		}
	}
	if got := Quote(`a"b\c`); got != `"a\22b\5Cc"` {
		t.Errorf("Quote: %s", got)
	}
}

// TestCharDelay: each character is its own write, with the pause between.
func TestCharDelay(t *testing.T) {
	r := newRig(t, map[string]string{"AT+CSQ": "\r\nOK\r\n"}, func(x *Exchange) error {
		x.CharDelay(10 * time.Millisecond)
		_, err := x.Command("AT+CSQ", time.Second)
		return err
	})
	r.pass(59 * time.Millisecond)
	if got := strings.Join(r.sent, "|"); got != "A|T|+|C|S|Q" {
		t.Fatalf("sent %q", got)
	}
	r.pass(time.Second)
	if !r.done || r.err != nil {
		t.Errorf("done %v, error %v", r.done, r.err)
	}
}

// TestUnsolicited: subscribers hear what answers nothing, at any time.
func TestUnsolicited(t *testing.T) {
	var heard []string
	var reply Reply
	r := newRig(t, nil, func(x *Exchange) (err error) {
		x.Subscribe("+CREG:", func(line string) { heard = append(heard, line) })
		reply, err = x.Command("AT+CREG?", time.Second)
		x.Wait(time.Second)
		line, ok := x.Expect(time.Second, "RING", "+CRING")
		if !ok || line != "RING" {
			t.Errorf("expected RING, got %q", line)
		}
		up := x.Until(time.Minute, func() bool { l, ok := x.Lines(); return ok && l.DCD })
		if !up {
			t.Error("DCD was not seen")
		}
		return err
	})
	r.receive("+CREG: 0,2\r\nOK\r\n+CREG: 2\r\n")
	r.pass(time.Second / 2)
	r.receive("+CREG: 1\r\n")
	r.pass(time.Second)
	r.receive("RING\r\n")
	r.d.Lines(r.now, ModemLines{DCD: true})
	r.drain()
	if !r.done || r.err != nil {
		t.Fatalf("done %v, error %v", r.done, r.err)
	}
	if fmt.Sprint(heard) != "[+CREG: 2 +CREG: 1]" || fmt.Sprint(reply.Lines) != "[+CREG: 0,2]" {
		t.Errorf("heard %q, reply %q", heard, reply.Lines)
	}
}

// TestOutputs: what a dialogue asks of the port comes out in order, and Discard forgets what was received.
func TestOutputs(t *testing.T) {
	d := NewDialogue(func(x *Exchange) error {
		x.Wait(time.Second)
		x.SetBaud(9600)
		x.SetFlow("none")
		x.SetDTR(false)
		x.Break(time.Second)
		x.Discard()
		x.Write([]byte("+++"))
		if x.Synced() || !x.Now().Equal(time.Unix(1, 0)) {
			t.Errorf("synced %v at %v", x.Synced(), x.Now())
		}
		_, err := x.Command("AT", time.Second)
		if !x.Synced() {
			t.Error("not synced")
		}
		x.Event(event.Notice{Text: "end"})
		return err
	})
	d.Advance(time.Unix(0, 0))
	d.Receive(time.Unix(0, 0), []byte("half a line"))
	d.Advance(time.Unix(1, 0))
	d.Receive(time.Unix(1, 0), []byte("OK\r\n"))
	var got []string
	for o, ok := d.Next(); ok; o, ok = d.Next() {
		got = append(got, fmt.Sprintf("%T%v", o, o))
	}
	const want = "at.SetBaud{9600} at.SetFlow{none} at.SetDTR{false} at.Break{1s} at.Discard{} at.Write{[43 43 43]} at.Event{{sent AT}} " +
		"at.Write{[65 84 13]} at.Event{{rcvd OK}} at.Event{{ end  }} at.Done{<nil>}"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got\n%s, want\n%s", s, want)
	}
}

// TestPayloadIsNotShown: while packets go over the line, what looks like text may be somebody's data.
func TestPayloadIsNotShown(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		r := newRig(t, nil, func(x *Exchange) error {
			x.IgnoreFrames(ignore)
			x.Wait(time.Second)
			_, err := x.Command("AT", 5*time.Second)
			return err
		})
		r.receive("~\xff\x03\x00\x21E\x00password=x\r\n+X: password\r\n")
		r.pass(time.Second)
		r.receive("~!E\x00password=x\r\n\r\nNO CARRIER\r\n+X: password\r\nRING\r\nOK\r\n")
		if !r.done || r.err != nil {
			t.Fatalf("done %v, error %v", r.done, r.err)
		}
		if got := r.trace(); strings.Contains(got, "password") || !strings.Contains(got, "NO CARRIER\nrcvd RING\nrcvd OK") {
			t.Errorf("shown:\n%s", got)
		}
	}
}

// TestOKToEverything: a port that says OK to a dial command does not count as connected (quirk USB-12).
func TestOKToEverything(t *testing.T) {
	r := newRig(t, map[string]string{"ATD*99#": "OK\r\n"}, func(x *Exchange) error {
		_, err := x.Command("ATD*99#", time.Minute)
		return err
	})
	r.pass(okGrace)
	var result *ResultError
	if !r.done || !errors.As(r.err, &result) || result.Result != v250.OK {
		t.Errorf("done %v, error %v", r.done, r.err)
	}
}

// TestLateConnect: CONNECT in answer to another command is a call that came through too late.
func TestLateConnect(t *testing.T) {
	var reply Reply
	r := newRig(t, map[string]string{"AT": "CONNECT\r\n"}, ask("AT", &reply))
	var data *DataModeError
	if !errors.As(r.err, &data) {
		t.Errorf("error %v", r.err)
	}
}

// TestStop: a dialogue can be stopped wherever it stands, and leaves no coroutine behind.
func TestStop(t *testing.T) {
	before := runtime.NumGoroutine()
	cleaned := 0
	for i := range 50 {
		d := NewDialogue(func(x *Exchange) error {
			defer func() { cleaned++; x.Wait(time.Second); t.Error("a deferred call waited") }()
			for {
				x.Command("AT", time.Second) //nolint:errcheck // a function that never gives up
			}
		})
		now := time.Unix(0, 0)
		if i > 0 {
			d.Advance(now)
			d.Advance(now.Add(time.Duration(i) * 300 * time.Millisecond))
		}
		d.Stop()
		d.Stop()
		d.Advance(now.Add(time.Hour))
		d.Receive(now.Add(time.Hour), []byte("OK\r\n"))
		if o, ok := d.Next(); ok || !d.Deadline().IsZero() {
			t.Fatalf("after Stop: output %v, deadline %v", o, d.Deadline())
		}
	}
	if cleaned != 49 {
		t.Errorf("%d of 49 functions were unwound", cleaned)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestPanic: a bug in a dialogue function is not swallowed.
func TestPanic(t *testing.T) {
	d := NewDialogue(func(*Exchange) error { panic("bug") })
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	d.Advance(time.Unix(0, 0))
}

// TestBounded: a modem that floods the port does not make the machine grow.
func TestBounded(t *testing.T) {
	var reply Reply
	r := newRig(t, nil, ask("ATI", &reply))
	for _, s := range []string{"x\r\n", "xxxxxxxxxx", "~\xff}#", "~\xff}#\xc0!}!}!~", "~\xff\x03", "\x00"} {
		r.receive(strings.Repeat(s, 200000))
		r.events = nil
		rd := &r.d.reader
		if n := cap(rd.line) + cap(rd.frame) + cap(rd.frames) + cap(r.d.x.lines); n > 4*maxRest {
			t.Errorf("%q: %d octets kept", s, n)
		}
	}
	if len(reply.Lines) > maxReplyLines {
		t.Errorf("%d lines", len(reply.Lines))
	}
	var c Reply
	r = newRig(t, map[string]string{"ATD*99#": "CONNECT\r\n"}, ask("ATD*99#", &c))
	r.receive(strings.Repeat("~\xff}#", 100000))
	if n := len(r.d.Rest()); n > maxRest {
		t.Errorf("%d octets for PPP", n)
	}
}
