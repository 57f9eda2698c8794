package diagnose

import (
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// What is not looked up means what it means to those who do.
func TestUserRequest(t *testing.T) {
	if m := sentence.Of("", userRequest); len(m.Words) != 1 || !m.Is(event.MeansEndedByUs) {
		t.Errorf("%q means %v", userRequest, m.Words)
	}
}
