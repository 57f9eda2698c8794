package quirks

import (
	"errors"
	"fmt"
	"sync"
)

// Type is the type of a key's value.
type Type uint8

// The types. The comment says how a value is written in a profile.
const (
	Bool      Type = iota // true or false
	Int                   // an integer; 0x… for bit maps
	Duration              // a text such as "250ms" or "1m30s"
	Text                  // one line of printable text
	Enum                  // one of the allowed words
	Words                 // a list of allowed words, in an order that matters, none twice
	Address               // an IPv4 address as text
	Addresses             // a list of IPv4 addresses, none twice
	Prefixes              // a list of IPv4 prefixes such as "10.0.0.0/8"
	Names                 // a list of texts in an order that matters, none twice
	AT                    // one AT command, or an empty text for none
	ATs                   // a list of AT commands
)

// String gives the word that the documentation uses.
func (t Type) String() string {
	return [...]string{"bool", "int", "duration", "text", "enum", "list of words", "address",
		"list of addresses", "list of prefixes",
		"list of texts", "AT command", "list of AT commands"}[t]
}

// list says whether values of the type are lists, for which profiles may also say add and remove.
func (t Type) list() bool {
	return t == Words || t == Addresses || t == Prefixes || t == Names || t == ATs
}

// Class says how much a key can do to the modem, and so which layers may set it.
type Class uint8

// The classes.
const (
	Tuning  Class = iota // changes times, counts and options of knak's own engines; any layer may set it
	Command              // decides what AT commands are sent; a signed update or a plugin must not set it
)

// String gives "tuning" or "command".
func (c Class) String() string { return [...]string{"tuning", "command"}[c] }

// Phase says when facts about a modem become known: at each phase the facts of the earlier ones are known, too.
type Phase uint8

// The phases, in the order in which a call passes them.
const (
	AtOpen      Phase = iota // before the port is opened: USB ids, interface, driver, board
	AtProbe                  // after the modem has identified itself: manufacturer, model, revision
	AtDial                   // after registration: operator
	AtNegotiate              // after the peer's first PPP packets: the authentication it demands, its name
)

// String gives the word that docs and errors use.
func (p Phase) String() string { return [...]string{"open", "probe", "dial", "negotiate"}[p] }

// Key describes one possible setting.
type Key struct {
	Name     string // phase.name
	Type     Type
	Default  string   // in the form of --set; the value if no layer sets the key
	Min, Max string   // inclusive bounds of Int and Duration, in the form of --set
	Allowed  []string // the words of Enum and Words
	Forbid   string   // characters that a Text must not have
	Unicode  bool     // a Text that may have printable characters beyond ASCII
	Dials    bool     // an AT command that may be a dial command
	Hex      bool     // an Int that is a bit map and is shown as 0x…
	Class    Class
	Phase    Phase  // the latest phase whose facts can still decide this key; after that the value has been used
	Meaning  string // one line
}

// Lookup finds a key by its name.
func Lookup(name string) (Key, bool) {
	k, ok := table()[name]
	if !ok {
		return Key{}, false
	}
	return k.Key, true
}

// Parse reads a value of the named key in the form of --set, and also gives the key's default. It needs no database: the values in
// profiles do not matter.
func Parse(name, value string) (v, def Value, err error) {
	k := table()[name]
	if k == nil {
		return Value{}, Value{}, errors.New(unknownKey(name))
	}
	v, err = k.parse(value)
	return v, k.def, err
}

// key is a Key with its texts parsed.
type key struct {
	Key
	order    int
	mayHarm  bool // commands that are refused otherwise are taken
	def      Value
	min, max int64
}

// table holds Keys by name. It is made once and never changed.
var table = sync.OnceValue(func() map[string]*key { return compile(Keys) })

// compile parses the defaults and bounds. A mistake in Keys is a mistake in this program, so it panics.
func compile(keys []Key) map[string]*key {
	m := make(map[string]*key, len(keys))
	for i, k := range keys {
		c := &key{Key: k, order: i}
		if m[k.Name] != nil {
			panic("quirks: key " + k.Name + " twice")
		}
		if k.Type == Int || k.Type == Duration {
			lo, err1 := parseNumber(k.Type, k.Min)
			hi, err2 := parseNumber(k.Type, k.Max)
			if err1 != nil || err2 != nil || lo > hi {
				panic("quirks: bad bounds of " + k.Name)
			}
			c.min, c.max = lo, hi
		}
		v, err := c.parse(k.Default)
		if err != nil {
			panic(fmt.Sprintf("quirks: default of %s: %v", k.Name, err))
		}
		c.def = v
		m[k.Name] = c
	}
	return m
}
