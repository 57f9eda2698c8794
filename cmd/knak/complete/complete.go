// Package complete gives the shell what a flag or an argument may be: profiles, scenarios, keys, links.
package complete

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
)

// Flag says how the value of a flag is completed.
func Flag(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // no such flag: a mistake in this package
	}
}

// Words completes an option that takes one of a few words.
func Words(option string) cobra.CompletionFunc {
	return cobra.FixedCompletions(settings.OptionWords[option], cobra.ShellCompDirectiveNoFileComp)
}

// Auth completes the last word of the list of --auth, of those that are not in it.
func Auth(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	given := strings.Split(before, ",")
	var list []string
	for _, w := range settings.AuthWords() {
		if !slices.Contains(given, w) {
			list = append(list, before+w)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// Profiles completes the id of a profile.
func Profiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	db, _ := quirks.Open(files.Quirks()) // a completion says nothing of errors
	return db.Profiles(), cobra.ShellCompDirectiveNoFileComp
}

// Scenarios completes a name; a file is possible too.
func Scenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return files.Scenarios(), cobra.ShellCompDirectiveDefault
}

// Keys completes a quirk key.
func Keys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range quirks.Keys {
		keys = append(keys, k.Name+"\t"+k.Meaning)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

// Set completes a key of the quirks, and behind its = the words that it may have.
func Set(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
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

// First completes the first argument of a command only.
func First(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, typed)
	}
}

// Links completes the name of a link that a running dial holds.
func Links(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	links, _ := control.Links(control.Dir()) // a completion says nothing of errors
	return links, cobra.ShellCompDirectiveNoFileComp
}
