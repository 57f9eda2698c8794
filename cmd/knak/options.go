package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/quirks"
)

// globalOptions are the flags that every command has.
type globalOptions struct {
	JSON       bool   `mapstructure:"json"`
	Verbose    bool   `mapstructure:"verbose"`
	Everything bool   `mapstructure:"-"` // -vv
	Quiet      bool   `mapstructure:"quiet"`
	Color      string `mapstructure:"color"`
	LogFormat  string `mapstructure:"log-format"`
}

// verbosity is the flag --verbose: a bool to configuration files and the environment, and a number to who writes -vv.
type verbosity int

func (v *verbosity) String() string { return strconv.FormatBool(*v > 0) }

// Type lets the configuration treat it as what it is there.
func (v *verbosity) Type() string { return "bool" }

// Set counts how often it was said.
func (v *verbosity) Set(text string) error {
	on, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		return err
	case on:
		*v = min(*v+1, 2)
	default:
		*v = 0
	}
	return nil
}

// IsBoolFlag lets -v stand without a value.
func (v *verbosity) IsBoolFlag() bool { return true }

// dialOptions are what a dial can be told. Every one is a flag, a key of the configuration file and an environment
// variable KNAK_… (dashes become underscores). --set is not among them: its values add up (see settings.sets).
type dialOptions struct {
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
	Once           bool          `mapstructure:"once"`
	NoAdapt        bool          `mapstructure:"no-adapt"`
}

func addGlobalFlags(f *pflag.FlagSet) {
	f.String("config", "", "read this configuration `file` (default /etc/knak/config.toml and the user's own)")
	f.Bool("json", false, "write JSON Lines on standard output, and nothing else there")
	f.VarPF(new(verbosity), "verbose", "v", "show the dialogue with the modem, packets and settings; -vv: every repeated packet, state and decision too").NoOptDefVal = "true"
	f.BoolP("quiet", "q", false, "show when the link is up and down, findings and warnings only")
	f.String("color", "auto", "colour on the terminal: `when` is auto, always or never")
	f.String("log-format", "text", "how progress is written to standard error: `form` is text, json or journal")
}

// optionWords are the options that take one of a few words.
var optionWords = map[string][]string{
	"plane":      plane.Kinds(),
	"dns":        {"system", "resolved", "resolvconf", "file", "none"},
	"color":      {"auto", "always", "never"},
	"log-format": {"text", "json", "journal"},
}

// optionRanges are the options whose numbers are bounded further than their type does.
var optionRanges = map[string]struct{ low, high int64 }{
	"baud":         {300, 4_000_000},
	"metric":       {0, 1<<32 - 1}, // rtnetlink's priority
	"max-attempts": {0, 1_000_000_000},
}

// checkOption says what is wrong with the text of an option's value: what a flag, a variable or a key of the
// configuration file must be. The error stands behind the option's name and value.
func checkOption(f *pflag.Flag, text string) error {
	switch f.Value.Type() {
	case "bool":
		if _, err := strconv.ParseBool(text); err != nil {
			return errors.New("must be true or false")
		}
	case "duration":
		if d, err := time.ParseDuration(text); err != nil || d < 0 {
			return errors.New(`must be a time such as "30s", "5m" or "1h30m"`)
		}
	case "uint64":
		if _, err := strconv.ParseUint(text, 10, 64); err != nil {
			return errors.New("must be a number, 0 or more")
		}
	case "int":
		n, err := strconv.ParseInt(text, 10, 64)
		if r, ok := optionRanges[f.Name]; ok && (err != nil || n < r.low || n > r.high) {
			return fmt.Errorf("must be a number from %d to %d", r.low, r.high)
		}
		if err != nil {
			return errors.New("must be a number")
		}
	}
	if f.Name == "auth" {
		if _, _, err := authMethods(text); err != nil {
			return err
		}
	}
	if words, ok := optionWords[f.Name]; ok && !slices.Contains(words, text) {
		return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}
	return nil
}

// authWords are the words of --auth: those of auth.allow, and none for a peer that demands nothing.
func authWords() []string {
	k, _ := quirks.Lookup("auth.allow")
	return append(slices.Clone(k.Allowed), "none")
}

