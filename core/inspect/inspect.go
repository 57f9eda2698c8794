// Package inspect reads a recording to its end, has it judged, and prepares what a page, an archive or a comparison shows of it. All programs use it,
// so they all show the same.
package inspect

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/share"
	"github.com/knakppp/knak/core/show/report"
	"github.com/knakppp/knak/quirks"
)

// Recording is everything that is shown of one recording.
type Recording struct {
	Summary read.Summary
	Verdict diagnose.Verdict // Told is 0 if the recording holds no call
	Calls   []*call.Call
	Drawn   report.Call
}

// Read reads r to its end. title becomes the title of the recording on a page.
func Read(r *read.Reader, title string) (*Recording, error) {
	rows, judge := report.NewCollector(0), diagnose.NewCase()
	var calls call.Collector
	trials := trials{calls: &calls}
	if err := each(r, rows, judge, &calls, &trials); err != nil {
		return nil, err
	}
	out := &Recording{Summary: r.Summary(), Verdict: judge.Verdict(), Calls: calls.Calls()}
	out.Drawn = report.Call{Title: title, Source: out.Summary.String(), Judgement: judgement(out.Verdict), Ladder: rows.Ladder(out.Verdict.Findings), Experiments: trials.experiments()}
	return out, nil
}

// trials hears which settings each call had that experiments wanted; a call's own settings are those of all calls before, too.
type trials struct {
	calls *call.Collector // it hears everything first
	had   [][]string
}

// Record notes the settings that an experiment wanted.
func (t *trials) Record(r event.Record) {
	for len(t.had) < len(t.calls.Calls()) {
		t.had = append(t.had, nil)
	}
	q, ok := r.Event.(event.Quirk)
	if n := len(t.had); ok && n > 0 && strings.HasPrefix(q.Source, quirks.Learned.String()+" ") && !strings.HasPrefix(q.Reason, "An experiment is") {
		if text := q.Key + "=" + q.Value; !slices.Contains(t.had[n-1], text) {
			t.had[n-1] = append(t.had[n-1], text)
		}
	}
}

// experiments gives the attempts of a recording in which settings were tried that experiments want; none where there were no such.
func (t *trials) experiments() (list []report.Experiment) {
	tried := false
	for i, c := range t.calls.Calls() {
		e := report.Experiment{Call: c.Number, Came: c.Reached(), Up: c.Worked(), Settings: t.had[i]}
		tried = tried || len(e.Settings) > 0
		if n := len(c.Failures); n > 0 {
			last := c.Failures[n-1]
			e.Came = strings.TrimSpace(cmp.Or(last.Phase, e.Came) + " " + last.Cause)
			e.Up = e.Up && last.Phase != event.PhaseUp
		} else if e.Up {
			e.Came = "up"
		}
		list = append(list, e)
	}
	if !tried || len(list) < 2 {
		return nil
	}
	return list
}

// each gives every record to the sinks, in order.
func each(r *read.Reader, sinks ...event.Sink) error {
	for rec, err := range read.All(r) {
		if err != nil {
			return err
		}
		for _, s := range sinks {
			s.Record(rec)
		}
	}
	return nil
}

func judgement(v diagnose.Verdict) report.Judgement {
	return report.Judgement{Sentence: v.Sentence(), Good: len(v.Findings) == 0 && v.Told > 0, Up: v.Up, Which: v.Which()}
}

// Page draws one recording, or two side by side with their differences. The first of two is the working one.
func Page(list []*Recording, version string, made time.Time) report.Page {
	page := report.Page{Version: version, Made: made}
	for _, r := range list {
		page.Calls = append(page.Calls, r.Drawn)
	}
	if len(list) == 2 {
		differ(&page, list[0], list[1])
	}
	return page
}

func differ(page *report.Page, first, second *Recording) {
	r, ok := compare.Compare(compare.Recording{Name: first.Drawn.Title, Calls: first.Calls}, compare.Recording{Name: second.Drawn.Title, Calls: second.Calls})
	if !ok {
		page.Verdict = "The two cannot be compared: one of them shows no call."
		return
	}
	if r.Swapped {
		slices.Reverse(page.Calls)
	}
	page.Verdict = r.Sentence
	if len(r.Settings) > 0 {
		page.Verdict += " " + r.Advice()
		page.Command = r.Command()
	}
	for _, d := range slices.Concat(r.Host, r.Modem) {
		page.Differences = append(page.Differences, report.Difference{
			What: string(d.Role) + ", " + d.Protocol + ": " + d.What, First: d.Good.Text, Second: d.Bad.Text, Why: d.Why,
		})
	}
}

// Words gives the words of findings, settings and profiles that an archive may show: those that come with knak. Names that a person chose are not
// among them. profiles are the names of the built-in profiles.
func Words(profiles []string) []string {
	words := slices.Concat(diagnose.IDs(), diagnose.Categories(), profiles)
	for _, k := range quirks.Keys {
		words = append(words, k.Name)
	}
	return words
}

// Bundle reads r to its end and packs it into an archive that may be shown to others. facts says which program makes the archive; Bundle fills in the
// facts about the recording. words need no mask because they come with knak. Bundle returns the verdict. If the verdict says that r holds no call, the
// archive is useless.
func Bundle(w io.Writer, r *read.Reader, made time.Time, facts share.Facts, words ...string) (diagnose.Verdict, error) {
	out, judge := share.NewWriter(w, made, words...), diagnose.NewCase()
	if err := each(r, out, judge); err != nil {
		return diagnose.Verdict{}, err
	}
	s, v := r.Summary(), judge.Verdict()
	if v.Told == 0 {
		return v, nil
	}
	facts.Format, facts.Bytes, facts.Unread, facts.Records = s.Title, s.Bytes, s.UnreadBytes, s.Records
	return v, out.Close(v.Findings, judgement(v), facts)
}
