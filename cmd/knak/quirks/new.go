package quirks

import (
	"bufio"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/output"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/vectors"
	"github.com/knakppp/knak/quirks"
)

// newOptions are the flags of knak quirks new.
type newOptions struct {
	device  string // a port
	trace   string // a recording
	out     string // a directory
	facts   []string
	told    stubAnswers
	profile string
}

// newCommand is knak quirks new.
func newCommand(t *terminal.Terminal) *cobra.Command {
	var o newOptions
	cmd := &cobra.Command{
		Use:   "new PROFILE",
		Short: "Begin a profile: a stub with everything known filled in, a device entry and a scenario",
		Long: `Begin a profile for a modem: its file, a device entry and a scenario, with everything that is known filled in and TODO where
somebody must write. They go below --out, laid out as /etc/knak; with --out ~/.config/knak "knak dial --quirks PROFILE"
uses them at once. No file is ever overwritten. Passwords, names and addresses of a trace are left out.

On a terminal, what no option says is asked for, one line each; an empty line leaves it as TODO.`,
		Example: `  knak dial --json >trace.jsonl
  knak quirks new acme/m1 --from-trace trace.jsonl --out ~/.config/knak
  knak quirks new acme/m1 --fact usb=1234:5678 --fact model=M1
  knak quirks new acme/m1 --fact model=M1 --summary 'Acme M1: dialled by *98#' --set 'dial.number=*98#' \
    --reason 'It answers ERROR to *99***1#.' --source https://forum.example/1 --finding dial-error`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.profile = args[0]
			return begin(t, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.device, "from-device", "", "take the facts from this `port`'s modem, as far as the bus tells them; no port is opened")
	f.StringArrayVar(&o.facts, "fact", nil, "something known of the modem, `NAME=VALUE`: usb, interface, class, driver, manufacturer, model or revision")
	f.StringVar(&o.trace, "from-trace", "", "fill in what a `file` shows: a recording or a log, of any program that \"knak decode\" reads")
	f.BoolVar(&o.told.works, "works", false, "the modem was dialled and needs nothing: write an entry that says so, and no profile")
	f.StringVar(&o.told.summary, "summary", "", "what is odd about the modem, in one `line`")
	f.StringArrayVar(&o.told.set, "set", nil, "a setting that helps, `KEY=VALUE`; may be given more than once")
	f.StringVar(&o.told.reason, "reason", "", "what the modem does that makes the settings necessary, in one `line`")
	f.StringArrayVar(&o.told.sources, "source", nil, "an `address` where that is known from; may be given more than once")
	f.StringVar(&o.told.finding, "finding", "", "what goes wrong without the settings: the `id` of a finding, as docs/findings has them")
	complete.Flag(cmd, "set", complete.Set)
	f.StringVar(&o.out, "out", ".", "write below this `directory`")
	complete.Flag(cmd, "out", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
	return cmd
}

// begin begins a profile.
func begin(t *terminal.Terminal, o newOptions) error {
	db, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	id := o.profile
	if err := quirks.CheckID(id); err != nil {
		return exit.Usage(err)
	}
	if p, ok := db.Profile(id); ok {
		return exit.Usagef("there is a profile %s in %s; to change a key of it, write only that key into your own %s.toml", id, p.Files[0].Name, id)
	}
	if strings.HasPrefix(id, "common/") {
		return exit.Usagef("common/ is for what profiles inherit; a modem needs <vendor>/<model>")
	}
	s := vectors.Stub{ID: id}
	var port []string
	if o.device != "" {
		port = []string{o.device}
	}
	if o.trace != "" {
		if s.Seen, err = recordings.Calls(t, o.trace, ""); err != nil {
			return exit.Usagef("--from-trace: %w", err)
		}
		s.Facts = mimic.Facts(s.Seen)
	}
	found, err := explainFacts(port, o.facts, "", db)
	if err != nil {
		return err
	}
	if s.Facts, err = s.Facts.With(found.List()); err != nil {
		return exit.Usage(err)
	}
	if u := s.Facts.USB; u != "" && u != quirks.None {
		if err := quirks.CheckPattern("usb", u); err != nil {
			return exit.Usage(err)
		}
	}
	if err := askForStub(t, &s, o.told, db); err != nil {
		return err
	}
	return writeStub(t, &s, o.out)
}

// stubAnswers are a person's answers about a modem.
type stubAnswers struct {
	summary, reason, finding string
	set, sources             []string
	works                    bool
}

// askForStub puts what options say into a stub, and asks on a terminal for what they do not.
func askForStub(t *terminal.Terminal, s *vectors.Stub, told stubAnswers, db *quirks.DB) error {
	var in *bufio.Scanner
	if terminal.Attended(t.In) && !t.Style.JSON {
		in = bufio.NewScanner(t.In)
	}
	ask := func(into *string, question string) {
		if *into != "" || in == nil {
			return
		}
		fmt.Fprintf(t.Err, "%s: ", question)
		if in.Scan() {
			*into = strings.TrimSpace(in.Text())
		}
	}
	if len(s.Seen) == 0 {
		ask(&s.Facts.Manufacturer, "The modem's maker, its answer to AT+CGMI")
		ask(&s.Facts.Model, "The modem's model, its answer to AT+CGMM")
		ask(&s.Facts.USB, "Its USB id, vvvv:pppp (knak devices shows it; empty on a serial line)")
	}
	if told.works {
		if told.summary+told.reason+told.finding != "" || len(told.set) > 0 {
			return exit.Usagef("--works says that nothing is odd about the modem; it goes with --fact, --from-device, --from-trace and --source only")
		}
		if s.Facts.USB == "" && s.Facts.Model == "" {
			return exit.Usagef("--works: which modem? say --fact usb=vvvv:pppp or --fact model=…, or give --from-trace")
		}
		s.Works, s.Sources = true, told.sources
		return nil
	}
	ask(&told.summary, "What is odd about it, in one line")
	for in != nil && len(told.set) == 0 && len(s.Seen) == 0 {
		var text string
		if ask(&text, "A setting that helps, KEY=VALUE (knak help quirks lists all keys)"); text == "" {
			break
		}
		if _, err := db.Resolve(quirks.Facts{}, "", []string{text}); err != nil {
			fmt.Fprintln(t.Err, err)
			continue
		}
		told.set = append(told.set, text)
	}
	if len(told.set) > 0 {
		ask(&told.reason, "What the modem does that makes it necessary")
		ask(&told.finding, "What goes wrong without: the finding that knak names")
	}
	if len(told.sources) == 0 {
		var text string
		if ask(&text, "An address where that is known from"); text != "" {
			told.sources = []string{text}
		}
	}
	for _, text := range told.set {
		if _, err := db.Resolve(quirks.Facts{}, "", []string{text}); err != nil {
			return exit.Usage(err)
		}
		if _, ok := cutSet(text); !ok {
			return exit.Usagef("--set %s: write KEY=VALUE here; += and -= are for the file", text)
		}
	}
	if told.finding != "" && !slices.Contains(diagnose.IDs(), told.finding) {
		return exit.Usagef("--finding %q: there is no such finding; there are %s", told.finding, strings.Join(diagnose.IDs(), ", "))
	}
	if u := s.Facts.USB; u != "" && u != quirks.None {
		if err := quirks.CheckPattern("usb", u); err != nil {
			return exit.Usage(err)
		}
	}
	s.Summary, s.Reason, s.Finding, s.Set, s.Sources = told.summary, told.reason, told.finding, told.set, told.sources
	return nil
}

// cutSet gives the key of KEY=VALUE; ok is false for KEY+=VALUE and KEY-=VALUE.
func cutSet(text string) (key string, ok bool) {
	key, _, ok = strings.Cut(text, "=")
	return key, ok && !strings.HasSuffix(key, "+") && !strings.HasSuffix(key, "-")
}

// writeStub writes the files, all or, where one is there already, none.
func writeStub(t *terminal.Terminal, s *vectors.Stub, out string) error {
	var files []output.File
	var names []string
	for _, f := range s.Files() {
		name := filepath.Join(out, filepath.FromSlash(f.Name))
		files, names = append(files, output.File{Name: name, Text: f.Text}), append(names, name)
	}
	if err := output.All(files); err != nil {
		return fmt.Errorf("quirks new: %w", err)
	}
	if t.Style.JSON {
		if err := json.NewEncoder(t.Out).Encode(map[string]any{"profile": s.ID, "files": names}); err != nil {
			return fmt.Errorf("quirks new: %w", err)
		}
		return nil
	}
	for _, name := range names {
		fmt.Fprintln(t.Out, name)
	}
	if s.Works {
		return nil
	}
	fmt.Fprintf(t.Err, "Now write what is marked %s, then: knak quirks validate %s; knak quirks test %s %s\n", vectors.Todo, out, out, s.ID)
	return nil
}
