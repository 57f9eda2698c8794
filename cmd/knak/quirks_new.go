package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/vectors"
	"github.com/knakppp/knak/quirks"
)

func (a *app) quirksNewCommand() *cobra.Command {
	var device, trace, out string
	var facts []string
	cmd := &cobra.Command{
		Use:   "new PROFILE",
		Short: "Begin a profile: a stub with everything known filled in, a device entry and a scenario",
		Long: `Begin a profile for a modem: its file, a device entry and a scenario, with everything that is known filled in and TODO where
somebody must write. They go below --out, laid out as /etc/knak; with --out ~/.config/knak "knak dial --quirks PROFILE"
uses them at once. No file is ever overwritten. Passwords, names and addresses of a trace are left out.`,
		Example: `  knak dial --json >trace.jsonl
  knak quirks new acme/m1 --from-trace trace.jsonl --out ~/.config/knak
  knak quirks new acme/m1 --fact usb=1234:5678 --fact model=M1`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := a.quirksFor(cmd)
			if err != nil {
				return err
			}
			id := args[0]
			if err := quirks.CheckID(id); err != nil {
				return &usageError{err}
			}
			if p, ok := db.Profile(id); ok {
				return usagef("there is a profile %s in %s; to change a key of it, write only that key into your own %s.toml", id, p.Files[0].Name, id)
			}
			if strings.HasPrefix(id, "common/") {
				return usagef("common/ is for what profiles inherit; a modem needs <vendor>/<model>")
			}
			s := vectors.Stub{ID: id}
			var port []string
			if device != "" {
				port = []string{device}
			}
			if trace != "" {
				if s.Seen, err = a.readCalls(trace, ""); err != nil {
					return usagef("--from-trace: %w", err)
				}
				s.Facts = mimic.Facts(s.Seen)
			}
			found, err := explainFacts(port, facts, "", db)
			if err != nil {
				return err
			}
			if s.Facts, err = s.Facts.With(found.List()); err != nil {
				return &usageError{err}
			}
			if u := s.Facts.USB; u != "" && u != quirks.None {
				if err := quirks.CheckPattern("usb", u); err != nil {
					return &usageError{err}
				}
			}
			return a.writeStub(&s, out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&device, "from-device", "", "take the facts from this `port`'s modem, as far as the bus tells them; no port is opened")
	f.StringArrayVar(&facts, "fact", nil, "something known of the modem, `NAME=VALUE`: usb, interface, class, driver, manufacturer, model or revision")
	f.StringVar(&trace, "from-trace", "", "fill in what a `file` shows: a recording or a log, of any program that \"knak decode\" reads")
	f.StringVar(&out, "out", ".", "write below this `directory`")
	complete(cmd, "out", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
	return cmd
}

// writeStub writes the files, all or, where one is there already, none.
func (a *app) writeStub(s *vectors.Stub, out string) error {
	files := s.Files()
	for _, f := range files {
		name := filepath.Join(out, filepath.FromSlash(f.Name))
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				err = errors.New("is there already")
			}
			return usagef("%s: %w; nothing was written", name, err)
		}
	}
	var names []string
	for _, f := range files {
		name := filepath.Join(out, filepath.FromSlash(f.Name))
		if err := writeNew(name, f.Text); err != nil {
			return fmt.Errorf("quirks new: %w", err)
		}
		names = append(names, name)
	}
	if a.global.JSON {
		if err := json.NewEncoder(a.stdout).Encode(map[string]any{"profile": s.ID, "files": names}); err != nil {
			return fmt.Errorf("quirks new: %w", err)
		}
		return nil
	}
	for _, name := range names {
		fmt.Fprintln(a.stdout, name)
	}
	fmt.Fprintf(a.stderr, "Now write what is marked %s, then: knak quirks validate %s; knak quirks test %s\n", vectors.Todo, out, s.ID)
	return nil
}

func writeNew(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
