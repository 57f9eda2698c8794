// Package report is the command knak report: it draws a call as a page, or packs it for others.
package report

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/output"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/share"
	"github.com/knakppp/knak/quirks"
)

// options are the flags of knak report.
type options struct {
	output, bundle, format string
	pageAsked              bool     // whether --output was given
	recordings             []string // one, or two that are compared
}

// Command is knak report.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "report FILE [BAD]",
		Short: "Draw a recorded call as one HTML page, or pack it so that it can be shared",
		Long: `Draw a recording or log of a call, of any kind that "knak decode" reads, as one HTML page: the ladder of the
negotiation with retransmissions and refusals marked, what knak finds pinned to the packets, and a table of all rows. The
page needs no network and no other file. With a second recording the two are held side by side: the one that works first.

With --bundle the recording is packed for others to look at: passwords, responses, IMSI, IMEI, ICCID, telephone numbers,
addresses and names are replaced, the same by the same. The file that was read is not in it.`,
		Example: `  knak report call.pcapng
  knak report pppd.log -o /tmp/pppd.html
  knak report windows.log pppd.log
  knak report call.pcapng --bundle for-the-forum.zip`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.pageAsked, o.recordings = cmd.Flags().Changed("output"), args
			return run(t, o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "report.html", "write the page to this `file`; - is standard output")
	cmd.Flags().StringVar(&o.bundle, "bundle", "", "write an archive for sharing to this `file`, for example call.zip")
	recordings.AddFormatFlag(cmd, &o.format)
	return cmd
}

// run draws a page, or packs, or both.
func run(t *terminal.Terminal, o options) error {
	if o.bundle != "" {
		if len(o.recordings) > 1 {
			return exit.Usagef("--bundle packs one recording, not two: leave %s out", o.recordings[1])
		}
		if err := writeBundle(t, o.recordings[0], o); err != nil {
			return err
		}
		if !o.pageAsked {
			return nil
		}
	}
	return writeReport(t, o.recordings, o)
}

func writeReport(t *terminal.Terminal, names []string, o options) error {
	var list []*inspect.Recording
	for _, name := range names {
		drawn, err := readDrawn(t, name, o.format)
		if err != nil {
			return err
		}
		list = append(list, drawn)
	}
	page := inspect.Page(list, build.Version().String(), time.Now())
	if o.output == "-" {
		return page.HTML(t.Out)
	}
	if err := output.Whole(o.output, page.HTML); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	t.Say("wrote %s", o.output)
	return nil
}

// readDrawn reads a recording for the page, and for a comparison.
func readDrawn(t *terminal.Terminal, name, format string) (*inspect.Recording, error) {
	r, err := recordings.Open(t, name, read.Options{Format: format})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	drawn, err := inspect.Read(r.Reader, filepath.Base(r.Name))
	if err != nil {
		return nil, err
	}
	return drawn, r.Tells(drawn.Verdict.Told > 0)
}

// ownProfiles are the names of the profiles that come with knak.
func ownProfiles() []string {
	db, _ := quirks.Open(quirks.Sources{Builtin: knak.Files}) // what is wrong in it a test of the database finds
	return db.Profiles()
}

func writeBundle(t *terminal.Terminal, name string, o options) error {
	r, err := recordings.Open(t, name, read.Options{Format: o.format})
	if err != nil {
		return err
	}
	defer r.Close()
	var nothing error
	err = output.Whole(o.bundle, func(w io.Writer) error {
		v, err := inspect.Bundle(w, r.Reader, time.Now(), share.Facts{
			Knak: build.Version().String(), System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: share.Kernel(),
		}, inspect.Words(ownProfiles())...)
		if err != nil {
			return err
		}
		nothing = r.Tells(v.Told > 0)
		return nothing
	})
	if nothing != nil {
		return nothing
	}
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	t.Say("wrote %s: look into it before you share it; README.txt in it says what was replaced", o.bundle)
	return nil
}
