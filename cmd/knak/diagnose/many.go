package diagnose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/survey"
)

// diagnosis is the state of one run of diagnose.
type diagnosis struct {
	a       *terminal.Terminal
	o       options
	named   []string // what was given: each of these must be a recording, what is found in it need not
	told    int
	linked  int // links that were asked
	groups  survey.Groups
	failed  error // the first thing that could not be judged
	failing int
	wrong   bool
}

// run judges everything that was named, in order.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	args := o.names
	reading, err := recordings.Options(t, o.format)
	if err != nil {
		return err
	}
	d := &diagnosis{a: t, o: o, named: args}
	for len(args) > 0 {
		if isLink(args[0]) {
			d.link(ctx, args[0])
			args = args[1:]
			continue
		}
		n := slices.IndexFunc(args, isLink)
		if n < 0 {
			n = len(args)
		}
		if err := survey.Run(ctx, args[:n], t.In, survey.Options{Read: reading}, d.result); err != nil {
			return err
		}
		args = args[n:]
	}
	d.counted()
	if d.failing == 0 && !d.wrong && d.groups.Up == 0 && d.linked == 0 {
		return exit.Usagef("%s: %s looked at, and nothing in it tells of a call", strings.Join(d.named, ", "), terminal.Plural(d.groups.Nothing, "file"))
	}
	return d.outcome()
}

// outcome gives the worst of all results. A failed call does not hide an input that could not be judged, nor the other way round.
func (d *diagnosis) outcome() error {
	var end exit.StatusError
	switch {
	case d.failing == 1: // it may name what stands in an archive
		end = exit.StatusError{Code: exit.Code(d.failed), Text: terminal.PrintableLines(d.failed.Error())}
	case d.failing > 1:
		end = exit.StatusError{Code: exit.Code(d.failed), Text: fmt.Sprintf("%d of the inputs could not be judged", d.failing)}
	}
	if d.wrong {
		end.Code = link.ExitFindings
	}
	if end.Code == 0 {
		return nil
	}
	return &end
}

// isLink says whether a name is no file and may be a link's.
func isLink(name string) bool {
	_, err := os.Stat(name)
	return name != "-" && errors.Is(err, fs.ErrNotExist) && control.CheckName(name) == nil
}

// fail notes an input that could not be judged. A single one is the error of the program; several are reported as they come.
func (d *diagnosis) fail(err error) {
	if d.failing++; d.failing == 1 {
		d.failed = err
		return
	}
	if d.failing == 2 {
		fmt.Fprintf(d.a.Err, "knak: %s\n", terminal.PrintableLines(d.failed.Error()))
	}
	fmt.Fprintf(d.a.Err, "knak: %s\n", terminal.PrintableLines(err.Error()))
}

func (d *diagnosis) link(ctx context.Context, name string) {
	d.between()
	d.linked++
	wrong, err := runningDial(ctx, d.a, name, d.o)
	d.wrong = d.wrong || wrong
	if err != nil {
		d.fail(err)
	}
}

// between separates the results of two recordings.
func (d *diagnosis) between() {
	if d.told > 0 && !d.a.Style.JSON && !d.o.summary {
		fmt.Fprintln(d.a.Out)
	}
	d.told++
}

// result shows the result of one recording.
func (d *diagnosis) result(r survey.Result) error {
	d.groups.Add(r)
	named := slices.Contains(d.named, r.Name) || r.Name == "standard input"
	if r.Err != nil && len(r.Verdict.Findings) == 0 {
		if errors.Is(r.Err, fs.ErrNotExist) || named {
			r.Err = exit.Usage(r.Err)
		}
		d.fail(fmt.Errorf("%s: %w", r.Name, r.Err))
		return nil
	}
	if r.Nothing {
		switch {
		case !named:
		case r.Summary.Bytes == 0 && r.Summary.Format != "":
			d.fail(exit.Usagef("%s is empty", r.Name))
		case r.Summary.Format == "":
			d.fail(exit.Usagef("%s is not a recording or log that knak can read; if it is one, name its format with --format: %s", r.Name, strings.Join(read.Names(), ", ")))
		default:
			d.fail(recordings.NothingTells(r.Name, r.Summary.String()))
		}
		return nil
	}
	if r.Err != nil {
		d.fail(fmt.Errorf("%s: %w", r.Name, r.Err))
	}
	d.wrong = d.wrong || len(r.Verdict.Findings) > 0
	switch {
	case d.o.summary && d.a.Style.JSON:
		return d.object(r)
	case d.o.summary:
		d.line(r)
	case d.a.Style.JSON:
		return findingsJSON(d.a, r.Name, r.Summary.Last, r.Verdict.Findings)
	default:
		d.between()
		d.full(r)
	}
	return nil
}

