package quirks

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/sim"
)

// TestCommandsOfAProfile holds the list of refused commands against ways around it (ITU-T V.250 section 5.2: spaces, lower
// case, basic commands before another one, several in a line).
func TestCommandsOfAProfile(t *testing.T) {
	for _, c := range []struct {
		command string
		dials   bool
		want    string // part of the error; "": taken
	}{
		{command: "ATZ"}, {command: "ATE0V1Q0&D2"}, {command: "AT&F"}, {command: "AT&K3"}, {command: `AT\Q3`}, {command: "ATS7=60S0=0"},
		{command: "AT+CFUN=1,1"}, {command: "AT+CPMS?"}, {command: "AT^CURC=0"}, {command: "AT_OPSYS=0,2"}, {command: "AT!RESET"},
		{command: "AT+CGACT=0,{cid}"}, {command: "AT+IFC=2,2"}, {command: "AT%IPDPACT={cid},0"}, {command: "AT"},
		{command: "AT+CPIN?"}, {command: "AT+CLCK=?"}, // who only asks changes nothing
		{command: "ATE0&W", want: "memory"},
		{command: "AT+CPIN=1234", want: "PIN try"}, {command: "AT+CPIN=\"12?", want: "PIN try"}, {command: "AT+CPIN=1?", want: "PIN try"},
		{command: "at + cpin = 1", want: "PIN try"}, {command: "ATE0+CPIN=1234", want: "PIN try"}, {command: "AT&F&D2E1+CPIN=1", want: "PIN try"},
		{command: "ATS0=0+CPIN=1", want: "PIN try"}, {command: "ATE0;+CPIN=1", want: "several commands"},
		{command: "ATD*99#", want: "dials"}, {command: "ATE0D0900", want: "dials"}, {command: "AT&FDT0900", want: "dials"}, {command: "ATHD1", want: "dials"},
		{command: `AT+CLCK="SC",0,"1"`, want: "locks"}, {command: "AT+CSIM=10,\"A0\"", want: "PIN try"}, {command: "AT^CPIN=1", want: "PIN try"},
		{command: "AT+CMGS=1", want: "SMS"}, {command: "AT+CCFCU=1", want: "forwards"}, {command: "AT+EGMR=1,7,\"\"", want: "IMEI"},
		{command: "AT^NVWREX=1", want: "permanent"}, {command: "AT^SETPORT=\"A\"", want: "interfaces"}, {command: "AT^GODLOAD", want: "firmware"},
		{command: "AT+UFACTORY=2,2", want: "factory"}, {command: "CFUN=1", want: "begin with AT"}, {command: "AT\r+CPIN=1", want: "printable"},
		{command: strings.Repeat("A", 201), want: "at most 200"},

		{command: "ATD", dials: true}, {command: "ATDT", dials: true}, {command: "ATE0DT", dials: true}, {command: `AT+CGDATA="PPP",`, dials: true},
		{command: "AT", dials: true, want: "must end in D"}, {command: "ATE0", dials: true, want: "must end in D"},
		{command: "AT+CGDATA", dials: true, want: "must end in D"}, {command: "AT+CPIN=", dials: true, want: "PIN try"},
	} {
		err := checkCommand(c.command, c.dials)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.command, err, c.want)
		}
	}
	// With nothing before it each entry of the list is refused.
	for _, r := range refused {
		var e *refusedError
		if err := checkCommand("AT"+r.prefix+"=1", false); !errors.As(err, &e) {
			t.Errorf("AT%s=1: %v", r.prefix, err)
		}
	}
}

