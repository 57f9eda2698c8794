package adapt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// odd are modems of which nobody knows anything, each with one fault; with today's settings alone most of them end a dial.
var odd = []struct {
	name string
	toml string
	set  string // what a person gave
}{
	{"LCP: a request with PFC is never answered", "[[lcp.rule]]\nasks = [\"pfc\"]\ndo = \"drop\"\n", ""},
	{"LCP: a request with a magic number is never answered", "[[lcp.rule]]\nasks = [\"magic\"]\ndo = \"drop\"\n", ""},
	{"LCP: a request with an ACCM is never answered", "[[lcp.rule]]\nasks = [\"accm\"]\ndo = \"drop\"\n", ""},
	{"LCP: a request without an MRU is never answered", "[[lcp.rule]]\nlacks = [\"mru\"]\ndo = \"drop\"\n", ""},
	{"LCP: a request with PFC ends the call", "[[lcp.rule]]\nasks = [\"pfc\"]\ndo = \"hangup\"\n", ""},
	{"dial: only *99#", "[dial]\nresult = \"connect\"\n[[at.reply]]\ncommand = \"ATD*99***1#\"\nresult = \"NO CARRIER\"\n", ""},
	{"dial: *99***1# is refused", "[[at.reply]]\ncommand = \"ATD*99***1#\"\nresult = \"ERROR\"\n", ""},
	{"dial: only context 2", "[[at.reply]]\ncommand = \"ATD*99***1#\"\nresult = \"NO CARRIER\"\n[[at.reply]]\ncommand = \"ATD*99#\"\nresult = \"NO CARRIER\"\n", ""},
	{"IPCP: a request with DNS is never answered", "[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"drop\"\n", ""},
	{"IPCP: a request with DNS ends the call", "[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"hangup\"\n", ""},
	{"IPCP: a request without NBNS is never answered", "[[ipcp.rule]]\nlacks = [\"nbns1\"]\ndo = \"drop\"\n[ipcp]\nnbns = [\"192.0.2.70\"]\n", ""},
	{"auth: CHAP does not count", "[auth]\ndemand = \"chap-md5\"\nalso = [\"pap\"]\n[[ipcp.rule]]\nunless = \"AT+NEVER\"\ndo = \"behave\"\n", ""},
	{"auth: an empty name is wanted", "[auth]\ndemand = \"pap\"\n[[ipcp.rule]]\nuser_not = \"\"\ndo = \"hangup\"\n", ""},
	{"auth: the APN is wanted as name", "[auth]\ndemand = \"pap\"\n[[ipcp.rule]]\nuser_not = \"internet\"\ndo = \"hangup\"\n", "context.apn=internet"},
	{"registration: denied, and calls work", "[[at.reply]]\ncommand = \"AT+CEREG?\"\nlines = [\"+CEREG: 0,3\"]\n[[at.reply]]\ncommand = \"AT+CGREG?\"\nlines = [\"+CGREG: 0,3\"]\n[[at.reply]]\ncommand = \"AT+CREG?\"\nlines = [\"+CREG: 0,3\"]\n", ""},
	{"at: a command hangs for 50 s", "[[at.reply]]\ncommand = \"AT+CSQ\"\ndelay = \"50s\"\n", ""},
	{"at: a command is refused", "[[at.reply]]\ncommand = \"AT+CEREG*\"\nresult = \"ERROR\"\n[[at.reply]]\ncommand = \"AT+CREG*\"\nresult = \"ERROR\"\n[[at.reply]]\ncommand = \"AT+CGREG*\"\nresult = \"ERROR\"\n", ""},
	{"at: characters that come fast are lost", "[at]\npace = \"10ms\"\n", ""},
	{"attachment must be asked for", "[registration]\nattach = \"asked\"\n", ""},
	{"a start that takes 14 s", "[at]\nboot = \"14s\"\n", ""},
	{"requests that come too fast end the call", "[[lcp.rule]]\nbefore = \"1s\"\nnth = 2\ndo = \"hangup\"\n", ""},
	{"control characters are lost", "[line]\ncontrol = \"lost\"\n", ""},
	{"the first two calls fail", "[dial]\nresult = \"no-carrier\"\ntimes = 2\n", ""},
}

