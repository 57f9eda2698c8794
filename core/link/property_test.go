package link_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// endsWithin is how much virtual time a session may take to end after it was told to: the exchange of Terminate-Request
// and Terminate-Ack, then every way to hang up that a profile may name, on a modem that answers to none.
const endsWithin = 90 * time.Second

// chaos is one session that the world treats badly: it drives the session as the Runner does, in virtual time, and checks at
// every step what must hold of every session.
type chaos struct {
	*simulate.Rig
	modem   *sim.Modem
	atModem *sim.Modem        // its second port, where it has one
	moves   map[[2]string]int // how often one state followed another, over all sessions
	rnd     *rand.Rand
	open    int   // the number of the plane that was asked for and not closed since; 0: none
	asked   []int // the planes that are being made
	planeNo int   // counts OpenPlane
	up      int   // the plane of the last Up that no Down followed
	downs   int
	dones   int
	prey    string // the state in which it is disturbed for sure; "": none, or it was
	problem string
	failed  string // the failure that no finding followed since the last Up
	named   bool   // a finding was put out since the last Up: each is told once
	good    bool   // the modem behaves, so that the session gets far

	advice    *rand.Rand // whoever is asked answers by this; nil: nobody is asked
	questions []Ask      // that were not answered yet
}

// hostKinds are failures that this host makes by itself before there is a call: their own words say what there was.
var hostKinds = map[string]bool{"usage": true, "plane": true, "privilege": true, "no-kernel": true, "plugin-required": true, "aborted": true, "internal": true}

func (w *chaos) wrong(format string, args ...any) {
	if w.problem == "" {
		w.problem = fmt.Sprintf(format, args...)
	}
}

// settle does what the session and the modem want.
func (w *chaos) settle() {
	if !w.Settle() {
		w.wrong("the session and the modem never come to rest at %v", w.Now.Sub(epoch))
	}
}

// obey is a world that does not always obey.
func (w *chaos) obey(o Output) bool {
	if w.dones > 0 {
		w.wrong("%T after Done", o)
	}
	if w.Session.State() == w.prey { // some states do not last
		w.prey = ""
		w.disturb([]int{portLost, otherNetwork, otherNetwork, w.rnd.IntN(disturbances)}[w.rnd.IntN(4)])
	}
	switch o := o.(type) {
	case OpenPlane:
		if w.open != 0 {
			w.wrong("a plane is opened while another is open")
		}
		w.planeNo++
		w.open = w.planeNo
		w.asked = append(w.asked, w.planeNo)
	case AddIPv6:
		if w.open == 0 {
			w.wrong("an address for a plane that is not open")
		}
	case ClosePlane:
		if w.open == 0 {
			w.wrong("a plane is closed that nobody opened")
		}
		w.open = 0
	case Event:
		switch e := o.Event.(type) {
		case event.Up:
			if w.open == 0 || len(w.asked) > 0 || w.open == w.up {
				w.wrong("up on plane %d, after up on plane %d, while %d are being made", w.open, w.up, len(w.asked))
			}
			w.up = w.open
			w.named = false
		case event.Finding:
			w.named, w.failed = true, ""
		case event.Failure:
			if w.failed == "" && !w.named {
				w.failed = e.Phase + ": " + e.Cause
			}
		case event.Down:
			if k := Kind(e.Reason); w.failed != "" && k != KindHangup && !hostKinds[w.failed[strings.LastIndex(w.failed, " ")+1:]] {
				w.wrong("%s: it failed, and no finding says why; down: %s", w.failed, e.Reason)
			}
			w.failed = ""
			w.up, w.downs = 0, w.downs+1
			if w.open != 0 {
				w.wrong("down, and the plane is still open")
			}
			if e.Seconds < 0 || e.Reason == "" {
				w.wrong("%+v", e)
			}
		}
		if text, err := json.Marshal(o.Event); err != nil || strings.Contains(string(text), "15551234567") || strings.Contains(string(text), hushHush) {
			w.wrong("%s: %s, %v", o.Event.Kind(), text, err)
		}
		return false
	case Done:
		w.dones++
		w.Obey(o)
		if w.open != 0 {
			w.wrong("done, and the plane is still open")
		}
		if d := w.Session.Deadline(); !d.IsZero() {
			w.wrong("a deadline after the end")
		}
	case Ask:
		if w.advice == nil {
			w.wrong("%s is asked, and nobody wants to be", o.Question.Kind())
		}
		w.questions = append(w.questions, o)
	case Reopen:
		// the port is away: disturb decides when it comes back
	default:
		return false
	}
	return true
}

