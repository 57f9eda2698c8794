package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/recording/record"
	"github.com/knakppp/knak/core/rights"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/quirks"
)

// job is a dial with everything read and checked, before anything is touched.
type job struct {
	name     string
	options  dialOptions
	db       *quirks.DB
	set      []string
	scenario *sim.Scenario
	forwards []plane.Forward
	allowed  gate.Allow
	password auth.Secret
	pin      auth.Secret
	recorder *record.Recorder // nil: nothing is recorded
	plugins  host.Plan        // those that the configuration names; none: nobody is asked

	experiment *experiment // what this dial of knak learn tries; nil: it is no experiment
}

// readJob reads and checks everything that the user said.
func (a *app) readJob(cmd *cobra.Command, args []string) (*job, error) {
	_ = rights.NoDump() // passwords and the PIN are about to be read
	j := &job{}
	connection := ""
	if len(args) == 1 {
		connection = args[0]
		if err := checkConnection(connection); err != nil {
			return nil, err
		}
	}
	s, err := readSettings(cmd, connection)
	if err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("default-route") && cmd.Flags().Changed("no-default-route") {
		return nil, usagef("--default-route and --no-default-route exclude each other")
	}
	if err := a.takeGlobal(s); err != nil {
		return nil, err
	}
	if err := s.fill(&j.options); err != nil {
		return nil, err
	}
	o := &j.options
	if err := o.check(); err != nil {
		return nil, err
	}
	if j.name, err = o.linkName(connection); err != nil {
		return nil, err
	}
	if o.Sim != "" && o.Plane == plane.KindAuto {
		o.Plane = plane.KindStack // this host's routes and name servers must not lead into a modem that does not exist
	}
	if o.Port == "-" && a.global.JSON {
		return nil, usagef("--port - takes standard output: with --log-format json the events go to standard error")
	}
	if j.db, err = a.openQuirks(); err != nil {
		return nil, err
	}
	if j.set, err = resolveSettings(j.db, o.Quirks, o.overrides(s)); err != nil {
		return nil, err
	}
	if j.plugins, err = pluginPlan(s.plugins, o.PluginDir); err != nil {
		return nil, err
	}
	if j.forwards, err = parseForwards(o.Forward); err != nil {
		return nil, err
	}
	if j.allowed, err = parseAllowed(o.AllowAddress); err != nil {
		return nil, err
	}
	if o.Sim != "" {
		s, err := loadScenario(o.Sim)
		if err != nil {
			return nil, &usageError{err}
		}
		j.scenario = &s
	}
	if o.PasswordFile == "-" && o.PINFile == "-" {
		return nil, usagef("--password-file and --pin-file cannot both read standard input")
	}
	if j.password, err = a.readSecret("password-file", o.PasswordFile, o.Timeout); err != nil {
		return nil, err
	}
	if j.pin, err = a.readSecret("pin-file", o.PINFile, o.Timeout); err != nil {
		return nil, err
	}
	return j, nil
}

