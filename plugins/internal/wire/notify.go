package wire

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/knakppp/knak/core/event"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// Statistics counts octets of IP packets since the link came up. The host makes it from time to time.
type Statistics struct {
	BytesIn  uint64  `json:"bytes_in"`
	BytesOut uint64  `json:"bytes_out"`
	Seconds  float64 `json:"seconds"`
}

// Kind gives "statistics".
func (Statistics) Kind() string { return "statistics" }

// maxJSON keeps a notification well below proto.MaxMessage.
const maxJSON = 24 << 10

// Told says whether an observer wants this kind of event.
func (d *Description) Told(kind string) bool { return slices.Contains(d.Events, kind) }

// Notify sends a record to the plugin, with the number of records that were lost before it.
func (c *Client) Notify(ctx context.Context, r event.Record, lost int) error {
	_, err := c.observer.Notify(ctx, notifyRequest(r, lost))
	_, err = rpcError(err)
	return err
}

func notifyRequest(r event.Record, lost int) *v1.NotifyRequest {
	m := &v1.NotifyRequest{Link: linkOf(r.Link, 0), Lost: uint32(max(lost, 0))}
	if !r.Time.IsZero() {
		m.TimeUnixMs = r.Time.UnixMilli()
	}
	if r.Event == nil {
		return m
	}
	m.Kind = text(r.Event.Kind())
	if json, err := r.AppendJSON(nil); err == nil && len(json) <= maxJSON {
		m.Json = string(json)
	}
	switch e := r.Event.(type) {
	case event.Phase:
		m.Event = &v1.NotifyRequest_Phase{Phase: &v1.PhaseEvent{Phase: text(e.Phase)}}
	case event.Up:
		m.Event = &v1.NotifyRequest_Up{Up: &v1.UpEvent{
			Interface: text(e.Interface), Plane: text(e.Plane), Local: text(e.Local), Peer: text(e.Peer), Dns: texts(e.DNS),
			Mtu: uint32(max(e.MTU, 0)), Ipv6: text(e.IPv6), ElapsedMs: e.ElapsedMS, Proved: e.Proved,
		}}
	case event.Down:
		m.Event = &v1.NotifyRequest_Down{Down: &v1.DownEvent{
			Reason: text(e.Reason), ExitCode: uint32(max(e.ExitCode, 0)), Seconds: e.Seconds, BytesIn: e.BytesIn, BytesOut: e.BytesOut,
		}}
	case event.Finding:
		m.Event = &v1.NotifyRequest_Finding{Finding: &v1.FindingEvent{
			Id: text(e.ID), Category: text(e.Category), Confidence: text(e.Confidence), Title: text(e.Title), Evidence: texts(e.Evidence),
			Meaning: text(e.Meaning), Cure: texts(e.Cure),
		}}
	case Statistics:
		m.Event = &v1.NotifyRequest_Statistics{Statistics: &v1.StatisticsEvent{BytesIn: e.BytesIn, BytesOut: e.BytesOut, Seconds: e.Seconds}}
	}
	return m
}

// texts keeps a list far below what a message may hold.
func texts(list []string) []string {
	const most = 16
	out := make([]string, 0, min(len(list), most))
	for _, s := range list[:min(len(list), most)] {
		out = append(out, clip(s))
	}
	return out
}

// Order is an order that a commander may give.
type Order uint8

// The orders.
const (
	Hangup Order = iota + 1
	Redial
)

// Command is one order for a link, or for all with Link "".
type Command struct {
	Link   string
	Order  Order
	Reason string
	By     string
}

// Commands listens for orders until ctx ends, which is not an error, or the plugin ends. Unknown orders do nothing.
func (c *Client) Commands(ctx context.Context, by string, do func(Command)) error {
	stream, err := c.commander.Commands(ctx, &v1.CommandsRequest{})
	for err == nil {
		var m *v1.CommandsResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		command := Command{Link: m.GetLink(), Reason: clip(m.GetReason()), By: by}
		switch m.GetOrder() {
		case v1.Order_ORDER_HANGUP:
			command.Order = Hangup
		case v1.Order_ORDER_REDIAL:
			command.Order = Redial
		default:
			continue
		}
		do(command)
	}
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	_, err = rpcError(err)
	return err
}
