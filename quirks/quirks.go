package quirks

import (
	"fmt"
	"io/fs"
	"time"
)

// Layer says where a value comes from. A later layer beats an earlier one, key by key.
type Layer uint8

// The layers, weakest first.
const (
	Default     Layer = iota // the key's own default
	Builtin                  // compiled into the program
	Update                   // a signed update
	System                   // /etc/knak
	Plugin                   // a plugin
	User                     // ~/.config/knak
	CommandLine              // --set, and flags that stand for a key
)

// String gives the word that explain and errors use.
func (l Layer) String() string {
	return [...]string{"default", "built-in", "update", "system", "plugin", "user", "command line"}[l]
}

// Sources says where the files are. System and User are directories that hold quirks.d/<vendor>/<model>.toml and
// devices.d/*.toml; an empty or missing one is an empty layer.
type Sources struct {
	Builtin fs.FS  // devices.toml and quirks/<vendor>/<model>.toml: knak.Files
	System  string // usually /etc/knak
	User    string // usually ~/.config/knak
	Root    bool   // the program has root's rights: refuse files and directories that others may write
}

// Problem is something wrong in a file: what, where, and what is allowed. A file with a problem is not used at all.
type Problem struct {
	Layer        Layer
	File         string // as the layer names it: a path on disk, or one within the built-in files
	Line, Column int    // from 1; 0: the problem is not at one place
	Text         string
}

// Error gives file:line:column: text.
func (p *Problem) Error() string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// DB is all profiles and device entries of all layers. It does not change after Open and may be used by many at once.
type DB struct{}

// Open reads all layers. What is wrong in a file is a Problem; the file is left out and the rest is used.
func Open(s Sources) (*DB, []*Problem) { panic("not yet") }

// Profiles gives the ids of all profiles, sorted; fragments (common/…) are among them.
func (db *DB) Profiles() []string { panic("not yet") }

// Profile gives a profile by its id.
func (db *DB) Profile(id string) (*Profile, bool) { panic("not yet") }

// Devices gives all device entries, in the order of the files.
func (db *DB) Devices() []Device { panic("not yet") }

// Resolve gives one value for every key: for the profiles that the device entries give for facts or, where chosen is
// not empty, for that profile alone; then set (KEY=VALUE, KEY+=VALUE or KEY-=VALUE, in order) on top. The error is a
// *Problem that says which text of set is wrong and what is allowed, or that there is no such profile.
func (db *DB) Resolve(facts Facts, chosen string, set []string) (*Resolution, error) {
	panic("not yet")
}

// Profile is a named set of quirks, as one layer or several have it.
type Profile struct {
	ID       string   // <vendor>/<model>, the path of its file
	Summary  string   // one line
	Inherits []string // ids of the profiles it starts from, weakest first
	Quirks   []Quirk  // its own, not the inherited ones, in the order of the files, weakest layer first
}

// Quirk is one setting of a profile and why it is there.
type Quirk struct {
	Key        string
	Op         Op
	Value      Value
	Reason     string
	Sources    []string // URLs, or what the fact was read from
	Confidence string   // "guessed", "reported", "traced", "hardware"; empty where an outer layer does not say
	Firmware   string   // the range of firmware it is for, for people; empty: any
	ReviewBy   string   // date after which somebody should look again, or empty
	Layer      Layer
	Origin     string // file:line
}

// Op is what a quirk does with what weaker layers say.
type Op uint8

// The operations. Add and Remove are for lists.
const (
	Set Op = iota
	Add
	Remove
)

// String gives the word that a profile uses.
func (o Op) String() string { return [...]string{"value", "add", "remove"}[o] }

// Device is an entry that gives a profile to the modems it matches. All conditions must hold; of the patterns of one
// condition one must match; an empty condition always holds.
type Device struct {
	Name         string
	Profile      string
	USB          []string // vid:pid, or vid:*
	Interface    []string
	Class        []string
	Driver       []string
	Manufacturer []string // patterns with * and ?, upper and lower case alike; so are the next two
	Model        []string
	Revision     []string
	Sources      []string
	Layer        Layer
	Origin       string // file:line
}

// Resolution is one value for every key, with its history.
type Resolution struct{}

// Profiles gives the ids of the profiles that were used, the strongest first; empty when none matched.
func (r *Resolution) Profiles() []string { panic("not yet") }

// Profile gives the id of the strongest profile, or "".
func (r *Resolution) Profile() string { panic("not yet") }

// Bool gives the value of a Bool key. Like the other accessors it panics when there is no such key or it has another
// type, which is a mistake in the calling program.
func (r *Resolution) Bool(key string) bool { panic("not yet") }

// Int gives the value of an Int key.
func (r *Resolution) Int(key string) int { panic("not yet") }

// Duration gives the value of a Duration key.
func (r *Resolution) Duration(key string) time.Duration { panic("not yet") }

// Text gives the value of a Text, Enum or Address key. An Address parses with netip.ParseAddr.
func (r *Resolution) Text(key string) string { panic("not yet") }

// List gives the value of a Words, Prefixes, Names or Commands key. Prefixes parse with netip.ParsePrefix.
func (r *Resolution) List(key string) []string { panic("not yet") }

// Setting gives the value of a key with its history.
func (r *Resolution) Setting(key string) Setting { panic("not yet") }

// Settings gives all keys in the order of Keys.
func (r *Resolution) Settings() []Setting { panic("not yet") }

// Changed gives the settings that some layer set, in the order of Keys.
func (r *Resolution) Changed() []Setting { panic("not yet") }

// Matches gives for every device entry whether it matched and why, the matching ones first, the strongest first.
func (r *Resolution) Matches() []Match { panic("not yet") }

// Warnings gives what was decided arbitrarily: ties between entries of outer layers.
func (r *Resolution) Warnings() []string { panic("not yet") }

// Setting is the value of one key and where it comes from.
type Setting struct {
	Key        string
	Value      Value
	Default    Value
	Layer      Layer
	Source     string // file:line, "--set", or "" for the default
	Profile    string // the profile the winning quirk stands in, or ""
	Reason     string
	Sources    []string
	Confidence string
	Assumed    bool    // the quirk is for a range of firmware and the modem's is not known
	Losers     []Loser // what it beat, the strongest first; the default is the last unless it won
}

// Loser is a value that did not win. For a list to which a stronger quirk only added, or from which it removed, the
// loser is part of the value.
type Loser struct {
	Op         Op
	Value      Value
	Layer      Layer
	Source     string
	Profile    string
	Reason     string
	Confidence string
	Why        string // why it did not win, for people
}

// Tri is the answer to "does it match": no, yes, or not known because a fact is missing.
type Tri uint8

// The three answers.
const (
	No Tri = iota
	Yes
	Unknown
)

// String gives "no", "yes" or "unknown".
func (t Tri) String() string { return [...]string{"no", "yes", "unknown"}[t] }

// Match says how one device entry compared with the facts.
type Match struct {
	Device     Device
	Result     Tri
	Conditions []Condition // in the order of Facts; only those the entry has
}

// Condition says how one condition of a device entry compared with its fact.
type Condition struct {
	Name     string // "usb", "model" and so on
	Patterns []string
	Fact     string // empty: not known
	Result   Tri
}
