package quirks

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Profile is a named set of quirks from one or several layers.
type Profile struct {
	ID       string   `json:"id"`       // <vendor>/<model>, the path of its file
	Summary  string   `json:"summary"`  // one line, from the strongest layer that has one
	Inherits []string `json:"inherits"` // ids of the profiles it starts from, weakest first
	Quirks   []Quirk  `json:"quirks"`   // its own quirks, not the inherited ones: weakest layer first, then in the order of the files
	Files    []File   `json:"files"`    // weakest layer first
}

// File is one of the files that a profile is made of.
type File struct {
	Layer Layer  `json:"layer"`
	Name  string `json:"name"` // a path on disk, or one within the built-in files
}

// Fragment says whether the profile exists only to be inherited: no device entry may name it.
func (p *Profile) Fragment() bool { return isFragment(p.ID) }

func isFragment(id string) bool { return strings.HasPrefix(id, "common/") }

// Quirk is one setting of a profile, with its reason.
type Quirk struct {
	Key        string    `json:"key"`
	Op         Op        `json:"op"`
	Value      Value     `json:"value"`
	Reason     string    `json:"reason"`
	Sources    []string  `json:"sources"`        // URLs, or other sources of the fact
	Confidence string    `json:"confidence"`     // one of Confidences; empty if an outer layer gives none
	Firmware   *Firmware `json:"firmware"`       // the firmware revisions that it applies to; nil: all
	When       string    `json:"when,omitempty"` // the condition under which it makes a difference, as in "somebody puts ATZ into at.init"
	ReviewBy   string    `json:"review_by"`      // the date after which a person should check it again, or empty
	Layer      Layer     `json:"layer"`
	Origin     string    `json:"origin"` // file:line
}

// Confidences are the words for how well a quirk is known, weakest first: concluded by a person; reported by a person; seen in a
// trace or log; tried on the modem.
var Confidences = []string{"guessed", "reported", "traced", "hardware"}

// Op says how a quirk changes the value of weaker layers.
type Op uint8

// The operations. Add and Remove are for lists: Add appends elements that are missing, Remove removes elements.
const (
	Set Op = iota
	Add
	Remove
)

// String gives the word that a profile uses.
func (o Op) String() string { return [...]string{"value", "add", "remove"}[o] }

// MarshalText makes JSON carry String.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// profileFile is the content of one file about one profile.
type profileFile struct {
	id       string
	layer    Layer
	file     string
	summary  string
	replaces bool // the files of weaker layers do not count
	inherits []reference
	quirks   []Quirk

	once sync.Once
	read func(*profileFile) // what fills the fields in when they are first looked at; nil: they are
}

// force makes sure that the file was read.
func (f *profileFile) force() {
	if f.read != nil {
		f.once.Do(func() { f.read(f) })
	}
}

// reference is the name of another profile, and the place where it is written.
type reference struct {
	id  string
	pos pos
}

// idForm is the form of a profile's id. The id becomes a path, so it has no characters with a meaning in paths.
const idForm = `^[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}$`

// isID says whether an id has that form. Every start asks it of all profiles, which is sooner done than compiling the form.
func isID(id string) bool {
	vendor, model, ok := strings.Cut(id, "/")
	return ok && isIDPart(vendor) && isIDPart(model)
}

