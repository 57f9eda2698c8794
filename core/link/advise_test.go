package link_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// answers is an Adviser of one function for each kind of question.
type answers map[advice.Kind]func(advice.Question) (advice.Answer, error)

func (a answers) Wants(q advice.Question) bool { return a[q.Kind()] != nil }

func (a answers) Ask(_ context.Context, q advice.Question) (advice.Answer, error) {
	return a[q.Kind()](q)
}

// always answers every question of a kind the same way.
func always(a advice.Answer) func(advice.Question) (advice.Answer, error) {
	return func(advice.Question) (advice.Answer, error) { return a, nil }
}

// decides answers the decisions of one point of one protocol.
func decides(protocol uint16, point ppp.Points, verdict func(advice.Decide) ppp.Verdict) answers {
	return answers{advice.KindDecide: func(q advice.Question) (advice.Answer, error) {
		d := q.(advice.Decide)
		if d.Protocol != protocol || d.Point != point {
			return advice.Verdict{}, nil
		}
		v := verdict(d)
		v.By = "plugin test"
		return advice.Verdict{Verdict: v}, nil
	}}
}

// of gives the events of one type.
func of[E event.Event](s told) (list []E) {
	for _, r := range s.Records {
		if e, ok := r.Event.(E); ok {
			list = append(list, e)
		}
	}
	return list
}

func (s told) warnings(part string) (n int) {
	for _, e := range of[event.Notice](s) {
		if strings.Contains(e.Text, part) {
			n++
		}
	}
	return n
}

// blankCHAP answers a challenge as the E398's Windows dialer does: without a name.
func blankCHAP(d advice.Decide) ppp.Verdict {
	if d.Code != packet.CHAPChallenge {
		return ppp.Verdict{}
	}
	sum := md5.Sum(slices.Concat(d.Packet[1:2], d.Packet[5:5+int(d.Packet[4])]))
	return ppp.Verdict{Action: ppp.Transmit, Packet: append([]byte{packet.CHAPResponse, d.Packet[1], 0, 21, 16}, sum[:]...)}
}

// withNBNS asks for NBNS servers, too.
func withNBNS(d advice.Decide) ppp.Verdict {
	v := ppp.Verdict{Action: ppp.Request, Options: d.Intent.Options}
	for _, t := range []uint8{packet.IPCPNBNS1, packet.IPCPNBNS2} {
		if _, ok := packet.Find(d.Intent.Options, t); !ok {
			v.Options = append(v.Options, packet.Option{Type: t, Data: make([]byte, 4)})
		}
	}
	return v
}

// both joins advisers of different kinds.
func both(a, b answers) answers {
	for k, f := range b {
		a[k] = f
	}
	return a
}

// The E398 without its profile: empty Naks until the name is empty, and with e398-nbns until NBNS is asked for as well.
// An adviser alone gets through at once, in each way that it has.
func TestAdviserSolvesE398(t *testing.T) {
	settings := always(advice.Identified{By: "plugin test", Settings: []advice.Setting{
		{Key: "auth.user", Value: "", Reason: "its Windows dialer has none", By: "plugin test"},
		{Key: "ipcp.request+", Value: "nbns1,nbns2", Reason: "its Windows dialer does", By: "plugin test"},
	}})
	blank := answers{advice.KindCredentials: always(advice.Login{By: "plugin test", Replace: true, Reason: "as Windows"})}
	for _, tt := range []struct {
		name, scenario string
		adviser        advice.Adviser
		decision       string
	}{
		{"an empty name by credentials", "huawei/e398", blank, "credentials"},
		{"an empty name by a decision about the challenge", "huawei/e398", decides(packet.CHAP, ppp.PointAuthChallenge, blankCHAP), "auth-challenge"},
		{"an empty name by settings", "huawei/e398", answers{advice.KindIdentify: settings}, "identify"},
		{"NBNS by settings", "huawei/e398-nbns", answers{advice.KindIdentify: settings}, "identify"},
		{"NBNS by a decision about the request", "huawei/e398-nbns", both(decides(packet.IPCP, ppp.PointRequest, withNBNS), blank), "request"},
		{"NBNS by a decision about the Nak", "huawei/e398-nbns", both(decides(packet.IPCP, ppp.PointNak, withNBNS), blank), "nak"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alone := call{scenario: tt.scenario, profile: "-", set: []string{"auth.user=web"}}.run(t)
			if _, at, ok := alone.up(); ok && at < 5*time.Second {
				t.Fatalf("without an adviser it is up after %v: this shows nothing", at)
			}
			s := call{scenario: tt.scenario, profile: "-", advised: simulate.World{Adviser: tt.adviser}}.run(t)
			_, at, ok := s.up()
			if !ok || at > 3*time.Second {
				s.dump(t)
				t.Errorf("up %v after %v", ok, at)
			}
			if !slices.ContainsFunc(of[event.Decision](s), func(d event.Decision) bool {
				return d.Point == tt.decision && d.By == "plugin test" && d.Verdict != d.Intent
			}) {
				t.Errorf("no verdict beside an intent: %+v", of[event.Decision](s))
			}
		})
	}
}

