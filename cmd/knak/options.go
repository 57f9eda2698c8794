package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// globalOptions are the flags that every command has.
type globalOptions struct {
	JSON      bool   `mapstructure:"json" toml:"json"`
	Verbose   bool   `mapstructure:"verbose" toml:"verbose"`
	Quiet     bool   `mapstructure:"quiet" toml:"quiet"`
	Color     string `mapstructure:"color" toml:"color"`
	LogFormat string `mapstructure:"log-format" toml:"log-format"`
}

// dialOptions are what a dial can be told. Every one is a flag, a key of the configuration file and an environment
// variable KNAK_… (dashes become underscores).
type dialOptions struct {
	Port           string   `mapstructure:"port" toml:"port"`
	ATPort         string   `mapstructure:"at-port" toml:"at-port"`
	Baud           int      `mapstructure:"baud" toml:"baud"`
	APN            string   `mapstructure:"apn" toml:"apn"`
	User           string   `mapstructure:"user" toml:"user"`
	PasswordFile   string   `mapstructure:"password-file" toml:"password-file"`
	Number         string   `mapstructure:"number" toml:"number"`
	PINFile        string   `mapstructure:"pin-file" toml:"pin-file"`
	Quirks         string   `mapstructure:"quirks" toml:"quirks"`
	Set            []string `mapstructure:"set" toml:"set"`
	Plane          string   `mapstructure:"plane" toml:"plane"`
	Proxy          string   `mapstructure:"proxy" toml:"proxy"`
	Forward        []string `mapstructure:"forward" toml:"forward"`
	Interface      string   `mapstructure:"interface" toml:"interface"`
	DefaultRoute   bool     `mapstructure:"default-route" toml:"default-route"`
	NoDefaultRoute bool     `mapstructure:"no-default-route" toml:"no-default-route"`
	Metric         int      `mapstructure:"metric" toml:"metric"`
	DNS            string   `mapstructure:"dns" toml:"dns"`
	Persist        bool     `mapstructure:"persist" toml:"persist"`
	MaxAttempts    int      `mapstructure:"max-attempts" toml:"max-attempts"`
	Timeout        duration `mapstructure:"timeout" toml:"timeout"`
	Idle           duration `mapstructure:"idle" toml:"idle"`
	MaxTime        duration `mapstructure:"max-time" toml:"max-time"`
	MaxBytes       uint64   `mapstructure:"max-bytes" toml:"max-bytes"`
	Prove          bool     `mapstructure:"prove" toml:"prove"`
	NoProve        bool     `mapstructure:"no-prove" toml:"no-prove"`
	Sim            string   `mapstructure:"sim" toml:"sim"`
	Once           bool     `mapstructure:"once" toml:"once"`
}

// fileOptions is the shape of the configuration file, for the strict check of its keys and types.
type fileOptions struct {
	globalOptions
	dialOptions
	Connection map[string]dialOptions `toml:"connection"`
}

// duration is a time.Duration that files and flags write as text, "90s" or "5m".
type duration time.Duration

// UnmarshalText reads what time.ParseDuration reads, but nothing negative.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf(`%q is no duration; write for example "30s", "5m" or "1h30m"`, text)
	}
	*d = duration(v)
	return nil
}

func addGlobalFlags(f *pflag.FlagSet) {
	f.String("config", "", "read this configuration `file` (default /etc/knak/config.toml and the user's own)")
	f.Bool("json", false, "write JSON Lines on standard output, and nothing else there")
	f.BoolP("verbose", "v", false, "show everything: echoes, states, decisions")
	f.BoolP("quiet", "q", false, "show findings and errors only")
	f.String("color", "auto", "colour on the terminal: `when` is auto, always or never")
	f.String("log-format", "text", "how progress is written to standard error: text, json or journal")
}

