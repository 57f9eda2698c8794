// Package man writes the manual pages of the commands. Only the build with the tag "man" links it.
package man

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/docs"
)

// Write writes a page of section 1 for each command into a directory, with the given date.
func Write(root *cobra.Command, dir string, date time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("man: %w", err)
	}
	for _, cmd := range Commands(root) {
		if err := os.WriteFile(filepath.Join(dir, name(cmd)+".1"), []byte(Page(cmd, date)), 0o644); err != nil {
			return fmt.Errorf("man: %w", err)
		}
	}
	return nil
}

// Commands gives a command and all below it that a user is shown.
func Commands(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			list = append(list, Commands(sub)...)
		}
	}
	return list
}

// name is what the page of a command is called: knak-quirks-list.
func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// Page gives the page of a command in the man macros (groff_man(7)).
func Page(cmd *cobra.Command, date time.Time) string {
	var p writer
	p.line(fmt.Sprintf(`.TH "%s" 1 %s knak "knak manual"`, strings.ToUpper(name(cmd)), date.UTC().Format(time.DateOnly)))
	p.section("NAME")
	p.line(escape(name(cmd)) + ` \- ` + inline(cmd.Short))
	p.section("SYNOPSIS")
	p.line(`\fB` + escape(strings.TrimSuffix(cmd.UseLine(), " [flags]")) + `\fR [\fIoption\fR ...]`)
	p.section("DESCRIPTION")
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	p.text(about)
	if cmd.HasAvailableSubCommands() {
		p.section("COMMANDS")
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				p.item(`\fB`+escape(sub.Name())+`\fR`, inline(sub.Short)+`; see \fB`+escape(name(sub))+`\fR(1).`)
			}
		}
	}
	p.flags("OPTIONS", cmd.NonInheritedFlags())
	p.flags("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	p.section("EXIT STATUS")
	for _, s := range statuses(cmd) {
		p.item(fmt.Sprintf(`\fB%d\fR`, s.Code), inline(s.Meaning)+".")
	}
	if whole(cmd) {
		for _, topic := range []string{"environment", "files"} {
			p.section(strings.ToUpper(topic))
			p.table(topic)
		}
	} else {
		p.section("ENVIRONMENT")
		p.line("As for all commands: see ENVIRONMENT and FILES in \\fBknak\\fR(1).")
	}
	if cmd.Example != "" {
		p.section("EXAMPLES")
		p.code(cmd.Example)
	}
	p.section("SEE ALSO")
	p.line(seeAlso(cmd))
	return p.String()
}

// whole says whether a page has the tables of variables and files: the first page, and those of dials.
func whole(cmd *cobra.Command) bool { return !cmd.HasParent() || dials(cmd) }

// dials says whether a command dials, and so ends with the status of a dial.
func dials(cmd *cobra.Command) bool {
	return cmd.HasParent() && !cmd.Parent().HasParent() && strings.Contains(" dial up learn ", " "+cmd.Name()+" ")
}

// status is an exit status of a command and what it means.
type status struct {
	Code    link.ExitCode
	Meaning string
}

// others are what commands that do not dial end with besides the three of all commands.
var others = map[string][]status{
	"knak diagnose":        {{link.ExitOK, "nothing is wrong with any call that was judged"}, {link.ExitUsage, "no such file, link or format, or a file that tells of no call"}, {link.ExitFindings, "something is wrong with a call that was judged"}},
	"knak decode":          {{link.ExitOK, "the recording was shown, whatever became of the call"}, {link.ExitUsage, "no such file or format, or bad options"}},
	"knak report":          {{link.ExitOK, "the page was made, whatever became of the call"}, {link.ExitUsage, "no such file or format, or bad options"}},
	"knak compare":         {{link.ExitOK, "the calls were compared, whatever became of them"}, {link.ExitUsage, "no such file or format, a file that tells of no call, or bad options"}},
	"knak mimic":           {{link.ExitOK, "the profile or the scenario was made"}, {link.ExitUsage, "no such file or format, bad options, or no call that worked and none named by `--call`"}},
	"knak doctor":          {{link.ExitOK, "nothing would stop a dial"}, {link.ExitFatal, "something would stop a dial, or make it another one than was asked for"}},
	"knak status":          {{link.ExitOK, "the status was shown, also where no link is up; with `--exit-code`: the link is up"}, {link.ExitFatal, "with `--exit-code`: the link is not up"}},
	"knak hangup":          {{link.ExitOK, "the link was ended, or none was up"}, {link.ExitFatal, "the link could not be ended, or did not answer in time"}, {link.ExitUsage, "several links are held and none was named"}},
	"knak record":          {{link.ExitOK, "ended by a signal"}, {link.ExitFatal, "the recording is not complete"}, {link.ExitUsage, "bad options"}, {link.ExitLocked, "another program holds the port"}, {link.ExitOpen, "the port cannot be opened"}, {link.ExitModemHangup, "the port went away"}},
	"knak config check":    {{link.ExitOK, "nothing is wrong in the files, or there are none"}, {link.ExitUsage, "a file has a mistake"}},
	"knak quirks validate": {{link.ExitOK, "nothing is wrong"}, {link.ExitUsage, "a file has a mistake"}},
	"knak quirks test":     {{link.ExitOK, "the profiles are needed and work"}, {link.ExitFatal, "something is not as it should be"}, {link.ExitUsage, "no such profile, or bad options"}},
	"knak plugins verify":  {{link.ExitOK, "all configured plugins may run"}, {link.ExitFatal, "a plugin that is configured would not run"}},
	"knak plugins doctor":  {{link.ExitOK, "all configured plugins run"}, {link.ExitFatal, "a plugin that is configured would not run"}},
}

