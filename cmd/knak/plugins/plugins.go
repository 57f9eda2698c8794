// Package plugins is the command knak plugins: it installs, shows and tries external plugins.
package plugins

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// row is one line of `knak plugins list`.
type row struct {
	Name       string   `json:"name"`
	State      string   `json:"state"`
	Path       string   `json:"path,omitempty"`
	SHA256     string   `json:"sha256,omitempty"`
	Configured string   `json:"configured,omitempty"` // file:line:column
	Grants     []string `json:"grants,omitempty"`
	Required   bool     `json:"required,omitempty"`
	Problem    string   `json:"problem,omitempty"`
	Cure       string   `json:"cure,omitempty"`
}

// Command is knak plugins.
func Command(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugins",
		Short: "External plugins: programs that adjust how knak dials",
		Long: `Plugins are programs of others that knak asks while it dials: which APN and password to use, how to answer a peer that
refuses, what to send to the modem. A plugin never runs for lying in a directory: it must be installed, which writes the
SHA-256 of its file into plugins.lock, and the configuration must name it:

  knak plugins install ./knak-plugin-acme
  knak plugins run acme                      what it is, and what it takes
  [plugins.acme]                             in /etc/knak/config.toml
  grants = ["secrets"]                       only if it must see passwords
  config = { word = "x" }                    what it takes
  required = true                            only if there must be no link without it

Its file and every directory above it must belong to root or to the user of knak and be writable by nobody else.`,
	}
	cmd.PersistentFlags().String("plugin-dir", "", "look in this `directory` first, and install into it")
	cmd.AddCommand(listCommand(t), installCommand(t), verifyCommand(t), removeCommand(t),
		runCommand(t), doctorCommand(t))
	return cmd
}

// world holds the configuration and the files that the commands read.
type world struct {
	plan       host.Plan
	lock       *pin.Lock
	configured []settings.Plugin
}

func readWorld(t *terminal.Terminal, cmd *cobra.Command) (*world, error) {
	s, err := settings.Read(cmd, "")
	if err != nil {
		return nil, err
	}
	if err := settings.TakeGlobal(t, s); err != nil {
		return nil, err
	}
	w := &world{configured: s.Plugins}
	if w.plan, err = connection.PluginPlan(s.Plugins, s.Text("plugin-dir")); err != nil {
		return nil, err
	}
	w.lock, err = pin.ReadLock(w.plan.Lock)
	return w, err
}

// configuredAs gives what the configuration says of a plugin.
func (w *world) configuredAs(name string) (settings.Plugin, bool) {
	i := slices.IndexFunc(w.configured, func(p settings.Plugin) bool { return p.Name == name })
	if i < 0 {
		return settings.Plugin{Plugin: host.Plugin{Name: name}}, false
	}
	return w.configured[i], true
}

// row looks at one plugin's file.
func (w *world) row(name string) row {
	p, configured := w.configuredAs(name)
	l := w.lock.Look(w.plan.Dirs, name, p.Path, p.SHA256)
	r := row{Name: name, Configured: p.From, Grants: p.Grants, Required: p.Required, Path: l.Path, SHA256: l.SHA256, State: string(l.State), Problem: l.Problem, Cure: l.Cure}
	if l.State == pin.OK && !configured {
		r.State, r.Cure = string(pin.NotConfigured), fmt.Sprintf("write [plugins.%s] into %s", name, w.configPlace())
	}
	return r
}

// configPlace is the file into which a person would write.
func (w *world) configPlace() string {
	paths, _ := settings.Files("")
	if os.Geteuid() == 0 {
		return paths[0]
	}
	return paths[len(paths)-1]
}

// names gives every plugin that is configured, pinned or found.
func (w *world) names() []string {
	var list []string
	for _, p := range w.configured {
		list = append(list, p.Name)
	}
	for _, f := range pin.List(w.plan.Dirs) {
		list = append(list, f.Name)
	}
	for _, p := range w.lock.Pins {
		list = append(list, p.Name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// listCommand is knak plugins list.
func listCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List plugins that are installed, pinned or configured, and how each is",
		Long: `List plugins that are installed, pinned in plugins.lock or named by the configuration, each with its state: ok, not
configured, not pinned, modified, writable by others, wrong owner, not executable, missing. No plugin is started.`,
		Example: "  knak plugins list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			return list(t, w)
		},
	}
}

// list lists plugins.
func list(t *terminal.Terminal, w *world) error {
	return printAll(t, w, w.names())
}

// verifyCommand is knak plugins verify.
func verifyCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [NAME]",
		Short: "Check the files of configured plugins: exit status 1 if one may not run",
		Long: `Check plugins' files, or one: owner and mode of the file and of every directory above it, and its SHA-256 against
plugins.lock. Without NAME it checks those that the configuration names. Exit status 1 if one may not run.`,
		Example:           "  knak plugins verify acme",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: complete.First(completePlugins(t)),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			return verify(t, w, args)
		},
	}
}

// verify checks the files of plugins.
func verify(t *terminal.Terminal, w *world, args []string) error {
	if len(args) == 0 {
		for _, p := range w.configured {
			args = append(args, p.Name)
		}
		slices.Sort(args)
	}
	for _, name := range args {
		if err := pin.CheckName(name); err != nil {
			return exit.Usage(err)
		}
	}
	if err := printAll(t, w, args); err != nil {
		return err
	}
	for _, name := range args {
		if s := w.row(name).State; s != string(pin.OK) && s != string(pin.NotConfigured) {
			return &exit.StatusError{Code: 1}
		}
	}
	return nil
}