// Two of the disturbances, and how many there are.
const (
	portLost     = 1
	otherNetwork = 11
	disturbances = 14
)

// disturb does one thing that may happen to a session at any time.
func (w *chaos) disturb(what int) {
	s := w.Session
	if w.rnd.IntN(40) == 0 {
		s.Redial(w.Now, "ordered")
		return
	}
	switch what {
	case 0:
		s.Hangup(w.Now, []Kind{KindHangup, KindPlane}[w.rnd.IntN(2)], "told to")
	case portLost, 2:
		if !w.Unplugged {
			w.Unplugged = true
			s.PortLost(w.Now, errGone)
		}
	case 3:
		s.Lines(w.Now, at.ModemLines{DCD: false, DSR: true, CTS: true}, w.rnd.IntN(2) == 0)
	case 4:
		s.Lines(w.Now, at.ModemLines{DCD: true, DSR: true, CTS: true}, false)
	case 5:
		for rest := []byte("\r\nNO CARRIER\r\n"); len(rest) > 0; {
			_, rest = s.Receive(w.Now, rest)
		}
	case 6:
		junk := make([]byte, w.rnd.IntN(300))
		for i := range junk {
			junk[i] = byte(w.rnd.Uint32())
		}
		for len(junk) > 0 {
			_, junk = s.Receive(w.Now, junk)
		}
	case 7: // the peer terminates LCP
		for rest := []byte("~\xff}#\xc0!}%}!} }$=\xc7~"); len(rest) > 0; {
			_, rest = s.Receive(w.Now, rest)
		}
	case 8:
		s.AppendPacket(w.Now, nil, []byte{0x45, 0, 0, 20})
	case 9: // a call out of turn
		s.PortOpened(w.Now)
		w.Unplugged = w.Unplugged && s.PortGone()
	case 10:
		s.Advance(w.Now)
	case otherNetwork, 12: // IPCP agrees on something else
		times := 1
		if w.rnd.IntN(2) == 0 {
			times += w.rnd.IntN(7) // faster than it is followed
		}
		for ; times > 0 && s.Carries(); times-- {
			n := s.Network()
			switch w.rnd.IntN(5) {
			case 0, 3, 4:
				n.Local = n.Local.Next()
			case 1:
				n.MTU--
			case 2:
				s.NetworkDown(w.Now, ppp.NetworkDown{Protocol: packet.IPCP})
			}
			s.NetworkUp(w.Now, n)
		}
	case 13:
		s.ReceiveAT(w.Now, []byte("\r\n+CREG: 1\r\n"))
	}
}

// world answers what the session waits for: planes and ports.
func (w *chaos) world() {
	if len(w.asked) > 0 && w.rnd.IntN(3) == 0 {
		number := w.asked[0]
		w.asked = w.asked[1:]
		if w.rnd.IntN(8) == 0 {
			if w.open == number {
				w.open = 0
			}
			w.Session.PlaneFailed(w.Now, KindPlane, errors.New("no plane"))
		} else {
			w.Session.PlaneUp(w.Now, "none", "")
		}
	}
	w.answer()
	if w.Session.State() == "reopening" && w.rnd.IntN(4) == 0 {
		if w.rnd.IntN(3) == 0 {
			w.Session.PortNotOpened(w.Now, Outcome{Kind: event.FailedPortOpen, Phase: event.PhaseDial, Detail: "gone"})
		} else {
			w.Unplugged = false
			w.Session.PortOpened(w.Now)
		}
	}
}

