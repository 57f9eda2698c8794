package modem

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
)

const lcpFrame = "~\xff}#\xc0!}!}!} }4}\"}&} } } } }%}&q\xd9=\x8a}'}\"}(}\"\xe9p~"

// TestDialClean: against a modem that answers at once, the whole dialogue takes no time, and only what is needed is sent.
func TestDialClean(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		change  func(*Plan)
		sent    string
	}{
		{"defaults", good(), nil, "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#"},
		{"nothing asked", good(), func(p *Plan) { p.Require = false; p.EchoOff = false }, "AT|AT+CPIN?|ATD*99***1#"},
		{
			"a 3G modem that only knows circuits",
			good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n"), nil,
			"ATE0|AT+CPIN?|AT+CEREG?|AT+CGREG?|AT+CREG?|AT+CSQ|ATD*99***1#",
		},
		{"the APN is stored", good(), func(p *Plan) { p.APN = "internet" }, "ATE0|AT+CPIN?|AT+CGDCONT?|AT+CEREG?|AT+CSQ|ATD*99***1#"},
		{
			"another APN", good(`AT+CGDCONT=1,"IP","web.example"`, "OK\r\n"), func(p *Plan) { p.APN = "web.example" },
			`ATE0|AT+CPIN?|AT+CGDCONT?|AT+CGDCONT=1,"IP","web.example"|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			"another APN, context active (PDP-01)", good(`AT+CGDCONT=1,"IP","web.example"`, "ERROR\r\n||OK\r\n"), func(p *Plan) { p.APN = "web.example" },
			`ATE0|AT+CPIN?|AT+CGDCONT?|AT+CGDCONT=1,"IP","web.example"|AT+CGACT=0,1|AT+CGDCONT=1,"IP","web.example"|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			"init", good("ATZ", "ERROR\r\n", "AT+CPMS?", "+CME ERROR: 4\r\n", "AT&C0", "OK\r\n"),
			func(p *Plan) { p.Send.Init = []string{"ATZ", "AT+CPMS?", "AT&C0"}; p.Require = false },
			"ATE0|ATZ|AT+CPMS?|AT&C0|AT+CPIN?|ATD*99***1#",
		},
		{
			"another context and number", good("ATDT*99***3#", "CONNECT\r\n"),
			func(p *Plan) { p.CID = 3; p.DialCommand = "ATDT"; p.Require = false }, "ATE0|AT+CPIN?|ATDT*99***3#",
		},
		{
			"*99# where the context's own form is refused (N-02)", good("ATD*99***1#", "ERROR\r\n", "ATD*99#", "CONNECT\r\n"), func(p *Plan) { p.Require = false },
			"ATE0|AT+CPIN?|ATD*99***1#|ATD*99#",
		},
		{
			"*99# is no other context", good("ATD*99***3#", "ERROR\r\n", "ATD#777", "CONNECT\r\n"),
			func(p *Plan) { p.CID = 3; p.Alternates = append(p.Alternates, "#777"); p.Require = false }, "ATE0|AT+CPIN?|ATD*99***3#|ATD#777",
		},
		{
			"alternates (DIAL-05)", good("ATD*99***1#", "ERROR\r\n", "ATD*98*1#", "+CME ERROR: 3\r\n", "ATD#777", "CONNECT\r\n"),
			func(p *Plan) { p.Alternates = []string{"*98*1#", "#777"}; p.Require = false }, "ATE0|AT+CPIN?|ATD*99***1#|ATD*98*1#|ATD#777",
		},
		{
			"PIN", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n||+CPIN: READY\r\nOK\r\n", `AT+CPIN="4711"`, "OK\r\n", `AT+CPINR="SIM PIN"`, "+CPINR: SIM PIN,3,3\r\nOK\r\n"),
			func(p *Plan) { p.PIN = "4711"; p.Require = false }, `ATE0|AT+CPIN?|AT+CPINR="SIM PIN"|AT+CPIN="4711"|AT+CPIN?|ATD*99***1#`,
		},
		{
			"PIN2 is no matter", good("AT+CPIN?", "+CPIN: SIM PIN2\r\nOK\r\n"),
			func(p *Plan) { p.Require = false }, "ATE0|AT+CPIN?|ATD*99***1#",
		},
		{
			"a modem without SIM and registration commands (CDMA)", good("AT+CPIN?", "ERROR\r\n", "AT+CMEE=1", "ERROR\r\n", "AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "ERROR\r\n", "AT+CREG?", "ERROR\r\n", "ATD#777", "CONNECT\r\n"),
			func(p *Plan) { p.Number = "#777" }, "ATE0|AT+CPIN?|AT+CMEE=1|AT+CEREG?|AT+CGREG?|AT+CREG?|ATD#777",
		},
		{
			"the radio is off (AT-17)", good("AT+CFUN?", "+CFUN: 4\r\nOK\r\n||+CFUN: 1\r\nOK\r\n",
				"AT+CEREG?", "+CEREG: 0,0\r\nOK\r\n||+CEREG: 0,1\r\nOK\r\n", "AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n", "AT+CREG?", "+CREG: 0,0\r\nOK\r\n"),
			func(p *Plan) { p.Signal = false }, "ATE0|AT+CPIN?|AT+CEREG?|AT+CGREG?|AT+CREG?|AT+C5GREG?|AT+CFUN?|AT+CFUN=1|AT+CEREG?|ATD*99***1#",
		},
		{
			"told not to register (REG-03)", good("AT+COPS?", "+COPS: 2\r\nOK\r\n",
				"AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n||+CGREG: 0,5\r\nOK\r\n", "AT+CREG?", "+CREG: 0,0\r\nOK\r\n"),
			func(p *Plan) { p.Signal = false }, "ATE0|AT+CPIN?|AT+CEREG?|AT+CGREG?|AT+CREG?|AT+CFUN?|AT+COPS?|AT+COPS=0|AT+CGREG?|ATD*99***1#",
		},
		{
			"the SIM is only without power (radio off)", good("AT+CPIN?", "+CME ERROR: 13\r\n||+CPIN: READY\r\nOK\r\n", "AT+CFUN?", "+CFUN: 0\r\nOK\r\n"),
			func(p *Plan) { p.Require = false }, "ATE0|AT+CPIN?|AT+CFUN?|AT+CFUN=1|AT+CPIN?|ATD*99***1#",
		},
		{"ERROR at first (USB-23)", good("ATE0", "ERROR\r\n", "AT", "ERROR\r\n||OK\r\n"), func(p *Plan) { p.Require = false }, "ATE0|AT|AT|AT+CPIN?|ATD*99***1#"},
	} {
		for _, piece := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, piece), func(t *testing.T) {
				p := Defaults()
				if tt.change != nil {
					tt.change(&p)
				}
				answers := map[string][]string{}
				for k, v := range tt.answers {
					answers[k] = v
				}
				f := fake{answers: answers, piece: piece}
				var r Result
				o := f.run(t, Dial(p, &r))
				if o.err != nil {
					t.Fatalf("error %v; sent %q", o.err, o.sent)
				}
				if got := strings.Join(o.sent, "|"); got != tt.sent {
					t.Errorf("sent\n%s, want\n%s", got, tt.sent)
				}
				if o.elapsed != 0 {
					t.Errorf("took %v", o.elapsed)
				}
				if !strings.HasPrefix(r.Connect, "CONNECT") {
					t.Errorf("result %+v", r)
				}
			})
		}
	}
}

