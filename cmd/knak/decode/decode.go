// Package decode is the command knak decode: it prints a recording packet by packet.
package decode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/show/decode"
	"github.com/knakppp/knak/core/show/report"
)

// options are the flags of knak decode.
type options struct {
	decode.Options
	format string
	follow bool
	ladder bool
	file   string
}

var phases = []string{
	event.PhaseDial, event.PhaseLCP, event.PhaseAuth, event.PhaseIPCP, event.PhaseIPV6CP, event.PhaseProve, event.PhaseUp, event.PhaseHangup, event.PhaseDown,
}

// Command is knak decode.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "decode FILE",
		Short: "Show a recording or log packet by packet, with what is wrong by the RFC",
		Long: `Show anybody's recording or log of a PPP call: one line a packet in pppd's notation, with its line or packet number, its
time, its direction, and behind !! what is wrong with it by the RFC. The AT dialogue, texts of the modem, and what the
dialer said stand between. FILE - is standard input. What it is, and whether it is packed with gzip or zstd, is found out.

sent is from the host to the modem. Passwords, responses and identities of the subscriber are replaced. What could not be
understood is shown behind ??, and a summary on standard error says how much it is.

  knak decode /var/log/syslog             what pppd logged with "debug"
  knak decode --proto ipcp call.pcapng    only IPCP
  knak decode --wrong call.log            only what is wrong
  knak decode --follow /var/log/ppp.log   while it is written; Ctrl-C ends`,
		Example: `  knak decode pppd.log
  knak decode --ladder call.pcapng
  journalctl -f -t pppd | knak decode --follow -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.file, o.JSON, o.Color = args[0], t.Style.JSON, t.Color(t.Out)
			return run(cmd.Context(), t, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.follow, "follow", false, "go on while the file grows, until Ctrl-C or until it is removed")
	f.BoolVar(&o.ladder, "ladder", false, "draw who sent what as a ladder, and name the findings")
	f.BoolVar(&o.Hex, "hex", false, "show the octets of each packet below it")
	f.BoolVar(&o.Absolute, "absolute", false, "show the date and time, not the seconds since the first record")
	f.BoolVar(&o.Wrong, "wrong", false, "show only packets with which something is wrong")
	f.BoolVar(&o.NoData, "no-data", false, "leave out data packets")
	f.BoolVar(&o.NoLog, "no-log", false, "leave out lines of other programs that are no packet and no event")
	f.StringSliceVar(&o.Proto, "proto", nil, "show only these: a `list` of protocols (lcp, chap, ipcp, 0x8281 …) and of "+strings.Join(decode.Kinds, ", "))
	f.StringSliceVar(&o.Phase, "phase", nil, "show only these phases of the call: a `list` of "+strings.Join(phases, ", "))
	recordings.AddFormatFlag(cmd, &o.format)
	complete.Flag(cmd, "proto", cobra.FixedCompletions(append(decode.Protos(), decode.Kinds...), cobra.ShellCompDirectiveNoFileComp))
	complete.Flag(cmd, "phase", cobra.FixedCompletions(phases, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check finds flags that nobody can follow.
func (o *options) check() error {
	for i, p := range o.Proto {
		if o.Proto[i] = strings.ToLower(p); !decode.Known(o.Proto[i]) {
			return exit.Usagef("--proto %s: is not a protocol; there are %s, and numbers such as 0x8281", p, strings.Join(append(decode.Protos(), decode.Kinds...), ", "))
		}
	}
	for _, p := range o.Phase {
		if !slices.Contains(phases, p) {
			return exit.Usagef("--phase %s: is not a phase; there are %s", p, strings.Join(phases, ", "))
		}
	}
	switch {
	case o.ladder && o.follow:
		return exit.Usagef("--ladder draws a whole call and cannot --follow one")
	case o.ladder && o.JSON:
		return exit.Usagef("--ladder is a drawing: leave out --json")
	case o.follow && o.file == "-":
		return exit.Usagef("--follow needs a file: standard input is read until it ends anyhow")
	}
	return nil
}

// run shows a recording.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.follow {
		return follow(ctx, t, o)
	}
	r, err := recordings.Open(t, o.file, read.Options{Format: o.format})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read from
	if o.ladder {
		return drawLadder(t, r)
	}
	// A recording makes much that is of use for a moment only; what lives is little, so the collector may wait longer.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	out := bufio.NewWriterSize(t.Out, 256<<10)
	d := decode.New(out, o.Options)
	err = decode.Run(r.Reader, d, func() bool { return d.Err() != nil })
	return decoded(t, r.Source(), d, errors.Join(err, out.Flush()))
}

// follow shows a file that still grows, each record at once.
func follow(ctx context.Context, t *terminal.Terminal, o options) error {
	file := o.file
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.Open(file)
	if err != nil {
		return exit.Usage(err)
	}
	defer func() { _ = f.Close() }() // it was only read from
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return exit.Usagef("%s cannot be followed: it is not a regular file", file)
	}
	grown, err := read.Follow(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = grown.Close() }() // it was only read from
	reading, err := recordings.Options(t, o.format)
	if err != nil {
		return err
	}
	reading.Name, reading.Date, reading.Follow = file, info.ModTime(), true
	r, err := read.Open(grown, reading)
	if err != nil {
		return exit.Usage(err)
	}
	d := decode.New(t.Out, o.Options)
	err = decode.Each(r, d, func() bool { return d.Err() != nil })
	rec := &recordings.Recording{Reader: r, Name: file}
	return decoded(t, rec.Source(), d, err)
}

// decoded writes the summary and gives the first error.
func decoded(t *terminal.Terminal, source string, d *decode.Writer, err error) error {
	if err = errors.Join(d.Err(), err); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if t.Style.Quiet {
		return nil
	}
	c := d.Counts()
	text := source
	if c.Faulty > 0 {
		text += "; wrong by the RFC: " + terminal.Plural(int(c.Faulty), "packet")
	}
	fmt.Fprintln(t.Err, text)
	return nil
}

// drawLadder draws the call.
func drawLadder(t *terminal.Terminal, r *recordings.Recording) error {
	rows, judge := report.NewCollector(0), diagnose.NewCase()
	if err := r.Each(rows, judge); err != nil {
		return err
	}
	if err := rows.Ladder(judge.Verdict().Findings).Text(t.Out, report.TextOptions{Color: t.Color(t.Out)}); err != nil {
		return err
	}
	if !t.Style.Quiet {
		fmt.Fprintln(t.Err, r.Source())
	}
	return nil
}