// statuses gives the exit statuses of a command.
func statuses(cmd *cobra.Command) []status {
	path := strings.Replace(cmd.CommandPath(), "knak down", "knak hangup", 1)
	if list, ok := others[path]; ok {
		return list
	}
	if !whole(cmd) {
		return []status{{link.ExitOK, "done"}, {link.ExitFatal, "something in knak or on this host failed"}, {link.ExitUsage, "bad options or arguments; nothing was touched"}}
	}
	var list []status
	for _, m := range link.ExitMeanings {
		list = append(list, status{m.Code, m.Meaning})
	}
	return list
}

func seeAlso(cmd *cobra.Command) string {
	var list []string
	if cmd.HasParent() {
		list = append(list, `\fB`+escape(name(cmd.Parent()))+`\fR(1)`)
	}
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			list = append(list, `\fB`+escape(name(sub))+`\fR(1)`)
		}
	}
	return strings.Join(list, ",\n") + ".\n.PP\nThe pages of the documentation are opened by \\fBknak help\\fR \\fItopic\\fR; \\fBknak help\\fR lists them."
}

// writer puts a page together.
type writer struct{ strings.Builder }

func (p *writer) line(text string) {
	for l := range strings.SplitSeq(text, "\n") {
		p.WriteString(l + "\n")
	}
}

func (p *writer) section(title string) { p.WriteString(".SH " + title + "\n") }

func (p *writer) item(tag, text string) { p.line(".TP\n" + tag + "\n" + text) }

// text writes paragraphs. One whose lines are indented is an example.
func (p *writer) text(text string) {
	for i, para := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			p.line(".PP")
		}
		if strings.HasPrefix(para, "  ") {
			p.code(para)
			continue
		}
		p.line(inline(strings.Join(strings.Fields(para), " ")))
	}
}

func (p *writer) code(text string) {
	p.line(".RS 4\n.nf")
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if l = strings.TrimPrefix(l, "  "); l == "" {
			p.line(`\&`)
		} else {
			p.line(escape(l))
		}
	}
	p.line(".fi\n.RE")
}

func (p *writer) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		tag := `\fB` + escape("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			tag = `\fB` + escape("-"+f.Shorthand) + `\fR, ` + tag
		}
		if value != "" && f.NoOptDefVal == "" {
			tag += ` \fI` + escape(value) + `\fR`
		}
		text := inline(usage)
		if plain := f.DefValue; plain != "" && plain != "false" && plain != "[]" && plain != "0" && plain != "0s" {
			text += " (default: " + escape(plain) + ")"
		}
		p.item(tag, text)
	})
}

// table writes the first table of a topic of the documentation, which has two columns, as a list.
func (p *writer) table(name string) {
	topic, _ := docs.Find(name)
	for row := range strings.SplitSeq(topic.Text(), "\n") {
		row, ok := strings.CutPrefix(row, "| `")
		left, right, both := strings.Cut(strings.TrimSuffix(row, " |"), " | ")
		if ok && both {
			p.item(inline("`"+left), inline(right)+".")
		}
	}
}

var code = regexp.MustCompile("`([^`]+)`")

// inline makes a text of ours one for roff, with what stands between backquotes in bold.
func inline(text string) string {
	return code.ReplaceAllString(escape(text), `\fB$1\fR`)
}

// escape makes a text one that roff takes as it is: no escape, no control line, and dashes that can be copied.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, `"`, `\(dq`, "^", `\(ha`, "~", `\(ti`, "…", "...").Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