// checkConnection says what people mean who name a port or a flag where a connection is expected.
func checkConnection(name string) error {
	if strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, "tty") {
		return usagef("%q is a port, not a connection of the configuration; did you mean: knak dial --port %s", name, devPath(name))
	}
	if err := control.CheckName(name); err != nil {
		return usagef("connection: %w", err)
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

// linkName is what the link is called: what --link says, else its connection, else its simulator or port.
func (o *dialOptions) linkName(connection string) (string, error) {
	name := defaultLink
	switch {
	case o.Link != "":
		if err := control.CheckName(o.Link); err != nil {
			return "", usagef("--link: %w", err)
		}
		return o.Link, nil
	case connection != "":
		return connection, nil
	case o.Sim != "":
		name = "sim-" + strings.TrimSuffix(strings.ReplaceAll(strings.TrimLeft(o.Sim, "./"), "/", "-"), ".toml")
	case o.Port == "-":
		name = "stdio"
	case o.Port != "":
		name = filepath.Base(o.Port)
	}
	if control.CheckName(name) != nil { // a file with an odd name
		return defaultLink, nil
	}
	return name, nil
}

// check says what in the options cannot be.
func (o *dialOptions) check() error {
	switch {
	case o.Prove && o.NoProve:
		return usagef("--prove and --no-prove exclude each other")
	case o.Sim != "" && (o.Port != "" || o.ATPort != ""):
		return usagef("--sim and --port exclude each other: the simulated modem is in this process")
	case o.Port == "-" && (o.PasswordFile == "-" || o.PINFile == "-"):
		return usagef("--port - takes standard input: read the password and the PIN from files")
	case o.Backup && o.NoDefaultRoute:
		return usagef("--backup and --no-default-route exclude each other: one makes a default route, the other none")
	case len(o.Forward) > 0 && o.Plane != plane.KindStack:
		return usagef("--forward needs --plane stack")
	}
	if o.Port != "" && !strings.Contains(o.Port, "/") && o.Port != "-" {
		if _, err := os.Stat(o.Port); err != nil {
			if _, err := os.Stat("/dev/" + o.Port); err == nil {
				return usagef("--port %s: no such file; did you mean --port /dev/%s?", o.Port, o.Port)
			}
		}
	}
	if err := plane.CheckInterface(o.Interface); err != nil {
		return usagef("--interface %w", err)
	}
	if err := plane.CheckDNS(o.DNS); err != nil && o.Plane != plane.KindStack && o.Plane != plane.KindNone && o.Sim == "" {
		return &usageError{err}
	}
	return o.checkRecord()
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
			return nil, usagef("--allow-address %q: must be an address or a network, for example 192.168.1.1 or 10.0.0.0/8", t)
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
			return nil, usagef("--forward %q: must be LISTEN=HOST:PORT, for example 8080=192.0.2.1:80", t)
		}
		list = append(list, plane.Forward{Listen: listen, Target: target})
	}
	return list, nil
}

// ownScenarios are the directories in which a person's and the system's own scenarios lie, the stronger one first.
func ownScenarios() (dirs []string) {
	s := quirkSources()
	for _, dir := range []string{s.User, s.System} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// ownScenario finds the file of a scenario that stands beside a profile of one's own, "" where there is none.
func ownScenario(name string) string {
	if quirks.CheckID(name) != nil {
		return ""
	}
	for _, dir := range ownScenarios() {
		file := filepath.Join(dir, "quirks.d", filepath.FromSlash(name)+".sim.toml")
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Size() <= configLimit {
			return file
		}
	}
	return ""
}

// scenarioNames lists all that loadScenario finds by a name.
func scenarioNames() []string {
	names := sim.Names(knak.Files)
	for _, dir := range ownScenarios() {
		files, _ := filepath.Glob(filepath.Join(dir, "quirks.d", "*", "*.sim.toml")) // the pattern is sound
		for _, f := range files {
			name := filepath.Base(filepath.Dir(f)) + "/" + strings.TrimSuffix(filepath.Base(f), ".sim.toml")
			if !slices.Contains(names, name) && ownScenario(name) != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// loadScenario finds a scenario by its name, among those beside profiles of one's own before those of the program, or reads a
// file.
func loadScenario(name string) (sim.Scenario, error) {
	if file := ownScenario(name); file != "" {
		s, err := sim.LoadFile(file)
		s.Name = name
		return s, err
	}
	s, err := sim.Load(knak.Files, name)
	if err == nil {
		return s, nil
	}
	switch st, statErr := os.Stat(name); {
	case errors.Is(statErr, fs.ErrNotExist):
		var unknown *sim.UnknownError
		if errors.As(err, &unknown) {
			hint := ""
			if near := quirks.Nearest(name, sim.Names(knak.Files)); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			return sim.Scenario{}, fmt.Errorf("no scenario and no file is called %q%s (knak sim --list names all scenarios)", name, hint)
		}
		return sim.Scenario{}, err
	case statErr != nil:
		return sim.Scenario{}, fmt.Errorf("scenario: %w", statErr)
	case !st.Mode().IsRegular() || st.Size() > configLimit:
		return sim.Scenario{}, fmt.Errorf("scenario: %s must be a file of at most %d octets", name, configLimit)
	}
	return sim.LoadFile(name)
}