// hushHush is what must never be shown.
const hushHush = "hush-hush"

// answer answers some of what was asked, late, twice, or not at all, with whatever comes to mind.
func (w *chaos) answer() {
	for len(w.questions) > 0 && w.advice.IntN(3) > 0 {
		n := w.advice.IntN(len(w.questions))
		q := w.questions[n]
		w.questions = slices.Delete(w.questions, n, n+1)
		var err error
		switch w.advice.IntN(40) {
		case 0:
			err = &advice.RequiredError{By: "plugin must", Err: errGone}
		case 1, 2:
			err = errGone
		case 3:
			continue // never
		}
		if w.good {
			err = nil
		}
		for range 1 + w.advice.IntN(2) {
			w.Session.Answer(w.Now, q.ID, w.anyAnswer(q.Question), err)
			w.Session.Answer(w.Now, w.advice.Uint64N(20), w.anyAnswer(q.Question), nil)
		}
	}
}

func (w *chaos) anyAnswer(q advice.Question) advice.Answer {
	r := w.advice
	some := func() bool { return r.IntN(2) == 0 }
	text := func() string { return []string{"", "", "some", "\r\nATD1", strings.Repeat("x", 300)}[r.IntN(5)] }
	if w.good { // nothing that keeps the session from getting far
		switch q := q.(type) {
		case advice.Steps:
			if q.When == advice.After {
				return advice.Plan{By: "a", Steps: []advice.Step{{Command: "AT", Timeout: time.Second}}}
			}
			return nil
		case advice.Prove:
		default:
			return nil
		}
	}
	if r.IntN(20) == 0 {
		return advice.Login{By: "wrong", Replace: true}
	}
	switch q := q.(type) {
	case advice.Identify:
		return advice.Identified{By: "a", Model: text(), Settings: []advice.Setting{{Key: text(), Value: text(), Reason: "r", By: "a"}}}
	case advice.Credentials:
		return advice.Login{By: "a", APN: text(), Replace: some(), User: "15551234567", Password: auth.NewSecret(hushHush), Allow: []auth.Method{auth.Method(r.IntN(9))}}
	case advice.Steps:
		p := advice.Plan{By: "a", Replace: some()}
		if r.IntN(6) == 0 {
			p.Abort = text()
		}
		for range r.IntN(3) {
			p.Steps = append(p.Steps, advice.Step{Command: []string{"AT", "", "AT+X=" + hushHush, "ATD1"}[r.IntN(4)], Timeout: time.Second, Sensitive: true})
		}
		return p
	case advice.Challenge:
		return advice.Response{By: "a", Name: text(), Value: make([]byte, []int{16, 49, 3}[r.IntN(3)])}
	case advice.Decide:
		v := ppp.Verdict{Action: ppp.Action(r.IntN(12)), Delay: time.Duration(r.IntN(3000)) * time.Millisecond, By: "a", Reason: text(), Packet: []byte(text())}
		if r.IntN(3) > 0 {
			v = ppp.Verdict{}
		}
		if v.Options = q.Options; some() {
			v.Options = []packet.Option{{Type: byte(r.IntN(6)), Data: make([]byte, r.IntN(20))}}
		}
		return advice.Verdict{Verdict: v}
	case advice.Prove:
		p := advice.Proof{By: "a"}
		switch r.IntN(4) {
		case 0:
			p.Targets = []netip.Addr{{}, q.Local, q.Peer}
		case 1:
			p.Trust = text()
		case 2:
			p.Refuse = text()
		}
		return p
	}
	return nil
}

