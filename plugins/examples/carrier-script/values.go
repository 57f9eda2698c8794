package main

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/knakppp/knak/plugins/sdk"
)

// This file is what a script sees and what it may say.

// protocols and points have their names in the script as in `knak dial -v`.
var protocols = map[sdk.Protocol]string{
	sdk.LCP: "lcp", sdk.PAP: "pap", sdk.CHAP: "chap", sdk.EAP: "eap", sdk.IPCP: "ipcp", sdk.IPV6CP: "ipv6cp",
}

var points = map[sdk.Point]string{
	sdk.PointRequest: "request", sdk.PointPeerRequest: "peer-request", sdk.PointNak: "nak", sdk.PointReject: "reject", sdk.PointAck: "ack",
	sdk.PointTerminate: "terminate", sdk.PointTimeout: "timeout", sdk.PointAuthChallenge: "auth-challenge", sdk.PointAuthResult: "auth-result",
	sdk.PointAddress: "address", sdk.PointOpened: "opened",
}

var actions = map[sdk.Action]string{
	sdk.ActionPass: "pass", sdk.ActionAck: "ack", sdk.ActionNak: "nak", sdk.ActionReject: "reject", sdk.ActionRequest: "request",
	sdk.ActionWait: "wait", sdk.ActionRetry: "retry", sdk.ActionTerminate: "terminate", sdk.ActionDrop: "drop", sdk.ActionSend: "send",
}

// optionNames are the options that have a name of their own; others are option(type, hex).
var optionNames = map[string]uint8{
	"address": sdk.IPCPAddress, "dns1": sdk.IPCPDNS1, "dns2": sdk.IPCPDNS2, "nbns1": sdk.IPCPNBNS1, "nbns2": sdk.IPCPNBNS2,
}

// words are what a script may call.
var words = starlark.StringDict{
	"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
	"option": starlark.NewBuiltin("option", newOption),
	"step":   starlark.NewBuiltin("step", newStep),
}

func init() {
	for name, action := range map[string]sdk.Action{
		"ack": sdk.ActionAck, "nak": sdk.ActionNak, "reject": sdk.ActionReject, "request": sdk.ActionRequest, "wait": sdk.ActionWait,
		"retry": sdk.ActionRetry, "terminate": sdk.ActionTerminate, "drop": sdk.ActionDrop,
	} {
		words[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return newVerdict(b.Name(), action, args, kwargs)
		})
	}
	for name, typ := range optionNames {
		words[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			text := "0.0.0.0"
			if err := starlark.UnpackArgs(b.Name(), args, kwargs, "address?", &text); err != nil {
				return nil, err
			}
			a, err := netip.ParseAddr(text)
			if err != nil || !a.Is4() {
				return nil, fmt.Errorf("%s: %q is no IPv4 address", b.Name(), text)
			}
			return optionValue(sdk.AddressOption(typ, a)), nil
		})
	}
}

// value is a Go value that a script passes on as it is.
type value[T any] struct {
	starlark.Value
	v T
}

// unwrap takes a value apart that one of our words has made.
func unwrap[T any](v starlark.Value, what string) (T, error) {
	w, ok := v.(value[T])
	if !ok {
		var zero T
		return zero, fmt.Errorf("it returned a %s; it must be None or %s", v.Type(), what)
	}
	return w.v, nil
}

// Attr shows the fields of the struct inside.
func (v value[T]) Attr(name string) (starlark.Value, error) {
	return v.Value.(starlark.HasAttrs).Attr(name)
}

// AttrNames lists them.
func (v value[T]) AttrNames() []string { return v.Value.(starlark.HasAttrs).AttrNames() }

func fields(name string, kv ...any) *starlarkstruct.Struct {
	d := starlark.StringDict{}
	for i := 0; i < len(kv); i += 2 {
		var v starlark.Value
		switch x := kv[i+1].(type) {
		case string:
			v = starlark.String(x)
		case int:
			v = starlark.MakeInt(x)
		case bool:
			v = starlark.Bool(x)
		case []string:
			list := make([]starlark.Value, len(x))
			for i, s := range x {
				list[i] = starlark.String(s)
			}
			v = starlark.NewList(list)
		case starlark.Value:
			v = x
		}
		d[kv[i].(string)] = v
	}
	return starlarkstruct.FromStringDict(starlark.String(name), d)
}

func optionValue(o sdk.Option) starlark.Value {
	address := ""
	if a, ok := o.Address(); ok {
		address = a.String()
	}
	return value[sdk.Option]{fields("option", "type", int(o.Type), "data", hex.EncodeToString(o.Data), "address", address), o}
}

func newOption(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var typ int
	var text string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "type", &typ, "data?", &text); err != nil {
		return nil, err
	}
	data, err := hex.DecodeString(text)
	if err != nil || typ < 0 || typ > 255 || len(data) > 253 {
		return nil, fmt.Errorf(`option: must be a type from 0 to 255 and at most 253 octets in hex digits, for example option(3, "00000000")`)
	}
	return optionValue(sdk.Option{Type: uint8(typ), Data: data}), nil
}

