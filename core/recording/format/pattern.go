package format

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
)

// Fields are the names that a pattern may give to parts of a line, with what stands in them where the pattern says no kind.
var fields = []struct {
	name string
	kind kind
}{
	{"time", kindStamp}, {"level", kindWord}, {"tag", kindText}, {"message", kindText},
	{"dir", kindDir}, {"protocol", kindProtocol}, {"code", kindCode}, {"id", kindNumber}, {"length", kindNumber}, {"count", kindNumber},
	{"options", kindText}, {"reason", kindText}, {"name", kindText}, {"challenge", kindText},
	{"text", kindText}, {"octets", kindOctets}, {"value", kindText}, {"other", kindText},
}

// The indices of fields that every line is asked for.
const (
	fieldTag     = 2
	fieldMessage = 3
)

func fieldOf(name string) int {
	for i := range fields {
		if len(fields[i].name) == len(name) && fields[i].name == name {
			return i
		}
	}
	return -1
}

func fieldNames() []string {
	var list []string
	for i := range fields {
		list = append(list, fields[i].name)
	}
	return list
}

// kind is what a part of a line may be.
type kind uint8

const (
	kindText     kind = iota // anything, also nothing
	kindDir                  // a word for a direction, or an arrow
	kindProtocol             // the name or the number of a control protocol
	kindCode                 // the name of a packet's code
	kindWord                 // no blanks, at least one character
	kindInt                  // decimal digits, perhaps with a sign
	kindHex                  // hexadecimal digits, with 0x or without
	kindNumber               // hexadecimal with 0x, decimal without
	kindIP                   // four numbers with dots
	kindOctets               // a row of octets in hexadecimal, with the characters behind them or without
	kindCommand              // an AT command, up to what follows in the pattern, or to the end
	kindAnswer               // a line that only a modem says: a result code, a code with its colon; likewise
	kindCoded                // such a line with a code, for example +CSQ: 17,99; likewise
	kindStamp                // a time as logs of Unix have it
	kindMS                   // milliseconds since the boot
	kindUS                   // microseconds since the boot
	kindSec                  // seconds since the boot, with a fraction or without
	kindUptime               // hours:minutes:seconds since the boot, with a fraction or without
)

var kindNames = []string{"text", "dir", "protocol", "code", "word", "int", "hex", "number", "ip", "octets", "command", "answer", "coded", "stamp", "ms", "us", "s", "uptime"}

func (k kind) isTime() bool { return k >= kindStamp }

// piece is a part of a pattern: words that stand there, or a field.
type piece struct {
	words string // lower bound of what must stand there; "" for a field
	blank bool   // one blank or more
	field int    // index of fields, -1: of no interest
	kind  kind
}

// pattern matches a whole message.
type pattern struct {
	pieces []piece
	source string
	// needs is the longest of its words: a line without them is no match, which is seen at once. Empty where the pattern
	// begins with words, and for a pattern of fields alone.
	needs []byte
}

// compile reads a pattern: text as it stands, {name} or {name:kind} for a field, {*} for anything, {{ for a brace. A blank
// stands for one blank or more.
func compile(source string) (pattern, error) {
	p := pattern{source: source}
	var words strings.Builder
	flush := func() {
		if words.Len() > 0 {
			p.pieces = append(p.pieces, piece{words: words.String(), field: -1})
			words.Reset()
		}
	}
	if source == "" {
		return p, fmt.Errorf("the pattern is empty")
	}
	for i := 0; i < len(source); i++ {
		switch c := source[i]; c {
		case ' ', '\t':
			flush()
			if n := len(p.pieces); n == 0 || !p.pieces[n-1].blank {
				p.pieces = append(p.pieces, piece{blank: true, field: -1})
			}
		case '{':
			if i+1 < len(source) && source[i+1] == '{' {
				words.WriteByte('{')
				i++
				continue
			}
			end := strings.IndexByte(source[i:], '}')
			if end < 0 {
				return p, fmt.Errorf("a { without its }; a brace itself is {{")
			}
			f, err := fieldPiece(source[i+1 : i+end])
			if err != nil {
				return p, err
			}
			flush()
			if n := len(p.pieces); n > 0 && p.pieces[n-1].words == "" && !p.pieces[n-1].blank && p.pieces[n-1].kind <= kindWord {
				return p, fmt.Errorf("nothing says where the field before {%s} ends: put something between them", source[i+1:i+end])
			}
			p.pieces = append(p.pieces, f)
			i += end
		default:
			words.WriteByte(c)
		}
	}
	flush()
	if len(p.pieces) > 0 && p.pieces[0].words == "" {
		for _, w := range p.pieces {
			if len(w.words) > len(p.needs) {
				p.needs = []byte(w.words)
			}
		}
	}
	for i, a := range p.pieces {
		for _, b := range p.pieces[i+1:] {
			if a.field >= 0 && a.field == b.field {
				return p, fmt.Errorf("{%s} stands there twice", fields[a.field].name)
			}
		}
	}
	return p, nil
}

