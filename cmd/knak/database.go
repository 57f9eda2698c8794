package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/policy"
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

// resolve makes the function by which a link learns how to treat its modem. where says on which port, and what is known of the
// modem there; adapted, which may be nil, what experiments have found.
func (j *job) resolve(where func() (port string, facts quirks.Facts), adapted *adapt.Dial) func(link.Facts) (link.Selection, error) {
	carriers := &policy.Carriers{Path: apn.Path}
	return func(known link.Facts) (link.Selection, error) {
		port, facts := where()
		r := policy.Resolver{DB: j.db, Facts: facts, Port: port, Profile: j.options.Quirks, Set: j.set, Carriers: carriers}
		if adapted != nil {
			r.Learned = adapted.Learned
		}
		if j.experiment != nil {
			r.Learned, r.Unknown = j.experiment.settings, j.experiment.unknown
		}
		return r.Resolve(known)
	}
}
