package quirks

import (
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
)

// listFilter says which profiles quirks list shows: those for which all that is given holds.
type listFilter struct {
	vendor, id, key, behaviour string
}

func (f *listFilter) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.vendor, "vendor", "", "only profiles of this `vendor`: what stands before the slash")
	flags.StringVar(&f.id, "id", "", "only profiles whose id matches this `pattern`, for example 'huawei/e3*'")
	flags.StringVar(&f.key, "key", "", "only profiles that set this `key`, themselves or by what they inherit")
	flags.StringVar(&f.behaviour, "behaviour", "", "only profiles whose summary or reasons have these `words`")
	complete.Flag(cmd, "key", complete.Keys)
	complete.Flag(cmd, "id", complete.Profiles)
	complete.Flag(cmd, "vendor", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		db, _ := quirks.Open(files.Quirks())
		return vendors(db), cobra.ShellCompDirectiveNoFileComp
	})
}

func vendors(db *quirks.DB) (list []string) {
	for _, id := range db.Profiles() {
		if v, _, _ := strings.Cut(id, "/"); !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// profiles gives the ids that pass, sorted.
func (f *listFilter) profiles(db *quirks.DB) ([]string, error) {
	if f.key != "" {
		if _, ok := quirks.Lookup(f.key); !ok {
			return nil, exit.Usagef("--key %q: there is no such key; docs/quirks.md lists all", f.key)
		}
	}
	if _, err := path.Match(f.id, ""); err != nil {
		return nil, exit.Usagef("--id %q: %w", f.id, err)
	}
	if all := vendors(db); f.vendor != "" && !slices.Contains(all, f.vendor) {
		return nil, exit.Usagef("--vendor %q: there are %s", f.vendor, strings.Join(all, ", "))
	}
	return slices.DeleteFunc(db.Profiles(), func(id string) bool { return !f.passes(db, id) }), nil
}

func (f *listFilter) passes(db *quirks.DB, id string) bool {
	if f.vendor != "" && !strings.HasPrefix(id, f.vendor+"/") {
		return false
	}
	if f.id != "" {
		if ok, _ := path.Match(f.id, id); !ok { // profiles has checked the pattern
			return false
		}
	}
	if f.key == "" && f.behaviour == "" {
		return true
	}
	var keys []string
	var text strings.Builder
	for _, home := range db.Lineage(id) {
		p, _ := db.Profile(home)
		text.WriteString(p.Summary + "\n")
		for _, q := range p.Quirks {
			keys = append(keys, q.Key)
			k, _ := quirks.Lookup(q.Key)
			text.WriteString(q.Reason + "\n" + k.Meaning + "\n" + q.Key + "\n")
		}
	}
	if f.key != "" && !slices.Contains(keys, f.key) {
		return false
	}
	all := strings.ToLower(text.String())
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(f.behaviour)), func(w string) bool { return !strings.Contains(all, w) })
}
