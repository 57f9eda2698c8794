// Package mimic is the command knak mimic: it makes a profile or a scenario from a recording.
package mimic

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/output"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// options are the flags of knak mimic.
type options struct {
	format    string
	output    string // a file, VENDOR/MODEL, or - for standard output
	modem     bool   // the modem's scenario in place of the dialer's profile
	call      int    // 0: the last that worked
	callGiven bool   // whether --call was given
	recording string
}

// Command is knak mimic.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "mimic RECORDING",
		Short: "Make the profile of a dialer, or the scenario of a modem, from a recording",
		Long: `Make from a recording or log of a call that worked the quirk profile with which knak does what that dialer did: AT commands,
LCP and IPCP options and their order, the name, and times where they matter. Each quirk says which line or packet shows it.
Only what differs from knak's defaults is in it. Among profiles (-o VENDOR/MODEL, or a file in a directory laid out as /etc/knak) the
modem's scenario is written beside it, for "knak quirks test".

With --modem make the simulator scenario that misbehaves as the modem of the recording did, for "knak sim" and "knak dial --sim".

Passwords, telephone numbers, identities and the network's addresses are never copied. What was not copied, and what no setting
can say, is told on standard error and stands as a comment in the file.`,
		Example: `  knak mimic windows.pcapng -o acme/m1 && knak dial --quirks acme/m1
  knak mimic windows.pcapng -o etc/quirks.d/acme/m1.toml && knak quirks validate etc
  knak mimic --modem bad.log -o m1.sim.toml && knak dial --sim m1.sim.toml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.callGiven = cmd.Flags().Changed("call")
			o.recording = args[0]
			return run(t, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "-", "write to this `file`, or as VENDOR/MODEL among your own profiles; - is standard output")
	f.BoolVar(&o.modem, "modem", false, "make the modem's scenario instead of the dialer's profile")
	f.IntVar(&o.call, "call", 0, "take the `n`th call of the recording (default: the last that worked)")
	recordings.AddFormatFlag(cmd, &o.format)
	return cmd
}

// run makes a profile or a scenario of a recording.
func run(t *terminal.Terminal, o options) error {
	calls, err := recordings.Calls(t, o.recording, o.format)
	if err != nil {
		return err
	}
	name := filepath.Base(recordings.Name(o.recording))
	m := mimicked{Call: 0, NotCopied: []string{}}
	var text, scenario string
	if o.modem {
		if o.callGiven {
			return exit.Usagef("--call is for a profile; a scenario holds all calls of the recording")
		}
		var cannot []mimic.Cannot
		text, cannot = mimic.Modem(calls, name, sim.Asking)
		m.tell(cannot)
	} else {
		c, err := chosenCall(calls, o.recording, o.call)
		if err != nil {
			return err
		}
		var h mimic.Host
		text, h = mimic.Profile(c, name)
		m.Call, m.Quirks = c.Number, len(h.Settings)
		m.tell(h.Cannot)
		scenario, _ = mimic.Modem(calls, name, sim.Asking)
	}
	return writeMimicked(t, &m, text, scenario, o.output, o.modem)
}

// mimicked is the output of mimic --json.
type mimicked struct {
	Files     []string `json:"files"`
	Call      int      `json:"call"`   // of the recording; 0: all
	Quirks    int      `json:"quirks"` // in a profile
	NotCopied []string `json:"not_copied"`
}

func (m *mimicked) tell(list []mimic.Cannot) {
	for _, c := range list {
		m.NotCopied = append(m.NotCopied, c.String())
	}
}

// chosenCall gives the call that a profile is made of.
func chosenCall(calls []*call.Call, name string, number int) (*call.Call, error) {
	var best *call.Call
	for _, c := range calls {
		if c.Number == number || number == 0 && c.Worked() {
			best = c
		}
	}
	switch {
	case best != nil:
		return best, nil
	case number != 0:
		return nil, exit.Usagef("--call %d: %s shows %s", number, name, terminal.Plural(len(calls), "call"))
	}
	return nil, exit.Usagef("%s shows no call that worked: what its dialer did is no example; --call 1 takes the first all the same, --modem makes a scenario of its modem", name)
}

// writeMimicked writes the file, a profile's scenario beside it where profiles are, and says what is not in them. No file is ever
// overwritten.
func writeMimicked(t *terminal.Terminal, m *mimicked, text, scenario, out string, modem bool) error {
	if out == "-" {
		if t.Style.JSON {
			return exit.Usagef("--json says what was written: --output names the file")
		}
		if _, err := fmt.Fprint(t.Out, text); err != nil {
			return fmt.Errorf("mimic: %w", err)
		}
	} else {
		file, id, err := mimicFile(out, modem)
		if err != nil {
			return err
		}
		files := []output.File{{Name: file, Text: text}}
		if id != "" && !modem {
			files = append(files, output.File{Name: strings.TrimSuffix(file, ".toml") + ".sim.toml", Text: scenario})
		}
		if err := output.All(files); err != nil {
			return fmt.Errorf("mimic: %w", err)
		}
		for _, f := range files {
			m.Files = append(m.Files, f.Name)
		}
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(m); err != nil {
				return fmt.Errorf("mimic: %w", err)
			}
			return nil
		}
		for _, f := range m.Files {
			fmt.Fprintln(t.Out, f)
		}
		switch {
		case modem:
			fmt.Fprintf(t.Err, "Try it: knak dial --sim %s\n", file)
		case id != "":
			fmt.Fprintf(t.Err, "%s. Use it: knak dial --quirks %s\n", terminal.Plural(m.Quirks, "quirk"), id)
		default:
			fmt.Fprintf(t.Err, "%s. To use it put it at ~/.config/knak/quirks.d/VENDOR/MODEL.toml\n", terminal.Plural(m.Quirks, "quirk"))
		}
	}
	for _, s := range m.NotCopied {
		fmt.Fprintln(t.Err, s)
	}
	return nil
}

// mimicFile gives the file for --output, and the profile's id where knak finds it there: VENDOR/MODEL is among the user's own.
func mimicFile(out string, modem bool) (file, id string, err error) {
	suffix := ".toml"
	if modem {
		suffix = ".sim.toml"
	}
	if quirks.CheckID(out) == nil && !strings.HasSuffix(out, ".toml") {
		dir, err := os.UserConfigDir()
		if err != nil {
			return "", "", exit.Usagef("--output %s: there is no directory for your own profiles: %w", out, err)
		}
		return filepath.Join(dir, "knak", "quirks.d", filepath.FromSlash(out)+suffix), out, nil
	}
	if !strings.HasSuffix(out, ".toml") {
		return "", "", exit.Usagef("--output %s is neither VENDOR/MODEL nor a file that ends in .toml", out)
	}
	dir, model := filepath.Split(strings.TrimSuffix(out, suffix))
	if home, vendor := filepath.Split(filepath.Clean(dir)); filepath.Base(home) == "quirks.d" && quirks.CheckID(vendor+"/"+model) == nil {
		id = vendor + "/" + model
	}
	return out, id, nil
}
