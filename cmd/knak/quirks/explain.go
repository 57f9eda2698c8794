package quirks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/show/page"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// explainOptions are the flags of knak quirks explain.
type explainOptions struct {
	facts   []string
	key     string
	profile string
	sim     string
	set     []string
	port    []string // at most one
}

// explainCommand is knak quirks explain.
func explainCommand(t *terminal.Terminal) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain [PORT]",
		Short: "Say for each setting where it comes from, and why that profile matched",
		Long: `Say which device entries matched, which did not and which could not be known, and for every setting that is not the
built-in default its value, where it stands, why, and what it beat. The modem is PORT's by what the bus tells (no port is
opened), or the one that --fact, --sim or --quirks describe.`,
		Example: `  knak quirks explain /dev/ttyUSB0
  knak quirks explain --fact usb=12d1:1506 --fact manufacturer=huawei --fact model=E398
  knak quirks explain --quirks huawei/e398 --key auth.user`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.port = args
			return explain(t, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.facts, "fact", nil, "something known of the modem, `NAME=VALUE`: usb, interface, class, driver, dmi, devicetree, manufacturer, model, revision, operator, auth or peer")
	f.StringVar(&o.key, "key", "", "explain this `key` only, also where it is the default")
	f.StringVar(&o.profile, "quirks", "", "use this `profile` instead of the one that matches")
	f.StringVar(&o.sim, "sim", "", "take the facts from this `scenario`")
	f.StringArrayVar(&o.set, "set", nil, "set one quirk, `KEY=VALUE`, above everything else")
	complete.Flag(cmd, "key", complete.Keys)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	complete.Flag(cmd, "set", complete.Set)
	return cmd
}

// explain says where settings come from.
func explain(t *terminal.Terminal, o explainOptions) error {
	db, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	if o.key != "" {
		if _, ok := quirks.Lookup(o.key); !ok {
			return exit.Usagef("--key %q: there is no such key; knak help quirks lists all", o.key)
		}
	}
	if len(o.port) == 0 && len(o.facts) == 0 && len(o.set) == 0 && o.key+o.profile+o.sim == "" {
		return exit.Usagef("which modem? name its PORT, or describe it with --fact, --sim or --quirks\nsee: knak quirks explain --help")
	}
	f, err := explainFacts(o.port, o.facts, o.sim, db)
	if err != nil {
		return err
	}
	var scenario *sim.Scenario
	if o.sim != "" {
		if s, err := files.Scenario(o.sim); err == nil {
			scenario = &s
		}
	}
	r, _, err := db.ResolveLearned(f, o.profile, learnedFor(t, f, scenario), nil, o.set)
	if err != nil {
		return exit.Usage(err)
	}
	if t.Style.JSON {
		return json.NewEncoder(t.Out).Encode(explanation(r, o.key, o.profile != ""))
	}
	return printExplanation(t, explanation(r, o.key, o.profile != ""))
}

// explainFacts collects what is known of the modem.
func explainFacts(args, texts []string, simulated string, db *quirks.DB) (quirks.Facts, error) {
	var f quirks.Facts
	if len(args) == 1 {
		if _, err := os.Stat(args[0]); err != nil {
			return f, exit.Usagef("PORT: %w; knak devices lists the ports", err)
		}
		var err error
		if f, err = device.FactsOn(files.Machine(), db, args[0]); err != nil {
			return f, err
		}
	}
	if simulated != "" {
		s, err := files.Scenario(simulated)
		if err != nil {
			return f, exit.Usage(err)
		}
		f = quirks.Facts{USB: s.Identity.USB, Manufacturer: s.Identity.Manufacturer, Model: s.Identity.Model, Revision: s.Identity.Revision}
	}
	f, err := f.With(texts)
	if err != nil {
		return f, exit.Usagef("--fact: %w", err)
	}
	return f, nil
}

type explained struct {
	Profiles []string           `json:"profiles"`
	Matches  []explainedMatch   `json:"matches"`
	Warnings []string           `json:"warnings,omitempty"`
	Settings []explainedSetting `json:"settings"`
}

type explainedMatch struct {
	Device     string               `json:"device"`
	Profile    string               `json:"profile"`
	Result     string               `json:"result"`
	Origin     string               `json:"origin"`
	Conditions []explainedCondition `json:"conditions"`

	shipped bool // it comes with the program, as hundreds do
}

type explainedCondition struct {
	Name     string   `json:"name"`
	Patterns []string `json:"patterns"`
	Fact     string   `json:"fact"`
	Result   string   `json:"result"`
}

type explainedSetting struct {
	Key        string           `json:"key"`
	Value      string           `json:"value"`
	Source     string           `json:"source"`
	Profile    string           `json:"profile"`
	Reason     string           `json:"reason"`
	Sources    []string         `json:"sources"`
	Confidence string           `json:"confidence"`
	When       string           `json:"when,omitempty"`
	Assumed    bool             `json:"assumed,omitempty"`
	Losers     []explainedLoser `json:"losers"`
}

