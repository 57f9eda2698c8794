package sdktest_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

// once decides the first event at a point, and passes on all others.
type once struct {
	point   sdk.Point
	verdict func(sdk.Event) sdk.Verdict
	done    bool
}

func (p *once) Decisions() []sdk.On {
	return []sdk.On{{Point: p.point, Decide: func(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
		if p.done {
			return sdk.Pass(), nil
		}
		p.done = true
		return p.verdict(e), nil
	}}}
}

// What each verdict makes knak send.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		point   sdk.Point
		verdict func(sdk.Event) sdk.Verdict
		want    string // in pppd's notation, of a packet that is sent
	}{
		{"request", sdk.PointRequest, func(e sdk.Event) sdk.Verdict {
			return sdk.Request(e.Options.With(sdk.Uint32Option(sdk.LCPACCM, 0xa0000))...)
		},
			"LCP ConfReq id=0x1 <asyncmap 0xa0000>"},
		{"ack", sdk.PointPeerRequest, func(sdk.Event) sdk.Verdict { return sdk.Ack() }, "LCP ConfAck"},
		{"reject", sdk.PointPeerRequest, func(e sdk.Event) sdk.Verdict { return sdk.Reject(e.Options[0]) }, "LCP ConfRej"},
		{"send", sdk.PointAuthChallenge, func(e sdk.Event) sdk.Verdict {
			return sdk.Send(append(append([]byte{2, e.Packet[1], 0, 24, 16}, make([]byte, 16)...), "own"...))
		}, `CHAP Response id=0x8f <hidden>, name = \"own\"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &once{point: tt.point, verdict: tt.verdict}
			call := sdktest.Dial(t, sdk.Plugin{Name: "once", Implementation: p})
			sent := slices.ContainsFunc(call.Find("packet"), func(e sdktest.Event) bool {
				return strings.Contains(e.JSON, `"dir":"sent"`) && strings.Contains(e.JSON, `"text":"`+tt.want)
			})
			if !p.done || !sent || !call.Up || len(call.Errors) > 0 {
				t.Errorf("decided: %v, sent: %v, errors %q\n%s", p.done, sent, call.Errors, call)
			}
		})
	}
}

// A verdict that knak does not follow is told to the author.
func TestVerdictThatDoesNotFit(t *testing.T) {
	p := &once{point: sdk.PointPeerRequest, verdict: func(sdk.Event) sdk.Verdict { return sdk.Send([]byte{2, 1, 0, 4}) }}
	call := sdktest.Dial(t, sdk.Plugin{Name: "once", Implementation: p})
	if !call.Up || len(call.Errors) != 1 || !strings.Contains(call.Errors[0], "does not fit") {
		t.Errorf("%q\n%s", call.Errors, call)
	}
}

// The circumstances of a dial are those that were asked for.
func TestCircumstances(t *testing.T) {
	plain := sdk.Plugin{Name: "plain", Implementation: silent{}}
	wrong := sdktest.Set("auth.user=user", "auth.try_blank=false")
	if call := sdktest.Dial(t, plain, sdktest.Scenario("behaves-chap-md5"), wrong, sdktest.Password("not this")); call.Up {
		t.Errorf("up with a wrong password:\n%s", call)
	}
	if call := sdktest.Dial(t, plain, sdktest.Scenario("behaves-chap-md5"), wrong, sdktest.Password("password")); !call.Up {
		t.Errorf("not up with the password:\n%s", call)
	}
	if call := sdktest.Dial(t, plain, sdktest.Scenario("huawei/e398"), sdktest.Profile("huawei/e398")); !call.Up || !strings.Contains(call.Find("device")[0].JSON, `"profile":"huawei/e398"`) {
		t.Errorf("the profile does not count:\n%s", call)
	}
	magic := func(seed uint64) string {
		for _, e := range sdktest.Dial(t, plain, sdktest.Seed(seed)).Find("packet") {
			if _, after, ok := strings.Cut(e.JSON, "<magic "); ok {
				return after[:strings.IndexByte(after, '>')]
			}
		}
		return ""
	}
	if a, again, b := magic(1), magic(1), magic(2); a == "" || a != again || a == b {
		t.Errorf("magic numbers %q, %q, %q", a, again, b)
	}
}
