package vectors

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/quirks"
)

// Todo marks in a stub what somebody must still write.
const Todo = "TODO"

// Stub is a profile that is begun: what is known, with marks for what is not.
type Stub struct {
	ID    string
	Facts quirks.Facts
	Seen  *Observed // nil: there is no trace
}

// StubFile is one file of a stub. Name is within a directory laid out as /etc/knak.
type StubFile struct {
	Name string
	Text string
}

// Files gives the profile, its scenario and its device entry.
func (s *Stub) Files() []StubFile {
	return []StubFile{
		{path.Join("quirks.d", s.ID+".toml"), s.profile()},
		{path.Join("quirks.d", s.ID+suffix), s.scenario()},
		{path.Join("devices.d", strings.ReplaceAll(s.ID, "/", "-")+".toml"), s.device()},
	}
}

// maxQuoted bounds a text that comes from a modem.
const maxQuoted = 200

// quote writes a TOML text. What a modem says of itself can hold anything.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	s = s[:min(len(s), maxQuoted)]
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func list(texts []string) string {
	q := make([]string, len(texts))
	for i, t := range texts {
		q[i] = quote(t)
	}
	return "[" + strings.Join(q, ", ") + "]"
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
	o := s.Seen
	if o != nil {
		t.line("#")
		for _, line := range o.story() {
			t.line("# %s", line)
		}
	}
	t.line("schema = 1")
	t.line("summary = %s", quote(Todo+": what is odd about this modem, in one line"))
	if o != nil {
		for _, q := range o.Settings {
			value, ok := literal(q)
			if !q.ByHand || !ok || q.private() {
				continue
			}
			t.line("")
			t.line("# This was given on the command line. If it is no cure, take it out.")
			t.line("[%s]", q.Key)
			t.line("value = %s", value)
			t.line("reason = %s", quote(Todo+": what the modem does that makes this necessary"))
			t.line("source = []")
			t.line("confidence = %s", quote("traced"))
		}
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

// private says that a value is a subscriber's and no model's.
func (s Setting) private() bool {
	return s.Value != "" && slices.Contains([]string{"context.apn", "context.cid", "auth.user"}, s.Key)
}

// literal writes a setting's value as TOML; false: it is not one, or its key is not known.
func literal(q Setting) (string, bool) {
	key, ok := quirks.Lookup(q.Key)
	if !ok {
		return "", false
	}
	db, _ := quirks.Open(quirks.Sources{}) // of nothing, so there are no problems
	r, err := db.Resolve(quirks.Facts{}, "", []string{q.Key + "=" + q.Value})
	if err != nil {
		return "", false
	}
	value := r.Setting(q.Key).Value.String()
	switch key.Type {
	case quirks.Bool, quirks.Int:
		return value, true
	case quirks.Words, quirks.Addresses, quirks.Prefixes:
		if value == "[]" {
			return value, true
		}
		return list(strings.Split(value, ",")), true
	case quirks.Names, quirks.ATs:
		return value, true // Go's quotes are TOML's for printable ASCII
	}
	return quote(value), true
}

// story tells what the trace shows, one line each.
func (o *Observed) story() (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("What the trace shows:")
	if o.result != "" {
		add("- the dial ended with %s", o.result)
	}
	for _, c := range o.errors {
		add("- %s was answered ERROR", quote(c))
	}
	if o.demand != "" {
		add("- it demands %s", o.demand)
	}
	if o.refused {
		add("- it refused the credentials")
	}
	for _, a := range o.answers {
		switch a.verb {
		case "nak":
			add("- %d times a Configure-Nak of IPCP with %s", a.times, orNone(a.options))
		case "reject":
			add("- %d times a Configure-Reject of IPCP with %s", a.times, orNone(a.options))
		}
	}
	if o.ending != "" && !o.Up {
		add("- it ended IPCP: %s", o.ending)
	}
	for _, r := range o.remarks {
		add("- %s", r)
	}
	for _, q := range o.Settings {
		if q.ByHand && q.private() {
			add("- %s was set; it is left out here, for it may be a subscriber's own", q.Key)
		}
	}
	switch {
	case o.Up:
		add("- the link came up")
	case len(o.Findings) > 0:
		add("- the dial ended with status %d: %s", o.Exit, strings.Join(o.Findings, ", "))
	default:
		add("- the dial ended with status %d", o.Exit)
	}
	for i := range lines {
		lines[i] = strings.Trim(quote(lines[i]), `"`)
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
	t.line("profile = %s", quote(s.ID))
	if s.Facts.USB != "" && s.Facts.USB != quirks.None {
		t.line("usb = %s", list([]string{s.Facts.USB}))
	}
	if quirks.CheckPattern("model", s.Facts.Model) == nil {
		t.line("model = %s", list([]string{s.Facts.Model}))
	} else {
		t.line("# An entry with a USB id that belongs to this model alone needs no model.")
		t.line("model = %s", list([]string{Todo + " the answer to AT+CGMM"}))
	}
	t.line("source = []")
	return t.String()
}

func (s *Stub) scenario() string {
	var t text
	t.line("# Begun by knak quirks new; knak quirks validate shows what is still to be written. docs/sim.md explains the format.")
	t.line("schema = 1")
	t.line("summary = %s", quote(Todo+": what the modem does wrong, in one line"))
	t.line("")
	t.line("[identity]")
	for _, f := range []struct{ name, value string }{{"manufacturer", s.Facts.Manufacturer}, {"model", s.Facts.Model},
		{"revision", s.Facts.Revision}, {"usb", s.Facts.USB}} {
		if f.value != "" && f.value != quirks.None {
			t.line("%s = %s", f.name, quote(f.value))
		}
	}
	o := s.Seen
	if o == nil {
		t.line("")
		t.line("# What the modem does, for example:")
		t.line("# [auth]")
		t.line("# demand = \"chap-md5\"")
		t.line("#")
		t.line("# [[ipcp.rule]]")
		t.line("# lacks = [\"nbns1\"]")
		t.line("# do = \"nak\"")
		t.line("# delay = \"1s\"")
		t.line("")
		t.line("# What goes wrong without the profile:")
		t.line("# [expect.without]")
		t.line("# finding = \"ipcp-empty-nak\"")
		t.line("# exit = 19")
		t.line("# %s: knak quirks test %s", Todo, s.ID)
		return t.String()
	}
	o.scenario(&t)
	t.line("")
	t.line("# %s: a rule that says when the modem behaves, so that the profile can help. Then: knak quirks test %s", Todo, s.ID)
	if !o.Up && len(o.Findings) > 0 {
		t.line("[expect.without]")
		t.line("finding = %s", quote(o.Findings[len(o.Findings)-1]))
		if o.Exit > 0 && o.Exit < 256 {
			t.line("exit = %d", o.Exit)
		}
	}
	return t.String()
}

// scenario writes what the trace shows as far as a scenario can say it.
func (o *Observed) scenario(t *text) {
	for _, c := range o.errors {
		t.line("")
		t.line("[[at.reply]]")
		t.line("command = %s", quote(c))
		t.line("result = \"ERROR\"")
	}
	if o.connect != "" || o.result != "" {
		t.line("")
		t.line("[dial]")
		if o.result != "" {
			t.line("result = %s", quote(o.result))
		} else {
			t.line("connect = %s", quote(o.connect))
		}
	}
	if o.discard || number(o.mru) {
		t.line("")
		t.line("[lcp]")
		if o.discard {
			t.line("discard = true")
		}
		if number(o.mru) {
			t.line("mru = %s", o.mru)
		}
	}
	if o.demand != "" {
		t.line("")
		t.line("[auth]")
		t.line("demand = %s", quote(o.demand))
		if o.name != "" {
			t.line("name = %s", quote(o.name))
		}
		if o.refused {
			t.line("accept = \"none\"")
		}
	}
	for i, a := range o.answers {
		last := i == len(o.answers)-1
		if a.verb == "behave" || a.verb == "reject" && len(a.options) == 0 {
			continue
		}
		t.line("")
		t.line("[[ipcp.rule]]")
		if !last || o.ending != "" && !o.Up {
			t.line("times = %d", a.times)
		}
		if a.verb == "reject" {
			t.line("asks = %s", list(a.options))
		}
		t.line("do = %s", quote(a.verb))
		if len(a.options) > 0 {
			t.line("options = %s", list(a.options))
		}
		if a.delay > 0 {
			t.line("delay = %s", quote(a.delay.String()))
		}
	}
	if o.ending != "" && !o.Up {
		t.line("")
		t.line("[[ipcp.rule]]")
		if slices.ContainsFunc(o.answers, func(a answer) bool { return a.verb == "behave" }) {
			t.line("after = \"1s\"")
		}
		t.line("do = %s", quote(o.ending))
		if o.endDelay > 0 {
			t.line("delay = %s", quote(min(o.endDelay, time.Minute).String()))
		}
	}
}

// number says whether a text is the MRU of a scenario.
func number(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 64 && n <= 65535 && s == strconv.Itoa(n)
}
