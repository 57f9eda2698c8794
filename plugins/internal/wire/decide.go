package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

const allPoints = ppp.PointRequest | ppp.PointPeerRequest | ppp.PointNak | ppp.PointReject | ppp.PointAck | ppp.PointTerminate |
	ppp.PointTimeout | ppp.PointAuthChallenge | ppp.PointAuthResult | ppp.PointAddress | ppp.PointOpened

// points are the decision points; the index is the number on the wire.
var points = [...]ppp.Points{
	v1.Point_POINT_REQUEST: ppp.PointRequest, v1.Point_POINT_PEER_REQUEST: ppp.PointPeerRequest, v1.Point_POINT_NAK: ppp.PointNak,
	v1.Point_POINT_REJECT: ppp.PointReject, v1.Point_POINT_ACK: ppp.PointAck, v1.Point_POINT_TERMINATE: ppp.PointTerminate,
	v1.Point_POINT_TIMEOUT: ppp.PointTimeout, v1.Point_POINT_AUTH_CHALLENGE: ppp.PointAuthChallenge,
	v1.Point_POINT_AUTH_RESULT: ppp.PointAuthResult, v1.Point_POINT_ADDRESS: ppp.PointAddress, v1.Point_POINT_OPENED: ppp.PointOpened,
}

// pointOf gives no point for a number that is not known.
func pointOf(p v1.Point) ppp.Points {
	if p < 0 || int(p) >= len(points) {
		return 0
	}
	return points[p]
}

func pointNumber(p ppp.Points) v1.Point {
	if i := slices.Index(points[1:], p); i >= 0 {
		return v1.Point(i + 1)
	}
	return v1.Point_POINT_UNSPECIFIED
}

// actions are the actions; the index is the number on the wire.
var actions = [...]ppp.Action{
	v1.Action_ACTION_UNSPECIFIED: ppp.Pass, v1.Action_ACTION_PASS: ppp.Pass, v1.Action_ACTION_ACK: ppp.Ack, v1.Action_ACTION_NAK: ppp.Nak,
	v1.Action_ACTION_REJECT: ppp.Reject, v1.Action_ACTION_REQUEST: ppp.Request, v1.Action_ACTION_WAIT: ppp.Wait,
	v1.Action_ACTION_RETRY: ppp.Retry, v1.Action_ACTION_TERMINATE: ppp.Terminate, v1.Action_ACTION_DROP: ppp.Drop,
	v1.Action_ACTION_SEND: ppp.Transmit,
}

// actionOf passes a number that is not known.
func actionOf(a v1.Action) ppp.Action {
	if a < 0 || int(a) >= len(actions) {
		return ppp.Pass
	}
	return actions[a]
}

func actionNumber(a ppp.Action) v1.Action {
	if i := slices.Index(actions[1:], a); i >= 0 {
		return v1.Action(i + 1)
	}
	return v1.Action_ACTION_PASS
}

func decideRequest(q advice.Decide, k Known) *v1.DecideRequest {
	return &v1.DecideRequest{
		Link: linkOf(q.Link, q.Generation), Device: deviceOf(k.Device), Id: q.ID, Protocol: uint32(q.Protocol), Point: pointNumber(q.Point),
		Code: uint32(q.Code), Options: optionsOf(q.Protocol, q.Options), Packet: q.Packet, Redacted: !k.Secrets,
		Intent: &v1.Verdict{
			Action: actionNumber(q.Intent.Action), Options: optionsOf(q.Protocol, q.Intent.Options), Packet: q.Intent.Packet,
			DelayMs: milliseconds(q.Intent.Delay), Reason: text(q.Intent.Reason),
		},
		BudgetMs: milliseconds(k.Budget),
	}
}

