package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/plugins/proto"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// other is a plugin that answers what a test says, as none that was made with the SDK would.
type other struct {
	v1.UnimplementedBaseServer
	v1.UnimplementedNegotiatorServer
	v1.UnimplementedDialServer
	v1.UnimplementedCredentialsServer
	describe *v1.DescribeResponse
	decide   *v1.DecideResponse
	decided  *v1.DecideRequest
	steps    func(*v1.StepsRequest) *v1.StepsResponse
	respond  *v1.RespondResponse
	asked    int
}

func (o *other) Describe(context.Context, *v1.DescribeRequest) (*v1.DescribeResponse, error) {
	return o.describe, nil
}

func (o *other) Decide(_ context.Context, q *v1.DecideRequest) (*v1.DecideResponse, error) {
	o.decided = q
	return o.decide, nil
}

func (o *other) Steps(_ context.Context, q *v1.StepsRequest) (*v1.StepsResponse, error) {
	return o.steps(q), nil
}

func (o *other) Respond(context.Context, *v1.RespondRequest) (*v1.RespondResponse, error) {
	o.asked++
	return o.respond, nil
}

func (o *other) connect(t testing.TB) *Client {
	return serve(t, func(s *grpc.Server) {
		v1.RegisterBaseServer(s, o)
		v1.RegisterNegotiatorServer(s, o)
		v1.RegisterDialServer(s, o)
		v1.RegisterCredentialsServer(s, o)
	})
}

func serve(t testing.TB, register func(*grpc.Server)) *Client {
	t.Helper()
	s := grpc.NewServer()
	register(s)
	l := bufconn.Listen(proto.MaxMessage)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient("passthrough:///x", append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return NewClient(conn)
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

var request = advice.Decide{Link: "default", Generation: 3, Decision: ppp.Decision{
	ID: 7, Protocol: packet.IPCP, Point: ppp.PointNak, Code: packet.ConfigureNak,
	Options: []packet.Option{packet.AddressOption(packet.IPCPAddress, netip.MustParseAddr("10.0.0.1")), {Type: 99, Data: []byte{1}}},
	Packet:  []byte{3, 1, 0, 4},
	Intent:  ppp.Verdict{Action: ppp.Request, Options: []packet.Option{packet.AddressOption(packet.IPCPAddress, netip.Addr{})}, Delay: time.Second},
}}

// What a plugin gets of a decision.
func TestDecideRequest(t *testing.T) {
	o := &other{decide: &v1.DecideResponse{}}
	a, err := o.connect(t).Ask(soon(t), request, Known{By: "plugin x", Device: advice.Device{Model: "E398"}, Budget: 150 * time.Millisecond})
	if a != nil || err != nil {
		t.Fatal(a, err)
	}
	q := o.decided
	if q.GetLink().GetAttempt() != 3 || q.GetDevice().GetModel() != "E398" || q.GetId() != 7 || q.GetPoint() != v1.Point_POINT_NAK ||
		q.GetProtocol() != 0x8021 || q.GetOptions()[0].GetAddress() != "10.0.0.1" || q.GetOptions()[0].GetText() != "addr 10.0.0.1" ||
		q.GetIntent().GetAction() != v1.Action_ACTION_REQUEST || q.GetIntent().GetDelayMs() != 1000 || q.GetBudgetMs() != 150 || !q.GetRedacted() {
		t.Errorf("%v", q)
	}
}

// Every point and every action of the engine is on the wire, and comes back as itself.
func TestPointsAndActions(t *testing.T) {
	for p := ppp.PointRequest; p <= ppp.PointOpened; p <<= 1 {
		if allPoints&p == 0 || pointOf(pointNumber(p)) != p || pointNumber(p) == v1.Point_POINT_UNSPECIFIED {
			t.Errorf("point %s", p)
		}
		if v1.Point_value["POINT_"+strings.ToUpper(strings.ReplaceAll(p.String(), "-", "_"))] != int32(pointNumber(p)) {
			t.Errorf("point %s is called otherwise on the wire: %s", p, pointNumber(p))
		}
	}
	for a := ppp.Pass; a <= ppp.Transmit; a++ {
		if actionOf(actionNumber(a)) != a || v1.Action_value["ACTION_"+strings.ToUpper(a.String())] != int32(actionNumber(a)) {
			t.Errorf("action %s", a)
		}
	}
}

// unknown is a field of a later minor.
func unknown(m interface {
	ProtoReflect() protoreflectMessage
}) {
	m.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 4000, protowire.BytesType), "from the future"))
}

