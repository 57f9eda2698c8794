package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/knakppp/knak/plugins/proto"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
	"github.com/knakppp/knak/plugins/sdk/internal/bridge"
)

func init() {
	bridge.Register = func(p any, s grpc.ServiceRegistrar) error { return register(p.(Plugin), s) }
	bridge.ServerOptions = serverOptions
}

// server serves a plugin. Each service has a type of its own, for they share names of methods.
type server struct {
	plugin    Plugin
	decisions []On
	describe  *v1.DescribeResponse
}

// newServer finds out which interfaces the plugin implements. Its errors are mistakes of the author.
func newServer(p Plugin) (*server, error) {
	if !validName(p.Name) {
		return nil, fmt.Errorf("the plugin's name %q must be lower-case letters, digits and \"-\"", p.Name)
	}
	s := &server{plugin: p}
	d := &v1.DescribeResponse{
		Name: p.Name, Version: text(p.Version), About: text(p.About), Sdk: "knak-sdk-go " + Version, ConfigSchema: p.Schema,
	}
	for _, g := range p.Grants {
		d.WantsGrants = append(d.WantsGrants, string(g))
	}
	if err := halfImplemented(p.Implementation); err != nil {
		return nil, err
	}
	add := func(capability string, is bool) {
		if is {
			d.Capabilities = append(d.Capabilities, capability)
		}
	}
	_, is := p.Implementation.(Identifier)
	add(proto.Identify, is)
	_, is = p.Implementation.(CredentialResolver)
	add(proto.Credentials, is)
	_, is = p.Implementation.(Challenger)
	add(proto.Challenge, is)
	_, is = p.Implementation.(DialHook)
	add(proto.Steps, is)
	if n, is := p.Implementation.(Negotiator); is {
		s.decisions = n.Decisions()
		add(proto.Decide, len(s.decisions) > 0)
		for i, on := range s.decisions {
			if on.Decide == nil {
				return nil, fmt.Errorf("entry %d of Decisions has no function", i)
			}
			m := &v1.Subscription{Protocol: uint32(on.Protocol)}
			if on.Point != 0 {
				m.Points = []v1.Point{v1.Point(on.Point)}
			}
			d.Subscriptions = append(d.Subscriptions, m)
		}
	}
	_, is = p.Implementation.(Prover)
	add(proto.Prove, is)
	_, is = p.Implementation.(Observer)
	add(proto.Observe, is)
	if e, ok := p.Implementation.(EventSelector); ok && is {
		d.Events = e.Events()
	}
	_, is = p.Implementation.(Commander)
	add(proto.Command, is)
	if len(d.Capabilities) == 0 {
		return nil, fmt.Errorf("%T implements none of Identifier, CredentialResolver, Challenger, DialHook, Negotiator, Prover, Observer and Commander", p.Implementation)
	}
	if c, ok := p.Implementation.(Configurer); ok && d.ConfigSchema == "" {
		schema, err := schemaOf(c.Config())
		if err != nil {
			return nil, err
		}
		d.ConfigSchema = schema
	}
	s.describe = d
	return s, nil
}

// optional are the interfaces that an implementation may have.
var optional = []reflect.Type{
	reflect.TypeFor[Identifier](), reflect.TypeFor[CredentialResolver](), reflect.TypeFor[Challenger](), reflect.TypeFor[DialHook](),
	reflect.TypeFor[Negotiator](), reflect.TypeFor[Prover](), reflect.TypeFor[Observer](), reflect.TypeFor[Commander](),
	reflect.TypeFor[Configurer](), reflect.TypeFor[EventSelector](),
}

// halfImplemented gives an error where a method has the name of one of ours but its interface is not implemented: otherwise a
// wrong argument, or a method that was forgotten, would silently leave a capability out.
func halfImplemented(implementation any) error {
	t := reflect.TypeOf(implementation)
	if t == nil {
		return nil
	}
	pointer := reflect.PointerTo(t)
	for _, want := range optional {
		switch {
		case t.Implements(want):
			continue
		case pointer.Implements(want):
			return fmt.Errorf("%T is not a %s, but a pointer to it is: give that as Implementation", implementation, want.Name())
		}
		for i := range want.NumMethod() {
			method := want.Method(i)
			if _, has := t.MethodByName(method.Name); !has {
				continue
			}
			var all []string
			for j := range want.NumMethod() {
				all = append(all, want.Method(j).Name+strings.TrimPrefix(want.Method(j).Type.String(), "func"))
			}
			return fmt.Errorf("%T has a method %s but is not a %s, which needs %s", implementation, method.Name, want.Name(), strings.Join(all, " and "))
		}
	}
	return nil
}

