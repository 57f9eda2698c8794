package wire

import (
	"testing"
	"time"

	goproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

type protoreflectMessage = protoreflect.Message

func sizeOf(m goproto.Message) int { return goproto.Size(m) }

// Whatever a plugin sends has a meaning: an answer within the limits, no opinion, or an error.
func FuzzAnswers(f *testing.F) {
	seed := func(m goproto.Message) {
		b, err := goproto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(packet.IPCP))
	}
	seed(&v1.DecideResponse{Verdict: &v1.Verdict{Action: 5, Options: []*v1.Option{{Type: 3, Address: "0.0.0.0"}}, DelayMs: 9}})
	seed(&v1.StepsResponse{Replace: true, Steps: []*v1.Step{{Command: "<hidden 1>", Expect: []string{"OK"}}}, Reason: "x"})
	seed(&v1.ResolveResponse{Apn: "internet", Replace: true, User: "u", Allow: []string{"pap", "x"}})
	seed(&v1.ProveResponse{Targets: []string{"9.9.9.9"}, Trust: "x"})
	seed(&v1.IdentifyResponse{Model: "E398", Settings: []*v1.Setting{{Key: "ipcp.dns", Value: "x", Reason: "y"}}})
	steps := advice.Steps{Steps: []advice.Step{{Command: "AT+SECRET", Sensitive: true}}}
	f.Fuzz(func(t *testing.T, b []byte, protocol uint16) {
		k := Known{By: "plugin x"}
		var decide v1.DecideResponse
		if goproto.Unmarshal(b, &decide) == nil {
			checkVerdict(t, &decide, protocol, k)
		}
		var plan v1.StepsResponse
		if goproto.Unmarshal(b, &plan) == nil {
			if a, err := Plan(&plan, steps, k); err == nil {
				for _, s := range a.(advice.Plan).Steps {
					if !printable(s.Command) || s.Timeout > maxTimeout || s.Command == "AT+SECRET" && !s.Sensitive {
						t.Errorf("step %+v", s)
					}
				}
			}
		}
		var login v1.ResolveResponse
		if goproto.Unmarshal(b, &login) == nil {
			if a, err := Login(&login, k); err == nil {
				if l := a.(advice.Login); len(l.APN) > maxText || len(l.Allow) > 6 {
					t.Errorf("login %+v", l)
				}
			}
		}
		var response v1.RespondResponse
		if goproto.Unmarshal(b, &response) == nil {
			for _, m := range []auth.Method{auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2} {
				if a, err := Response(&response, m, k); err == nil && a != nil && len(a.(advice.Response).Value) == 0 {
					t.Error("a response without a value")
				}
			}
		}
		var proof v1.ProveResponse
		if goproto.Unmarshal(b, &proof) == nil {
			if a, err := Proof(&proof, k); err == nil {
				for _, target := range a.(advice.Proof).Targets {
					if !target.IsValid() {
						t.Error("a target that is none")
					}
				}
			}
		}
		var identified v1.IdentifyResponse
		if goproto.Unmarshal(b, &identified) == nil {
			if a, err := Identified(&identified, k); err == nil {
				for _, s := range a.(advice.Identified).Settings {
					if s.Reason == "" || s.By == "" {
						t.Errorf("setting %+v", s)
					}
				}
			}
		}
	})
}

func checkVerdict(t *testing.T, m *v1.DecideResponse, protocol uint16, k Known) {
	a, err := Verdict(m, protocol, k)
	if err != nil || a == nil {
		if err == nil || a == nil {
			return
		}
		t.Fatal("an answer beside an error")
	}
	v := a.(advice.Verdict)
	if v.Action == ppp.Pass || v.Action > ppp.Transmit || v.Delay < 0 || v.Delay > maxDelay || v.Reason != event.Printable(v.Reason) && len(v.Reason) > 1000 {
		t.Errorf("verdict %+v", v)
	}
	for _, o := range v.Options {
		if len(o.Data) > packet.MaxOptionData {
			t.Errorf("option %+v", o)
		}
	}
}

// What the engine has is always fit for the wire, and comes back as it was.
func FuzzQuestions(f *testing.F) {
	f.Add([]byte{3, 6, 10, 0, 0, 1, 129, 6, 0, 0, 0, 0}, uint16(packet.IPCP), uint8(5), "Req-Sent", int64(time.Second))
	f.Add([]byte{1, 4, 5, 220, 5, 6, 1, 2, 3, 4}, uint16(packet.LCP), uint8(1), "\xff", int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, protocol uint16, n uint8, s string, d int64) {
		options, _ := packet.ParseOptions(nil, b)
		if len(options) > maxList {
			return
		}
		q := advice.Decide{Link: s, Decision: ppp.Decision{
			Protocol: protocol, Point: 1 << (n % 11), Options: options, Packet: b,
			Intent: ppp.Verdict{Action: ppp.Action(n % 10), Options: options, Delay: time.Duration(d), Reason: s},
		}}
		for _, q := range []advice.Question{q, redacted(q)} {
			m := decideRequest(q.(advice.Decide), Known{})
			wire, err := goproto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var back v1.DecideRequest
			if err := goproto.Unmarshal(wire, &back); err != nil {
				t.Fatal(err)
			}
			if pointOf(back.GetPoint()) != 1<<(n%11) {
				t.Errorf("point %v", back.GetPoint())
			}
			for i, o := range back.GetOptions() {
				got, err := optionFrom(protocol, o)
				if err != nil || !got.Equal(q.(advice.Decide).Options[i]) {
					t.Errorf("option %v: %v, %v", o, got, err)
				}
			}
		}
		if _, err := goproto.Marshal(stepsRequest(advice.Steps{Dial: s, Steps: []advice.Step{{Command: s, Expect: []string{s}}}}, n%2 == 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := goproto.Marshal(notifyRequest(event.Record{Link: s, Event: event.Finding{ID: s, Evidence: []string{s}}}, int(n))); err != nil {
			t.Fatal(err)
		}
	})
}