// What each hook makes of an answer.
func TestHooks(t *testing.T) {
	password := "topsecret-value"
	mine := advice.Login{By: "plugin test", APN: "right.example", Replace: true, User: "user", Password: auth.NewSecret("password"), Reason: "r"}
	addr := netip.MustParseAddr
	for _, tt := range []struct {
		name string
		call
		adviser  answers
		up       bool
		proved   bool
		kind     Kind     // of the outcome
		sent     []string // AT commands that must be sent, in this order
		never    string   // an AT command that must not be
		rcvd     string   // what the modem must say
		quirk    string   // key=value source
		decision string   // point: intent -> verdict
		warning  string
		user     string // in the authentication
	}{
		{name: "credentials for PPP", call: call{scenario: "behaves-chap-md5"}, adviser: answers{advice.KindCredentials: always(mine)},
			up: true, sent: []string{`AT+CGDCONT=1,"IP","right.example"`}, quirk: "context.apn=right.example plugin test",
			decision: `credentials: apn "", user "guest" -> apn "right.example", user "user"`},
		{name: "a person's name beats them", call: call{scenario: "behaves-chap-md5", set: []string{"auth.user=user", "context.apn=mine.example"}, password: "password"},
			adviser: answers{advice.KindCredentials: always(advice.Login{APN: "theirs.example", Replace: true, User: "them", By: "plugin test"})},
			up:      true, sent: []string{`AT+CGDCONT=1,"IP","mine.example"`}, never: "theirs.example"},
		{name: "the methods to agree to", call: call{scenario: "behaves-chap-md5", set: []string{"auth.user=user"}, password: "password"},
			adviser: answers{advice.KindCredentials: always(advice.Login{By: "plugin test", Allow: []auth.Method{auth.PAP}})}, kind: event.FailedAuthMethod},
		{name: "an APN that no modem takes", call: call{scenario: "behaves"}, warning: "the APN cannot be used",
			adviser: answers{advice.KindCredentials: always(advice.Login{By: "plugin test", APN: "a\"\r\nAT+CFUN=0"})}, up: true, never: "CFUN=0"},
		{name: "steps more", call: call{scenario: "behaves", set: []string{`at.before_dial=["AT+CSCS?"]`}},
			adviser: answers{advice.KindSteps: func(q advice.Question) (advice.Answer, error) {
				if s := q.(advice.Steps); s.When == advice.Before {
					return advice.Plan{By: "plugin test", Steps: []advice.Step{{Command: "AT+CGDCONT?", Expect: []string{"OK", "ERROR"}}}}, nil
				}
				return nil, nil
			}}, up: true, sent: []string{"AT+CSCS?", "AT+CGDCONT?", "ATD*99***1#"}, decision: "steps: 1 steps before the dial -> 1 steps more"},
		{name: "steps instead", call: call{scenario: "behaves", set: []string{`at.before_dial=["AT+CSCS?"]`}},
			adviser: answers{advice.KindSteps: always(advice.Plan{By: "plugin test", Replace: true})}, up: true, never: "AT+CSCS?"},
		{name: "a sensitive step is not shown", call: call{scenario: "behaves"}, never: "hush",
			adviser: answers{advice.KindSteps: func(q advice.Question) (advice.Answer, error) {
				if q.(advice.Steps).When == advice.After {
					return nil, nil
				}
				return advice.Plan{By: "plugin test", Steps: []advice.Step{{Command: "AT+COPS=hush", Expect: []string{"OK", "ERROR", "+CME"}, Sensitive: true}}}, nil
			}}, up: true},
		{name: "a step that dials", call: call{scenario: "behaves", config: once}, kind: event.FailedATError, never: "ATD555",
			adviser: answers{advice.KindSteps: always(advice.Plan{By: "plugin test", Steps: []advice.Step{{Command: "ATD5551234"}}})}},
		{name: "an abort before the dial", call: call{scenario: "behaves", config: once}, kind: KindAborted, never: "ATD*99***1#",
			adviser: answers{advice.KindSteps: always(advice.Plan{By: "plugin test", Abort: "roaming is dear"})}},
		{name: "an abort after it hangs up", call: call{scenario: "behaves", config: once}, kind: KindAborted, sent: []string{"ATD*99***1#"}, rcvd: "NO CARRIER",
			adviser: answers{advice.KindSteps: func(q advice.Question) (advice.Answer, error) {
				if s := q.(advice.Steps); s.When == advice.After && strings.HasPrefix(s.Connect, "CONNECT") {
					return advice.Plan{By: "plugin test", Abort: "too slow a line"}, nil
				}
				return nil, nil
			}}},
		{name: "steps after the dial without an AT port", call: call{scenario: "behaves"}, up: true, warning: "there is no AT port",
			adviser: answers{advice.KindSteps: func(q advice.Question) (advice.Answer, error) {
				if q.(advice.Steps).When == advice.After {
					return advice.Plan{By: "plugin test", Steps: []advice.Step{{Command: "AT+X"}}}, nil
				}
				return nil, nil
			}}, never: "AT+X"},
		{name: "trust", call: call{scenario: "carries-nothing", set: []string{"prove.mode=always"}}, up: true,
			adviser:  answers{advice.KindProve: always(advice.Proof{By: "plugin test", Trust: "it answers no pings"})},
			decision: "prove: probe -> trust: it answers no pings"},
		{name: "the user's proof beats trust", call: call{scenario: "carries-nothing", config: func(c *Config) { once(c); c.Prove = ProveAlways }},
			adviser: answers{advice.KindProve: always(advice.Proof{By: "plugin test", Trust: "really"})}, kind: KindCarriesNone},
		{name: "refuse", call: call{scenario: "behaves", config: once}, kind: KindCarriesNone,
			adviser:  answers{advice.KindProve: always(advice.Proof{By: "plugin test", Refuse: "an address of the walled garden"})},
			decision: "prove: probe -> refuse: an address of the walled garden"},
		{name: "more targets", call: call{scenario: "behaves-none"}, up: true, proved: true, decision: "prove: believe -> probe 1 more",
			adviser: answers{advice.KindProve: always(advice.Proof{By: "plugin test", Targets: []netip.Addr{addr("198.51.100.7"), addr("ff02::1"), addr("0.0.0.0")}})}},
		{name: "a setting that plugins must not set", call: call{scenario: "behaves"}, up: true, never: "AT+CFUN=0", warning: "must not set it",
			adviser: answers{advice.KindIdentify: always(advice.Identified{By: "plugin test", Settings: []advice.Setting{{Key: "at.init", Value: "AT+CFUN=0", Reason: "r", By: "plugin test"}}})}},
		{name: "who it is, for another profile", call: call{scenario: "behaves"}, up: true, quirk: "ipcp.request",
			adviser: answers{advice.KindIdentify: always(advice.Identified{By: "plugin test", Vendor: "huawei", Model: "E398"})}},
		{name: "a wrong type of answer", call: call{scenario: "behaves"}, up: true, warning: "the answer is of another kind",
			adviser: answers{advice.KindCredentials: always(advice.Proof{Trust: "me"}), advice.KindDecide: always(advice.Login{Replace: true})}},
		{name: "a verdict that does not fit is not followed", call: call{scenario: "behaves"}, up: true, decision: "peer-request: ack -> ack",
			adviser: decides(packet.LCP, ppp.PointPeerRequest, func(advice.Decide) ppp.Verdict {
				return ppp.Verdict{Action: ppp.Reject, Options: []packet.Option{{Type: 99, Data: []byte{1}}}}
			})},
		{name: "terminate", call: call{scenario: "behaves", config: once}, kind: KindAborted,
			adviser: decides(packet.IPCP, ppp.PointNak, func(advice.Decide) ppp.Verdict {
				return ppp.Verdict{Action: ppp.Terminate, Reason: "not\nthis\x1bone"}
			})},
		{name: "secrets of an adviser are not shown", call: call{scenario: "pap-only", set: []string{"context.auth_command=+CGAUTH"}}, never: password, up: true,
			adviser: answers{advice.KindCredentials: always(advice.Login{By: "plugin test", Replace: true, User: "me", Password: auth.NewSecret(password), Reason: "r"})}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.advised = simulate.World{Adviser: tt.adviser}
			s := tt.call.run(t)
			u, _, ok := s.up()
			if ok != tt.up || tt.proved && !u.Proved || tt.kind != "" && s.Outcome.Kind != tt.kind {
				s.dump(t)
				t.Errorf("up %v, proved %v, %v; want up %v, proved %v, kind %s", ok, u.Proved, s.Outcome, tt.up, tt.proved, tt.kind)
			}
			want := tt.sent
			for _, e := range of[event.AT](s) {
				if len(want) > 0 && e.Dir == event.Sent && e.Text == want[0] {
					want = want[1:]
				}
			}
			if tt.rcvd != "" && !slices.Contains(of[event.AT](s), event.AT{Dir: event.Rcvd, Text: tt.rcvd}) {
				t.Errorf("the modem did not say %s", tt.rcvd)
			}
			if len(want) > 0 {
				s.dump(t)
				t.Errorf("not sent, or not in order: %q", want)
			}
			if text := s.text(t); tt.never != "" && (s.sent(tt.never) > 0 || !strings.HasPrefix(tt.never, "AT") && strings.Contains(text, tt.never)) {
				t.Errorf("%q in the trace: %s", tt.never, text)
			}
			if tt.warning != "" && s.warnings(tt.warning) != 1 {
				t.Errorf("%q is told %d times: %+v", tt.warning, s.warnings(tt.warning), of[event.Notice](s))
			}
			if tt.decision != "" && !slices.ContainsFunc(of[event.Decision](s), func(d event.Decision) bool {
				return fmt.Sprintf("%s: %s -> %s", d.Point, d.Intent, d.Verdict) == tt.decision && d.By != ""
			}) {
				t.Errorf("no decision %q: %+v", tt.decision, of[event.Decision](s))
			}
			if tt.quirk != "" && !slices.ContainsFunc(of[event.Quirk](s), func(q event.Quirk) bool {
				return strings.HasPrefix(fmt.Sprintf("%s=%s %s", q.Key, q.Value, q.Source), tt.quirk)
			}) {
				t.Errorf("no quirk %q: %+v", tt.quirk, of[event.Quirk](s))
			}
		})
	}
}

