package help

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/show/page"
)

// Fit lets the help of all commands be as wide as the terminal is, 40 columns at least. Elsewhere it is cobra's.
func Fit(root *cobra.Command) {
	usage, help := root.UsageFunc(), root.HelpFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		if columns := width(c.OutOrStdout()); columns > 0 {
			_, err := io.WriteString(c.OutOrStdout(), usageText(c, columns))
			return err
		}
		return usage(c)
	})
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		columns := width(c.OutOrStdout())
		if columns == 0 {
			help(c, args)
			return
		}
		about := c.Long
		if about == "" {
			about = c.Short
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n%s", reflow(about, columns), usageText(c, columns))
	})
}

// sized is what is written to a terminal by way of a pager.
type sized struct {
	io.Writer
	columns int
}

// width gives the columns of a terminal for text, 0 for anything else.
func width(w io.Writer) int {
	if s, ok := w.(sized); ok {
		return s.columns
	}
	columns := terminal.Width(w)
	if columns == 0 {
		return 0
	}
	return min(max(columns, 40), 120)
}

// reflow sets the paragraphs of a text anew. Lines that begin with a blank are examples, and stay as they are.
func reflow(text string, columns int) string {
	var b strings.Builder
	for _, para := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if strings.HasPrefix(para, " ") {
			b.WriteString(para + "\n\n")
			continue
		}
		b.WriteString(strings.Join(page.Wrap(para, columns), "\n") + "\n\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// usageText is cobra's usage, set for the width.
func usageText(c *cobra.Command, columns int) string {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if c.Runnable() {
		b.WriteString("  " + c.UseLine() + "\n")
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("  " + c.CommandPath() + " [command]\n")
	}
	if c.HasExample() {
		b.WriteString("\nExamples:\n" + c.Example + "\n")
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\nAvailable Commands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				row(&b, sub.Name(), c.Commands()[0].NamePadding(), sub.Short, columns)
			}
		}
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n" + strings.TrimRight(c.LocalFlags().FlagUsagesWrapped(columns), "\n") + "\n")
	}
	if c.HasAvailableInheritedFlags() {
		b.WriteString("\nGlobal Flags:\n" + strings.TrimRight(c.InheritedFlags().FlagUsagesWrapped(columns), "\n") + "\n")
	}
	if c.HasAvailableSubCommands() {
		more := fmt.Sprintf("Use \"%s [command] --help\" for more information about a command.", c.CommandPath())
		b.WriteString("\n" + strings.Join(page.Wrap(more, columns), "\n") + "\n")
	}
	return b.String()
}

// row writes a name and what stands behind it, wrapped in its column.
func row(b *strings.Builder, name string, padding int, about string, columns int) {
	start := fmt.Sprintf("  %-*s ", padding, name)
	for _, l := range page.Wrap(about, columns-padding-3) {
		b.WriteString(start + l + "\n")
		start = strings.Repeat(" ", padding+3)
	}
}
