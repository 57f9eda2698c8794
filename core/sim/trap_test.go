package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// step is what a host says, after so long, and what comes back within 100 ms; "": nothing does.
type step struct {
	after     time.Duration
	say, want string
}

func TestWhatKillsAModem(t *testing.T) {
	const ok = "\r\nOK\r\n"
	const s = time.Second
	pin := "[sim]\nstate = \"pin\"\npin = \"1234\"\n"
	for _, c := range []struct {
		name, scenario string
		steps          []step
	}{
		{"boot", "[at]\nboot = \"20s\"\n", []step{{0, "AT\r", ""}, {19 * s, "AT\r", ""}, {s, "AT\r", ok}}},
		{"crash", "[at]\nboot = \"5s\"\n[[at.trap]]\ncommand = \"ATZ\"\ndo = \"crash\"\n",
			[]step{{5 * s, "ATE0V0\r", "0\r"}, {0, "ATZ\r", ""}, {s, "AT\r", ""}, {5 * s, "AT\r", ok}}},
		{"restart says OK", "[[at.trap]]\ncommand = \"AT+CFUN=16\"\ndo = \"restart\"\n", []step{{0, "ATV0\r", "0\r"}, {0, "AT+CFUN=16\r", "0\r"}, {0, "AT\r", ok}}},
		{"mute", "[[at.trap]]\ncommand = \"AT+CMER=*\"\ndo = \"mute\"\n", []step{{0, "AT+CMER=3,0,0,1\r", ""}, {time.Hour, "AT\r", ""}}},
		{"within, since the PIN", pin + "[[at.trap]]\ncommand = \"AT*\"\nsince = \"pin\"\nwithin = \"3s\"\ndo = \"crash\"\n",
			[]step{{10 * s, "AT+CSQ\r", "\r\n+CSQ: 17,99\r\n" + ok}, {0, "AT+CPIN=1234\r", ok}, {s, "AT+CSQ\r", ""}, {s, "AT+CPIN?\r", "\r\n+CPIN: SIM PIN\r\n" + ok},
				{0, "AT+CPIN=1234\r", ok}, {3 * s, "AT+CPIN?\r", "\r\n+CPIN: READY\r\n" + ok}}},
		{"within, since the radio", "[registration]\nradio = \"off\"\n[[at.trap]]\ncommand = \"ATD*\"\nsince = \"radio\"\nwithin = \"10s\"\ndo = \"mute\"\n",
			[]step{{0, "AT+CFUN?\r", "\r\n+CFUN: 4\r\n" + ok}, {0, "AT+CFUN=1\r", ok}, {9 * s, "ATD*99#\r", ""}}},
		{"unless", "[[at.trap]]\ncommand = \"AT+COPS=?\"\nunless = \"AT^CURC=0\"\ndo = \"mute\"\n",
			[]step{{0, "AT^CURC=0\r", ok}, {0, "AT+COPS=?\r", "\r\n+COPS: (2,\"Example\",\"\",\"00101\",2),,(0-4),(0-2)\r\n" + ok}}},
		{"a reply, unless", "[[at.reply]]\ncommand = \"AT+CGDCONT=*\"\nunless = \"AT+CFUN=1\"\nresult = \"ERROR\"\n",
			[]step{{0, "AT+CGDCONT=1,\"IP\",\"a\"\r", "\r\nERROR\r\n"}, {0, "AT+CFUN=1\r", ok}, {0, "AT+CGDCONT=1,\"IP\",\"a\"\r", ok}}},
		{"a command given before the restart does not count", "[[at.reply]]\ncommand = \"AT+CSQ\"\nunless = \"AT+X=1\"\nresult = \"ERROR\"\n[[at.reply]]\ncommand = \"AT+X=1\"\n[[at.trap]]\ncommand = \"ATZ\"\ndo = \"crash\"\n",
			[]step{{0, "AT+X=1\r", ok}, {0, "AT+CSQ\r", "\r\n+CSQ: 17,99\r\n" + ok}, {0, "ATZ\r", ""}, {0, "AT+CSQ\r", "\r\nERROR\r\n"}}},
		{"a reply, once", "[[at.reply]]\ncommand = \"ATD*\"\nonce = \"AT+CMER=*\"\nresult = \"BUSY\"\n[[at.reply]]\ncommand = \"AT+CMER=*\"\n",
			[]step{{0, "AT+CMER=3,0,0,1\r", ok}, {0, "ATD*99#\r", "\r\nBUSY\r\n"}}},
		{"a reply, not yet", "[[at.reply]]\ncommand = \"AT+CSQ\"\nonce = \"AT+CMER=*\"\nresult = \"BUSY\"\n", []step{{0, "AT+CSQ\r", "\r\n+CSQ: 17,99\r\n" + ok}}},
		{"a reply, since the radio and only so long", "[registration]\nradio = \"off\"\n[[at.reply]]\ncommand = \"ATD*\"\nsince = \"radio\"\nwithin = \"500ms\"\nresult = \"NO CARRIER\"\n",
			[]step{{0, "AT+CFUN=1\r", ok}, {200 * time.Millisecond, "ATD*99#\r", "\r\nNO CARRIER\r\n"}, {s, "ATD*99#\r", "\r\nCONNECT 7200000\r\n"}}},
		{"a reply, since what has not happened", "[[at.reply]]\ncommand = \"AT+CSQ\"\nsince = \"radio\"\nresult = \"BUSY\"\n", []step{{0, "AT+CSQ\r", "\r\n+CSQ: 17,99\r\n" + ok}}},
		{"a reply, after a hang-up and until the restart", "[dial]\nresult = \"text\"\ntext = \"x\"\n[[action]]\nafter = \"1s\"\ndo = \"hangup\"\n" +
			"[[at.reply]]\ncommand = \"AT+CFUN?\"\nafter_hangup = true\nresult = \"ERROR\"\n[[at.trap]]\ncommand = \"AT!RESET\"\ndo = \"restart\"\n",
			[]step{{0, "AT+CFUN?\r", "\r\n+CFUN: 1\r\n" + ok}, {0, "ATD*99#\r", "\r\nCONNECT 7200000\r\nx"}, {2 * s, "AT+CFUN?\r", "\r\nERROR\r\n"},
				{0, "AT!RESET\r", ok}, {0, "AT+CFUN?\r", "\r\n+CFUN: 1\r\n" + ok}}},
		{"deregister", "[[at.trap]]\ncommand = \"AT+COPS=?\"\ndo = \"deregister\"\n", []step{{0, "AT+COPS=?\r", ok}, {0, "AT+CREG?\r", "\r\n+CREG: 0,0\r\n" + ok}}},
		{"a context without IP", "[at]\nnonip = 1\n", []step{{0, "AT+CGDCONT=1,\"IP\",\"a\"\r", ok}, {0, "AT+CGDCONT?\r", "\r\n+CGDCONT: 1,\"NONIP\",\"a\"\r\n" + ok},
			{0, "ATD*99#\r", "\r\nNO CARRIER\r\n"}, {0, "AT+CGDCONT=1,\"IP\",\"a\"\r", ok}, {0, "ATD*99#\r", "\r\nCONNECT 7200000\r\n"}}},
		{"no network without a radio", "[registration]\nradio = \"off\"\n", []step{{0, "AT+CREG?\r", "\r\n+CREG: 0,0\r\n" + ok}, {0, "AT+CFUN=1\r", ok}, {0, "AT+CREG?\r", "\r\n+CREG: 0,1\r\n" + ok}}},
		{"an action, unless", "[[action]]\nsince = \"power-on\"\nafter = \"30s\"\nunless = \"AT+CPMS?\"\ndo = \"mute\"\n[[at.reply]]\ncommand = \"AT+CPMS?\"\nresult = \"ERROR\"\n",
			[]step{{0, "AT+CPMS?\r", "\r\nERROR\r\n"}, {time.Minute, "AT\r", ok}}},
		{"an action without it", "[[action]]\nsince = \"power-on\"\nafter = \"30s\"\nunless = \"AT+CPMS?\"\ndo = \"mute\"\n", []step{{time.Minute, "AT\r", ""}}},
		{"a crash by itself", "[[action]]\nsince = \"power-on\"\nafter = \"30s\"\ndo = \"crash\"\n", []step{{0, "ATV0\r", "0\r"}, {time.Minute, "AT\r", ok}}},
		{"attached late", "[registration]\nattach_after = \"5s\"\n", []step{{0, "AT+CGATT?\r", "\r\n+CGATT: 0\r\n" + ok}, {0, "ATD*99#\r", "\r\nNO CARRIER\r\n"}, {5 * s, "AT+CGATT?\r", "\r\n+CGATT: 1\r\n" + ok}}},
		{"attached when asked", "[registration]\nattach = \"asked\"\n", []step{{time.Hour, "AT+CGATT?\r", "\r\n+CGATT: 0\r\n" + ok}, {0, "AT+CGATT=1\r", ok}, {0, "AT+CGATT?\r", "\r\n+CGATT: 1\r\n" + ok}}},
		{"dialled in vain until a restart", "[dial]\nresult = \"no-carrier\"\nrestart = true\n[[at.trap]]\ncommand = \"AT^RESET\"\ndo = \"restart\"\n",
			[]step{{0, "ATD*99#\r", "\r\nNO CARRIER\r\n"}, {0, "ATD*99#\r", "\r\nNO CARRIER\r\n"}, {0, "AT^RESET\r", ok}, {0, "ATD*99#\r", "\r\nCONNECT 7200000\r\n"}}},
		{"27.007 10.1.12 +CGDATA", "", []step{{0, "AT+CGDATA=?\r", "\r\n+CGDATA: (\"PPP\")\r\n" + ok}, {0, "AT+CGDATA=\"PPP\",1\r", "\r\nCONNECT 7200000\r\n"}}},
		{"V.250 6.2.9 &D3 is none", "", []step{{0, "AT&D3\r", "\r\nERROR\r\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(parse(t, c.scenario))
			for i, s := range c.steps {
				h.wait(s.after)
				got, _, _ := strings.Cut(h.say(s.say, 100*time.Millisecond), "~") // without PPP
				if got = strings.TrimPrefix(got, s.say); got != s.want {          // without the echo, which a restart brings back
					t.Errorf("step %d, %q: got %q, want %q", i+1, s.say, got, s.want)
				}
			}
		})
	}
}

func TestCharactersThatComeTooFastAreLost(t *testing.T) {
	h := newHost(parse(t, "[at]\necho = false\npace = \"10ms\"\n"))
	if got := h.say("AT\r", time.Second); got != "" {
		t.Errorf("in one write: %q", got)
	}
	h.say("\r", time.Second) // ends the line of which only the A arrived
	got := ""
	for _, c := range []string{"A", "T", "\r"} {
		got += h.say(c, 10*time.Millisecond)
	}
	if got != "\r\nOK\r\n" {
		t.Errorf("slowly: %q", got)
	}
}

func TestEscapeAndDTR(t *testing.T) {
	const call = "ATE0\rATD*99#\r"
	for _, c := range []struct {
		name, scenario, before, escape string
		dtr                            bool
		want                           string // in what comes back
		mute                           bool
	}{
		{"+++", "", "", "+++", false, "OK", false},
		{"another sequence", "[at]\nescape = \"~+++\"\n", "", "~+++", false, "OK", false},
		{"+++ where it is another", "[at]\nescape = \"~+++\"\n", "", "+++", false, "", false},
		{"none", "[at]\nescape = \"none\"\n", "", "+++", false, "", false},
		{"the escape makes it mute", "[at]\nescaped = \"mute\"\n", "", "+++", false, "", true},
		{"&D at power-on", "[at]\ndtr = \"as-set\"\n", "", "", true, "", false},
		{"V.250 6.2.9 &D2", "[at]\ndtr = \"as-set\"\n", "AT&D2\r", "", true, "NO CARRIER", false},
		{"V.250 6.2.9 &D1", "[at]\ndtr = \"as-set\"\n", "AT&D1\r", "", true, "OK", false},
		{"V.250 6.2.9 &D0", "[at]\ndtr = \"as-set\"\n", "AT&D2\rAT&D0\r", "", true, "", false},
	} {
		h := newHost(parse(t, "[lcp]\nown_request = \"none\"\n"+c.scenario))
		h.say(c.before+call, 2*time.Second)
		var got string
		if c.dtr {
			h.got = nil
			h.m.SetDTR(h.now, false)
			h.take()
			h.wait(time.Second)
			got = string(h.got)
		} else {
			got = h.say(c.escape, 2*time.Second)
		}
		if strings.Trim(got, "\r\n") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.mute {
			if got := h.say("AT\r", time.Second); got != "" || !h.lines.DCD {
				t.Errorf("%s: %q, carrier %v", c.name, got, h.lines.DCD)
			}
		}
	}
}

func TestLinger(t *testing.T) {
	d := newDialer(t, parse(t, "[lcp]\nlinger = \"4s\"\n"), 1, nil)
	d.dial()
	d.run(10*time.Second, d.isUp)
	d.engine.Close(d.now, "")
	d.fromEngine()
	d.run(3900*time.Millisecond, never)
	if d.m.call == nil {
		t.Error("the call was over too soon")
	}
	d.run(200*time.Millisecond, never)
	if d.m.call != nil {
		t.Error("the call is still there")
	}
}

func TestControlCharactersAreLost(t *testing.T) {
	d := newDialer(t, parse(t, "[line]\ncontrol = \"lost\"\n"), 1, nil)
	d.dial()
	d.run(10*time.Second, d.isEnded)
	if d.isUp() || d.m.Counters().FramesBad == 0 {
		t.Errorf("up: %v, damaged: %d", d.isUp(), d.m.Counters().FramesBad)
	}
}

func TestLongPackets(t *testing.T) {
	ask := func(mru uint16) func(*ppp.Settings) {
		return func(s *ppp.Settings) {
			s.LCP.Request, s.LCP.MRU = append([]uint8{packet.LCPMRU}, s.LCP.Request...), mru
		}
	}
	const scenario = "[line]\nlongest = 1000\n[[action]]\nsince = \"ipcp\"\nafter = \"1s\"\ndo = \"long-packet\"\n"
	d := newDialer(t, parse(t, scenario), 1, ask(990))
	d.dial()
	d.run(5*time.Second, d.isEnded)
	if !d.isUp() || d.isEnded() || len(d.packets) != 1 || len(d.packets[0]) != 990 || checksum(d.packets[0][:20], 0) != 0 {
		t.Errorf("up %v, ended %v, %d packets", d.isUp(), d.isEnded(), len(d.packets))
	}
	d = newDialer(t, parse(t, scenario), 1, nil)
	d.dial()
	d.run(5*time.Second, d.isEnded)
	if d.m.Counters().PacketsOut != 0 || d.m.call != nil || len(d.packets) != 0 {
		t.Errorf("a packet of 1500 octets: %+v, %d packets", d.m.Counters(), len(d.packets))
	}
	d = newDialer(t, parse(t, "[line]\nlongest = 1000\n"), 1, nil)
	d.dial()
	d.run(5*time.Second, d.isUp)
	d.sendIP(make([]byte, 1001))
	if d.m.call != nil {
		t.Error("a long packet from the host does no harm")
	}
}