func printAll(t *terminal.Terminal, w *world, names []string) error {
	if t.Style.JSON {
		enc := json.NewEncoder(t.Out)
		for _, name := range names {
			if err := enc.Encode(w.row(name)); err != nil {
				return fmt.Errorf("plugins: %w", err)
			}
		}
		return nil
	}
	if len(names) == 0 {
		if len(w.names()) > 0 {
			fmt.Fprintln(t.Out, "no plugin is configured; knak plugins list shows what is installed")
		} else {
			fmt.Fprintf(t.Out, "no plugin is installed or configured; looked in %s\n", strings.Join(w.plan.Dirs, ", "))
		}
		return nil
	}
	tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	for _, name := range names {
		r := w.row(name)
		fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Name, r.State, r.Path)
	}
	_ = tw.Flush() // a closed pipe ends the program by itself
	for _, name := range names {
		if r := w.row(name); r.Problem != "" || r.Cure != "" {
			text := r.Problem
			if text != "" {
				text += "; "
			}
			fmt.Fprintf(t.Out, "%s: %stry: %s\n", r.Name, text, r.Cure)
		}
	}
	return nil
}

// installOptions are the flags of knak plugins install.
type installOptions struct {
	file, name, sha256 string
}

// installCommand is knak plugins install.
func installCommand(t *terminal.Terminal) *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install FILE",
		Short: "Copy a plugin into place and pin its content",
		Long: `Copy a plugin's file to where knak looks for it and write its SHA-256 into plugins.lock. For root that is
/usr/local/libexec/knak/plugins, for others ~/.local/share/knak/plugins. The plugin is not started, and takes part in no
dial until the configuration names it.

Install what you trust: a plugin runs as the user of knak. With --sha256 the file must have the content that its author
published.`,
		Example: `  knak plugins install ./knak-plugin-acme --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			o.file = args[0]
			return install(t, w, o)
		},
	}
	cmd.Flags().StringVar(&o.name, "name", "", "the plugin's `name` (default: from the file's, knak-plugin-NAME)")
	cmd.Flags().StringVar(&o.sha256, "sha256", "", "refuse a file whose SHA-256 is not this `digest`")
	return cmd
}

// install copies a plugin into place and pins it.
func install(t *terminal.Terminal, w *world, o installOptions) error {
	name, file := o.name, o.file
	if name == "" {
		var ok bool
		if name, ok = pin.NameOf(file); !ok {
			return exit.Usagef("%s is not called %sNAME: give its name with --name", file, pin.Prefix)
		}
	}
	if err := pin.CheckName(name); err != nil {
		return exit.Usage(err)
	}
	if o.sha256 != "" {
		if err := pin.CheckSum(o.sha256); err != nil {
			return exit.Usagef("--sha256 %w", err)
		}
	}
	path, sum, err := pin.Install(file, w.plan.Dirs[0], name, o.sha256)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	replaced := w.lock.Pinned(name)
	w.lock.Set(pin.Pin{Name: name, SHA256: sum, Source: file, Installed: time.Now().UTC().Truncate(time.Second)})
	if err := w.lock.Write(); err != nil {
		return fmt.Errorf("install: %s was copied, but is not pinned: %w", path, err)
	}
	if t.Style.JSON {
		return json.NewEncoder(t.Out).Encode(w.row(name))
	}
	verb := "installed"
	if replaced {
		verb = "replaced"
	}
	fmt.Fprintf(t.Out, "%s %s, SHA-256 %s, pinned in %s\n", verb, path, sum, w.lock.Path)
	if _, ok := w.configuredAs(name); !ok {
		fmt.Fprintf(t.Out, "next: knak plugins run %s shows what it is; to use it, write [plugins.%s] into %s\n", name, name, w.configPlace())
	}
	return nil
}

// removeCommand is knak plugins remove.
func removeCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove a plugin's file and what plugins.lock says of it",
		Example:           "  knak plugins remove acme",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.First(completePlugins(t)),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			return remove(t, w, args)
		},
	}
}

// remove removes a plugin's file and its pin.
func remove(t *terminal.Terminal, w *world, args []string) error {
	name := args[0]
	if err := pin.CheckName(name); err != nil {
		return exit.Usage(err)
	}
	say := func(format string, args ...any) {
		if !t.Style.JSON {
			fmt.Fprintf(t.Out, format, args...)
		}
	}
	pinned := w.lock.Remove(name)
	if pinned {
		if err := w.lock.Write(); err != nil {
			return fmt.Errorf("remove: %w", err)
		}
		say("removed %s from %s\n", name, w.lock.Path)
	}
	path, err := pin.Find(w.plan.Dirs, name)
	if err == nil {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove: %w", err)
		}
		say("removed %s\n", path)
	} else if !pinned {
		return fmt.Errorf("remove: %w", err)
	}
	if p, ok := w.configuredAs(name); ok {
		say("still named by the configuration: %s; dials will warn until it is taken out\n", p.From)
	}
	if t.Style.JSON {
		return json.NewEncoder(t.Out).Encode(w.row(name))
	}
	return nil
}

// completePlugins completes the names of plugins.
func completePlugins(t *terminal.Terminal) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		w, err := readWorld(t, cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // a completion says nothing of errors
		}
		return w.names(), cobra.ShellCompDirectiveNoFileComp
	}
}
