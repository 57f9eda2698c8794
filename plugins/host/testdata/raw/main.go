// Command raw is plugins for the tests of package host that are not made with the SDK of this version: how it behaves is the
// name of its file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/knakppp/knak/plugins/proto"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "knak-plugin-")
	switch name {
	case "prints": // its author forgot what standard output is for
		fmt.Println("Hello, I am a plugin")
		time.Sleep(time.Hour)
	case "version7":
		fmt.Println("1|7|unix|/nowhere|grpc")
		time.Sleep(time.Hour)
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:9|grpc")
		time.Sleep(time.Hour)
	case "notls":
		_ = os.Unsetenv("PLUGIN_CLIENT_CERT")
	}
	e := &end{name: name}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{1: {proto.Name: e}}, GRPCServer: goplugin.DefaultGRPCServer,
	})
}

type end struct {
	goplugin.NetRPCUnsupportedPlugin
	name string
}

func (e *end) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	v1.RegisterBaseServer(s, &base{name: e.name})
	v1.RegisterNegotiatorServer(s, &negotiator{name: e.name})
	return nil
}

func (e *end) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is the plugin's end")
}

type base struct {
	v1.UnimplementedBaseServer
	name string
}

func (b *base) Describe(context.Context, *v1.DescribeRequest) (*v1.DescribeResponse, error) {
	d := &v1.DescribeResponse{Name: b.name, Version: "2.0", Capabilities: []string{"decide"}}
	if b.name == "newer" {
		d.Capabilities = append(d.Capabilities, "teleport")
		d.Subscriptions = []*v1.Subscription{{Points: []v1.Point{v1.Point_POINT_OPENED, 77}}}
		d.ProtoReflect().SetUnknown([]byte{0xa2, 0x06, 3, 'n', 'e', 'w'}) // field 100, of a later minor
	}
	return d, nil
}

func (b *base) Configure(context.Context, *v1.ConfigureRequest) (*v1.ConfigureResponse, error) {
	return &v1.ConfigureResponse{}, nil
}

type negotiator struct {
	v1.UnimplementedNegotiatorServer
	name string
}

func (n *negotiator) Decide(_ context.Context, q *v1.DecideRequest) (*v1.DecideResponse, error) {
	if n.name == "unknown" {
		return &v1.DecideResponse{Verdict: &v1.Verdict{Action: 99}}, nil
	}
	return &v1.DecideResponse{}, nil
}
