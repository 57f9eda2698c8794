package learn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

func ipcpHangup() Failure {
	return Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseIPCP, Provisional: true}
}

// A variation after which the next attempt comes further is kept; one that changes nothing is dropped.
func TestWhatLeadsFurtherIsKept(t *testing.T) {
	var a Adapter
	what, _, ok := a.Next(Failure{Kind: event.FailedRegistrationDenied, Phase: event.PhaseDial})
	if !ok || !strings.Contains(what, "not registered") || fmt.Sprint(a.Settings()) != "[registration.require=false]" {
		t.Fatalf("%q %v", what, a.Settings())
	}
	if _, _, ok := a.Next(ipcpHangup()); !ok { // it got as far as IPCP
		t.Fatal("nothing more to try")
	}
	first := a.Settings()
	if len(first) < 2 || first[0].Key != "registration.require" {
		t.Fatalf("a step was lost: %v", first)
	}
	if _, _, ok := a.Next(ipcpHangup()); !ok {
		t.Fatal("nothing more to try")
	}
	second := a.Settings()
	if second[0].Key != "registration.require" || fmt.Sprint(second[1:]) == fmt.Sprint(first[1:]) {
		t.Errorf("what did not help is still there: %v, then %v", first, second)
	}
	worked := a.Worked("")
	if fmt.Sprint(worked) != fmt.Sprint(second) || worked[0].Reason == "" {
		t.Errorf("worked with %v, learned %v", second, worked)
	}
}

func TestWhatIsNeverVaried(t *testing.T) {
	for _, kind := range []string{event.FailedAuthRejected, event.FailedPINNeeded, event.FailedPINWrong, event.FailedPUKNeeded, event.FailedNoSIM, event.FailedPortLocked} {
		var a Adapter
		if what, _, ok := a.Next(Failure{Kind: kind, Phase: event.PhaseDial}); ok {
			t.Errorf("%s: %s", kind, what)
		}
	}
	a := Adapter{Chosen: func(key string) bool { return strings.HasPrefix(key, "registration.") }}
	if what, _, ok := a.Next(Failure{Kind: event.FailedRegistrationDenied, Phase: event.PhaseDial}); ok {
		t.Errorf("a person's choice: %s", what)
	}
	for _, f := range []Failure{{Kind: event.FailedATError, Phase: event.PhaseDial, Command: "AT+CPIN=<hidden>"}, {Kind: event.FailedModemSilent, Phase: event.PhaseDial, Command: "ATD*99#"}} {
		for _, v := range candidates(f, nil) {
			if strings.Contains(v.id, "at.never+=AT+CPIN") || strings.Contains(v.id, "at.never+=ATD") {
				t.Errorf("after %s: %s", f.Command, v.id)
			}
		}
	}
}

// Each variation is tried once, and no more than the limit of them.
func TestLimit(t *testing.T) {
	a := Adapter{Limit: 3}
	seen := map[string]bool{}
	n := 0
	for ; n < 20; n++ {
		what, _, ok := a.Next(Failure{Kind: event.FailedTerminated, Phase: event.PhaseIPCP, Provisional: true, Method: "pap"})
		if !ok {
			break
		}
		if seen[what] {
			t.Errorf("%s twice", what)
		}
		seen[what] = true
	}
	if n != 3 || len(a.Settings()) != 0 {
		t.Errorf("%d variations, at the end %v", n, a.Settings())
	}
}

// The command that hung is left out by its name, without what stands behind it.
func TestACommandIsLeftOut(t *testing.T) {
	var a Adapter
	if _, _, ok := a.Next(Failure{Kind: event.FailedModemSilent, Phase: event.PhaseDial, Command: "AT+CGDCONT=1,\"IP\",\"internet\""}); !ok || a.Settings()[1].String() != "at.never+=AT+CGDCONT" {
		t.Errorf("%v", a.Settings())
	}
}

// A dial that may have failed by chance is made again once nothing is left to vary, a few times.
func TestWhatMayBeChanceIsRepeated(t *testing.T) {
	a := Adapter{Limit: 1}
	n := 0
	for ; n < 20; n++ {
		if _, _, ok := a.Next(Failure{Kind: event.FailedDialRefused, Phase: event.PhaseDial}); !ok {
			break
		}
	}
	if n != 1+maxRepeats {
		t.Errorf("%d attempts more", n)
	}
}

// What was learned is dropped where it fails, and kept where the failure is none of its business.
func TestWhatWasLearnedIsKeptBesideOtherFailures(t *testing.T) {
	var a Adapter
	a.Start([]Setting{{Key: "auth.user", Value: "", Reason: "r"}})
	if _, _, ok := a.Next(Failure{Kind: event.FailedNotRegistered, Phase: event.PhaseDial}); !ok || len(a.Settings()) != 2 || a.Settings()[0].Key != "auth.user" {
		t.Errorf("%v", a.Settings())
	}
	if what, _, ok := a.Next(ipcpHangup()); !ok || !strings.Contains(what, "may no longer be true") || len(a.Settings()) != 0 {
		t.Errorf("%s: %v", what, a.Settings())
	}
}

// A link that is lost after it has held for long is no reason to vary anything, and an Echo-Request that came before the loss is
// one only where none was ever answered.
func TestALinkThatHeldIsNotVaried(t *testing.T) {
	begin := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	lost := func(up time.Duration, answered bool) Failure {
		var o Observer
		o.Record(event.Record{Time: begin, Event: event.Up{}})
		end := begin.Add(up)
		request, reply := []byte{packet.EchoRequest, 1, 0, 8, 0, 0, 0, 0}, []byte{packet.EchoReply, 1, 0, 8, 0, 0, 0, 0}
		if answered {
			o.Record(event.Record{Time: end.Add(-31 * time.Second), Event: event.Packet{Dir: event.Sent, Protocol: packet.LCP, Data: request}})
			o.Record(event.Record{Time: end.Add(-31 * time.Second), Event: event.Packet{Dir: event.Rcvd, Protocol: packet.LCP, Data: reply}})
		}
		o.Record(event.Record{Time: end.Add(-time.Second), Event: event.Packet{Dir: event.Sent, Protocol: packet.LCP, Data: request}})
		return o.Complete(end, Failure{Kind: event.FailedCarrierLost, Phase: event.PhaseUp, Up: up})
	}
	for _, tt := range []struct {
		up       time.Duration
		answered bool
		want     bool
	}{{31 * time.Second, false, true}, {2 * time.Minute, false, true}, {24 * time.Hour, true, false}, {40 * time.Second, true, true}} {
		var a Adapter
		if what, _, ok := a.Next(lost(tt.up, tt.answered)); ok != tt.want {
			t.Errorf("up for %v, echo answered %v: %v %s", tt.up, tt.answered, ok, what)
		}
	}
}