// modemOf makes the scenario of a modem without a profile.
func modemOf(t *testing.T, name, toml string) sim.Scenario {
	t.Helper()
	s, err := sim.Parse(name, []byte("schema = 1\nsummary = \"odd\"\n"+toml))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// dialled is how a dial went.
type dialled struct {
	up       bool
	took     time.Duration
	attempts int
	rig      *simulate.Rig
	said     []string
}

func dial(t *testing.T, s sim.Scenario, set []string, file *memory.File, limit time.Duration, adapting bool) dialled {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	var said []string
	now := epoch
	chosen := func(key string) bool {
		for _, s := range set {
			if strings.HasPrefix(s, key+"=") {
				return true
			}
		}
		return false
	}
	d := New(file, "", chosen, func() time.Time { return now }, func(text string) { said = append(said, text) })
	r := policy.Resolver{DB: db, Facts: quirks.Facts{USB: quirks.None}, Port: "test", Set: set}
	cfg := link.Config{Name: "test", Timeout: limit, Once: true}
	if adapting {
		r.Learned = d.Learned
		cfg.Vary = d.Vary
	}
	cfg.Resolve = r.Resolve
	rig := simulate.NewRig(cfg, sim.New(s, 7), epoch, simulate.World{})
	watch := d.Watch(event.SinkFunc(func(event.Record) {}))
	rig.Do = func(o link.Output) bool {
		if e, ok := o.(link.Event); ok && adapting {
			watch.Record(event.Record{Time: rig.Now, Event: e.Event})
		}
		return false
	}
	rig.Start()
	rig.Until(limit+time.Minute, func() bool { return rig.Done })
	got := dialled{rig: rig}
	for _, rec := range rig.Records {
		switch e := rec.Event.(type) {
		case event.Up:
			got.up, got.took = true, rec.Time.Sub(epoch)
		case event.Attempt:
			got.attempts = e.Number
			said = append(said, fmt.Sprintf("%d: %s", e.Number, e.Reason))
		}
	}
	got.said = said
	return got
}

func TestADialAdapts(t *testing.T) {
	up := 0
	for _, tt := range odd {
		file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
		var set []string
		if tt.set != "" {
			set = append(set, tt.set)
		}
		s := modemOf(t, tt.name, tt.toml)
		plain := dial(t, s, set, file, 2*time.Minute, false)
		got := dial(t, s, set, file, 2*time.Minute, true)
		if got.up {
			up++
		} else {
			t.Errorf("%s: not up: %v\n%s", tt.name, got.rig.Outcome, strings.Join(got.said, "\n"))
		}
		t.Logf("%-55s without %v, adapting %v after %v, %d attempts", tt.name, plain.up, got.up, got.took, max(got.attempts, 1))
	}
	t.Logf("%d of %d", up, len(odd))
}

// What worked is tried first next time, and a person's choice is never touched.
func TestWhatWasLearnedIsRemembered(t *testing.T) {
	s := modemOf(t, "m", "[identity]\nmanufacturer = \"acme\"\nmodel = \"m1\"\nrevision = \"1\"\n[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"hangup\"\n")
	file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
	first := dial(t, s, nil, file, 2*time.Minute, true)
	again := dial(t, s, nil, file, 2*time.Minute, true)
	if !first.up || first.attempts < 2 || !again.up || again.attempts != 0 {
		t.Errorf("first up %v in attempt %d, again up %v in attempt %d; %v", first.up, first.attempts, again.up, again.attempts, file.All())
	}
	all := file.All()
	if len(all) != 1 || all[0].Model != "m1" || len(all[0].Settings) == 0 || all[0].Failure == "" {
		t.Errorf("%+v", all)
	}
	if !file.Forget(all[0].Modem) || len(file.All()) != 0 {
		t.Error("it cannot be forgotten")
	}
	chosen := dial(t, s, []string{"ipcp.request=address,dns1"}, file, time.Minute, true)
	if chosen.up {
		t.Error("what a person chose was changed")
	}
}

// What was learned and holds no more is dropped first, and forgotten where the modem works without it.
func TestWhatWasLearnedMayHoldNoMore(t *testing.T) {
	who := "[identity]\nmanufacturer = \"acme\"\nmodel = \"m1\"\nrevision = \"1\"\n"
	file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
	file.Keep(memory.Entry{Modem: memory.Modem{Vendor: "acme", Model: "m1", Firmware: "1"}, Settings: []learn.Setting{{Key: "dial.number", Value: "*98#", Reason: "r"}}})
	s := modemOf(t, "m", who+"[[at.reply]]\ncommand = \"ATD*98#\"\nresult = \"NO CARRIER\"\n")
	got := dial(t, s, nil, file, 2*time.Minute, true)
	if !got.up || got.attempts != 2 || len(file.All()) != 0 {
		t.Errorf("up %v in attempt %d, remembered %v: %v", got.up, got.attempts, file.All(), got.said)
	}
}

// A refusal that names the login is never cured by adapting: it would count against the account.
func TestARefusedLoginIsNotVaried(t *testing.T) {
	s := modemOf(t, "refuses", "[auth]\ndemand = \"pap\"\naccept = \"none\"\n")
	file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
	got := dial(t, s, nil, file, 2*time.Minute, true)
	plain := dial(t, s, nil, file, 2*time.Minute, false)
	if got.up || got.attempts != plain.attempts {
		t.Errorf("%d attempts, without adapting %d: %v", got.attempts, plain.attempts, got.said)
	}
}
