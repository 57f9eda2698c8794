package wire

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/knakppp/knak/plugins/proto"
	v0 "github.com/knakppp/knak/plugins/proto/knak/plugin/v0"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// The calls of the major before this one, as calls of this one. Its only capability was to decide, on everything.

type previousBase struct{ v0.BaseClient }

func (b previousBase) Describe(ctx context.Context, _ *v1.DescribeRequest, opts ...grpc.CallOption) (*v1.DescribeResponse, error) {
	r, err := b.BaseClient.Describe(ctx, &v0.DescribeRequest{}, opts...)
	if err != nil {
		return nil, err
	}
	return &v1.DescribeResponse{Name: r.GetName(), Version: r.GetVersion(), Capabilities: []string{proto.Decide}}, nil
}

func (b previousBase) Configure(ctx context.Context, in *v1.ConfigureRequest, opts ...grpc.CallOption) (*v1.ConfigureResponse, error) {
	r, err := b.BaseClient.Configure(ctx, &v0.ConfigureRequest{ConfigJson: in.GetConfigJson()}, opts...)
	if err != nil {
		return nil, err
	}
	if r.GetError() == "" {
		return &v1.ConfigureResponse{}, nil
	}
	return &v1.ConfigureResponse{Problems: []*v1.Problem{{Text: r.GetError()}}}, nil
}

func (previousBase) Health(context.Context, *v1.HealthRequest, ...grpc.CallOption) (*v1.HealthResponse, error) {
	return nil, status.Error(codes.Unimplemented, "not in version 0")
}

func (previousBase) Shutdown(context.Context, *v1.ShutdownRequest, ...grpc.CallOption) (*v1.ShutdownResponse, error) {
	return nil, status.Error(codes.Unimplemented, "not in version 0")
}

type previousNegotiator struct{ v0.NegotiatorClient }

func (n previousNegotiator) Decide(ctx context.Context, in *v1.DecideRequest, opts ...grpc.CallOption) (*v1.DecideResponse, error) {
	intent := in.GetIntent()
	r, err := n.NegotiatorClient.Decide(ctx, &v0.DecideRequest{
		Protocol: in.GetProtocol(), Point: pointOf(in.GetPoint()).String(), Options: previousOptions(in.GetOptions()), Packet: in.GetPacket(),
		Intent: &v0.Verdict{
			Action: actionOf(intent.GetAction()).String(), Options: previousOptions(intent.GetOptions()), Packet: intent.GetPacket(),
			DelayMs: intent.GetDelayMs(), Reason: intent.GetReason(),
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	v := r.GetVerdict()
	out := &v1.Verdict{Packet: v.GetPacket(), DelayMs: v.GetDelayMs(), Reason: v.GetReason()}
	for i, a := range actions {
		if a.String() == v.GetAction() {
			out.Action = v1.Action(i)
		}
	}
	for _, o := range v.GetOptions() {
		out.Options = append(out.Options, &v1.Option{Type: o.GetType(), Data: o.GetData()})
	}
	return &v1.DecideResponse{Verdict: out}, nil
}

func previousOptions(options []*v1.Option) []*v0.Option {
	list := make([]*v0.Option, 0, len(options))
	for _, o := range options {
		list = append(list, &v0.Option{Type: o.GetType(), Data: o.GetData()})
	}
	return list
}