// TestDialNoisy: echo, unsolicited codes, noise and glued frames change nothing.
func TestDialNoisy(t *testing.T) {
	noisy := good()
	for command, list := range noisy {
		noisy[command] = []string{command + "\r\r\n^RSSI: 12\r\n\x00\x00\xfe\r\n+CREG: 1,\"1A2B\",\"01020304\"\r\n" + list[0]}
	}
	noisy["ATE0"] = []string{"\x00\x00MSM6290\r\n+CGAP: x\r\nATE0\r\r\nOK\r\n"}
	noisy["ATD*99***1#"] = []string{lcpFrame + "\r\n^MODE: 5,4\r\n\r\nCONNECT 7200000\r\n" + lcpFrame}
	f := fake{answers: noisy, piece: 7}
	var r Result
	o := f.run(t, Dial(Defaults(), &r))
	if o.err != nil || o.elapsed != 0 {
		t.Fatalf("error %v after %v; sent %q", o.err, o.elapsed, o.sent)
	}
	if o.rest != lcpFrame+lcpFrame {
		t.Errorf("rest %q", o.rest)
	}
	if r.Registration != "home" || r.Signal != "-71 dBm" || r.Connect != "CONNECT 7200000" {
		t.Errorf("result %+v", r)
	}
	if got := o.registrations(); got != "home -71 dBm" {
		t.Errorf("registrations %q", got)
	}
}

