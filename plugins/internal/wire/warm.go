package wire

import (
	"google.golang.org/protobuf/proto"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// Warm does in advance what the first decision would do once: building protobuf's tables takes some hundred microseconds. A peer
// waits for a decision; nobody waits while a plugin starts.
func Warm() {
	option := packet.Option{Type: 3, Data: []byte{0, 0, 0, 0}}
	q := decideRequest(advice.Decide{Decision: ppp.Decision{
		Protocol: packet.IPCP, Point: ppp.PointNak, Code: packet.ConfigureNak, Options: []packet.Option{option}, Packet: []byte{3, 1, 0, 4},
		Intent: ppp.Verdict{Action: ppp.Request, Options: []packet.Option{option}},
	}}, Known{})
	if text, err := proto.Marshal(q); err == nil {
		_ = proto.Unmarshal(text, &v1.DecideRequest{}) // what matters is that it was done
	}
	a := &v1.DecideResponse{Verdict: q.GetIntent()}
	if text, err := proto.Marshal(a); err == nil {
		_ = proto.Unmarshal(text, &v1.DecideResponse{})
	}
}
