package private

// filter says for two consecutive octets whether a secret may contain them. So searching a line without secrets costs little more
// than reading it once. It may say yes wrongly, but never no: word then makes the full comparison. Nothing is ever removed from a
// filter; forgetting secrets means making a new one.
type filter struct {
	texts  pairSet // the first two characters of what is looked for in texts, in lower case
	octets pairSet // two octets of each form that is looked for in octets
	edges  pairSet // the two characters at the end or the beginning of a text that a secret may be cut at, in lower case
}

// pairSet has a bit for each pair of octets.
type pairSet [1 << 10]uint64

func (s *pairSet) add(a, b byte) {
	n := uint(a)<<8 | uint(b)
	s[n>>6] |= 1 << (n & 63)
}

func (s *pairSet) has(a, b byte) bool {
	n := uint(a)<<8 | uint(b)
	return s[n>>6]&(1<<(n&63)) != 0
}

// add adds the forms of a word.
func (f *filter) add(w *word) {
	for _, form := range w.forms {
		f.texts.add(form[0], form[1])
	}
	for _, form := range w.exact {
		f.texts.add(lower(form[0]), lower(form[1]))
	}
	if len(w.text) >= shortWord+2 { // see Known.wrapped
		form := w.forms[0]
		for n := 2; n < len(form); n++ {
			f.edges.add(form[n-2], form[n-1])
			f.edges.add(form[len(form)-n], form[len(form)-n+1])
		}
	}
	for _, form := range w.octets {
		for _, a := range cases(form[0]) {
			for _, b := range cases(form[1]) {
				f.octets.add(a, b)
			}
		}
	}
	if len(w.septets) >= shortWord {
		f.addSeptets(w.septets, 0, 0)
	}
	if w.digits && len(w.text) >= shortWord {
		f.addNibbles(w.text)
	}
}

// addSeptets adds the second and the third octet that four septets fill wholly, wherever in an octet they begin. n of them
// are in bits already.
func (f *filter) addSeptets(septets []byte, n int, bits uint64) {
	if n == shortWord {
		for shift := range 8 {
			f.octets.add(byte(bits<<shift>>8), byte(bits<<shift>>16))
		}
		return
	}
	for _, c := range cases(septets[n]) {
		f.addSeptets(septets, n+1, bits|uint64(c)<<(7*n))
	}
}

// addNibbles adds the first two octets of a number in either order of its digits, where it begins at an octet and where it
// begins in the middle of one.
func (f *filter) addNibbles(digits string) {
	d := func(i int) byte { return digits[i] - '0' }
	f.octets.add(d(0)<<4|d(1), d(2)<<4|d(3))
	f.octets.add(d(1)<<4|d(0), d(3)<<4|d(2))
	for other := range byte(16) {
		f.octets.add(other<<4|d(0), d(1)<<4|d(2))
		f.octets.add(d(0)<<4|other, d(2)<<4|d(1))
	}
}

// cases gives a letter in lower and in upper case, anything else as it is. c is in lower case.
func cases(c byte) []byte {
	c = lower(c)
	if 'a' <= c && c <= 'z' {
		return []byte{c, c &^ 0x20}
	}
	return []byte{c}
}

// inOctets says whether one of the forms may be in octets.
func (f *filter) inOctets(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if f.octets.has(b[i-1], b[i]) {
			return true
		}
	}
	return false
}

// inPacket says whether anything that Known looks for in octets may be in b: one of the forms, as it is or as a text has it.
func (f *filter) inPacket(b []byte) bool {
	if len(b) < 2 {
		return true
	}
	digits, prev := 0, byte(0)
	for i, c := range b {
		switch {
		case isHexDigit(c):
			digits++
		case c != ' ' && c != ':' && c != '-' && c != ',' && c != '.' && c != 'x' && c != 'X' && c != '\\':
			digits = 0
		}
		if c == '%' || digits >= 2*shortWord-2 || i > 0 && (f.octets.has(prev, c) || f.texts.has(lower(prev), lower(c))) {
			return true
		}
		prev = c
	}
	return f.atEdge(string(b[:min(len(b), 2*longestWord)])) || len(b) > 2*longestWord
}

// atEdge says whether a text may begin or end in the middle of a secret.
func (f *filter) atEdge(s string) bool {
	from, to := 0, len(s)
	for from < to && isBlank(s[from]) {
		from++
	}
	for to > from && isBlank(s[to-1]) {
		to--
	}
	return to-from >= 2 && (f.edges.has(lower(s[from]), lower(s[from+1])) || f.edges.has(lower(s[to-2]), lower(s[to-1])))
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