// TestDialFailures: each way not to connect has its kind, its words, and its time.
func TestDialFailures(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		change  func(*Plan)
		kind    Kind
		text    string // part of the error
		elapsed time.Duration
		never   string // must not be sent
	}{
		{"silence", map[string][]string{"AT": {""}, "ATE0": {""}, "ATE0Q0V1": {""}}, nil, Silent, "does not answer AT", 0, ""},
		{"ERROR to everything", map[string][]string{}, nil, ATError, "ERROR", 10 * s, "ATD*99***1#"},
		{"PIN needed", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), nil, PINNeeded, "asks for a PIN", 0, "ATD*99***1#"},
		{"PIN needed by number", good("AT+CPIN?", "+CME ERROR: 11\r\n"), nil, PINNeeded, "asks for a PIN", 0, ""},
		{"PIN that is none", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), func(p *Plan) { p.PIN = "12a4" }, PINNeeded, "4 to 8 digits", 0, `AT+CPIN="12a4"`},
		{
			"wrong PIN", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="4711"`, "+CME ERROR: 16\r\n", `AT+CPINR="SIM PIN"`, "+CPINR: SIM PIN,3,3\r\nOK\r\n||+CPINR: SIM PIN,2,3\r\nOK\r\n"),
			func(p *Plan) { p.PIN = "4711" }, PINWrong, "refused the PIN (+CME ERROR: 16 (incorrect password)); 2 tries are left", 0, "ATD*99***1#",
		},
		{
			"wrong PIN, Huawei", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="4711"`, "ERROR\r\n", "AT^CPIN?", "^CPIN: SIM PIN,,10,2,10,3\r\nOK\r\n"),
			func(p *Plan) { p.PIN = "4711" }, PINWrong, "2 tries are left", 0, "",
		},
		{
			"PIN without effect", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="4711"`, "OK\r\n"),
			func(p *Plan) { p.PIN = "4711" }, PINWrong, "refused the PIN", 3 * s, "",
		},
		{
			"the last try", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="4711"`, "OK\r\n", `AT+CPINR="SIM PIN"`, "+CPINR: SIM PIN,1,3\r\nOK\r\n"),
			func(p *Plan) { p.PIN = "4711" }, PINWrong, "1 try is left", 0, `AT+CPIN="4711"`,
		},
		{
			"wrong PIN that was the last", good("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="4711"`, "+CME ERROR: 12\r\n"),
			func(p *Plan) { p.PIN = "4711" }, PUKNeeded, "is blocked now", 0, "",
		},
		{"PUK", good("AT+CPIN?", "+CPIN: SIM PUK\r\nOK\r\n"), func(p *Plan) { p.PIN = "4711" }, PUKNeeded, "PUK", 0, `AT+CPIN="4711"`},
		{"PUK by words", good("AT+CPIN?", "+CME ERROR: SIM PUK required\r\n"), func(p *Plan) { p.PIN = "4711" }, PUKNeeded, "PUK", 0, `AT+CPIN="4711"`},
		{"network lock", good("AT+CPIN?", "+CPIN: PH-NET PIN\r\nOK\r\n"), func(p *Plan) { p.PIN = "4711" }, PINNeeded, "locked", 0, `AT+CPIN="4711"`},
		{"no SIM", good("AT+CPIN?", "+CME ERROR: 10\r\n"), nil, NoSIM, "SIM not inserted", 0, ""},
		{"no SIM, told when asked", good("AT+CPIN?", "ERROR\r\n||+CME ERROR: 10\r\n", "AT+CMEE=1", "OK\r\n"), nil, NoSIM, "SIM not inserted", 0, ""},
		{"no SIM as a state", good("AT+CPIN?", "+CPIN: NOT INSERTED\r\nOK\r\n"), nil, NoSIM, "no SIM", 0, ""},
		{"no SIM, told by registration", good("AT+CPIN?", "ERROR\r\n", "AT+CEREG?", "+CME ERROR: 10\r\n"), nil, NoSIM, "no SIM", 0, ""},
		{
			"SMS only", good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "ERROR\r\n", "AT+CREG?", "+CREG: 0,6\r\nOK\r\n"),
			nil, Unregistered, "SMS only", 60 * s, "ATD*99***1#",
		},
		{
			"no service for now", good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "ERROR\r\n", "AT+CREG?", "+CME ERROR: 30\r\n"),
			nil, Unregistered, "unknown", 60 * s, "ATD*99***1#",
		},
		{"the radio stays off", good("AT+CPIN?", "+CME ERROR: 13\r\n", "AT+CFUN?", "+CFUN: 4\r\nOK\r\n", "AT+CFUN=1", "ERROR\r\n"), nil, ATError, "cannot be switched on", 0, ""},
		{"a dial command that does not dial", good("AT+X=*99***1#", "OK\r\n"), func(p *Plan) { p.DialCommand = "AT+X=" }, DialRefused, "no CONNECT", 0, ""},
		{"SIM busy for ever", good("AT+CPIN?", "+CME ERROR: 14\r\n"), nil, NoSIM, "stays busy", 20 * s, ""},
		{"SIM failure", good("AT+CPIN?", "+CME ERROR: 13\r\n"), nil, NoSIM, "SIM failure", 20 * s, ""},
		{
			"not registered", good("AT+CEREG?", "+CEREG: 0,2\r\nOK\r\n", "AT+CGREG?", "+CGREG: 0,2\r\nOK\r\n", "AT+CREG?", "+CREG: 0,2\r\nOK\r\n"),
			nil, Unregistered, "no network within 1m0s (searching)", 60 * s, "ATD*99***1#",
		},
		{
			"not registered, short", good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n", "AT+CREG?", "+CREG: 0,4\r\nOK\r\n", "AT+CGREG=1", "ERROR\r\n", "AT+CREG=1", "ERROR\r\n"),
			func(p *Plan) { p.RegistrationWait = 3 * s }, Unregistered, "unknown", 3 * s, "ATD*99***1#",
		},
		{
			"denied", good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "+CGREG: 0,3\r\nOK\r\n", "AT+CREG?", "+CREG: 0,3\r\nOK\r\n"),
			nil, Denied, "refuses", 0, "ATD*99***1#",
		},
		{
			"denied after a search", good("AT+CEREG?", "ERROR\r\n", "AT+CGREG?", "+CGREG: 0,2\r\nOK\r\n||+CGREG: 0,3\r\nOK\r\n", "AT+CREG?", "+CREG: 0,0\r\nOK\r\n", "AT+CGREG=1", "ERROR\r\n", "AT+CREG=1", "ERROR\r\n"),
			nil, Denied, "refuses", 0, "ATD*99***1#",
		},
		{"NO CARRIER", good("ATD*99***1#", "NO CARRIER\r\n", "AT+CEER", "+CEER: service option not subscribed\r\nOK\r\n"), nil, DialRefused, "NO CARRIER; +CEER: service option not subscribed", 0, ""},
		{"NO CARRIER late", good("ATD*99***1#", "@30s NO CARRIER\r\n"), nil, DialRefused, "NO CARRIER", 30 * s, ""},
		{"ERROR", good("ATD*99***1#", "ERROR\r\n"), nil, DialRefused, "ERROR", 0, ""},
		{"BUSY", good("ATD*99***1#", "BUSY\r\n"), func(p *Plan) { p.Alternates = []string{"*98#"} }, DialRefused, "BUSY", 0, "ATD*98#"},
		{"CME", good("ATD*99***1#", "+CME ERROR: 148\r\n"), nil, DialRefused, "unspecified GPRS error", 0, ""},
		{"OK (USB-12)", good("ATD*99***1#", "OK\r\n"), nil, DialRefused, "no CONNECT", 5 * s, ""},
		{"dial silence", good("ATD*99***1#", ""), nil, DialRefused, "no CONNECT within 1m0s", 60*s + 200*time.Millisecond, ""},
		{"init refused", good("AT^X=1", "ERROR\r\n"), func(p *Plan) { p.Send.Init = []string{"AT^X=1"} }, ATError, "AT^X=1: ERROR", 0, "ATD*99***1#"},
		{"APN refused", good(`AT+CGDCONT=1,"IP","x"`, "+CME ERROR: 50\r\n"), func(p *Plan) { p.APN = "x" }, ATError, "incorrect parameters", 0, "ATD*99***1#"},
		{"unknown auth command", good(), func(p *Plan) { p.AuthCommand = "+X" }, ATError, "is not known", 0, "ATD*99***1#"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Defaults()
			if tt.change != nil {
				tt.change(&p)
			}
			f := fake{answers: tt.answers}
			o := f.run(t, Dial(p, nil))
			if o.err == nil || KindOf(o.err) != tt.kind || !strings.Contains(o.err.Error(), tt.text) {
				t.Errorf("error %v (%q); want %q with %q\nsent %q", o.err, KindOf(o.err), tt.kind, tt.text, o.sent)
			}
			if tt.elapsed != 0 && (o.elapsed < tt.elapsed || o.elapsed > tt.elapsed+s) {
				t.Errorf("took %v, want %v", o.elapsed, tt.elapsed)
			}
			if tt.elapsed == 0 && tt.kind != Silent && o.elapsed > s {
				t.Errorf("took %v", o.elapsed)
			}
			pins := 0
			for _, line := range o.sent {
				if line == tt.never {
					t.Errorf("%s was sent", line)
				}
				if strings.HasPrefix(line, "AT+CPIN=") {
					pins++
				}
			}
			if pins > 1 {
				t.Errorf("the PIN was tried %d times", pins)
			}
			if strings.Contains(o.shown(), "4711") {
				t.Errorf("the PIN is shown:\n%s", o.shown())
			}
		})
	}
}

