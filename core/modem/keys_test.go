package modem

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
)

// TestPlanChangesTheDialogue: each field of the plan that a quirk key sets makes the dialogue do what the key says, and
// only that. want is what is sent, shortened by what every dial sends.
func TestPlanChangesTheDialogue(t *testing.T) {
	const usual = "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#"
	const ok = "\r\nOK\r\n"
	pin := func(command string) []string {
		return []string{"AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n||+CPIN: READY\r\nOK\r\n", command, ok}
	}
	for _, tt := range []struct {
		name    string
		change  func(*Plan)
		answers []string // as for good
		want    string   // "": as usual
		elapsed time.Duration
		fails   string // part of the error
	}{
		{name: "nothing"},
		{
			name: "lists of commands, each at its time",
			change: func(p *Plan) {
				p.CID = 3
				p.Send = Commands{Init: []string{"AT&D2"}, AfterPIN: []string{"AT+CPMS?"}, BeforeContext: []string{"AT+CGACT=0,{cid}"},
					AfterContext: []string{"AT+WPPP=0,{cid}"}, BeforeDial: []string{"AT+CBST=71,0,1"}}
			},
			answers: []string{"AT&D2", ok, "AT+WPPP=0,3", ok, "AT+CBST=71,0,1", ok, "ATD*99***3#", "CONNECT\r\n"},
			want:    "ATE0|AT&D2|AT+CPIN?|AT+CPMS?|AT+CGACT=0,3|AT+WPPP=0,3|AT+CEREG?|AT+CSQ|AT+CBST=71,0,1|ATD*99***3#",
		},
		{
			name: "a command of a list fails", change: func(p *Plan) { p.Send.BeforeDial = []string{"AT+X"} },
			want: "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+X", fails: "a command of at.before_dial failed",
		},
		{
			name: "at.optional", change: func(p *Plan) { p.Send.Init, p.Optional = []string{"AT^CURC=0"}, []string{"at ^curc"} },
			want: "ATE0|AT^CURC=0|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#",
		},
		{
			name: "at.tries (AT-12, REG-04)", change: func(p *Plan) { p.Send.Init, p.Tries = []string{"AT+CFUN=4"}, 4 },
			answers: []string{"AT+CFUN=4", "ERROR\r\n||ERROR\r\n||" + ok},
			want:    "ATE0|AT+CFUN=4|AT+CFUN=4|AT+CFUN=4|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#", elapsed: 2 * time.Second,
		},
		{
			name: "at.tries for a question (REG-04)", change: func(p *Plan) { p.Send.Init, p.Tries = []string{"AT+COPS?"}, 3 },
			answers: []string{"AT+COPS?", "ERROR\r\n||ERROR\r\n||ERROR\r\n"},
			want:    "ATE0|AT+COPS?|AT+COPS?|AT+COPS?|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#", elapsed: 2 * time.Second,
		},
		{
			name: "at.tries come to an end", change: func(p *Plan) { p.Send.Init, p.Tries = []string{"AT+X"}, 3 },
			want: "ATE0|AT+X|AT+X|AT+X", elapsed: 2 * time.Second, fails: "a command of at.init failed",
		},
		{
			name: "at.never (AT-01, AT-09, REG-05)", change: func(p *Plan) { p.Never = []string{"AT+CSQ", "AT+CEREG"} },
			want: "ATE0|AT+CPIN?|AT+CGREG?|ATD*99***1#",
		},
		{
			name: "at.never holds for the profile's own lists", change: func(p *Plan) { p.Send.Init, p.Never = []string{"ATZ"}, []string{"ATZ"} },
		},
		{name: "at.never holds for the greeting", change: func(p *Plan) { p.Never = []string{"ATE0"} }, want: "AT|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#"},
		{name: "at.start_delay (AT-13, AT-17)", change: func(p *Plan) { p.StartDelay = 3 * time.Second }, elapsed: 3 * time.Second},
		{
			name: "sim.pin_quoted", change: func(p *Plan) { p.PIN, p.PINQuoted = "1234", false }, answers: pin("AT+CPIN=1234"),
			want: "ATE0|AT+CPIN?|" + triesAsked() + "|AT+CPIN=1234|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#",
		},
		{
			name: "sim.pin_quoted, the default (SIM-04)", change: func(p *Plan) { p.PIN = "1234" }, answers: pin(`AT+CPIN="1234"`),
			want: "ATE0|AT+CPIN?|" + triesAsked() + "|AT+CPIN=\"1234\"|AT+CPIN?|AT+CEREG?|AT+CSQ|ATD*99***1#",
		},
		{
			name: "a PIN that was sent before is not sent again", change: func(p *Plan) { p.PIN, p.PINSpent = "1234", true }, answers: pin(`AT+CPIN="1234"`),
			want: "ATE0|AT+CPIN?", fails: "the PIN was not sent",
		},
		{
			name:   "registration.radio_command and radio_wait (AT-10, RST-03)",
			change: func(p *Plan) { p.RadioCommand, p.RadioWait = "AT+CFUN=1,0", 10*time.Second },
			answers: []string{"AT+CEREG?", "+CEREG: 0,0\r\nOK\r\n||+CEREG: 0,1\r\nOK\r\n", "AT+CGREG?", "ERROR\r\n", "AT+CREG?", "ERROR\r\n",
				"AT+CFUN?", "+CFUN: 4\r\nOK\r\n", "AT+CFUN=1,0", ok},
			want: "ATE0|AT+CPIN?|AT+CEREG?|AT+CGREG?|AT+CREG?|AT+C5GREG?|AT+CSQ|AT+CFUN?|AT+CFUN=1,0|AT+CEREG?|AT+CSQ|ATD*99***1#", elapsed: 10 * time.Second,
		},
		{
			name: "registration.attach = wait (REG-01)", change: func(p *Plan) { p.Attach, p.RegistrationPoll = "wait", 2*time.Second },
			answers: []string{"AT+CGATT?", "+CGATT: 0\r\nOK\r\n||ERROR\r\n||+CGATT: 1\r\nOK\r\n"},
			want:    "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+CGATT?|AT+CGATT?|AT+CGATT?|ATD*99***1#", elapsed: 4 * time.Second,
		},
		{
			name: "registration.attach = wait, in vain", change: func(p *Plan) { p.Attach, p.RegistrationPoll, p.RegistrationWait = "wait", 4*time.Second, 8*time.Second },
			answers: []string{"AT+CGATT?", "+CGATT: 0\r\nOK\r\n"},
			want:    "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+CGATT?|AT+CGATT?|AT+CGATT?", elapsed: 8 * time.Second, fails: "did not attach",
		},
		{
			name: "registration.attach = request (SIM-04)", change: func(p *Plan) { p.Attach = "request" },
			answers: []string{"AT+CGATT?", "+CGATT: 0\r\nOK\r\n||+CGATT: 1\r\nOK\r\n", "AT+CGATT=1", ok},
			want:    "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+CGATT?|AT+CGATT=1|AT+CGATT?|ATD*99***1#",
		},
		{
			name: "context.define (PDP-12)", change: func(p *Plan) { p.APN, p.Define = "web", "+ZGDCONT" },
			answers: []string{`AT+ZGDCONT=1,"IP","web"`, ok},
			want:    `ATE0|AT+CPIN?|AT+ZGDCONT?|AT+ZGDCONT=1,"IP","web"|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			name: "context.read_back (PDP-18)", change: func(p *Plan) { p.APN, p.ReadBack = "web", true },
			answers: []string{`AT+CGDCONT=1,"IP","web"`, ok, "AT+CGDCONT?", "OK\r\n||+CGDCONT: 1,\"NONIP\",\"web\"\r\nOK\r\n||+CGDCONT: 1,\"IP\",\"web\"\r\nOK\r\n"},
			want:    `ATE0|AT+CPIN?|AT+CGDCONT?|AT+CGDCONT=1,"IP","web"|AT+CGDCONT?|AT+CGDCONT=1,"IP","web"|AT+CGDCONT?|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			name: "APN prefix (PDP-03)", change: func(p *Plan) { p.APN, p.User, p.AuthCommand, p.AuthMethod = "web", "u", AuthAPNPrefix, "pap" },
			answers: []string{`AT+CGDCONT=1,"IP","PAP:web"`, ok},
			want:    `ATE0|AT+CPIN?|AT+CGDCONT?|AT+CGDCONT=1,"IP","PAP:web"|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			name: "type 3 (PDP-02)", change: func(p *Plan) { p.User, p.Password, p.AuthCommand, p.AuthMethod = "u", "p", "+UAUTHREQ", "auto" },
			answers: []string{`AT+UAUTHREQ=1,3,"u","p"`, ok},
			want:    `ATE0|AT+CPIN?|AT+UAUTHREQ=1,3,"u","p"|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			name: "no credentials, and no command for them", change: func(p *Plan) { p.AuthCommand = "$QCPDPP" },
			answers: []string{"AT$QCPDPP=1,0", "ERROR\r\n"},
			want:    `ATE0|AT+CPIN?|AT$QCPDPP=1,0|AT+CEREG?|AT+CSQ|ATD*99***1#`,
		},
		{
			name: "credentials with an APN need one", change: func(p *Plan) { p.User, p.AuthCommand = "u", "+QICSGP" },
		},
		{
			name: "port.fast_baud (UART-01)", change: func(p *Plan) { p.FastBaud = 460800 },
			answers: []string{"AT+IPR?", "+IPR: 115200\r\nOK\r\n", "AT+IPR=460800", ok},
			want:    "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+IPR?|AT+IPR=460800|baud 460800|AT|ATD*99***1#", elapsed: 100 * time.Millisecond,
		},
		{
			name: "port.fast_baud, and the modem has it already (RST-05)", change: func(p *Plan) { p.FastBaud = 460800 },
			answers: []string{"AT+IPR?", "+IPR: 460800\r\nOK\r\n"},
			want:    "ATE0|AT+CPIN?|AT+CEREG?|AT+CSQ|AT+IPR?|ATD*99***1#",
		},
		{
			name: "port.flow_after_connect (DATA-05)", change: func(p *Plan) { p.DataFlow = "rtscts" },
			want: usual + "|flow rtscts",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Defaults()
			if tt.change != nil {
				tt.change(&p)
			}
			o := (&fake{answers: good(tt.answers...)}).run(t, Dial(p, nil))
			want := tt.want
			if want == "" {
				want = usual
			}
			if got := strings.Join(o.sent, "|"); got != want {
				t.Errorf("sent %s\nwant %s", got, want)
			}
			if (o.err == nil) != (tt.fails == "") || o.err != nil && !strings.Contains(o.err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", o.err, tt.fails)
			}
			if o.elapsed != tt.elapsed {
				t.Errorf("took %v, want %v", o.elapsed, tt.elapsed)
			}
		})
	}
}

