package drive

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/ppp/packet"
)

// line is a Port with a scripted peer behind it.
type line struct {
	mu      sync.Mutex
	in      []byte // for the runner
	some    chan struct{}
	closed  chan struct{}
	once    sync.Once
	decoder *hdlc.Decoder
	encoder *hdlc.Encoder
	id      byte
	// take is the peer: it gets every frame of the runner's that is a control packet, with mu held.
	take func(protocol uint16, p packet.Packet)
}

func newLine() *line {
	return &line{some: make(chan struct{}, 1), closed: make(chan struct{}), decoder: hdlc.NewDecoder(hdlc.DecoderConfig{MRU: 1600}), encoder: hdlc.NewEncoder(hdlc.DefaultConfig())}
}

func (l *line) Read(p []byte) (int, error) {
	for {
		l.mu.Lock()
		n := copy(p, l.in)
		l.in = l.in[n:]
		l.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-l.some:
		case <-l.closed:
			return 0, io.EOF
		}
	}
}

// raw gives the runner octets, with l.mu held.
func (l *line) raw(b []byte) {
	l.in = append(l.in, b...)
	select {
	case l.some <- struct{}{}:
	default:
	}
}

// send gives the runner a packet, with l.mu held.
func (l *line) send(protocol uint16, p packet.Packet) {
	l.raw(l.encoder.Append(nil, protocol, p.AppendTo(nil)))
}

func (l *line) request(protocol uint16, options ...packet.Option) {
	l.id++
	l.send(protocol, packet.Packet{Code: packet.ConfigureRequest, ID: l.id, Data: packet.AppendOptions(nil, options)})
}

func (l *line) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for item, rest := l.decoder.Next(b); item.Kind != hdlc.None; item, rest = l.decoder.Next(rest) {
		if item.Kind != hdlc.Frame {
			continue
		}
		if p, err := packet.Parse(item.Info); err == nil {
			l.take(item.Protocol, p)
		}
	}
	return n, nil
}

func (*line) Apply(at.Output) error          { return nil }
func (*line) WatchLines(func(at.ModemLines)) {}
func (l *line) Close() error                 { l.once.Do(func() { close(l.closed) }); return nil }

// storm is a peer that agrees to everything, and begins IPCP anew 5 ms after it is open, each time with another address for us.
type storm struct {
	*line
	count        int  // renegotiations
	ours, theirs bool // whose request of this one is acknowledged
}

func newStorm() *storm {
	s := &storm{line: newLine()}
	s.take = s.answer
	return s
}

func (s *storm) answer(protocol uint16, p packet.Packet) {
	switch {
	case p.Code == packet.TerminateRequest:
		s.send(protocol, packet.Packet{Code: packet.TerminateAck, ID: p.ID})
	case protocol == packet.LCP && p.Code == packet.ConfigureRequest:
		s.send(packet.LCP, packet.Packet{Code: packet.ConfigureAck, ID: p.ID, Data: p.Data})
		s.request(packet.LCP)
	case protocol == packet.IPCP && p.Code == packet.ConfigureAck:
		s.theirs = true
		s.opened()
	case protocol == packet.IPCP && p.Code == packet.ConfigureRequest:
		options, err := packet.ParseOptions(nil, p.Data)
		if err != nil {
			return
		}
		o, _ := packet.Find(options, packet.IPCPAddress)
		if a, _ := o.Address(); a != s.address() {
			s.send(packet.IPCP, packet.Packet{Code: packet.ConfigureNak, ID: p.ID, Data: packet.AddressOption(packet.IPCPAddress, s.address()).AppendTo(nil)})
			return
		}
		s.send(packet.IPCP, packet.Packet{Code: packet.ConfigureAck, ID: p.ID, Data: p.Data})
		s.ours = true
		if s.count == 0 {
			s.anew()
		}
		s.opened()
	}
}

func (s *storm) address() netip.Addr {
	return netip.AddrFrom4([4]byte{10, 1, byte(s.count >> 8), byte(s.count)})
}

// opened begins anew where IPCP is open.
func (s *storm) opened() {
	if !s.ours || !s.theirs {
		return
	}
	s.ours, s.theirs = false, false
	time.AfterFunc(5*time.Millisecond, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.anew()
	})
}

// anew begins IPCP with other addresses for itself and for us: a request that changes nothing would begin nothing.
func (s *storm) anew() {
	s.count++
	s.request(packet.IPCP, packet.AddressOption(packet.IPCPAddress, netip.AddrFrom4([4]byte{10, 64, 64, byte(64 + s.count%2)})))
}

// slowPlane takes its time to be closed, as one does whose name servers are told by a slow program.
type slowPlane struct {
	*fakePlane
	slow time.Duration
}

func (p slowPlane) Close() error {
	time.Sleep(p.slow)
	return p.fakePlane.Close()
}

