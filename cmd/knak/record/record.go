// Package record is the command knak record: it records the octets between another dialer and the modem.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/recording/record"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/tap"
)

// options are the flags of knak record.
type options struct {
	through, output, format string
	secrets, control        bool
	modem                   string // its port
}

// Command is knak record.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "record PORT",
		Short: "Record what another dialer and the modem say to each other",
		Long: `Stand between another dialer and the modem at PORT, and record what passes, octet for octet. The other dialer (pppd,
wvdial, a vendor's program) runs unchanged, but on the terminal that is the first line on standard output (with --json
its key "port"). Speed and flow control that it sets are set at PORT; a hang-up of either side reaches the other.

What passes is shown on standard error, a line a packet. The recording goes on until a signal; PORT is then given back
as it was. The file's name says its format: .pcapng opens in Wireshark, .record in pppdump.`,
		Example: `  knak record /dev/ttyUSB0 --through /tmp/modem -o call.pcapng
  pppd /tmp/modem 460800 call provider      (in another window)`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.modem = args[0]
			return run(cmd.Context(), t, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.through, "through", "", "make the terminal for the other dialer under this `path` (default: a name made of PORT's)")
	f.StringVarP(&o.output, "output", "o", "", "record into this `file`, which must not exist; %t in it is the time (default: knak-%t.pcapng)")
	f.StringVar(&o.format, "format", "", "write this `form` of file: pcapng or pppd (default: by the file's name)")
	f.BoolVar(&o.secrets, "secrets", false, "record passwords, responses and identities too: show such a file to nobody")
	f.BoolVar(&o.control, "control-only", false, "record no data packets, only what is said about the link")
	complete.Flag(cmd, "format", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return record.Names(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// recordingInfo is the first line of record --json; events follow.
type recordingInfo struct {
	Port      string `json:"port"`
	Recording string `json:"recording"`
}

// run records until a signal or the end of a port.
func run(ctx context.Context, t *terminal.Terminal, o options) (err error) {
	modem := o.modem
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	now := time.Now()
	if o.output == "" {
		o.output = "knak-%t.pcapng"
		if o.format == record.PPPD.String() {
			o.output = "knak-%t.record"
		}
	}
	o.output = record.FileName(o.output, now)
	format, err := record.ParseFormat(o.format, o.output)
	if err != nil {
		return exit.Usage(err)
	}
	sink, finish := t.Sinks(now, progress.Detail, 0)
	if !t.Style.Everything {
		sink = withoutData(sink)
	}
	watcher := record.Watch(filepath.Base(modem), sink)
	tell := func(n event.Notice) {
		watcher.Record(event.Record{Time: time.Now(), Link: filepath.Base(modem), Event: n})
	}
	defer func() {
		watcher.Close()
		err = errors.Join(err, finish())
	}()
	recorder, err := record.Create(o.output, record.Options{
		Format: format, Secrets: o.secrets, ControlOnly: o.control, Lines: true, Program: "knak " + build.Version().Version, Port: modem,
	}, tell)
	if err != nil {
		return exit.Usagef("-o: %w", err)
	}
	through, line, err := openBoth(ctx, o.through, modem, recorder, watcher)
	if err != nil {
		_ = recorder.Close() // what counts is err
		return errors.Join(err, os.Remove(o.output))
	}
	if t.Style.JSON {
		err = json.NewEncoder(t.Out).Encode(recordingInfo{through.Path(), o.output})
	} else {
		_, err = fmt.Fprintln(t.Out, through.Path())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("record: %w", err), through.Close(), line.Close(), recorder.Close())
	}
	tell(event.Notice{Level: "info", Text: fmt.Sprintf("recording %s into %s; open %s with the other dialer", modem, o.output, through.Path())})
	if err = through.Run(ctx, line); err != nil {
		code := link.ExitFatal
		if errors.Is(err, port.ErrHungUp) {
			code = link.ExitModemHangup
		}
		err = &exit.StatusError{Code: code, Text: fmt.Sprintf("record %s: %v", modem, err)}
	}
	return errors.Join(err, recorder.Close())
}

// neverGiveUp is how long the port may accept nothing: like a cable, the tap sets no limit.
const neverGiveUp = 365 * 24 * time.Hour

// openBoth opens the other dialer's terminal and the modem's port.
func openBoth(ctx context.Context, through, modem string, ears ...tap.Ear) (*tap.Tap, *port.Port, error) {
	if _, err := os.Stat(modem); err != nil && !port.Exists(modem) {
		return nil, nil, exit.Usagef("PORT: %w", err)
	}
	t, err := openTap(through, modem, ears...)
	if errors.Is(err, os.ErrExist) {
		return nil, nil, exit.Usagef("--through: %w; give another name, or remove it", err)
	}
	if errors.Is(err, port.ErrNoPTY) {
		return nil, nil, exit.Usagef("%w, and another dialer's call is recorded through one; a dial of knak's own is recorded everywhere: knak dial --record FILE", err)
	}
	if err != nil {
		return nil, nil, exit.Usagef("--through: %w", err)
	}
	line, err := port.OpenWithin(ctx, modem, port.Config{WriteTimeout: neverGiveUp})
	if err != nil {
		return nil, nil, &exit.StatusError{Code: drive.OpenOutcome(err).ExitCode(), Text: errors.Join(err, t.Close()).Error()}
	}
	return t, line, nil
}

// openTap opens the tap under the name given, or under the first free one made of the modem's.
func openTap(through, modem string, ears ...tap.Ear) (*tap.Tap, error) {
	if through != "" {
		return tap.Open(through, modem, ears...)
	}
	dir := "/run"
	if os.Geteuid() != 0 {
		if dir = os.Getenv("XDG_RUNTIME_DIR"); dir == "" {
			dir = os.TempDir()
		}
	}
	name := filepath.Join(dir, "knak-"+filepath.Base(modem))
	for n := 2; ; n++ {
		t, err := tap.Open(name, modem, ears...)
		if !errors.Is(err, os.ErrExist) || n > 9 {
			return t, err
		}
		name = filepath.Join(dir, fmt.Sprintf("knak-%s-%d", filepath.Base(modem), n))
	}
}

// withoutData keeps data packets from a person's eyes: there are too many.
func withoutData(next event.Sink) event.Sink {
	return event.SinkFunc(func(r event.Record) {
		if _, data := r.Event.(event.Data); !data {
			next.Record(r)
		}
	})
}
