package vectors

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Todo marks a place in a stub that a person must still fill in.
const Todo = "TODO"

// Stub is the draft of a profile: the known facts, and marks for those that are missing.
type Stub struct {
	ID    string
	Facts quirks.Facts
	Seen  []*call.Call // a recording with the modem; none if there is none

	// The following fields are a person's answers; an empty one was not answered.
	Summary string   // what is odd about the modem, in one line
	Set     []string // settings that help, KEY=VALUE
	Reason  string   // what the modem does that makes the settings necessary
	Sources []string // where this is known from
	Finding string   // the id of the finding that appears without the settings
	Works   bool     // the modem needs no settings: only the device entry is written
}

// said gives what was said, or a mark with what is to be written.
func said(text, what string) string { return cmp.Or(text, Todo+": "+what) }

// source gives the list of sources.
func (s *Stub) source() string { return mimic.List(s.Sources) }

// StubFile is one file of a stub. Name is relative to a directory with the layout of /etc/knak.
type StubFile struct {
	Name string
	Text string
}

// Files gives the profile, its scenario and its device entry.
func (s *Stub) Files() []StubFile {
	if s.Works {
		return []StubFile{{path.Join("devices.d", strings.ReplaceAll(s.ID, "/", "-")+".toml"), s.device()}}
	}
	return []StubFile{
		{path.Join("quirks.d", s.ID+".toml"), s.profile()},
		{path.Join("quirks.d", s.ID+suffix), s.scenario()},
		{path.Join("devices.d", strings.ReplaceAll(s.ID, "/", "-")+".toml"), s.device()},
	}
}

// text is a file that is being written.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (s *Stub) profile() string {
	var t text
	t.line("# Begun by knak quirks new; knak quirks validate shows what is still to be written. docs/quirks.md explains the format")
	t.line("# and lists all keys. Try single settings first: knak dial --quirks %s --set KEY=VALUE.", s.ID)
	if s.Facts.Revision != "" {
		t.line("# Firmware of the modem it was begun with: %s", quote(s.Facts.Revision))
	}
	if len(s.Seen) > 0 {
		t.line("#")
		for _, line := range s.story() {
			t.line("# %s", event.Printable(line))
		}
	}
	t.line("schema = 1")
	t.line("summary = %s", quote(said(s.Summary, "what is odd about this modem, in one line")))
	for _, text := range s.Set {
		key, v, _ := strings.Cut(text, "=")
		value, ok := mimic.Literal(key, v)
		if !ok {
			continue // Files was told of a setting that is none
		}
		t.line("")
		t.line("[%s]", key)
		t.line("value = %s", value)
		t.line("reason = %s", quote(said(s.Reason, "what the modem does that makes this necessary")))
		t.line("source = %s", s.source())
		t.line("confidence = %s", quote("reported"))
	}
	for _, q := range s.byHand() {
		value, ok := mimic.Literal(q.Key, q.Value)
		if !ok || private(q) {
			continue
		}
		t.line("")
		t.line("# This was given on the command line. If it is no cure, take it out.")
		t.line("[%s]", q.Key)
		t.line("value = %s", value)
		t.line("reason = %s", quote(said(s.Reason, "what the modem does that makes this necessary")))
		t.line("source = %s", s.source())
		t.line("confidence = %s", quote("traced"))
	}
	t.line("")
	t.line("# A quirk looks like this:")
	t.line("# [ipcp.request]")
	t.line("# add = [\"nbns1\", \"nbns2\"]")
	t.line("# reason = \"What the modem does that makes this necessary.\"")
	t.line("# source = [\"https://...\"]")
	t.line("# confidence = \"reported\"    # or guessed, traced, hardware")
	return t.String()
}

// last is the call that the recording ends with.
func (s *Stub) last() *call.Call { return s.Seen[len(s.Seen)-1] }