// run lets the session live, disturbs it at random, hangs up at the end and waits for it to end.
func (w *chaos) run(cfg Config) {
	w.Rig = simulate.NewRig(cfg, w.modem, epoch, simulate.World{ATModem: w.atModem})
	w.Do = w.obey
	w.Session.OnMove(func(from, to string) { w.moves[[2]string{from, to}]++ })
	if w.rnd.IntN(100) == 0 {
		w.Session.Hangup(w.Now, KindHangup, "told to end before it began")
	}
	names := states()
	if w.good {
		names = []string{"calling", "instructing", "judging", "judging", "proving", "opening", "up", "unhooking"}
	}
	w.prey = names[w.rnd.IntN(len(names))]
	w.Start()
	hangup := epoch.Add(time.Duration(w.rnd.Int64N(int64(4 * time.Minute))))
	left := w.rnd.IntN(5)
	next := func() time.Time { return w.Now.Add(time.Duration(w.rnd.ExpFloat64() * float64(6*time.Second))) }
	disturb, hungUp, stuck := next(), false, 0
	for w.dones == 0 && w.problem == "" {
		d := w.Deadline()
		if left > 0 {
			d = soonest(d, disturb)
		}
		if len(w.asked) > 0 || w.Session.State() == "reopening" || len(w.questions) > 0 {
			d = soonest(d, w.Now.Add(300*time.Millisecond))
		}
		if !hungUp {
			d = soonest(d, hangup)
		}
		d = soonest(d, hangup.Add(endsWithin))
		if stuck++; d.After(w.Now) {
			w.Now, stuck = d, 0
		}
		if stuck > 1000 {
			w.wrong("a machine asks for the same moment again and again, in state %s", w.Session.State())
		}
		switch {
		case !w.Now.Before(hangup.Add(endsWithin)):
			w.wrong("in state %s %v after the hang-up", w.Session.State(), endsWithin)
		case !hungUp && !w.Now.Before(hangup):
			hungUp = true
			w.Session.Hangup(w.Now, KindHangup, "told to end")
		case left > 0 && !w.Now.Before(disturb):
			left--
			w.disturb(w.rnd.IntN(disturbances))
			disturb = next()
		}
		w.settle()
		w.world()
		w.settle()
		w.Advance(w.Now)
	}
	// What comes after the end changes nothing.
	for range 3 {
		w.disturb(w.rnd.IntN(disturbances))
	}
	w.Session.Advance(w.Now.Add(time.Hour))
	w.settle()
	if w.problem == "" && (w.dones != 1 || w.downs == 0) {
		w.wrong("done %d times, down %d times", w.dones, w.downs)
	}
}