func fieldPiece(s string) (piece, error) {
	name, k, given := strings.Cut(s, ":")
	if name == "*" && !given {
		return piece{field: -1, kind: kindText}, nil
	}
	f := fieldOf(name)
	if f < 0 {
		return piece{}, fmt.Errorf("unknown field {%s}; there are %s, and {*}", name, strings.Join(fieldNames(), ", "))
	}
	p := piece{field: f, kind: fields[f].kind}
	if given {
		n := slices.Index(kindNames, k)
		if n < 0 {
			return p, fmt.Errorf("unknown kind {%s}; there are %s", s, strings.Join(kindNames, ", "))
		}
		p.kind = kind(n)
	}
	if p.kind.isTime() != (name == "time") {
		return p, fmt.Errorf("{%s}: a time is {time}, {time:ms}, {time:us}, {time:s} or {time:uptime}, and nothing else is one", s)
	}
	return p, nil
}

// has says whether the pattern has a field.
func (p *pattern) has(name string) bool {
	f := fieldOf(name)
	return slices.ContainsFunc(p.pieces, func(c piece) bool { return c.field == f && f >= 0 })
}

// stamper reads a time at the start of a text and says how long it is, 0 if there is none.
type stamper func([]byte) (time.Time, int)

// matcher matches one text against patterns.
type matcher struct {
	words  map[int]map[string]string // a format's own, by the index of a field
	stamp  stamper
	at     time.Time
	timed  bool
	steps  int
	have   uint32 // the fields that have a value, as bits
	values [maxFields]span
	seen   [3]map[string]bool // what known said of words, by kind
}

// maxSeen bounds the words that are remembered.
const maxSeen = 512

const maxFields = 24

type span struct {
	from, to int
	hex      bool // the pattern says that it is hexadecimal
}

// maxSteps bounds what one match may cost, however the pattern and the text are.
const maxSteps = 2000

// match says whether the whole of b is a match, trailing blanks apart.
func (m *matcher) match(p *pattern, b []byte) bool {
	m.timed = false
	if len(p.needs) > 0 {
		if !bytes.Contains(b, p.needs) {
			return false
		}
	} else if len(p.pieces) > 0 && p.pieces[0].words != "" && !bytes.HasPrefix(b, []byte(p.pieces[0].words)) {
		return false
	}
	m.steps, m.have = 0, 0
	return m.rest(p.pieces, b, 0)
}

// value gives what a field matched, nil if the pattern has none.
func (m *matcher) value(b []byte, name string) []byte { return m.field(b, fieldOf(name)) }

func (m *matcher) field(b []byte, f int) []byte {
	if f < 0 || m.have&(1<<f) == 0 {
		return nil
	}
	return b[m.values[f].from:m.values[f].to]
}

