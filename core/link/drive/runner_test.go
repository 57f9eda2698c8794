package drive

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/sim"
)

// fakePlane is a plane without packets that remembers whether it was closed.
type fakePlane struct {
	closed chan struct{}
	once   sync.Once
}

func newFakePlane() *fakePlane { return &fakePlane{closed: make(chan struct{})} }

func (p *fakePlane) Kind() string         { return "fake" }
func (p *fakePlane) Interface() string    { return "fake0" }
func (p *fakePlane) Deliver([]byte) error { return nil }
func (p *fakePlane) Flush() error         { return nil }
func (p *fakePlane) Read(func([]byte) bool) error {
	<-p.closed
	return net.ErrClosed
}
func (p *fakePlane) Info() []string { return nil }
func (p *fakePlane) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }

// records is a sink that keeps what happened.
type records struct {
	mu   sync.Mutex
	list []event.Record
}

func (r *records) Record(rec event.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rec)
}

func (r *records) Records() []event.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// bench is a runner with a simulated modem, a fake plane and all that happens on it.
type bench struct {
	runner *Runner
	planes []*fakePlane
	events *records
	up     chan struct{}
}

func newBench(t *testing.T, scenario string, change func(*link.Config), env func(*Environment)) *bench {
	s := linktest.Scenario(t, scenario)
	cfg := link.Config{Name: "test", Resolve: linktest.Resolve(t, s), Timeout: 2 * time.Minute}
	if change != nil {
		change(&cfg)
	}
	b := &bench{events: &records{}, up: make(chan struct{}, 10)}
	e := Environment{
		OpenPort: func(context.Context) (Port, error) { return NewMemoryPort(sim.New(s, 1)), nil },
		OpenPlane: func(context.Context, plane.Config) (plane.Plane, error) {
			p := newFakePlane()
			b.planes = append(b.planes, p)
			return p, nil
		},
		Sink: event.SinkFunc(func(r event.Record) {
			b.events.Record(r)
			if _, ok := r.Event.(event.Up); ok {
				b.up <- struct{}{}
			}
		}),
	}
	if env != nil {
		env(&e)
	}
	b.runner = New(cfg, e)
	return b
}

// allClosed says that everything taken was given back.
func (b *bench) allClosed(t *testing.T) {
	t.Helper()
	for _, p := range b.planes {
		select {
		case <-p.closed:
		default:
			t.Error("a plane was not closed")
		}
	}
}

// The runner in synctest's virtual time: all goroutines must have ended when Run returns, or the bubble reports them.
func TestRunnerGivesEverythingBack(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(b *bench, cancel func())
		code link.ExitCode
	}{
		{"context ends", func(_ *bench, cancel func()) { cancel() }, link.ExitSignal},
		{"hangup", func(b *bench, _ func()) { b.runner.Hangup(link.KindHangup, "asked for") }, link.ExitSignal},
		{"hangup twice", func(b *bench, cancel func()) {
			b.runner.Hangup(link.KindHangup, "asked for")
			b.runner.Hangup(link.KindHangup, "asked for")
			cancel()
		}, link.ExitSignal},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "behaves", nil, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan link.Outcome)
				go func() { done <- b.runner.Run(ctx) }()
				<-b.up
				c.end(b, cancel)
				if o := <-done; o.ExitCode() != c.code {
					t.Errorf("outcome %v, exit code %d, want %d", o, o.ExitCode(), c.code)
				}
				b.allClosed(t)
			})
		})
	}
}

// A hang-up at any moment of a call ends it promptly.
func TestHangupAtAnyMoment(t *testing.T) {
	for at := time.Duration(0); at < 12*time.Second; at += 700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "empty-naks-4s", nil, nil)
			done := make(chan link.Outcome)
			go func() { done <- b.runner.Run(t.Context()) }()
			time.Sleep(at)
			began := time.Now()
			b.runner.Hangup(link.KindHangup, "asked for")
			o := <-done
			if o.ExitCode() != link.ExitSignal || time.Since(began) > 10*time.Second {
				t.Errorf("hung up at %v: %v after %v", at, o, time.Since(began))
			}
			b.allClosed(t)
		})
	}
}

func TestRunnerTellsWhatCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "behaves", nil, func(e *Environment) {
			e.OpenPort = func(context.Context) (Port, error) { return nil, errors.New("no such tty") }
		})
		if o := b.runner.Run(t.Context()); o.ExitCode() != link.ExitOpen {
			t.Errorf("port: %v", o)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if o := b.runner.Run(ctx); o.ExitCode() != link.ExitSignal {
			t.Errorf("told to end while the port was being opened: %v", o)
		}
		b = newBench(t, "behaves", nil, func(e *Environment) {
			e.OpenPlane = func(context.Context, plane.Config) (plane.Plane, error) { return nil, plane.ErrNotPermitted }
		})
		if o := b.runner.Run(t.Context()); o.ExitCode() != link.ExitPrivilege {
			t.Errorf("plane: %v", o)
		}
	})
}

