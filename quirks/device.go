package quirks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Device is an entry that assigns a profile, or the numbers of some interfaces, or both, to the modems that it matches. All its
// conditions must be true. A condition is true if one of its patterns matches; an empty condition is always true.
type Device struct {
	Name         string   `json:"name"`
	Profile      string   `json:"profile,omitempty"`   // empty: none
	Status       string   `json:"status,omitempty"`    // one of Statuses, or empty if the profile and the ports say enough
	Ports        []Quirk  `json:"ports,omitempty"`     // the entry's own settings: port.data_interface and its like
	USB          []string `json:"usb,omitempty"`       // vid:pid, or vid:*
	Interface    []string `json:"interface,omitempty"` // this and the following ones are patterns with * and ?; upper and lower case are equal
	Class        []string `json:"class,omitempty"`
	Driver       []string `json:"driver,omitempty"`
	DMI          []string `json:"dmi,omitempty"`
	DeviceTree   []string `json:"devicetree,omitempty"`
	Manufacturer []string `json:"manufacturer,omitempty"`
	Model        []string `json:"model,omitempty"`
	Revision     []string `json:"revision,omitempty"`
	Operator     []string `json:"operator,omitempty"`
	Auth         []string `json:"auth,omitempty"`
	Peer         []string `json:"peer,omitempty"`
	Sources      []string `json:"sources"`
	Confidence   string   `json:"confidence,omitempty"` // how well Ports and Status are known; one of Confidences
	Layer        Layer    `json:"layer"`
	Origin       string   `json:"origin"`             // file:line
	Disabled     string   `json:"disabled,omitempty"` // file:line of a stronger layer that disables the entry: it matches nothing

	file string
	pos  pos
}

// Statuses are the words for an entry without a profile. They say what is known of the modem: it needs no profile; it is a modem,
// and nothing else is known; or it has no PPP, such as a firmware loader, a GPS receiver or a composition for network cards only.
var Statuses = []string{"works", "seen", "no-ppp"}

// condition is one kind of condition of an entry.
type condition struct {
	name  string // in files, and of the fact in Facts.With
	phase Phase  // when the fact becomes known
	form  func() *regexp.Regexp
	what  string // the form in words
	field func(*Device) *[]string
	fact  func(*Facts) *string
	list  bool // the fact is a list of words between spaces; one of them must match
}

// conditions are all kinds, in the order in which explain shows them.
var conditions = []condition{
	{"usb", AtOpen, pattern(`^[0-9a-f]{4}:([0-9a-f]{4}|\*)$`), `lower-case hex "vvvv:pppp" or "vvvv:*"`,
		func(d *Device) *[]string { return &d.USB }, func(f *Facts) *string { return &f.USB }, false},
	{"interface", AtOpen, pattern(`^[0-9a-f]{2}$`), `two lower-case hex digits`,
		func(d *Device) *[]string { return &d.Interface }, func(f *Facts) *string { return &f.Interface }, false},
	{"class", AtOpen, pattern(`^[0-9a-f]{2}/([0-9a-f]{2}|\*)/([0-9a-f]{2}|\*)$`), `lower-case hex "cc/ss/pp" with * for any subclass or protocol`,
		func(d *Device) *[]string { return &d.Class }, func(f *Facts) *string { return &f.Class }, false},
	{"driver", AtOpen, pattern(`^[0-9A-Za-z_-]{1,64}$`), `a kernel driver's name`,
		func(d *Device) *[]string { return &d.Driver }, func(f *Facts) *string { return &f.Driver }, false},
	{"dmi", AtOpen, textPattern, textForm,
		func(d *Device) *[]string { return &d.DMI }, func(f *Facts) *string { return &f.DMI }, false},
	{"devicetree", AtOpen, pattern(`^[!-~]{0,64}[0-9A-Za-z]{2}[!-~]{0,64}$`), `a compatible string such as "vendor,board" with two letters or digits side by side; * is any text, ? any character`,
		func(d *Device) *[]string { return &d.DeviceTree }, func(f *Facts) *string { return &f.DeviceTree }, true},
	{"manufacturer", AtProbe, textPattern, textForm,
		func(d *Device) *[]string { return &d.Manufacturer }, func(f *Facts) *string { return &f.Manufacturer }, false},
	{"model", AtProbe, textPattern, textForm,
		func(d *Device) *[]string { return &d.Model }, func(f *Facts) *string { return &f.Model }, false},
	{"revision", AtProbe, pattern(`^[ -~]{0,64}[0-9A-Za-z][ -~]{0,64}$`), `printable text with a letter or digit; * is any text, ? any character`,
		func(d *Device) *[]string { return &d.Revision }, func(f *Facts) *string { return &f.Revision }, false},
	{"operator", AtDial, textPattern, textForm,
		func(d *Device) *[]string { return &d.Operator }, func(f *Facts) *string { return &f.Operator }, false},
	{"auth", AtNegotiate, pattern(`^(` + strings.Join(authMethods, "|") + `)$`), `one of ` + strings.Join(authMethods, ", "),
		func(d *Device) *[]string { return &d.Auth }, func(f *Facts) *string { return &f.Auth }, false},
	{"peer", AtNegotiate, textPattern, textForm,
		func(d *Device) *[]string { return &d.Peer }, func(f *Facts) *string { return &f.Peer }, false},
}