func TestVerdicts(t *testing.T) {
	number := func(n uint32) *uint32 { return &n }
	ipcp, lcp := packet.IPCP, packet.LCP
	dns := packet.AddressOption(packet.IPCPDNS1, netip.MustParseAddr("9.9.9.9"))
	for _, tt := range []struct {
		name     string
		protocol uint16
		verdict  *v1.Verdict
		want     ppp.Verdict
		bad      string
	}{
		{"none", ipcp, nil, ppp.Verdict{}, ""},
		{"pass", ipcp, &v1.Verdict{Action: v1.Action_ACTION_PASS, Reason: "x"}, ppp.Verdict{}, ""},
		{"an action of a later minor passes", ipcp, &v1.Verdict{Action: 4711}, ppp.Verdict{}, ""},
		{"a negative action passes", ipcp, &v1.Verdict{Action: -1}, ppp.Verdict{}, ""},
		{"options by address", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 129, Address: "9.9.9.9"}}},
			ppp.Verdict{Action: ppp.Request, Options: []packet.Option{dns}}, ""},
		{"options by data", ipcp, &v1.Verdict{Action: v1.Action_ACTION_NAK, Options: []*v1.Option{{Type: 129, Data: []byte{9, 9, 9, 9}}}},
			ppp.Verdict{Action: ppp.Nak, Options: []packet.Option{dns}}, ""},
		{"an echo of what came", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: optionsOf(ipcp, []packet.Option{dns, {Type: 7}})},
			ppp.Verdict{Action: ppp.Request, Options: []packet.Option{dns, {Type: 7}}}, ""},
		{"MRU is two octets", lcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 1, Number: number(1400)}}},
			ppp.Verdict{Action: ppp.Request, Options: []packet.Option{packet.Uint16Option(1, 1400)}}, ""},
		{"ACCM is four", lcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 2, Number: number(0)}}},
			ppp.Verdict{Action: ppp.Request, Options: []packet.Option{packet.Uint32Option(2, 0)}}, ""},
		{"a delay is bounded", ipcp, &v1.Verdict{Action: v1.Action_ACTION_RETRY, DelayMs: 1 << 31},
			ppp.Verdict{Action: ppp.Retry, Delay: time.Minute}, ""},
		{"a reason is printable", lcp, &v1.Verdict{Action: v1.Action_ACTION_TERMINATE, Reason: "no\x1b[2J"},
			ppp.Verdict{Action: ppp.Terminate, Reason: `no\x1b[2J`}, ""},
		{"what an action has no use for is left", ipcp, &v1.Verdict{Action: v1.Action_ACTION_DROP, Options: []*v1.Option{{Type: 999}}, Packet: []byte{1}},
			ppp.Verdict{Action: ppp.Drop}, ""},
		{"a packet", packet.PAP, &v1.Verdict{Action: v1.Action_ACTION_SEND, Packet: []byte{1, 2, 0, 4}},
			ppp.Verdict{Action: ppp.Transmit, Packet: []byte{1, 2, 0, 4}}, ""},
		{"a packet that is none", packet.PAP, &v1.Verdict{Action: v1.Action_ACTION_SEND, Packet: []byte{1, 2}}, ppp.Verdict{}, "the packet to send"},
		{"a type above 255", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 300}}}, ppp.Verdict{}, "type 300"},
		{"data above 253 octets", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 3, Data: make([]byte, 254)}}}, ppp.Verdict{}, "254 octets"},
		{"no address", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 3, Address: "::1"}}}, ppp.Verdict{}, `"::1"`},
		{"two forms that differ", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 3, Data: []byte{1, 2, 3, 4}, Address: "0.0.0.0"}}},
			ppp.Verdict{}, "leave data out"},
		{"a number too large", lcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 1, Number: number(70000)}}}, ppp.Verdict{}, "70000"},
		{"a number where there is none", ipcp, &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 3, Number: number(1)}}}, ppp.Verdict{}, "IPCP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.verdict != nil {
				unknown(tt.verdict)
			}
			o := &other{decide: &v1.DecideResponse{Verdict: tt.verdict}}
			unknown(o.decide)
			q := request
			q.Protocol, q.Options, q.Packet, q.Intent = tt.protocol, nil, nil, ppp.Verdict{}
			a, err := o.connect(t).Ask(soon(t), q, Known{By: "plugin x"})
			var wrong *BadAnswerError
			if tt.bad != "" {
				if a != nil || !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.bad) {
					t.Fatalf("%v, %v; want an error with %q", a, err, tt.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Action == ppp.Pass {
				if a != nil {
					t.Fatalf("%v, want no opinion", a)
				}
				return
			}
			tt.want.By = "plugin x"
			if got := a.(advice.Verdict).Verdict; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// A plugin of an earlier minor has no opinion on what it has no call for; one of a later minor names what nobody here knows.
func TestOtherMinors(t *testing.T) {
	o := &other{describe: &v1.DescribeResponse{
		Name: "x", Capabilities: []string{"decide", "telepathy", "prove"},
		Subscriptions: []*v1.Subscription{{Protocol: 0x8021, Points: []v1.Point{v1.Point_POINT_NAK, 1234}}, {Protocol: 1 << 20}, {Protocol: 0xc021, Points: []v1.Point{99}}},
	}}
	unknown(o.describe)
	c := o.connect(t)
	d, err := c.Describe(soon(t), "test")
	if err != nil || !slices.Equal(d.Capabilities, []string{"decide", "prove"}) {
		t.Fatal(d, err)
	}
	lcp := request
	lcp.Protocol = packet.LCP
	any := advice.Decide{Decision: ppp.Decision{Point: ppp.PointNak}}
	ack := request
	ack.Point = ppp.PointAck
	if !d.Wants(request) || !d.Wants(any) || d.Wants(lcp) || d.Wants(ack) || !d.Wants(advice.Prove{}) || d.Wants(advice.Identify{}) {
		t.Error("what is wanted")
	}
	if a, err := c.Ask(soon(t), advice.Prove{}, Known{}); a != nil || err != nil {
		t.Errorf("a service that is not there: %v, %v", a, err)
	}
	if p, err := c.Configure(soon(t), "{}", nil); p != nil || err != nil {
		t.Errorf("a call that is not there: %v, %v", p, err)
	}
	if _, err := serve(t, func(*grpc.Server) {}).Describe(soon(t), ""); err == nil || !strings.Contains(err.Error(), "knak.plugin.v1.Base") {
		t.Errorf("no plugin at all: %v", err)
	}
}

// A plugin without the grant sees no secret.
func TestSecrets(t *testing.T) {
	o := &other{decide: &v1.DecideResponse{}, respond: &v1.RespondResponse{Value: make([]byte, 16)}}
	c := o.connect(t)
	pap := request
	pap.Protocol, pap.Options, pap.Point = packet.PAP, nil, ppp.PointAuthChallenge
	pap.Packet = []byte{1, 1, 0, 14, 2, 'm', 'e', 6, 's', 'e', 'c', 'r', 'e', 't'}
	pap.Intent = ppp.Verdict{Action: ppp.Transmit, Packet: pap.Packet}
	for _, granted := range []bool{false, true} {
		if _, err := c.Ask(soon(t), pap, Known{Secrets: granted}); err != nil {
			t.Fatal(err)
		}
		seen := strings.Contains(o.decided.String(), "secret") || strings.Contains(string(o.decided.GetPacket()), "secret") || strings.Contains(string(o.decided.GetIntent().GetPacket()), "secret")
		if seen != granted || o.decided.GetRedacted() == granted {
			t.Errorf("granted %v: %v", granted, o.decided)
		}
		o.asked = 0
		a, err := c.Ask(soon(t), advice.Challenge{Method: auth.CHAPMD5, Value: []byte("challenge")}, Known{Secrets: granted})
		if err != nil || (a != nil) != granted || (o.asked > 0) != granted {
			t.Errorf("granted %v: %v, %v, asked %d", granted, a, err, o.asked)
		}
	}
	callback := request
	callback.Protocol, callback.Options = packet.LCP, []packet.Option{{Type: packet.LCPCallback, Data: []byte("\x034915112345678")}}
	if _, err := c.Ask(soon(t), callback, Known{}); err != nil || strings.Contains(string(o.decided.GetOptions()[0].GetData()), "4915112345678") {
		t.Errorf("a number that nobody may see: %v, %v", o.decided, err)
	}
}

// A plugin without the grant may move a step that holds a secret, and does not see it.
func TestHiddenSteps(t *testing.T) {
	q := advice.Steps{When: advice.Before, Commands: true, Steps: []advice.Step{{Command: "AT"}, {Command: "AT+CPWD=1234", Sensitive: true}}}
	o := &other{}
	c := o.connect(t)
	o.steps = func(q *v1.StepsRequest) *v1.StepsResponse {
		if strings.Contains(q.String(), "1234") {
			t.Error("the secret is shown")
		}
		return &v1.StepsResponse{Replace: true, Steps: []*v1.Step{q.GetSteps()[1], {Command: "AT+X", Expect: []string{"+X: "}, TimeoutMs: 1 << 31}}}
	}
	a, err := c.Ask(soon(t), q, Known{})
	if err != nil {
		t.Fatal(err)
	}
	want := []advice.Step{q.Steps[1], {Command: "AT+X", Expect: []string{"+X: "}, Timeout: maxTimeout}}
	if got := a.(advice.Plan); !got.Replace || !reflect.DeepEqual(got.Steps, want) {
		t.Errorf("%+v", got)
	}
	for _, command := range []string{"<hidden 1>", "<hidden 9>", "AT\rATD", "", strings.Repeat("A", 2000)} {
		o.steps = func(*v1.StepsRequest) *v1.StepsResponse {
			return &v1.StepsResponse{Steps: []*v1.Step{{Command: command}}}
		}
		if a, err := c.Ask(soon(t), q, Known{}); err == nil || a != nil {
			t.Errorf("%q is taken: %v", command, a)
		}
	}
}

func TestLimits(t *testing.T) {
	o := &other{decide: &v1.DecideResponse{Verdict: &v1.Verdict{Action: v1.Action_ACTION_TERMINATE, Reason: strings.Repeat("x", proto.MaxMessage)}}}
	c := o.connect(t)
	if a, err := c.Ask(soon(t), request, Known{}); a != nil || err == nil || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("an answer of more than 64 KiB: %v, %v", a, err)
	}
	big := request
	big.Packet = make([]byte, proto.MaxMessage)
	if a, err := c.Ask(soon(t), big, Known{Secrets: true}); a != nil || err == nil || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("a question of more than 64 KiB: %v, %v", a, err)
	}
	if _, err := c.Ask(context.Background(), request, Known{}); err == nil || !strings.Contains(err.Error(), "without a deadline") {
		t.Errorf("without a deadline: %v", err)
	}
}

