// Package harvest writes what a search has found as files: the profile, the entry that finds it, a scenario that shows need and cure,
// and the matrix of the experiments.
package harvest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/quirks"
)

// Found is what a search has come to.
type Found struct {
	Device    event.Device
	Link      string // names a modem that does not say who it is: "ttyS0"
	Simulated bool   // the modem was no real one
	Verdict   learn.Verdict
	Trials    []learn.Trial
	Given     []string   // what a person chose, as --set takes it: that holds no secret
	Database  *quirks.DB // to try the scenario with
}

// File is one file, by its name below a directory that is laid out as /etc/knak.
type File struct{ Name, Text string }

// ID is the name of the profile: "acme/m1", or "learned/ttys0" for a modem that does not say who it is.
func (f *Found) ID() string {
	if f.Nameless() {
		return "learned/" + word(f.Link)
	}
	return word(f.Device.Vendor) + "/" + word(f.Device.Model)
}

// Nameless says that the modem does not say who it is, so that no entry can name it: somebody must choose the profile.
func (f *Found) Nameless() bool { return f.Device.Model == "" }

// name is what people call the modem.
func (f *Found) name() string {
	if f.Nameless() {
		return "the modem of the link " + f.Link
	}
	return strings.TrimSpace(f.Device.Vendor + " " + f.Device.Model)
}

// source says where the profile comes from.
func (f *Found) source() string {
	where := "on the modem"
	if f.Simulated {
		where = "on a simulated modem"
	}
	return mimic.List([]string{fmt.Sprintf("knak learn, %d calls %s", len(f.Trials), where)})
}

// Files are the profile, the entry that finds it by the modem's name, unless it has none, and the scenario.
func (f *Found) Files() []File {
	files := []File{{"quirks.d/" + f.ID() + ".toml", f.profile()}}
	if !f.Nameless() {
		files = append(files, File{"devices.d/" + strings.ReplaceAll(f.ID(), "/", "-") + ".toml", f.entry()})
	}
	return append(files, File{"quirks.d/" + f.ID() + ".sim.toml", f.scenario()})
}

// word makes a part of a profile's id of what a modem says of itself.
func word(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return cmp.Or(strings.Trim(b.String(), "-"), "unknown")
}

// profile writes each setting with what was seen without it.
func (f *Found) profile() string {
	confidence := "hardware"
	if f.Simulated {
		confidence = "guessed"
	}
	v := &f.Verdict
	var b strings.Builder
	least := "the smallest set with which the modem came up, in %d of %d calls; without any of it a call failed."
	if f.alwaysUp() {
		least = "the smallest set with which the modem comes up sooner, in %d of %d calls; without it a call comes up too, when knak has tried the same."
	}
	fmt.Fprintf(&b, "# Written by knak learn: "+least+"\nschema = 1\nsummary = %s\n", v.Ups, v.Of, mimic.Quote(f.name()+": what experiments found"))
	added := map[string]bool{} // keys that are added to
	for _, s := range v.Set {
		key, add := strings.CutSuffix(s.Key, "+")
		how := "value"
		text := s.Value
		if add {
			if how = "add"; added[key] {
				continue
			}
			added[key] = true
			var values []string
			for _, o := range v.Set {
				if o.Key == s.Key {
					values = append(values, o.Value)
				}
			}
			text = mimic.List(values)
		} else if literal, ok := mimic.Literal(key, s.Value); ok {
			text = literal
		} else {
			continue // the program's own table is tested against the keys
		}
		fmt.Fprintf(&b, "\n[%s]\n%s = %s\nreason = %s\nsource = %s\nconfidence = %s\n", key, how, text,
			mimic.Quote(strings.TrimSpace(s.Reason+" "+f.need(s))), f.source(), mimic.Quote(confidence))
	}
	return b.String()
}

