package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

// epoch is when the tests' modems are powered on.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// parse reads the body of a scenario.
func parse(t testing.TB, body string) Scenario {
	t.Helper()
	s, err := Parse("test", []byte("schema = 1\nsummary = \"test\"\n"+body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// host is a test's end of the line: what it wrote and what came back, in virtual time.
type host struct {
	m      *Modem
	now    time.Time
	got    []byte
	lines  Lines
	events []event.Event
	writes int
}

func newHost(s Scenario) *host {
	h := &host{m: New(s, 1), now: epoch}
	h.m.Advance(h.now)
	h.take()
	return h
}

func (h *host) take() {
	for out, ok := h.m.Next(); ok; out, ok = h.m.Next() {
		switch out.Kind {
		case OutputWrite:
			h.got = append(h.got, out.Data...)
			h.writes++
		case OutputLines:
			h.lines = out.Lines
		case OutputEvent:
			h.events = append(h.events, out.Event)
		default: // no test of the AT side takes packets
		}
	}
}

// wait lets time pass, waking the modem when it wants to be woken.
func (h *host) wait(d time.Duration) {
	end := h.now.Add(d)
	for {
		next := h.m.Deadline()
		if next.IsZero() || next.After(end) {
			break
		}
		h.now = later(h.now, next)
		h.m.Advance(h.now)
		h.take()
	}
	h.now = end
	h.m.Advance(h.now)
	h.take()
}

// say writes to the modem and gives what came back in the time.
func (h *host) say(text string, d time.Duration) string {
	h.got = nil
	h.m.Receive(h.now, []byte(text))
	h.take()
	h.wait(d)
	return string(h.got)
}

func TestCommands(t *testing.T) {
	const puk = "[sim]\nstate = \"puk\"\n"
	for _, c := range []struct{ name, scenario, say, want string }{
		{"V.250 5.2.1 prefix", "", "AT\r", "\r\nOK\r\n"},
		{"lower case", "", "at\r", "\r\nOK\r\n"},
		{"line feed is ignored", "", "\nAT\r\n", "\r\nOK\r\n"},
		{"backspace", "", "ATX\bE0\r", "\r\nOK\r\n"},
		{"no AT, no answer", "", "hello\r", ""},
		{"unknown", "", "AT+NONSENSE\r", "\r\nERROR\r\n"},
		{"unknown letter", "", "AT@\r", "\r\nERROR\r\n"},
		{"behind binary noise", "", "~\xff}#\xc0!~AT\r", "\r\nOK\r\n"},
		{"V.250 5.4.4 concatenated", "", "ATE0V1Q0&C1&D2S0=0+FCLASS=0;+CMEE=1\r", "\r\nOK\r\n"},
		{"the first error ends a line", "", "AT+CSQ;+BAD;+CSQ\r", "\r\n+CSQ: 17,99\r\n\r\nERROR\r\n"},
		{"A/ repeats", "", "AT+CSQ\rA/", "\r\n+CSQ: 17,99\r\n\r\nOK\r\n\r\n+CSQ: 17,99\r\n\r\nOK\r\n"},
		{"V.250 6.2.6 V0", "", "ATV0\r", "0\r"},
		{"V0 error", "", "ATV0\rAT+X\r", "0\r4\r"},
		{"V.250 6.2.5 Q1", "", "ATQ1\rAT+X\rAT+CSQ\r", "\r\n+CSQ: 17,99\r\n"},
		{"S register", "", "ATS7?\r", "\r\n000\r\n\r\nOK\r\n"},
		{"the stock chat scripts of Quectel and SIMCom", "", "ATI;+CSUB;+CSQ;+CPIN?;+CGREG?;&D2\r", "\r\nManufacturer: Example\r\n\r\nModel: Simulated modem\r\n\r\nRevision: 1.0\r\n\r\n+GCAP: +CGSM,+DS,+ES\r\n\r\nSubEdition: V01\r\n\r\n+CSQ: 17,99\r\n\r\n+CPIN: READY\r\n\r\n+CGREG: 0,1\r\n\r\nOK\r\n"},
		{"identity", "[identity]\nmanufacturer = \"M\"\nmodel = \"X\"\nrevision = \"R\"\n", "AT+CGMI;+CGMM;+CGMR\r", "\r\nM\r\n\r\nX\r\n\r\nR\r\n\r\nOK\r\n"},
		{"ATI", "[identity]\nmodel = \"X\"\n", "ATI\r", "\r\nManufacturer: Example\r\n\r\nModel: X\r\n\r\nRevision: 1.0\r\n\r\n+GCAP: +CGSM,+DS,+ES\r\n\r\nOK\r\n"},
		{"27.007 8.3 ready", "", "AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
		{"27.007 8.3 PUK", puk, "AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
		{"27.007 8.3 none", "[sim]\nstate = \"none\"\n", "AT+CPIN?\r", "\r\n+CME ERROR: 10\r\n"},
		{"27.007 9.1 words", "[sim]\nstate = \"none\"\n", "AT+CMEE=2\rAT+CPIN?\r", "\r\nOK\r\n\r\n+CME ERROR: SIM not inserted\r\n"},
		{"27.007 9.1 plain", "[sim]\nstate = \"none\"\n[at]\ncme = 0\n", "AT+CPIN?\r", "\r\nERROR\r\n"},
		{"PIN right", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CPIN=\"1234\"\rAT+CPIN?\rAT+CREG?\r", "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
		{"PIN without quotes", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CPIN=1234\r", "\r\nOK\r\n"},
		{"PIN wrong, then right", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CPIN=1111\rAT+CPIN=1234\r", "\r\n+CME ERROR: 16\r\n\r\nOK\r\n"},
		{"PIN wrong to the end", "[sim]\nstate = \"pin\"\npin = \"1234\"\ntries = 2\n", "AT+CPIN=1111\rAT+CPIN=1111\rAT+CPIN=1234\rAT+CPIN?\r",
			"\r\n+CME ERROR: 16\r\n\r\n+CME ERROR: 12\r\n\r\n+CME ERROR: 16\r\n\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
		{"27.007 8.65 tries left", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CPIN=1111\rAT+CPINR=\"SIM PIN\"\r", "\r\n+CME ERROR: 16\r\n\r\n+CPINR: SIM PIN,2,3\r\n\r\nOK\r\n"},
		{"27.007 8.65 all", puk, "AT+CPINR\r", "\r\n+CPINR: SIM PIN,0,3\r\n\r\n+CPINR: SIM PUK,10,10\r\n\r\nOK\r\n"},
		{"27.007 6.10 cause", "[dial]\nresult = \"no-carrier\"\ncause = \"no such APN\"\n", "ATD*99#\rAT+CEER\r", "\r\nNO CARRIER\r\n\r\n+CEER: no such APN\r\n\r\nOK\r\n"},
		{"27.007 6.10 no cause", "", "AT+CEER\r", "\r\nERROR\r\n"},
		{"not registered without PIN", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CREG?\r", "\r\n+CREG: 0,0\r\n\r\nOK\r\n"},
		{"27.007 7.2 denied", "[registration]\nstate = \"denied\"\n", "AT+CREG?;+CGREG?;+CEREG?\r", "\r\n+CREG: 0,3\r\n\r\n+CGREG: 0,3\r\n\r\n+CEREG: 0,3\r\n\r\nOK\r\n"},
		{"27.007 7.2 with a cell", "", "AT+CREG=2\rAT+CREG?\r", "\r\nOK\r\n\r\n+CREG: 2,1,\"0001\",\"00000001\"\r\n\r\nOK\r\n"},
		{"27.007 7.2 test", "", "AT+CREG=?\r", "\r\n+CREG: (0-2)\r\n\r\nOK\r\n"},
		{"27.007 7.2 bad", "", "AT+CREG=9\r", "\r\n+CME ERROR: 50\r\n"},
		{"COPS", "", "AT+COPS?\r", "\r\n+COPS: 0,0,\"Example\",2\r\n\r\nOK\r\n"},
		{"COPS while searching", "[registration]\nstate = \"searching\"\n", "AT+COPS?\r", "\r\n+COPS: 0\r\n\r\nOK\r\n"},
		{"CGDCONT", "", "AT+CGDCONT=1,\"IP\",\"a;b\"\rAT+CGDCONT?\r", "\r\nOK\r\n\r\n+CGDCONT: 1,\"IP\",\"a;b\"\r\n\r\nOK\r\n"},
		{"CGDCONT undefines", "", "AT+CGDCONT=1,\"IP\",\"a\"\rAT+CGDCONT=1\rAT+CGDCONT?\r", "\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n"},
		{"CGDCONT out of range", "", "AT+CGDCONT=99,\"IP\"\r", "\r\n+CME ERROR: 50\r\n"},
		{"CGACT", "", "AT+CGDCONT=1,\"IP\"\rAT+CGACT=1,1\rAT+CGACT?\r", "\r\nOK\r\n\r\nOK\r\n\r\n+CGACT: 1,1\r\n\r\nOK\r\n"},
		{"CGACT without service", "[registration]\nstate = \"searching\"\n", "AT+CGACT=1,1\r", "\r\n+CME ERROR: 30\r\n"},
		{"CGATT", "", "AT+CGATT?;+CGATT=0;+CGATT?\r", "\r\n+CGATT: 1\r\n\r\n+CGATT: 0\r\n\r\nOK\r\n"},
		{"CFUN", "", "AT+CFUN=4;+CFUN?\r", "\r\n+CFUN: 4\r\n\r\nOK\r\n"},
		{"no service without radio", "", "AT+CFUN=4\rATD*99#\r", "\r\nOK\r\n\r\nNO CARRIER\r\n"},
		{"dial without SIM", "[sim]\nstate = \"none\"\n", "ATD*99#\r", "\r\nNO CARRIER\r\n"},
		{"dial while searching", "[registration]\nstate = \"searching\"\n", "ATD*99***1#\r", "\r\nNO CARRIER\r\n"},
		{"V.250 6.3.1 NO CARRIER", "[dial]\nresult = \"no-carrier\"\n", "ATD*99#\r", "\r\nNO CARRIER\r\n"},
		{"V.250 6.3.1 ERROR", "[dial]\nresult = \"error\"\n", "ATD*99#\r", "\r\nERROR\r\n"},
		{"V.250 6.3.1 BUSY", "[dial]\nresult = \"busy\"\n", "ATDT#777\r", "\r\nBUSY\r\n"},
		{"NO DIALTONE", "[dial]\nresult = \"no-dialtone\"\n", "ATD*99#\r", "\r\nNO DIALTONE\r\n"},
		{"CME", "[dial]\nresult = \"cme\"\ncme = \"30\"\n", "ATD*99#\r", "\r\n+CME ERROR: 30\r\n"},
		{"silence", "[dial]\nresult = \"silence\"\n", "ATD*99#\r", ""},
		{"V.250 5.6.1 a character aborts", "[dial]\ndelay = \"5s\"\n", "ATD*99#\rx", "\r\nNO CARRIER\r\n"},
		{"text instead of PPP", "[dial]\nresult = \"text\"\ntext = \"login: \"\n", "ATD*99#\r", "\r\nCONNECT 7200000\r\nlogin: "},
		{"echo instead of PPP", "[dial]\nresult = \"echo\"\nconnect = \"CONNECT\"\n", "ATD*99#\rhello", "\r\nCONNECT\r\nhello"},
		{"numbers that belong to nobody", "", "AT+CGSN;+CIMI\r", "\r\n000000000000000\r\n\r\n001010000000000\r\n\r\nOK\r\n"},
		{"CIMI before the PIN", "[sim]\nstate = \"pin\"\npin = \"1234\"\n", "AT+CIMI\r", "\r\n+CME ERROR: 11\r\n"},
		{"COPS without SIM", "[sim]\nstate = \"none\"\n", "AT+COPS?\r", "\r\n+CME ERROR: 10\r\n"},
		{"tests", "", "AT+GCAP;+CGMI=?;+CSQ=?;+CPIN=?;+CGDCONT=?;+CGACT=?;+CGATT=?;+CGPADDR=?\r",
			"\r\n+GCAP: +CGSM,+DS,+ES\r\n\r\n+CSQ: (0-31,99),(0-7,99)\r\n\r\n+CGDCONT: (1-16),\"IP\",,,(0),(0)\r\n\r\n+CGACT: (0,1)\r\n\r\n+CGATT: (0,1)\r\n\r\n+CGPADDR: (1)\r\n\r\nOK\r\n"},
		{"operators", "", "AT+COPS=?;+COPS=0\r", "\r\n+COPS: (2,\"Example\",\"\",\"00101\",2),,(0-4),(0-2)\r\n\r\nOK\r\n"},
		{"no address without a call", "", "AT+CGPADDR=1\r", "\r\n+CGPADDR: 1,0.0.0.0\r\n\r\nOK\r\n"},
		{"CGATT without service", "[registration]\nstate = \"denied\"\n", "AT+CGATT=1\r", "\r\n+CME ERROR: 30\r\n"},
		{"bad values", "", "AT+CGATT=7\rAT+CGACT=7\rAT+CFUN=3\rATE7\r", "\r\n+CME ERROR: 50\r\n\r\n+CME ERROR: 50\r\n\r\n+CME ERROR: 50\r\n\r\nERROR\r\n"},
		{"PIN when none is needed", "", "AT+CPIN=1234\r", "\r\n+CME ERROR: 3\r\n"},
		{"PIN without SIM", "[sim]\nstate = \"none\"\n", "AT+CPIN=1234;+CPINR\r", "\r\n+CME ERROR: 10\r\n"},
		{"a command that only reads", "", "AT+CGMI=1\r", "\r\nERROR\r\n"},
		{"nothing rings", "", "ATA\r", "\r\nNO CARRIER\r\n"},
		{"a bare mark", "", "AT&\r", "\r\nERROR\r\n"},
		{"ATH without a call", "", "ATH\r", "\r\nOK\r\n"},
		{"ATO without a call", "", "ATO\r", "\r\nNO CARRIER\r\n"},
		{"silent modem", "[at]\nsilent = true\n", "AT\rATI\r", ""},
		{"override", "[[at.reply]]\ncommand = \"AT+CSQ\"\nlines = [\"+CSQ: 99,99\"]\n", "AT+CSQ\r", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"},
		{"override of a prefix", "[[at.reply]]\ncommand = \"AT^*\"\nresult = \"COMMAND NOT SUPPORT\"\n", "AT^SYSINFO\r", "\r\nCOMMAND NOT SUPPORT\r\n"},
		{"override within a line", "[[at.reply]]\ncommand = \"AT+CSQ\"\nlines = [\"x\"]\n", "AT+CSQ;+CMEE?\r", "\r\nx\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n"},
		{"override of a whole line", "[[at.reply]]\ncommand = \"ATE0;+CSQ\"\nresult = \"ERROR\"\n", "ATE0;+CSQ\r", "\r\nERROR\r\n"},
		{"override the first times", "[[at.reply]]\ncommand = \"AT+CPIN?\"\nuntil = 2\nresult = \"+CME ERROR: 14\"\n", "AT+CPIN?\rAT+CPIN?\rAT+CPIN?\r",
			"\r\n+CME ERROR: 14\r\n\r\n+CME ERROR: 14\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n"},
		{"override the second time", "[[at.reply]]\ncommand = \"AT\"\nnth = 2\nsilent = true\n", "AT\rAT\rAT\r", "\r\nOK\r\n\r\nOK\r\n"},
		{"a line too long", "", "AT" + strings.Repeat("x", 2*maxLine) + "\r", "\r\nERROR\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := c.scenario
			if !strings.Contains(body, "[at]") {
				body += "[at]\necho = false\n"
			} else {
				body = strings.Replace(body, "[at]\n", "[at]\necho = false\n", 1)
			}
			h := newHost(parse(t, body))
			if got := h.say(c.say, time.Second); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestEcho(t *testing.T) {
	h := newHost(parse(t, ""))
	if got := h.say("ATE0\r", 0); got != "ATE0\r\r\nOK\r\n" {
		t.Errorf("with echo: %q", got)
	}
	if got := h.say("AT\r", 0); got != "\r\nOK\r\n" {
		t.Errorf("after ATE0: %q", got)
	}
	if got := h.say("ATZ\r", 0); got != "\r\nOK\r\n" {
		t.Errorf("ATZ: %q", got)
	}
	if got := h.say("AT\r", 0); got != "AT\r\r\nOK\r\n" {
		t.Errorf("after ATZ: %q", got)
	}
}

func TestRepliesAreLateAndInPieces(t *testing.T) {
	h := newHost(parse(t, "[at]\necho = false\ndelay = \"100ms\"\nchunk = 2\nchunk_delay = \"10ms\"\n"))
	if got := h.say("AT+CSQ\r", 99*time.Millisecond); got != "" {
		t.Errorf("too early: %q", got)
	}
	h.wait(time.Millisecond)
	if string(h.got) != "\r\n" {
		t.Errorf("the first piece: %q", h.got)
	}
	h.wait(time.Second)
	if want := "\r\n+CSQ: 17,99\r\n\r\nOK\r\n"; string(h.got) != want || h.writes != (len(want)+1)/2 {
		t.Errorf("%q in %d writes", h.got, h.writes)
	}
}

func TestRepliesKeepTheirOrder(t *testing.T) {
	h := newHost(parse(t, "[at]\necho = false\n[[at.reply]]\ncommand = \"AT+COPS?\"\ndelay = \"2s\"\nlines = [\"slow\"]\n"))
	if got, want := h.say("AT+COPS?\rAT+CSQ\r", 3*time.Second), "\r\nslow\r\n\r\nOK\r\n\r\n+CSQ: 17,99\r\n\r\nOK\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestRegistrationOverTime(t *testing.T) {
	s := parse(t, "[at]\necho = false\n[registration]\nstate = \"searching\"\nthen = [{after = \"5s\", state = \"roaming\"}]\n")
	h := newHost(s)
	if got := h.say("AT+CREG=1;+CREG?\r", time.Second); got != "\r\n+CREG: 1,2\r\n\r\nOK\r\n" {
		t.Errorf("at first: %q", got)
	}
	h.got = nil
	h.wait(5 * time.Second)
	if string(h.got) != "\r\n+CREG: 5\r\n" {
		t.Errorf("unsolicited: %q", h.got)
	}
	if got := h.say("AT+CREG?\r", 0); got != "\r\n+CREG: 1,5\r\n\r\nOK\r\n" {
		t.Errorf("in the end: %q", got)
	}
}

func TestRegistrationCountsFromThePIN(t *testing.T) {
	h := newHost(load(t, "pin-needed"))
	h.say("ATE0\r", 10*time.Second)
	if got := h.say("AT+CREG?\r", 0); got != "\r\n+CREG: 0,0\r\n\r\nOK\r\n" {
		t.Errorf("before the PIN: %q", got)
	}
	h.say("AT+CPIN=1234\r", time.Second)
	if got := h.say("AT+CREG?\r", time.Second); got != "\r\n+CREG: 0,2\r\n\r\nOK\r\n" {
		t.Errorf("after the PIN: %q", got)
	}
	if got := h.say("AT+CREG?\r", 0); got != "\r\n+CREG: 0,1\r\n\r\nOK\r\n" {
		t.Errorf("2 s later: %q", got)
	}
}

func TestUnsolicitedLines(t *testing.T) {
	h := newHost(parse(t, "[at]\nurc = [{after = \"1s\", every = \"2s\", text = \"^RSSI:17\"}]\n"))
	h.wait(6 * time.Second)
	if got, want := string(h.got), strings.Repeat("\r\n^RSSI:17\r\n", 3); got != want {
		t.Errorf("got %q", got)
	}
}

func TestTraceHidesSecrets(t *testing.T) {
	for _, c := range []struct{ say, want string }{
		{"AT+CPIN=\"4711\"", "AT+CPIN=…"},
		{"AT+CSQ;+CPIN=4711", "AT+CSQ;+CPIN=…"},
		{"at^authdata=1,2,\"\",\"u\",\"4711\"", "AT^AUTHDATA=…"},
		{"AT+CGDCONT=1,\"IP\",\"internet\"", `AT+CGDCONT=1,"IP","internet"`},
		{"ATD+4711", "ATD…"},
		{"ATD*99***1#", "ATD*99***1#"},
		{"AT@4711", "AT…"},
	} {
		if got := hideSecrets(c.say); got != c.want {
			t.Errorf("%s: %s, want %s", c.say, got, c.want)
		}
	}
	h := newHost(load(t, "pin-needed"))
	h.say("AT+CPIN=9999\r", time.Second)
	for _, e := range h.events {
		if a, ok := e.(event.AT); ok && strings.Contains(a.Text, "9999") {
			t.Errorf("the PIN is in %+v", a)
		}
	}
}
