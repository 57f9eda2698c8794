// Package dialer dials a cellular modem: it finds the modem, unlocks it, brings the link up and holds it, and remembers what
// the next dial should know. knak dial is made of it.
//
// A Go program dials with one call, and needs no interface, no root and no proxy: the IP stack is in the process. Dial returns
// when the link works; Link's DialContext is that of a net.Dialer, and Transport that of a web client. A program that holds a link
// itself, as knak dial does, calls Prepare and then Link.Run.
package dialer

import (
	"context"
	"errors"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Secret is a password or PIN that no event, error or print shows.
type Secret = auth.Secret

// NewSecret makes a Secret.
func NewSecret(text string) Secret { return auth.NewSecret(text) }

// Options says what to dial and how. The zero value dials the one modem of this host with what its profile and its SIM say, and
// gives connections through it to this process alone.
type Options struct {
	Name string // the link's name in events and for knak status; "": "link"

	// Which modem. Port is a tty, such as /dev/ttyUSB2, or - for standard input and output; ATPort is one for all but dialling.
	// Scenario is a simulated modem in this process in place of a real one: the name of one that comes with knak, such as
	// "behaves" or "huawei/e398", or a file; Simulated is one that the program has read or made itself. With none of them it is the
	// only modem of this host.
	Port, ATPort, Scenario string
	Simulated              *sim.Scenario

	// Far is a host behind a simulated modem, with any address that no built-in answer comes from; nil: there is none. A
	// stack.Stack of core/plane/stack is one. The caller closes it.
	Far Far

	// What the network is told. Empty is what the profile, the SIM's carrier or the modem has.
	APN, User string
	Password  Secret

	// PIN unlocks the SIM. One that the SIM refused is not sent to it again, by this process or the next, unless PINAgain; and
	// the last try is not spent, unless PINLastTry.
	PIN                  Secret
	PINAgain, PINLastTry bool

	Profile  string         // the quirk profile; "": the one of the device
	Settings []string       // quirk settings above everything else, KEY=VALUE, as --set of knak dial
	Prove    link.ProveMode // whether a packet must have come back before the link counts as up

	Inhibit bool          // keep ModemManager off the modem until Close
	Persist bool          // dial again whenever the link ends, until Close
	Timeout time.Duration // how long it may take to a working link; 0: as long as the context allows
	Limits  Limits

	// Where packets go: one of plane.Kinds; "": plane.KindStack, without which there is no DialContext. PlaneConfig says what
	// of the plane is chosen, such as Proxy, DefaultRoute or DNSMode; what the link gives is filled in.
	Plane       string
	PlaneConfig plane.Config
	Hooks       hooks.Config // the host's own scripts: Dir, Limit, Speed, Param and ScriptsDoDNS; Dir "": none are run

	// StateDir is where is kept what the next dial should know: which port of the modem worked, which PINs the SIM refused, what
	// was learned of the modem; of simulated modems in sim below it. "": where knak dial keeps it on this host, and nowhere for a
	// simulated modem.
	StateDir string
	// NoAdapt varies nothing when a dial fails, and uses nothing that was learned so.
	NoAdapt bool
	// Reachable lets knak status and knak hangup reach the link by its name, which then no other link on this host can have.
	Reachable bool

	// Database holds the profiles; nil: those that come with this module, and no others.
	Database *quirks.DB
	// Events hears everything that happens on the link, one at a time, in order, without secrets. It must not block, and may call
	// no method of the Link but Up. nil: nobody does.
	Events func(event.Record)
	// Tap hears the octets that pass at the port; nil: nobody does.
	Tap drive.Tap
	// Experiment is what one dial of a search tries; nil: it is no experiment.
	Experiment *Experiment
}

// StartsPrograms says whether a dial with these options may start programs: the host's scripts, or those that set name servers.
func (o *Options) StartsPrograms() bool {
	switch o.Plane {
	case "", plane.KindStack, plane.KindNone:
		return false
	}
	mode := o.PlaneConfig.DNSMode
	if mode == "" || mode == resolv.System {
		mode = resolv.Host{}.Chooses()
	}
	byFile := mode == resolv.None || mode == resolv.File
	return o.Hooks.Dir != "" || !byFile
}

// Far is a host at the far end of a simulated modem: what is sent to it goes to Deliver, and what it sends comes by Read, which
// calls each for every packet that is there, or waits for one, and gives an error after it was closed. It is a pointer, and of one
// link at a time.
type Far interface {
	Deliver(packet []byte) error
	Read(each func(packet []byte) (more bool)) error
}

// Limits end a link, or the dialling, without anybody asking for it. Zero means that there is no limit.
type Limits struct {
	Once     bool          // end the link as soon as it is up
	Attempts int           // how often to dial; 0: once, or as the profile says, or without limit with Persist
	Idle     time.Duration // end after so long without a packet
	Time     time.Duration // end after so long up
	Bytes    uint64        // end after so many octets of IP packets in both directions
}

// Error says how a link ended, or why there is none.
type Error struct {
	Outcome link.Outcome
	Finding *event.Finding // the likeliest cause and its cure; nil: nothing was found
	cause   error
}

// Error gives what happened, and the cause where one was found.
func (e *Error) Error() string {
	if e.Finding != nil {
		return e.Outcome.String() + "; " + e.Finding.Title
	}
	return e.Outcome.String()
}

// Unwrap gives the cause, where an error was one.
func (e *Error) Unwrap() error {
	if e.cause != nil {
		return e.cause
	}
	return e.Outcome.Err
}

// ErrDown says that the link is not up at this moment.
var ErrDown = errors.New("the link is down")

// Dial dials and returns when packets flow. ctx bounds only the dialling, as with a net.Dialer: when it ends the attempt is ended in
// order, and its cause returned. Otherwise an error is an *Error, or says what of o cannot be followed.
func Dial(ctx context.Context, o Options) (*Link, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	l, err := Prepare(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	l.begin()
	go l.Run(context.WithoutCancel(ctx))
	select {
	case <-l.worked:
		return l, nil
	case <-l.done:
		_ = l.Close() // what it was is told, also where somebody wanted it
		return nil, l.ended()
	case <-ctx.Done():
		_ = l.Close() // nobody wants it any more
		return nil, context.Cause(ctx)
	}
}