// authMethods reads the list of --auth: the words of auth.allow, and whether a peer may demand no authentication.
func authMethods(text string) (methods []string, none bool, err error) {
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch {
		case word == "none" && !none:
			none = true
		case !slices.Contains(authWords(), word), word == "none" || slices.Contains(methods, word):
			return nil, false, fmt.Errorf("must be a list of %s, each once", strings.Join(authWords(), ", "))
		default:
			methods = append(methods, word)
		}
	}
	return methods, none, nil
}

// flagError makes pflag's errors ones for people.
func flagError(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		if why := checkOption(bad.GetFlag(), bad.GetValue()); why != nil {
			err = fmt.Errorf("--%s %q: %w", bad.GetFlag().Name, bad.GetValue(), why)
		}
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if hint := flagHint(cmd, unknown.GetSpecifiedName()); hint != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, hint)
		}
	}
	return usagef("%w\nsee: %s --help", err, cmd.CommandPath())
}

// otherNames are what newcomers call what a flag does, in the words of pppd, wvdial and mmcli.
var otherNames = map[string]string{
	"password": "--password-file FILE (a password is never typed on the command line)", "pass": "--password-file FILE", "pin": "--pin-file FILE (a PIN is never typed on the command line)",
	"device": "--port PATH", "dev": "--port PATH", "tty": "--port PATH", "modem": "--port PATH", "speed": "--baud N", "username": "--user NAME", "name": "--user NAME or --link NAME",
	"phone": "--number S", "dial": "--number S", "profile": "--quirks PROFILE", "debug": "-v or -vv", "usepeerdns": "--dns system, which is the default",
	"defaultroute": "--default-route, which is the default", "nodefaultroute": "--no-default-route", "log-file": "2> FILE, or --record FILE", "iface": "--interface NAME", "ifname": "--interface NAME", "detach": "knak up",
}

// flagHint says what somebody may have meant by a flag that does not exist.
func flagHint(cmd *cobra.Command, name string) string {
	if hint := otherNames[name]; hint != "" && cmd.Flags().Lookup("port") != nil {
		return hint
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := quirks.Nearest(name, names); near != "" {
		return "--" + near
	}
	return ""
}

// settings are the options of a command, from flags, environment and configuration files.
type settings struct {
	v *viper.Viper

	// from says of each option that somebody set where it was set: "--apn", "KNAK_APN" or "config.toml:3:7".
	from map[string]string

	// plugins are those that the files name, in the order in which they are asked.
	plugins []configPlugin

	everything bool // -vv

	// broken is why the configuration files count only in part or not at all; nil: they were read.
	broken error

	// sets are the settings of quirks, weakest first: those of the files, the environment and the command line.
	sets []setting
}

// setting is one KEY=VALUE of --set, or of a flag that stands for a quirk, and where it was said.
type setting struct{ text, from string }

// listSeparator stands between the elements of a list in an environment variable: no quirk or forward has one in it.
const listSeparator = ";"

// readSettings reads flags, environment and configuration files, once. Later ones of this order win: defaults, the files'
// top level, their sections for the connection, the environment, flags.
func readSettings(cmd *cobra.Command, connection string) (*settings, error) {
	return readSettingsOf(cmd, connection, false)
}

// readSettingsOf is readSettings; with anyhow a configuration file that cannot be read is left out, and broken says why.
func readSettingsOf(cmd *cobra.Command, connection string, anyhow bool) (*settings, error) {
	s := &settings{v: viper.New(), from: map[string]string{}}
	s.v.SetEnvPrefix("KNAK")
	s.v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	s.v.AutomaticEnv()
	s.v.AllowEmptyEnv(true) // an empty user name is a user name
	if err := s.v.BindPFlags(cmd.Flags()); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	broken := s.readFiles(connection)
	if broken != nil && !anyhow {
		return nil, broken
	}
	s.broken = broken
	if err := s.readEnvironment(cmd); err != nil {
		return nil, err
	}
	return s, s.readFlags(cmd)
}

func (s *settings) readFiles(connection string) error {
	paths, required := configFiles(s.v.GetString("config"))
	var files []*configFile
	for _, path := range paths {
		file, err := readConfig(path, required)
		if errors.Is(err, os.ErrNotExist) && !required {
			continue
		}
		if err != nil {
			return &usageError{err}
		}
		files = append(files, file)
	}
	found := connection == ""
	for _, file := range files {
		s.takePlugins(file.plugins)
		if err := s.merge(file, file.options, nil); err != nil {
			return err
		}
	}
	for _, file := range files {
		section, ok := file.sections[connection]
		if !ok {
			continue
		}
		found = true
		if err := s.merge(file, section, []string{sectionKey, connection}); err != nil {
			return err
		}
	}
	if !found {
		var names []string
		for _, file := range files {
			names = slices.AppendSeq(names, maps.Keys(file.sections))
		}
		hint := ""
		if near := quirks.Nearest(connection, names); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return usagef("no configuration file has a section [connection.%s]%s (looked in %s)", connection, hint, strings.Join(paths, " and "))
	}
	return nil
}

// merge takes the options of a file's table that stands below path.
func (s *settings) merge(file *configFile, table map[string]any, path []string) error {
	if err := s.v.MergeConfigMap(table); err != nil {
		return usagef("%s: %w", file.path, err)
	}
	for name, value := range table {
		from := file.place(append(slices.Clone(path), name)...)
		s.from[name] = from
		if name == "set" {
			list, _ := value.([]any)
			for _, one := range list {
				s.sets = append(s.sets, setting{fmt.Sprint(one), from})
			}
		}
	}
	return nil
}

func variable(option string) string {
	return "KNAK_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

func (s *settings) readEnvironment(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		text, ok := os.LookupEnv(variable(f.Name))
		if !ok || err != nil || configFlag(f.Name) == nil {
			return
		}
		if why := checkOption(f, text); why != nil {
			err = usagef("%s %q: %w", variable(f.Name), text, why)
		}
		s.from[f.Name] = variable(f.Name)
		if f.Name == "set" && text != "" {
			for one := range strings.SplitSeq(text, listSeparator) {
				s.sets = append(s.sets, setting{strings.TrimSpace(one), variable(f.Name)})
			}
		}
	})
	return err
}

