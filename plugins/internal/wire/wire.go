// Package wire is the host's end of the plugin protocol: it turns the questions of core/advice into messages, and the replies into
// answers. It can read anything that a plugin may send: it ignores unknown fields, and reports a value that makes no sense as a
// *BadAnswerError beside no answer.
package wire

import (
	"context"
	"errors"
	"fmt"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/knakppp/knak/plugins/proto"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// Handshake is go-plugin's handshake.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{ProtocolVersion: proto.Major, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue}
}

// Sets holds the major versions that a host offers: there is one. Dispense(proto.Name) gives a *Client.
func Sets() map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{proto.Major: {proto.Name: clientEnd{}}}
}

type clientEnd struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (clientEnd) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this is the host's end")
}

func (clientEnd) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}

// DialOptions bound the messages of a connection to a plugin, and refuse a call of the protocol that has no deadline.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithStaticStreamWindowSize(proto.Window), grpc.WithStaticConnWindowSize(proto.Window),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(proto.MaxMessage), grpc.MaxCallSendMsgSize(proto.MaxMessage)),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if _, ok := ctx.Deadline(); !ok && isOurs(method) {
				return status.Errorf(codes.FailedPrecondition, "%s without a deadline", method)
			}
			return invoke(ctx, method, req, reply, conn, opts...)
		}),
	}
}

func isOurs(method string) bool {
	const prefix = "/knak.plugin."
	return len(method) > len(prefix) && method[:len(prefix)] == prefix
}

// Client is a running plugin. It is safe for concurrent use.
type Client struct {
	base        v1.BaseClient
	identifier  v1.IdentifierClient
	credentials v1.CredentialsClient
	dial        v1.DialClient
	negotiator  v1.NegotiatorClient
	prover      v1.ProverClient
	observer    v1.ObserverClient
	commander   v1.CommanderClient
}

// NewClient makes the client for a connection with an agreed major version.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{
		base: v1.NewBaseClient(conn), identifier: v1.NewIdentifierClient(conn), credentials: v1.NewCredentialsClient(conn),
		dial: v1.NewDialClient(conn), negotiator: v1.NewNegotiatorClient(conn), prover: v1.NewProverClient(conn),
		observer: v1.NewObserverClient(conn), commander: v1.NewCommanderClient(conn),
	}
}

// ErrGone says that the plugin's process or its connection has ended.
var ErrGone = errors.New("the plugin has ended")

// BadAnswerError says that a plugin's answer makes no sense and was dropped.
type BadAnswerError struct {
	Call string // for example "Decide"
	Text string
}

func (e *BadAnswerError) Error() string { return "bad answer to " + e.Call + ": " + e.Text }

// rpcError makes an error of what gRPC says. nil with ok false: a plugin of another minor does not know the call, and has
// no opinion.
func rpcError(err error) (ok bool, _ error) {
	if err == nil {
		return true, nil
	}
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unimplemented:
		return false, nil
	case codes.Unavailable:
		return false, fmt.Errorf("%w: %s", ErrGone, clip(s.Message()))
	case codes.Canceled:
		return false, context.Canceled
	case codes.DeadlineExceeded:
		return false, context.DeadlineExceeded
	}
	return false, errors.New(clip(s.Message()))
}