func newStep(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var s sdk.Step
	var expect *starlark.List
	seconds := 0
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "command", &s.Command, "expect?", &expect, "seconds?", &seconds, "sensitive?", &s.Sensitive); err != nil {
		return nil, err
	}
	var err error
	if s.Expect, err = texts(expect); err != nil {
		return nil, fmt.Errorf("step: expect: %w", err)
	}
	s.Timeout = time.Duration(seconds) * time.Second
	return stepValue(s), nil
}

func stepValue(s sdk.Step) starlark.Value {
	return value[sdk.Step]{fields("step", "command", s.Command, "expect", s.Expect, "seconds", int(s.Timeout.Seconds()), "sensitive", s.Sensitive), s}
}

func newVerdict(name string, action sdk.Action, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v := sdk.Verdict{Action: action}
	var list *starlark.List
	ms := 0
	var err error
	switch action {
	case sdk.ActionNak, sdk.ActionReject, sdk.ActionRequest:
		err = starlark.UnpackArgs(name, args, kwargs, "options", &list, "ms?", &ms)
	case sdk.ActionWait, sdk.ActionRetry:
		err = starlark.UnpackArgs(name, args, kwargs, "ms?", &ms)
	case sdk.ActionTerminate:
		err = starlark.UnpackArgs(name, args, kwargs, "reason", &v.Reason)
	default:
		err = starlark.UnpackArgs(name, args, kwargs)
	}
	if err != nil {
		return nil, err
	}
	if list != nil {
		v.Options = sdk.Options{}
		for i := range list.Len() {
			o, err := unwrap[sdk.Option](list.Index(i), "an option")
			if err != nil {
				return nil, fmt.Errorf("%s: options must be made by address(), dns1(), dns2(), nbns1(), nbns2() or option(), or be the event's", name)
			}
			v.Options = append(v.Options, o)
		}
	}
	v.Delay = time.Duration(ms) * time.Millisecond
	return value[sdk.Verdict]{fields("verdict", "action", actions[action], "ms", ms, "reason", v.Reason), v}, nil
}

func toVerdict(v starlark.Value) (sdk.Verdict, error) {
	return unwrap[sdk.Verdict](v, "one of ack(), nak(), reject(), request(), wait(), retry(), terminate() and drop()")
}

func options(list sdk.Options) *starlark.List {
	out := make([]starlark.Value, len(list))
	for i, o := range list {
		out[i] = optionValue(o)
	}
	return starlark.NewList(out)
}

// names gives a number's name, or the number itself where it is a later one.
func names[K interface{ ~int32 | ~uint16 }](table map[K]string, k K) string {
	if n, ok := table[k]; ok {
		return n
	}
	return fmt.Sprint(int(k))
}

func event(e sdk.Event) starlark.Value {
	intent := fields("intent", "action", names(actions, e.Intent.Action), "options", options(e.Intent.Options),
		"ms", int(e.Intent.Delay.Milliseconds()), "reason", e.Intent.Reason)
	return fields("event", "link", e.Link.Name, "attempt", e.Link.Attempt, "device", device(e.Device, e.Link), "protocol", names(protocols, e.Protocol),
		"point", names(points, e.Point), "code", int(e.Code), "options", options(e.Options), "packet", hex.EncodeToString(e.Packet), "intent", intent)
}

func device(d sdk.Device, l sdk.Link) starlark.Value {
	return fields("device", "link", l.Name, "attempt", l.Attempt, "port", d.Port, "usb", d.USB, "vendor", d.Vendor, "model", d.Model,
		"firmware", d.Firmware, "profile", d.Profile)
}

func credentials(q sdk.Credentials) starlark.Value {
	return fields("query", "link", q.Link.Name, "attempt", q.Link.Attempt, "device", device(q.Device, q.Link), "home", q.Home, "apn", q.APN, "stored_apn", q.StoredAPN,
		"user", q.User, "apn_chosen", q.APNChosen, "user_chosen", q.UserChosen)
}

func dialling(q sdk.Steps) starlark.Value {
	steps := make([]starlark.Value, len(q.Steps))
	for i, s := range q.Steps {
		steps[i] = stepValue(s)
	}
	return fields("dial", "link", q.Link.Name, "attempt", q.Link.Attempt, "device", device(q.Device, q.Link), "dial", q.Dial, "connect", q.Connect,
		"steps", starlark.NewList(steps), "commands", q.Commands)
}

func proving(q sdk.Prove) starlark.Value {
	dns := make([]string, len(q.DNS))
	for i, a := range q.DNS {
		dns[i] = a.String()
	}
	return fields("link", "link", q.Link.Name, "attempt", q.Link.Attempt, "device", device(q.Device, q.Link), "local", q.Local.String(), "peer", q.Peer.String(),
		"peer_assumed", q.PeerAssumed, "dns", dns, "mtu", q.MTU, "provisional", q.Provisional, "will_probe", q.WillProbe)
}

