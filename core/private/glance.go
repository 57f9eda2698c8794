package private

import (
	"strings"
	"unicode/utf8"
)

// glance is the result of reading a text once. For most lines it shows that a closer search would find nothing.
type glance struct {
	digits int
	seen   uint8 // what its characters may be a part of
	begins uint8 // what three of its characters in a row may begin
}

// What a character may belong to.
const (
	aDigit = 1 << iota // a number
	aColon             // a label
	aWide              // not ASCII: perhaps a letter that folds to ASCII
)

// What three consecutive characters may begin.
const (
	beginsPass    = 1 << iota // passw, passphrase
	beginsPin                 // pin
	beginsSecret              // secret
	beginsNumber              // calling number, REMOTENUMBER
	beginsCommand             // an AT command
	beginsReply               // a reply of a modem
	beginsIs                  // " is", between a label and an identity
)

// secret says whether mentionsSecret may find something.
func (g glance) secret() bool {
	return g.begins&(beginsPass|beginsPin|beginsSecret|beginsNumber) != 0 || g.seen&aWide != 0
}

// looks says what each character may belong to. triples says what it may begin as the first, second or third of three characters.
// Three characters begin something if all three agree. A few others seem to; the closer search then finds nothing.
var looks, triples = func() (k [256]uint8, t [3][256]uint8) {
	for c := range 256 {
		switch b := byte(c); {
		case isDigit(b):
			k[c] = aDigit
		case b == ':' || b == '=':
			k[c] = aColon
		case b >= utf8.RuneSelf:
			k[c] = aWide
		}
	}
	begin := func(what uint8, first, second, third string) {
		for i, set := range []string{first, second, third} {
			for j := range len(set) {
				t[i][set[j]] |= what
			}
		}
	}
	const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	begin(beginsPass, "pP", "aA", "sS")
	begin(beginsPin, "pP", "iI", "nN")
	begin(beginsSecret, "sS", "eE", "cC")
	begin(beginsNumber, "cCrR", "aAeE", "lLmM")
	begin(beginsCommand, "aA", "tT", commandMarks)
	begin(beginsReply, replyMarks, upper, upper+"0123456789")
	begin(beginsIs, " ", "iI", "sS")
	return k, t
}()

// glanceAt goes through a text.
func glanceAt(s string) (g glance) {
	first, second := uint8(0), uint8(0) // what the two characters before may begin as those
	for i := range len(s) {
		c := s[i]
		kind := looks[c]
		g.seen |= kind
		g.digits += int(kind & aDigit)
		g.begins |= second & triples[2][c]
		second = first & triples[1][c]
		first = triples[0][c]
	}
	return g
}

// replyMarks begin the names of replies.
const replyMarks = "+^*%$#!_"

// commandMarks may stand behind AT in a command that can carry a secret.
const commandMarks = "+^%*#$DdEe&IiQqVvZzXxSsMmLlHh!@\\-"

// commandInside finds an AT command that can carry a secret: one with an equals sign, or a dial string.
func commandInside(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if (s[i] == 'A' && s[i+1] == 'T' || s[i] == 'a' && s[i+1] == 't') && (i == 0 || !isLetter(s[i-1])) && strings.IndexByte(commandMarks, s[i+2]) >= 0 {
			return i
		}
	}
	return -1
}
