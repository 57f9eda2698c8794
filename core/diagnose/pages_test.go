package diagnose

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"

	"github.com/knakppp/knak/core/sentence"
)

// byHand: what stands from this heading on is kept when a page is written anew.
const byHand = "## More\n"

// TestPages holds docs/findings against the rules: one page for each, and a list. `make generate` writes them.
func TestPages(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "findings")
	if golden.Update() {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pages := map[string]string{"README.md": findingList()}
	for _, r := range append(slices.Concat(rules[:]...), restRules...) {
		pages[r.id+".md"] = goPage(r)
	}
	for _, r := range sentence.Causes() {
		pages[r.ID+".md"] = linePage(r)
	}
	for name, page := range pages {
		path := filepath.Join(dir, name)
		have, err := os.ReadFile(path)
		if err != nil && !golden.Update() {
			t.Errorf("%v: make generate", err)
			continue
		}
		if i := bytes.Index(have, []byte(byHand)); i >= 0 {
			page += "\n" + string(have[i:])
		}
		if golden.Update() {
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if string(have) != page {
			t.Errorf("%s is not what the rules say now: make generate", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := pages[e.Name()]; !ok {
			t.Errorf("%s: there is no such finding: delete it", filepath.Join(dir, e.Name()))
		}
	}
}

func findingList() string {
	var b strings.Builder
	b.WriteString("# Findings\n\nWhat `knak diagnose` and a running `knak dial` can find, in the order in which they rank where two are equally likely.\nThe category is one of the labels of our collection of real logs; see [diagnosis.md](../diagnosis.md).\nThese pages are written by `make generate` from the rules in core/diagnose; what stands under *More* is kept.\n\n| finding | category | what it is |\n| --- | --- | --- |\n")
	row := func(id, category, title string) {
		if category == "" {
			category = "–"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", id, id, category, title)
	}
	for i, stage := range stages {
		for _, r := range sentence.Causes() {
			if r.Stage == stage {
				row(r.ID, r.Category, r.Title)
			}
		}
		for _, r := range rules[i] {
			row(r.id, r.category, r.title)
		}
	}
	for _, r := range restRules {
		row(r.id, r.category, r.title)
	}
	return b.String()
}

func head(b *strings.Builder, id, category, title string) {
	fmt.Fprintf(b, "# %s\n\n`%s`", title, id)
	if category != "" {
		fmt.Fprintf(b, ", category `%s`", category)
	}
	b.WriteString("\n\n")
}

func list(b *strings.Builder, title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, s := range all {
		fmt.Fprintf(b, "- %s\n", markdown(s))
	}
}

// logLines are lines of a log as they stand.
func logLines(b *strings.Builder, lines []string) {
	fmt.Fprintf(b, "\n## How it shows\n\n```\n%s\n```\n", strings.Join(lines, "\n"))
}

// markdown keeps what would be read as markup.
func markdown(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "|", `\|`).Replace(s)
}

// goPage shows a rule by the case that its test has.
func goPage(r rule) string {
	i := slices.IndexFunc(ruleCases, func(c ruleCase) bool { return c.id == r.id })
	var f event.Finding
	if i < 0 { // log-ends-here: only a whole log can end
		f = caseOf(tell(dialled, times(2, request))).Findings[0]
	} else {
		f, _ = judge(ruleCases[i].positive).Finding()
	}
	var b strings.Builder
	head(&b, r.id, r.category, r.title)
	fmt.Fprintf(&b, "%s\n", markdown(f.Meaning))
	list(&b, "What to try", f.Cure)
	logLines(&b, f.Evidence)
	fmt.Fprintf(&b, "\nIn this example it is %s; with less to go by it is less sure.\n", f.Confidence)
	return b.String()
}

func linePage(r sentence.Cause) string {
	var b strings.Builder
	head(&b, r.ID, r.Category, r.Title)
	fmt.Fprintf(&b, "%s\n", markdown(r.Meaning))
	if r.Page != "" {
		fmt.Fprintf(&b, "\n%s\n", r.Page)
	}
	list(&b, "What to try", r.Cure)
	logLines(&b, r.Example)
	fmt.Fprintf(&b, "\nA line of a log names it, which makes it %s", r.Confidence)
	switch r.When {
	case "failed":
		b.WriteString("; it counts where no link came up")
	case "refused":
		b.WriteString("; it counts where no link came up, and less where the authentication succeeded all the same")
	case "silent":
		b.WriteString("; it counts where nothing answered PPP")
	case "first":
		b.WriteString("; it counts where no link had come up before")
	}
	b.WriteString(".\n\n## Lines that say so\n\nA * stands for any text; case and blanks do not matter.\n\n")
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "- `%s`", l.Text)
		if l.Program != "" {
			fmt.Fprintf(&b, " by %s", l.Program)
		}
		if l.Except != "" {
			fmt.Fprintf(&b, ", but not `%s`", l.Except)
		}
		b.WriteString("\n")
	}
	return b.String()
}
