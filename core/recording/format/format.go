// Package format reads what a program's log looks like from a file, so that a new program's log needs no Go: what stands
// before a message and where the time is, which lines are the AT dialogue and which way it went, which are octets, how the
// lines of one packet hang together, and what a sentence means. docs/formats.md describes the file.
//
// A Format matches lines and says what they are; making events of them is core/recording/read's.
package format

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