func validName(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// register registers what the plugin implements.
func register(p Plugin, to grpc.ServiceRegistrar) error {
	s, err := newServer(p)
	if err != nil {
		return err
	}
	v1.RegisterBaseServer(to, baseServer{server: s})
	can := func(capability string) bool { return slices.Contains(s.describe.GetCapabilities(), capability) }
	if can(proto.Identify) {
		v1.RegisterIdentifierServer(to, identifierServer{does: p.Implementation.(Identifier)})
	}
	if can(proto.Credentials) || can(proto.Challenge) {
		v1.RegisterCredentialsServer(to, credentialsServer{does: p.Implementation})
	}
	if can(proto.Steps) {
		v1.RegisterDialServer(to, dialServer{does: p.Implementation.(DialHook)})
	}
	if can(proto.Decide) {
		v1.RegisterNegotiatorServer(to, negotiatorServer{decisions: s.decisions})
	}
	if can(proto.Prove) {
		v1.RegisterProverServer(to, proverServer{does: p.Implementation.(Prover)})
	}
	if can(proto.Observe) {
		v1.RegisterObserverServer(to, observerServer{does: p.Implementation.(Observer)})
	}
	if can(proto.Command) {
		v1.RegisterCommanderServer(to, commanderServer{does: p.Implementation.(Commander)})
	}
	return nil
}

// serverOptions bound messages, and make an error of a panic.
func serverOptions(plugin any) []grpc.ServerOption {
	name := plugin.(Plugin).Name
	return []grpc.ServerOption{
		grpc.StaticStreamWindowSize(proto.Window), grpc.StaticConnWindowSize(proto.Window),
		grpc.MaxRecvMsgSize(proto.MaxMessage), grpc.MaxSendMsgSize(proto.MaxMessage),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (_ any, err error) {
			defer recovered(name, info.FullMethod, &err)
			return handle(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
			defer recovered(name, info.FullMethod, &err)
			return handle(srv, stream)
		}),
	}
}

func recovered(name, method string, err *error) {
	if r := recover(); r != nil {
		slog.Error("panic", "plugin", name, "call", method, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "panic in %s: %v", method, r)
	}
}

// failed makes what the author's function returned into what the host gets: the error's text, or the context's end.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text(err.Error()))
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text(err.Error()))
	}
	return status.Error(codes.Unknown, text(err.Error()))
}

type baseServer struct {
	v1.UnimplementedBaseServer
	*server
}

func (s baseServer) Describe(context.Context, *v1.DescribeRequest) (*v1.DescribeResponse, error) {
	return s.describe, nil
}

func (s baseServer) Configure(ctx context.Context, q *v1.ConfigureRequest) (*v1.ConfigureResponse, error) {
	c, ok := s.plugin.Implementation.(Configurer)
	if !ok {
		if q.GetConfigJson() != "" && q.GetConfigJson() != "{}" {
			return problem(errors.New("this plugin takes no configuration")), nil
		}
		return &v1.ConfigureResponse{}, nil
	}
	if err := decode(q.GetConfigJson(), c.Config()); err != nil {
		return problem(err), nil
	}
	var grants []Grant
	for _, g := range q.GetGrants() {
		grants = append(grants, Grant(g))
	}
	if err := c.Configure(ctx, grants); err != nil {
		return problem(err), nil
	}
	return &v1.ConfigureResponse{}, nil
}

func problem(err error) *v1.ConfigureResponse {
	m := &v1.Problem{Text: text(err.Error())}
	if e := (*KeyError)(nil); errors.As(err, &e) {
		m.Key, m.Text = text(e.Key), text(e.Err.Error())
	}
	return &v1.ConfigureResponse{Problems: []*v1.Problem{m}}
}

func (s baseServer) Health(ctx context.Context, _ *v1.HealthRequest) (*v1.HealthResponse, error) {
	h, ok := s.plugin.Implementation.(HealthChecker)
	if !ok {
		return &v1.HealthResponse{}, nil
	}
	if err := h.Health(ctx); err != nil {
		return &v1.HealthResponse{Trouble: text(err.Error())}, nil
	}
	return &v1.HealthResponse{}, nil
}

func (s baseServer) Shutdown(context.Context, *v1.ShutdownRequest) (*v1.ShutdownResponse, error) {
	if c, ok := s.plugin.Implementation.(Closer); ok {
		return &v1.ShutdownResponse{}, failed(c.Close())
	}
	return &v1.ShutdownResponse{}, nil
}

type identifierServer struct {
	v1.UnimplementedIdentifierServer
	does Identifier
}

