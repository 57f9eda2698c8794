package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/quirks"
)

// completionShells are the shells that completions/ has a file for, with the way to write it.
var completionShells = []struct {
	name  string
	write func(root *cobra.Command, w io.Writer) error
}{
	{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
	{"zsh", func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
	{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	{"powershell", func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
}

func (a *app) completionCommand() *cobra.Command {
	var names []string
	for _, s := range completionShells {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use:   "completion " + strings.Join(names, "|"),
		Short: "Print the completion script of a shell",
		Long: `Print the completion script of a shell. To try it in a running bash that
has its package bash-completion:

  source <(knak completion bash)

The packages install it for bash, zsh and fish.`,
		ValidArgs:             names,
		Args:                  cobra.ExactArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(names, args[0])
			if i < 0 {
				return usagef("no completion for shell %q: there are %s", args[0], strings.Join(names, ", "))
			}
			if err := completionShells[i].write(cmd.Root(), a.stdout); err != nil {
				return fmt.Errorf("completion: %w", err)
			}
			return nil
		},
	}
}

// complete says how the value of a flag is completed.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // no such flag: a mistake in this package
	}
}

// completeWords completes an option that takes one of a few words.
func completeWords(option string) cobra.CompletionFunc {
	return cobra.FixedCompletions(optionWords[option], cobra.ShellCompDirectiveNoFileComp)
}

// completeAuth completes the last word of the list of --auth, of those that are not in it.
func completeAuth(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	given := strings.Split(before, ",")
	var list []string
	for _, w := range authWords() {
		if !slices.Contains(given, w) {
			list = append(list, before+w)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	db, _ := quirks.Open(quirkSources()) // a completion says nothing of errors
	return db.Profiles(), cobra.ShellCompDirectiveNoFileComp
}

// completeScenarios completes a name; a file is possible too.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarioNames(), cobra.ShellCompDirectiveDefault
}

func completeKeys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range quirks.Keys {
		keys = append(keys, k.Name+"\t"+k.Meaning)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

// completeSet completes a key of the quirks, and behind its = the words that it may have.
func completeSet(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	name, _, ok := strings.Cut(typed, "=")
	var list []string
	if !ok {
		for _, k := range quirks.Keys {
			list = append(list, k.Name+"=\t"+k.Meaning)
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	k, _ := quirks.Lookup(strings.TrimRight(name, "+-"))
	words := k.Allowed
	if k.Type == quirks.Bool {
		words = []string{"true", "false"}
	}
	for _, w := range words {
		list = append(list, name+"="+w)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// first completes the first argument of a command only.
func first(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, typed)
	}
}