// once allows one attempt only.
func once(c *Config) { c.MaxAttempts = 1 }

// What the questions hold: enough to answer them, and no subscriber's number.
func TestQuestions(t *testing.T) {
	var asked []advice.Question
	note := func(q advice.Question) (advice.Answer, error) { asked = append(asked, q); return nil, nil }
	call{scenario: "huawei/e398", profile: "-", set: []string{"auth.user=web"}, advised: simulate.World{Adviser: answers{
		advice.KindIdentify: note, advice.KindCredentials: note, advice.KindSteps: note, advice.KindChallenge: note, advice.KindDecide: note, advice.KindProve: note,
	}}, config: once}.run(t)
	kinds := ""
	seen := map[uint64]bool{}
	for _, q := range asked {
		if !strings.HasSuffix(kinds, string(q.Kind())+" ") {
			kinds += string(q.Kind()) + " "
		}
		switch q := q.(type) {
		case advice.Identify:
			if q.Device.Vendor != "huawei" || q.Device.Model != "E398" || q.Attempt != 1 || q.Link != "test" {
				t.Errorf("%+v", q)
			}
		case advice.Credentials:
			if q.User != "web" || !q.UserChosen || q.APNChosen || q.Device.Model != "E398" || len(q.Home) > 7 {
				t.Errorf("%+v", q)
			}
		case advice.Challenge:
			if q.Method != auth.CHAPMD5 || len(q.Value) == 0 || q.Peer != "UMTS_CHAP_SRVR" || q.User != "web" {
				t.Errorf("%+v", q)
			}
		case advice.Decide:
			if q.Generation != 1 || seen[q.ID] || q.Protocol == 0 || q.Point != ppp.PointAuthChallenge && q.Point != ppp.PointAuthResult && q.State == "" {
				t.Errorf("%+v", q)
			}
			seen[q.ID] = true
		}
	}
	if !strings.HasPrefix(kinds, "identify credentials steps decide challenge decide ") {
		t.Errorf("asked in the order %s", kinds)
	}
}