// RST-05: a modem that keeps the fast speed over a restart is found at it.
func TestBothSpeedsAreTried(t *testing.T) {
	p := Defaults()
	p.FastBaud = 460800
	rate := p.Baud
	f := fake{baud: func(r int) { rate = r }}
	f.raw = func(line string) string {
		if rate == p.FastBaud && strings.HasPrefix(line, "AT") {
			return "\r\nOK\r\n"
		}
		return ""
	}
	o := f.run(t, func(x *at.Exchange) error { return Sync(x, p) })
	if o.err != nil || rate != p.FastBaud {
		t.Errorf("%v at %d bit/s; sent %q", o.err, rate, o.sent)
	}
	rate = 0 // a modem at neither speed: the port ends at one of the two, and the failure is told
	if o = f.run(t, func(x *at.Exchange) error { return Sync(x, p) }); rate == 0 && o.err == nil {
		t.Errorf("found at %d", rate)
	}
}

// The modem does not take the fast speed although it said OK: the call is made at the old one.
func TestFastSpeedThatDoesNotWork(t *testing.T) {
	p := Defaults()
	p.FastBaud = 921600
	rate := p.Baud
	answers := good("AT+IPR=921600", "\r\nOK\r\n")
	f := fake{baud: func(r int) { rate = r }, raw: func(line string) string {
		list := answers[strings.TrimSuffix(line, "\r")]
		if rate != p.Baud || list == nil {
			return ""
		}
		return list[0]
	}}
	o := f.run(t, Call(p, nil))
	if o.err != nil || rate != p.Baud || !strings.Contains(o.shown(), "going back to 115200") {
		t.Errorf("%v at %d bit/s; sent %q", o.err, rate, o.sent)
	}
}