type explainedLoser struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Why    string `json:"why"`
}

// explanation takes a resolution apart. With a chosen profile no entry decides anything, so none is shown.
func explanation(r *quirks.Resolution, key string, chosen bool) explained {
	e := explained{Profiles: append([]string{}, r.Profiles()...), Warnings: r.Warnings(), Matches: []explainedMatch{}, Settings: []explainedSetting{}}
	matches := r.Matches()
	if chosen {
		matches = nil
	}
	for _, m := range matches {
		em := explainedMatch{Device: m.Device.Name, Profile: m.Device.Profile, Result: m.Result.String(), Origin: m.Device.Origin, Conditions: []explainedCondition{},
			shipped: m.Device.Layer <= quirks.Update}
		for _, c := range m.Conditions {
			em.Conditions = append(em.Conditions, explainedCondition{c.Name, c.Patterns, c.Fact, c.Result.String()})
		}
		e.Matches = append(e.Matches, em)
	}
	list := r.Changed()
	if key != "" {
		list = []quirks.Setting{r.Setting(key)}
	}
	for _, s := range list {
		es := explainedSetting{
			Key: s.Key, Value: private.Setting(s.Key, s.Value.String()), Source: policy.Origin(s), Profile: s.Profile, Reason: s.Reason, Sources: s.Sources,
			Confidence: s.Confidence, When: s.When, Assumed: s.Assumed, Losers: []explainedLoser{},
		}
		for _, l := range s.Losers {
			es.Losers = append(es.Losers, explainedLoser{private.Setting(s.Key, l.Value.String()), strings.TrimSpace(l.Layer.String() + " " + l.Source), l.Why})
		}
		e.Settings = append(e.Settings, es)
	}
	return e
}

func printExplanation(t *terminal.Terminal, e explained) error {
	p := func(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }
	columns, bold, reset := terminal.Width(t.Out), "", ""
	if t.Color(t.Out) {
		bold, reset = "\x1b[1m", "\x1b[0m" // SGR (ECMA-48 section 8.3.117)
	}
	hang := func(label, text string) { // at a terminal a text is wrapped under itself
		start := fmt.Sprintf("  %-7s", label+":")
		lines := []string{text}
		if columns > 0 {
			lines = page.Wrap(text, min(max(columns, 40), 120)-len(start))
		}
		for _, l := range lines {
			p("%s%s\n", start, l)
			start = strings.Repeat(" ", len(start))
		}
	}
	p("profile: %s\n", terminal.OrNone(strings.Join(e.Profiles, ", ")))
	for _, text := range e.Warnings {
		p("warning: %s\n", text)
	}
	other, silent := 0, 0
	var wanted []string
	for _, m := range e.Matches {
		hint := slices.ContainsFunc(m.Conditions, func(c explainedCondition) bool { return c.Result == "yes" })
		switch {
		case m.Result == "no":
			other++
			continue
		case m.Result == "unknown" && !hint && m.shipped: // nothing known speaks for it
			silent++
			for _, c := range m.Conditions {
				if c.Result == "unknown" && !slices.Contains(wanted, c.Name) {
					wanted = append(wanted, c.Name)
				}
			}
			continue
		}
		p("\n%s (%s) %s: %s\n", m.Device, cmp.Or(m.Profile, "no profile"), matchWord(m.Result), m.Origin)
		for _, c := range m.Conditions {
			fact := c.Fact
			if fact == "" {
				fact = "not known"
			}
			p("  %-12s %-8s %s is %s\n", c.Name, c.Result, strings.Join(c.Patterns, " or "), fact)
		}
	}
	if silent > 0 {
		p("\n%d built-in device entries look at what is not known: %s; knak devices --ask asks the modem, --fact says it\n", silent, strings.Join(wanted, ", "))
	}
	if other > 0 {
		p("\n%d other device entries do not match (--json lists them)\n", other)
	}
	for _, s := range e.Settings {
		p("\n%s%s = %s%s\n", bold, s.Key, quoteEmpty(s.Value), reset)
		hang("from", s.Source)
		if s.Reason != "" {
			hang("why", s.Reason)
		}
		if s.Confidence != "" {
			hang("known", s.Confidence)
		}
		if s.When != "" {
			hang("acts", "only when "+s.When)
		}
		if s.Assumed {
			hang("note", "for some firmware only, and the modem's is not known: assumed")
		}
		for _, l := range s.Losers {
			hang("beat", fmt.Sprintf("%s from %s (%s)", quoteEmpty(l.Value), l.Source, l.Why))
		}
	}
	return nil
}

func matchWord(result string) string {
	if result == "unknown" {
		return "could match"
	}
	return "matches"
}
