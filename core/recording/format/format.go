// Package format reads what a program's log looks like from a file, so that a new program's log needs no Go: what stands
// before a message and where the time is, which lines are the AT dialogue and which way it went, which are octets, how the
// lines of one packet hang together, and what a sentence means. docs/formats.md describes the file.
//
// A Format matches lines and says what they are; making events of them is core/recording/read's.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/strict"
)

// MaxFile bounds a format's file, in octets.
const MaxFile = 1 << 18

// Format is one program's log, or that of programs which are alike.
type Format struct {
	Name     string // one word, for --format
	Title    string // for a person
	Weak     bool   // it is taken only where nothing better fits
	Swaps    bool   // its arrows may point either way: who says AT is the host
	Examples []Example

	marks    [][]byte
	prefixes []pattern
	rules    []*Rule
	options  []option
	words    map[int]map[string]string // by the index of a field
}

// Kind says what a line is.
type Kind uint8

// The kinds of a Rule.
const (
	Sentence Kind = iota // something that the program says; Rule.Means says what it means
	AT                   // a line of the AT dialogue
	Octets               // octets of the serial line
	Packet               // a control packet in words
	Nothing              // of no interest, and understood
)

var kinds = []string{"sentence", "at", "octets", "packet", "nothing"}

// Rule says what lines of one form are.
type Rule struct {
	Kind    Kind
	Means   []string // of a Sentence, words of event.Log
	Value   string   // of a Sentence, with fields in braces
	Program string   // whose words they are, where the line has no tag
	More    bool     // lines behind it that have no prefix and no rule belong to it: octets go on, a command is answered
	Below   bool     // a packet's options stand in the lines behind it
	Whole   bool     // a packet's line tells all of it
	Again   bool     // another line may say the same: of two one counts

	is       []pattern
	tags     []string
	bare     bool              // only lines without a prefix
	constant map[string]string // fields that the rule itself gives
}

// option says how one option of a packet is written.
type option struct {
	is       []pattern
	as       string
	protocol uint16 // that only this one's packets have it; 0: nothing is said
}

// Example is a piece of a log and what it gives, in the file of its format.
type Example struct {
	Log   string
	Gives []string
}

// file is the form of a format's file.
type file struct {
	Schema  string                       `toml:"schema"`
	Name    string                       `toml:"name"`
	Title   string                       `toml:"title"`
	Marks   []string                     `toml:"marks"`
	Weak    bool                         `toml:"weak"`
	Swaps   bool                         `toml:"swaps"`
	Prefix  []string                     `toml:"prefix"`
	Words   map[string]map[string]string `toml:"words"`
	Line    []line                       `toml:"line"`
	Option  []optionLine                 `toml:"option"`
	Example []example                    `toml:"example"`
}

type line struct {
	Is       []string `toml:"is"`
	Tag      []string `toml:"tag"`
	Bare     bool     `toml:"bare"`
	Kind     string   `toml:"kind"`
	Dir      string   `toml:"dir"`
	Protocol string   `toml:"protocol"`
	Code     string   `toml:"code"`
	Text     string   `toml:"text"`
	Options  string   `toml:"options"`
	Whole    bool     `toml:"whole"`
	More     bool     `toml:"more"`
	Again    bool     `toml:"again"`
	Means    []string `toml:"means"`
	Finding  string   `toml:"finding"`
	Value    string   `toml:"value"`
	Program  string   `toml:"program"`
}

type optionLine struct {
	Is       []string `toml:"is"`
	As       string   `toml:"as"`
	Protocol string   `toml:"protocol"`
}

