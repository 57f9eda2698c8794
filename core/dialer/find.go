package dialer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// builtin is the database that comes with this module. It is read once.
var builtin = sync.OnceValues(func() (*quirks.DB, []*quirks.Problem) {
	return quirks.Open(quirks.Sources{Builtin: knak.Files})
})

// Complete fills in defaults for Name and Database, reads the Scenario, adds APN and User to the Settings, and reports options
// that are impossible. Dial and Prepare call it themselves; it is for programs that must know before what will be dialled.
func (o *Options) Complete() error {
	if o.Name == "" {
		o.Name = "link"
	}
	if o.Database == nil {
		db, problems := builtin()
		for _, p := range problems {
			return fmt.Errorf("built-in quirks: %w", p)
		}
		o.Database = db
	}
	if o.Scenario != "" && o.Simulated == nil {
		s, err := files.Scenario(o.Scenario)
		if err != nil {
			return err
		}
		o.Simulated = &s
	}
	if o.Simulated != nil && o.Port+o.ATPort != "" {
		return errors.New("either a port or a scenario can be dialled, not both")
	}
	for _, s := range [...]struct{ key, value string }{{"context.apn", o.APN}, {"auth.user", o.User}} {
		if text := s.key + "=" + s.value; s.value != "" && !slices.Contains(o.Settings, text) {
			o.Settings = append([]string{text}, o.Settings...)
		}
	}
	_, err := o.Database.Resolve(quirks.Facts{}, o.Profile, o.Settings)
	return err
}

// place is where a modem is, and how to open it.
type place struct {
	now   func() (port string, facts quirks.Facts) // the present port, and what is known about the modem before it is asked
	open  func(context.Context) (drive.Port, error)
	found *device.Choice // nil: it is not a tty of this host
}

// fixed is a place that does not change.
func fixed(name string, facts quirks.Facts, open func(context.Context) (drive.Port, error)) *place {
	return &place{now: func() (string, quirks.Facts) { return name, facts }, open: open}
}

// name gives the port's name.
func (p *place) name() string {
	name, _ := p.now()
	return name
}

// otherPort gives the function for link.Config.OtherPort.
func (p *place) otherPort() func(link.Outcome) bool {
	if p.found == nil {
		return nil
	}
	return func(link.Outcome) bool { return p.found.Other() }
}

// remember keeps the port of a link that came up, and who the modem is.
func (p *place) remember(r event.Record) {
	if p.found == nil {
		return
	}
	switch e := r.Event.(type) {
	case event.Up:
		p.found.Worked()
	case event.Device:
		p.found.Identified(device.Identity{Vendor: e.Vendor, Model: e.Model, Firmware: e.Firmware})
	}
}

// find finds the modem. Settings that were found by asking it are added to the options.
func (l *Link) find(ctx context.Context) (*place, *Error) {
	o := &l.o
	switch {
	case o.Simulated != nil:
		facts := quirks.Facts{USB: cmp.Or(o.Simulated.Identity.USB, quirks.None)}
		return fixed("sim:"+o.Simulated.Name, facts, o.memoryOpener()), nil
	case o.Port == "-":
		return fixed("standard input and output", quirks.Facts{USB: quirks.None}, drive.OpenStdio(os.Stdin, os.Stdout)), nil
	}
	found, err := l.await(ctx)
	if ctx.Err() != nil {
		return nil, l.failed(link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}, nil)
	}
	if err != nil {
		out := link.Outcome{Kind: event.FailedNoModem, Phase: event.PhaseDial, Detail: err.Error()}
		var several *device.SeveralError
		if errors.As(err, &several) {
			out.Kind, out.Err = link.KindUsage, err // whoever asks a person takes the ports from it
		}
		return nil, l.failed(out, err)
	}
	serial, err := found.Serial(ctx, device.OpenSerial)
	if err != nil {
		return nil, l.failed(serialOutcome(ctx, err), err)
	}
	if len(serial) > 0 {
		o.Settings = append(serial, o.Settings...) // weaker than settings that a person gave
		l.notice("info", "found by asking: "+strings.Join(serial, ", "))
	}
	resolve := func(t device.Try) (link.Policy, error) { return o.Database.Resolve(t.Facts, o.Profile, o.Settings) }
	if _, err := resolve(found.Current()); err != nil {
		return nil, l.failed(link.Outcome{Kind: link.KindUsage, Err: err}, nil)
	}
	return &place{
		now:   func() (string, quirks.Facts) { t := found.Current(); return t.Path, t.Facts },
		open:  l.inhibitor.patient(drive.ChosenOpener(found, resolve), func(text string) { l.notice("info", text) }),
		found: found,
	}, nil
}

