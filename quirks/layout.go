package quirks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Layout describes a USB modem: the information of sysfs, which is there before anything is opened, and the answers of its ttys,
// if they were asked.
type Layout struct {
	USB        string // vid:pid in lower-case hex
	Interfaces int    // how many interfaces the device has, with a tty or without; 0: not known
	TTYs       []TTY  // in the order of their interface numbers
}

// TTY is one serial port of a modem.
type TTY struct {
	Interface int    // bInterfaceNumber
	Class     string // class, subclass and protocol of the interface in hex, "ff/01/01"
	Driver    string // the kernel's, "option"
	Label     string // the name that the modem or the driver gives it, "Modem"; "": it has none
	Answer    Answer
}

// Answer is the answer of a tty that was asked for the modem's identity.
type Answer uint8

// The possible answers of a tty.
const (
	Unasked     Answer = iota
	Commands           // it answers AT commands
	Sentences          // NMEA 0183
	Diagnostics        // frames of a chip maker's diagnostic protocol, such as Qualcomm's DM
	Silent             // nothing
	Refused            // it could not be opened
)

// String gives a word for people.
func (a Answer) String() string {
	return [...]string{"not asked", "answers AT", "speaks NMEA", "speaks a diagnosis protocol", "silent", "cannot be opened"}[a]
}

// Role is the purpose of a modem's tty.
type Role uint8

// The roles.
const (
	UnknownRole Role = iota
	DataRole         // it carries PPP
	ATRole           // it takes commands
	NMEARole         // positions
	DiagRole         // diagnosis, and anything else that is useless for a dialer
)

// String gives the word in rules; "" for UnknownRole.
func (r Role) String() string { return [...]string{"", "data", "at", "nmea", "diag"}[r] }

// Place describes one tty of a Layout.
type Place struct {
	Role Role
	Why  string // the reason, for people: the entry or rule with file and line, or the answer
}

// Ports is an opinion about the ttys of one modem.
type Ports struct {
	Dial   []int   // indices in Layout.TTYs worth dialling on, best first; ttys with another known role are not among them
	AT     []int   // indices of ttys worth asking during a call, best first; the one that is dialled may be among them
	Places []Place // one for each tty
}

// PortRule says which tty of a kind of modem has which role, by driver, id and layout. All its conditions must be true.
type PortRule struct {
	Name       string   `json:"name"`
	USB        []string `json:"usb,omitempty"`        // vid:pid or vid:*
	Driver     []string `json:"driver,omitempty"`     // the driver of one of its ttys
	Class      []string `json:"class,omitempty"`      // the class of one of its ttys
	Interfaces []int    `json:"interfaces,omitempty"` // how many interfaces the device has
	TTYs       []string `json:"ttys,omitempty"`       // the numbers of the interfaces that have a tty, "0 1 2 3"
	Answering  []string `json:"answering,omitempty"`  // the numbers of the interfaces whose tty answers AT, once they were asked
	Data       []string `json:"data,omitempty"`       // the ttys that carry PPP, the best first
	AT         []string `json:"at,omitempty"`
	NMEA       []string `json:"nmea,omitempty"`
	Diag       []string `json:"diag,omitempty"`
	Sources    []string `json:"sources"`
	Confidence string   `json:"confidence"`
	Layer      Layer    `json:"layer"`
	Origin     string   `json:"origin"` // file:line
}

// placeForm is one way of naming ttys in a rule.
var placeForm = pattern(`^(interface [0-9]{1,3}|tty -?[0-9]{1,2}|answering -?[0-9]{1,2}|class [0-9a-f]{2}/([0-9a-f]{2}|\*)/([0-9a-f]{2}|\*)|label [0-9A-Za-z *?_-]{3,64})$`)

const placeWords = `"interface N", "tty N", "answering N" (N counts from 0, or from the end as -1, -2), "class cc/ss/pp", or "label TEXT" with * for any text`

var numbersForm = pattern(`^[0-9]{1,3}( [0-9]{1,3})*$`)

const numbersWords = `interface numbers with blanks between, "0 1 3"`

