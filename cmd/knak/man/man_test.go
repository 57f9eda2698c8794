package man

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/link"
)

// program is a tree with what pages are made of.
func program() (root, dial, list *cobra.Command) {
	root = &cobra.Command{Use: "knak", Short: "Dial"}
	dial = &cobra.Command{Use: "dial [CONNECTION] [flags]", Short: "Bring a link up", Long: "Dial *99***1# with `knak dial`.\n\n  an 'example' \\ here\n\n.SH no heading", Example: "  knak dial\n\n  .dot", Run: func(*cobra.Command, []string) {}}
	dial.Flags().String("apn", "internet", "access point `name`")
	dial.Flags().BoolP("once", "o", false, "hang up at once")
	list = &cobra.Command{Use: "list", Short: "List", Run: func(*cobra.Command, []string) {}}
	root.AddCommand(dial, list, &cobra.Command{Use: "secret", Hidden: true})
	return root, dial, list
}

func TestPage(t *testing.T) {
	root, dial, list := program()
	page := Page(dial, time.Unix(0, 0))
	for _, want := range []string{
		".TH \"KNAK-DIAL\" 1 1970-01-01 knak \"knak manual\"\n", "\nknak\\-dial \\- Bring a link up\n", "\\fBknak dial [CONNECTION]\\fR",
		"Dial *99***1# with \\fBknak dial\\fR.\n", "\nan \\(aqexample\\(aq \\e here\n", "\n\\&.SH no heading\n", "\n\\&.dot\n",
		".TP\n\\fB\\-\\-apn\\fR \\fIname\\fR\naccess point name (default: internet)\n", "\\fB\\-o\\fR, \\fB\\-\\-once\\fR\nhang up at once\n",
		".SH EXIT STATUS\n", ".SH FILES\n", ".SH ENVIRONMENT\n", ".SH EXAMPLES\n", "\\fBKNAK_STATE_DIR\\fR\n", "\\fB/etc/knak/config.toml\\fR, ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page:\n%s", want, page)
		}
	}
	if got := strings.Count(page, "\n\\fB3"); got < 6 {
		t.Errorf("%d statuses from 30 on, and the code has more", got)
	}
	for _, m := range link.ExitMeanings {
		if !strings.Contains(page, inline(m.Meaning)+".\n") {
			t.Errorf("status %d is not in the page", m.Code)
		}
	}
	if page := Page(list, time.Unix(0, 0)); !strings.Contains(page, "see ENVIRONMENT and FILES in") || strings.Contains(page, "EXAMPLES") {
		t.Errorf("a short page:\n%s", page)
	}
	if page := Page(root, time.Unix(0, 0)); strings.Contains(page, "secret") || !strings.Contains(page, "\\fBknak\\-dial\\fR(1)") {
		t.Errorf("the first page:\n%s", page)
	}
}

// What formats pages has nothing to complain of.
func TestPagesAreFormatted(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("SKIPPED: man pages are formatted: groff is not installed (Debian: groff-base)")
	}
	root, _, _ := program()
	for _, cmd := range Commands(root) {
		format := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", "-Kutf8")
		format.Stdin = strings.NewReader(Page(cmd, time.Unix(0, 0)))
		if out, err := format.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name(cmd), err, out)
		}
	}
}