// TestPINSlow: a modem that asks for the PIN still when it has taken it is asked again, not given it again.
func TestPINSlow(t *testing.T) {
	const pin, ready = "+CPIN: SIM PIN\r\nOK\r\n", "+CPIN: READY\r\nOK\r\n"
	for _, answer := range []string{"OK\r\n", ""} { // also where the command itself was never answered
		p := Defaults()
		p.PIN, p.Timeout = "4711", time.Second
		o := (&fake{answers: good("AT+CPIN?", pin+"||"+pin+"||"+pin+"||"+ready, `AT+CPIN="4711"`, answer)}).run(t, Dial(p, nil))
		if o.err != nil || strings.Count(strings.Join(o.sent, "|"), `AT+CPIN="`) != 1 {
			t.Errorf("%q: %v, sent %q", answer, o.err, o.sent)
		}
	}
}

// TestSilenceInTheMiddle: a modem that stops to answer at any step ends the dialogue soon, with a word for it.
func TestSilenceInTheMiddle(t *testing.T) {
	p := Defaults()
	p.PIN, p.APN, p.AuthCommand, p.User = "4711", "web", "+CGAUTH", "u"
	p.Send.Init = []string{"AT&C0"}
	full := func() map[string][]string {
		return good(
			"AT&C0", "OK\r\n", "AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n||+CPIN: READY\r\nOK\r\n", `AT+CPIN="4711"`, "OK\r\n",
			`AT+CPINR="SIM PIN"`, "+CPINR: SIM PIN,3,3\r\nOK\r\n", `AT+CGDCONT=1,"IP","web"`, "OK\r\n", `AT+CGAUTH=1,2,"u",""`, "OK\r\n",
		)
	}
	whole := (&fake{answers: full()}).run(t, dialAsking(p))
	if whole.err != nil || len(whole.sent) < 14 {
		t.Fatalf("%v, sent %q", whole.err, whole.sent)
	}
	for i, last := range whole.sent {
		n := 0
		answers := full()
		f := fake{raw: func(line string) string {
			if n++; n > i || !strings.HasSuffix(line, "\r") {
				return ""
			}
			line = strings.TrimSuffix(line, "\r")
			list := answers[line]
			if len(list) > 1 {
				answers[line] = list[1:]
			}
			return list[0]
		}}
		o := f.run(t, dialAsking(p))
		kind := Silent
		if i == len(whole.sent)-1 {
			kind = DialRefused
		}
		if KindOf(o.err) != kind || o.elapsed > 80*time.Second || i < len(whole.sent)-1 && o.elapsed > 20*time.Second {
			t.Errorf("after %s: %v (%q) after %v; sent %q", last, o.err, KindOf(o.err), o.elapsed, o.sent)
		}
	}
}