// TestStormOfRenegotiations is the third finding of an attack on knak: a peer that negotiates IPCP 2,000 times in 10 s had
// 1,700 interfaces set up and 2,083 ups told, and the dial went on for a minute after SIGTERM.
func TestStormOfRenegotiations(t *testing.T) {
	for _, slow := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := linktest.Scenario(t, "behaves")
			peer := newStorm()
			var mu sync.Mutex
			opens, ups, events, downs := 0, 0, 0, 0
			runner := New(link.Config{Name: "test", Resolve: linktest.Resolve(t, s, "dial.number=", "prove.mode=never")}, Environment{
				OpenPort: func(context.Context) (Port, error) { return peer, nil },
				OpenPlane: func(ctx context.Context, _ plane.Config) (plane.Plane, error) {
					mu.Lock()
					opens++
					mu.Unlock()
					select {
					case <-time.After(slow):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					return slowPlane{newFakePlane(), slow}, nil
				},
				Sink: event.SinkFunc(func(r event.Record) {
					mu.Lock()
					defer mu.Unlock()
					events++
					switch r.Event.(type) {
					case event.Up:
						ups++
					case event.Down:
						downs++
					}
				}),
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan link.Outcome)
			go func() { done <- runner.Run(ctx) }()
			time.Sleep(10 * time.Second)
			began := time.Now()
			cancel()
			o := <-done
			took := time.Since(began)
			peer.mu.Lock()
			count := peer.count
			peer.mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			if count < 1500 {
				t.Errorf("only %d renegotiations: it is no storm", count)
			}
			if opens > 6 || ups > 6 || ups < 1 && slow == 0 { // a plane that takes a second is always too late
				t.Errorf("%d renegotiations make %d planes and are told as %d ups", count, opens, ups)
			}
			if events > 3000 {
				t.Errorf("%d renegotiations are told by %d events", count, events)
			}
			if took > 4*time.Second || o.ExitCode() != link.ExitSignal || downs != 1 {
				t.Errorf("told to end, it took %v: %v, %d downs", took, o, downs)
			}
			time.Sleep(10 * time.Second) // what goes on without us ends
			t.Logf("%d renegotiations: %d planes, %d ups, %d events; the end took %v", count, opens, ups, events, took)
		})
	}
}

// TestWhatHangsDoesNotHoldTheEnd: a program that is told of the end and hangs goes on by itself; a person is told.
func TestWhatHangsDoesNotHoldTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "behaves", nil, func(e *Environment) {
			e.OpenPlane = func(context.Context, plane.Config) (plane.Plane, error) {
				return slowPlane{newFakePlane(), time.Hour}, nil
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan link.Outcome)
		go func() { done <- b.runner.Run(ctx) }()
		<-b.up
		began := time.Now()
		cancel()
		<-done
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("the end took %v", took)
		}
		told := false
		for _, r := range b.events.Records() {
			n, ok := r.Event.(event.Notice)
			told = told || ok && strings.Contains(n.Text, "something has not ended within 2s")
		}
		if !told {
			t.Error("nobody was told")
		}
		time.Sleep(2 * time.Hour) // it ends
	})
}

// lostPlane is a plane whose addresses the host cannot live with any more.
type lostPlane struct{ *fakePlane }

func (p lostPlane) Read(func([]byte) bool) error {
	time.Sleep(time.Minute)
	return &plane.AddressError{Word: gate.Word{Role: gate.Local, Addr: netip.MustParseAddr("10.0.0.2"), What: "the host's gateway"}}
}

// TestAddressThatTheHostGot: the link ends, says why, and is dialled again only with --persist.
func TestAddressThatTheHostGot(t *testing.T) {
	for _, persist := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			opened := 0
			b := newBench(t, "behaves", func(c *link.Config) { c.Persist = persist }, func(e *Environment) {
				e.OpenPlane = func(context.Context, plane.Config) (plane.Plane, error) {
					opened++
					return lostPlane{newFakePlane()}, nil
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan link.Outcome)
			go func() { done <- b.runner.Run(ctx) }()
			if <-b.up; persist {
				<-b.up
				cancel()
			}
			o := <-done
			cancel()
			if want := map[bool]link.ExitCode{false: link.ExitCarriesNoData, true: link.ExitSignal}[persist]; o.ExitCode() != want || opened > 2 {
				t.Errorf("persist %v: %v, %d planes", persist, o, opened)
			}
			found := false
			for _, r := range b.events.Records() {
				f, ok := r.Event.(event.Finding)
				found = found || ok && f.ID == "address-conflict"
			}
			if !found {
				t.Errorf("persist %v: nobody was told why", persist)
			}
			time.Sleep(time.Hour) // the last Read ends
		})
	}
}
