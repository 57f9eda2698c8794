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
	"github.com/knakppp/knak/core/sim/random"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

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
	lasting  bool // it was up at the end
	took     time.Duration
	attempts int
	rig      *simulate.Rig
	said     []string
}

func dial(t *testing.T, s sim.Scenario, set []string, file *memory.File, limit time.Duration, adapting, once bool) dialled {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	var said []string
	chosen := func(key string) bool {
		for _, s := range set {
			if strings.HasPrefix(s, key+"=") {
				return true
			}
		}
		return false
	}
	var rig *simulate.Rig
	d := New(Config{File: file, Chosen: chosen, Prior: Priors(db), Now: func() time.Time { return rig.Now }, Tell: func(text string) { said = append(said, text) }})
	r := policy.Resolver{DB: db, Facts: quirks.Facts{USB: quirks.None}, Port: "test", Set: set, Carriers: carriers}
	cfg := link.Config{Name: "test", Timeout: limit, Once: once}
	if adapting {
		r.Learned, r.Unset = d.Learned, d.Unset
		cfg.Vary = d.Vary
	}
	cfg.Resolve = r.Resolve
	rig = simulate.NewRig(cfg, sim.New(s, 7), epoch, simulate.World{})
	watch := d.Watch(event.SinkFunc(func(event.Record) {}))
	rig.Do = func(o link.Output) bool {
		if e, ok := o.(link.Event); ok && adapting {
			watch.Record(event.Record{Time: rig.Now, Event: e.Event})
		}
		return false
	}
	rig.Start()
	rig.Until(limit+time.Minute, func() bool { return rig.Done })
	got := dialled{rig: rig, lasting: !rig.Done}
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

// with makes the scenario of a modem with one fault.
func with(f random.Fault) (sim.Scenario, error) {
	return sim.Parse(f.What, []byte(fmt.Sprintf("schema = 1\nsummary = %q\n[identity]\nmanufacturer = \"odd\"\nmodel = \"one\"\nrevision = \"1\"\n%s", f.What, f.Text)))
}

// Of the faults that the simulator knows, nearly all are got along with within two minutes; docs/learning.md has the figures.
func TestADialAdapts(t *testing.T) {
	up, plainly, all := 0, 0, 0
	for _, f := range random.Faults() {
		file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
		var set []string
		if f.Set != "" {
			set = append(set, f.Set)
		}
		s, err := with(f)
		if err != nil {
			t.Fatal(err)
		}
		all++
		var plain dialled
		if testing.Verbose() { // it is only told
			plain = dial(t, s, set, file, 2*time.Minute, false, false)
		}
		got := dial(t, s, set, file, 2*time.Minute, true, false)
		if plain.lasting {
			plainly++
		}
		if got.lasting {
			up++
		} else {
			t.Logf("%s: %s: not up: %v\n%s", f.Kind, f.What, got.rig.Outcome, strings.Join(got.said, "\n"))
		}
		t.Logf("%-20s %-55s without %v, adapting %v after %v, %d attempts", f.Kind, f.What, plain.lasting, got.lasting, got.took, max(got.attempts, 1))
	}
	t.Logf("%d of %d, without adapting %d", up, all, plainly)
	if up*100 < all*90 {
		t.Errorf("only %d of %d", up, all)
	}
}

// What worked is tried first next time, and a person's choice is never touched.
func TestWhatWasLearnedIsRemembered(t *testing.T) {
	s := modemOf(t, "m", "[identity]\nmanufacturer = \"acme\"\nmodel = \"m1\"\nrevision = \"1\"\n[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"hangup\"\n")
	file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
	first := dial(t, s, nil, file, 2*time.Minute, true, true)
	again := dial(t, s, nil, file, 2*time.Minute, true, true)
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
	chosen := dial(t, s, []string{"ipcp.request=address,dns1"}, file, time.Minute, true, true)
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
	got := dial(t, s, nil, file, 2*time.Minute, true, true)
	if !got.up || got.attempts != 2 || len(file.All()) != 0 {
		t.Errorf("up %v in attempt %d, remembered %v: %v", got.up, got.attempts, file.All(), got.said)
	}
}

// A refusal that names the login is never cured by adapting: it would count against the account.
func TestARefusedLoginIsNotVaried(t *testing.T) {
	s := modemOf(t, "refuses", "[auth]\ndemand = \"pap\"\naccept = \"none\"\n")
	file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
	for _, set := range [][]string{{"auth.user=me"}, {"auth.user="}} {
		got := dial(t, s, set, file, 2*time.Minute, true, true)
		plain := dial(t, s, set, file, 2*time.Minute, false, true)
		if got.up || got.attempts != plain.attempts {
			t.Errorf("%v: %d attempts, without adapting %d: %v", set, got.attempts, plain.attempts, got.said)
		}
	}
	// Where nobody gave a name, the one that was refused is knak's own: an empty one and the APN are tried, and no more.
	if got := dial(t, s, []string{"context.apn=internet"}, file, 2*time.Minute, true, true); got.up || got.attempts != 3 {
		t.Errorf("a name that was made up: %d attempts: %v", got.attempts, got.said)
	}
}
