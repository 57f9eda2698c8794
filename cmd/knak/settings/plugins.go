package settings

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// pluginsKey is the table that holds the plugins.
const pluginsKey = "plugins"

// Plugin is one [plugins.NAME] of a configuration file.
type Plugin struct {
	host.Plugin
	order int64  // its place among the plugins; those with the same order are asked as in the files
	From  string // file:line:column
}

// pluginKeys are the keys of [plugins.NAME], each with the function that takes its value.
var pluginKeys = map[string]func(p *Plugin, value any) error{
	"path": func(p *Plugin, value any) error {
		text, ok := value.(string)
		if !ok || !strings.HasPrefix(text, "/") {
			return errors.New(`must be an absolute path in quotation marks, such as "/usr/libexec/knak/plugins/knak-plugin-acme"`)
		}
		p.Path = text
		return nil
	},
	"sha256": func(p *Plugin, value any) error {
		text, _ := value.(string)
		p.SHA256 = text
		return pin.CheckSum(text)
	},
	"grants": func(p *Plugin, value any) error {
		list, ok := value.([]any)
		for _, one := range list {
			text, _ := one.(string)
			ok = ok && slices.Contains(host.Grants(), text)
			p.Grants = append(p.Grants, text)
		}
		if !ok {
			return fmt.Errorf(`must be a list of "%s"`, strings.Join(host.Grants(), `" and "`))
		}
		return nil
	},
	"required": func(p *Plugin, value any) (err error) {
		ok := false
		if p.Required, ok = value.(bool); !ok {
			return errors.New("must be true or false, without quotation marks")
		}
		return nil
	},
	"order": func(p *Plugin, value any) error {
		ok := false
		if p.order, ok = value.(int64); !ok {
			return errors.New("must be a number; plugins with a lower number are asked first, and the default is 0")
		}
		return nil
	},
	"tls": func(p *Plugin, value any) error {
		if value != "auto" && value != "none" {
			return errors.New(`must be "auto" or "none"`)
		}
		p.Plain = value == "none"
		return nil
	},
	"config": func(p *Plugin, value any) (err error) {
		if _, ok := value.(map[string]any); !ok {
			return errors.New("must be a table: write [plugins.NAME.config]")
		}
		p.Config, err = json.Marshal(value)
		return err
	},
}

// readPlugins reads the table of plugins, strictly.
func (c *File) readPlugins(value any) error {
	named, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: plugins must be a table: write [plugins.NAME]", c.place(pluginsKey))
	}
	for name, value := range named {
		place := c.place(pluginsKey, name)
		table, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: %q stands in [plugins], which holds sections only: write [plugins.NAME]", place, name)
		}
		if err := pin.CheckName(name); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		p := Plugin{Plugin: host.Plugin{Name: name}, From: place}
		for _, key := range slices.Sorted(maps.Keys(table)) {
			take, ok := pluginKeys[key]
			if !ok {
				return fmt.Errorf("%s: unknown key %q; a plugin has %s", c.place(pluginsKey, name, key), key,
					strings.Join(slices.Sorted(maps.Keys(pluginKeys)), ", "))
			}
			if err := take(&p, table[key]); err != nil {
				return fmt.Errorf("%s: %s %w", c.place(pluginsKey, name, key), key, err)
			}
		}
		c.plugins = append(c.plugins, p)
	}
	slices.SortFunc(c.plugins, func(a, b Plugin) int {
		x, y := c.places[pathKey([]string{pluginsKey, a.Name})], c.places[pathKey([]string{pluginsKey, b.Name})]
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(a.Name, b.Name))
	})
	return nil
}

// takePlugins adds a file's plugins. A plugin replaces one of the same name from an earlier file.
func (s *Settings) takePlugins(list []Plugin) {
	for _, p := range list {
		s.Plugins = slices.DeleteFunc(s.Plugins, func(have Plugin) bool { return have.Name == p.Name })
		s.Plugins = append(s.Plugins, p)
	}
	slices.SortStableFunc(s.Plugins, func(a, b Plugin) int { return cmp.Compare(a.order, b.order) })
}
