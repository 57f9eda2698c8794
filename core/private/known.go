package private

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/knakppp/knak/core/event"
)

// Bounds on the known secrets: a plugin may have a new password for every attempt, a log a new one in every line.
const (
	knownLimit  = 256
	longestWord = 256
)

// shortWord is the length from which on a secret is searched for anywhere. A shorter secret is part of many texts: replacing it
// there would destroy the text, and the holes would reveal the secret. So it is replaced only if it is the whole of a quoted
// string or of a text. A PIN has at least four digits (3GPP TS 31.101 section 9.3), so no PIN is shorter.
const shortWord = 4

// standsAlone is the length up to which a secret of digits alone, such as a PIN, must have no digits beside it: any long number
// may contain four digits by chance.
const standsAlone = 5

// Known is a set of secrets, which it finds in texts and octets. The zero value knows none. It is not safe for use by several
// goroutines.
type Known struct {
	words  []word
	public map[string]bool
	filter *filter             // of words, and perhaps of some that were forgotten; nil: there is none
	gone   int                 // how many were forgotten since filter was made
	count  uint64              // of all that were ever added
	given  map[string][]string // the identities of each kind that a modem gave
	short  bool                // one of them is shorter than shortWord
}

// word is one secret in the forms in which it is looked for.
type word struct {
	text    string
	forms   []string // in texts, in lower case
	exact   []string // in texts, where case matters: base64
	octets  [][]byte // in octets: as it is, in UTF-16 both ways
	septets []byte   // as characters of GSM's alphabet, for packed ones (3GPP TS 23.038 section 6.1.2); nil: not all are in it
	digits  bool     // it is a number: also as nibbles in either order (3GPP TS 24.008 section 10.5.4.7)
}

// Count grows whenever a new secret is added.
func (k *Known) Count() uint64 { return k.count }

// Empty says that there are no secrets.
func (k *Known) Empty() bool { return len(k.words) == 0 }

// Words gives the secrets.
func (k *Known) Words() []string {
	list := make([]string, len(k.words))
	for i, w := range k.words {
		list[i] = w.text
	}
	return list
}

// Public names texts to show even if they are added later as a password: in many networks the password is the user name or the
// APN. A text that is already known as a secret stays hidden, so that a peer cannot make a password public by using it as its
// name.
func (k *Known) Public(texts ...string) {
	for _, t := range texts {
		if t == "" || k.public[t] || len(k.public) >= knownLimit {
			continue
		}
		if k.public == nil {
			k.public = map[string]bool{}
		}
		k.public[t] = true
	}
}

// Add adds secrets. If there are too many, the oldest are forgotten. Texts that are empty, hidden already or public are not added.
func (k *Known) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) > longestWord {
			s = s[:longestWord]
		}
		if strings.Trim(s, "* ") == "" || strings.Contains(s, hiddenMark) || k.public[s] || slices.ContainsFunc(k.words, func(w word) bool { return w.text == s }) {
			continue
		}
		if len(k.words) == knownLimit {
			k.words = slices.Delete(k.words, 0, 1)
			k.gone++
		}
		k.words = append(k.words, newWord(s))
		k.count++
		if k.filter == nil || k.gone == knownLimit {
			k.filter, k.gone = new(filter), 0
			for i := range k.words {
				k.filter.add(&k.words[i])
			}
		} else {
			k.filter.add(&k.words[len(k.words)-1])
		}
		k.short = slices.ContainsFunc(k.words, func(w word) bool { return len(w.text) < shortWord })
	}
}

