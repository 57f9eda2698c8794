package settings

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

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/quirks"
)

// Verbosity is the flag --verbose. In configuration files and variables it is a bool; on the command line it counts, so that -vv
// shows more than -v.
type Verbosity int

func (v *Verbosity) String() string { return strconv.FormatBool(*v > 0) }

// Type is "bool", so that configuration files and variables take true and false.
func (v *Verbosity) Type() string { return "bool" }

// Set counts how often the flag was given.
func (v *Verbosity) Set(text string) error {
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

// IsBoolFlag allows -v without a value.
func (v *Verbosity) IsBoolFlag() bool { return true }

// OptionWords are the options with a fixed set of words.
var OptionWords = map[string][]string{
	"plane":      plane.Kinds(),
	"dns":        {"system", "resolved", "resolvconf", "file", "none"},
	"color":      {"auto", "always", "never"},
	"log-format": {"text", "json", "journal"},
}

// optionRanges are the ranges of numeric options, if narrower than the type.
var optionRanges = map[string]struct{ low, high int64 }{
	"baud":         {300, 4_000_000},
	"metric":       {0, 1<<32 - 1}, // rtnetlink's priority
	"max-attempts": {0, 1_000_000_000},
}

// checkOption says what is wrong with the text of an option's value, from a flag, a variable or a configuration file. The message
// is shown after the option's name and value.
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
		if _, _, err := AuthMethods(text); err != nil {
			return err
		}
	}
	if words, ok := OptionWords[f.Name]; ok && !slices.Contains(words, text) {
		return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}
	return nil
}

// AuthWords are the words of --auth: those of auth.allow, and none for a peer that demands nothing.
func AuthWords() []string {
	k, _ := quirks.Lookup("auth.allow")
	return append(slices.Clone(k.Allowed), "none")
}

// AuthMethods reads the list of --auth: the words of auth.allow, and whether a peer may demand no authentication.
func AuthMethods(text string) (methods []string, none bool, err error) {
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch {
		case word == "none" && !none:
			none = true
		case !slices.Contains(AuthWords(), word), word == "none" || slices.Contains(methods, word):
			return nil, false, fmt.Errorf("must be a list of %s, each once", strings.Join(AuthWords(), ", "))
		default:
			methods = append(methods, word)
		}
	}
	return methods, none, nil
}

// FlagError makes pflag's errors readable for people.
func FlagError(cmd *cobra.Command, err error) error {
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
	return exit.Usagef("%w\nsee: %s --help", err, cmd.CommandPath())
}

// otherNames are names from pppd, wvdial and mmcli that newcomers try, with knak's flag.
var otherNames = [...]struct {
	name, flag string
}{
	{"password", "--password-file FILE (a password is never typed on the command line)"}, {"pass", "--password-file FILE"}, {"pin", "--pin-file FILE (a PIN is never typed on the command line)"},
	{"device", "--port PATH"}, {"dev", "--port PATH"}, {"tty", "--port PATH"}, {"modem", "--port PATH"}, {"speed", "--baud N"}, {"username", "--user NAME"}, {"name", "--user NAME or --link NAME"},
	{"phone", "--number S"}, {"dial", "--number S"}, {"profile", "--quirks PROFILE"}, {"debug", "-v or -vv"}, {"usepeerdns", "--dns system, which is the default"},
	{"defaultroute", "--default-route, which is the default"}, {"nodefaultroute", "--no-default-route"}, {"log-file", "2> FILE, or --record FILE"}, {"iface", "--interface NAME"}, {"ifname", "--interface NAME"}, {"detach", "knak up"},
}