func (m *matcher) rest(pieces []piece, b []byte, at int) bool {
	for len(pieces) > 0 {
		p := &pieces[0]
		switch {
		case p.words != "":
			if len(b)-at < len(p.words) || string(b[at:at+len(p.words)]) != p.words {
				return false
			}
			at += len(p.words)
		case p.blank:
			n := at
			for n < len(b) && isBlank(b[n]) {
				n++
			}
			if n == at && at < len(b) { // at the end blanks may be missing
				return false
			}
			at = n
		default:
			return m.piece(p, pieces[1:], b, at)
		}
		pieces = pieces[1:]
	}
	for _, c := range b[at:] {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// piece matches a field that begins at a place, and what follows it.
func (m *matcher) piece(p *piece, pieces []piece, b []byte, at int) bool {
	if p.kind == kindStamp {
		t, n := m.stamp(b[at:])
		if n == 0 {
			return false
		}
		m.at, m.timed = t, true
		return m.rest(pieces, b, at+n)
	}
	if fixed := p.length(b[at:]); fixed >= 0 && !(p.isSaid() && len(pieces) > 0) {
		if fixed == 0 {
			return false
		}
		if !m.rest(pieces, b, at+fixed) {
			return false
		}
		m.set(p, b, at, at+fixed)
		return true
	}
	// A word or any text: up to the next words that let the rest match.
	if len(pieces) == 0 {
		end := len(bytes.TrimRight(b, " \t\r"))
		end = max(end, at)
		if !m.known(p, b[at:end]) {
			return false
		}
		if p.kind == kindWord && (end == at || blankIn(b[at:end]) >= 0) {
			return false
		}
		m.set(p, b, at, end)
		return true
	}
	next := &pieces[0]
	for from := at; from <= len(b); from++ {
		if m.steps++; m.steps > maxSteps {
			return false
		}
		i := 0
		if next.blank {
			i = blankIn(b[from:])
		} else {
			i = bytes.Index(b[from:], []byte(next.words))
		}
		if i < 0 {
			if next.blank { // blanks at the end may be missing
				i = len(b) - from
			} else {
				return false
			}
		}
		from += i
		if p.kind == kindWord && (from == at || blankIn(b[at:from]) >= 0) {
			if from > at {
				return false
			}
			continue
		}
		if !m.known(p, b[at:from]) {
			continue
		}
		if m.rest(pieces, b, from) {
			m.set(p, b, at, from)
			return true
		}
	}
	return false
}

// isSaid says whether a field is a line of the AT dialogue, which ends where the text of the pattern behind it begins.
func (p *piece) isSaid() bool { return p.kind >= kindCommand && p.kind <= kindCoded }

// known says whether a text is a word that a field of its kind may hold.
func (m *matcher) known(p *piece, b []byte) bool {
	if p.isSaid() {
		return p.length(b) > 0
	}
	if p.kind < kindDir || p.kind > kindCode {
		return true
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > 40 {
		return false
	}
	if own := m.words[p.field]; len(own) == 0 && !begins()[p.kind-kindDir][b[0]] {
		return false
	}
	seen := &m.seen[p.kind-kindDir]
	if ok, told := (*seen)[string(b)]; told { // logs have few words, again and again
		return ok
	}
	ok := m.isWord(p, string(b))
	if *seen == nil || len(*seen) >= maxSeen {
		*seen = map[string]bool{}
	}
	(*seen)[string(b)] = ok
	return ok
}

// isWord says whether a text is a word of a field's kind, or one of the format's own.
func (m *matcher) isWord(p *piece, s string) bool {
	if p.field >= 0 {
		if _, ok := m.words[p.field][s]; ok {
			return true
		}
	}
	ok := false
	switch p.kind {
	case kindDir:
		_, ok = direction(s)
	case kindProtocol:
		_, ok = protocolOf(s)
	default:
		_, ok = codes()[letters(s)]
	}
	return ok
}

func (m *matcher) set(p *piece, b []byte, from, to int) {
	if p.kind.isTime() {
		m.at, m.timed = sinceBoot(p.kind, b[from:to]), true
		return
	}
	if p.field >= 0 {
		m.values[p.field] = span{from, to, p.kind == kindHex}
		m.have |= 1 << p.field
	}
}

// length gives how long what begins b is, for kinds that show their end by themselves; -1 for the others, 0 if it is none.
func (p *piece) length(b []byte) int {
	n := 0
	switch p.kind {
	case kindInt:
		if n < len(b) && (b[n] == '-' || b[n] == '+') {
			n++
		}
		for n < len(b) && isDigit(b[n]) {
			n++
		}
		if n > 0 && !isDigit(b[n-1]) {
			return 0
		}
	case kindMS, kindUS:
		for n < len(b) && isDigit(b[n]) {
			n++
		}
	case kindHex, kindNumber:
		prefix := len(b) > 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 'X')
		if prefix {
			n = 2
		}
		for n < len(b) && (isDigit(b[n]) || (prefix || p.kind == kindHex) && isHex(b[n])) {
			n++
		}
		if prefix && n == 2 {
			return 0
		}
	case kindIP:
		for n < len(b) && (isDigit(b[n]) || b[n] == '.') {
			n++
		}
		if bytes.Count(b[:n], []byte(".")) != 3 {
			return 0
		}
	case kindSec:
		for n < len(b) && (isDigit(b[n]) || b[n] == '.') {
			n++
		}
	case kindUptime:
		for n < len(b) && (isDigit(b[n]) || n > 0 && (b[n] == ':' || b[n] == '.' || b[n] == ',')) {
			n++
		}
		if bytes.IndexByte(b[:n], ':') < 0 {
			return 0
		}
		for n > 0 && !isDigit(b[n-1]) {
			n--
		}
	case kindCommand:
		if end := bytes.TrimRight(b, " \t\r"); isCommand(end) {
			return len(end)
		}
	case kindAnswer:
		if end := bytes.TrimRight(b, " \t\r"); isAnswer(end) {
			return len(end)
		}
	case kindCoded:
		if end := bytes.TrimRight(b, " \t\r"); isCoded(end) {
			return len(end)
		}
	case kindOctets:
		if !isRow(b) {
			return 0
		}
		return len(b)
	default:
		return -1
	}
	return n
}

// sinceBoot gives the time that has passed since the boot, which is taken for the epoch: a number of the unit, or hours,
// minutes and seconds, with a fraction or without. A comma within the fraction, as Zephyr has it, says nothing.
func sinceBoot(k kind, b []byte) time.Time {
	unit := int64(time.Second)
	switch k {
	case kindMS:
		unit = int64(time.Millisecond)
	case kindUS:
		unit = int64(time.Microsecond)
	}
	var whole, n, fraction int64
	scale, behind := unit, false // behind the point
	for _, c := range b {
		switch {
		case c == ':':
			whole, n = (whole+n)*60, 0
		case c == '.':
			behind = true
		case !isDigit(c):
		case behind:
			scale /= 10
			fraction += int64(c-'0') * scale
		default:
			n = min(n*10+int64(c-'0'), 1<<50/unit)
		}
	}
	return time.Unix(0, 0).UTC().Add(time.Duration((whole+n)*unit + fraction))
}

// isRow says whether a text may be a row of octets: it begins with two hexadecimal digits, or with more that can be octets or an
// offset.
func isRow(b []byte) bool {
	b = bytes.TrimLeft(b, " \t")
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		b = b[2:]
	}
	n := 0
	for n < len(b) && isHex(b[n]) {
		n++
	}
	return n > 1 && n%2 == 0 && (n == len(b) || bytes.IndexByte([]byte(" \t\r,:;-|>"), b[n]) >= 0)
}

// isCommand says whether a line is an AT command (ITU-T V.250 section 5.2.1): the attention code, and then what begins a
// command, so that words such as "at" and "ATTENTION" are none.
func isCommand(b []byte) bool {
	if len(b) < 2 || b[0]|0x20 != 'a' || b[1]|0x20 != 't' || (b[0] == 'a') != (b[1] == 't') {
		return false
	}
	if len(b) > 300 || bytes.Contains(b, []byte(" --> ")) { // more than a command: lines that were joined
		return false
	}
	return len(b) == 2 || bytes.IndexByte([]byte("+^%*#$&\\!@-?"), b[2]) >= 0 || isVerb(b[2:])
}

// isVerb says whether a letter and what follows is a basic command (section 5.4.1): digits, another command, the number.
func isVerb(b []byte) bool {
	if bytes.IndexByte([]byte("DEHIOQSVXZLMdehioqsvxz"), b[0]) < 0 {
		return false
	}
	if b[0]|0x20 == 'd' {
		return len(b) > 1 && bytes.IndexAny(b[1:2], "*#0123456789TPtp+\"") == 0
	}
	letter := len(b) > 1 && (b[1]|0x20 >= 'a' && b[1]|0x20 <= 'z')
	return !letter || len(b) == 2 || isDigit(b[2])
}

// answers are lines without a name that only a modem says, besides result codes: what comes unasked, and what some say in answer.
var answers = slices.Concat(v250.Unasked, []string{"SHUT OK", "DISCONNECT", "VOICE CALL", "SIM REMOVED"})

// longestAnswer is the length of a line that may be an answer.
const longestAnswer = 120

// IsCommand says whether a line is an AT command, and IsAnswer whether it is one that only a modem says.
func IsCommand(b []byte) bool { return isCommand(bytes.TrimSpace(b)) }

// IsAnswer says whether a line is one that only a modem says: a result code, or a code with its colon.
func IsAnswer(b []byte) bool { return isAnswer(bytes.TrimSpace(b)) }

// isCoded says whether a line begins with a code as modems have them, followed by a colon or alone.
func isCoded(b []byte) bool {
	if len(b) <= 2 || bytes.IndexByte([]byte("+^*#%$"), b[0]) < 0 {
		return false
	}
	name, _, _ := bytes.Cut(b, []byte(":"))
	name = bytes.TrimSuffix(name, []byte(" ERROR")) // +CME ERROR: and +CMS ERROR: (3GPP TS 27.007 section 9.1, TS 27.005 section 3.2.5)
	return len(name) > 1 && bytes.IndexByte(name, ' ') < 0
}

func isAnswer(b []byte) bool {
	if len(b) > 2 && bytes.IndexByte([]byte("+^*#%$"), b[0]) >= 0 {
		return isCoded(b)
	}
	if len(b) > longestAnswer || len(b) == 0 || b[0] > 'Z' {
		return false
	}
	s := string(b)
	return v250.IsFinal(s) && s != "NA" || slices.ContainsFunc(answers, func(a string) bool { return strings.HasPrefix(s, a) && (len(s) == len(a) || s[len(a)] == ' ') })
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
