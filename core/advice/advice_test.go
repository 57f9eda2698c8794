package advice

import (
	"errors"
	"fmt"
	"testing"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

func TestFailures(t *testing.T) {
	gone := errors.New("gone")
	joined := errors.Join(&FailedError{"plugin a", gone}, fmt.Errorf("asking: %w", &RequiredError{"plugin b", ErrTooLate}), gone)
	got := Failures(joined)
	want := []FailedError{{"plugin a", gone}, {"plugin b", ErrTooLate}, {"", gone}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	var required *RequiredError
	if !errors.As(joined, &required) || Failures(nil) != nil {
		t.Error("a required failure is not found, or no failure is one")
	}
}

func TestRedacted(t *testing.T) {
	pap := []byte{1, 1, 0, 14, 2, 'm', 'e', 6, 's', 'e', 'c', 'r', 'e', 't'}
	q := Decide{Decision: ppp.Decision{Protocol: packet.PAP, Packet: pap}}
	r := q.Redacted().(Decide)
	if string(r.Packet[8:]) == "secret" || string(q.Packet[8:]) != "secret" {
		t.Errorf("redacted %q of %q", r.Packet, q.Packet)
	}
	s := Steps{Steps: []Step{{Command: "AT+X=1,geheim", Sensitive: true}, {Command: "AT"}}}
	if r := s.Redacted().(Steps); r.Steps[0].Command != "<hidden>" || r.Steps[1].Command != "AT" || s.Steps[0].Command == "<hidden>" {
		t.Errorf("redacted %v of %v", r.Steps, s.Steps)
	}
	if q := (Challenge{}).Redacted(); q != nil {
		t.Errorf("a challenge without the right to secrets: %v", q)
	}
}

// The zero value of each answer is no opinion.
func TestZeroAnswers(t *testing.T) {
	for _, a := range []Answer{Identified{}, Login{}, Plan{}, Response{}, Verdict{}, Proof{}} {
		if a.Opinion() {
			t.Errorf("%T{} is an opinion", a)
		}
	}
}