// readRule reads a [[port]] table.
func (r *reader) readRule(t *node) PortRule {
	p := PortRule{Name: r.text(t, "name"), Layer: r.layer, Origin: r.origin(t.pos)}
	r.only(t, "name", "name", "usb", "driver", "class", "interfaces", "ttys", "answering", "data", "at", "nmea", "diag", "source", "confidence")
	some := false
	for _, c := range []struct {
		name string
		into *[]string
		form func() *regexp.Regexp
		what string
	}{
		{"usb", &p.USB, conditions[0].form, conditions[0].what},
		{"class", &p.Class, conditions[2].form, conditions[2].what},
		{"driver", &p.Driver, conditions[3].form, conditions[3].what},
		{"ttys", &p.TTYs, numbersForm, numbersWords}, {"answering", &p.Answering, numbersForm, numbersWords},
		{"data", &p.Data, placeForm, placeWords}, {"at", &p.AT, placeForm, placeWords},
		{"nmea", &p.NMEA, placeForm, placeWords}, {"diag", &p.Diag, placeForm, placeWords},
	} {
		list, at := r.texts(t, c.name)
		for i, s := range list {
			if !c.form().MatchString(s) {
				r.problem(at[i], "%s: %q is not %s", c.name, s, c.what)
			}
		}
		*c.into = list
		some = some || len(list) > 0 && (c.name == "usb" || c.name == "class" || c.name == "driver")
	}
	if n := t.child("interfaces"); n != nil && r.want(n, "interfaces", isArray) {
		for _, c := range n.items {
			if r.want(c, "an element of interfaces", isInt) {
				p.Interfaces = append(p.Interfaces, int(c.num))
			}
		}
	}
	p.Sources, _ = r.texts(t, "source")
	p.Confidence = r.confidence(t)
	if !some {
		r.problem(t.pos, "a rule for ports needs at least one of usb, driver and class")
	}
	if len(p.Data)+len(p.AT)+len(p.NMEA)+len(p.Diag) == 0 {
		r.problem(t.pos, "a rule for ports needs at least one of data, at, nmea and diag")
	}
	if r.layer == Builtin && (p.Name == "" || len(p.Sources) == 0 || p.Confidence == "") {
		r.problem(t.pos, "a rule for ports needs a name, a source and a confidence")
	}
	return p
}

// fits says how exactly the rule is for a layout; ok is false where it is not.
func (p *PortRule) fits(l *Layout) (exact [4]int, ok bool) {
	some := func(patterns []string, of func(*TTY) string) bool {
		return len(patterns) == 0 || slices.ContainsFunc(l.TTYs, func(t TTY) bool { return bestMatch(patterns, of(&t)) != "" })
	}
	best := bestMatch(p.USB, l.USB)
	switch {
	case len(p.USB) > 0 && best == "",
		!some(p.Driver, func(t *TTY) string { return t.Driver }),
		!some(p.Class, func(t *TTY) string { return t.Class }),
		len(p.Interfaces) > 0 && !slices.Contains(p.Interfaces, l.Interfaces),
		len(p.TTYs) > 0 && !slices.Contains(p.TTYs, l.numbers(func(TTY) bool { return true })),
		len(p.Answering) > 0 && !slices.Contains(p.Answering, l.numbers(func(t TTY) bool { return t.Answer == Commands })):
		return exact, false
	}
	exact[0] = one(best != "") + one(best != "" && !strings.HasSuffix(best, "*"))
	exact[1] = one(len(p.Interfaces) > 0) + one(len(p.TTYs) > 0) + one(len(p.Answering) > 0)
	exact[2] = one(len(p.Driver) > 0)
	exact[3] = one(len(p.Class) > 0)
	return exact, true
}

// numbers gives the interface numbers of some ttys as rules write them.
func (l *Layout) numbers(of func(TTY) bool) string {
	var words []string
	for _, t := range l.TTYs {
		if of(t) {
			words = append(words, strconv.Itoa(t.Interface))
		}
	}
	return strings.Join(words, " ")
}

// find gives the ttys that a rule's words name.
func (l *Layout) find(place string) (list []int) {
	kind, rest, _ := strings.Cut(place, " ")
	n, _ := strconv.Atoi(rest)
	switch kind {
	case "interface":
		for i, t := range l.TTYs {
			if t.Interface == n {
				list = append(list, i)
			}
		}
	case "class":
		for i, t := range l.TTYs {
			if glob(rest, t.Class) {
				list = append(list, i)
			}
		}
	case "label":
		for i, t := range l.TTYs {
			if t.Label != "" && glob(rest, t.Label) {
				list = append(list, i)
			}
		}
	case "tty", "answering":
		var all []int
		for i, t := range l.TTYs {
			if kind == "tty" || t.Answer == Commands {
				all = append(all, i)
			}
		}
		if n < 0 {
			n += len(all)
		}
		if n >= 0 && n < len(all) {
			list = all[n : n+1]
		}
	}
	return list
}

// Rules gives the rules for ports, weakest layer first, then in the order of the files.
func (db *DB) Rules() []PortRule {
	if db.front == nil {
		return slices.Clone(db.rules)
	}
	return slices.Concat(db.front().rules, db.rules)
}