// flagHint gives the flag that was probably meant by one that does not exist.
func flagHint(cmd *cobra.Command, name string) string {
	for _, other := range otherNames {
		if other.name == name && cmd.Flags().Lookup("port") != nil {
			return other.flag
		}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := quirks.Nearest(name, names); near != "" {
		return "--" + near
	}
	return ""
}

// Settings are the options of a command, from flags, environment and configuration files.
type Settings struct {
	v *viper.Viper

	// from gives, for each option that was set, the place: "--apn", "KNAK_APN" or "config.toml:3:7".
	From map[string]string

	// plugins are the plugins of the files, in the order in which they are asked.
	Plugins []Plugin

	everything bool // -vv

	// broken says why configuration files were ignored, in part or completely; nil: they were read.
	broken error

	// sets are the settings of quirks, weakest first: those of the files, the environment and the command line.
	Sets []Setting
}

// Setting is one KEY=VALUE from --set, or from a flag that stands for a quirk, with the place where it was set.
type Setting struct{ Text, From string }

// listSeparator stands between the elements of a list in an environment variable: no quirk or forward has one in it.
const listSeparator = ";"

// Read reads flags, environment and configuration files, once. Later ones of this order win: defaults, the files'
// top level, their sections for the connection, the environment, flags.
func Read(cmd *cobra.Command, connection string) (*Settings, error) {
	return readAnyhow(cmd, connection, false)
}

// readAnyhow is Read. With anyhow, a configuration file that cannot be read is left out and not an error; broken says why.
func readAnyhow(cmd *cobra.Command, connection string, anyhow bool) (*Settings, error) {
	s := &Settings{v: viper.New(), From: map[string]string{}}
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

func (s *Settings) readFiles(connection string) error {
	paths, required := Files(s.v.GetString("config"))
	var files []*File
	for _, path := range paths {
		file, err := ReadFile(path, required)
		if errors.Is(err, os.ErrNotExist) && !required {
			continue
		}
		if err != nil {
			return exit.Usage(err)
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
		section, ok := file.Sections[connection]
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
			names = slices.AppendSeq(names, maps.Keys(file.Sections))
		}
		hint := fmt.Sprintf("; knak init %s makes one", connection)
		if near := quirks.Nearest(connection, names); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return exit.Usagef("no configuration file has a section [connection.%s]%s (looked in %s)", connection, hint, strings.Join(paths, " and "))
	}
	return nil
}

// merge takes the options of a file's table that stands below path.
func (s *Settings) merge(file *File, table map[string]any, path []string) error {
	if err := s.v.MergeConfigMap(table); err != nil {
		return exit.Usagef("%s: %w", file.path, err)
	}
	for name, value := range table {
		from := file.place(append(slices.Clone(path), name)...)
		s.From[name] = from
		if name == "set" {
			list, _ := value.([]any)
			for _, one := range list {
				s.Sets = append(s.Sets, Setting{fmt.Sprint(one), from})
			}
		}
	}
	return nil
}

func variable(option string) string {
	return "KNAK_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

func (s *Settings) readEnvironment(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		text, ok := os.LookupEnv(variable(f.Name))
		if !ok || err != nil || Key(f.Name) == nil {
			return
		}
		if why := checkOption(f, text); why != nil {
			err = exit.Usagef("%s %q: %w", variable(f.Name), text, why)
		}
		s.From[f.Name] = variable(f.Name)
		if f.Name == "set" && text != "" {
			for one := range strings.SplitSeq(text, listSeparator) {
				s.Sets = append(s.Sets, Setting{strings.TrimSpace(one), variable(f.Name)})
			}
		}
	})
	return err
}

func (s *Settings) readFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v, ok := f.Value.(*Verbosity); ok {
			s.everything = *v > 1
		}
		if why := checkOption(f, f.Value.String()); why != nil && err == nil {
			err = exit.Usagef("--%s %q: %w", f.Name, f.Value.String(), why)
		}
		s.From[f.Name] = "--" + f.Name
		if list, ok := f.Value.(pflag.SliceValue); ok && f.Name == "set" {
			for _, one := range list.GetSlice() {
				s.Sets = append(s.Sets, Setting{one, "--set"})
			}
		}
	})
	return err
}

// Said tells whether somebody set an option: an empty value that was given is not the same as none.
func (s *Settings) Said(option string) bool { return s.From[option] != "" }

// Value is the value of an option.
func (s *Settings) Value(option string) any { return s.v.Get(option) }

// Text is the value of an option that is a text.
func (s *Settings) Text(option string) string { return s.v.GetString(option) }

// Fill fills a struct of options. Everything in it was checked before.
func (s *Settings) Fill(into any) error {
	hook := viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(listSeparator)))
	if err := s.v.Unmarshal(into, hook); err != nil {
		return exit.Usagef("options: %w", err)
	}
	return nil
}

// Files lists where the configuration may be, the stronger last, and whether it must be there.
func Files(chosen string) (paths []string, required bool) {
	if chosen != "" {
		return []string{chosen}, true
	}
	if dir := files.System(); dir != "" {
		paths = append(paths, filepath.Join(dir, "config.toml"))
	}
	if dir, err := os.UserConfigDir(); err == nil {
		paths = append(paths, filepath.Join(dir, "knak", "config.toml"))
	}
	return paths, false
}

// Chosen is the configuration file that --config or its variable names; "": none.
func Chosen(cmd *cobra.Command) string {
	s, err := readAnyhow(cmd, "", true)
	if err != nil {
		return "" // ReadGlobal tells of it
	}
	return s.v.GetString("config")
}

// ReadGlobal reads the options that all commands have, for a command that has no others in files or variables. A mistake in a
// configuration file only gives a warning: a person who must end a link now should not have to correct a file first.
func ReadGlobal(t *terminal.Terminal, cmd *cobra.Command) error {
	s, err := readAnyhow(cmd, "", true)
	if err != nil {
		return err
	}
	if err := TakeGlobal(t, s); err != nil {
		return err
	}
	if s.broken != nil && !t.Style.Quiet {
		fmt.Fprintf(t.Err, "knak: warning: %v (this command goes on without that file; a dial would not)\n", s.broken)
	}
	return nil
}

// ReadGlobalStrictly is ReadGlobal, but a mistake in a configuration file is an error: for commands that report such
// mistakes.
func ReadGlobalStrictly(t *terminal.Terminal, cmd *cobra.Command) error {
	s, err := Read(cmd, "")
	if err != nil {
		return err
	}
	return TakeGlobal(t, s)
}

// TakeGlobal puts the options that all commands have into t.
func TakeGlobal(t *terminal.Terminal, s *Settings) error {
	if err := s.Fill(&t.Style); err != nil {
		return err
	}
	t.Style.Everything = s.everything
	if t.Style.Quiet && t.Style.Verbose {
		return exit.Usagef("--quiet and --verbose exclude each other")
	}
	return nil
}
