// Package help is knak help: of commands, and the pages of the documentation by topic.
package help

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/show/page"
	"github.com/knakppp/knak/docs"
	"github.com/knakppp/knak/quirks"
)

// Command is knak help.
func Command(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|TOPIC|FINDING]",
		Short: "Help about any command, and the pages of the documentation",
		Long: `Show the help of a command, a page of the documentation, or what is known of a finding. Without an argument all commands and
topics are listed. A name that is a command and a topic shows the command first, and then the page.`,
		Example: `  knak help dial
  knak help first-dial
  knak help exit-status
  knak help no-sim`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: complete,
		RunE:              func(cmd *cobra.Command, args []string) error { return run(t, cmd.Root(), args) },
	}
}

func run(t *terminal.Terminal, root *cobra.Command, args []string) error {
	if len(args) == 0 {
		if err := root.Help(); err != nil {
			return err
		}
		list(t.Out)
		return nil
	}
	of, err := find(root, args)
	topic, known := docs.Find(strings.ToLower(args[0]))
	switch {
	case err == nil && (len(args) > 1 || !known):
		return of.Help()
	case !known || of != nil && err != nil:
		return err
	case len(args) > 1:
		return exit.Usagef("one argument too many, %q: knak help %s", args[1], topic.Name)
	}
	show := func(w io.Writer) error {
		if err == nil {
			if columns := width(t.Out); columns > 0 {
				w = sized{w, columns}
			}
			root.SetOut(w)
			if err := of.Help(); err != nil {
				return err
			}
			fmt.Fprintln(w)
		}
		_, err := io.WriteString(w, text(t, topic))
		return err
	}
	return paged(t, show)
}

// text is a topic as it is, or set for a terminal.
func text(t *terminal.Terminal, topic docs.Topic) string {
	if !terminal.IsTerminal(t.Out) {
		return topic.Text()
	}
	return page.Set(topic.Text(), page.Options{
		Width: min(max(terminal.Width(t.Out), 40), 120),
		Color: t.Color(t.Out),
		Link: func(text, target string) string {
			to, ok := docs.Of(target)
			switch {
			case !ok:
				return text
			case strings.HasSuffix(text, ".md") || text == to.Name:
				return "`knak help " + to.Name + "`"
			}
			return text + " (`knak help " + to.Name + "`)"
		},
	})
}

// list writes the topics, one a line.
func list(w io.Writer) {
	fmt.Fprint(w, "\nTopics (knak help TOPIC):\n")
	columns := width(w)
	if columns == 0 {
		columns = 1000
	}
	var b strings.Builder
	for _, topic := range docs.Topics {
		row(&b, topic.Name, 14, topic.About, columns)
	}
	_, _ = io.WriteString(w, b.String()) // an error is kept by the writer
}

// find gives the command that the arguments name. With an error it gives the last one that there is, or nil.
func find(root *cobra.Command, args []string) (*cobra.Command, error) {
	of := root
	for _, name := range args {
		i := slices.IndexFunc(of.Commands(), func(c *cobra.Command) bool { return c.Name() == name || c.HasAlias(name) })
		switch {
		case i >= 0:
			of = of.Commands()[i]
		case of == root:
			return nil, nothing(root, name)
		default:
			return of, NoCommand(of, name)
		}
	}
	return of, nil
}

// nothing says that there is neither a command nor a topic of this name, and which one may have been meant.
func nothing(root *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command and no topic %q", name)
	near := suggestions(root, name)
	if topic := quirks.Nearest(strings.ToLower(name), names()); topic != "" && !slices.Contains(near, topic) {
		near = append(near, topic)
	}
	if len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return exit.Usagef("%s\nsee: knak help", text)
}

// names are those of all topics, findings too.
func names() []string {
	var list []string
	for _, topic := range slices.Concat(docs.Topics, docs.Findings()) {
		list = append(list, topic.Name)
	}
	return list
}

// NoCommand says that a command has no such subcommand, and which one may have been meant.
func NoCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("%s has no command %q", c.CommandPath(), name)
	if near := suggestions(c, name); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return exit.Usagef("%s\nsee: %s --help", text, c.CommandPath())
}

// otherNames are what newcomers call what knak does, in the words of pppd, wvdial, nmcli and mmcli.
var otherNames = [...]struct {
	name, command string
}{
	{"connect", "dial or up"}, {"call", "dial"}, {"start", "up"}, {"disconnect", "down"}, {"stop", "down"}, {"kill", "hangup"}, {"off", "down"}, {"poff", "down"}, {"pon", "up"},
	{"signal", "status"}, {"info", "status"}, {"show", "status"}, {"monitor", "status --watch"}, {"scan", "devices"}, {"list", "devices"}, {"modems", "devices"}, {"ports", "devices"},
	{"setup", "init"}, {"configure", "init"}, {"wvdialconf", "init"}, {"check", "doctor"}, {"log", "diagnose FILE"}, {"analyse", "diagnose"}, {"analyze", "diagnose"},
	{"simulate", "sim"}, {"at", "doctor --port PATH, or dial -v"}, {"capture", "record"}, {"update", "quirks update"}, {"man", "help"},
}

// suggestions are the commands that somebody may have meant by a name: those that are near it, or do what it says.
func suggestions(c *cobra.Command, name string) []string {
	for _, other := range otherNames {
		if other.name == strings.ToLower(name) && !c.HasParent() {
			return []string{other.command}
		}
	}
	c.SuggestionsMinimumDistance = 2
	return c.SuggestionsFor(name)
}

// complete completes commands, and where the first word is typed topics; findings once something of them is typed.
func complete(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	of, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	have := map[string]bool{}
	for _, sub := range of.Commands() {
		if sub.IsAvailableCommand() {
			list, have[sub.Name()] = append(list, sub.Name()+"\t"+sub.Short), true
		}
	}
	if len(args) > 0 {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	topics := docs.Topics
	if typed != "" {
		topics = slices.Concat(topics, docs.Findings())
	}
	for _, topic := range topics {
		if !have[topic.Name] {
			list = append(list, topic.Name+"\t"+topic.About)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
