// Package quirks is knak quirks: the quirk database, shown, explained, tested, begun and updated.
package quirks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// quirkDB is what the commands need of the database.
type quirkDB interface {
	Resolve(facts quirks.Facts, chosen string, set []string) (*quirks.Resolution, error)
}

func Command(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quirks",
		Short: "The quirk database: which modem needs which setting, and why",
	}
	cmd.AddCommand(listCommand(t), showCommand(t), explainCommand(t))
	cmd.AddCommand(testCommand(t), validateCommand(t), diffCommand(t), newCommand(t))
	cmd.AddCommand(updateCommand(t), bundleCommand(t), learnedCommand(t), forgetCommand(t))
	return cmd
}

type profileInfo struct {
	ID      string      `json:"id"`
	Summary string      `json:"summary"`
	Quirks  []quirkInfo `json:"quirks,omitempty"`
	Parents []string    `json:"inherits,omitempty"`
	Devices []string    `json:"devices"`
}

type quirkInfo struct {
	Key        string   `json:"key"`
	Op         string   `json:"op"`
	Value      string   `json:"value"`
	Reason     string   `json:"reason"`
	Sources    []string `json:"sources"`
	Confidence string   `json:"confidence"`
	When       string   `json:"when,omitempty"`
	Origin     string   `json:"origin"`
}

func describeProfile(db *quirks.DB, id string, whole bool) (profileInfo, bool) {
	p, ok := db.Profile(id)
	if !ok {
		return profileInfo{}, false
	}
	info := profileInfo{ID: p.ID, Summary: p.Summary, Parents: p.Inherits, Devices: db.DeviceNames(id)}
	if whole {
		for _, q := range p.Quirks {
			info.Quirks = append(info.Quirks, quirkInfo{q.Key, q.Op.String(), q.Value.String(), q.Reason, q.Sources, q.Confidence, q.When, q.Layer.String() + " " + q.Origin})
		}
	}
	return info, true
}

func listCommand(t *terminal.Terminal) *cobra.Command {
	var filter listFilter
	var markdown bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the profiles and the devices that get them",
		Example: `  knak quirks list --vendor huawei
  knak quirks list --key auth.user --json
  knak quirks list --behaviour "empty nak"
  knak quirks list --markdown >devices.md`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := settings.QuirksFor(t, cmd)
			if err != nil {
				return err
			}
			if markdown {
				if filter != (listFilter{}) || t.Style.JSON {
					return exit.Usagef("--markdown is the page of all devices, and goes with no other option")
				}
				_, err := io.WriteString(t.Out, db.Markdown())
				return err
			}
			ids, err := filter.profiles(db)
			if err != nil {
				return err
			}
			tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
			if !t.Style.JSON {
				fmt.Fprintln(tw, "PROFILE\tSUMMARY\tDEVICES")
			}
			for _, id := range ids {
				info, _ := describeProfile(db, id, false)
				if t.Style.JSON {
					if err := json.NewEncoder(t.Out).Encode(info); err != nil {
						return fmt.Errorf("quirks list: %w", err)
					}
					continue
				}
				fmt.Fprintf(tw, "%s\t%s\t%s\n", info.ID, info.Summary, terminal.OrNone(strings.Join(info.Devices, ", ")))
			}
			return tw.Flush()
		},
	}
	filter.addFlags(cmd)
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write all device entries as a page in Markdown, by maker, with ports, profiles and sources")
	return cmd
}

func showCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:               "show PROFILE",
		Short:             "Show a profile: each setting with its reason, source and confidence",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.First(complete.Profiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := settings.QuirksFor(t, cmd)
			if err != nil {
				return err
			}
			info, ok := describeProfile(db, args[0], true)
			if !ok {
				hint := "knak quirks list names all"
				if near := quirks.Nearest(args[0], db.Profiles()); near != "" {
					hint = fmt.Sprintf("did you mean %s?", near)
				}
				return exit.Usagef("no profile %q; %s", args[0], hint)
			}
			if t.Style.JSON {
				return json.NewEncoder(t.Out).Encode(info)
			}
			w := t.Out
			fmt.Fprintf(w, "%s: %s\n", info.ID, info.Summary)
			fmt.Fprintf(w, "devices:  %s\n", terminal.OrNone(strings.Join(info.Devices, ", ")))
			if len(info.Parents) > 0 {
				fmt.Fprintf(w, "inherits: %s\n", strings.Join(info.Parents, ", "))
			}
			for _, q := range info.Quirks {
				op := "="
				switch q.Op {
				case "add":
					op = "+="
				case "remove":
					op = "-="
				}
				fmt.Fprintf(w, "\n%s %s %s\n", q.Key, op, quoteEmpty(q.Value))
				fmt.Fprintf(w, "  why:    %s\n", q.Reason)
				if q.When != "" {
					fmt.Fprintf(w, "  acts:   only when %s\n", q.When)
				}
				fmt.Fprintf(w, "  known:  %s, from %s\n", terminal.OrUnknown(q.Confidence), terminal.OrNone(strings.Join(q.Sources, "; ")))
				fmt.Fprintf(w, "  stands: %s\n", q.Origin)
			}
			return nil
		},
	}
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func explainCommand(t *terminal.Terminal) *cobra.Command {
	var facts []string
	var key, profile, simulated string
	var set []string
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
			db, err := settings.QuirksFor(t, cmd)
			if err != nil {
				return err
			}
			if key != "" {
				if _, ok := quirks.Lookup(key); !ok {
					return exit.Usagef("--key %q: there is no such key; docs/quirks.md lists all", key)
				}
			}
			if len(args) == 0 && len(facts) == 0 && len(set) == 0 && key+profile+simulated == "" {
				return exit.Usagef("which modem? name its PORT, or describe it with --fact, --sim or --quirks\nsee: %s --help", cmd.CommandPath())
			}
			f, err := explainFacts(args, facts, simulated, db)
			if err != nil {
				return err
			}
			var scenario *sim.Scenario
			if simulated != "" {
				if s, err := files.Scenario(simulated); err == nil {
					scenario = &s
				}
			}
			r, _, err := db.ResolveLearned(f, profile, learnedFor(t, f, scenario), nil, set)
			if err != nil {
				return exit.Usage(err)
			}
			if t.Style.JSON {
				return json.NewEncoder(t.Out).Encode(explanation(r, key, profile != ""))
			}
			return printExplanation(t.Out, explanation(r, key, profile != ""))
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&facts, "fact", nil, "something known of the modem, `NAME=VALUE`: usb, interface, class, driver, dmi, devicetree, manufacturer, model, revision, operator, auth or peer")
	f.StringVar(&key, "key", "", "explain this `key` only, also where it is the default")
	f.StringVar(&profile, "quirks", "", "use this `profile` instead of the one that matches")
	f.StringVar(&simulated, "sim", "", "take the facts from this `scenario`")
	f.StringArrayVar(&set, "set", nil, "set one quirk, `KEY=VALUE`, above everything else")
	complete.Flag(cmd, "key", complete.Keys)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	complete.Flag(cmd, "set", complete.Set)
	return cmd
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

// explanation takes a resolution apart. With a chosen profile no entry decides anything, so none is told of.
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

func printExplanation(w io.Writer, e explained) error {
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
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
		p("\n%s = %s\n", s.Key, quoteEmpty(s.Value))
		p("  from:  %s\n", s.Source)
		if s.Reason != "" {
			p("  why:   %s\n", s.Reason)
		}
		if s.Confidence != "" {
			p("  known: %s\n", s.Confidence)
		}
		if s.When != "" {
			p("  acts:  only when %s\n", s.When)
		}
		if s.Assumed {
			p("  note:  for some firmware only, and the modem's is not known: assumed\n")
		}
		for _, l := range s.Losers {
			p("  beat:  %s from %s (%s)\n", quoteEmpty(l.Value), l.Source, l.Why)
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
