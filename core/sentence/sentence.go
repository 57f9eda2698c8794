// Package sentence knows the messages of the programs around PPP (pppd, chat, wvdial, NetworkManager, the kernel) and their
// meaning. A reader asks it once for each line and puts the words into event.Log; no other code looks at the text.
//
// The sentences are data. A file in said has the messages of one program. A file in causes is a finding of diagnosis: its lines
// name a cause by themselves, and their meaning is the finding's id.
package sentence

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"github.com/knakppp/knak/core/event"
)

//go:embed said/*.toml causes/*.toml hints.toml
var files embed.FS

// Meaning is the meaning of a line.
type Meaning struct {
	By    string   // the program whose sentence it is, for a line that names no program; "": it may be any program's
	Known bool     // it is a sentence of some program, even if Words is empty
	Words []string // words of event.Log.Means and ids of causes; the slice is shared and must not be changed
	Value string   // the value that belongs to the word
}

// Is says whether the line has that meaning.
func (m Meaning) Is(word string) bool { return slices.Contains(m.Words, word) }

// Address says whether the line names an address of the link.
func (m Meaning) Address() bool { return slices.ContainsFunc(m.Words, IsAddress) }

// IsAddress says whether a word is for an address of the link. A dialer writes these lines as a group.
func IsAddress(word string) bool {
	switch word {
	case event.MeansLocalAddress, event.MeansNewAddress, event.MeansRemoteAddress, event.MeansDNSAddress, event.MeansIPv6Up:
		return true
	}
	return false
}

// Cause is a finding of diagnosis that a line names by itself: one file in the directory causes.
type Cause struct {
	ID         string   `toml:"-"`
	Category   string   `toml:"category"` // one of the corpus' categories; "": none fits
	Stage      string   `toml:"stage"`    // its rank among causes of equal certainty: port, dial, lcp, auth, ipcp or data
	Confidence string   `toml:"confidence"`
	When       string   `toml:"when"` // "failed": only if no link came up; "first": the same, also in no earlier attempt; "silent": the same, and nothing answered PPP; "refused": as "failed", but only "possible" if the authentication succeeded; "up": only if a link came up; "" or "always"
	Title      string   `toml:"title"`
	Meaning    string   `toml:"meaning"`
	Cure       []string `toml:"cure"`
	Page       string   `toml:"page"` // more text for its page in docs/findings
	Lines      []Line   `toml:"line"`
	Example    []string `toml:"example"`   // lines of a log that must give this cause
	NearMiss   []string `toml:"near_miss"` // similar lines that must not give it
}

// Line is one sentence of a Cause.
type Line struct {
	Text    string `toml:"text"`    // compared without case, with one blank between words; * is any text
	Program string `toml:"program"` // the program that must have written it, if the text alone could be from another; "": any program
	Except  string `toml:"except"`  // a similar line that means something else
	Meaning string `toml:"meaning"` // what this line says in addition to the cause's meaning
}

// program is one file in the directory said.
type program struct {
	Program string   `toml:"program"`
	Known   []string `toml:"known"` // sentences of the program without a meaning
	Said    []struct {
		Text   string `toml:"text"`
		Except string `toml:"except"`
		Means  string `toml:"means"`
		Value  string `toml:"value"` // $1 stands for the text of the first *
	} `toml:"sentence"`
}

// Causes gives all causes in the order of their ids.
var Causes = sync.OnceValue(func() []Cause {
	all, err := readCauses(files)
	if err != nil {
		panic("sentence: " + err.Error()) // the files are compiled in; a test reads them all
	}
	return all
})

