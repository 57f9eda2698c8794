// Package setup is knak init.
package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/firstdial"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/quirks"
)

// Options are the flags of knak init itself.
type Options struct {
	output string // the configuration file to write
	yes    bool   // nobody is to be asked
}

// Command is knak init.
func Command(t *terminal.Terminal) *cobra.Command {
	var o Options
	cmd := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Dial for the first time, ask what is missing, and write the configuration",
		Long: `Find the modem, dial it once, and write what was needed as the section [connection.NAME] of the configuration; NAME is
"modem" unless another is given. What is missing is asked for, three questions at most: which of several modems, the SIM's PIN
(kept in a file of its own, which only its owner reads), and the APN where neither the modem nor the table of carriers knows it.
Nothing of this host goes over the link, and it is hung up as soon as it works. Where the dial fails nothing is written, and the
exit status is that of knak dial.`,
		Example: `  knak init
  knak init gateway --port /dev/ttyUSB2 --apn internet --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), t, cmd, args, o) },
	}
	f := cmd.Flags()
	settings.AddDialFlags(f)
	settings.ShowOnly(f, "port", "baud", "apn", "user", "password-file", "pin-file", "quirks", "set", "sim", "timeout")
	f.StringVar(&o.output, "output", "", "write into this `file` (default /etc/knak/config.toml for root, otherwise the user's own)")
	f.BoolVar(&o.yes, "yes", false, "ask nothing: take the first modem, and fail where a PIN or an APN is missing")
	complete.Flag(cmd, "set", complete.Set)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	return cmd
}

// first is one run of knak init.
type first struct {
	t       *terminal.Terminal
	in      *bufio.Scanner
	options Options
	name    string
	answers firstdial.Answers
	pin     string // as it was typed; it is written when it has worked
}

func run(ctx context.Context, t *terminal.Terminal, cmd *cobra.Command, args []string, o Options) error {
	f := &first{t: t, in: bufio.NewScanner(t.In), options: o, name: "modem"}
	if len(args) == 1 {
		f.name = args[0]
	}
	if err := control.CheckName(f.name); err != nil {
		return exit.Usagef("NAME: %w", err)
	}
	c, err := connection.Read(t, cmd, nil)
	if err != nil {
		return err
	}
	if f.options.output == "" {
		f.options.output = settings.Own()
	}
	if err := f.free(); err != nil {
		return err
	}
	said := func(flag string) bool { return cmd.Flags().Changed(flag) }
	f.answers = firstdial.Answers{Port: c.Options.Port, APN: c.Options.APN, User: c.Options.User, Named: said("user"), Profile: c.Options.Quirks}
	for _, p := range []struct {
		from string
		to   *string
	}{{c.Options.PasswordFile, &f.answers.PasswordFile}, {c.Options.PINFile, &f.answers.PINFile}} {
		if p.from == "-" {
			return exit.Usagef("a password or PIN from standard input cannot be written into a configuration: name a file")
		} else if p.from != "" {
			if *p.to, err = filepath.Abs(p.from); err != nil {
				return exit.Usage(err)
			}
		}
	}
	if said("baud") {
		f.answers.Baud = c.Options.Baud
	}
	f.answers.More = more(cmd)
	d := &c.Dial
	d.Name, d.Plane, d.Hooks, d.Limits.Once = f.name, plane.KindNone, hooks.Config{}, true
	varies := !d.NoAdapt
	d.NoAdapt = true // what a person can answer is not found out by trying
	for asked := 0; ; asked++ {
		heard, outcome, question, ports, err := f.dial(ctx, c, asked < 3)
		switch {
		case err != nil:
			return err
		case question == firstdial.Nothing && varies && f.answers.MayVary(outcome):
			d.NoAdapt, varies = false, false
			f.t.Say("no answer of yours would help; trying what else may")
			continue
		case question == firstdial.Nothing:
			if outcome.ExitCode() != link.ExitOK {
				return &exit.StatusError{Code: outcome.ExitCode(), Text: "nothing was written; when that is cured, run the same command again"}
			}
			return f.write(heard)
		}
		if err := f.ask(question, ports, c); err != nil {
			return &exit.StatusError{Code: outcome.ExitCode(), Text: err.Error()}
		}
	}
}

// handled are the flags that have a place of their own in the section, and those that mean nothing in it: they are about this one dial.
var handled = []string{
	"port", "apn", "user", "password-file", "pin-file", "quirks", "baud", "link", "once", "pin-again", "pin-last-try", "no-adapt", "record", "record-secrets", "record-control",
}

// more are the other flags that were given: the dial by name is to be the one that worked.
func more(cmd *cobra.Command) (list []firstdial.Option) {
	dial := settings.Keys()
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if dial.Lookup(f.Name) == nil || cmd.InheritedFlags().Lookup(f.Name) != nil || slices.Contains(handled, f.Name) {
			return
		}
		var value any = f.Value.String()
		switch v := f.Value.(type) {
		case pflag.SliceValue:
			value = v.GetSlice()
		default:
			if n, err := strconv.Atoi(v.String()); err == nil && v.Type() != "string" {
				value = n
			} else if v.Type() == "bool" {
				value = v.String() == "true"
			} else if path, err := filepath.Abs(v.String()); f.Name == "sim" && err == nil && exists(path) {
				value = path // a file is found from anywhere
			}
		}
		list = append(list, firstdial.Option{Key: f.Name, Value: value})
	})
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// dial dials once, and says what is to be asked then, if anything may be. A question stands in the place of the account of what went wrong.
func (f *first) dial(ctx context.Context, c *connection.Connection, mayAsk bool) (heard *firstdial.Heard, o link.Outcome, q firstdial.Question, ports []string, err error) {
	sink, finish := f.t.Sinks(time.Now(), progress.Normal, c.Options.Timeout)
	heard = &firstdial.Heard{}
	end := &endHolder{next: sink}
	o = c.Run(ctx, event.Fanout{end, heard})
	if mayAsk {
		q, ports = heard.Next(o, f.answers)
	}
	if q == firstdial.Nothing || !f.attended() && !(q == firstdial.WhichPort && f.options.yes) {
		end.release()
	}
	return heard, o, q, ports, finish()
}

// endHolder is a Sink that keeps the account of a failure back until another attempt follows it.
type endHolder struct {
	next event.Sink
	held []event.Record
}

// Record hands r on, or keeps it.
func (h *endHolder) Record(r event.Record) {
	switch r.Event.(type) {
	case event.Failure, event.Finding, event.Down:
		h.held = append(h.held, r)
		return
	case event.Attempt:
		h.release()
	}
	h.next.Record(r)
}

func (h *endHolder) release() {
	for _, r := range h.held {
		h.next.Record(r)
	}
	h.held = nil
}

// attended says whether somebody can be asked.
func (f *first) attended() bool { return !f.options.yes && terminal.Attended(f.t.In) }

// ask asks a person, and puts the answer where the next dial and the configuration take it from.
func (f *first) ask(q firstdial.Question, ports []string, c *connection.Connection) error {
	attended := f.attended()
	switch q {
	case firstdial.WhichPort:
		choice := 1
		if attended {
			for i, p := range ports {
				fmt.Fprintf(f.t.Err, "  %d  %s%s\n", i+1, p, known(p, c.Dial.Database))
			}
			text, err := f.line("Which modem? [1] ")
			if err != nil {
				return err
			}
			if choice, err = strconv.Atoi(text); text != "" && (err != nil || choice < 1 || choice > len(ports)) {
				return fmt.Errorf("%q is none of 1 to %d", text, len(ports))
			}
			choice = max(choice, 1)
		} else if !f.options.yes {
			return fmt.Errorf("several modems were found (%s): name one with --port, or take the first with --yes", terminal.JoinWords(ports))
		}
		f.answers.Port = files.Machine().Lasting(ports[choice-1])
		c.Options.Port, c.Dial.Port = f.answers.Port, f.answers.Port
		f.t.Say("the modem at %s", f.answers.Port)
	case firstdial.WhichPIN:
		file, err := filepath.Abs(filepath.Join(filepath.Dir(f.options.output), f.name+".pin")) // a dial may be started anywhere
		if err != nil {
			return err
		}
		if _, err := os.Lstat(file); err == nil { // said before a try of the SIM is spent
			return fmt.Errorf("the SIM needs its PIN, and %s is there already: name it with --pin-file, or remove it", file)
		}
		if !attended {
			return errors.New("the SIM needs its PIN: write it into a file that only its owner may read, and name that with --pin-file")
		}
		pin, err := f.secret("PIN of the SIM: ")
		if err != nil {
			return err
		}
		f.pin, f.answers.PINFile = pin, file
		c.Dial.PIN = auth.NewSecret(pin)
	case firstdial.WhichAPN:
		if !attended {
			return errors.New("the APN is missing or wrong: ask the SIM's provider for it, and give it with --apn")
		}
		apn, err := f.line("Access point name (APN) of the SIM's provider: ")
		if err != nil {
			return err
		}
		if apn == "" {
			return errors.New("no APN was given")
		}
		set := append([]string{"context.apn=" + apn}, c.Dial.Settings...)
		if _, err := c.Dial.Database.Resolve(quirks.Facts{}, c.Dial.Profile, set); err != nil {
			return err
		}
		f.answers.APN, c.Dial.Settings = apn, set
	}
	return nil
}

// known is what the bus and the database say of the modem on a port.
func known(port string, db *quirks.DB) string {
	facts, err := device.FactsOn(files.Machine(), db, port)
	if err != nil || facts.USB == "" || facts.USB == quirks.None {
		return ""
	}
	text := "  USB " + facts.USB
	if name := strings.TrimSpace(facts.Manufacturer + " " + facts.Model); name != "" {
		text += " " + event.Printable(name)
	}
	if r, err := db.Resolve(facts, "", nil); err == nil && r.Profile() != "" {
		text += ", profile " + r.Profile()
	}
	return text
}

func (f *first) line(prompt string) (string, error) {
	fmt.Fprint(f.t.Err, prompt)
	if !f.in.Scan() {
		return "", errors.New("no answer")
	}
	return strings.TrimSpace(f.in.Text()), nil
}

// secret reads a line that is not shown.
func (f *first) secret(prompt string) (string, error) {
	file, ok := f.t.In.(*os.File)
	if !ok {
		return "", errors.New("no terminal to type it on")
	}
	fmt.Fprint(f.t.Err, prompt)
	text, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(f.t.Err)
	if err != nil {
		return "", err
	}
	if len(text) < 4 || len(text) > 8 || strings.Trim(string(text), "0123456789") != "" { // 3GPP TS 31.101: 4 to 8 digits
		return "", errors.New("a PIN has 4 to 8 digits")
	}
	return string(text), nil
}

// free says why the section cannot be written.
func (f *first) free() error {
	file, err := settings.ReadFile(f.options.output, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return exit.Usage(err)
	}
	if _, taken := file.Sections[f.name]; taken {
		return exit.Usagef("%s has a section [connection.%s] already: give another NAME, or dial it: knak dial %s", f.options.output, f.name, f.name)
	}
	return nil
}

// write adds the section to the configuration, and writes the PIN beside it.
func (f *first) write(heard *firstdial.Heard) error {
	if f.pin != "" {
		if err := settings.WriteSecret(f.answers.PINFile, f.pin+"\n"); err != nil {
			return err
		}
	}
	if err := settings.Append(f.options.output, firstdial.Section(f.name, f.answers, heard, time.Now())); err != nil {
		if f.pin != "" {
			err = errors.Join(err, os.Remove(f.answers.PINFile)) // nothing refers to it
		}
		return err
	}
	if _, err := settings.ReadFile(f.options.output, true); err != nil {
		return fmt.Errorf("what was written cannot be read: %w", err)
	}
	f.t.Say("wrote %s: [connection.%s]", f.options.output, f.name)
	own := f.options.output == settings.Own()
	up := "knak up " + f.name
	if !own {
		up += " --config " + f.options.output
	}
	f.t.Say("dial it: %s", up)
	f.t.Say("show it: knak status %s      end it: knak down %s", f.name, f.name)
	if own && os.Geteuid() == 0 && runtime.GOOS == "linux" {
		f.t.Say("dial it at each start: systemctl enable --now knak@%s", f.name)
	}
	return nil
}
