package quirks

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/quirks"
)

// showCommand is knak quirks show.
func showCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:               "show PROFILE",
		Short:             "Show a profile: each setting with its reason, source and confidence",
		Example:           "  knak quirks show huawei/e398",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.First(complete.Profiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return show(t, args)
		},
	}
}

// show shows a profile.
func show(t *terminal.Terminal, args []string) error {
	db, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	info, ok := describeProfile(db, args[0], true)
	if !ok {
		hint := "knak quirks list names all"
		if near := quirks.Nearest(args[0], db.Profiles()); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return exit.Usagef("no profile %q; %s", args[0], hint)
	}
	if t.Style.JSON {
		return json.NewEncoder(t.Out).Encode(info)
	}
	w := t.Out
	fmt.Fprintf(w, "%s: %s\n", info.ID, info.Summary)
	fmt.Fprintf(w, "devices:  %s\n", terminal.OrNone(strings.Join(info.Devices, ", ")))
	if len(info.Parents) > 0 {
		fmt.Fprintf(w, "inherits: %s\n", strings.Join(info.Parents, ", "))
	}
	for _, q := range info.Quirks {
		op := "="
		switch q.Op {
		case "add":
			op = "+="
		case "remove":
			op = "-="
		}
		fmt.Fprintf(w, "\n%s %s %s\n", q.Key, op, quoteEmpty(q.Value))
		fmt.Fprintf(w, "  why:    %s\n", q.Reason)
		if q.When != "" {
			fmt.Fprintf(w, "  acts:   only when %s\n", q.When)
		}
		fmt.Fprintf(w, "  known:  %s, from %s\n", terminal.OrUnknown(q.Confidence), terminal.OrNone(strings.Join(q.Sources, "; ")))
		fmt.Fprintf(w, "  stands: %s\n", q.Origin)
	}
	return nil
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}
