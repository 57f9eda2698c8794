// Package dial is knak dial.
package dial

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/sdnotify"
	"github.com/knakppp/knak/core/show/progress"
)

// Command is knak dial.
func Command(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dial [CONNECTION]",
		Short: "Bring a link up and hold it",
		Long: `Bring a link up and hold it until a signal, "knak hangup", a limit, or the modem ends it. CONNECTION names a section
[connection.NAME] of the configuration file; with none, and one modem present, no configuration is needed.

Progress goes to standard error. Where the link does not come up, the last lines say what the modem did, what that
means and what to try; the exit status says it to scripts (pppd's numbers where pppd has one; see "knak help exit-status").`,
		Example: `  knak dial --apn internet
  knak dial --port /dev/ttyUSB0 --apn internet --user me --password-file /etc/knak/secret
  knak dial --sim huawei/e398 --plane stack --once
  knak dial --apn internet --record call.pcapng
  knak dial --set lcp.echo_mode=off --set ipcp.request=address,dns1,dns2,nbns1,nbns2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := connection.Read(t, cmd, args)
			if err != nil {
				return err
			}
			return run(cmd.Context(), t, c)
		},
	}
	settings.AddDialFlags(cmd.Flags())
	complete.Flag(cmd, "set", complete.Set)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	complete.Flag(cmd, "auth", complete.Auth)
	for _, flag := range []string{"plane", "dns"} {
		complete.Flag(cmd, flag, complete.Words(flag))
	}
	return cmd
}

// run dials, and tells what happens.
func run(ctx context.Context, t *terminal.Terminal, c *connection.Connection) error {
	sink, finish := t.Sinks(time.Now(), progress.Normal, c.Options.Timeout)
	told := &toldSink{}
	recorder, err := c.StartRecording(sink)
	if err != nil {
		return err
	}
	all := event.Fanout{sink, told}
	if recorder != nil {
		all = append(all, recorder)
	}
	manager, err := sdnotify.Take()
	if err != nil {
		sink.Record(event.Record{Time: time.Now(), Link: c.Dial.Name, Event: event.Notice{Level: "warning", Text: "the service manager is not told how the dial is doing: " + err.Error()}})
	}
	if manager != nil {
		all = append(all, manager)
	}
	outcome := c.Run(ctx, all)
	if manager != nil {
		_ = manager.Stopping() // the process ends now
	}
	if recorder != nil {
		_ = recorder.CloseUsed() // sink was told what is wrong
	}
	if err := finish(); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("writing what happened: %w", err)
	}
	code := outcome.ExitCode()
	if code == link.ExitOK {
		return nil
	}
	var text string
	if !t.Style.JSON && t.Style.Quiet && !outcome.Clean() && !told.finding {
		text = outcome.String() // nothing else has said it
	}
	return &exit.StatusError{Code: code, Text: text}
}

// toldSink remembers whether a finding has told why a dial failed.
type toldSink struct{ finding bool }

// Record looks for a finding.
func (t *toldSink) Record(r event.Record) {
	if _, ok := r.Event.(event.Finding); ok {
		t.finding = true
	}
}
