package call

import (
	"testing"

	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// A peer whose first request waits in the port before anybody dials (a port that carries PPP at once, --number ”): the
// recording holds it before the phase dial, and it belongs to the call (peers B2).
func TestPeerThatAsksBeforeTheDial(t *testing.T) {
	pkt := func(dir event.Dir, code, id uint8) event.Event {
		return event.Packet{Dir: dir, Protocol: packet.LCP, Data: packet.Packet{Code: code, ID: id}.AppendTo(nil)}
	}
	early := []event.Event{
		pkt(event.Rcvd, packet.ConfigureRequest, 1), event.Phase{Phase: event.PhaseDial}, event.Phase{Phase: event.PhaseLCP},
		pkt(event.Sent, packet.ConfigureRequest, 1), pkt(event.Sent, packet.ConfigureAck, 1), pkt(event.Rcvd, packet.ConfigureAck, 1),
	}
	again := append(early[:len(early):len(early)], event.Phase{Phase: event.PhaseDial}, event.Phase{Phase: event.PhaseLCP},
		pkt(event.Sent, packet.ConfigureRequest, 2))
	for _, c := range []struct {
		name   string
		events []event.Event
		calls  int
	}{{"early", early, 1}, {"and dialled again", again, 2}} {
		var split Splitter
		var linter lint.Linter
		calls := 1
		for _, e := range c.events {
			r := event.Record{Event: e}
			if _, begins := split.Begins(r); begins {
				calls++
			}
			for _, f := range linter.Check(r) {
				t.Errorf("%s: %s: %s", c.name, f.ID, f.Text)
			}
		}
		if calls != c.calls {
			t.Errorf("%s: %d calls", c.name, calls)
		}
	}
}