// Verdict reads an answer to Decide about the given protocol.
func Verdict(r *v1.DecideResponse, protocol uint16, k Known) (advice.Answer, error) {
	v := r.GetVerdict()
	action := actionOf(v.GetAction())
	if action == ppp.Pass {
		return nil, nil
	}
	a := advice.Verdict{Verdict: ppp.Verdict{Action: action, By: k.By, Reason: clip(v.GetReason()), Delay: duration(v.GetDelayMs(), maxDelay)}}
	switch action {
	case ppp.Transmit:
		if _, err := packet.Parse(v.GetPacket()); err != nil {
			return nil, bad("Decide", "the packet to send: %v", err)
		}
		a.Packet = v.GetPacket()
	case ppp.Ack, ppp.Nak, ppp.Reject, ppp.Request:
		if len(v.GetOptions()) > maxList {
			return nil, bad("Decide", "%d options", len(v.GetOptions()))
		}
		for _, o := range v.GetOptions() {
			option, err := optionFrom(protocol, o)
			if err != nil {
				return nil, err
			}
			a.Options = append(a.Options, option)
		}
	}
	return a, nil
}

// holdsAddress says whether the option is an IPv4 address.
func holdsAddress(protocol uint16, typ uint8) bool {
	if protocol != packet.IPCP {
		return false
	}
	switch typ {
	case packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPDNS2, packet.IPCPNBNS1, packet.IPCPNBNS2:
		return true
	}
	return false
}

// numberLength is how many octets an option has that is one number, or 0.
func numberLength(protocol uint16, typ uint8) int {
	if protocol != packet.LCP {
		return 0
	}
	switch typ {
	case packet.LCPMRU, packet.LCPMRRU:
		return 2
	case packet.LCPACCM, packet.LCPMagic:
		return 4
	}
	return 0
}

func optionsOf(protocol uint16, options []packet.Option) []*v1.Option {
	list := make([]*v1.Option, 0, len(options))
	for _, o := range options {
		m := &v1.Option{Type: uint32(o.Type), Data: o.Data, Text: text(notation.OptionText(protocol, o))}
		if a, ok := o.Address(); ok && holdsAddress(protocol, o.Type) {
			m.Address = a.String()
		}
		switch n := numberLength(protocol, o.Type); {
		case n == 0 || n != len(o.Data):
		case n == 2:
			v := uint32(binary.BigEndian.Uint16(o.Data))
			m.Number = &v
		default:
			v := binary.BigEndian.Uint32(o.Data)
			m.Number = &v
		}
		list = append(list, m)
	}
	return list
}

// optionFrom reads an option of an answer. Of its forms one is enough; where there are several they must agree, for
// somebody may have changed one of an option that came and forgotten the others.
func optionFrom(protocol uint16, m *v1.Option) (packet.Option, error) {
	if m.GetType() > 0xff || len(m.GetData()) > packet.MaxOptionData {
		return packet.Option{}, bad("Decide", "an option of type %d with %d octets", m.GetType(), len(m.GetData()))
	}
	o := packet.Option{Type: uint8(m.GetType()), Data: m.GetData()}
	take := func(form string, p packet.Option) error {
		if len(o.Data) > 0 && !o.Equal(p) {
			return bad("Decide", "option %d: its %s says something else than its data; leave data out", o.Type, form)
		}
		o = p
		return nil
	}
	if m.GetAddress() != "" {
		a, err := netip.ParseAddr(m.GetAddress())
		if err != nil || !a.Is4() {
			return o, bad("Decide", "option %d: %q is no IPv4 address", o.Type, clip(m.GetAddress()))
		}
		if err := take("address", packet.AddressOption(o.Type, a)); err != nil {
			return o, err
		}
	}
	if m.Number != nil {
		switch n := numberLength(protocol, o.Type); {
		case n == 4:
			return o, take("number", packet.Uint32Option(o.Type, m.GetNumber()))
		case n == 2 && m.GetNumber() <= 0xffff:
			return o, take("number", packet.Uint16Option(o.Type, uint16(m.GetNumber())))
		default:
			return o, bad("Decide", "option %d of %s cannot be the number %d; give data", o.Type, packet.ProtocolName(protocol), m.GetNumber())
		}
	}
	return o, nil
}

func milliseconds(d time.Duration) uint32 {
	return uint32(min(max(d.Milliseconds(), 0), int64(^uint32(0))))
}

func duration(ms uint32, most time.Duration) time.Duration {
	return min(time.Duration(ms)*time.Millisecond, most)
}