// TestSignal: +CSQ in dBm (3GPP TS 27.007 section 8.5).
func TestSignal(t *testing.T) {
	for answer, want := range map[string]string{
		"+CSQ: 0,99\r\nOK\r\n": "-113 dBm", "+CSQ:31,0\r\nOK\r\n": "-51 dBm", "+CSQ: 99,99\r\nOK\r\n": "", "+CSQ: 150,99\r\nOK\r\n": "-66 dBm",
		"+CSQ: \r\nOK\r\n": "", "OK\r\n": "", "ERROR\r\n": "",
	} {
		var r Result
		o := (&fake{answers: good("AT+CSQ", answer)}).run(t, Dial(Defaults(), &r))
		if o.err != nil || r.Signal != want {
			t.Errorf("%q: %q, %v", answer, r.Signal, o.err)
		}
	}
}

// TestTwoPorts: Prepare on one port and Call on the other make up for Dial (quirk DATA-03).
func TestTwoPorts(t *testing.T) {
	control := (&fake{answers: good()}).run(t, Prepare(Defaults(), nil))
	data := (&fake{answers: good()}).run(t, Call(Defaults(), nil))
	if control.err != nil || data.err != nil {
		t.Errorf("errors %v, %v", control.err, data.err)
	}
	if got := strings.Join(append(control.sent, data.sent...), "|"); got != "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|ATE0|ATD*99***1#" {
		t.Errorf("sent %s", got)
	}
}

