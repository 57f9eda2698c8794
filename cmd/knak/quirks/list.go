package quirks

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/quirks"
)

type profileInfo struct {
	ID      string      `json:"id"`
	Summary string      `json:"summary"`
	Quirks  []quirkInfo `json:"quirks,omitempty"`
	Parents []string    `json:"inherits,omitempty"`
	Devices []string    `json:"devices"`
}

type quirkInfo struct {
	Key        string   `json:"key"`
	Op         string   `json:"op"`
	Value      string   `json:"value"`
	Reason     string   `json:"reason"`
	Sources    []string `json:"sources"`
	Confidence string   `json:"confidence"`
	When       string   `json:"when,omitempty"`
	Origin     string   `json:"origin"`
}

func describeProfile(db *quirks.DB, id string, whole bool) (profileInfo, bool) {
	p, ok := db.Profile(id)
	if !ok {
		return profileInfo{}, false
	}
	info := profileInfo{ID: p.ID, Summary: p.Summary, Parents: p.Inherits, Devices: db.DeviceNames(id)}
	if whole {
		for _, q := range p.Quirks {
			info.Quirks = append(info.Quirks, quirkInfo{q.Key, q.Op.String(), q.Value.String(), q.Reason, q.Sources, q.Confidence, q.When, q.Layer.String() + " " + q.Origin})
		}
	}
	return info, true
}

// listOptions are the flags of knak quirks list.
type listOptions struct {
	filter   quirks.Filter
	markdown bool // the page of all devices
}

// listCommand is knak quirks list.
func listCommand(t *terminal.Terminal) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list [VENDOR]",
		Short: "List the profiles and the devices that get them",
		Example: `  knak quirks list huawei
  knak quirks list --key auth.user --json
  knak quirks list --behaviour "empty nak"
  knak quirks list --markdown >devices.md`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: complete.First(completeMakers),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			if len(args) == 1 {
				if o.filter.Vendor != "" {
					return exit.Usagef("give VENDOR or --vendor, not both")
				}
				o.filter.Vendor = args[0]
			}
			return list(t, o)
		},
	}
	addFilter(cmd, &o.filter)
	cmd.Flags().BoolVar(&o.markdown, "markdown", false, "write all device entries as a page in Markdown, by maker, with ports, profiles and sources")
	return cmd
}

// list lists profiles.
func list(t *terminal.Terminal, o listOptions) error {
	db, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	if o.markdown {
		if o.filter != (quirks.Filter{}) || t.Style.JSON {
			return exit.Usagef("--markdown is the page of all devices, and goes with no other option")
		}
		_, err := io.WriteString(t.Out, db.Markdown())
		return err
	}
	ids, err := o.filter.Profiles(db)
	if err != nil {
		return exit.Usage(err)
	}
	tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	if !t.Style.JSON {
		fmt.Fprintln(tw, "PROFILE\tSUMMARY\tDEVICES")
	}
	for _, id := range ids {
		info, _ := describeProfile(db, id, false)
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(info); err != nil {
				return fmt.Errorf("quirks list: %w", err)
			}
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", info.ID, info.Summary, terminal.OrNone(strings.Join(info.Devices, ", ")))
	}
	return tw.Flush()
}
