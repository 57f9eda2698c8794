package wire

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// Known holds facts that go with a question.
type Known struct {
	By      string        // the name of the plugin, for the answer's By
	Secrets bool          // the plugin has the grant "secrets"; otherwise it gets the question without them
	Device  advice.Device // for the questions that do not hold the device
	Budget  time.Duration // how long the host waits, for the plugin's information; ctx ends the call
}

// Limits on an answer.
const (
	maxText    = 256 // octets of a name or a password
	maxList    = 64  // entries of a list
	maxCommand = 1024
	maxValue   = 4096 // octets of a setting's value, which may be a list
	maxTimeout = 5 * time.Minute
	maxDelay   = time.Minute
)

// Ask asks a plugin. The answer is nil if the plugin has no opinion, may not be asked, or fails.
func (c *Client) Ask(ctx context.Context, q advice.Question, k Known) (advice.Answer, error) {
	if !k.Secrets {
		if q = redacted(q); q == nil {
			return nil, nil
		}
	}
	a, err := c.ask(ctx, q, k)
	if err != nil || a == nil || !a.Opinion() {
		return nil, err
	}
	return a, nil
}

func (c *Client) ask(ctx context.Context, q advice.Question, k Known) (advice.Answer, error) {
	switch q := q.(type) {
	case advice.Identify:
		r, err := c.identifier.Identify(ctx, &v1.IdentifyRequest{Link: linkOf(q.Link, uint64(max(q.Attempt, 0))), Device: deviceOf(q.Device)})
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Identified(r, k)
	case advice.Credentials:
		r, err := c.credentials.Resolve(ctx, &v1.ResolveRequest{
			Link: linkOf(q.Link, uint64(max(q.Attempt, 0))), Device: deviceOf(q.Device), Home: text(q.Home), Apn: text(q.APN), StoredApn: text(q.StoredAPN),
			User: text(q.User), ApnChosen: q.APNChosen, UserChosen: q.UserChosen,
		})
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Login(r, k)
	case advice.Challenge:
		r, err := c.credentials.Respond(ctx, &v1.RespondRequest{
			Link: linkOf(q.Link, uint64(max(q.Attempt, 0))), Device: deviceOf(k.Device), Method: q.Method.String(), Id: uint32(q.ID),
			Challenge: q.Value, Peer: text(q.Peer), User: text(q.User),
		})
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Response(r, q.Method, k)
	case advice.Steps:
		r, err := c.dial.Steps(ctx, stepsRequest(q, !k.Secrets))
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Plan(r, q, k)
	case advice.Decide:
		r, err := c.negotiator.Decide(ctx, decideRequest(q, k))
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Verdict(r, q.Protocol, k)
	case advice.Prove:
		r, err := c.prover.Prove(ctx, &v1.ProveRequest{
			Link: linkOf(q.Link, uint64(max(q.Attempt, 0))), Device: deviceOf(k.Device), Local: addressText(q.Local), Peer: addressText(q.Peer),
			PeerAssumed: q.PeerAssumed, Dns: addressTexts(q.DNS), Mtu: uint32(max(q.MTU, 0)), Provisional: q.Provisional, WillProbe: q.WillProbe,
		})
		if ok, err := rpcError(err); !ok {
			return nil, err
		}
		return Proof(r, k)
	}
	return nil, nil // a question that this protocol has no call for
}

// Identified reads an answer to Identify.
func Identified(r *v1.IdentifyResponse, k Known) (advice.Answer, error) {
	a := advice.Identified{By: k.By, Vendor: clip(r.GetVendor()), Model: clip(r.GetModel()), Firmware: clip(r.GetFirmware())}
	if len(r.GetSettings()) > maxList {
		return nil, bad("Identify", "%d settings", len(r.GetSettings()))
	}
	for _, s := range r.GetSettings() {
		if s.GetReason() == "" {
			return nil, bad("Identify", "the setting %q has no reason", clip(s.GetKey()))
		}
		if len(s.GetValue()) > maxValue {
			return nil, bad("Identify", "the value of the setting %q has more than %d octets", clip(s.GetKey()), maxValue)
		}
		a.Settings = append(a.Settings, advice.Setting{Key: clip(s.GetKey()), Value: s.GetValue(), Reason: clip(s.GetReason()), By: k.By})
	}
	return a, nil
}

// Login reads an answer to Resolve.
func Login(r *v1.ResolveResponse, k Known) (advice.Answer, error) {
	a := advice.Login{By: k.By, Reason: clip(r.GetReason()), APN: r.GetApn(), Replace: r.GetReplace()}
	if a.Replace {
		a.User, a.Password = r.GetUser(), auth.NewSecret(r.GetPassword())
	}
	if len(r.GetApn()) > maxText || len(r.GetUser()) > maxText || len(r.GetPassword()) > maxText {
		return nil, bad("Resolve", "an APN, a user name or a password of more than %d octets", maxText)
	}
	for _, word := range r.GetAllow() {
		var m auth.Method
		if m.UnmarshalText([]byte(word)) == nil && !slices.Contains(a.Allow, m) {
			a.Allow = append(a.Allow, m)
		}
	}
	return a, nil
}

// Response reads an answer to Respond.
func Response(r *v1.RespondResponse, m auth.Method, k Known) (advice.Answer, error) {
	if len(r.GetValue()) == 0 {
		return nil, nil
	}
	length := 49
	if m == auth.CHAPMD5 {
		length = 16
	}
	switch {
	case len(r.GetValue()) != length:
		return nil, bad("Respond", "a response of %d octets; %s takes %d", len(r.GetValue()), m, length)
	case len(r.GetAuthenticator()) != 0 && len(r.GetAuthenticator()) != 20:
		return nil, bad("Respond", "an authenticator of %d octets; RFC 2759 section 8.7 takes 20", len(r.GetAuthenticator()))
	case len(r.GetName()) > 255:
		return nil, bad("Respond", "a name of more than 255 octets")
	}
	a := advice.Response{By: k.By, Name: r.GetName(), Value: r.GetValue()}
	if len(r.GetAuthenticator()) > 0 {
		a.Authenticator = r.GetAuthenticator()
	}
	return a, nil
}

// Proof reads an answer to Prove.
func Proof(r *v1.ProveResponse, k Known) (advice.Answer, error) {
	a := advice.Proof{By: k.By, Trust: clip(r.GetTrust()), Refuse: clip(r.GetRefuse())}
	if len(r.GetTargets()) > maxList {
		return nil, bad("Prove", "%d targets", len(r.GetTargets()))
	}
	for _, t := range r.GetTargets() {
		address, err := netip.ParseAddr(t)
		if err != nil || address.Zone() != "" {
			return nil, bad("Prove", "%q is no address", clip(t))
		}
		a.Targets = append(a.Targets, address)
	}
	return a, nil
}

func bad(call, format string, args ...any) error {
	return &BadAnswerError{call, fmt.Sprintf(format, args...)}
}

func linkOf(name string, attempt uint64) *v1.Link {
	return &v1.Link{Name: text(name), Attempt: attempt}
}

func deviceOf(d advice.Device) *v1.Device {
	return &v1.Device{Port: text(d.Port), Vendor: text(d.Vendor), Model: text(d.Model), Firmware: text(d.Firmware), Usb: text(d.USB), Profile: text(d.Profile)}
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func addressTexts(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, addressText(a))
	}
	return out
}

// text makes what a modem or a peer said fit for a field of text, which must be UTF-8.
func text(s string) string {
	const most = 4096
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// clip makes a plugin's text fit to be shown on one line.
func clip(s string) string { return event.Printable(s) }
