package connection

import (
	"strings"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/quirks"
)

// resolveSettings checks a profile and settings against the database. Of a setting that is wrong the error says where it
// was said.
func resolveSettings(db *quirks.DB, profile string, list []settings.Setting) ([]string, error) {
	var texts []string
	for _, s := range list {
		if _, err := db.Resolve(quirks.Facts{}, "", []string{s.Text}); err != nil {
			why := strings.TrimPrefix(err.Error(), "--set "+s.Text+": ")
			if s.From == "--set" {
				return nil, exit.Usagef("--set %s: %s", s.Text, why)
			}
			return nil, exit.Usagef("%s: %s: %s", s.From, s.Text, why)
		}
		texts = append(texts, s.Text)
	}
	if _, err := db.Resolve(quirks.Facts{}, profile, texts); err != nil {
		return nil, exit.Usage(err)
	}
	return texts, nil
}

// resolve makes the function by which a link learns how to treat its modem. where says on which port, and what is known of the
// modem there; adapted, which may be nil, what experiments have found.
func (j *Job) resolve(where func() (port string, facts quirks.Facts), adapted *adapt.Dial) func(link.Facts) (link.Selection, error) {
	carriers := &policy.Carriers{Path: apn.Path}
	return func(known link.Facts) (link.Selection, error) {
		port, facts := where()
		r := policy.Resolver{DB: j.Db, Facts: facts, Port: port, Profile: j.Options.Quirks, Set: j.Set, Carriers: carriers}
		if adapted != nil {
			r.Learned = adapted.Learned
		}
		if j.Experiment != nil {
			r.Learned, r.Unknown = j.Experiment.settings, j.Experiment.Unknown
		}
		return r.Resolve(known)
	}
}