func (s *settings) readFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v, ok := f.Value.(*verbosity); ok {
			s.everything = *v > 1
		}
		if why := checkOption(f, f.Value.String()); why != nil && err == nil {
			err = usagef("--%s %q: %w", f.Name, f.Value.String(), why)
		}
		s.from[f.Name] = "--" + f.Name
		if list, ok := f.Value.(pflag.SliceValue); ok && f.Name == "set" {
			for _, one := range list.GetSlice() {
				s.sets = append(s.sets, setting{one, "--set"})
			}
		}
	})
	return err
}

// said tells whether somebody set an option: an empty value that was given is not the same as none.
func (s *settings) said(option string) bool { return s.from[option] != "" }

// fill fills a struct of options. Everything in it was checked before.
func (s *settings) fill(into any) error {
	hook := viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(listSeparator)))
	if err := s.v.Unmarshal(into, hook); err != nil {
		return usagef("options: %w", err)
	}
	return nil
}

// configFiles lists where the configuration may be, the stronger last, and whether it must be there.
func configFiles(chosen string) (paths []string, required bool) {
	if chosen != "" {
		return []string{chosen}, true
	}
	paths = []string{"/etc/knak/config.toml"}
	if dir, err := os.UserConfigDir(); err == nil {
		paths = append(paths, filepath.Join(dir, "knak", "config.toml"))
	}
	return paths, false
}

// readGlobal reads the global options of a command that has no others from file or environment. A mistake in a
// configuration file does not stop it: who must end a link, or look at one, cannot first mend a file.
func (a *app) readGlobal(cmd *cobra.Command) error {
	s, err := readSettingsOf(cmd, "", true)
	if err != nil {
		return err
	}
	if err := a.takeGlobal(s); err != nil {
		return err
	}
	if s.broken != nil && !a.global.Quiet {
		fmt.Fprintf(a.stderr, "knak: warning: %v (this command goes on without; a dial would not)\n", s.broken)
	}
	return nil
}

// readGlobalStrictly is readGlobal for who wants to know what is wrong.
func (a *app) readGlobalStrictly(cmd *cobra.Command) error {
	s, err := readSettings(cmd, "")
	if err != nil {
		return err
	}
	return a.takeGlobal(s)
}

func (a *app) takeGlobal(s *settings) error {
	if err := s.fill(&a.global); err != nil {
		return err
	}
	a.global.Everything = s.everything
	if a.global.Quiet && a.global.Verbose {
		return usagef("--quiet and --verbose exclude each other")
	}
	return nil
}
