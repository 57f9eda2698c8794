// Package up is knak up: a dial in the background.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/link"
)

// options are what knak up can be told besides what a dial can.
type options struct {
	wait       time.Duration // 0: as long as the dial tries
	connection *connection.Connection
	dial       []string // the dial's command line
}

// Command is knak up.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "up [CONNECTION]",
		Short: "Dial in the background, and wait until the link works or say why not",
		Long: `Dial in the background as "knak dial" does, with the same flags, and wait until the link works: then this command ends with
status 0 and the dial goes on by itself. Where the link does not come up, the dial's own account and its exit status are
this command's. "knak down" ends the link.`,
		Example: `  knak up --apn internet && curl https://example.com
  knak up roof --wait 30s
  knak down roof`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.connection, err = connection.Read(t, cmd, args); err != nil { // what is wrong is said here, before anything is started
				return err
			}
			o.dial = dialArguments(cmd, args)
			return run(cmd.Context(), t, o)
		},
	}
	settings.AddDialFlags(cmd.Flags())
	cmd.Flags().DurationVar(&o.wait, "wait", 0, "wait no longer than this: the dial goes on in the background, and the exit status is 10; 0: as long as --timeout lets the dial try")
	complete.Flag(cmd, "set", complete.Set)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	for _, flag := range []string{"plane", "dns"} {
		complete.Flag(cmd, flag, complete.Words(flag))
	}
	return cmd
}

// lookAgain is how often the dial in the background is looked at until its link works.
const lookAgain = 50 * time.Millisecond

// run starts a dial that outlives this process.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	said, name := &o.connection.Options, o.connection.Dial.Name
	switch {
	case said.Once:
		return exit.Usagef("--once ends the link as soon as it works: use knak dial --once")
	case said.Port == "-" || said.PasswordFile == "-" || said.PINFile == "-":
		return exit.Usagef("a dial in the background has no standard input: name a file or a port in place of -")
	case t.Style.JSON:
		return exit.Usagef("--json writes what happens as long as the link lasts: use knak dial --json, or knak up and then knak status --json")
	}
	if st, err := control.AskStatus(ctx, control.Dir(), name); err == nil {
		if st.Up == nil {
			return fmt.Errorf("%s is being dialled already: knak status %s", name, name)
		}
		fmt.Fprintf(t.Out, "%s: up already, %s\n", name, st.Up.Local)
		return nil
	}
	story, err := story(t, name)
	if err != nil {
		return err
	}
	defer story.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("up: %w", err)
	}
	child := exec.Command(self, o.dial...)
	child.Args[0] = os.Args[0]
	child.Stderr, child.Stdout = story, story
	child.SysProcAttr = ownSession()
	if err := child.Start(); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	return waitUp(ctx, t, name, child.Process, story, ended, o.wait)
}

// story makes the file into which the dial in the background tells what happens, NAME.log in this user's own directory.
func story(t *terminal.Terminal, name string) (*os.File, error) {
	dir := control.Dir()
	if err := control.MakePrivate(dir); err != nil {
		return nil, fmt.Errorf("up: %w", err)
	}
	if runtime.GOOS == "windows" { // which renames no file that is open, and has ports by the names COM5 and COM5.log
		return os.OpenFile(filepath.Join(dir, "up-"+name+".log"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	}
	f, err := os.CreateTemp(dir, "."+name+".log.*")
	if err != nil {
		return nil, fmt.Errorf("up: %w", err)
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name+".log")); err != nil {
		return nil, errors.Join(fmt.Errorf("up: %w", err), f.Close())
	}
	return f, nil
}

// dialArguments are this command line with dial in place of up.
func dialArguments(cmd *cobra.Command, args []string) []string {
	list := []string{"dial"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch v := f.Value.(type) {
		case pflag.SliceValue:
			for _, text := range v.GetSlice() {
				list = append(list, "--"+f.Name+"="+text)
			}
		case *settings.Verbosity:
			for range *v {
				list = append(list, "-v")
			}
		default:
			if f.Name != "wait" {
				list = append(list, "--"+f.Name+"="+f.Value.String())
			}
		}
	})
	return append(list, args...)
}

// waitUp tells what the dial says until its link works, or it ends, or the time is over.
func waitUp(ctx context.Context, t *terminal.Terminal, name string, dial *os.Process, story *os.File, ended <-chan error, wait time.Duration) error {
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	var told int64
	tell := func() {
		// By its own place in the file: the dial writes at another one through the same descriptor.
		n, _ := io.Copy(t.Err, io.NewSectionReader(story, told, math.MaxInt64-told)) // what cannot be told does not end a link
		told += n
	}
	var late <-chan time.Time
	if wait > 0 {
		late = time.After(wait)
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		select {
		case err := <-ended:
			tell()
			var status *exec.ExitError
			if errors.As(err, &status) {
				return &exit.StatusError{Code: link.ExitCode(max(status.ExitCode(), 1))}
			}
			return err
		case <-ctx.Done():
			// A person gave up: the link is not wanted any more.
			if err := dial.Signal(syscall.SIGTERM); err != nil && runtime.GOOS == "windows" { // which has no such signal
				if _, err := control.AskHangup(context.WithoutCancel(ctx), control.Dir(), name); err != nil {
					_ = dial.Kill() // nobody listens there yet
				}
			}
			<-ended
			tell()
			return &exit.StatusError{Code: link.ExitSignal}
		case <-late:
			tell()
			return &exit.StatusError{Code: link.ExitNegotiation, Text: fmt.Sprintf("%s is not up after %v; the dial goes on: knak status %s, knak down %s", name, wait, name, name)}
		case <-again.C:
			tell()
			st, err := control.AskStatus(ctx, control.Dir(), name)
			if err == nil && st.Up != nil && st.Phase == "up" {
				tell()
				return nil
			}
		}
	}
}