// TestEverySessionEnds: whatever the modem, the port, the plane and the user do, and whenever they do it, a session ends
// soon after it was told to, once, and every plane that was opened is closed.
func TestEverySessionEnds(t *testing.T) {
	runs := 2400
	if testing.Short() {
		runs = 300
	}
	db := linktest.Database(t)
	names := sim.Names(knak.Files)
	scenarios := map[string]sim.Scenario{}
	for _, name := range names {
		scenarios[name] = mustScenario(t, name)
	}
	kinds, moves := map[Kind]int{}, map[[2]string]int{}
	for seed := range uint64(runs) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		name, good := names[rnd.IntN(len(names))], seed%4 >= 2
		if good {
			name = []string{"behaves", "hangup-after-60s", "terminate-after-60s"}[rnd.IntN(3)]
		}
		pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
		set := []string{
			"retry.attempts=" + pick("0", "1", "3"), "retry.delay=" + pick("0s", "1s", "10s"), "retry.max_delay=" + pick("0s", "10s"),
			"prove.mode=" + pick("auto", "auto", "always", "never"), "ipv6cp.enable=" + pick("auto", "always"),
			"ipcp.deadline=" + pick("15s", "40s"), "at.before_hangup=" + pick("[]", `["AT+CGACT=0,1"]`),
			"retry.ladder=" + pick("redial", "attach", "redial,reset"), "auth.user=" + pick("guest", "", "15551234567"),
		}
		if good {
			set = append(set, `at.before_hangup=["AT+CGACT=0,1"]`)
		} else if rnd.IntN(10) == 0 {
			set = append(set, "dial.number=")
		}
		late := seed%3 == 0 // the call shows what changes the settings
		cfg := Config{
			Name: "test", Once: rnd.IntN(4) == 0, Persist: rnd.IntN(2) == 0, MaxAttempts: rnd.IntN(3), ATPort: rnd.IntN(4) == 0,
			Prove: ProveMode(rnd.IntN(3)), Random: rand.NewChaCha8([32]byte{byte(seed)}),
			Resolve: func(id Facts) (Selection, error) {
				set := slices.Clone(set)
				if late && id.Operator != "" {
					set = append(set, "context.apn=late.example")
				}
				if late && id.Auth != "" {
					set = append(set, "auth.timeout=20s", "lcp.send_accm=0x0a0000")
				}
				if late && id.Peer != "" {
					set = append(set, "auth.user=late", "ipcp.request=address", "ipcp.deadline=10s")
				}
				r, err := db.Resolve(quirks.Facts{Manufacturer: id.Vendor, Model: id.Model, Revision: id.Firmware}, "", set)
				sel := Selection{Policy: r, Awaits: func(string) bool { return late }}
				if err == nil {
					for _, s := range r.Changed() {
						if s.Key != "auth.user" { // whose value may be a subscriber's number: cmd hides it
							sel.Quirks = append(sel.Quirks, event.Quirk{Key: s.Key, Value: s.Value.String()})
						}
					}
				}
				return sel, err
			},
		}
		limit := func() time.Duration { return time.Duration(rnd.IntN(2)*rnd.IntN(100)) * time.Second }
		cfg.Timeout, cfg.Idle, cfg.MaxTime, cfg.MaxBytes = limit(), limit(), limit(), uint64(rnd.IntN(2)*rnd.IntN(100))
		w := &chaos{modem: sim.New(scenarios[name], seed), moves: moves, rnd: rnd, good: good}
		if cfg.ATPort = cfg.ATPort || good && rnd.IntN(2) == 0; cfg.ATPort {
			w.atModem = sim.New(scenarios[name], seed+1)
		}
		if seed%2 == 1 || good {
			w.advice = rand.New(rand.NewPCG(seed, 2))
			wanted := w.advice.Uint32()
			if good {
				wanted = ^uint32(0)
			}
			cfg.Wants = func(q advice.Question) bool { return wanted>>(uint(len(q.Kind()))%8)&1 == 1 }
		}
		func() {
			defer func() {
				if p := recover(); p != nil && w.problem == "" {
					w.wrong("panic: %v", p)
					if seed == panicSeed {
						panic(p)
					}
				}
			}()
			w.run(cfg)
		}()
		kinds[w.Outcome.Kind]++
		if w.problem != "" {
			t.Errorf("seed %d, %s, %v: %s", seed, name, set, w.problem)
			told{simulate.Result{Outcome: w.Outcome, Elapsed: w.Now.Sub(epoch), Records: w.Records}}.dump(t)
			return
		}
	}
	t.Logf("%d sessions ended: %v", runs, kinds)
	checkDrawing(t, moves, !testing.Short())
	for _, k := range []Kind{KindDone, KindHangup, KindCarrierLost, KindTimeout, KindPlane, KindPeerEnded, KindPlugin, KindAborted, event.FailedPortOpen} {
		if kinds[k] == 0 {
			t.Errorf("no session of %d ended with %s: the test does not get there", runs, k)
		}
	}
}

const panicSeed = ^uint64(0)

// states are the names of all states in which something can happen.
func states() []string {
	return []string{
		"dialing", "preparing", "calling", "instructing", "negotiating", "judging", "proving", "opening", "up", "closing",
		"unhooking", "hangingUp", "waiting", "recovering", "reopening",
	}
}

// soonest gives the earliest time that is not zero.
func soonest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