func newWord(s string) word {
	w := word{text: s, digits: isDigits(s)}
	if len(s) < shortWord {
		return w
	}
	add := func(list *[]string, form string) {
		if form != "" && !slices.Contains(*list, form) {
			*list = append(*list, form)
		}
	}
	// As it is; as it stands between quotation marks of a command line (V.250 section 5.4.2.2), of pppd, of JSON; as text
	// that was made printable.
	for _, f := range []string{s, quoted.Replace(s), escaped.Replace(s), event.Printable(s)} {
		add(&w.forms, toLower(f))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // octets before it in its group of three
			text := encoding.EncodeToString(append(make([]byte, before), s...))
			from, to := (before*8+5)/6, (before+len(s))*8/6 // the characters that depend on nothing else
			add(&w.exact, text[from:to])
		}
	}
	w.octets = append(w.octets, []byte(toLower(s)))
	if utf8.ValidString(s) {
		units := utf16.Encode([]rune(toLower(s)))
		big, little := make([]byte, 0, 2*len(units)), make([]byte, 0, 2*len(units))
		for _, u := range units {
			big, little = append(big, byte(u>>8), byte(u)), append(little, byte(u), byte(u>>8))
		}
		w.octets = append(w.octets, big, little)
	}
	w.septets = septets(s)
	return w
}

var (
	quoted  = strings.NewReplacer(`\`, `\5C`, `"`, `\22`)
	escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
)

// septets gives a text in GSM's default alphabet, nil if it cannot be (3GPP TS 23.038 section 6.2.1). Letters, digits and
// most punctuation are as in ASCII.
func septets(s string) []byte {
	var b []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c == '@':
			b = append(b, 0)
		case c == '$':
			b = append(b, 2)
		case c == '_':
			b = append(b, 0x11)
		case strings.IndexByte("^{}\\[]~|", c) >= 0:
			b = append(b, 0x1b, extended[c])
		case c == '`' || c < ' ' || c > 'z':
			return nil
		default:
			b = append(b, c)
		}
	}
	return b
}

