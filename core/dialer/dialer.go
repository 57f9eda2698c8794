// Package dialer dials a cellular modem from a Go program, which gets connections through it with no interface, no root
// and no proxy: the IP stack is in the process. Dial returns when the link works, and Link's DialContext is that of a
// net.Dialer and fits an http.Transport.
package dialer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/quirks"
)

// Secret is a password or PIN that no event, error or print shows.
type Secret = auth.Secret

// NewSecret makes a Secret.
func NewSecret(text string) Secret { return auth.NewSecret(text) }

// Options says what to dial and how. The zero value dials the one modem of this host with what its profile and its SIM say.
type Options struct {
	Name     string   // the link's name in events; "": "link"
	Port     string   // the tty, such as /dev/ttyUSB2; "": the one of the only modem that this host has
	Scenario string   // a simulated modem in this process in place of a real one, such as "behaves" or "huawei/e398"; "": none
	APN      string   // the access point name; "": as the profile, the SIM's carrier or the modem has it
	User     string   // the name to authenticate with; "": as the profile or the carrier has it
	Password Secret   // the password to it
	PIN      Secret   // unlocks the SIM; it is sent once, and never again where it was refused
	Profile  string   // the quirk profile; "": the one of the device
	Settings []string // quirk settings above everything else, KEY=VALUE, as --set of knak dial

	Persist bool          // dial again whenever the link ends, until Close
	Timeout time.Duration // how long it may take to a working link; 0: as long as Dial's context allows

	// Database holds the profiles; nil: those that come with this module, and no others.
	Database *quirks.DB
	// Events hears everything that happens on the link, one at a time, in order. It must not block. nil: nobody does.
	Events func(event.Record)
}

// Link is a link that was up when Dial returned. Its methods are safe for concurrent use.
type Link struct {
	runner *drive.Runner
	cancel context.CancelFunc
	events func(event.Record)
	worked chan struct{} // closed at the first Up
	done   chan struct{} // closed when all is over

	mu      sync.Mutex
	up      *event.Up // nil: it is down
	plane   plane.Plane
	finding *event.Finding
	outcome link.Outcome // once done is closed
}

// Error says how a link ended, or why there is none.
type Error struct {
	Outcome link.Outcome
	Finding *event.Finding // the likeliest cause and its cure; nil: nothing was found
}

// Error gives what happened, and the cause where one was found.
func (e *Error) Error() string {
	if e.Finding != nil {
		return e.Outcome.String() + "; " + e.Finding.Title
	}
	return e.Outcome.String()
}

// Unwrap gives the cause, where an error was one.
func (e *Error) Unwrap() error { return e.Outcome.Err }

// ErrDown says that the link is not up at this moment.
var ErrDown = errors.New("the link is down")

// Dial dials and returns when packets flow. ctx bounds only the dialling, as with a net.Dialer: when it ends the attempt is ended in
// order, and its cause returned. Otherwise an error is an *Error, or says what of o cannot be followed.
func Dial(ctx context.Context, o Options) (*Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if o.Name == "" {
		o.Name = "link"
	}
	if err := o.openDatabase(); err != nil {
		return nil, err
	}
	l := &Link{events: o.Events, worked: make(chan struct{}), done: make(chan struct{})}
	where, err := o.find(ctx, func(text string) {
		l.record(event.Record{Time: time.Now(), Link: o.Name, Event: event.Notice{Level: "info", Text: text}})
	})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	l.runner = drive.New(link.Config{
		Name: o.Name, Resolve: o.resolve(where), PIN: o.PIN, Password: o.Password, Persist: o.Persist, Timeout: o.Timeout,
		OtherPort: where.other,
	}, drive.Environment{OpenPort: where.open, OpenPlane: l.openPlane, Sink: event.SinkFunc(l.record)})
	go func() {
		outcome := l.runner.Run(running)
		l.mu.Lock()
		l.outcome, l.up, l.plane = outcome, nil, nil
		l.mu.Unlock()
		close(l.done)
	}()
	select {
	case <-l.worked:
		return l, nil
	case <-l.done:
		return nil, l.Err()
	case <-ctx.Done():
		cancel()
		<-l.done
		return nil, context.Cause(ctx)
	}
}

// openPlane makes an IP stack in this process.
func (l *Link) openPlane(ctx context.Context, cfg plane.Config) (plane.Plane, error) {
	p, err := plane.Open(ctx, plane.KindStack, cfg)
	if err == nil {
		l.mu.Lock()
		l.plane = p
		l.mu.Unlock()
	}
	return p, err
}

func (l *Link) record(r event.Record) {
	l.mu.Lock()
	switch e := r.Event.(type) {
	case event.Up:
		l.up, l.finding = &e, nil
		select {
		case <-l.worked:
		default:
			close(l.worked)
		}
	case event.Down:
		l.up, l.plane = nil, nil
	case event.Finding:
		l.finding = &e
	}
	l.mu.Unlock()
	if l.events != nil {
		l.events(r)
	}
}

// dialer is the stack of a link that is up.
func (l *Link) dialer() (plane.Dialer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.plane.(plane.Dialer)
	if !ok || l.up == nil {
		return nil, ErrDown
	}
	return d, nil
}

// DialContext is net.Dialer's through the link: networks tcp, tcp4, tcp6, udp, udp4 and udp6, an address HOST:PORT. Names are
// resolved by the name servers that the network gave. While the link is down it gives ErrDown.
func (l *Link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d, err := l.dialer()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return d.Dial(ctx, network, address)
}

// Ping sends one ICMP echo request through the link, and gives how long the reply took.
func (l *Link) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	d, err := l.dialer()
	if err != nil {
		return 0, err
	}
	return d.Ping(ctx, to)
}

// Up gives what the link has, addresses and name servers; false while it is down.
func (l *Link) Up() (event.Up, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up == nil {
		return event.Up{}, false
	}
	return *l.up, true
}

// Counters gives the octets of IP packets since the link came up.
func (l *Link) Counters() (in, out uint64) { return l.runner.Counters() }

// Done is closed when the link has ended and everything is given back.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err says how the link ended: nil while it has not, and where somebody wanted it to end.
func (l *Link) Err() error {
	select {
	case <-l.done:
	default:
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outcome.Clean() && l.outcome.Kind != link.KindPeerEnded {
		return nil
	}
	return &Error{Outcome: l.outcome, Finding: l.finding}
}

// Close hangs up, and waits until the modem is on hook and the port given back. It may be called more than once.
func (l *Link) Close() error {
	l.cancel()
	<-l.done
	return l.Err()
}

// openDatabase reads the profiles, where none were given.
func (o *Options) openDatabase() error {
	if o.Database != nil {
		return nil
	}
	db, problems := builtin()
	for _, p := range problems {
		return fmt.Errorf("built-in quirks: %w", p)
	}
	o.Database = db
	return nil
}