// answer reads the fields of a dict that a script returned. A key that is not among them is an error: it is misspelt.
func answer(v starlark.Value, known ...string) (func(key string, into any) error, error) {
	d, ok := v.(*starlark.Dict)
	if !ok {
		return nil, fmt.Errorf("it returned a %s; it must be None or a dict with %v", v.Type(), known)
	}
	for _, k := range d.Keys() {
		name, ok := starlark.AsString(k)
		if !ok || !slices.Contains(known, name) {
			return nil, fmt.Errorf("it returned a dict with %s; the keys are %v", k, known)
		}
	}
	return func(key string, into any) error {
		v, ok, err := d.Get(starlark.String(key))
		if err != nil || !ok || v == starlark.None {
			return err
		}
		good := true
		switch into := into.(type) {
		case *string:
			*into, good = starlark.AsString(v)
		case *bool:
			var b starlark.Bool
			b, good = v.(starlark.Bool)
			*into = bool(b)
		case *[]string:
			var list *starlark.List
			if list, good = v.(*starlark.List); good {
				*into, err = texts(list)
			}
		}
		if !good || err != nil {
			return fmt.Errorf("%q cannot be a %s", key, v.Type())
		}
		return nil
	}, nil
}

func texts(list *starlark.List) ([]string, error) {
	if list == nil {
		return nil, nil
	}
	var out []string
	for i := range list.Len() {
		s, ok := starlark.AsString(list.Index(i))
		if !ok {
			return nil, fmt.Errorf("element %d is a %s, not a string", i, list.Index(i).Type())
		}
		out = append(out, s)
	}
	return out, nil
}

// first gives the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func toLogin(v starlark.Value) (l sdk.Login, err error) {
	get, err := answer(v, "apn", "user", "password", "allow", "reason")
	if err != nil {
		return l, err
	}
	d := v.(*starlark.Dict)
	_, user, _ := d.Get(starlark.String("user"))
	_, password, _ := d.Get(starlark.String("password"))
	l.Replace = user || password
	return l, first(get("apn", &l.APN), get("user", &l.User), get("password", &l.Password), get("allow", &l.Allow), get("reason", &l.Reason))
}

func toIdentified(v starlark.Value) (out sdk.Identified, err error) {
	get, err := answer(v, "vendor", "model", "firmware", "settings", "reason")
	if err != nil {
		return out, err
	}
	reason := "the site's script says so"
	if err := first(get("vendor", &out.Vendor), get("model", &out.Model), get("firmware", &out.Firmware), get("reason", &reason)); err != nil {
		return out, err
	}
	settings, ok, _ := v.(*starlark.Dict).Get(starlark.String("settings"))
	if !ok {
		return out, nil
	}
	d, ok := settings.(*starlark.Dict)
	if !ok {
		return out, fmt.Errorf(`"settings" must be a dict of quirk keys and values, both strings`)
	}
	for _, item := range d.Items() {
		key, ok1 := starlark.AsString(item[0])
		text, ok2 := starlark.AsString(item[1])
		if !ok1 || !ok2 {
			return out, fmt.Errorf(`"settings": %s and its value must be strings`, item[0])
		}
		out.Settings = append(out.Settings, sdk.Setting{Key: key, Value: text, Reason: reason})
	}
	return out, nil
}

func toPlan(v starlark.Value) (p sdk.Plan, err error) {
	get, err := answer(v, "replace", "steps", "abort", "reason")
	if err != nil {
		return p, err
	}
	if err := first(get("replace", &p.Replace), get("abort", &p.Abort), get("reason", &p.Reason)); err != nil {
		return p, err
	}
	steps, ok, _ := v.(*starlark.Dict).Get(starlark.String("steps"))
	if !ok {
		return p, nil
	}
	list, ok := steps.(*starlark.List)
	if !ok {
		return p, fmt.Errorf(`"steps" must be a list of step(...)`)
	}
	for i := range list.Len() {
		s, err := unwrap[sdk.Step](list.Index(i), "step(...)")
		if err != nil {
			return p, fmt.Errorf(`"steps": element %d must be step("AT...")`, i)
		}
		p.Steps = append(p.Steps, s)
	}
	return p, nil
}

func toProof(v starlark.Value) (p sdk.Proof, err error) {
	get, err := answer(v, "targets", "trust", "refuse")
	if err != nil {
		return p, err
	}
	var targets []string
	if err := first(get("targets", &targets), get("trust", &p.Trust), get("refuse", &p.Refuse)); err != nil {
		return p, err
	}
	for _, t := range targets {
		a, err := netip.ParseAddr(t)
		if err != nil {
			return p, fmt.Errorf("targets: %q is no address", t)
		}
		p.Targets = append(p.Targets, a)
	}
	return p, nil
}
