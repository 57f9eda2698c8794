// Package doctor looks for problems on this machine: those that would stop a dial or make it differ from what was asked for, and
// the leftovers of a killed dial.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"runtime"
	"slices"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/rights"
	"github.com/knakppp/knak/quirks"
)

// Check is the result of one check.
type Check struct {
	Name  string `json:"name"`
	State string `json:"state"` // "ok", "note" or "bad"; "bad" would stop a dial
	Text  string `json:"text"`
	Cure  string `json:"cure,omitempty"`
}

// Machine checks this machine. broken is the error of the configuration, or nil. Machine opens no port. With fix it cleans up
// after a killed dial; without fix it changes nothing.
func Machine(ctx context.Context, broken error, fix bool) []Check {
	return slices.Concat(checkConfig(broken), checkModems(), checkPlanes(), checkDNS(ctx, fix), checkControl(ctx, fix), checkLocks(fix),
		[]Check{{Name: "rights", State: "ok", Text: rights.Story()}})
}

// Port checks one tty: it opens the port and sends AT to find out whether a modem answers. It calls tell before each step that
// takes time.
func Port(ctx context.Context, path string, tell func(text string)) []Check {
	list := checkPort(path)
	if slices.ContainsFunc(list, func(c Check) bool { return c.State == "bad" }) {
		return list
	}
	root := files.Machine()
	if text, ok := device.Console(root, root.TTY(path)); ok {
		list = append(list, Check{"port", "bad", path + " is a console of this machine", text})
	}
	found, err := device.FindSpeed(ctx, path, 0, device.OpenSerial, tell)
	var silent *device.NoAnswerError
	switch {
	case errors.As(err, &silent):
		return append(list, Check{Name: "port", State: "bad", Text: silent.Error()})
	case err != nil:
		return append(list, Check{Name: "port", State: "bad", Text: err.Error()})
	}
	text := fmt.Sprintf("%s: a modem answers AT at %d baud", path, found.Baud)
	if found.Said != modem.TakesAT {
		text = fmt.Sprintf("%s: a modem is in the data state at %d baud; a dial ends that call first", path, found.Baud)
	}
	if found.Flow == "none" {
		text += "; it does not show that it may be sent to (CTS): --set port.flow=none"
	}
	return append(list, Check{Name: "port", State: "ok", Text: text})
}

// checkConfig says what is wrong with the configuration, which was read before, and with the quirk files.
func checkConfig(broken error) []Check {
	var list []Check
	if broken != nil {
		list = append(list, Check{"configuration", "bad", broken.Error(), "correct the file; until then no dial begins"})
	}
	_, problems := quirks.Open(files.Quirks())
	for _, p := range problems {
		c := Check{"quirks", "bad", fmt.Sprintf("%s layer: %s (the file is left out)", p.Layer, p), "correct the file, or remove it: knak quirks validate shows all that is wrong"}
		if p.Layer == quirks.Builtin {
			c.Text, c.Cure = p.Error(), "this build is broken: install another"
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		list = append(list, Check{Name: "configuration", State: "ok", Text: "the configuration and quirk files can be read"})
	}
	return list
}

func checkModems() []Check {
	db, _ := quirks.Open(files.Quirks()) // checkConfig says what is wrong
	root := files.Machine()
	found, err := device.List(root, db, "", nil)
	if err != nil {
		return []Check{{"modem", "bad", err.Error(), "is /sys mounted?"}}
	}
	var list []Check
	usb := 0
	for _, d := range found {
		if d.USB == "" {
			continue
		}
		usb++
		c := Check{Name: "modem", State: "ok", Text: fmt.Sprintf("%s %s (%s) with %d serial ports", d.Manufacturer, d.Product, d.USB, len(d.Candidate.Ports))}
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
		list = append(list, Check{Name: "modem", State: "note", Text: err.Error()})
	}
	for _, s := range storage {
		list = append(list, Check{"modem", "bad", fmt.Sprintf("%s %s (%s) is in storage mode: it shows a disc with drivers and no serial port", s.Manufacturer, s.Product, s.USB), s.Cure()})
	}
	if usb == 0 && len(list) == 0 && runtime.GOOS != "linux" {
		return checkOtherPorts(root, found)
	}
	if usb == 0 && len(list) == 0 {
		list = append(list, Check{"modem", "note", "no USB modem found",
			"for a serial module name the port: knak dial --port /dev/ttyS0; for a stick see whether `lsusb` shows it and `dmesg` a driver"})
	}
	return list
}

// checkOtherPorts says which ports there are where the system does not say what is behind them.
func checkOtherPorts(root device.Root, found []device.Device) []Check {
	if len(found) == 0 {
		return []Check{{"modem", "note", "this system has no serial port", "install the modem's driver: the Device Manager of Windows, or the System Information of macOS, shows whether the stick itself is seen"}}
	}
	var names []string
	for _, d := range found {
		names = append(names, root.Path(d.Candidate.Ports[0].Name))
	}
	return []Check{{"modem", "note", "the serial ports are " + join(names) + "; which is a modem's is not known here", "knak doctor --port " + names[0] + " asks whether a modem answers there"}}
}

// checkPort asks whether this user may open a port, and who else has it.
func checkPort(path string) []Check {
	var list []Check
	if err := port.MayOpen(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return []Check{{"port", "bad", path + " does not exist, though the kernel has it", "is udev running, or devtmpfs mounted on /dev? A container must be given the device"}}
		}
		cure := "run as root, or: usermod -aG dialout " + userName() + " and log in again"
		list = append(list, Check{"port", "bad", fmt.Sprintf("%s: %v", path, err), cure})
	}
	holders, err := port.Holders(path)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		list = append(list, Check{Name: "port", State: "note", Text: err.Error()})
	}
	for _, h := range holders {
		cure := fmt.Sprintf("end it: kill %d", h.PID)
		if h.Program == "ModemManager" {
			cure = "knak dial --inhibit keeps it off this modem while knak dials; or systemctl stop ModemManager"
		}
		list = append(list, Check{"port", "bad", fmt.Sprintf("%s is open in %s (pid %d)", path, h.Program, h.PID), cure})
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
func checkPlanes() []Check {
	c := Check{Name: "plane tun", State: "ok", Text: "a TUN device can be made: the whole host can use the link"}
	var bad *plane.ObstacleError
	if errors.As(plane.Obstacle(plane.KindTUN, ""), &bad) {
		c = Check{"plane tun", "note", bad.Text, bad.Cure}
	}
	return []Check{c, {Name: "plane stack", State: "ok", Text: "works everywhere: a SOCKS5 and HTTP proxy on the link"}}
}
