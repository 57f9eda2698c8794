// Package policy makes the selection of settings for a link, from the quirk database, the facts about a modem, and a person's
// choices.
package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/quirks"
)

// Resolver computes the settings for one connection. Its Resolve is for link.Config.
type Resolver struct {
	DB      *quirks.DB
	Facts   quirks.Facts // the facts that are known before the modem identifies itself
	Port    string       // the port's name for people
	Profile string       // the profile that a person named; "": the device's
	Unknown bool         // treat the modem as unknown, unless Profile names a profile
	Set     []string     // a person's settings, KEY=VALUE; they beat all others
	// Learned gives the settings that experiments have found for a modem with these facts; nil: nothing was learned.
	Learned func(link.Facts) []quirks.Advised
	// Unset gives settings to use for keys that no layer sets; nil: there are none.
	Unset func() []quirks.Advised
	// Carriers gives the APNs and logins of carriers; nil: none are known.
	Carriers *Carriers
}

// Resolve gives the selection for the known facts. The error is a *link.SelectionError: a setting or profile that a person named
// cannot be used.
func (c Resolver) Resolve(known link.Facts) (link.Selection, error) {
	facts := c.Facts
	before := facts.Remembered && (known.Model == "" || known.Vendor == facts.Manufacturer && known.Model == facts.Model && known.Firmware == facts.Revision)
	if !before { // the modem is another one than last time, or nobody remembers one
		facts.Remembered = false
		facts.Manufacturer, facts.Model, facts.Revision = known.Vendor, known.Model, known.Firmware
	}
	facts.Operator, facts.Auth, facts.Peer = known.Operator, known.Auth, known.Peer
	if c.Unknown {
		facts = quirks.Facts{}
	}
	var learned []quirks.Advised
	if c.Learned != nil {
		learned = c.Learned(known)
	}
	r, refused, err := c.DB.ResolveLearned(facts, c.Profile, learned, advised(known.Advised), c.Set)
	if err == nil && c.Unset != nil {
		more := slices.DeleteFunc(slices.Clone(c.Unset()), func(a quirks.Advised) bool { return r.Setting(a.Key).Layer != quirks.Default })
		if len(more) > 0 {
			r, refused, err = c.DB.ResolveLearned(facts, c.Profile, append(slices.Clone(learned), more...), advised(known.Advised), c.Set)
		}
	}
	if err != nil {
		return link.Selection{}, &link.SelectionError{Err: err}
	}
	sel := Selection(r)
	sel.Refused = failed(refused)
	sel.Device = event.Device{
		Port: c.Port, Vendor: known.Vendor, Model: known.Model, Firmware: known.Firmware, USB: c.Facts.USB, Profile: r.Profile(),
	}
	if c.Carriers != nil && r.Setting("context.apn").Layer == quirks.Default { // otherwise somebody has said it, be it that there is none
		sel.Access = c.Carriers.access(r)
	}
	return sel, nil
}

// Selection gives the selection for a finished resolution, for a modem of which nothing else is known.
func Selection(r *quirks.Resolution) link.Selection {
	sel := link.Selection{
		Policy: r,
		Device: event.Device{Profile: r.Profile()},
		Chosen: func(key string) bool { return r.Setting(key).Layer >= quirks.User },
		Awaits: r.Awaits,
	}
	for _, s := range r.Changed() {
		sel.Quirks = append(sel.Quirks, event.Quirk{Key: s.Key, Value: private.Setting(s.Key, s.Value.String()), Source: Origin(s), Reason: s.Reason})
	}
	return sel
}

// advised are the settings of somebody who was asked, as the database takes them.
func advised(list []advice.Setting) []quirks.Advised {
	var out []quirks.Advised
	for _, s := range list {
		out = append(out, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: s.By})
	}
	return out
}

// failed are the settings of those who were asked that the database did not take, one failure for each of them.
func failed(refused []*quirks.Problem) []advice.FailedError {
	var out []advice.FailedError
	for _, p := range refused {
		i := slices.IndexFunc(out, func(f advice.FailedError) bool { return f.By == p.File })
		if i < 0 {
			out = append(out, advice.FailedError{By: p.File, Err: errors.New("setting " + p.Text)})
			continue
		}
		out[i].Err = fmt.Errorf("%w; setting %s", out[i].Err, p.Text)
	}
	return out
}

// Origin says in words where a setting comes from.
func Origin(s quirks.Setting) string {
	switch {
	case s.Source == "" || s.Layer == quirks.CommandLine:
		return s.Layer.String()
	case s.Layer == quirks.Plugin:
		return s.Source // which says it already
	}
	return s.Layer.String() + " " + s.Source
}