// The response to a challenge comes from elsewhere: there is no secret here.
func TestChallengeByDelegation(t *testing.T) {
	for _, tt := range []struct {
		name, scenario string
		method         auth.Method
		change         func(*advice.Response)
		up             bool
		warning        string
	}{
		{"RFC 1994", "behaves-chap-md5", auth.CHAPMD5, nil, true, ""},
		{"RFC 1994, of the wrong length", "behaves-chap-md5", auth.CHAPMD5, func(r *advice.Response) { r.Value = r.Value[1:] }, false, "a response of 15 octets"},
		{"RFC 2759", "behaves-ms-chapv2", auth.MSCHAPv2, nil, true, "cannot be checked"},
		{"RFC 2759, Success is not what it must be", "behaves-ms-chapv2", auth.MSCHAPv2, func(r *advice.Response) { r.Authenticator = make([]byte, 20) }, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := answers{advice.KindChallenge: func(q advice.Question) (advice.Answer, error) {
				c := q.(advice.Challenge)
				r := advice.Response{By: "plugin test", Name: "user", Value: responseOf(t, c, "user", "password")}
				if tt.change != nil {
					tt.change(&r)
				}
				return r, nil
			}}
			s := call{scenario: tt.scenario, advised: simulate.World{Adviser: a}, config: once}.run(t)
			if _, _, ok := s.up(); ok != tt.up || tt.warning != "" && s.warnings(tt.warning) == 0 {
				s.dump(t)
				t.Errorf("up %v, want %v and %q", ok, tt.up, tt.warning)
			}
		})
	}
}

