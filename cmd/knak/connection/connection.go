// Package connection reads, checks and dials a connection that a person describes by flags, variables and configuration.
package connection

import (
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/rights"
	"github.com/knakppp/knak/plugins/host"
)

// Connection is a connection with everything read and checked, before anything is touched.
type Connection struct {
	Options Options        // the options as given
	Dial    dialer.Options // the options for the dial
	Plugins host.Plan      // the plugins of the configuration; none: no plugin is asked
}

// Read reads and checks everything that the user said.
func Read(t *terminal.Terminal, cmd *cobra.Command, args []string) (*Connection, error) {
	_ = rights.NoDump() // passwords and the PIN are about to be read
	c := &Connection{}
	name := ""
	if len(args) == 1 {
		name = args[0]
		if err := checkConnection(name); err != nil {
			return nil, err
		}
	}
	s, err := settings.Read(cmd, name)
	if err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("default-route") && cmd.Flags().Changed("no-default-route") {
		return nil, exit.Usagef("--default-route and --no-default-route exclude each other")
	}
	if err := settings.TakeGlobal(t, s); err != nil {
		return nil, err
	}
	if err := s.Fill(&c.Options); err != nil {
		return nil, err
	}
	o := &c.Options
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Sim != "" && o.Plane == plane.KindAuto {
		o.Plane = plane.KindStack // this host's routes and name servers must not lead into a modem that does not exist
	}
	if o.Port == "-" && t.Style.JSON {
		return nil, exit.Usagef("--port - takes standard output: with --log-format json the events go to standard error")
	}
	c.Dial = o.dial()
	if c.Dial.Name, err = o.linkName(name); err != nil {
		return nil, err
	}
	if c.Dial.Database, err = settings.OpenQuirks(t); err != nil {
		return nil, err
	}
	if c.Dial.Settings, err = resolveSettings(c.Dial.Database, o.Quirks, o.overrides(s)); err != nil {
		return nil, err
	}
	if c.Plugins, err = PluginPlan(s.Plugins, o.PluginDir); err != nil {
		return nil, err
	}
	if c.Dial.PlaneConfig.Forwards, err = parseForwards(o.Forward); err != nil {
		return nil, err
	}
	if c.Dial.PlaneConfig.Allow, err = parseAllowed(o.AllowAddress); err != nil {
		return nil, err
	}
	if o.Sim != "" {
		scenario, err := files.Scenario(o.Sim)
		if err != nil {
			return nil, exit.Usage(err)
		}
		c.Dial.Simulated = &scenario
	}
	if o.PasswordFile == "-" && o.PINFile == "-" {
		return nil, exit.Usagef("--password-file and --pin-file cannot both read standard input")
	}
	if c.Dial.Password, err = readSecret(t, "password-file", o.PasswordFile, o.Timeout); err != nil {
		return nil, err
	}
	if c.Dial.PIN, err = readSecret(t, "pin-file", o.PINFile, o.Timeout); err != nil {
		return nil, err
	}
	return c, nil
}

// checkConnection gives a hint if a port or a flag was given where a connection is expected.
func checkConnection(name string) error {
	if strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, "tty") {
		return exit.Usagef("%q is a port, not a connection of the configuration; did you mean: knak dial --port %s", name, devPath(name))
	}
	if err := control.CheckName(name); err != nil {
		return exit.Usagef("connection: %w", err)
	}
	return nil
}

// devPath puts /dev/ before the bare name of a tty.
func devPath(name string) string {
	if strings.HasPrefix(name, "tty") {
		return "/dev/" + name
	}
	return name
}

// parseAllowed reads addresses and networks.
func parseAllowed(texts []string) (list gate.Allow, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(t); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
			}
		}
		if !p.IsValid() {
			return nil, exit.Usagef("--allow-address %q: must be an address or a network, for example 192.168.1.1 or 10.0.0.0/8", t)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

func parseForwards(texts []string) ([]plane.Forward, error) {
	var list []plane.Forward
	for _, t := range texts {
		listen, target, ok := strings.Cut(t, "=")
		if !ok || listen == "" || !strings.Contains(target, ":") {
			return nil, exit.Usagef("--forward %q: must be LISTEN=HOST:PORT, for example 8080=192.0.2.1:80", t)
		}
		list = append(list, plane.Forward{Listen: listen, Target: target})
	}
	return list, nil
}
