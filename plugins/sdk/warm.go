package sdk

import (
	"google.golang.org/protobuf/proto"

	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// warm does once what the first decision would do for the first time, while the host still starts other plugins.
func warm() {
	option := &v1.Option{Type: 3, Data: []byte{0, 0, 0, 0}}
	verdict := &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{option}}
	q := &v1.DecideRequest{Link: &v1.Link{Name: "x"}, Device: &v1.Device{Port: "x"}, Options: []*v1.Option{option}, Intent: verdict}
	if text, err := proto.Marshal(q); err == nil {
		_ = proto.Unmarshal(text, &v1.DecideRequest{}) // what matters is that it was done
	}
	if text, err := proto.Marshal(&v1.DecideResponse{Verdict: verdict}); err == nil {
		_ = proto.Unmarshal(text, &v1.DecideResponse{})
	}
}
