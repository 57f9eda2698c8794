package format

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Line is one line of a log, split into prefix and message.
type Line struct {
	At      time.Time
	Timed   bool
	Tag     string
	Message []byte
	Bare    bool // it has no prefix
}

// Reader matches the lines of one log, and keeps the fields of the last match.
type Reader struct {
	f    *Format
	m    matcher
	msg  []byte
	rule *Rule
	tags map[string]string   // so that a tag is made a string once
	of   map[string]*choices // what a line with that tag may match
	sets []ruleSet           // of of, each once

	prefixes, options choices
	meant             map[string]map[string]meant // by the field and its text
}

// NewReader makes a Reader. stamp reads a time in a Unix log's form at the start of a text, and gives its length.
func (f *Format) NewReader(stamp func([]byte) (time.Time, int)) *Reader {
	r := &Reader{f: f, m: matcher{stamp: stamp, words: f.words}, tags: map[string]string{}, of: map[string]*choices{}, meant: map[string]map[string]meant{}}
	r.prefixes.f, r.options.f = f, f
	for i := range f.prefixes {
		r.prefixes.all = append(r.prefixes.all, choice{pattern: &f.prefixes[i]})
	}
	for i := range f.options {
		for k := range f.options[i].is {
			r.options.all = append(r.options.all, choice{option: &f.options[i], pattern: &f.options[i].is[k]})
		}
	}
	return r
}

// Line splits the prefix from the message.
func (r *Reader) Line(b []byte) Line {
	for _, c := range r.prefixes.of(b) {
		if !r.m.match(c.pattern, b) {
			continue
		}
		l := Line{At: r.m.at, Timed: r.m.timed, Message: r.m.field(b, fieldMessage)}
		if tag := r.m.field(b, fieldTag); tag != nil {
			l.Tag = r.tag(bytes.TrimSpace(tag))
		}
		return l
	}
	return Line{Message: b, Bare: true}
}

// maxTags bounds how many tags are remembered.
const maxTags = 1024

func (r *Reader) tag(b []byte) string {
	if s, ok := r.tags[string(b)]; ok {
		return s
	}
	if len(r.tags) == maxTags {
		clear(r.tags)
	}
	s := string(b)
	r.tags[s] = s
	return s
}

// Match finds the rule that a line matches; nil if there is none. Its fields are the Reader's until the next call.
func (r *Reader) Match(l Line) *Rule {
	for _, c := range r.choices(l.Tag).of(l.Message) {
		if c.rule.bare && !l.Bare {
			continue
		}
		if r.m.match(c.pattern, l.Message) {
			r.msg, r.rule = l.Message, c.rule
			return c.rule
		}
	}
	return nil
}

// choices gives what a line with that tag may match, in the order of the file.
func (r *Reader) choices(tag string) *choices {
	if c, ok := r.of[tag]; ok {
		return c
	}
	if len(r.of) == maxTags {
		clear(r.of)
	}
	var list []*Rule
	for _, rule := range r.f.rules {
		if len(rule.tags) == 0 || rule.tagged(tag) {
			list = append(list, rule)
		}
	}
	c := r.choicesOf(list)
	r.of[tag] = c
	return c
}

func (r *Rule) tagged(tag string) bool {
	for _, t := range r.tags {
		if begins, ok := strings.CutSuffix(t, "*"); ok && tag != "" && strings.HasPrefix(tag, begins) || t == tag {
			return true
		}
	}
	return false
}

// Field gives a field of the last match: from the line, or from the rule.
func (r *Reader) Field(name string) string {
	if v := r.m.value(r.msg, name); v != nil {
		s := string(bytes.TrimSpace(v))
		if len(r.f.words) > 0 {
			if w, ok := r.f.words[fieldOf(name)][s]; ok {
				return w
			}
		}
		return s
	}
	return r.rule.constant[name]
}

// Raw gives a field of the last match as it stands, with its blanks.
func (r *Reader) Raw(name string) []byte { return r.m.value(r.msg, name) }

// Has says whether the last match has a field, perhaps an empty one.
func (r *Reader) Has(name string) bool {
	return r.m.value(r.msg, name) != nil || r.rule.constant[name] != ""
}

// Dir gives the direction of the last match. It is false if the word for it is not known.
func (r *Reader) Dir() (event.Dir, bool) {
	m := r.meaning("dir", func(s string) meant {
		d, ok := direction(s)
		return meant{number: int(d), ok: ok}
	})
	return event.Dir(m.number), m.ok
}

func (r *Reader) protocol() (uint16, bool) {
	m := r.meaning("protocol", func(s string) meant {
		p, ok := protocolOf(s)
		return meant{number: int(p), ok: ok}
	})
	return uint16(m.number), m.ok
}

func (r *Reader) code() (string, bool) {
	m := r.meaning("code", func(s string) meant {
		c, ok := codes()[letters(s)]
		return meant{code: c, ok: ok}
	})
	return m.code, m.ok
}

// Value gives the value of a sentence.
func (r *Reader) Value() string { return r.fill(r.rule.Value) }

// fill puts the fields of the last match into a template.
func (r *Reader) fill(template string) string {
	if strings.IndexByte(template, '{') < 0 {
		return template
	}
	for _, name := range used(template) {
		v := r.Field(name)
		if name == "octets" {
			v = spaced(v)
		}
		template = strings.Replace(template, "{"+name+"}", v, 1)
	}
	return template
}

// Option takes a line behind a packet's first one: an option, or a remark, which may tell more of the header. false: the line
// is neither.
func (r *Reader) Option(line []byte, p *ControlPacket) bool {
	o := r.option(line)
	if o == nil {
		return false
	}
	if o.protocol != 0 {
		p.Protocol = o.protocol
	}
	if n, ok := r.protocol(); ok {
		p.Protocol = n
	}
	if c, ok := r.code(); ok {
		p.Code = c
	}
	p.header(r)
	if o.as != "" {
		p.Options = append(p.Options, r.fill(o.as))
	}
	return true
}

// option finds the option that a line is. Its fields are the Reader's until the next match.
func (r *Reader) option(line []byte) *option {
	line = bytes.TrimSpace(line)
	for _, c := range r.options.of(line) {
		if r.m.match(c.pattern, line) {
			r.msg, r.rule = line, &noRule
			return c.option
		}
	}
	return nil
}

// noRule is where an option's constant fields would stand.
var noRule Rule

// spaced writes octets in hexadecimal with blanks between them.
func spaced(hex string) string {
	hex = strings.TrimPrefix(strings.ToLower(hex), "0x")
	hex = strings.Map(func(c rune) rune {
		if c == ' ' || c == ':' || c == '-' {
			return -1
		}
		return c
	}, hex)
	var b strings.Builder
	for i := 0; i+1 < len(hex); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}