func (d *diagnosis) full(r survey.Result) {
	t, v := d.a, r.Verdict
	fmt.Fprintf(t.Out, "%s: %s\n", event.Printable(r.Name), r.Summary)
	if which := v.Which(); which != "" {
		fmt.Fprintf(t.Out, "Judged is %s.\n", which)
	}
	if len(v.Findings) == 0 {
		fmt.Fprintln(t.Out, v.Sentence())
	}
	tellFindings(t, v.Findings, d.o.all)
	for _, f := range v.Notes {
		fmt.Fprintf(t.Out, "Worth knowing: %s (%s). %s\n", f.Title, f.ID, strings.Join(f.Evidence, "; "))
	}
}

// line is one recording in one line.
func (d *diagnosis) line(r survey.Result) {
	text := "nothing is wrong"
	if len(r.Verdict.Findings) > 0 {
		f := r.Verdict.Findings[0]
		text = f.Title + " (" + f.ID + ", " + f.Confidence
		if len(f.Places) > 0 {
			text += ", " + f.Places[len(f.Places)-1].String()
		}
		text += ")"
	}
	fmt.Fprintf(d.a.Out, "%s: %s\n", event.Printable(r.Name), text)
}

// object is one recording as one object, for --summary --json.
func (d *diagnosis) object(r survey.Result) error {
	o := struct {
		Name       string     `json:"name"`
		Format     string     `json:"format"`
		Lines      int64      `json:"lines"`
		Packets    int64      `json:"packets"`
		Unread     int64      `json:"unread_lines"`
		Attempts   int        `json:"attempts"`
		Up         bool       `json:"up"`
		ID         string     `json:"id"` // of the first finding; "" if nothing is wrong
		Confidence string     `json:"confidence,omitempty"`
		Category   string     `json:"category,omitempty"`
		Title      string     `json:"title,omitempty"`
		Evidence   []string   `json:"evidence,omitempty"`
		Place      *event.Pos `json:"place,omitempty"`
		Others     []string   `json:"others,omitempty"` // the ids of the less likely causes
	}{Name: r.Name, Format: r.Summary.Format, Lines: r.Summary.Lines, Packets: r.Summary.Packets, Unread: r.Summary.UnreadLines, Attempts: r.Verdict.Attempts, Up: r.Verdict.Up}
	for i, f := range r.Verdict.Findings {
		if i > 0 {
			o.Others = append(o.Others, f.ID)
			continue
		}
		o.ID, o.Confidence, o.Category, o.Title, o.Evidence = f.ID, f.Confidence, f.Category, f.Title, f.Evidence
		if len(f.Places) > 0 {
			o.Place = &f.Places[len(f.Places)-1]
		}
	}
	w := json.NewEncoder(d.a.Out)
	w.SetEscapeHTML(false)
	return w.Encode(o)
}

// counted says how many recordings have the same cause, where there are several.
func (d *diagnosis) counted() {
	g := &d.groups
	total := g.Up + g.Nothing + g.Failed
	for _, c := range g.Causes {
		total += c.Count
	}
	if d.a.Style.JSON || total < 2 || len(g.Causes) == 0 && g.Up == 0 || !d.o.summary && total == len(d.named) {
		return
	}
	causes := slices.Clone(g.Causes)
	slices.SortStableFunc(causes, func(a, b survey.Cause) int { return b.Count - a.Count })
	fmt.Fprintln(d.a.Out)
	for _, c := range causes {
		fmt.Fprintf(d.a.Out, "%6d  %s (%s), first in %s\n", c.Count, c.Title, c.ID, c.First)
	}
	for _, row := range []struct {
		n    int
		what string
	}{{g.Up, "nothing is wrong"}, {g.Nothing, "nothing in it tells of a call"}, {g.Failed, "could not be judged, or not whole"}} {
		if row.n > 0 {
			fmt.Fprintf(d.a.Out, "%6d  %s\n", row.n, row.what)
		}
	}
}
