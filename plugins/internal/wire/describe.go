package wire

import (
	"context"
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/plugins/proto"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// Description is a plugin's description of itself. Its texts are printable and bounded.
type Description struct {
	Name         string
	Version      string
	About        string
	SDK          string
	Capabilities []string // the capabilities that this host knows
	Events       []string // the kinds of events that an observer wants
	WantsGrants  []string // for people
	ConfigSchema string   // JSON Schema; "": it takes no configuration
	Major        int

	Subscriptions []Subscription // of "decide"
}

// Subscription is a set of decision points of one protocol.
type Subscription struct {
	Protocol uint16 // 0: any
	Points   ppp.Points
}

var capabilities = []string{
	proto.Identify, proto.Credentials, proto.Challenge, proto.Steps, proto.Decide, proto.Prove, proto.Observe, proto.Command,
}

// Can says whether the plugin has a capability.
func (d *Description) Can(capability string) bool { return slices.Contains(d.Capabilities, capability) }

// Wants says whether the plugin wants to be asked, as advice.Adviser.Wants does.
func (d *Description) Wants(q advice.Question) bool {
	if !d.Can(string(q.Kind())) {
		return false
	}
	decide, ok := q.(advice.Decide)
	if !ok {
		return true
	}
	for _, s := range d.Subscriptions {
		if (s.Protocol == 0 || decide.Protocol == 0 || s.Protocol == decide.Protocol) && s.Points&decide.Point != 0 {
			return true
		}
	}
	return false
}

// Describe asks the plugin for its description.
func (c *Client) Describe(ctx context.Context, hostVersion string) (*Description, error) {
	r, err := c.base.Describe(ctx, &v1.DescribeRequest{HostVersion: hostVersion})
	if ok, err := rpcError(err); err != nil {
		return nil, err
	} else if !ok {
		return nil, fmt.Errorf("it has no knak.plugin.v%d.Base: it is no plugin of this protocol version", proto.Major)
	}
	d := &Description{
		Name: clip(r.GetName()), Version: clip(r.GetVersion()), About: clip(r.GetAbout()), SDK: clip(r.GetSdk()),
		Events: r.GetEvents(), WantsGrants: r.GetWantsGrants(), ConfigSchema: r.GetConfigSchema(), Major: proto.Major,
	}
	for _, name := range capabilities {
		if slices.Contains(r.GetCapabilities(), name) {
			d.Capabilities = append(d.Capabilities, name)
		}
	}
	if len(d.Events) == 0 {
		d.Events = proto.DefaultEvents
	}
	for _, s := range r.GetSubscriptions() {
		if s.GetProtocol() > 0xffff {
			continue
		}
		points := ppp.Points(0)
		for _, p := range s.GetPoints() {
			points |= pointOf(p)
		}
		if len(s.GetPoints()) == 0 {
			points = allPoints
		}
		d.Subscriptions = append(d.Subscriptions, Subscription{uint16(s.GetProtocol()), points})
	}
	if len(r.GetSubscriptions()) == 0 {
		d.Subscriptions = []Subscription{{0, allPoints}}
	}
	return d, nil
}

// Problem is one mistake in a plugin's configuration. Key is written with dots, and is "" for the whole configuration.
type Problem struct{ Key, Text string }

func (p Problem) String() string {
	if p.Key == "" {
		return p.Text
	}
	return p.Key + ": " + p.Text
}

// Configure passes the configuration (a JSON object, or "" if there is none) and the user's grants to the plugin.
func (c *Client) Configure(ctx context.Context, json string, grants []string) ([]Problem, error) {
	r, err := c.base.Configure(ctx, &v1.ConfigureRequest{ConfigJson: json, Grants: grants})
	if _, err := rpcError(err); err != nil {
		return nil, err
	}
	var list []Problem
	for _, p := range r.GetProblems() {
		list = append(list, Problem{clip(p.GetKey()), clip(p.GetText())})
	}
	return list, nil
}

// Health asks for the plugin's health: "" means well.
func (c *Client) Health(ctx context.Context) (trouble string, err error) {
	r, err := c.base.Health(ctx, &v1.HealthRequest{})
	_, err = rpcError(err)
	return clip(r.GetTrouble()), err
}

// Shutdown tells the plugin that no more calls follow.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.base.Shutdown(ctx, &v1.ShutdownRequest{})
	_, err = rpcError(err)
	return err
}