// TestReset: the modem is told to restart, and need not say OK any more.
func TestReset(t *testing.T) {
	for _, tt := range []struct {
		answer string
		kind   Kind
	}{{"OK\r\n", ""}, {"", ""}, {"ERROR\r\n", ATError}} {
		o := (&fake{answers: good("AT+CFUN=1,1", tt.answer)}).run(t, Reset(Defaults()))
		if KindOf(o.err) != tt.kind || strings.Join(o.sent, "|") != "ATE0|AT+CFUN=1,1" {
			t.Errorf("%q: %v, sent %q", tt.answer, o.err, o.sent)
		}
	}
}

// BenchmarkDial: what the clean dialogue costs on this side, without any wait.
func BenchmarkDial(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d := at.NewDialogue(Dial(Defaults(), nil))
		now := time.Unix(1000, 0)
		d.Advance(now)
		answers := good()
		for done := false; !done; {
			out, _ := d.Next()
			switch out := out.(type) {
			case at.Write:
				d.Receive(now, []byte(answers[strings.TrimSuffix(string(out.Bytes), "\r")][0]))
			case at.Done:
				done = true
			}
		}
	}
}

// TestSilenceTakesReadyWait: a mute port is given up after at.ready_wait, not much later, whatever was tried meanwhile.
func TestSilenceTakesReadyWait(t *testing.T) {
	for _, wait := range []time.Duration{0, 2 * time.Second, 10 * time.Second, 40 * time.Second} {
		p := Defaults()
		p.ReadyWait = wait
		o := (&fake{answers: map[string][]string{"AT": {""}, "ATE0": {""}, "ATE0Q0V1": {""}}, raw: func(string) string { return "" }}).run(t, Dial(p, nil))
		if KindOf(o.err) != Silent || o.elapsed < wait || o.elapsed > max(wait, 12*time.Second) {
			t.Errorf("%v: error %v after %v", wait, o.err, o.elapsed)
		}
	}
}

