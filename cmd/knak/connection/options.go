package connection

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/quirks"
)

// overrides gives the settings of the strongest layer: the flags that stand for a key, then --set, which wins.
func (o *Options) overrides(s *settings.Settings) []settings.Setting {
	var list []settings.Setting
	add := func(option, key, value string) {
		if s.Said(option) {
			list = append(list, settings.Setting{Text: key + "=" + value, From: s.From[option]})
		}
	}
	add("apn", "context.apn", o.APN)
	add("user", "auth.user", o.User)
	if methods, none, err := settings.AuthMethods(o.Auth); err == nil { // settings.Read has checked it
		add("auth", "auth.allow", strings.Join(methods, ","))
		add("auth", "auth.require", fmt.Sprint(!none))
	}
	add("local-address", "ipcp.local_address", o.LocalAddress)
	add("peer-address", "ipcp.peer_address", o.PeerAddress)
	add("number", "dial.number", o.Number)
	add("baud", "port.baud", fmt.Sprint(o.Baud))
	return append(list, s.Sets...)
}

// resolveSettings checks a profile and settings against the database. The error for a wrong setting says where it was set.
func resolveSettings(db *quirks.DB, profile string, list []settings.Setting) ([]string, error) {
	var texts []string
	for _, s := range list {
		if _, err := db.Resolve(quirks.Facts{}, "", []string{s.Text}); err != nil {
			why := strings.TrimPrefix(err.Error(), "--set "+s.Text+": ")
			if s.From == "--set" {
				return nil, exit.Usagef("--set %s: %s", s.Text, why)
			}
			return nil, exit.Usagef("%s: %s: %s", s.From, s.Text, why)
		}
		texts = append(texts, s.Text)
	}
	if _, err := db.Resolve(quirks.Facts{}, profile, texts); err != nil {
		return nil, exit.Usage(err)
	}
	return texts, nil
}

// noHooks, as the value of --hooks, means that no script is run.
const noHooks = "none"

// lastMetric is the metric of --backup: higher than those that other programs set. NetworkManager adds 20000 to the metric of a
// network without connectivity.
const lastMetric = 1_000_000

// dial gives the part of dialer.Options that needs no file to be read.
func (o *Options) dial() dialer.Options {
	d := dialer.Options{
		Port: o.Port, ATPort: o.ATPort, APN: o.APN, User: o.User, PINAgain: o.PINAgain, PINLastTry: o.PINLastTry, Profile: o.Quirks,
		Inhibit: o.Inhibit, Persist: o.Persist, Timeout: o.Timeout, NoAdapt: o.NoAdapt, StateDir: files.State(), Reachable: true,
		Limits: dialer.Limits{Once: o.Once, Attempts: o.MaxAttempts, Idle: o.Idle, Time: o.MaxTime, Bytes: o.MaxBytes},
		Plane:  o.Plane,
		PlaneConfig: plane.Config{
			Interface: o.Interface, DefaultRoute: o.DefaultRoute && !o.NoDefaultRoute, Metric: o.Metric, DNSMode: o.DNS, Proxy: o.Proxy,
		},
	}
	if o.Backup {
		d.PlaneConfig.Metric = lastMetric
	}
	switch {
	case o.Prove:
		d.Prove = link.ProveAlways
	case o.NoProve:
		d.Prove = link.ProveNever
	}
	if o.Hooks != noHooks {
		d.Hooks = hooks.Config{Dir: o.Hooks, Limit: o.HookTimeout, Speed: o.Baud, Param: o.IPParam, ScriptsDoDNS: o.DNS == "none"}
	}
	return d
}

// defaultLink is the name of a link whose connection has none.
const defaultLink = "default"

