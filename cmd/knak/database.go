package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/quirks"
)

// quirkSources says where the layers of this machine are.
func quirkSources() quirks.Sources {
	s := quirks.Sources{Builtin: knak.Files, Update: updateStore().Current(), System: "/etc/knak", Root: os.Geteuid() == 0}
	if dir, err := os.UserConfigDir(); err == nil {
		s.User = filepath.Join(dir, "knak")
	}
	return s
}

// quirksFor reads the global options of a command about quirks, and the database.
func (a *app) quirksFor(cmd *cobra.Command) (*quirks.DB, error) {
	if err := a.readGlobal(cmd); err != nil {
		return nil, err
	}
	return a.openQuirks()
}

// openQuirks reads the quirk database of this machine and says on standard error what is wrong in outer layers.
func (a *app) openQuirks() (*quirks.DB, error) {
	db, problems := quirks.Open(quirkSources())
	for _, p := range problems {
		if p.Layer == quirks.Builtin {
			return nil, fmt.Errorf("built-in quirks: %w", p)
		}
		fmt.Fprintf(a.stderr, "knak: %s layer: %s (the file is left out)\n", p.Layer, p)
	}
	return db, nil
}

// overrides are the settings of the strongest layer: the flags that stand for a key, and then --set, which wins.
func (o *dialOptions) overrides(s *settings) []setting {
	var list []setting
	add := func(option, key, value string) {
		if s.said(option) {
			list = append(list, setting{key + "=" + value, s.from[option]})
		}
	}
	add("apn", "context.apn", o.APN)
	add("user", "auth.user", o.User)
	if methods, none, err := authMethods(o.Auth); err == nil { // readSettings has checked it
		add("auth", "auth.allow", strings.Join(methods, ","))
		add("auth", "auth.require", fmt.Sprint(!none))
	}
	add("local-address", "ipcp.local_address", o.LocalAddress)
	add("peer-address", "ipcp.peer_address", o.PeerAddress)
	add("number", "dial.number", o.Number)
	add("baud", "port.baud", fmt.Sprint(o.Baud))
	return append(list, s.sets...)
}

// resolveSettings checks a profile and settings against the database. Of a setting that is wrong the error says where it
// was said.
func resolveSettings(db *quirks.DB, profile string, list []setting) ([]string, error) {
	var texts []string
	for _, s := range list {
		if _, err := db.Resolve(quirks.Facts{}, "", []string{s.text}); err != nil {
			why := strings.TrimPrefix(err.Error(), "--set "+s.text+": ")
			if s.from == "--set" {
				return nil, usagef("--set %s: %s", s.text, why)
			}
			return nil, usagef("%s: %s: %s", s.from, s.text, why)
		}
		texts = append(texts, s.text)
	}
	if _, err := db.Resolve(quirks.Facts{}, profile, texts); err != nil {
		return nil, &usageError{err}
	}
	return texts, nil
}

// userChosen says whether a person chose the user name.
func userChosen(set []string) bool {
	for _, s := range set {
		if strings.HasPrefix(s, "auth.user=") {
			return true
		}
	}
	return false
}

// resolver makes the function by which a link learns how to treat its modem.
// where says on which port, and what is known of the modem there.
func resolver(db *quirks.DB, where func() (port string, facts quirks.Facts), profile string, set []string, carriers *apnTable) func(link.Facts) (link.Selection, error) {
	return func(id link.Facts) (link.Selection, error) {
		port, facts := where()
		facts.Manufacturer, facts.Model, facts.Revision = id.Vendor, id.Model, id.Firmware
		facts.Operator, facts.Auth, facts.Peer = id.Operator, id.Auth, id.Peer
		r, refused, err := db.ResolveAdvised(facts, profile, advised(id.Advised), set)
		if err != nil {
			return link.Selection{}, &link.SelectionError{Err: err}
		}
		sel := link.Selection{
			Policy:     r,
			UserChosen: userChosen(set),
			Chosen:     func(key string) bool { return r.Setting(key).Layer >= quirks.User },
			Refused:    failed(refused),
			Awaits:     r.Awaits,
			Device: event.Device{
				Port: port, Vendor: id.Vendor, Model: id.Model, Firmware: id.Firmware, USB: facts.USB, Profile: r.Profile(),
			},
		}
		if r.Setting("context.apn").Layer == quirks.Default { // otherwise somebody has said it, be it that there is none
			sel.Access = carriers.hook(r)
		}
		for _, s := range r.Changed() {
			sel.Quirks = append(sel.Quirks, event.Quirk{Key: s.Key, Value: private.Setting(s.Key, s.Value.String()), Source: sourceOf(s), Reason: s.Reason})
		}
		return sel, nil
	}
}

// advised are the settings of plugins as the database takes them.
func advised(list []advice.Setting) []quirks.Advised {
	var out []quirks.Advised
	for _, s := range list {
		out = append(out, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: s.By})
	}
	return out
}

// failed are the settings of plugins that the database did not take, one failure for each plugin.
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

// sourceOf says where a setting comes from, for people.
func sourceOf(s quirks.Setting) string {
	switch {
	case s.Source == "" || s.Layer == quirks.CommandLine:
		return s.Layer.String()
	case s.Layer == quirks.Plugin:
		return s.Source // which says it already
	}
	return s.Layer.String() + " " + s.Source
}