func isIDPart(s string) bool {
	for i := range len(s) {
		c := s[i]
		if word := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'; !word && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// families are the parts of the keys before the dot, in the order of Keys.
var families = sync.OnceValue(func() (list []string) {
	for _, k := range Keys {
		if f, _, _ := strings.Cut(k.Name, "."); !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
})

// readProfile takes the tree of a profile apart. What it returns is to be used only if there were no problems.
func (r *reader) readProfile(id string, t *node) *profileFile {
	f := &profileFile{id: id, layer: r.layer, file: r.file}
	r.schema(t)
	f.summary = r.text(t, "summary")
	if f.summary == "" && r.layer == Builtin {
		r.problem(pos{}, "summary is missing")
	}
	ids, at := r.texts(t, "inherits")
	for i, id := range ids {
		f.inherits = append(f.inherits, reference{id, at[i]})
	}
	f.replaces = r.replaces(t)
	head := []string{"schema", "summary", "inherits", "replaces"}
	for _, name := range t.names {
		n := t.table[name]
		switch {
		case slices.Contains(head, name):
		case !slices.Contains(families(), name):
			r.problem(n.key, "%s", unknownName(name, append(head, families()...)))
		case r.want(n, name, isTable):
			for _, sub := range n.names {
				r.readQuirks(f, name+"."+sub, n.table[sub])
			}
		}
	}
	return f
}

// replaces reads whether the files of weaker layers are not to count.
func (r *reader) replaces(t *node) bool {
	n := t.child("replaces")
	if n == nil || !r.want(n, "replaces", isBool) || n.num == 0 {
		return false
	}
	if !r.mayTakeAway() {
		r.problem(n.pos, "the %s layer must not replace a profile", r.layer)
	}
	return true
}

// mayTakeAway says whether the layer may take away what weaker ones say: only those that somebody has written for this
// machine.
func (r *reader) mayTakeAway() bool { return r.layer == System || r.layer == User }

// unknownName says that a name at the top of a profile means nothing. It may be a whole key with quotes around it.
func unknownName(name string, allowed []string) string {
	if _, ok := table()[name]; ok {
		return "write [" + name + "] without quotes"
	}
	return unknownText("name", name, allowed)
}

// readQuirks reads the table of a key, or its several tables where firmware ranges tell them apart.
func (r *reader) readQuirks(f *profileFile, name string, n *node) {
	k := table()[name]
	if k == nil {
		r.problem(n.key, "%s", unknownKey(name))
		return
	}
	tables := []*node{n}
	if n.kind == isArray && len(n.items) > 0 && n.items[0].kind == isTable {
		tables = n.items
	} else if n.kind != isTable {
		r.problem(n.pos, "%s must be a table: [%s] with a value and the reason for it", name, name)
		return
	}
	first := len(f.quirks)
	for _, t := range tables {
		if !r.want(t, name, isTable) {
			return
		}
		q := r.readQuirk(k, t)
		for _, other := range f.quirks[first:] {
			if other.Firmware.overlaps(q.Firmware) {
				r.problem(t.pos, "%s is set twice for the same firmware; give each a firmware range that leaves the other's out", name)
				break
			}
		}
		f.quirks = append(f.quirks, q)
	}
}

// unknownKey says that there is no such key, which there are with the same beginning, and which was perhaps meant.
func unknownKey(name string) string {
	var all, kin []string
	family, _, _ := strings.Cut(name, ".")
	for _, k := range Keys {
		all = append(all, k.Name)
		if strings.HasPrefix(k.Name, family+".") {
			kin = append(kin, k.Name)
		}
	}
	text := fmt.Sprintf("unknown key %q", name)
	if len(kin) > 0 {
		text += "; the " + family + " keys are " + strings.Join(kin, ", ")
	}
	if n := Nearest(name, all); n != "" {
		text += "; did you mean \"" + n + "\"?"
	}
	return text
}

// readQuirk reads one table of a key.
func (r *reader) readQuirk(k *key, t *node) Quirk {
	q := Quirk{Key: k.Name, Layer: r.layer, Origin: r.origin(t.pos)}
	r.only(t, "name", "value", "add", "remove", "reason", "source", "confidence", "firmware", "when", "review_by", "may_harm")
	if n := t.child("may_harm"); n != nil && r.want(n, "may_harm", isBool) && n.num != 0 {
		if r.layer == System || r.layer == User {
			loose := *k
			loose.mayHarm = true
			k = &loose
		} else {
			r.problem(n.pos, "may_harm is for files of your own; the %s layer must not set it", r.layer)
		}
	}
	if k.Class == Command && r.layer.tunes() {
		r.problem(t.pos, "%s decides what AT commands are sent; the %s layer must not set it", k.Name, r.layer)
	}
	ops := 0
	for _, op := range []Op{Set, Add, Remove} {
		n := t.child(op.String())
		if n == nil {
			continue
		}
		ops++
		q.Op = op
		if op != Set && !k.Type.list() {
			r.problem(n.key, "%s is for lists, but %s is of type %s; write value", op, k.Name, k.Type)
			continue
		}
		v, err := k.fromNode(n)
		if err != nil {
			r.problem(n.pos, "%s: %v", k.Name, err)
		}
		q.Value = v
	}
	if ops != 1 {
		want := "value"
		if k.Type.list() {
			want = "one of value, add and remove"
		}
		r.problem(t.pos, "%s needs %s", k.Name, want)
	}
	q.Reason = r.text(t, "reason")
	q.Sources, _ = r.texts(t, "source")
	q.Confidence = r.confidence(t)
	q.When = r.text(t, "when")
	q.ReviewBy = r.date(t, "review_by")
	q.Firmware = r.firmware(t)
	if r.layer == Builtin {
		for _, need := range []string{"reason", "source", "confidence"} {
			if t.child(need) == nil {
				r.problem(t.pos, "%s needs a %s", k.Name, need)
			}
		}
	}
	return q
}

// CheckID says what is wrong with the id of a new profile; the error is nil if nothing is.
func CheckID(id string) error {
	switch {
	case !isID(id):
		return fmt.Errorf("%q is not <vendor>/<model> in lower-case letters, digits, dots, hyphens and underscores", id)
	case strings.HasSuffix(id, ".sim"):
		return fmt.Errorf("%q would be the file of a scenario", id)
	}
	return nil
}