// memoryOpener gives the function that powers on the simulated modem, with the host Far behind it.
func (o *Options) memoryOpener() func(context.Context) (drive.Port, error) {
	m := sim.New(*o.Simulated, uint64(time.Now().UnixNano()))
	if o.Far == nil {
		return func(context.Context) (drive.Port, error) { return drive.NewMemoryPort(m), nil }
	}
	m.TakeUnanswered(true)
	return func(context.Context) (drive.Port, error) {
		p := drive.NewMemoryPortTo(m, func(packet []byte) { _ = o.Far.Deliver(packet) }) // one that was closed answers no more
		lead(o.Far, p)
		return p, nil
	}
}

// leads holds, for each far host, the port that gets its packets. One goroutine reads each host while it is open, because a Read
// cannot be ended when a link ends.
var leads sync.Map // of *atomic.Pointer[drive.MemoryPort]

// lead directs the packets of a far host to a port, instead of the one before.
func lead(far Far, p *drive.MemoryPort) {
	mine := &atomic.Pointer[drive.MemoryPort]{}
	mine.Store(p)
	it, known := leads.LoadOrStore(far, mine)
	if known {
		it.(*atomic.Pointer[drive.MemoryPort]).Store(p)
		return
	}
	go func() {
		defer leads.Delete(far)
		for far.Read(func(packet []byte) bool { mine.Load().SendPacket(packet); return true }) == nil {
		}
	}()
}

// portPause is how often Persist looks for a modem that it waits for.
const portPause = time.Second

// await chooses the port. With Persist it waits for a modem that is not there yet, but no longer than Timeout: after a start of
// the machine, the modem may appear late.
func (l *Link) await(ctx context.Context) (*device.Choice, error) {
	o := &l.o
	tell := func(text string) { l.notice("info", text) }
	var memory device.Memory = device.NoMemory{}
	if l.state != "" {
		memory = device.NewFile(l.state, tell)
	}
	began, told := time.Now(), false
	for {
		var none *device.NoneError
		l.inhibitor.before(ctx, tell)
		found, err := device.Choose(ctx, files.Machine(), o.Database, device.Wish{Port: o.Port, Profile: o.Profile, Set: o.Settings}, memory, device.OpenLine, tell)
		away := errors.As(err, &none)
		if err == nil && o.Port != "" {
			away = !port.Exists(o.Port)
		}
		if !away || !o.Persist || o.Timeout > 0 && time.Since(began)+portPause > o.Timeout {
			return found, err
		}
		if !told {
			told = true
			what := o.Port
			if what == "" {
				what = "a modem"
			}
			what += " to appear"
			l.record(event.Record{Time: time.Now(), Link: o.Name, Event: event.Notice{Level: "info", Text: "waiting for " + what + "; Ctrl-C ends", About: event.NoticeWaiting, Cause: what}})
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(portPause):
		}
	}
}

// serialOutcome gives the outcome if no modem answers on a UART.
func serialOutcome(ctx context.Context, err error) link.Outcome {
	var silent *device.NoAnswerError
	switch {
	case ctx.Err() != nil:
		return link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
	case errors.As(err, &silent):
		return link.Outcome{Kind: event.FailedModemSilent, Phase: event.PhaseDial, Detail: err.Error()}
	}
	return drive.OpenOutcome(err)
}

// atPortOpener gives the function that opens the AT port, or nil where there is none.
func (o *Options) atPortOpener() func(context.Context) (drive.Port, error) {
	if o.ATPort == "" {
		return nil
	}
	facts, err := device.FactsOn(files.Machine(), o.Database, o.ATPort)
	var r *quirks.Resolution
	if err == nil {
		r, err = o.Database.Resolve(facts, o.Profile, o.Settings)
	}
	if err != nil {
		return func(context.Context) (drive.Port, error) { return nil, err }
	}
	return drive.SerialOpener(o.ATPort, r)
}
