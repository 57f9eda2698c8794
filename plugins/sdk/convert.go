package sdk

import (
	"net/netip"
	"strings"
	"time"

	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// From the wire.

func linkFrom(m *v1.Link) Link { return Link{Name: m.GetName(), Attempt: int(m.GetAttempt())} }

func deviceFrom(m *v1.Device) Device {
	return Device{
		Port: m.GetPort(), USB: m.GetUsb(), Vendor: m.GetVendor(), Model: m.GetModel(), Firmware: m.GetFirmware(), Profile: m.GetProfile(),
	}
}

func optionsFrom(list []*v1.Option) Options {
	if len(list) == 0 {
		return nil
	}
	out := make(Options, 0, len(list))
	for _, m := range list {
		if m.GetType() <= 0xff {
			out = append(out, Option{uint8(m.GetType()), m.GetData()})
		}
	}
	return out
}

func verdictFrom(m *v1.Verdict) Verdict {
	return Verdict{
		Action: Action(m.GetAction()), Options: optionsFrom(m.GetOptions()), Packet: m.GetPacket(), Delay: milliseconds(m.GetDelayMs()),
		Reason: m.GetReason(),
	}
}

func eventFrom(m *v1.DecideRequest) Event {
	return Event{
		Link: linkFrom(m.GetLink()), Device: deviceFrom(m.GetDevice()), ID: m.GetId(), Protocol: Protocol(m.GetProtocol()),
		Point: Point(m.GetPoint()), Code: uint8(m.GetCode()), Options: optionsFrom(m.GetOptions()), Packet: m.GetPacket(),
		Redacted: m.GetRedacted(), Intent: verdictFrom(m.GetIntent()), Budget: milliseconds(m.GetBudgetMs()),
	}
}

func stepsFrom(m *v1.StepsRequest) Steps {
	q := Steps{
		Link: linkFrom(m.GetLink()), Device: deviceFrom(m.GetDevice()), Dial: m.GetDial(), Connect: m.GetConnect(), Commands: m.GetCommands(),
	}
	switch m.GetWhen() {
	case v1.When_WHEN_BEFORE:
		q.When = Before
	case v1.When_WHEN_AFTER:
		q.When = After
	}
	for _, s := range m.GetSteps() {
		q.Steps = append(q.Steps, Step{Command: s.GetCommand(), Expect: s.GetExpect(), Timeout: milliseconds(s.GetTimeoutMs()), Sensitive: s.GetSensitive()})
	}
	return q
}

func proveFrom(m *v1.ProveRequest) Prove {
	q := Prove{
		Link: linkFrom(m.GetLink()), Device: deviceFrom(m.GetDevice()), Local: addressFrom(m.GetLocal()), Peer: addressFrom(m.GetPeer()),
		PeerAssumed: m.GetPeerAssumed(), MTU: int(m.GetMtu()), Provisional: m.GetProvisional(), WillProbe: m.GetWillProbe(),
	}
	for _, d := range m.GetDns() {
		q.DNS = append(q.DNS, addressFrom(d))
	}
	return q
}

func noticeFrom(m *v1.NotifyRequest) Notice {
	n := Notice{Link: linkFrom(m.GetLink()), Kind: m.GetKind(), JSON: m.GetJson(), Lost: int(m.GetLost())}
	if m.GetTimeUnixMs() != 0 {
		n.Time = time.UnixMilli(m.GetTimeUnixMs())
	}
	switch e := m.GetEvent().(type) {
	case *v1.NotifyRequest_Phase:
		n.Event = Phase{e.Phase.GetPhase()}
	case *v1.NotifyRequest_Up:
		n.Event = Up{
			Interface: e.Up.GetInterface(), Plane: e.Up.GetPlane(), Local: e.Up.GetLocal(), Peer: e.Up.GetPeer(), DNS: e.Up.GetDns(),
			MTU: int(e.Up.GetMtu()), IPv6: e.Up.GetIpv6(), Elapsed: time.Duration(e.Up.GetElapsedMs()) * time.Millisecond, Proved: e.Up.GetProved(),
		}
	case *v1.NotifyRequest_Down:
		n.Event = Down{
			Reason: e.Down.GetReason(), ExitCode: int(e.Down.GetExitCode()), Seconds: e.Down.GetSeconds(), BytesIn: e.Down.GetBytesIn(),
			BytesOut: e.Down.GetBytesOut(),
		}
	case *v1.NotifyRequest_Finding:
		n.Event = Finding{
			ID: e.Finding.GetId(), Category: e.Finding.GetCategory(), Confidence: e.Finding.GetConfidence(), Title: e.Finding.GetTitle(),
			Evidence: e.Finding.GetEvidence(), Meaning: e.Finding.GetMeaning(), Cure: e.Finding.GetCure(),
		}
	case *v1.NotifyRequest_Statistics:
		n.Event = Statistics{BytesIn: e.Statistics.GetBytesIn(), BytesOut: e.Statistics.GetBytesOut(), Seconds: e.Statistics.GetSeconds()}
	}
	return n
}

func addressFrom(s string) Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

func milliseconds(ms uint32) Duration { return time.Duration(ms) * time.Millisecond }

// To the wire.

func optionsOf(list Options) []*v1.Option {
	out := make([]*v1.Option, 0, len(list))
	for _, o := range list {
		out = append(out, &v1.Option{Type: uint32(o.Type), Data: o.Data})
	}
	return out
}

func verdictOf(v Verdict) *v1.Verdict {
	return &v1.Verdict{Action: v1.Action(v.Action), Options: optionsOf(v.Options), Packet: v.Packet, DelayMs: wait(v.Delay), Reason: text(v.Reason)}
}

func identifiedOf(a Identified) *v1.IdentifyResponse {
	m := &v1.IdentifyResponse{Vendor: text(a.Vendor), Model: text(a.Model), Firmware: text(a.Firmware)}
	for _, s := range a.Settings {
		m.Settings = append(m.Settings, &v1.Setting{Key: text(s.Key), Value: text(s.Value), Reason: text(s.Reason)})
	}
	return m
}

func planOf(p Plan) *v1.StepsResponse {
	m := &v1.StepsResponse{Replace: p.Replace, Abort: text(p.Abort), Reason: text(p.Reason)}
	for _, s := range p.Steps {
		step := &v1.Step{Command: text(s.Command), TimeoutMs: wait(s.Timeout), Sensitive: s.Sensitive}
		for _, e := range s.Expect {
			step.Expect = append(step.Expect, text(e))
		}
		m.Steps = append(m.Steps, step)
	}
	return m
}

func proofOf(p Proof) *v1.ProveResponse {
	m := &v1.ProveResponse{Trust: text(p.Trust), Refuse: text(p.Refuse)}
	for _, a := range p.Targets {
		m.Targets = append(m.Targets, a.String())
	}
	return m
}

// text makes s fit for the wire, where text is UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// wait gives whole milliseconds, rounded up so that a short wait does not become 0.
func wait(d Duration) uint32 {
	if d <= 0 {
		return 0
	}
	return uint32(min((d+time.Millisecond-1)/time.Millisecond, 1<<32-1))
}
