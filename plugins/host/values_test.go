package host_test

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/plugins/host"
)

// Every question and answer is the same on the other side of the socket, secrets included.
func TestValuesSurvive(t *testing.T) {
	device := advice.Device{Port: "/dev/ttyUSB0", USB: "12d1:1506", Vendor: "huawei", Model: "E398"}
	for _, q := range []advice.Question{
		advice.Identify{Link: "a", Attempt: 2, Device: device},
		advice.Credentials{Link: "a", Home: "262-01", APN: "x", User: "u", APNChosen: true},
		advice.Steps{When: advice.Before, Steps: []advice.Step{{Command: "AT+X", Expect: []string{"OK"}, Timeout: time.Second, Sensitive: true}}},
		advice.Challenge{Method: auth.MSCHAPv2, ID: 255, Value: []byte{0, 1, 255}, Peer: "p"},
		advice.Decide{Link: "a", Generation: 3, Decision: ppp.Decision{ID: 7, Protocol: packet.IPCP, Point: ppp.PointNak, Code: 3,
			Options: []packet.Option{{Type: 3, Data: []byte{10, 0, 0, 1}}}, Packet: []byte{3, 1}, Intent: ppp.Verdict{Action: ppp.Request, Delay: time.Second}}},
		advice.Prove{Local: netip.MustParseAddr("192.0.2.2"), DNS: []netip.Addr{netip.MustParseAddr("198.51.100.53")}, MTU: 1500},
	} {
		body, err := host.MarshalQuestion(q)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := host.UnmarshalQuestion(q.Kind(), body); err != nil || !reflect.DeepEqual(got, q) {
			t.Errorf("%s: %+v, %v", q.Kind(), got, err)
		}
	}
	for _, a := range []advice.Answer{
		advice.Identified{By: "p", Model: "E398", Settings: []advice.Setting{{Key: "a.b", Value: "c", Reason: "d", By: "p"}}},
		advice.Login{By: "p", Replace: true, User: "u", Password: auth.NewSecret("geheim"), Allow: []auth.Method{auth.CHAPMD5}},
		advice.Plan{By: "p", Replace: true},
		advice.Response{By: "p", Value: make([]byte, 16)},
		advice.Verdict{Verdict: ppp.Verdict{Action: ppp.Nak, Options: []packet.Option{{Type: 3, Data: []byte{1, 2, 3, 4}}}, By: "p"}},
		advice.Proof{By: "p", Targets: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
	} {
		body, err := host.MarshalReply(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := host.UnmarshalReply(a.To(), body)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %+v, %v", a.To(), got, err)
		}
		if l, ok := got.(advice.Login); ok && l.Password.Reveal() != "geheim" {
			t.Error("the password has not come through")
		}
	}
	body, err := host.MarshalReply(nil, errors.Join(&advice.FailedError{By: "a", Err: advice.ErrTooLate}, &advice.RequiredError{By: "b", Err: errors.New("gone")}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := host.UnmarshalReply(advice.KindDecide, body)
	var required *advice.RequiredError
	if a != nil || !errors.As(err, &required) || required.By != "b" || !errors.Is(err, advice.ErrTooLate) || len(advice.Failures(err)) != 2 {
		t.Errorf("%v, %v", a, err)
	}
}