func decode(from fs.FS, name string, v any) error {
	text, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	if err := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func readCauses(from fs.FS) ([]Cause, error) {
	names, err := fs.Glob(from, "causes/*.toml")
	if err != nil {
		return nil, err
	}
	var all []Cause
	for _, name := range names {
		c := Cause{ID: strings.TrimSuffix(path.Base(name), ".toml")}
		if err := decode(from, name, &c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func readPrograms(from fs.FS) ([]program, error) {
	names, err := fs.Glob(from, "said/*.toml")
	if err != nil {
		return nil, err
	}
	var all []program
	for _, name := range names {
		var p program
		if err := decode(from, name, &p); err != nil {
			return nil, err
		}
		for _, s := range p.Said {
			if !event.IsMeaning(s.Means) {
				return nil, fmt.Errorf("%s: %q means %q, which is not a word of core/event", name, s.Text, s.Means)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// table holds all sentences, compiled.
var table = sync.OnceValue(func() *index {
	programs, err := readPrograms(files)
	if err != nil {
		panic("sentence: " + err.Error()) // the files are compiled in; a test reads them all
	}
	t := newIndex()
	for _, p := range programs {
		for _, s := range p.Said {
			t.add(entry{pattern: compile(s.Text), except: compile(s.Except), hasExcept: s.Except != "", by: p.Program, word: s.Means, value: s.Value})
		}
		for _, k := range p.Known {
			t.add(entry{pattern: compile(k), by: p.Program})
		}
	}
	for _, c := range Causes() {
		for _, l := range c.Lines {
			t.add(entry{pattern: compile(strings.ToLower(l.Text)), except: compile(strings.ToLower(l.Except)), hasExcept: l.Except != "", only: l.Program, word: c.ID})
		}
	}
	t.finish()
	return t
})

// Of gives the meaning of a line of a program; name is "" if the line names none.
func Of(name, text string) Meaning {
	plain := fold(text)
	if plain == "" {
		return Meaning{}
	}
	var room [256]byte
	low := appendLower(room[:0], plain)
	var found [32]int
	candidates := table().candidates(found[:0], low)
	if len(candidates) == 0 {
		return Meaning{}
	}
	var m Meaning
	table().match(candidates, low, func(e *entry, stars []span) {
		if e.only != "" && name != "" && !strings.EqualFold(e.only, name) {
			return
		}
		m.Known = true
		if m.By == "" {
			m.By = e.by
		}
		if e.word == "" || slices.Contains(m.Words, e.word) {
			return
		}
		m.Words = append(m.Words, e.word)
		if m.Value == "" && e.value != "" {
			m.Value = expand(plain, e.value, stars)
		}
	})
	return m
}

// marks stand before a message that one program passes on for another, or that a forum shows in bold.
var (
	boldMarks = []string{"[b]", "[i]", "[u]", "**"}
	sayMarks  = []string{"--> ", "pppd: ", "/usr/sbin/pppd: ", "chat: ", "<info> ", "<warn> ", "<debug> ", "<error> ", "warning: ", "error: "}
)

// fold gives a line in the form for comparison with patterns: one blank between words, without marks. Its case is kept.
func fold(text string) string {
	if !isFolded(text) {
		text = strings.Join(strings.Fields(text), " ")
	}
	if text == "" || !mayBeMarked(lower(text[0])) {
		return text
	}
	for _, marks := range [][]string{boldMarks, sayMarks} {
		for _, m := range marks {
			if len(text) >= len(m) && strings.EqualFold(text[:len(m)], m) {
				text = text[len(m):]
			}
		}
	}
	return text
}

// isFolded says whether a text has one blank between words already.
func isFolded(s string) bool {
	blank := true // a blank at the beginning does not count as folded
	for i := range len(s) {
		c := s[i]
		if c == ' ' && blank || c < ' ' || c >= 0x80 {
			return false
		}
		blank = c == ' '
	}
	return !blank || s == ""
}

// mayBeMarked says whether one of the marks begins with c.
func mayBeMarked(c byte) bool {
	switch c {
	case '[', '*', '-', 'p', '/', 'c', '<', 'w', 'e':
		return true
	}
	return false
}

// appendLower appends a text with the letters of ASCII in lower case.
func appendLower(b []byte, s string) []byte {
	n := len(b)
	b = append(b, s...)
	for i, c := range b[n:] {
		b[n+i] = lowered[c]
	}
	return b
}

// lowered is lower as a table.
var lowered = func() (t [256]byte) {
	for c := range t {
		t[c] = lower(byte(c))
	}
	return t
}()

// expand puts the texts of the stars into a value.
func expand(line, value string, stars []span) string {
	if !strings.Contains(value, "$") {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '$' && i+1 < len(value) {
			if n, err := strconv.Atoi(value[i+1 : i+2]); err == nil && n >= 1 && n <= len(stars) {
				b.WriteString(line[stars[n-1].from:stars[n-1].to])
				i++
				continue
			}
		}
		b.WriteByte(value[i])
	}
	return strings.TrimSpace(b.String())
}

// Line gives the sentence of a cause that matches a text, for its Meaning in addition to the cause.
func (c *Cause) Line(name, text string) (Line, bool) {
	line := appendLower(nil, fold(text))
	for _, l := range c.Lines {
		if l.Program != "" && name != "" && !strings.EqualFold(l.Program, name) {
			continue
		}
		p, except := compile(strings.ToLower(l.Text)), compile(strings.ToLower(l.Except))
		if p.matches(line) && (l.Except == "" || !except.matches(line)) {
			return l, true
		}
	}
	return Line{}, false
}
