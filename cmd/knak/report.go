package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/share"
	"github.com/knakppp/knak/quirks"
)

// reportOptions are what a report can be told.
type reportOptions struct {
	output, bundle, format string
}

func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
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
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			if o.bundle != "" {
				if len(args) > 1 {
					return usagef("--bundle packs one recording, not two: leave %s out", args[1])
				}
				if err := a.writeBundle(args[0], o); err != nil {
					return err
				}
				if !cmd.Flags().Changed("output") {
					return nil
				}
			}
			return a.writeReport(args, o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "report.html", "write the page to this `file`; - is standard output")
	cmd.Flags().StringVar(&o.bundle, "bundle", "", "write an archive for sharing to this `file`, for example call.zip")
	addFormatFlag(cmd, &o.format)
	return cmd
}

func (a *app) writeReport(names []string, o reportOptions) error {
	var list []*inspect.Recording
	for _, name := range names {
		drawn, err := a.readDrawn(name, o.format)
		if err != nil {
			return err
		}
		list = append(list, drawn)
	}
	page := inspect.Page(list, readVersion().String(), time.Now())
	if o.output == "-" {
		return page.HTML(a.stdout)
	}
	if err := writeWhole(o.output, page.HTML); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	a.say("wrote %s", o.output)
	return nil
}

// readDrawn reads a recording for the page, and for a comparison.
func (a *app) readDrawn(name, format string) (*inspect.Recording, error) {
	r, err := a.openRecording(name, read.Options{Format: format})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	drawn, err := inspect.Read(r.Reader, filepath.Base(r.name))
	if err != nil {
		return nil, err
	}
	return drawn, r.tells(drawn.Verdict.Told > 0)
}

// everybodysWords are what an archive may show of findings, settings and profiles: what comes with knak, and no name that
// somebody gave.
func everybodysWords() []string {
	words := slices.Concat(diagnose.IDs(), diagnose.Categories())
	for _, k := range quirks.Keys {
		words = append(words, k.Name)
	}
	db, _ := quirks.Open(quirks.Sources{Builtin: knak.Files}) // what is wrong in it a test of the database finds
	return append(words, db.Profiles()...)
}

func (a *app) writeBundle(name string, o reportOptions) error {
	r, err := a.openRecording(name, read.Options{Format: o.format})
	if err != nil {
		return err
	}
	defer r.Close()
	var nothing error
	err = writeWhole(o.bundle, func(w io.Writer) error {
		v, err := inspect.Bundle(w, r.Reader, time.Now(), share.Facts{
			Knak: readVersion().String(), System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: share.Kernel(),
		}, everybodysWords()...)
		if err != nil {
			return err
		}
		nothing = r.tells(v.Told > 0)
		return nothing
	})
	if nothing != nil {
		return nothing
	}
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	a.say("wrote %s: look into it before you share it; README.txt in it says what was replaced", o.bundle)
	return nil
}

// say tells a person that something was done.
func (a *app) say(format string, args ...any) {
	if !a.global.Quiet && !a.global.JSON {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// writeWhole writes a file as a whole or not at all: what stood there before stays until the new one is complete.
func writeWhole(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return usagef("%s is no file", name)
	}
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(filepath.Dir(name), ".knak-*")
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return usagef("%s cannot be written: %w", name, path.Err)
	}
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
