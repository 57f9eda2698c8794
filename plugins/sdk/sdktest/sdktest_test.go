package sdktest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

// everything takes part in all there is, and remembers what it was asked.
type everything struct {
	config struct {
		User   string        `json:"user" required:"true"`
		Secret string        `json:"secret"`
		Wait   time.Duration `json:"wait"`
	}
	grants []sdk.Grant
	asked  []string
	told   []string
	fail   bool
}

func (p *everything) Config() any { return &p.config }

func (p *everything) Configure(_ context.Context, grants []sdk.Grant) error {
	p.grants = grants
	if p.config.Wait > time.Minute {
		return &sdk.KeyError{Key: "wait", Err: errors.New("a minute is the most")}
	}
	return nil
}

func (p *everything) Identify(_ context.Context, q sdk.Identify) (sdk.Identified, error) {
	p.asked = append(p.asked, "identify "+q.Device.Model)
	return sdk.Identified{Settings: []sdk.Setting{
		{Key: "ipcp.request", Value: "address,dns1", Reason: "one is enough"},
		{Key: "no.such", Value: "x", Reason: "nor is there a reason"},
	}}, nil
}

func (p *everything) Credentials(_ context.Context, q sdk.Credentials) (sdk.Login, error) {
	p.asked = append(p.asked, "credentials")
	return sdk.Login{APN: "private.example", Replace: true, User: p.config.User, Allow: []string{"chap-md5"}}, nil
}

func (p *everything) Challenge(_ context.Context, q sdk.Challenge) (sdk.Response, error) {
	p.asked = append(p.asked, "challenge "+q.Method+" by "+q.Peer+" to "+q.User)
	return sdk.MD5Response(q, p.config.Secret), nil
}

func (p *everything) Steps(_ context.Context, q sdk.Steps) (sdk.Plan, error) {
	p.asked = append(p.asked, "steps "+string(q.When))
	if q.When == sdk.After || !q.Commands {
		return sdk.Plan{}, nil
	}
	return sdk.Plan{Steps: []sdk.Step{{Command: "AT+CSQ", Expect: []string{"+CSQ", "OK"}}}, Reason: "to see the signal"}, nil
}

func (p *everything) Decisions() []sdk.On {
	return []sdk.On{{Protocol: sdk.LCP, Point: sdk.PointRequest, Decide: func(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
		if p.fail {
			panic("no")
		}
		return sdk.Request(e.Options.With(sdk.Uint16Option(sdk.LCPMRU, 1400)).Without(sdk.LCPPFC)...), nil
	}}}
}

func (p *everything) Prove(_ context.Context, q sdk.Prove) (sdk.Proof, error) {
	p.asked = append(p.asked, "prove "+q.Local.String())
	return sdk.Proof{Trust: "it always works"}, nil
}

func (p *everything) Events() []string { return []string{"phase", "up", "down", "decision"} }

func (p *everything) Notify(_ context.Context, n sdk.Notice) error {
	switch e := n.Event.(type) {
	case sdk.Phase:
		p.told = append(p.told, e.Phase)
	case sdk.Up:
		p.told = append(p.told, "up "+e.Local)
	case sdk.Down:
		p.told = append(p.told, "down "+e.Reason)
	case nil:
		p.told = append(p.told, n.Kind)
	}
	return nil
}

func (p *everything) served() sdk.Plugin {
	return sdk.Plugin{Name: "everything", Version: "1", Implementation: p}
}

func TestEverything(t *testing.T) {
	p := &everything{}
	call := sdktest.Dial(t, p.served(), sdktest.Scenario("behaves-chap-md5"), sdktest.Grants(sdk.GrantSecrets), sdktest.Hold(time.Minute),
		sdktest.Config(map[string]any{"user": "user", "secret": "password", "wait": "3s"}))
	if !call.Up || len(call.DNS) != 1 {
		t.Fatal(call)
	}
	if p.config.Wait != 3*time.Second || !slices.Equal(p.grants, []sdk.Grant{sdk.GrantSecrets}) {
		t.Errorf("configured %+v %v", p.config, p.grants)
	}
	for _, want := range []string{"identify ", "credentials", "steps before", "challenge chap-md5 by ", "prove 192.0.2.2"} {
		if !slices.ContainsFunc(p.asked, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("it was not asked %q: %q", want, p.asked)
		}
	}
	if !slices.ContainsFunc(p.asked, func(s string) bool { return strings.HasSuffix(s, " to user") }) {
		t.Errorf("the challenge is not for its own user: %q", p.asked)
	}
	if !slices.Contains(p.told, "up "+call.Local) || !slices.Contains(p.told, "lcp") || !slices.Contains(p.told, "decision") {
		t.Errorf("it was told %q", p.told)
	}
	if len(call.Errors) != 1 || !strings.Contains(call.Errors[0], "no.such") {
		t.Errorf("%q", call.Errors)
	}
	said := func(kind string, texts ...string) bool {
		return slices.ContainsFunc(call.Find(kind), func(e sdktest.Event) bool {
			return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(e.JSON, s) })
		})
	}
	ours := []string{`"dir":"sent"`, `"proto":"lcp"`, `"code":"ConfReq"`}
	if !said("at", "AT+CSQ") || !said("packet", append(ours, "mru 1400")...) || said("packet", append(ours, "pcomp")...) {
		t.Errorf("%s", call)
	}
}

