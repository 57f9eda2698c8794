// Command corpus judges labelled logs of real calls and says how often diagnosis names the labelled cause first.
//
//	go run ./test/corpus [-v] [-cut] DIR
//
// DIR holds labels.tsv, a table with the columns id, file, outcome and root_cause among others, and the files. With -cut
// every log is judged again without its first and its last lines, which shows how much rests on single lines.
package main

import (
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/recording/read"
)

func main() {
	verbose := flag.Bool("v", false, "show all findings with their evidence")
	cut := flag.Bool("cut", false, "judge each log cut short, too")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: corpus [-v] [-cut] DIR")
		os.Exit(2)
	}
	if err := run(os.Stdout, flag.Arg(0), *verbose, *cut); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

// label is one row of labels.tsv.
type label struct{ id, file, outcome, cause string }

func labels(dir string) ([]label, error) {
	f, err := os.Open(filepath.Join(dir, "labels.tsv"))
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	id, file, outcome, cause := column("id"), column("file"), column("outcome"), column("root_cause")
	if len(rows) < 2 || min(id, file, outcome, cause) < 0 {
		return nil, fmt.Errorf("%s: needs the columns id, file, outcome and root_cause", f.Name())
	}
	var all []label
	for _, row := range rows[1:] {
		if len(row) > max(id, file, outcome, cause) {
			all = append(all, label{row[id], row[file], row[outcome], row[cause]})
		}
	}
	return all, nil
}

// judge gives the verdict on the text of a log.
func judge(name, text string) (diagnose.Verdict, error) {
	r, err := read.Open(strings.NewReader(text), read.Options{Name: name})
	if err != nil {
		return diagnose.Verdict{}, err
	}
	c := diagnose.NewCase()
	for rec, err := range read.All(r) {
		if err != nil {
			return diagnose.Verdict{}, err
		}
		c.Record(rec)
	}
	return c.Verdict(), nil
}

// says gives the category that a verdict names first: none where nothing is wrong.
func says(v diagnose.Verdict) string {
	if len(v.Findings) == 0 {
		return "none"
	}
	return v.Findings[0].Category
}

func run(w io.Writer, dir string, verbose, cut bool) error {
	all, err := labels(dir)
	if err != nil {
		return err
	}
	right, alarms, good := 0, 0, 0
	stable, weaker, flipped, cuts := 0, 0, 0, 0
	for _, l := range all {
		text, err := os.ReadFile(filepath.Join(dir, l.file))
		if err != nil {
			return fmt.Errorf("case %s: %w", l.id, err)
		}
		v, err := judge(l.file, string(text))
		if err != nil {
			return fmt.Errorf("case %s: %w", l.id, err)
		}
		got := says(v)
		mark := "ok  "
		if got == l.cause {
			right++
		} else {
			mark = "MISS"
		}
		if l.cause == "none" {
			if good++; got != "none" {
				alarms++
				mark = "FALSE ALARM"
			}
		}
		first := ""
		if len(v.Findings) > 0 {
			first = v.Findings[0].ID + " (" + v.Findings[0].Confidence + ")"
		}
		fmt.Fprintf(w, "%s %-4s %-32s %s\n", l.id, mark, l.cause, first)
		if got != l.cause {
			fmt.Fprintf(w, "         said: %s\n", got)
		}
		if verbose {
			for _, f := range append(v.Findings, v.Notes...) {
				fmt.Fprintf(w, "      %s, %s, %s\n", f.ID, f.Confidence, f.Category)
				for _, e := range f.Evidence {
					fmt.Fprintf(w, "        - %s\n", e)
				}
			}
		}
		if !cut {
			continue
		}
		for _, part := range shortened(string(text)) {
			c, err := judge(l.file, part)
			if err != nil {
				return fmt.Errorf("case %s, cut: %w", l.id, err)
			}
			cuts++
			switch s := says(c); {
			case s == got:
				stable++
			case s == "none" || c.Findings[0].Confidence == "possible":
				weaker++
			default:
				flipped++
				if verbose {
					fmt.Fprintf(w, "      cut to %d lines: %s\n", strings.Count(part, "\n"), s)
				}
			}
		}
	}
	fmt.Fprintf(w, "\n%d of %d cases are judged as labelled: %.1f %%; %d of %d successes are called a failure\n",
		right, len(all), 100*float64(right)/float64(len(all)), alarms, good)
	if cut {
		fmt.Fprintf(w, "%d logs cut short: %d judged as the whole, %d nothing or only possible, %d something else\n", cuts, stable, weaker, flipped)
	}
	return nil
}

// shortened gives a log without one, two, … of ten parts of its lines at the beginning, and at the end.
func shortened(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	var out []string
	for _, tenth := range []int{1, 2, 3} {
		n := max(1, len(lines)*tenth/10)
		if len(lines) > n+2 {
			out = append(out, strings.Join(lines[n:], ""), strings.Join(lines[:len(lines)-n], ""))
		}
	}
	return out
}