func TestRecoverySteps(t *testing.T) {
	p := Defaults()
	p.RadioOffCommand, p.RadioWait, p.ResetWait = "AT+CFUN=0,0", 5*time.Second, 20*time.Second
	for _, tt := range []struct {
		step, want string
		elapsed    time.Duration
	}{
		{"redial", "", 0},
		{"attach", "ATE0|AT+CGATT=0|AT+CGATT=1", time.Second},
		{"radio", "ATE0|AT+CFUN=0,0|AT+CFUN=1", 6 * time.Second},
		{"reset", "ATE0|AT+CFUN=1,1", 20 * time.Second},
	} {
		const ok = "OK\r\n"
		f := fake{answers: good("AT+CGATT=0", ok, "AT+CGATT=1", ok, "AT+CFUN=0,0", ok, "AT+CFUN=1,1", ok)}
		o := f.run(t, Recovery(tt.step, p))
		if got := strings.Join(o.sent, "|"); o.err != nil || got != tt.want || o.elapsed != tt.elapsed {
			t.Errorf("%s: %v after %v, sent %s", tt.step, o.err, o.elapsed, got)
		}
	}
	// What was switched off is switched on again, whatever the modem said to the first.
	if o := (&fake{answers: good("AT+CGATT=1", "OK\r\n")}).run(t, Recovery("attach", p)); o.err == nil || !strings.HasSuffix(strings.Join(o.sent, "|"), "|AT+CGATT=1") {
		t.Errorf("%v, sent %q", o.err, o.sent)
	}
	for _, step := range []string{"redial", "attach", "radio", "reset"} {
		if o := (&fake{answers: good()}).run(t, Recovery(step, p)); o.err != nil && strings.Contains(o.err.Error(), "no step") {
			t.Error(o.err)
		}
	}
}