// responseOf is what somebody who has the secret answers.
func responseOf(t *testing.T, c advice.Challenge, name, secret string) []byte {
	t.Helper()
	m, err := auth.NewClient(c.Method, auth.ClientConfig{Name: name, Secret: auth.NewSecret(secret)})
	if err != nil {
		t.Fatal(err)
	}
	m.Start(epoch)
	n := 5 + len(c.Value)
	m.Receive(epoch, append([]byte{packet.CHAPChallenge, c.ID, 0, byte(n), byte(len(c.Value))}, c.Value...))
	o, _ := m.Next()
	p := o.(auth.Send).Info
	return slices.Clone(p[5 : 5+int(p[4])])
}

// Whoever is slow, fails, panics or knows nothing changes nothing but what a person is told, once.
func TestAdvisersThatAreNoHelp(t *testing.T) {
	every := func(f func(advice.Question) (advice.Answer, error)) answers {
		a := answers{}
		for _, k := range []advice.Kind{advice.KindIdentify, advice.KindCredentials, advice.KindSteps, advice.KindChallenge, advice.KindDecide, advice.KindProve} {
			a[k] = f
		}
		return a
	}
	wrong := func(q advice.Question) (advice.Answer, error) {
		if q.Kind() == advice.KindCredentials {
			return advice.Login{By: "plugin slow", Replace: true, User: "late"}, nil
		}
		return nil, nil
	}
	gone := errors.New("gone")
	for _, tt := range []struct {
		name  string
		a     answers
		delay time.Duration
		most  time.Duration // that the link may be up later than without
		told  string
	}{
		{"no opinion", every(always(nil)), 0, 0, ""},
		{"zero answers", answers{advice.KindIdentify: always(advice.Identified{}), advice.KindDecide: always(advice.Verdict{}), advice.KindProve: always(advice.Proof{})}, 0, 0, ""},
		{"within the budget", every(always(nil)), 10 * time.Millisecond, 400 * time.Millisecond, ""},
		{"beyond the budget", every(wrong), time.Hour, 27 * time.Second, "no answer in time"},
		{"never", every(wrong), -1, 15 * time.Second, "no answer in time"},
		{"fails", every(func(advice.Question) (advice.Answer, error) {
			return nil, &advice.FailedError{By: "plugin bad", Err: gone}
		}), 0, 0, "plugin bad failed"},
		{"panics", every(func(advice.Question) (advice.Answer, error) { panic("oh") }), 0, 0, "it panicked: oh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, without, _ := call{scenario: "behaves"}.run(t).up()
			sim := simulate.World{Adviser: tt.a, Delay: func(advice.Question) time.Duration { return tt.delay }}
			s := call{scenario: "behaves", advised: sim}.run(t)
			_, at, ok := s.up()
			if !ok || at > without+tt.most {
				s.dump(t)
				t.Errorf("up %v after %v, without an adviser after %v", ok, at, without)
			}
			want := min(1, len(tt.told))
			if s.warnings("goes its own way") != want || want > 0 && s.warnings(tt.told) != 1 {
				t.Errorf("told %+v, want %q once", of[event.Notice](s), tt.told)
			}
			if strings.Contains(s.text(t), `"late"`) {
				t.Error("a late answer was followed")
			}
		})
	}
}