// A modem that is unplugged and comes back: with Persist the port is opened again, as often as it takes.
func TestRunnerReopensTheLostPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := linktest.Scenario(t, "behaves")
		var ports, atPorts []*MemoryPort
		b := newBench(t, "behaves", func(c *link.Config) { c.Persist, c.ATPort = true, true }, func(e *Environment) {
			e.OpenATPort = func(context.Context) (Port, error) {
				if n := len(atPorts); n > 0 && !atPorts[n-1].closed {
					t.Error("the AT port is opened twice")
				}
				p := NewMemoryPort(sim.New(s, 1))
				atPorts = append(atPorts, p)
				return p, nil
			}
			e.OpenPort = func(context.Context) (Port, error) {
				p := NewMemoryPort(sim.New(s, 1))
				ports = append(ports, p)
				return p, nil
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan link.Outcome)
		go func() { done <- b.runner.Run(ctx) }()
		<-b.up
		for range 3 {
			_ = ports[len(ports)-1].Close() // the stick is pulled out
			<-b.up
		}
		cancel()
		if o := <-done; o.ExitCode() != link.ExitSignal {
			t.Errorf("outcome %v", o)
		}
		if len(ports) != 4 || len(atPorts) != 4 || len(b.planes) != 4 {
			t.Errorf("%d ports, %d AT ports and %d planes opened, want 4 of each", len(ports), len(atPorts), len(b.planes))
		}
		if !atPorts[3].closed {
			t.Error("the AT port stays open")
		}
		b.allClosed(t)
	})
}

// Whoever waits for a port that is away for longer hears it, once.
func TestRunnerTellsThatItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := linktest.Scenario(t, "behaves")
		var ports []*MemoryPort
		told := 0
		b := newBench(t, "behaves", func(c *link.Config) { c.Persist = true }, func(e *Environment) {
			next := e.Sink
			e.PortName = func() string { return "/dev/ttyUSB2" }
			e.Sink = event.SinkFunc(func(r event.Record) {
				if n, ok := r.Event.(event.Notice); ok && n.Text == "/dev/ttyUSB2 is not there: waiting up to 60 s for it to come back" && n.About == event.NoticeWaiting && n.Cause == "/dev/ttyUSB2 to come back" {
					told++
				}
				next.Record(r)
			})
			e.OpenPort = func(context.Context) (Port, error) {
				if len(ports) > 0 {
					time.Sleep(30 * time.Second) // the stick is away
				}
				ports = append(ports, NewMemoryPort(sim.New(s, 1)))
				return ports[len(ports)-1], nil
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan link.Outcome)
		go func() { done <- b.runner.Run(ctx) }()
		<-b.up
		_ = ports[0].Close()
		<-b.up
		cancel()
		<-done
		if told != 1 {
			t.Errorf("told %d times, want once", told)
		}
	})
}

// stuckPort is a port with a modem that, from a moment on, takes nothing: Write waits until Close.
type stuckPort struct {
	*MemoryPort
	stuck  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (p *stuckPort) Write(b []byte) (int, error) {
	select {
	case <-p.stuck:
		<-p.closed
		return 0, net.ErrClosed
	default:
		return p.MemoryPort.Write(b)
	}
}

func (p *stuckPort) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.MemoryPort.Close()
}

// A modem that takes nothing any more keeps neither the hang-up from coming to its end nor anything open.
func TestStuckPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := linktest.Scenario(t, "behaves")
		port := &stuckPort{MemoryPort: NewMemoryPort(sim.New(s, 1)), stuck: make(chan struct{}), closed: make(chan struct{})}
		b := newBench(t, "behaves", nil, func(e *Environment) {
			e.OpenPort = func(context.Context) (Port, error) { return port, nil }
		})
		done := make(chan link.Outcome)
		go func() { done <- b.runner.Run(t.Context()) }()
		<-b.up
		close(port.stuck)
		began := time.Now()
		b.runner.Hangup(link.KindHangup, "asked for")
		if o := <-done; o.ExitCode() != link.ExitSignal || time.Since(began) > 90*time.Second {
			t.Errorf("%v after %v", o, time.Since(began))
		}
		b.allClosed(t)
	})
}

// Somebody removes the network interface: the link ends, and says so.
func TestPlaneThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "behaves", nil, nil)
		done := make(chan link.Outcome)
		go func() { done <- b.runner.Run(t.Context()) }()
		<-b.up
		_ = b.planes[0].Close()
		if o := <-done; o.Kind != link.KindPlane {
			t.Errorf("outcome %v", o)
		}
	})
}
