// Package devices is the command knak devices: it lists the modems of this machine.
package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
)

// options are the flags of `knak devices`.
type options struct {
	all, ask, eject bool
	save, from      string
}

// Command is knak devices.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List the modems on this machine, with their ports and the profile each would get",
		Long: `List the modems on this machine: USB id, the port that would be dialled, what the other ports are there for and how that is
known, and the quirk profile by what the USB bus tells. Modems that still show their driver disc are listed too.

No port is opened unless --ask is given: then each port of what is known to be a modem is sent "AT" and a carriage return, and
what it answers tells which port carries data; one that answers is asked who it is (AT+CGMI, AT+CGMM, AT+CGMR, ATI), never for a
number of its own. A dial asks by itself where nobody has described the modem.`,
		Example: `  knak devices
  knak devices --ask
  knak devices --save modem.tar.gz     for a bug report; it holds no serial number
  knak devices --from modem.tar.gz`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return run(cmd.Context(), t, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "list serial ports that are not on USB too")
	f.BoolVar(&o.ask, "ask", false, "ask the ports of modems whether they take AT commands")
	f.BoolVar(&o.eject, "switch", false, "eject the driver disc of modems in storage mode, so that they become modems")
	f.StringVar(&o.save, "save", "", "pack what was looked at into this `file` (.tar.gz), which must not exist")
	f.StringVar(&o.from, "from", "", "read such a `file`, or a directory like it, in place of this machine")
	return cmd
}

// run lists modems, or asks, packs or ejects them.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	if o.from != "" && (o.ask || o.eject || o.save != "") {
		return exit.Usagef("--from shows what was saved: --ask, --switch and --save need the machine itself")
	}
	db, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	root := files.Machine()
	if o.from != "" {
		unpacked, done, err := device.Unpack(o.from)
		if err != nil {
			return exit.Usagef("--from: %w", err)
		}
		defer done()
		root = unpacked
	}
	list, err := device.List(root, db, "", nil)
	if err != nil {
		return err
	}
	if o.ask {
		if err := askAll(ctx, t, root, list); err != nil {
			return err
		}
	}
	worked := device.NewFile(files.State(), func(text string) { fmt.Fprintf(t.Err, "knak: warning: %s\n", text) })
	for i := range list {
		if o.from == "" {
			worked.Recall(&list[i])
		}
	}
	if o.save != "" {
		if err := device.Save(o.save, root, list); err != nil {
			return fmt.Errorf("--save: %w", err)
		}
		fmt.Fprintf(t.Err, "packed into %s; it holds no serial number\n", o.save)
	}
	storage, err := device.InStorageMode(root, db)
	if err != nil {
		return err
	}
	if o.eject {
		return switchStorage(t, root, storage)
	}
	var infos []device.Info
	for i := range list {
		if list[i].USB != "" || o.all || runtime.GOOS != "linux" { // only Linux says of every port whether it is on USB
			infos = append(infos, device.Describe(root, &list[i], worked))
		}
	}
	for _, s := range storage {
		infos = append(infos, s.Info())
	}
	return printDevices(t, infos)
}

// askAll asks the ports of all modems.
func askAll(ctx context.Context, t *terminal.Terminal, root device.Root, list []device.Device) error {
	for i := range list {
		if !list[i].Modem {
			continue
		}
		if err := list[i].Ask(ctx, root, device.OpenLine, false); err != nil {
			return fmt.Errorf("asking %s: %w", list[i].Path, err)
		}
		if err := list[i].Identify(ctx, root, device.OpenLine); err != nil {
			fmt.Fprintf(t.Err, "knak: warning: %s does not say who it is: %v\n", list[i].Path, err)
		}
	}
	return nil
}

// switchStorage ejects the discs of modems in storage mode.
func switchStorage(t *terminal.Terminal, root device.Root, storage []device.StorageDevice) error {
	if len(storage) == 0 {
		_, err := fmt.Fprintln(t.Out, "no modem in storage mode was found")
		return err
	}
	failed := false
	for _, s := range storage {
		name := strings.TrimSpace(s.Manufacturer + " " + s.Product + " (" + s.USB + ")")
		if err := device.Eject(root, s); err != nil {
			failed = true
			fmt.Fprintf(t.Err, "knak: %s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(t.Out, "%s: told to eject its disc; it comes back as a modem within some seconds: knak devices\n", name)
	}
	if failed {
		return &exit.StatusError{Code: 1}
	}
	return nil
}

func printDevices(t *terminal.Terminal, list []device.Info) error {
	if t.Style.JSON {
		enc := json.NewEncoder(t.Out)
		for _, d := range list {
			if err := enc.Encode(d); err != nil {
				return fmt.Errorf("devices: %w", err)
			}
		}
		return nil
	}
	if len(list) == 0 {
		text := "no USB modem found (knak devices --all lists serial ports too; knak doctor looks for causes)"
		if runtime.GOOS != "linux" {
			text = "no serial port found (is the modem's driver installed?)"
		}
		_, err := fmt.Fprintln(t.Out, text)
		return err
	}
	tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "USB\tDEVICE\tDIAL ON\tOTHER PORTS\tPROFILE")
	for _, d := range list {
		var others []string
		for _, p := range d.Ports {
			if d.DataPort != "" && strings.HasSuffix(d.DataPort, "/"+p.Name) {
				continue
			}
			text := p.Name
			if p.Role != "" && p.Role != "data" {
				text += " (" + p.Role + ")"
			}
			others = append(others, text)
		}
		profile := terminal.OrNone(d.Profile)
		if d.Note != "" {
			profile += " (" + d.Note + ")"
		}
		dial := terminal.OrNone(d.DataPort)
		if !d.Modem {
			dial += ", if named"
		}
		name := strings.TrimSpace(d.Manufacturer + " " + d.Product)
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", terminal.OrNone(d.USB), terminal.OrUnknown(name), dial, terminal.OrNone(strings.Join(others, " ")), profile)
	}
	return tw.Flush()
}
