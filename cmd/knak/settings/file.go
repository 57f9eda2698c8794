// Package settings reads flags, environment variables and configuration files, and remembers where each value was set.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak/core/foreign"
)

// sectionKey is the table that holds the connections.
const sectionKey = "connection"

// configLimit is the most octets of a configuration file: somebody may name /dev/zero.
const configLimit = 1 << 20

// File is a configuration file whose keys, types and values were checked.
type File struct {
	path     string
	options  map[string]any            // the top level
	Sections map[string]map[string]any // [connection.NAME]
	plugins  []Plugin                  // [plugins.NAME], unchecked
	places   map[string][2]int         // line and column of each value, by its path of keys
}

// pathKey joins a path of keys into one text, with a character that no key in a configuration has.
func pathKey(path []string) string { return strings.Join(path, "\x00") }

// place gives the place of a value, file:line:column. If the parser does not give it, it is the place of the nearest table around
// the value.
func (c *File) place(path ...string) string {
	for n := len(path); n > 0; n-- {
		if p, ok := c.places[pathKey(path[:n])]; ok {
			return fmt.Sprintf("%s:%d:%d", c.path, p[0], p[1])
		}
	}
	return c.path
}

// ReadFile reads a configuration file strictly: an unknown key, a wrong type and a value out of range are errors that name the
// place. A configuration decides what knak as root does to the host; so as root it refuses files that other users can change.
func ReadFile(path string, named bool) (*File, error) {
	text, err := foreign.Read(path, foreign.Rules{Limit: configLimit, Links: true, Named: named, Trusted: os.Geteuid() == 0})
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return parseConfig(path, text)
}

func parseConfig(path string, text []byte) (*File, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors put a byte order mark there
	c := &File{path: path, Sections: map[string]map[string]any{}, places: valuePlaces(text)}
	if err := toml.Unmarshal(text, &c.options); err != nil {
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			row, col := bad.Position()
			return nil, fmt.Errorf("%s:%d:%d: %s", path, row, col, strings.TrimPrefix(bad.Error(), "toml: "))
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	connections, ok := c.options[sectionKey]
	delete(c.options, sectionKey)
	plugins, hasPlugins := c.options[pluginsKey]
	delete(c.options, pluginsKey)
	err := c.check(c.options, nil)
	if err == nil && hasPlugins {
		err = c.readPlugins(plugins)
	}
	if err != nil || !ok {
		return c, err
	}
	named, ok := connections.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: connection must be a table: write [connection.NAME]", c.place(sectionKey))
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		table, ok := named[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: %q stands in [connection], which holds sections only: write [connection.NAME]", c.place(sectionKey, name), name)
		}
		if err := c.check(table, []string{sectionKey, name}); err != nil {
			return nil, err
		}
		c.Sections[name] = table
	}
	return c, nil
}

// check checks the keys and values of the table at path.
func (c *File) check(table map[string]any, path []string) error {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		place := c.place(append(slices.Clone(path), name)...)
		f := Key(name)
		if f == nil || len(path) > 0 && globalFlag(name) {
			return fmt.Errorf("%s: %s", place, unknownKey(name, len(path) > 0))
		}
		if err := checkConfigValue(f, table[name]); err != nil {
			return fmt.Errorf("%s: %s %w", place, name, err)
		}
	}
	return nil
}

// checkConfigValue says what is wrong with a key's value, or nothing.
func checkConfigValue(f *pflag.Flag, value any) error {
	text, isText := value.(string)
	number, isNumber := value.(int64)
	_, isBool := value.(bool)
	switch f.Value.Type() {
	case "bool":
		if !isBool {
			return errors.New("must be true or false, without quotation marks")
		}
		return nil
	case "int", "uint64":
		if !isNumber {
			return errors.New("must be a number, without quotation marks")
		}
		text = fmt.Sprint(number)
	case "stringArray":
		list, ok := value.([]any)
		for _, one := range list {
			_, isText := one.(string)
			ok = ok && isText
		}
		if !ok {
			return fmt.Errorf(`must be a list of texts: %s = ["…", "…"]`, f.Name)
		}
		return nil
	case "duration":
		if !isText {
			return errors.New(`must be a time in quotation marks, such as "30s", "5m" or "1h30m"`)
		}
	default:
		if !isText {
			return errors.New("must be a text, in quotation marks")
		}
	}
	if err := checkOption(f, text); err != nil {
		return fmt.Errorf("= %q: %w", text, err)
	}
	return nil
}

// Keys gives the flags that are keys of a configuration file: those of dial, and the global ones.
var Keys = sync.OnceValue(func() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	AddGlobalFlags(f)
	AddDialFlags(f)
	return f
})

// Key gives the flag of a configuration key; nil if there is none. --config cannot be in a configuration file.
func Key(name string) *pflag.Flag {
	if name == "config" {
		return nil
	}
	return Keys().Lookup(name)
}

// globalFlag says whether a key may stand at the top level only.
func globalFlag(name string) bool {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	AddGlobalFlags(f)
	return f.Lookup(name) != nil
}

// unknownKey gives the message for an unknown key, with the keys there are, or those that were perhaps meant.
func unknownKey(name string, section bool) string {
	text := fmt.Sprintf("unknown key %q", name)
	if section && globalFlag(name) {
		return text + " in a connection: it is for the top level of the file"
	}
	keys := cobra.Command{Use: "keys"} // for its search for similar words
	var names []string
	add := func(name string) {
		names = append(names, name)
		keys.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	Keys().VisitAll(func(f *pflag.Flag) {
		if Key(f.Name) != nil && !(section && globalFlag(f.Name)) {
			add(f.Name)
		}
	})
	if !section {
		add(sectionKey)
		add(pluginsKey)
	}
	keys.SuggestionsMinimumDistance = 2
	if near := keys.SuggestionsFor(name); len(near) > 0 {
		return text + "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return text + "; the keys are " + strings.Join(names, ", ")
}

// valuePlaces finds the line and column of every key of a TOML file, of all that can be read of it.
func valuePlaces(text []byte) map[string][2]int {
	places := map[string][2]int{}
	var p unstable.Parser
	p.Reset(text)
	note := func(path []string, at unstable.Range) {
		if _, ok := places[pathKey(path)]; !ok {
			before := text[:at.Offset]
			places[pathKey(path)] = [2]int{bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')}
		}
	}
	names := func(above []string, it unstable.Iterator) []string {
		path := slices.Clone(above)
		for it.Next() {
			path = append(path, string(it.Node().Data))
			note(path, it.Node().Raw)
		}
		return path
	}
	var table []string
	var keyValue func(above []string, e *unstable.Node)
	keyValue = func(above []string, e *unstable.Node) {
		path := names(above, e.Key())
		if v := e.Value(); v.Kind == unstable.InlineTable {
			for it := v.Children(); it.Next(); {
				if it.Node().Kind == unstable.KeyValue {
					keyValue(path, it.Node())
				}
			}
		}
	}
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = names(nil, e.Key())
		case unstable.KeyValue:
			keyValue(table, e)
		}
	}
	return places
}