// An escape sequence goes out without a line end before it and AT after it: with a command in it, that would be sent.
func TestEscapeIsNoCommand(t *testing.T) {
	k := table()["hangup.escape"]
	for _, s := range []string{"AT+CPIN=1", "at+cpin=1;", "+++ATH", `+++"`, "+++;", "+++=1"} {
		if _, err := k.parse(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for _, s := range []string{"", "+++", "~+++", "\\\\\\"} {
		if _, err := k.parse(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// may_harm lets a file of one's own send what no other may, but not what spends a PIN try; updates, plugins and shipped
// files cannot say it.
func TestMayHarm(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		toml  string
		want  string // part of the first problem; "": the profile is used
	}{
		{User, "value = [\"AT^SETPORT=1\"]\nmay_harm = true\n", ""},
		{System, "value = [\"AT&W\"]\nmay_harm = true\n", ""},
		{User, "value = [\"AT^SETPORT=1\"]\n", "is refused"},
		{User, "value = [\"AT^SETPORT=1\"]\nmay_harm = false\n", "is refused"},
		{User, "value = [\"AT^SETPORT=1\"]\nmay_harm = \"yes\"\n", "may_harm must be true or false"},
		{User, "value = [\"AT+CPIN=1234\"]\nmay_harm = true\n", "is refused"},
		{User, "value = [\"ATD123\"]\nmay_harm = true\n", "is refused"},
		{User, "value = [\"ATE0;&W\"]\nmay_harm = true\n", "several commands"},
		{Builtin, "value = [\"AT&W\"]\nmay_harm = true\n", "may_harm is for files of your own"},
		{Update, "value = [\"AT&W\"]\nmay_harm = true\n", "must not set it"},
		{Plugin, "value = [\"AT&W\"]\nmay_harm = true\n", "must not set it"},
	} {
		tree, err := parseTree([]byte("schema = 1\n[at.init]\n" + c.toml))
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{layer: c.layer, file: "f"}
		r.readProfile("acme/modem", tree)
		got := ""
		for _, p := range r.problems {
			got += p.Error() + "\n"
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s, %q: %s; want %q", c.layer, c.toml, got, c.want)
		}
	}
	// --set cannot say it either.
	if _, err := table()["at.init"].parse("AT&W"); err == nil {
		t.Error("--set at.init=AT&W is taken")
	}
}

// FuzzAcceptedCommands: whatever a profile may hold as a command, a modem that is given it neither dials nor loses a try
// for the PIN. The modem is the simulated one, whose reading of command lines is its own.
func FuzzAcceptedCommands(f *testing.F) {
	for _, s := range []string{
		"ATZ", "ATE0+CPIN=1", "AT&F&D2E1D1", "ATS0=0+CPIN=\"1\"", "AT+CPIN?", "ATX1DT0", "AT&D2D", "AT\\Q3+CPIN=1", "ATE?+CPIN=1", "AT=+CPIN=1",
		"AT\"+CPIN=1", "AT+CPIN=1?", "AT1+CPIN=1", "ATS+CPIN=1", "AT+CPIN= ?", "AT+CPIN=? ", "AT+CPIN? ", "AT*99***1#D", "AT&+CPIN=1", "at&d0d1",
	} {
		f.Add(s)
	}
	scenario, err := sim.Parse("pin.toml", []byte("schema = 1\nsummary = \"wants a PIN\"\n[sim]\nstate = \"pin\"\npin = \"1234\"\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, command string) {
		if checkCommand(command, false) != nil {
			return
		}
		now := time.Unix(1000, 0)
		m := sim.New(scenario, 1)
		m.Advance(now)
		for _, line := range []string{"ATQ0V1", command, "ATQ0V1"} {
			m.Receive(now, []byte(line+"\r"))
			now = now.Add(time.Minute)
			m.Advance(now)
		}
		said := func() (s string) {
			for o, ok := m.Next(); ok; o, ok = m.Next() {
				s += string(o.Data)
			}
			return s
		}
		said()
		m.Receive(now, []byte("AT+CPINR=\"SIM PIN\"\r"))
		m.Advance(now.Add(time.Minute))
		if s := said(); !strings.Contains(s, "SIM PIN,3") || m.Counters().Calls > 0 {
			t.Errorf("after %q the modem says %q, and there were %d calls", command, s, m.Counters().Calls)
		}
	})
}