// TestReadyLate: a modem that is mute after opening (USB-13) is waited for, and hidden or numeric result codes are put
// right (V.250 sections 6.2.5 and 6.2.6).
func TestReadyLate(t *testing.T) {
	answers := good("ATE0", "||||@100ms OK\r\n")
	answers["ATE0"] = []string{"", "@100ms OK\r\n"}
	o := (&fake{answers: answers}).run(t, Dial(Defaults(), nil))
	if o.err != nil || o.elapsed > 2*time.Second {
		t.Errorf("late: %v after %v", o.err, o.elapsed)
	}
	answers = good("ATE0", "0\r", "AT", "0\r", "ATE0Q0V1", "OK\r\n")
	o = (&fake{answers: answers}).run(t, Dial(Defaults(), nil))
	if o.err != nil || o.elapsed > 3*time.Second {
		t.Errorf("numeric: %v after %v, sent %q", o.err, o.elapsed, o.sent)
	}
}

// TestRegistrationProgress: the search is shown, and its end is told by the modem or found by asking.
func TestRegistrationProgress(t *testing.T) {
	const searching, home = "+CGREG: 0,2\r\nOK\r\n", "+CGREG: 1,1\r\nOK\r\n"
	answers := good("AT+CEREG?", "ERROR\r\n", "AT+CREG?", "+CREG: 0,2\r\nOK\r\n", "AT+CGREG?", searching+"||"+searching+"||"+home)
	f := fake{answers: answers, later: []later{{after: 2500 * time.Millisecond, send: "\r\n+CGREG: 1\r\n"}}}
	o := f.run(t, Dial(Defaults(), nil))
	if o.err != nil || o.elapsed != 2500*time.Millisecond {
		t.Errorf("told: %v after %v", o.err, o.elapsed)
	}
	if got := o.registrations(); got != "searching -71 dBm, home -71 dBm" {
		t.Errorf("events %q", got)
	}
	if got := strings.Join(o.sent, "|"); !strings.HasSuffix(got, "AT+CGREG=0|AT+CREG=0|ATD*99***1#") {
		t.Errorf("not put back: %s", got)
	}
	answers = good("AT+CEREG?", "ERROR\r\n", "AT+CREG?", "+CREG: 0,2\r\nOK\r\n", "AT+CGREG?", searching+"||"+searching+"||"+searching+"||"+home,
		"AT+CREG=1", "ERROR\r\n", "AT+CGREG=1", "ERROR\r\n")
	o = (&fake{answers: answers}).run(t, Dial(Defaults(), nil))
	if o.err != nil || o.elapsed != 3*time.Second {
		t.Errorf("asked: %v after %v", o.err, o.elapsed)
	}
	answers = good("AT+CPIN?", "+CME ERROR: 14\r\n||+CME ERROR: SIM busy\r\n||+CPIN: READY\r\nOK\r\n")
	o = (&fake{answers: answers}).run(t, Dial(Defaults(), nil))
	if o.err != nil || o.elapsed != 2*time.Second {
		t.Errorf("SIM busy: %v after %v", o.err, o.elapsed)
	}
}