func (s identifierServer) Identify(ctx context.Context, q *v1.IdentifyRequest) (*v1.IdentifyResponse, error) {
	a, err := s.does.Identify(ctx, Identify{linkFrom(q.GetLink()), deviceFrom(q.GetDevice())})
	if err != nil {
		return nil, failed(err)
	}
	return identifiedOf(a), nil
}

type credentialsServer struct {
	v1.UnimplementedCredentialsServer
	does any
}

func (s credentialsServer) Resolve(ctx context.Context, q *v1.ResolveRequest) (*v1.ResolveResponse, error) {
	r, ok := s.does.(CredentialResolver)
	if !ok {
		return s.UnimplementedCredentialsServer.Resolve(ctx, q)
	}
	a, err := r.Credentials(ctx, Credentials{
		Link: linkFrom(q.GetLink()), Device: deviceFrom(q.GetDevice()), Home: q.GetHome(), APN: q.GetApn(), StoredAPN: q.GetStoredApn(),
		User: q.GetUser(), APNChosen: q.GetApnChosen(), UserChosen: q.GetUserChosen(),
	})
	if err != nil {
		return nil, failed(err)
	}
	return &v1.ResolveResponse{
		Apn: text(a.APN), Replace: a.Replace, User: text(a.User), Password: text(a.Password), Allow: a.Allow, Reason: text(a.Reason),
	}, nil
}

func (s credentialsServer) Respond(ctx context.Context, q *v1.RespondRequest) (*v1.RespondResponse, error) {
	r, ok := s.does.(Challenger)
	if !ok {
		return s.UnimplementedCredentialsServer.Respond(ctx, q)
	}
	a, err := r.Challenge(ctx, Challenge{
		Link: linkFrom(q.GetLink()), Device: deviceFrom(q.GetDevice()), Method: q.GetMethod(), ID: uint8(q.GetId()), Value: q.GetChallenge(),
		Peer: q.GetPeer(), User: q.GetUser(),
	})
	if err != nil {
		return nil, failed(err)
	}
	return &v1.RespondResponse{Name: text(a.Name), Value: a.Value, Authenticator: a.Authenticator}, nil
}

type dialServer struct {
	v1.UnimplementedDialServer
	does DialHook
}

func (s dialServer) Steps(ctx context.Context, q *v1.StepsRequest) (*v1.StepsResponse, error) {
	steps := stepsFrom(q)
	if steps.When == "" { // a later host's
		return &v1.StepsResponse{}, nil
	}
	p, err := s.does.Steps(ctx, steps)
	if err != nil {
		return nil, failed(err)
	}
	return planOf(p), nil
}

type negotiatorServer struct {
	v1.UnimplementedNegotiatorServer
	decisions []On
}

func (s negotiatorServer) Decide(ctx context.Context, q *v1.DecideRequest) (*v1.DecideResponse, error) {
	e := eventFrom(q)
	for _, on := range s.decisions {
		if (on.Protocol == 0 || on.Protocol == e.Protocol) && (on.Point == 0 || on.Point == e.Point) {
			v, err := on.Decide(ctx, e)
			if err != nil {
				return nil, failed(err)
			}
			return &v1.DecideResponse{Verdict: verdictOf(v)}, nil
		}
	}
	return &v1.DecideResponse{}, nil
}

type proverServer struct {
	v1.UnimplementedProverServer
	does Prover
}

func (s proverServer) Prove(ctx context.Context, q *v1.ProveRequest) (*v1.ProveResponse, error) {
	p, err := s.does.Prove(ctx, proveFrom(q))
	if err != nil {
		return nil, failed(err)
	}
	return proofOf(p), nil
}

type observerServer struct {
	v1.UnimplementedObserverServer
	does Observer
}

func (s observerServer) Notify(ctx context.Context, q *v1.NotifyRequest) (*v1.NotifyResponse, error) {
	if err := s.does.Notify(ctx, noticeFrom(q)); err != nil {
		return nil, failed(err)
	}
	return &v1.NotifyResponse{}, nil
}

type commanderServer struct {
	v1.UnimplementedCommanderServer
	does Commander
}

func (s commanderServer) Commands(_ *v1.CommandsRequest, stream grpc.ServerStreamingServer[v1.CommandsResponse]) error {
	return failed(s.does.Commands(stream.Context(), func(c Command) error {
		m := &v1.CommandsResponse{Link: text(c.Link), Reason: text(c.Reason)}
		switch c.Order {
		case Hangup:
			m.Order = v1.Order_ORDER_HANGUP
		case Redial:
			m.Order = v1.Order_ORDER_REDIAL
		default:
			return fmt.Errorf("there is no order %q", c.Order)
		}
		return stream.Send(m)
	}))
}
