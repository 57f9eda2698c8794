package quirks

import (
	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
)

// addFilter adds the flags of a filter.
func addFilter(cmd *cobra.Command, f *quirks.Filter) {
	flags := cmd.Flags()
	flags.StringVar(&f.Vendor, "vendor", "", "only profiles of this `vendor`: what stands before the slash")
	flags.StringVar(&f.ID, "id", "", "only profiles whose id matches this `pattern`, for example 'huawei/e3*'")
	flags.StringVar(&f.Key, "key", "", "only profiles that set this `key`, themselves or by what they inherit")
	flags.StringVar(&f.Behaviour, "behaviour", "", "only profiles whose summary or reasons have these `words`")
	complete.Flag(cmd, "key", complete.Keys)
	complete.Flag(cmd, "id", complete.Profiles)
	complete.Flag(cmd, "vendor", completeMakers)
}

func completeMakers(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	db, _ := quirks.Open(files.Quirks())
	return db.Makers(), cobra.ShellCompDirectiveNoFileComp
}