// A plugin that fails leaves the call as it was without it.
func TestFails(t *testing.T) {
	p := &everything{fail: true}
	call := sdktest.Dial(t, p.served(), sdktest.Config(map[string]any{"user": "guest"}))
	if !call.Up || !slices.ContainsFunc(call.Errors, func(s string) bool { return strings.Contains(s, "panic in /knak.plugin.v1.Negotiator/Decide: no") }) {
		t.Errorf("%q %s", call.Errors, call)
	}
	if slices.ContainsFunc(p.asked, func(s string) bool { return strings.HasPrefix(s, "challenge") }) {
		t.Error("it was asked a challenge without the grant")
	}
}

func TestConfigure(t *testing.T) {
	for _, tt := range []struct {
		config any
		want   []string
	}{
		{map[string]any{"user": "me"}, nil},
		{map[string]any{}, []string{"user: this key is required"}},
		{map[string]any{"user": "me", "wait": "2m"}, []string{"wait: a minute is the most"}},
		{map[string]any{"user": "me", "hots": 1}, []string{"hots: there is no such key; the keys are user, secret, wait"}},
	} {
		if got := sdktest.Configure(t, (&everything{}).served(), tt.config); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.config, got, tt.want)
		}
	}
	plain := sdk.Plugin{Name: "plain", Implementation: e398{}}
	if got := sdktest.Configure(t, plain, map[string]any{"x": 1}); len(got) != 1 || !strings.Contains(got[0], "takes no configuration") {
		t.Errorf("%q", got)
	}
}

// refusing stands for the test whose plugin is wrong.
type refusing struct {
	testing.TB
	said string
}

func (r *refusing) Fatal(args ...any) { r.said = args[0].(error).Error(); panic(r) }

func TestAuthorsMistakes(t *testing.T) {
	for _, tt := range []struct {
		plugin sdk.Plugin
		want   string
	}{
		{sdk.Plugin{Name: "X Y", Implementation: e398{}}, "lower-case letters"},
		{sdk.Plugin{Name: "x", Implementation: struct{}{}}, "implements none of"},
		{sdk.Plugin{Name: "x"}, "implements none of"},
		{sdk.Plugin{Name: "x", Implementation: undecided{}}, "has no function"},
		{sdk.Plugin{Name: "x", Implementation: unconfigured{}}, "pointer to a struct"},
		{sdk.Plugin{Name: "x", Implementation: half{}}, "sdktest_test.half has a method Config but is not a Configurer, which needs Config() interface {} and Configure(context.Context, []sdk.Grant) error"},
		{sdk.Plugin{Name: "x", Implementation: deaf{}}, "has a method Notify but is not a Observer, which needs Notify(context.Context, sdk.Notice) error"},
		{sdk.Plugin{Name: "x", Implementation: accounts{}}, "is not a Configurer, but a pointer to it is"},
	} {
		r := &refusing{TB: t}
		func() {
			defer func() { _ = recover() }()
			sdktest.Dial(r, tt.plugin)
		}()
		if !strings.Contains(r.said, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.plugin, r.said, tt.want)
		}
	}
}

type undecided struct{}

func (undecided) Decisions() []sdk.On { return []sdk.On{{}} }

// half has forgotten Configure, and deaf an argument.
type (
	half struct{ e398 }
	deaf struct{ e398 }
)

func (half) Config() any             { return nil }
func (deaf) Notify(sdk.Notice) error { return nil }

type unconfigured struct{ e398 }

func (unconfigured) Config() any                                  { return 3 }
func (unconfigured) Configure(context.Context, []sdk.Grant) error { return nil }
