// Package dialer dials a cellular modem: it finds the modem, unlocks the SIM, brings the link up and holds it, and remembers
// facts for the next dial. knak dial uses it.
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

// Options says what to dial and how. The zero value dials the only modem of this host with the settings of its profile and its
// SIM, and gives connections through it to this process only.
type Options struct {
	Name string // the link's name in events and for knak status; "": "link"

	// Which modem. Port is a tty, such as /dev/ttyUSB2, or - for standard input and output; ATPort is a tty for everything
	// but dialling. Scenario is a simulated modem in this process: the name of one that comes with knak, such as "behaves" or
	// "huawei/e398", or a file. Simulated is a scenario that the program has read or made itself. If none is set, the only
	// modem of this host is dialled.
	Port, ATPort, Scenario string
	Simulated              *sim.Scenario

	// Far is a host in the network of a simulated modem; it may have any address that has no built-in answers. nil: there is
	// none. A stack.Stack of core/plane/stack is one. The caller closes it.
	Far Far

	// APN and login. Empty: from the profile, the SIM's carrier or the modem.
	APN, User string
	Password  Secret

	// PIN unlocks the SIM. A PIN that the SIM refused is not sent again, by this process or a later one, except with
	// PINAgain. The last try is not used, except with PINLastTry.
	PIN                  Secret
	PINAgain, PINLastTry bool

	Profile  string         // the quirk profile; "": the one of the device
	Settings []string       // quirk settings above everything else, KEY=VALUE, as --set of knak dial
	Prove    link.ProveMode // whether a packet must have come back before the link counts as up

	Inhibit bool          // keep ModemManager off the modem until Close
	Persist bool          // dial again whenever the link ends, until Close
	Timeout time.Duration // how long it may take until the link works; 0: as long as the context allows
	Limits  Limits

	// Plane says where packets go: one of plane.Kinds; "": plane.KindStack, the only one with DialContext. PlaneConfig holds
	// choices such as Proxy, DefaultRoute or DNSMode; the link's own values are filled in.
	Plane       string
	PlaneConfig plane.Config
	Hooks       hooks.Config // the host's own scripts: Dir, Limit, Speed, Param and ScriptsDoDNS; Dir "": none are run

	// StateDir is the directory for what the next dial should know: which port of the modem worked, which PINs the SIM
	// refused, what was learned about the modem. For simulated modems it is the directory sim below it. "": the directory
	// that knak dial uses on this host; for a simulated modem nothing is kept.
	StateDir string
	// NoAdapt: a failed dial does not try other settings, and learned settings are not used.
	NoAdapt bool
	// Reachable lets knak status and knak hangup reach the link by its name. No other link on this host can then have that
	// name.
	Reachable bool

	// Database holds the profiles; nil: those that come with this module, and no others.
	Database *quirks.DB
	// Events is called for every event on the link, one at a time, in order, without secrets. It must not block, and must
	// call no method of the Link except Up. nil: events are dropped.
	Events func(event.Record)
	// Tap gets the octets that pass at the port; nil: no tap.
	Tap drive.Tap
	// Experiment is what this dial of a search tries; nil: it is not an experiment.
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

// Far is a host at the far end of a simulated modem. Packets to it go to Deliver. Read waits for packets from it and calls each
// for every one; after the host was closed, it gives an error. The value must be a pointer, and used by one link at a time.
type Far interface {
	Deliver(packet []byte) error
	Read(each func(packet []byte) (more bool)) error
}

// Limits end a link, or the dialling, automatically. Zero means no limit.
type Limits struct {
	Once     bool          // end the link as soon as it is up
	Attempts int           // how often to dial; 0: once, or as the profile says, or without limit with Persist
	Idle     time.Duration // end after this long without a packet
	Time     time.Duration // end when the link was up for this long
	Bytes    uint64        // end after this many octets of IP packets, both directions together
}

// Error says how a link ended, or why it did not come up.
type Error struct {
	Outcome link.Outcome
	Finding *event.Finding // the likeliest cause and its cure; nil: nothing was found
	cause   error
}

// Error gives what happened, and the cause if one was found.
func (e *Error) Error() string {
	if e.Finding != nil {
		return e.Outcome.String() + "; " + e.Finding.Title
	}
	return e.Outcome.String()
}

// Unwrap gives the error that was the cause; nil: none.
func (e *Error) Unwrap() error {
	if e.cause != nil {
		return e.cause
	}
	return e.Outcome.Err
}

// ErrDown means that the link is not up at this moment.
var ErrDown = errors.New("the link is down")

// Dial dials and returns when packets flow. ctx limits only the dialling, as with a net.Dialer: when it ends, the attempt is
// ended properly, and the cause of ctx is returned. Any other error is an *Error, or says which of the options are impossible.
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