// Whoever wants to be asked and has nothing to say changes nothing, on any modem: not the outcome, not a moment. Credentials
// and steps are left out: for those the modem is asked more, which may be slow.
func TestPassingEveryQuestion(t *testing.T) {
	for _, name := range sim.Names(knak.Files) {
		what := func(s told) string {
			_, at, ok := s.up()
			ups := of[event.Up](s)
			return fmt.Sprintf("%s, up %v %d times after %v, ended after %v", s.Outcome.Kind, ok, len(ups), at, s.Elapsed)
		}
		c := call{scenario: name, limit: 90 * time.Second, config: func(c *Config) { c.Once, c.MaxAttempts = false, 1 }}
		alone := what(c.run(t))
		c.advised = simulate.World{Adviser: answers{advice.KindIdentify: always(nil), advice.KindChallenge: always(nil), advice.KindDecide: always(nil), advice.KindProve: always(nil)}}
		if passed := what(c.run(t)); passed != alone {
			t.Errorf("%s: %s; without an adviser %s", name, passed, alone)
		}
	}
}

// Somebody without whom there must be no link ends the dial with exit code 34, at whatever question; a link that is up
// stays up.
func TestRequired(t *testing.T) {
	for _, kind := range []advice.Kind{advice.KindIdentify, advice.KindCredentials, advice.KindSteps, advice.KindChallenge, advice.KindDecide, advice.KindProve} {
		required := answers{kind: func(advice.Question) (advice.Answer, error) {
			return nil, errors.Join(errors.New("another"), &advice.RequiredError{By: "plugin must", Err: advice.ErrTooLate})
		}}
		s := call{scenario: "behaves", advised: simulate.World{Adviser: required}, config: func(c *Config) { c.Persist, c.Once = true, false }}.run(t)
		if _, _, ok := s.up(); ok || s.Outcome.ExitCode() != ExitPlugin || !strings.Contains(s.Outcome.String(), "plugin must is required") || s.Elapsed > 20*time.Second {
			s.dump(t)
			t.Errorf("%s: %v, exit code %d, after %v", kind, s.Outcome, s.Outcome.ExitCode(), s.Elapsed)
		}
		if dialled := s.sent("ATD"); kind == advice.KindIdentify && dialled > 0 {
			t.Errorf("%s: dialled %d times before anybody was asked", kind, dialled)
		}
	}
	dies := decides(packet.IPCP, ppp.PointPeerRequest, nil)
	dies[advice.KindDecide] = func(q advice.Question) (advice.Answer, error) {
		if d := q.(advice.Decide); d.State != "Opened" || d.Protocol != packet.IPCP || d.Point != ppp.PointPeerRequest {
			return nil, nil
		}
		return nil, &advice.RequiredError{By: "plugin must", Err: errors.New("gone")}
	}
	s := call{scenario: "request-when-open", advised: simulate.World{Adviser: dies}, limit: time.Minute, config: hold(func(*Config) {})}.run(t)
	if downs := of[event.Down](s); !s.Late || len(downs) != 1 || downs[0].Seconds < 50 || s.warnings("plugin must failed") != 1 {
		s.dump(t)
		t.Errorf("a link that was up: late %v, %+v", s.Late, downs)
	}
}

// Nothing is asked, and nothing made to be asked, where nobody wants to be: not a goroutine, not an allocation.
func TestNobodyToAskCostsNothing(t *testing.T) {
	s := New(Config{})
	if n := testing.AllocsPerRun(100, func() {
		if !s.AsksNobody() {
			t.Error("somebody wants something")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, r := range (call{scenario: "behaves"}).run(t).Records {
		if d, ok := r.Event.(event.Decision); ok {
			t.Errorf("a decision that nobody asked for: %+v", d)
		}
	}
}
