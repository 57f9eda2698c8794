// Package doctor is the command knak doctor: it looks for problems on this machine that would stop a dial.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/doctor"
	"github.com/knakppp/knak/core/link"
)

// options are the flags of knak doctor.
type options struct {
	fix    bool
	port   string
	broken error // what is wrong with the configuration
}

// Command is knak doctor.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what on this machine would stop a dial, each with its cure",
		Long: `Look for what would stop a dial on this machine, or make it another one than was asked for: no modem or one in storage
mode, ports that may not be opened or that another program holds, missing kernel support or rights, a broken configuration;
and for what a dial has left behind that was killed. No port is opened, and without --fix nothing is changed.
The exit status is 1 when something was found that would stop a dial.`,
		Example: `  sudo knak doctor
  knak doctor --port /dev/ttyS0
  sudo knak doctor --fix`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.broken = settings.ReadGlobalStrictly(t, cmd)
			if o.broken != nil { // it is what is looked for
				t.Style = terminal.Style{}
				t.Style.JSON, _ = cmd.Flags().GetBool("json")
			}
			return run(cmd.Context(), t, o)
		},
	}
	cmd.Flags().BoolVar(&o.fix, "fix", false, "put right what a killed dial has left behind: resolv.conf, sockets, locks")
	cmd.Flags().StringVar(&o.port, "port", "", "look at this `tty` alone, and ask whether a modem answers there: it is opened, and AT is sent")
	return cmd
}

// run looks, and prints what was found; the exit status is 1 where something would stop a dial.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	var list []doctor.Check
	if o.port != "" {
		list = doctor.Port(ctx, o.port, func(text string) { fmt.Fprintf(t.Err, "%s\n", text) })
	} else {
		list = doctor.Machine(ctx, o.broken, o.fix)
	}
	bad := false
	for _, c := range list {
		bad = bad || c.State == "bad"
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(c); err != nil {
				return fmt.Errorf("doctor: %w", err)
			}
			continue
		}
		print(t.Out, c)
	}
	if bad {
		return &exit.StatusError{Code: link.ExitFatal}
	}
	return nil
}

func print(w io.Writer, c doctor.Check) {
	fmt.Fprintf(w, "%-5s %s: %s\n", c.State, c.Name, c.Text)
	if c.Cure != "" {
		fmt.Fprintf(w, "      try: %s\n", c.Cure)
	}
}
