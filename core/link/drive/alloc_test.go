package drive

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// countingPlane takes every packet, and gives none until it is closed.
type countingPlane struct {
	count  int
	closed chan struct{}
}

func (p *countingPlane) Kind() string                 { return plane.KindNone }
func (p *countingPlane) Interface() string            { return "" }
func (p *countingPlane) Deliver([]byte) error         { p.count++; return nil }
func (p *countingPlane) Flush() error                 { return nil }
func (p *countingPlane) Read(func([]byte) bool) error { <-p.closed; return net.ErrClosed }
func (p *countingPlane) Info() []string               { return nil }
func (p *countingPlane) Close() error                 { close(p.closed); return nil }

// upRunner is a runner whose link is up on a simulated modem, with nothing on its way.
func upRunner(t testing.TB) (*Runner, *countingPlane) {
	t.Helper()
	scenario := linktest.Scenario(t, "behaves-none")
	p := &countingPlane{closed: make(chan struct{})}
	up := make(chan struct{})
	r := New(link.Config{Name: "test", Resolve: linktest.Resolve(t, scenario), Timeout: time.Minute}, Environment{
		OpenPort:  func(context.Context) (Port, error) { return NewMemoryPort(sim.New(scenario, 1)), nil },
		OpenPlane: func(context.Context, plane.Config) (plane.Plane, error) { return p, nil },
		Sink: event.SinkFunc(func(r event.Record) {
			if _, ok := r.Event.(event.Up); ok {
				close(up)
			}
		}),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-up:
	case <-time.After(30 * time.Second):
		t.Fatal("the simulated modem is not up")
	}
	return r, p
}

// ipPacket is a packet of 1500 octets of which some must be escaped.
func ipPacket() []byte {
	p := make([]byte, 1500)
	for i := range p {
		p[i] = byte(i * 7)
	}
	p[0] = 0x45
	return p
}

// TestNoAllocationPerPacket: in both directions, through the runner, the session and the framing.
func TestNoAllocationPerPacket(t *testing.T) {
	r, p := upRunner(t)
	line := hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.IP, ipPacket())
	r.received(line) // buffers grow once
	before := p.count
	if n := testing.AllocsPerRun(500, func() { r.received(line) }); n != 0 {
		t.Errorf("%v allocations for a packet from the peer", n)
	}
	if p.count-before < 500 {
		t.Fatalf("the plane got %d packets", p.count-before)
	}
	var out []byte
	now := time.Now()
	send := func() {
		r.mu.Lock()
		out = r.session.AppendPacket(now, out[:0], ipPacketOnce)
		r.mu.Unlock()
	}
	send()
	if len(out) < 1500 {
		t.Fatalf("%d octets for a packet", len(out))
	}
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations for a packet to the peer", n)
	}
}

var ipPacketOnce = ipPacket()

func BenchmarkPacketFromPeer(b *testing.B) {
	r, _ := upRunner(b)
	line := hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.IP, ipPacketOnce)
	b.SetBytes(int64(len(ipPacketOnce)))
	b.ReportAllocs()
	for b.Loop() {
		r.received(line)
	}
}

func BenchmarkPacketToPeer(b *testing.B) {
	r, _ := upRunner(b)
	now := time.Now()
	var out []byte
	b.SetBytes(int64(len(ipPacketOnce)))
	b.ReportAllocs()
	for b.Loop() {
		r.mu.Lock()
		out = r.session.AppendPacket(now, out[:0], ipPacketOnce)
		r.mu.Unlock()
	}
}