// TestAuthLines holds the argument orders of the credential commands (quirks PDP-02 to PDP-15).
func TestAuthLines(t *testing.T) {
	want := map[string]string{
		"none":              "",
		"+CGAUTH":           `AT+CGAUTH=1,2,"us\22er","pass"`,
		"+UAUTHREQ":         `AT+UAUTHREQ=1,2,"us\22er","pass"`,
		"$QCPDPP":           `AT$QCPDPP=1,2,"pass","us\22er"`,
		"_OPDPP":            `AT_OPDPP=1,2,"pass","us\22er"`,
		"^SGAUTH":           `AT^SGAUTH=1,2,"us\22er","pass"`,
		"^SGAUTH swapped":   `AT^SGAUTH=1,2,"pass","us\22er"`,
		"%IPDPCFG":          `AT%IPDPCFG=1,0,2,"us\22er","pass"`,
		"*EIAAUW":           `AT*EIAAUW=1,1,"us\22er","pass",00111`,
		"^AUTHDATA":         `AT^AUTHDATA=1,2,"","us\22er","pass"`,
		"^AUTHDATA swapped": `AT^AUTHDATA=1,2,"","pass","us\22er"`,
		"#PDPAUTH":          `AT#PDPAUTH=1,2,"us\22er","pass"`,
		"+QICSGP":           `AT+QICSGP=1,1,"web","us\22er","pass",2`,
		"+ZGPCOAUTH":        `AT+ZGPCOAUTH=1,"us\22er","pass",2`,
		"+KCNXCFG":          `AT+KCNXCFG=1,"GPRS","web","us\22er","pass","IPV4"`,
		"APN prefix":        "",
		"+MGAUTH":           `AT+MGAUTH=1,2,"us\22er","pass"`,
		"+XGAUTH":           `AT+XGAUTH=1,2,"us\22er","pass"`,
		"+CNCFG":            `AT+CNCFG=1,"web","us\22er","pass",2`,
	}
	for _, c := range authCommands {
		if _, ok := want[c.name]; !ok {
			t.Errorf("%s is not tested", c.name)
		}
	}
	for name, line := range want {
		p := Defaults()
		p.AuthCommand, p.User, p.Password, p.APN, p.Require = name, `us"er`, "pass", "web", false
		answers := good(`AT+CGDCONT=1,"IP","web"`, "OK\r\n", `AT+CGDCONT=1,"IP","CHAP:web"`, "OK\r\n")
		if line != "" {
			answers[line] = []string{line + "\r\r\nOK\r\n"}
		}
		o := (&fake{answers: answers}).run(t, Dial(p, nil))
		if o.err != nil {
			t.Errorf("%s: %v, sent %q", name, o.err, o.sent)
		}
		if strings.Contains(o.shown(), "pass") {
			t.Errorf("%s: the password is shown:\n%s", name, o.shown())
		}
	}
	for _, tt := range []struct{ name, method, user, password, line string }{
		{"+CGAUTH", "pap", "u", "", `AT+CGAUTH=1,1,"u",""`},
		{"+CGAUTH", "none", "u", "p", `AT+CGAUTH=1,0`},
		{"+CGAUTH", "chap", "", "", `AT+CGAUTH=1,0`},
		{"%IPDPCFG", "chap", "u", "", `AT%IPDPCFG=1,0,0,"",""`},
	} {
		p := Defaults()
		p.AuthCommand, p.AuthMethod, p.User, p.Password, p.Require = tt.name, tt.method, tt.user, tt.password, false
		o := (&fake{answers: good(tt.line, "OK\r\n")}).run(t, Dial(p, nil))
		if o.err != nil {
			t.Errorf("%+v: %v, sent %q", tt, o.err, o.sent)
		}
	}
}

// TestPasswordNotShown: not when the modem refuses it and echoes it either.
func TestPasswordNotShown(t *testing.T) {
	p := Defaults()
	p.AuthCommand, p.User, p.Password = "+CGAUTH", "u", "s3cret!"
	line := `AT+CGAUTH=1,2,"u","s3cret!"`
	o := (&fake{answers: good(line, line+"\r\r\n+CME ERROR: s3cret!\r\n")}).run(t, Dial(p, nil))
	if KindOf(o.err) != ATError || strings.Contains(o.shown(), "s3cret") {
		t.Errorf("shown:\n%s", o.shown())
	}
}

// TestKinds: errors keep their kind when they are wrapped.
func TestKinds(t *testing.T) {
	for err, kind := range map[error]Kind{
		&Error{Kind: NoSIM}:   NoSIM,
		&PINRefusedError{}:    PINWrong,
		&at.TimeoutError{}:    Silent,
		&at.DataModeError{}:   DataMode,
		&at.ResultError{}:     ATError,
		errors.New("another"): "",
	} {
		if got := KindOf(fmt.Errorf("dial: %w", err)); got != kind {
			t.Errorf("%T: %q", err, got)
		}
	}
}