// HUP-15: break, where it is among the methods.
func TestHangupByBreak(t *testing.T) {
	m := modemInData{data: true}
	f := fake{raw: m.raw, breaks: func() { m.data = false }}
	p := Defaults()
	p.HangupMethods = []string{"break"}
	var r HangupResult
	if o := f.run(t, Hangup(p, true, &r)); o.err != nil || r.Method != "break" || m.heard != "AT|ATH|" {
		t.Errorf("%v %+v, heard %q", o.err, r, m.heard)
	}
}

// port.flow_after_connect ends with the call.
func TestFlowAfterHangup(t *testing.T) {
	p := Defaults()
	p.Flow, p.DataFlow = "none", "rtscts"
	o := (&fake{answers: good()}).run(t, Hangup(p, false, nil))
	if len(o.sent) == 0 || o.sent[0] != "flow none" {
		t.Errorf("sent %q", o.sent)
	}
}

// HUP-01, HUP-09: the commands for the AT port; an error does not keep the rest from being sent, silence does.
func TestBeforeHangup(t *testing.T) {
	p := Defaults()
	p.Send.BeforeHangup = []string{"AT+X", "AT+CGACT=0,{cid}", "AT+SILENT", "AT+CSQ"}
	o := (&fake{answers: good("AT+SILENT", "")}).run(t, BeforeHangup(p))
	if got := strings.Join(o.sent, "|"); o.err != nil || got != "AT+X|AT+CGACT=0,1|AT+SILENT" {
		t.Errorf("%v, sent %s", o.err, got)
	}
}
