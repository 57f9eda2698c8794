// Package doctor is knak doctor: what on this machine would stop a dial.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/user"
	"slices"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/quirks"
)

// checkup is one thing that doctor looked at.
type checkup struct {
	Name  string `json:"name"`
	State string `json:"state"` // "ok", "note" or "bad": bad would stop a dial
	Text  string `json:"text"`
	Cure  string `json:"cure,omitempty"`
}

func Command(t *terminal.Terminal) *cobra.Command {
	var fix bool
	var port string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what on this machine would stop a dial, each with its cure",
		Long: `Look for what would stop a dial on this machine, or make it another one than was asked for: no modem or one in storage
mode, ports that may not be opened or that another program holds, missing kernel support or rights, a broken configuration;
and for what a dial has left behind that was killed. No port is opened, and without --fix nothing is changed.
The exit status is 1 when something was found that would stop a dial.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			broken := settings.ReadGlobalStrictly(t, cmd)
			if broken != nil { // it is what is looked for
				t.Style = terminal.Style{}
				t.Style.JSON, _ = cmd.Flags().GetBool("json")
			}
			if port != "" {
				return printCheckups(t, checkOnePort(cmd.Context(), t, port))
			}
			var list []checkup
			for _, look := range []func() []checkup{
				func() []checkup { return checkConfig(broken) }, checkModems, checkPlanes,
				func() []checkup { return checkDNS(cmd.Context(), fix) }, func() []checkup { return checkControl(cmd.Context(), fix) },
				func() []checkup { return checkLocks(fix) }, checkRights,
			} {
				list = append(list, look()...)
			}
			return printCheckups(t, list)
		},
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "put right what a killed dial has left behind: resolv.conf, sockets, locks")
	cmd.Flags().StringVar(&port, "port", "", "look at this `tty` alone, and ask whether a modem answers there: it is opened, and AT is sent")
	return cmd
}

// printCheckups prints what was found; the exit status is 1 where something would stop a dial.
func printCheckups(t *terminal.Terminal, list []checkup) error {
	bad := false
	for _, c := range list {
		bad = bad || c.State == "bad"
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(c); err != nil {
				return fmt.Errorf("doctor: %w", err)
			}
			continue
		}
		printCheckup(t.Out, c)
	}
	if bad {
		return &exit.StatusError{Code: link.ExitFatal}
	}
	return nil
}

// checkOnePort looks at a tty and asks it.
func checkOnePort(ctx context.Context, t *terminal.Terminal, path string) []checkup {
	list := checkPort(path)
	if slices.ContainsFunc(list, func(c checkup) bool { return c.State == "bad" }) {
		return list
	}
	root := files.Machine()
	if text, ok := device.Console(root, root.TTY(path)); ok {
		list = append(list, checkup{"port", "bad", path + " is a console of this machine", text})
	}
	tell := func(text string) { fmt.Fprintf(t.Err, "%s\n", text) }
	found, err := device.FindSpeed(ctx, path, 0, device.OpenSerial, tell)
	var silent *device.NoAnswerError
	switch {
	case errors.As(err, &silent):
		return append(list, checkup{Name: "port", State: "bad", Text: silent.Error()})
	case err != nil:
		return append(list, checkup{Name: "port", State: "bad", Text: err.Error()})
	}
	text := fmt.Sprintf("%s: a modem answers AT at %d baud", path, found.Baud)
	if found.Said != modem.TakesAT {
		text = fmt.Sprintf("%s: a modem is in the data state at %d baud; a dial ends that call first", path, found.Baud)
	}
	if found.Flow == "none" {
		text += "; it does not show that it may be sent to (CTS): --set port.flow=none"
	}
	return append(list, checkup{Name: "port", State: "ok", Text: text})
}

func printCheckup(w io.Writer, c checkup) {
	fmt.Fprintf(w, "%-5s %s: %s\n", c.State, c.Name, c.Text)
	if c.Cure != "" {
		fmt.Fprintf(w, "      try: %s\n", c.Cure)
	}
}

// checkConfig says what is wrong with the configuration, which was read before, and with the quirk files.
func checkConfig(broken error) []checkup {
	var list []checkup
	if broken != nil {
		list = append(list, checkup{"configuration", "bad", broken.Error(), "correct the file; until then no dial begins"})
	}
	_, problems := quirks.Open(files.Quirks())
	for _, p := range problems {
		c := checkup{"quirks", "bad", fmt.Sprintf("%s layer: %s (the file is left out)", p.Layer, p), "correct the file, or remove it: knak quirks validate shows all that is wrong"}
		if p.Layer == quirks.Builtin {
			c.Text, c.Cure = p.Error(), "this build is broken: install another"
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		list = append(list, checkup{Name: "configuration", State: "ok", Text: "the configuration and quirk files can be read"})
	}
	return list
}

func checkModems() []checkup {
	db, _ := quirks.Open(files.Quirks()) // checkConfig says what is wrong
	root := files.Machine()
	found, err := device.List(root, db, "", nil)
	if err != nil {
		return []checkup{{"modem", "bad", err.Error(), "is /sys mounted?"}}
	}
	var list []checkup
	usb := 0
	for _, d := range found {
		if d.USB == "" {
			continue
		}
		usb++
		c := checkup{Name: "modem", State: "ok", Text: fmt.Sprintf("%s %s (%s) with %d serial ports", d.Manufacturer, d.Product, d.USB, len(d.Candidate.Ports))}
		if !d.Modem {
			c.State, c.Cure = "note", "if it is a modem name its port: knak dial --port "+root.Path(d.Candidate.Ports[0].Name)
			c.Text += ": " + d.Why
		}
		list = append(list, c)
		for _, p := range d.Candidate.Ports {
			list = append(list, checkPort(root.Path(p.Name))...)
		}
	}
	storage, err := device.InStorageMode(root, db)
	if err != nil {
		list = append(list, checkup{Name: "modem", State: "note", Text: err.Error()})
	}
	for _, s := range storage {
		list = append(list, checkup{"modem", "bad", fmt.Sprintf("%s %s (%s) is in storage mode: it shows a disc with drivers and no serial port", s.Manufacturer, s.Product, s.USB), s.Cure()})
	}
	if usb == 0 && len(list) == 0 {
		list = append(list, checkup{"modem", "note", "no USB modem found",
			"for a serial module name the port: knak dial --port /dev/ttyS0; for a stick see whether `lsusb` shows it and `dmesg` a driver"})
	}
	return list
}

// checkPort asks whether this user may open a port, and who else has it.
func checkPort(path string) []checkup {
	var list []checkup
	if err := port.MayOpen(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return []checkup{{"port", "bad", path + " does not exist, though the kernel has it", "is udev running, or devtmpfs mounted on /dev? A container must be given the device"}}
		}
		cure := "run as root, or: usermod -aG dialout " + userName() + " and log in again"
		list = append(list, checkup{"port", "bad", fmt.Sprintf("%s: %v", path, err), cure})
	}
	holders, err := port.Holders(path)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		list = append(list, checkup{Name: "port", State: "note", Text: err.Error()})
	}
	for _, h := range holders {
		cure := fmt.Sprintf("end it: kill %d", h.PID)
		if h.Program == "ModemManager" {
			cure = "knak dial --inhibit keeps it off this modem while knak dials; or systemctl stop ModemManager"
		}
		list = append(list, checkup{"port", "bad", fmt.Sprintf("%s is open in %s (pid %d)", path, h.Program, h.PID), cure})
	}
	return list
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "USER"
}

// checkPlanes says which data planes would work.
func checkPlanes() []checkup {
	c := checkup{Name: "plane tun", State: "ok", Text: "a TUN device can be made: the whole host can use the link"}
	var bad *plane.ObstacleError
	if errors.As(plane.Obstacle(plane.KindTUN, ""), &bad) {
		c = checkup{"plane tun", "note", bad.Text, bad.Cure}
	}
	return []checkup{c, {Name: "plane stack", State: "ok", Text: "works everywhere: a SOCKS5 and HTTP proxy on the link"}}
}