var extended = map[byte]byte{'^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40}

// span is a part of a text: from is in it, to is not.
type span struct{ from, to int }

// stand gives what stands for an identity of a kind: Hidden for the first, and one with a number for others.
func (k *Known) stand(kind, identity string) string {
	if k.given == nil {
		k.given = map[string][]string{}
	}
	list := k.given[kind]
	i := slices.Index(list, identity)
	if i < 0 && len(list) < knownLimit && len(k.given) < knownLimit {
		i = len(list)
		k.given[kind] = append(list, identity)
	}
	if i <= 0 {
		return Hidden
	}
	return hiddenMark + " " + strconv.Itoa(i+1) + ">"
}

// Text gives a text with each known secret replaced by Hidden.
func (k *Known) Text(s string) string {
	if len(k.words) == 0 || s == "" {
		return s
	}
	if head, tail, ok := strings.Cut(s, hiddenMark); ok { // what was put there before is no text, be the password "hidden"
		return k.Text(head) + hiddenMark + k.Text(tail)
	}
	return replace(s, k.find(s))
}

// replace puts Hidden in place of spans, which may overlap.
func replace(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, x := range spans {
		if x.to <= at {
			continue
		}
		if x.from > at || at == 0 {
			b.WriteString(s[at:max(x.from, at)])
			b.WriteString(Hidden)
		}
		at = x.to
	}
	b.WriteString(s[at:])
	return b.String()
}

// Octets overwrites the known secrets in b with asterisks, and says whether there were any.
func (k *Known) Octets(b []byte) bool {
	if len(k.words) == 0 || len(b) == 0 {
		return false
	}
	if !k.short && !k.filter.inPacket(b) {
		return false
	}
	spans := k.find(string(b))
	for _, w := range k.words {
		spans = w.inOctets(spans, b)
	}
	for _, x := range spans {
		hide(b[x.from:x.to])
	}
	return len(spans) > 0
}

// find finds what is known in a text.
func (k *Known) find(s string) []span {
	var spans []span
	for i := 0; i+1 < len(s); i++ {
		if !k.filter.texts.has(lower(s[i]), lower(s[i+1])) {
			continue
		}
		for j := range k.words {
			if n := k.words[j].at(s, i); n > 0 {
				spans = append(spans, span{i, i + n})
				i += n - 1
				break
			}
		}
	}
	if k.filter.atEdge(s) {
		spans = k.wrapped(spans, s)
	}
	spans = k.encoded(spans, s)
	if k.short {
		spans = k.whole(spans, s)
	}
	return spans
}

// at gives how long the form of the secret is that begins at i, 0 if none does.
func (w *word) at(s string, i int) int {
	for _, f := range w.forms {
		if len(s)-i < len(f) || lower(s[i]) != f[0] || !equalFold(s[i:i+len(f)], f) {
			continue
		}
		if w.digits && len(f) <= standsAlone && (i > 0 && isDigit(s[i-1]) || i+len(f) < len(s) && isDigit(s[i+len(f)])) {
			continue
		}
		return len(f)
	}
	for _, f := range w.exact {
		if strings.HasPrefix(s[i:], f) {
			return len(f)
		}
	}
	return 0
}

// whole finds short secrets: they count as the whole of a quoted string, or of the text.
func (k *Known) whole(spans []span, s string) []span {
	for _, w := range k.words {
		if len(w.text) >= shortWord {
			continue
		}
		if strings.TrimSpace(s) == w.text {
			spans = append(spans, span{0, len(s)})
		}
		for _, q := range []string{`"`, `'`} {
			for from := 0; ; {
				i := strings.Index(s[from:], q+w.text+q)
				if i < 0 {
					break
				}
				spans = append(spans, span{from + i + 1, from + i + 1 + len(w.text)})
				from += i + 1 + len(w.text)
			}
		}
	}
	return spans
}

// wrapped finds a secret that a line end cuts in two: the greater half of it, at the end or the beginning of a text.
func (k *Known) wrapped(spans []span, s string) []span {
	text := strings.TrimRight(s, "\r\n\t ")
	lead := len(s) - len(strings.TrimLeft(s, "\r\n\t "))
	for _, w := range k.words {
		n := len(w.text)
		if n < shortWord+2 {
			continue
		}
		f := w.forms[0]
		half := max((len(f)+1)/2, 3)
		for n := min(len(f)-1, len(text)); n >= half; n-- {
			if equalFold(text[len(text)-n:], f[:n]) {
				spans = append(spans, span{len(text) - n, len(text)})
				break
			}
		}
		for n := min(len(f)-1, len(s)-lead); n >= half; n-- {
			if equalFold(s[lead:lead+n], f[len(f)-n:]) {
				spans = append(spans, span{lead, lead + n})
				break
			}
		}
	}
	return spans
}

// encoded finds secrets in numbers for octets: hexadecimal with or without something between, and percent-encoding.
func (k *Known) encoded(spans []span, s string) []span {
	for i := 0; i < len(s); {
		if s[i] == '%' && i+2 < len(s) && isHexDigit(s[i+1]) && isHexDigit(s[i+2]) {
			from, to := urlRun(s, i)
			plain, places := unpercent(s[from:to])
			for j := range k.words {
				for _, x := range k.words[j].inOctets(nil, plain) {
					spans = append(spans, span{from + places[x.from], from + places[x.to]})
				}
			}
			i = max(to, i+1)
			continue
		}
		if !isHexDigit(s[i]) {
			i++
			continue
		}
		var room [128]byte
		run, end := hexRun(room[:0], s, i)
		if len(run) >= 2*shortWord-2 && k.mayBeInHex(run) {
			for j := range k.words {
				w := &k.words[j]
				if w.inHex(run) || w.inHex(run[1:]) {
					spans = append(spans, span{i, end})
					break
				}
			}
		}
		i = end
	}
	return spans
}

// mayBeInHex says whether octets that are written in hexadecimal, from the first digit or from the second one on, may hold
// a secret.
func (k *Known) mayBeInHex(digits []byte) bool {
	last := uint16(0) // four digits, two octets
	for i, c := range digits {
		last = last<<4 | uint16(hexValue(c))
		if i >= 3 && k.filter.octets.has(byte(last>>8), byte(last)) {
			return true
		}
	}
	return false
}

// hexRun appends the hexadecimal digits from i on, and says where they end: without anything between them, or in groups with a
// space, colon, hyphen, comma, dot, 0x or \x between.
func hexRun(digits []byte, s string, i int) (_ []byte, end int) {
	for end = i; i < len(s); {
		n := 0
		for i+n < len(s) && isHexDigit(s[i+n]) {
			n++
		}
		if n == 0 || n%2 != 0 && len(digits) > 0 {
			break
		}
		digits, i = append(digits, s[i:i+n]...), i+n
		end = i
		for i < len(s) && i-end < 3 && strings.IndexByte(" :-,.", s[i]) >= 0 {
			i++
		}
		if i+1 < len(s) && (s[i] == '0' || s[i] == '\\') && (s[i+1] == 'x' || s[i+1] == 'X') {
			i += 2
		}
	}
	return digits, max(end, 0)
}

// urlRun gives the word around i: what is not blank and no quotation mark.
func urlRun(s string, i int) (from, to int) {
	for from = i; from > 0 && s[from-1] > ' ' && s[from-1] != '"'; from-- {
	}
	for to = i; to < len(s) && s[to] > ' ' && s[to] != '"'; to++ {
	}
	return from, to
}

// unpercent takes off percent-encoding (RFC 3986 section 2.1), and says where each octet stood, and where the end was.
func unpercent(s string) (plain []byte, places []int) {
	for i := 0; i < len(s); i++ {
		places = append(places, i)
		if s[i] == '%' && i+2 < len(s) && isHexDigit(s[i+1]) && isHexDigit(s[i+2]) {
			plain = append(plain, hexValue(s[i+1])<<4|hexValue(s[i+2]))
			i += 2
			continue
		}
		plain = append(plain, s[i])
	}
	return plain, append(places, len(s))
}

// inHex says whether octets that are written in hexadecimal hold the secret.
func (w *word) inHex(digits []byte) bool {
	b := make([]byte, len(digits)/2)
	for i := range b {
		b[i] = hexValue(digits[2*i])<<4 | hexValue(digits[2*i+1])
	}
	return len(w.inOctets(nil, b)) > 0
}

// inOctets finds the secret in octets: as it is, in UTF-16, packed by seven bits, and as the digits of a number.
func (w *word) inOctets(spans []span, b []byte) []span {
	for _, form := range w.octets {
		for i := 0; i+len(form) <= len(b); i++ {
			if lower(b[i]) == form[0] && equalFold(string(b[i:i+len(form)]), string(form)) {
				spans = append(spans, span{i, i + len(form)})
				i += len(form) - 1
			}
		}
	}
	if n := len(w.septets); n > 0 {
		for bit := range 7 {
			for i := 0; bit+(i+n)*7 <= len(b)*8; i++ {
				j := 0
				for j < n && foldSeptet(septet(b, bit+(i+j)*7)) == foldSeptet(w.septets[j]) {
					j++
				}
				if j == n {
					spans = append(spans, span{(bit + i*7) / 8, (bit + (i+n)*7 + 7) / 8})
				}
			}
		}
	}
	if w.digits && len(w.text) >= shortWord {
		for _, swapped := range []bool{false, true} {
			for i := 0; i+len(w.text) <= 2*len(b); i++ {
				j := 0
				for j < len(w.text) && nibble(b, i+j, swapped) == w.text[j]-'0' {
					j++
				}
				if j == len(w.text) {
					spans = append(spans, span{i / 2, (i + j + 1) / 2})
				}
			}
		}
	}
	return spans
}

func septet(b []byte, bit int) byte {
	v := uint16(b[bit/8]) >> (bit % 8)
	if bit%8 > 1 {
		v |= uint16(b[bit/8+1]) << (8 - bit%8)
	}
	return byte(v & 0x7f)
}

func foldSeptet(c byte) byte { return lower(c) }

func nibble(b []byte, i int, swapped bool) byte {
	if (i%2 == 0) != swapped {
		return b[i/2] >> 4
	}
	return b[i/2] & 15
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func toLower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// equalFold compares with a text in lower case, letters of ASCII in any case.
func equalFold(s, low string) bool {
	for i := range len(s) {
		if lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}
