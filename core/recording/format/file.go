package format

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/strict"
)

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

var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]*$`) })

// Parse reads a format's file strictly. The error is one or more *strict.Error, joined; there is no Format then.
func Parse(name string, text []byte) (*Format, error) {
	var f file
	if err := strict.Decode(name, text, MaxFile, &f); err != nil {
		return nil, err
	}
	c := checker{name: name, places: sync.OnceValue(func() strict.Places { return strict.Find(text) })}
	out := c.format(&f)
	return out, errors.Join(c.errs...)
}

// checker turns a file into a Format, and finds what is wrong with it.
type checker struct {
	name   string
	places func() strict.Places // of a file with a mistake; the others are not gone through for them
	errs   []error
}

func (c *checker) fail(path, format string, args ...any) {
	p := c.places().Find(path)
	c.errs = append(c.errs, &strict.Error{File: c.name, Line: p.Line, Column: p.Column, Message: path + ": " + fmt.Sprintf(format, args...)})
}

func (c *checker) format(f *file) *Format {
	out := &Format{Name: f.Name, Title: f.Title, Weak: f.Weak, Swaps: f.Swaps, words: map[int]map[string]string{}}
	if !nameForm().MatchString(f.Name) {
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
			"code":     func(s string) bool { _, ok := codes()[letters(s)]; return ok },
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
			_, good = codes()[letters(f.value)]
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
		if !nameForm().MatchString(l.Finding) {
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
