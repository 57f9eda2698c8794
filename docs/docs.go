// Package docs holds the pages that `knak help TOPIC` opens. They are compiled into the program, so that every installation has
// them in the program's version (docs/decisions/0016-help.md).
package docs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed apn.md cli.md diagnosis.md first-dial.md formats.md hooks.md learning.md library.md plugins.md quirks.md sim.md systems.md traces.md web.md
//go:embed findings/*.md
var files embed.FS

// Topic is a page, or one section of a page, with the name by which a reader asks for it.
type Topic struct {
	Name  string // the name that a reader types: "exit-status"
	About string // its subject, in one line without a full stop

	file    string // in this directory
	section string // the text of a heading of second rank in it; "": the whole page
}

// Topics are all topics except the findings, in an order for newcomers.
var Topics = []Topic{
	{Name: "first-dial", About: "from a stick or a HAT to a working link, step by step", file: "first-dial.md"},
	{Name: "configuration", About: "the configuration file, variables and flags, and which of them wins", file: "cli.md", section: "Where options come from"},
	{Name: "ports", About: "which of a modem's ports is dialled on, and how a UART is asked", file: "cli.md", section: "Which port"},
	{Name: "apn", About: "access points, and how the one of a SIM is known", file: "apn.md"},
	{Name: "pin", About: "the SIM's PIN, and why a refused one is not sent again", file: "cli.md", section: "The SIM's PIN"},
	{Name: "background", About: "knak up, down and status: a link in the background", file: "cli.md", section: "In the background"},
	{Name: "routes", About: "which addresses and routes a link may bring, and the default route", file: "cli.md", section: "What the peer may name"},
	{Name: "dns", About: "name servers, and what becomes of /etc/resolv.conf", file: "cli.md", section: "The host's resolv.conf"},
	{Name: "hooks", About: "scripts at up and down, as pppd's ip-up and ip-down", file: "hooks.md"},
	{Name: "output", About: "what a dial prints, and the JSON Lines of --json", file: "cli.md", section: "Output"},
	{Name: "exit-status", About: "every exit status and what it means", file: "cli.md", section: "Exit status of `dial`"},
	{Name: "environment", About: "the environment variables that knak reads", file: "cli.md", section: "Environment"},
	{Name: "files", About: "the files that knak reads and writes", file: "cli.md", section: "Files"},
	{Name: "diagnosis", About: "how a call or a log is judged", file: "diagnosis.md"},
	{Name: "systems", About: "what knak does on Windows and macOS, and what it leaves to Linux", file: "systems.md"},
	{Name: "findings", About: "everything that can be found; knak help ID opens the page of one", file: "findings/README.md"},
	{Name: "learning", About: "finding the settings of an unknown modem by experiment", file: "learning.md"},
	{Name: "quirks", About: "profiles of odd modems: using, reading and writing them", file: "quirks.md"},
	{Name: "traces", About: "logs, captures and recordings: reading, making and sharing them", file: "traces.md"},
	{Name: "formats", About: "teaching knak one more format of logs", file: "formats.md"},
	{Name: "sim", About: "simulated modems that misbehave", file: "sim.md"},
	{Name: "plugins", About: "programs of your own that take part in a dial", file: "plugins.md"},
	{Name: "library", About: "dialling from a Go program", file: "library.md"},
	{Name: "web", About: "the page for browsers that reads logs", file: "web.md"},
	{Name: "cli", About: "the whole contract of the command line", file: "cli.md"},
}

// Findings are the topics of the single findings. Their names are the ids at the end of a finding's title.
func Findings() []Topic {
	entries, _ := files.ReadDir("findings") // it is compiled in
	var list []Topic
	for _, e := range entries {
		id := strings.TrimSuffix(e.Name(), ".md")
		if id == "README" {
			continue
		}
		t := Topic{Name: id, file: "findings/" + e.Name()}
		first, _, _ := strings.Cut(t.Text(), "\n")
		t.About = strings.TrimPrefix(first, "# ")
		list = append(list, t)
	}
	return list
}

// Find gives the topic with a name: one of Topics, or a finding.
func Find(name string) (Topic, bool) {
	is := func(t Topic) bool { return t.Name == name }
	if i := slices.IndexFunc(Topics, is); i >= 0 {
		return Topics[i], true
	}
	list := Findings()
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	return Topic{}, false
}

// Text gives the topic's text in Markdown.
func (t Topic) Text() string {
	b, _ := files.ReadFile(t.file) // it is compiled in: a test opens each
	if t.section == "" {
		return string(b)
	}
	return section(string(b), t.section)
}

// section cuts out of a page what stands below a heading of second rank, with the heading; "" where there is none such.
func section(page, title string) string {
	_, text, ok := strings.Cut(page, "\n## "+title+"\n")
	if !ok {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return "# " + title + "\n" + strings.TrimRight(text, "\n") + "\n"
}

// Of gives the topic for a link target in one of these pages, such as "traces.md", "../diagnosis.md" or "findings/no-sim.md";
// false if the program does not have that page.
func Of(link string) (Topic, bool) {
	file, _, _ := strings.Cut(link, "#")
	file = strings.TrimPrefix(strings.TrimPrefix(file, "../"), "docs/")
	same := func(t Topic) bool { return t.file == file || t.file == "findings/"+file }
	if i := slices.IndexFunc(Topics, func(t Topic) bool { return t.section == "" && same(t) }); i >= 0 {
		return Topics[i], true
	}
	list := Findings()
	if i := slices.IndexFunc(list, same); i >= 0 {
		return list[i], true
	}
	return Topic{}, false
}