type example struct {
	Log   string   `toml:"log"`
	Gives []string `toml:"gives"`
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Parse reads a format's file strictly. The error is one or more *strict.Error, joined; there is no Format then.
func Parse(name string, text []byte) (*Format, error) {
	var f file
	if err := strict.Decode(name, text, MaxFile, &f); err != nil {
		return nil, err
	}
	c := checker{name: name, places: strict.Find(text)}
	out := c.format(&f)
	return out, errors.Join(c.errs...)
}

// checker turns a file into a Format, and finds what is wrong with it.
type checker struct {
	name   string
	places strict.Places
	errs   []error
}

func (c *checker) fail(path, format string, args ...any) {
	p := c.places.Find(path)
	c.errs = append(c.errs, &strict.Error{File: c.name, Line: p.Line, Column: p.Column, Message: path + ": " + fmt.Sprintf(format, args...)})
}

func (c *checker) format(f *file) *Format {
	out := &Format{Name: f.Name, Title: f.Title, Weak: f.Weak, Swaps: f.Swaps, words: map[int]map[string]string{}}
	if !nameForm.MatchString(f.Name) {
		c.fail("name", "a format needs a name of lower-case letters, digits and hyphens, for --format")
	}
	if f.Title == "" {
		c.fail("title", "a format needs a title for a person, for example \"log of Zephyr\"")
	}
	if len(f.Marks) == 0 {
		c.fail("marks", "a format needs texts by which its logs are known: one of them must stand near the beginning of a log")
	}
	for i, m := range f.Marks {
		if len(m) < 3 {
			c.fail(index("marks", i), "a mark of less than three characters stands in every log")
		}
		out.marks = append(out.marks, []byte(m))
	}
	for i, p := range f.Prefix {
		at := index("prefix", i)
		compiled := c.pattern(at, p)
		if !compiled.has("message") {
			c.fail(at, "a prefix ends with {message}, which is what the lines are matched with")
		}
		out.prefixes = append(out.prefixes, compiled)
	}
	c.words(f.Words, out)
	if len(f.Line) == 0 {
		c.fail("line", "a format needs a [[line]]: without one nothing of a log is understood")
	}
	for i := range f.Line {
		out.rules = append(out.rules, c.rule(index("line", i), &f.Line[i]))
	}
	for i, o := range f.Option {
		out.options = append(out.options, c.option(index("option", i), o))
	}
	if len(f.Example) == 0 {
		c.fail("example", "a format needs an [[example]] with log and gives: it is the test of the file")
	}
	for i, e := range f.Example {
		if strings.TrimSpace(e.Log) == "" || len(e.Gives) == 0 {
			c.fail(index("example", i), "an example has a log, and gives says what comes of it")
		}
		out.Examples = append(out.Examples, Example(e))
	}
	return out
}

func index(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

func (c *checker) pattern(path, source string) pattern {
	p, err := compile(source)
	if err != nil {
		c.fail(path, "%v", err)
	}
	return p
}

func (c *checker) words(words map[string]map[string]string, out *Format) {
	for _, field := range slices.Sorted(mapKeys(words)) {
		path := "words." + field
		allowed := map[string]func(string) bool{
			"dir":      func(s string) bool { _, ok := direction(s); return ok },
			"protocol": func(s string) bool { _, ok := protocolOf(s); return ok },
			"code":     func(s string) bool { _, ok := codes[letters(s)]; return ok },
		}[field]
		if allowed == nil {
			c.fail(path, "unknown field; words can be given for dir, protocol and code")
			continue
		}
		set := map[string]string{}
		for _, word := range slices.Sorted(mapKeys(words[field])) {
			means := words[field][word]
			if !allowed(means) {
				c.fail(path+"."+word, "%q is not known; %s", means, allowedWords[field])
			}
			set[word] = means
		}
		out.words[fieldOf(field)] = set
	}
}

var allowedWords = map[string]string{
	"dir":      "allowed are sent and rcvd",
	"protocol": "allowed are lcp, pap, chap, eap, ipcp, ipv6cp, ccp, ecp, ipxcp, mplscp, cbcp, and numbers such as 0xc021",
	"code":     "allowed are the names of the RFCs, such as Configure-Request, and those of pppd, such as ConfReq",
}

func (c *checker) rule(path string, l *line) *Rule {
	r := &Rule{Program: l.Program, Value: l.Value, More: l.More, Whole: l.Whole, Again: l.Again, tags: l.Tag, bare: l.Bare, constant: map[string]string{}}
	kind := l.Kind
	if kind == "" {
		kind = kinds[Sentence]
	}
	k := slices.Index(kinds, kind)
	if k < 0 {
		c.fail(path+".kind", "%q is no kind of a line; allowed are %s", l.Kind, strings.Join(kinds, ", "))
		k = 0
	}
	r.Kind = Kind(k)
	if len(l.Is) == 0 {
		c.fail(path, "a line needs is: a list of patterns, one of which it matches")
	}
	for i, s := range l.Is {
		r.is = append(r.is, c.pattern(index(path+".is", i), s))
	}
	for i, t := range l.Tag {
		if t == "" || strings.Contains(strings.TrimSuffix(t, "*"), "*") {
			c.fail(index(path+".tag", i), "a tag is a text, or one that ends with *")
		}
	}
	if l.Bare && len(l.Tag) > 0 {
		c.fail(path+".bare", "a line without a prefix has no tag")
	}
	for _, f := range []struct{ name, value string }{{"dir", l.Dir}, {"protocol", l.Protocol}, {"code", l.Code}, {"text", l.Text}} {
		if f.value == "" {
			continue
		}
		r.constant[f.name] = f.value
		good := true
		switch f.name {
		case "dir":
			good = f.value == "sent" || f.value == "rcvd"
		case "protocol":
			_, good = protocolOf(f.value)
		case "code":
			_, good = codes[letters(f.value)]
		}
		if !good {
			c.fail(path+"."+f.name, "%q is not known; %s", f.value, allowedWords[f.name])
		}
	}
	c.meaning(path, l, r)
	c.complete(path, l, r)
	return r
}

// meaning checks the words of a sentence.
func (c *checker) meaning(path string, l *line, r *Rule) {
	for i, w := range l.Means {
		if !event.IsMeaning(w) {
			c.fail(index(path+".means", i), "%q is no meaning; allowed are %s", w, strings.Join(event.Meanings(), ", "))
		}
		r.Means = append(r.Means, w)
	}
	if l.Finding != "" {
		if !nameForm.MatchString(l.Finding) {
			c.fail(path+".finding", "%q is no id of a finding", l.Finding)
		}
		r.Means = append(r.Means, l.Finding)
	}
	if r.Kind != Sentence && len(r.Means) > 0 {
		c.fail(path+".means", "only a sentence means something; this line is of the kind %q", l.Kind)
	}
	if l.Value != "" && len(r.Means) == 0 {
		c.fail(path+".value", "a value belongs to means")
	}
	for _, name := range used(l.Value) {
		c.given(path+".value", name, r)
	}
}

// used gives the fields in braces that stand in a template.
func used(template string) (names []string) {
	for {
		_, rest, ok := strings.Cut(template, "{")
		if !ok {
			return names
		}
		name, rest, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names, template = append(names, name), rest
	}
}

// given says that a field is used that no pattern of the rule has.
func (c *checker) given(path, name string, r *Rule) {
	if fieldOf(name) < 0 {
		c.fail(path, "unknown field {%s}; there are %s", name, strings.Join(fieldNames(), ", "))
		return
	}
	if !r.has(name) {
		c.fail(path, "{%s} is not in every pattern of this line", name)
	}
}

// has says whether every match of the rule gives a field.
func (r *Rule) has(name string) bool {
	if r.constant[name] != "" {
		return true
	}
	return len(r.is) > 0 && !slices.ContainsFunc(r.is, func(p pattern) bool { return !p.has(name) })
}

// complete checks that a rule gives what its kind needs.
func (c *checker) complete(path string, l *line, r *Rule) {
	need := func(names ...string) {
		for _, n := range names {
			if len(r.is) > 0 && !r.has(n) {
				c.fail(path, "a line of the kind %q needs {%s} in each of its patterns, or %s = …", kinds[r.Kind], n, n)
			}
		}
	}
	switch r.Kind {
	case AT:
		need("dir")
		if !l.More {
			need("text")
		}
	case Octets:
		if l.More {
			need("dir")
		} else if len(r.is) > 0 && !r.has("octets") && !r.has("text") {
			c.fail(path, "a line of the kind \"octets\" needs {octets}, in hexadecimal, or {text}, as characters, in each of its patterns")
		}
	case Packet:
		need("dir", "protocol", "code")
	}
	switch {
	case l.Options == "below":
		r.Below = true
	case l.Options != "":
		c.fail(path+".options", "%q: allowed is below, which says that the options stand in the lines behind; in the line itself they are {options}", l.Options)
	}
	if r.Kind != Packet && (l.Options != "" || l.Whole) {
		c.fail(path, "only a line of the kind \"packet\" has options and whole")
	}
	if r.Kind != AT && l.Again {
		c.fail(path+".again", "only of the AT dialogue another line may say the same")
	}
	if r.Kind != AT && r.Kind != Octets && l.More {
		c.fail(path+".more", "only the AT dialogue and octets go on in the lines behind")
	}
}

func (c *checker) option(path string, l optionLine) option {
	o := option{as: l.As}
	if len(l.Is) == 0 {
		c.fail(path, "an option needs is: a list of patterns, one of which it matches")
	}
	for i, s := range l.Is {
		o.is = append(o.is, c.pattern(index(path+".is", i), s))
	}
	if l.As != "" && (!strings.HasPrefix(l.As, "<") || !strings.HasSuffix(l.As, ">")) {
		c.fail(path+".as", "an option is said in pppd's notation, for example <mru {value}>; one without its value by its type and a length of 2, for example < 03 02>")
	}
	if l.Protocol != "" {
		var ok bool
		if o.protocol, ok = protocolOf(l.Protocol); !ok {
			c.fail(path+".protocol", "%q is not known; %s", l.Protocol, allowedWords["protocol"])
		}
	}
	for _, name := range used(l.As) {
		for i := range o.is {
			if !o.is[i].has(name) {
				c.fail(path+".as", "{%s} is not in every pattern of this option", name)
				break
			}
		}
	}
	return o
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Line is one line of a log without what stands before its message.
type Line struct {
	At      time.Time
	Timed   bool
	Tag     string
	Message []byte
	Bare    bool // it has no prefix
}

// Reader matches the lines of one log. It keeps the fields of the last match.
type Reader struct {
	f    *Format
	m    matcher
	msg  []byte
	rule *Rule
	tags map[string]string // so that a tag is made a string once
}

// NewReader makes a Reader. stamp reads a time as logs of Unix have it at the start of a text, and says how long it is.
func (f *Format) NewReader(stamp func([]byte) (time.Time, int)) *Reader {
	return &Reader{f: f, m: matcher{stamp: stamp, words: f.words}, tags: map[string]string{}}
}

// Line takes off what stands before the message.
func (r *Reader) Line(b []byte) Line {
	for i := range r.f.prefixes {
		if !r.m.match(&r.f.prefixes[i], b) {
			continue
		}
		l := Line{At: r.m.at, Timed: r.m.timed, Message: r.m.value(b, "message")}
		if tag := r.m.value(b, "tag"); tag != nil {
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

// Match finds the rule that a line is of; nil if there is none. Its fields are the Reader's until the next call.
func (r *Reader) Match(l Line) *Rule {
	for _, rule := range r.f.rules {
		if rule.bare && !l.Bare || len(rule.tags) > 0 && !rule.tagged(l.Tag) {
			continue
		}
		for i := range rule.is {
			if r.m.match(&rule.is[i], l.Message) {
				r.msg, r.rule = l.Message, rule
				return rule
			}
		}
	}
	return nil
}

func (r *Rule) tagged(tag string) bool {
	for _, t := range r.tags {
		if begins, ok := strings.CutSuffix(t, "*"); ok && strings.HasPrefix(tag, begins) || t == tag {
			return true
		}
	}
	return false
}

// Field gives a field of the last match: what the line has, or what the rule says.
func (r *Reader) Field(name string) string {
	if v := r.m.value(r.msg, name); v != nil {
		s := string(bytes.TrimSpace(v))
		if w, ok := r.f.words[fieldOf(name)][s]; ok {
			return w
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

// Dir gives which way the last match went; false: its word is not known.
func (r *Reader) Dir() (event.Dir, bool) { return direction(r.Field("dir")) }

// Value gives the value of a sentence.
func (r *Reader) Value() string { return r.fill(r.rule.Value) }

// fill puts the fields of the last match into a template.
func (r *Reader) fill(template string) string {
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
	if v := r.Field("protocol"); v != "" {
		if n, ok := protocolOf(v); ok {
			p.Protocol = n
		}
	}
	if c, ok := codes[letters(r.Field("code"))]; ok {
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
	for i := range r.f.options {
		o := &r.f.options[i]
		for k := range o.is {
			if r.m.match(&o.is[k], line) {
				r.msg, r.rule = line, &noRule
				return o
			}
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