// A notification holds the event twice, and stays small whatever the event holds.
func TestNotifyRequest(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, e := range []event.Event{
		event.Phase{Phase: "lcp"}, event.Up{Local: "10.0.0.1", DNS: []string{"9.9.9.9"}, MTU: 1500}, event.Down{Reason: "x", BytesIn: 7},
		event.Finding{ID: "ipcp-empty-nak", Evidence: []string{"a"}}, Statistics{BytesIn: 1, Seconds: 2}, event.Notice{Level: "info", Text: "hello"},
	} {
		m := notifyRequest(event.Record{Time: now, Link: "default", Event: e}, 2)
		typed := m.GetEvent() != nil
		if m.GetKind() != e.Kind() || !strings.Contains(m.GetJson(), `"event":"`+e.Kind()+`"`) || m.GetLost() != 2 || m.GetTimeUnixMs() != now.UnixMilli() {
			t.Errorf("%v", m)
		}
		if _, is := e.(event.Notice); typed == is {
			t.Errorf("%T: %v", e, m)
		}
	}
	large := event.Finding{Title: strings.Repeat("x", 1<<20), Evidence: slices.Repeat([]string{strings.Repeat("\xff", 1<<10)}, 1000)}
	if m := notifyRequest(event.Record{Event: large}, 0); m.GetJson() != "" || sizeOf(m) > proto.MaxMessage {
		t.Errorf("%d octets", sizeOf(m))
	}
}