// pattern makes a regular expression that is compiled when it is first used: what starts must not wait for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// A text pattern must hold two letters or digits side by side, so that it cannot match just anything.
var textPattern = pattern(`^[ -~]{0,64}[0-9A-Za-z]{2}[ -~]{0,64}$`)

const textForm = `printable text with two letters or digits side by side; * is any text, ? any character`

// shared are USB ids that many different devices have, so an entry with such an id must also have a condition on the model.
type shared struct {
	pattern string
	reason  string
	origin  string
}

// readDevices takes the tree of a file of device entries apart. Entries with problems are left out.
func (r *reader) readDevices(t *node) (list []Device, ids []shared) {
	r.schema(t)
	r.only(t, "name", "schema", "device", "shared", "port", "disable")
	disable, at := r.texts(t, "disable")
	for i, id := range disable {
		r.disable = append(r.disable, reference{id, at[i]})
	}
	if len(disable) > 0 && !r.mayTakeAway() {
		r.problem(t.child("disable").pos, "the %s layer must not disable a profile", r.layer)
		r.disable = nil
	}
	for _, e := range r.tables(t, "shared") {
		r.only(e, "name", "usb", "reason", "source")
		patterns, at := r.texts(e, "usb")
		for i, p := range patterns {
			if c := conditions[0]; !c.form().MatchString(p) {
				r.problem(at[i], "usb: %q is not %s", p, c.what)
				continue
			}
			ids = append(ids, shared{p, r.text(e, "reason"), r.origin(e.pos)})
		}
	}
	for _, e := range r.tables(t, "port") {
		before := len(r.problems)
		p := r.readRule(e)
		if len(r.problems) == before {
			r.rules = append(r.rules, p)
		}
	}
	for _, e := range r.tables(t, "device") {
		before := len(r.problems)
		d := r.readDevice(e)
		if len(r.problems) == before {
			list = append(list, d)
		}
	}
	return list, ids
}

// tables reads an optional array of tables.
func (r *reader) tables(t *node, name string) (list []*node) {
	n := t.child(name)
	if n == nil {
		return nil
	}
	if n.kind != isArray {
		r.problem(n.pos, "%s must be written [[%s]]", name, name)
		return nil
	}
	for _, c := range n.items {
		if r.want(c, name, isTable) {
			list = append(list, c)
		}
	}
	return list
}

func (r *reader) readDevice(t *node) Device {
	d := Device{Name: r.text(t, "name"), Profile: r.text(t, "profile"), Layer: r.layer, Origin: r.origin(t.pos),
		file: r.file, pos: t.pos}
	allowed := []string{"name", "profile", "ports", "status", "source", "confidence"}
	some := false
	for _, c := range conditions {
		allowed = append(allowed, c.name)
		patterns, at := r.texts(t, c.name)
		for i, p := range patterns {
			if !c.form().MatchString(p) {
				r.problem(at[i], "%s: %q is not %s", c.name, p, c.what)
			}
		}
		*c.field(&d) = patterns
		some = some || len(patterns) > 0
	}
	d.Sources, _ = r.texts(t, "source")
	d.Confidence = r.confidence(t)
	r.only(t, "name", allowed...)
	r.readPorts(t, &d)
	if d.Status = r.text(t, "status"); d.Status != "" && !slices.Contains(Statuses, d.Status) {
		r.problem(t.child("status").pos, "%s", unknownText("status", d.Status, Statuses))
	}
	switch {
	case d.Profile == "" && len(d.Ports) == 0 && d.Status == "":
		r.problem(t.pos, "a device needs profile or ports, or both, or a status")
	case d.Profile != "" && d.Status != "":
		r.problem(t.child("status").pos, "a device with a profile has no status: the profile says what is known")
	case d.Status != "" && r.layer == Builtin && d.Confidence == "":
		r.problem(t.child("status").pos, "a status needs a confidence")
	}
	if i := slices.IndexFunc(d.Revision, func(p string) bool { return !textPattern().MatchString(p) }); i >= 0 && len(d.USB) == 0 {
		r.problem(t.pos, "revision: %q says too little without usb beside it", d.Revision[i])
	}
	if r.layer == Builtin && (d.Name == "" || len(d.Sources) == 0) {
		r.problem(t.pos, "a device needs a name and a source")
	}
	switch {
	case len(d.USB)+len(d.Manufacturer)+len(d.Model)+len(d.Revision) > 0:
	case len(d.DMI)+len(d.DeviceTree)+len(d.Operator)+len(d.Peer) == 0:
		r.problem(t.pos, "a device needs at least one of usb, manufacturer, model, revision, dmi, devicetree, operator and peer")
	case r.layer <= Update && (len(d.DMI)+len(d.DeviceTree) == 0 || len(d.Driver)+len(d.Interface)+len(d.Class) == 0):
		// A board, a network or the name of a chip maker's PPP fits modems of every kind.
		r.problem(t.pos, "a device needs at least one of usb, manufacturer, model and revision, or a board with driver, interface or class")
	}
	return d
}