// linkName gives the link's name: that of --link, else the connection's, else that of the simulator or port.
func (o *Options) linkName(connection string) (string, error) {
	name := defaultLink
	switch {
	case o.Link != "":
		if err := control.CheckName(o.Link); err != nil {
			return "", exit.Usagef("--link: %w", err)
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

// check reports options that are impossible or exclude each other.
func (o *Options) check() error {
	switch {
	case o.Prove && o.NoProve:
		return exit.Usagef("--prove and --no-prove exclude each other")
	case o.Sim != "" && (o.Port != "" || o.ATPort != ""):
		return exit.Usagef("--sim and --port exclude each other: the simulated modem is in this process")
	case o.Port == "-" && (o.PasswordFile == "-" || o.PINFile == "-"):
		return exit.Usagef("--port - takes standard input: read the password and the PIN from files")
	case o.Backup && o.NoDefaultRoute:
		return exit.Usagef("--backup and --no-default-route exclude each other: one makes a default route, the other none")
	case len(o.Forward) > 0 && o.Plane != plane.KindStack:
		return exit.Usagef("--forward needs --plane stack")
	}
	if o.Port != "" && !strings.Contains(o.Port, "/") && o.Port != "-" {
		if _, err := os.Stat(o.Port); err != nil {
			if _, err := os.Stat("/dev/" + o.Port); err == nil {
				return exit.Usagef("--port %s: no such file; did you mean --port /dev/%s?", o.Port, o.Port)
			}
		}
	}
	if err := plane.CheckInterface(o.Interface); err != nil {
		return exit.Usagef("--interface %w", err)
	}
	tun := o.Plane == plane.KindTUN || o.Plane == plane.KindAuto && o.Sim == "" // or it may be
	if err := plane.CheckDNS(o.DNS); err != nil && tun {
		return exit.Usage(err)
	}
	return o.checkRecord()
}

// Options are the options of a dial. Every one is a flag, a key of the configuration file and an environment variable KNAK_…
// (dashes become underscores). --set is not among them: its values add up (see settings.sets).
type Options struct {
	Link           string        `mapstructure:"link"`
	Port           string        `mapstructure:"port"`
	ATPort         string        `mapstructure:"at-port"`
	Baud           int           `mapstructure:"baud"`
	APN            string        `mapstructure:"apn"`
	User           string        `mapstructure:"user"`
	PasswordFile   string        `mapstructure:"password-file"`
	Auth           string        `mapstructure:"auth"`
	LocalAddress   string        `mapstructure:"local-address"`
	PeerAddress    string        `mapstructure:"peer-address"`
	Number         string        `mapstructure:"number"`
	PINFile        string        `mapstructure:"pin-file"`
	PINAgain       bool          `mapstructure:"pin-again"`
	PINLastTry     bool          `mapstructure:"pin-last-try"`
	Quirks         string        `mapstructure:"quirks"`
	Plane          string        `mapstructure:"plane"`
	Proxy          string        `mapstructure:"proxy"`
	Forward        []string      `mapstructure:"forward"`
	Interface      string        `mapstructure:"interface"`
	DefaultRoute   bool          `mapstructure:"default-route"`
	NoDefaultRoute bool          `mapstructure:"no-default-route"`
	Metric         int           `mapstructure:"metric"`
	Backup         bool          `mapstructure:"backup"`
	AllowAddress   []string      `mapstructure:"allow-address"`
	DNS            string        `mapstructure:"dns"`
	Persist        bool          `mapstructure:"persist"`
	MaxAttempts    int           `mapstructure:"max-attempts"`
	Timeout        time.Duration `mapstructure:"timeout"`
	Idle           time.Duration `mapstructure:"idle"`
	MaxTime        time.Duration `mapstructure:"max-time"`
	MaxBytes       uint64        `mapstructure:"max-bytes"`
	Prove          bool          `mapstructure:"prove"`
	NoProve        bool          `mapstructure:"no-prove"`
	Hooks          string        `mapstructure:"hooks"`
	HookTimeout    time.Duration `mapstructure:"hook-timeout"`
	IPParam        string        `mapstructure:"ipparam"`
	PluginDir      string        `mapstructure:"plugin-dir"`
	Sim            string        `mapstructure:"sim"`
	Record         string        `mapstructure:"record"`
	RecordSecrets  bool          `mapstructure:"record-secrets"`
	RecordControl  bool          `mapstructure:"record-control"`
	Inhibit        bool          `mapstructure:"inhibit"`
	Once           bool          `mapstructure:"once"`
	NoAdapt        bool          `mapstructure:"no-adapt"`
}