// byHand gives the settings that somebody gave on the command line: one of them may be the cure.
func (s *Stub) byHand() (list []event.Quirk) {
	if len(s.Seen) == 0 {
		return nil
	}
	for _, q := range s.last().Settings {
		if strings.HasPrefix(q.Source, quirks.CommandLine.String()) {
			list = append(list, q)
		}
	}
	return list
}

// private says that a value is a subscriber's and no model's.
func private(q event.Quirk) bool {
	return q.Value != "" && slices.Contains([]string{"context.apn", "context.cid", "auth.user"}, q.Key)
}

// story tells what the recording shows, one line each.
func (s *Stub) story() []string {
	c := s.last()
	lines := []string{"What the recording shows:"}
	for _, line := range compare.Story(c) {
		lines = append(lines, "- "+line)
	}
	for _, q := range s.byHand() {
		if private(q) {
			lines = append(lines, fmt.Sprintf("- %s was set; it is left out here, for it may be a subscriber's own", q.Key))
		}
	}
	for _, f := range c.Findings {
		lines = append(lines, "- finding: "+f.ID)
	}
	return lines
}

func (s *Stub) device() string {
	var t text
	t.line("# Begun by knak quirks new.")
	t.line("schema = 1")
	t.line("")
	t.line("[[device]]")
	vendor, model, _ := strings.Cut(s.ID, "/")
	t.line("name = %s", quote(cmp.Or(strings.TrimSpace(s.Facts.Manufacturer+" "+s.Facts.Model), vendor+" "+model)))
	if s.Works {
		t.line("status = %s", quote("works"))
		t.line("confidence = %s", quote("hardware"))
	} else {
		t.line("profile = %s", quote(s.ID))
	}
	if s.Facts.USB != "" && s.Facts.USB != quirks.None {
		t.line("usb = %s", mimic.List([]string{s.Facts.USB}))
	}
	if quirks.CheckPattern("model", s.Facts.Model) == nil {
		t.line("model = %s", mimic.List([]string{s.Facts.Model}))
	} else {
		t.line("# An entry with a USB id that belongs to this model alone needs no model.")
		t.line("model = %s", mimic.List([]string{Todo + " the answer to AT+CGMM"}))
	}
	t.line("source = %s", s.source())
	return t.String()
}

func (s *Stub) scenario() string {
	head := mimic.Head{
		Comments:  []string{"Begun by knak quirks new; knak quirks validate shows what is still to be written. docs/sim.md explains the format."},
		Summary:   said(s.Summary, "what the modem does wrong, in one line"),
		Source:    s.Sources,
		StandsFor: said(s.Reason, "what the source says that the modem does, in your own words"),
		Facts:     &s.Facts,
	}
	if len(s.Seen) > 0 {
		head.End = []string{Todo + ": a rule that says when the modem behaves, so that the profile can help. Then: knak quirks test " + s.ID}
	}
	body, _ := mimic.Begin(s.Seen, head, sim.Asking)
	if len(s.Seen) > 0 {
		return body
	}
	var t text
	t.WriteString(body)
	t.line("")
	t.line("# What the modem does, for example:")
	t.line("# [[at.reply]]")
	t.line("# command = \"ATD*99*\"")
	t.line("# result = \"ERROR\"")
	t.line("#")
	t.line("# [auth]")
	t.line("# demand = \"chap-md5\"")
	t.line("#")
	t.line("# [[ipcp.rule]]")
	t.line("# lacks = [\"nbns1\"]")
	t.line("# do = \"nak\"")
	t.line("# delay = \"1s\"")
	t.line("")
	if s.Finding != "" {
		t.line("[expect.without]")
		t.line("finding = %s", quote(s.Finding))
		t.line("")
	} else {
		t.line("# What goes wrong without the profile:")
		t.line("# [expect.without]")
		t.line("# finding = \"ipcp-empty-nak\"")
		t.line("# exit = 19")
	}
	t.line("# %s: knak quirks test %s", Todo, s.ID)
	return t.String()
}

func quote(s string) string { return mimic.Quote(s) }