// ports are the settings that an entry can make without a profile.
var ports = []struct{ name, key, reason string }{
	{"data", "port.data_interface", "The tty of interface %s carries PPP in this modem."},
	{"at", "port.at_interface", "The tty of interface %s takes commands in this modem, also during a call."},
	{"data_tty", "port.data_tty", "Of this modem's ttys the one with place %s, counted from 0, carries PPP."},
	{"at_tty", "port.at_tty", "Of this modem's ttys the one with place %s, counted from 0, takes commands, also during a call."},
}

// readPorts reads the interface numbers of an entry.
func (r *reader) readPorts(t *node, d *Device) {
	n := t.child("ports")
	if n == nil || !r.want(n, "ports", isTable) {
		return
	}
	var names []string
	for _, p := range ports {
		names = append(names, p.name)
		c := n.child(p.name)
		if c == nil || !r.want(c, p.name, isInt) {
			continue
		}
		v, err := table()[p.key].fromNode(c)
		if err != nil || c.num < 0 {
			what := "the number of a USB interface, 0 to 255"
			if strings.HasSuffix(p.name, "_tty") {
				what = "a tty's place, 0 to 31"
			}
			r.problem(c.pos, "%s: %d is not %s; leave out what is not known", p.name, c.num, what)
			continue
		}
		d.Ports = append(d.Ports, Quirk{Key: p.key, Value: v, Reason: fmt.Sprintf(p.reason, v), Sources: d.Sources,
			Confidence: d.Confidence, Layer: d.Layer, Origin: d.Origin})
	}
	r.only(n, "name", names...)
	if len(n.names) == 0 {
		r.problem(n.pos, "ports is empty; write ports = { data = NUMBER, at = NUMBER }, or one of the two")
	}
	if r.layer == Builtin && d.Confidence == "" {
		r.problem(n.pos, "ports need a confidence")
	}
}

// alone gives the first USB id of an entry that many devices share, where the entry does not look at the model too and
// gives more than ports: which tty to try first may be guessed, and is seen to be wrong.
func (d *Device) alone(ids []shared) (string, shared, bool) {
	if len(d.Model)+len(d.Revision) > 0 || d.Profile == "" {
		return "", shared{}, false
	}
	for _, id := range d.USB {
		for _, s := range ids {
			if id == s.pattern || strings.HasSuffix(s.pattern, ":*") && id[:5] == s.pattern[:5] {
				return id, s, true
			}
		}
	}
	return "", shared{}, false
}

// With gives the facts f with those of a list in their place. The list holds name=value, for example usb=12d1:1506 or model=E398.
// The value "none" says that the modem does not have such a thing.
func (f Facts) With(list []string) (Facts, error) {
	var names []string
	for _, c := range conditions {
		names = append(names, c.name)
	}
next:
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return Facts{}, fmt.Errorf("fact %q is not of the form name=value", s)
		}
		for _, c := range conditions {
			if c.name == name {
				*c.fact(&f) = value
				continue next
			}
		}
		return Facts{}, fmt.Errorf("%s", unknownText("fact", name, names))
	}
	return f, nil
}

// List gives the known facts as name=value, in the form that With reads.
func (f Facts) List() (list []string) {
	for _, c := range conditions {
		if v := *c.fact(&f); v != "" {
			list = append(list, c.name+"="+v)
		}
	}
	return list
}

// CheckPattern says what is wrong with a pattern of a condition such as "usb" or "model"; the error is nil if nothing is.
func CheckPattern(condition, pattern string) error {
	for _, c := range conditions {
		if c.name == condition {
			if !c.form().MatchString(pattern) {
				return fmt.Errorf("%s: %q is not %s", condition, pattern, c.what)
			}
			return nil
		}
	}
	return fmt.Errorf("there is no condition %q", condition)
}
