package diagnose

import (
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// A link that is running is judged as its recording is (peers B5): what the peer says in its Terminate-Request counts, though no
// record of a live link has a place.
func TestLiveMPPE(t *testing.T) {
	w := New()
	for _, e := range tell(authenticated("user"), askAddress,
		pkt(rcvdDir, packet.CCP, packet.ConfigureRequest, []byte{18, 6, 0, 0, 0, 0x40}),
		pkt(event.Sent, packet.LCP, packet.ProtocolReject, []byte{0x80, 0xfd, 1, 1, 0, 10, 18, 6, 0, 0, 0, 0x40}),
		pkt(rcvdDir, packet.LCP, packet.TerminateRequest, []byte("MPPE required but peer refused")),
		failure(event.PhaseIPCP, event.FailedTerminated, "MPPE required but peer refused")) {
		w.Record(event.Record{Event: e})
	}
	if f, ok := w.Finding(); !ok || f.ID != "mppe-required" || f.Confidence != certain.String() {
		t.Errorf("%+v", w.Findings())
	}
}
