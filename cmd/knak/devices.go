package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/modem"
)

// deviceInfo is one modem as `knak devices --json` prints it.
type deviceInfo struct {
	Path         string     `json:"path"`
	USB          string     `json:"usb"`
	Manufacturer string     `json:"manufacturer"`
	Product      string     `json:"product"`
	DataPort     string     `json:"data_port"`
	Ports        []portInfo `json:"ports"`
	Profile      string     `json:"profile"`
	Note         string     `json:"note,omitempty"`
}

type portInfo struct {
	Name      string `json:"name"`
	Interface int    `json:"interface"` // -1: none
	Driver    string `json:"driver"`
	Adapter   bool   `json:"adapter,omitempty"`
}

func (a *app) devicesCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List the modems on this machine, with their ports and the profile each would get",
		Long: `List the modems on this machine: USB id, ports with driver and interface number, the port that would be dialled, and the
quirk profile by what the USB bus tells. No port is opened: profiles that need the modem's own answer are named as possible.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.quirksFor(cmd)
			if err != nil {
				return err
			}
			sysfs := os.DirFS("/sys")
			found, err := modem.Find(sysfs)
			if err != nil {
				return fmt.Errorf("looking for modems: %w", err)
			}
			var list []deviceInfo
			for _, c := range found {
				if c.USB == "" && !all {
					continue
				}
				list = append(list, describeDevice(sysfs, c, db))
			}
			if a.global.JSON {
				enc := json.NewEncoder(a.stdout)
				for _, d := range list {
					if err := enc.Encode(d); err != nil {
						return fmt.Errorf("devices: %w", err)
					}
				}
				return nil
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(a.stdout, "no USB modem found (knak devices --all lists serial ports too; knak doctor looks for causes)")
				return err
			}
			tw := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
			fmt.Fprintln(tw, "USB\tDEVICE\tDIAL ON\tOTHER PORTS\tPROFILE")
			for _, d := range list {
				var others []string
				for _, p := range d.Ports {
					if "/dev/"+p.Name != d.DataPort {
						others = append(others, p.Name)
					}
				}
				profile := orNone(d.Profile)
				if d.Note != "" {
					profile += " (" + d.Note + ")"
				}
				name := strings.TrimSpace(d.Manufacturer + " " + d.Product)
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", orNone(d.USB), orUnknown(name), orNone(d.DataPort), orNone(strings.Join(others, " ")), profile)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "list serial ports that are not on USB too")
	return cmd
}

func describeDevice(sysfs fs.FS, c modem.Candidate, db quirkDB) deviceInfo {
	d := deviceInfo{Path: c.Path, USB: c.USB, Manufacturer: c.Manufacturer, Product: c.Product, Ports: []portInfo{}}
	for _, p := range c.Ports {
		d.Ports = append(d.Ports, portInfo{Name: p.Name, Interface: p.Interface, Driver: p.Driver, Adapter: p.Adapter})
	}
	number := -1
	if len(c.Ports) > 0 {
		if r, err := db.Resolve(factsOf(sysfs, c, c.Ports[0]), "", nil); err == nil {
			number = r.Int("port.data_interface")
			d.Profile = r.Profile()
			d.Note = possible(r)
		}
	}
	if p, ok := c.DataPort(number); ok {
		d.DataPort = "/dev/" + p.Name
	}
	return d
}