// need says what was seen without a setting: the last call that failed without it and with the most others of the set, or, where
// none failed, how much longer one took that found it out by itself.
func (f *Found) need(s learn.Setting) string {
	is := func(o learn.Setting) func(learn.Setting) bool {
		return func(m learn.Setting) bool { return m.Key == o.Key && m.Value == o.Value }
	}
	best, failed := -1, 0
	var with, without int // the numbers of calls that came up, from 1
	for i, t := range f.Trials {
		has := slices.ContainsFunc(t.Settings, is(s))
		switch {
		case t.Up && has:
			with = i + 1
		case t.Up:
			without = i + 1
		case !has:
			others := 0
			for _, o := range t.Settings {
				if slices.ContainsFunc(f.Verdict.Set, is(o)) {
					others++
				}
			}
			if others >= best {
				best, failed = others, i+1
			}
		}
	}
	switch {
	case failed > 0:
		t := f.Trials[failed-1].Failure
		return fmt.Sprintf("Without it call %d ended in phase %s: %s.", failed, cmp.Or(t.Phase, event.PhaseDial), t.Kind)
	case with > 0 && without > 0:
		took := func(n int) time.Duration { return f.Trials[n-1].Took.Round(100 * time.Millisecond) }
		return fmt.Sprintf("Without it call %d took %v, with it call %d took %v.", without, took(without), with, took(with))
	}
	return ""
}

// entry matches the modem by maker and model.
func (f *Found) entry() string {
	text := fmt.Sprintf("# Written by knak learn.\nschema = 1\n\n[[device]]\nname = %s\nprofile = %s\nmodel = %s\n", mimic.Quote(f.name()), mimic.Quote(f.ID()), mimic.List([]string{f.Device.Model}))
	if f.Device.Vendor != "" {
		text += fmt.Sprintf("manufacturer = %s\n", mimic.List([]string{f.Device.Vendor}))
	}
	return text + fmt.Sprintf("source = %s\n", f.source())
}

// Row is one experiment as the matrix has it.
type Row struct {
	Call     int      `json:"call"`
	What     string   `json:"what"`
	Settings []string `json:"settings"`
	Came     string   `json:"came"` // how far: "up", or the phase in which it failed
	Cause    string   `json:"cause,omitempty"`
	Seconds  float64  `json:"seconds"`
}

// Rows are the experiments in their order.
func Rows(trials []learn.Trial) (list []Row) {
	for i, t := range trials {
		r := Row{Call: i + 1, What: t.What, Came: "up", Seconds: t.Took.Round(100 * time.Millisecond).Seconds(), Settings: []string{}}
		for _, s := range t.Settings {
			r.Settings = append(r.Settings, s.String())
		}
		if !t.Up {
			r.Came, r.Cause = cmp.Or(t.Failure.Phase, event.PhaseDial), t.Failure.Kind
		}
		list = append(list, r)
	}
	return list
}

// Matrix draws which settings each call had, and how far it came. Calls are numbered as elsewhere; settings have letters.
func Matrix(trials []learn.Trial) string {
	rows := Rows(trials)
	var columns []string
	for _, r := range rows {
		for _, s := range r.Settings {
			if !slices.Contains(columns, s) {
				columns = append(columns, s)
			}
		}
	}
	const most = 60
	left := max(0, len(columns)-most)
	columns = columns[:len(columns)-left]
	var b strings.Builder
	for i, c := range columns {
		fmt.Fprintf(&b, "  %s  %s\n", letter(i), c)
	}
	if left > 0 {
		fmt.Fprintf(&b, "  and %d settings more\n", left)
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "%4d ", r.Call)
		for i, c := range columns {
			mark := "."
			if slices.Contains(r.Settings, c) {
				mark = letter(i)
			}
			b.WriteString(mark)
		}
		fmt.Fprintf(&b, " %s\n", strings.TrimSpace(r.Came+" "+r.Cause))
	}
	return b.String()
}

// letter names a column.
func letter(i int) string {
	const names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return names[i : i+1]
}

// MatrixJSON is the matrix for programs.
func MatrixJSON(trials []learn.Trial) string {
	b, err := json.MarshalIndent(Rows(trials), "", " ")
	if err != nil {
		return "[]\n" // texts and numbers can always be written
	}
	return string(b) + "\n"
}
