package dialer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// builtin is the database that comes with this module. It is read once.
var builtin = sync.OnceValues(func() (*quirks.DB, []*quirks.Problem) {
	return quirks.Open(quirks.Sources{Builtin: knak.Files})
})

// place is where a modem is, and how to get there.
type place struct {
	now   func() (port string, facts quirks.Facts)
	open  func(context.Context) (drive.Port, error)
	other func(link.Outcome) bool // link.Config.OtherPort; nil: there is only one port
}

// find finds the modem. What the options say more of its settings it adds to o.Settings.
func (o *Options) find(ctx context.Context, tell func(string)) (place, error) {
	if o.Scenario != "" && o.Port != "" {
		return place{}, errors.New("either a port or a scenario can be dialled, not both")
	}
	set := o.Settings
	if o.APN != "" {
		set = append([]string{"context.apn=" + o.APN}, set...)
	}
	if o.User != "" {
		set = append([]string{"auth.user=" + o.User}, set...)
	}
	o.Settings = set
	if _, err := o.Database.Resolve(quirks.Facts{}, o.Profile, set); err != nil {
		return place{}, err
	}
	if o.Scenario != "" {
		s, err := sim.Load(knak.Files, o.Scenario)
		if err != nil {
			return place{}, err
		}
		facts := quirks.Facts{USB: s.Identity.USB}
		if facts.USB == "" {
			facts.USB = quirks.None
		}
		m := sim.New(s, uint64(time.Now().UnixNano()))
		return place{
			now:  func() (string, quirks.Facts) { return "sim:" + s.Name, facts },
			open: func(context.Context) (drive.Port, error) { return drive.NewMemoryPort(m), nil },
		}, nil
	}
	found, err := device.Choose(ctx, device.Host(""), o.Database, device.Wish{Port: o.Port, Profile: o.Profile, Set: set}, device.NoMemory{}, device.OpenLine, tell)
	if err != nil {
		return place{}, err
	}
	serial, err := found.Serial(ctx, device.OpenSerial)
	if err != nil {
		return place{}, err
	}
	o.Settings = append(serial, set...) // weaker than what anybody said
	return place{
		now: func() (string, quirks.Facts) { t := found.Current(); return t.Path, t.Facts },
		open: drive.ChosenOpener(found, func(t device.Try) (link.Policy, error) {
			return o.Database.Resolve(t.Facts, o.Profile, o.Settings)
		}),
		other: func(link.Outcome) bool { return found.Other() },
	}, nil
}

// resolve makes the function by which the link learns how to treat its modem.
func (o *Options) resolve(at place) func(link.Facts) (link.Selection, error) {
	carriers := &policy.Carriers{Path: apn.Path}
	return func(known link.Facts) (link.Selection, error) {
		port, facts := at.now()
		return policy.Resolver{DB: o.Database, Facts: facts, Port: port, Profile: o.Profile, Set: o.Settings, Carriers: carriers}.Resolve(known)
	}
}
