// Package format reads a file that describes a program's log, so that a new log format needs no Go: what stands before a message
// and where the time is, which lines are the AT dialogue and in which direction, which lines are octets, how the lines of one
// packet belong together, and what a sentence means. docs/formats.md describes the file.
//
// A Format matches lines and says what they are; core/recording/read makes events of them.
package format

// MaxFile is the largest size of a format's file, in octets.
const MaxFile = 1 << 18

// Format is the log format of one program, or of several similar ones.
type Format struct {
	Name     string // one word, for --format
	Title    string // for a person
	Weak     bool   // it is used only if no other format fits
	Swaps    bool   // its arrows may point either way: the end that sends AT is the host
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
	Nothing              // understood, but not needed
)

var kinds = []string{"sentence", "at", "octets", "packet", "nothing"}

// Rule says what the lines of one form are.
type Rule struct {
	Kind    Kind
	Means   []string // of a Sentence, words of event.Log
	Value   string   // of a Sentence, with fields in braces
	Program string   // the program whose line it is, if the line has no tag
	More    bool     // lines after it without a prefix and without a rule continue it: more octets, or the answer to a command
	Below   bool     // a packet's options are in the lines after it
	Whole   bool     // the line shows the complete packet
	Again   bool     // another line may repeat it: only one of them counts

	is       []pattern
	tags     []string
	bare     bool              // only lines without a prefix
	constant map[string]string // fields with values given by the rule
}

// option says how one option of a packet is written.
type option struct {
	is       []pattern
	as       string
	protocol uint16 // the protocol whose packets have it; 0: any
}

// Example is a piece of a log and what it gives, in the file of its format.
type Example struct {
	Log   string
	Gives []string
}