// settings reads flags, environment and configuration files, once. Later ones of this order win: defaults, the file's
// top level, its section for the connection, the environment, flags.
func settings(cmd *cobra.Command, connection string) (*viper.Viper, error) {
	v := viper.New()
	v.SetEnvPrefix("KNAK")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	v.AllowEmptyEnv(true) // an empty user name is a user name
	if err := v.BindPFlags(cmd.Flags()); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	paths, required := configFiles(v.GetString("config"))
	found := false
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && !required {
			continue
		}
		if err != nil {
			return nil, usagef("configuration: %w", err)
		}
		all, err := parseConfig(path, text)
		if err != nil {
			return nil, err
		}
		sections, _ := all["connection"].(map[string]any)
		delete(all, "connection")
		if err := v.MergeConfigMap(all); err != nil {
			return nil, usagef("%s: %w", path, err)
		}
		if section, ok := sections[connection].(map[string]any); ok {
			found = true
			if err := v.MergeConfigMap(section); err != nil {
				return nil, usagef("%s: connection.%s: %w", path, connection, err)
			}
		}
	}
	if connection != "" && !found {
		return nil, usagef("no configuration file has a section [connection.%s]; looked in %s", connection, strings.Join(paths, " and "))
	}
	return v, nil
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

// parseConfig reads a configuration file strictly: an unknown key or a wrong type is an error that names the place.
func parseConfig(path string, text []byte) (map[string]any, error) {
	var shape fileOptions
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&shape); err != nil {
		return nil, &usageError{tomlError(path, err)}
	}
	var all map[string]any
	if err := toml.Unmarshal(text, &all); err != nil {
		return nil, &usageError{tomlError(path, err)}
	}
	return all, nil
}

// tomlError gives a decoder's error its file, line and column, and for an unknown key the keys that there are.
func tomlError(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		row, col := e.Position()
		return fmt.Errorf("%s:%d:%d: unknown key %q; the keys are %s", path, row, col, strings.Join(e.Key(), "."), strings.Join(configKeys(), ", "))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, col := decode.Position()
		return fmt.Errorf("%s:%d:%d: %s", path, row, col, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", path, err)
}

// configKeys lists the keys of a configuration file, sorted: the flags of dial and the global ones.
func configKeys() []string {
	var keys []string
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	addGlobalFlags(f)
	addDialFlags(f)
	f.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" {
			keys = append(keys, f.Name)
		}
	})
	slices.Sort(keys)
	return keys
}

// unmarshal fills a typed struct from what settings read.
func unmarshal(v *viper.Viper, into any) error {
	hook := viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(mapstructure.TextUnmarshallerHookFunc(), mapstructure.StringToSliceHookFunc(",")))
	if err := v.Unmarshal(into, hook); err != nil {
		return usagef("options: %w", err)
	}
	return nil
}

// said tells of a flag whether the user gave it, on the command line, in the environment or in a file: an empty value
// that was given is not the same as none.
func said(cmd *cobra.Command, v *viper.Viper) func(flag string) bool {
	return func(flag string) bool {
		if cmd.Flags().Changed(flag) || v.InConfig(flag) {
			return true
		}
		_, ok := os.LookupEnv("KNAK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
		return ok
	}
}

// readGlobal reads the global options of a command that has no others from file or environment.
func (a *app) readGlobal(cmd *cobra.Command) error {
	v, err := settings(cmd, "")
	if err != nil {
		return err
	}
	return a.takeGlobal(v)
}

func (a *app) takeGlobal(v *viper.Viper) error {
	if err := unmarshal(v, &a.global); err != nil {
		return err
	}
	if err := oneOf("color", a.global.Color, "auto", "always", "never"); err != nil {
		return err
	}
	if err := oneOf("log-format", a.global.LogFormat, "text", "json", "journal"); err != nil {
		return err
	}
	if a.global.Quiet && a.global.Verbose {
		return usagef("--quiet and --verbose exclude each other")
	}
	return nil
}

func oneOf(flag, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return usagef("--%s %q: must be one of %s", flag, value, strings.Join(allowed, ", "))
	}
	return nil
}