// Ports says which ttys of a modem to dial on and which to ask. It goes from the weakest evidence to the strongest: the order of
// the ttys; the rules that fit the layout, the more exact one first; the place among the ttys that the modem's entry names; a
// maker's rule about interface classes; the interface that the entry or a person names, if r is not nil; and the answer of each
// tty that was asked. It opens nothing: to use answers, put them into l and call it again.
func (db *DB) Ports(l Layout, r *Resolution) Ports {
	p := Ports{Places: make([]Place, len(l.TTYs))}
	var data, at []int
	put := func(list *[]int, i int) {
		if !slices.Contains(*list, i) {
			*list = append(*list, i)
		}
	}
	say := func(i int, role Role, why string) {
		if p.Places[i].Role == UnknownRole {
			p.Places[i] = Place{role, why}
		}
	}
	// The strongest first: what is said of a tty stays.
	for i, t := range l.TTYs {
		switch t.Answer {
		case Sentences:
			say(i, NMEARole, t.Answer.String())
		case Diagnostics:
			say(i, DiagRole, t.Answer.String())
		}
	}
	// own takes what the modem's entry or a person says of one key.
	own := func(key string, list *[]int, role Role, from Layer) {
		if r == nil {
			return
		}
		set := r.Setting(key)
		n := r.Int(key)
		if n < 0 || set.Layer < from {
			return
		}
		kind := "interface "
		if strings.HasSuffix(key, "_tty") {
			kind = "tty "
		}
		for _, i := range l.find(kind + strconv.Itoa(n)) {
			put(list, i)
			say(i, role, cmp.Or(set.Source, key))
		}
	}
	rules := db.rulesFor(&l)
	// ruled takes what the rules say, or only what they say of names and, those of a maker, of classes.
	ruled := func(classes bool) {
		for _, rule := range rules {
			why := fmt.Sprintf("%s (%s)", rule.Name, rule.Origin)
			for _, s := range []struct {
				places []string
				list   *[]int
				role   Role
			}{{rule.Data, &data, DataRole}, {rule.AT, &at, ATRole}, {rule.NMEA, nil, NMEARole}, {rule.Diag, nil, DiagRole}} {
				for k, place := range s.places {
					label := strings.HasPrefix(place, "label ")
					if classes && !label && (len(rule.USB) == 0 || !strings.HasPrefix(place, "class ")) {
						continue
					}
					found := l.find(place)
					if label && s.role == DataRole && len(found) > 1 {
						continue // two are called a modem: the name says nothing
					}
					for _, i := range found {
						if s.list != nil {
							put(s.list, i)
						}
						if k == 0 || s.role > ATRole || classes { // the second choice for data is no more than a tty that takes commands
							say(i, s.role, why)
						}
					}
				}
			}
		}
	}
	own("port.data_interface", &data, DataRole, Builtin)
	own("port.data_tty", &data, DataRole, System)
	own("port.at_interface", &at, ATRole, Builtin)
	own("port.at_tty", &at, ATRole, System)
	ruled(true) // what the modem's own descriptors and names say is truer than a place that a list has: compositions differ
	own("port.data_tty", &data, DataRole, Builtin)
	own("port.at_tty", &at, ATRole, Builtin)
	ruled(false)
	order := func(list []int) (out []int) {
		for i := range l.TTYs {
			put(&list, i)
		}
		asked := slices.ContainsFunc(l.TTYs, func(t TTY) bool { return t.Answer == Commands })
		for _, want := range []func(other bool, a Answer) bool{ // other: it is said to be there for something else
			func(other bool, a Answer) bool { return !other && (a == Commands || a == Unasked && !asked) },
			func(other bool, a Answer) bool { return other && a == Commands }, // positions and commands on one tty
			func(other bool, a Answer) bool { return !other && a == Unasked && asked },
			func(other bool, a Answer) bool { return !other && (a == Silent || a == Refused) },
		} {
			for _, i := range list {
				if role := p.Places[i].Role; want(role == NMEARole || role == DiagRole, l.TTYs[i].Answer) {
					out = append(out, i)
				}
			}
		}
		return out
	}
	p.Dial, p.AT = order(data), order(at)
	for i, t := range l.TTYs {
		if t.Answer == Commands {
			say(i, ATRole, t.Answer.String())
		}
	}
	return p
}

// rulesFor gives the rules that fit a layout, the strongest first.
func (db *DB) rulesFor(l *Layout) []*PortRule {
	type hit struct {
		rule  *PortRule
		exact [4]int
	}
	var hits []hit
	rules := db.Rules()
	for i := range rules {
		if exact, ok := rules[i].fits(l); ok {
			hits = append(hits, hit{&rules[i], exact})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.rule.Layer, a.rule.Layer), slices.Compare(b.exact[:], a.exact[:]))
	})
	list := make([]*PortRule, len(hits))
	for i, h := range hits {
		list[i] = h.rule
	}
	return list
}
