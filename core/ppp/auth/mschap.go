package auth

import (
	"crypto/des"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/md4" //nolint:staticcheck // deprecated, and what RFC 2433 and RFC 2759 are made of
)

// The computations of RFC 2433 and RFC 2759. They rest on MD4 and DES, which protect nothing today; they are here
// because networks ask for them.

const (
	mschapChallengeSize   = 8  // RFC 2433 section 3
	mschapv2ChallengeSize = 16 // RFC 2759 section 3
	mschapResponseSize    = 49 // RFC 2433 section 4, RFC 2759 section 4
	ntResponseSize        = 24

	// maxPassword is the longest Windows password in UTF-16 units (RFC 2759 section 8.3: 0 to 256 characters).
	maxPassword = 256
)

// ntPasswordHash is RFC 2759 section 8.3 (and RFC 2433 appendix A.3): MD4 over the password in UTF-16, low octet first.
func ntPasswordHash(s Secret) [16]byte {
	var units [2 * maxPassword]byte
	b := units[:0]
	for _, r := range s.Reveal() {
		b = appendUTF16(b, r)
	}
	sum := md4Sum(b)
	clear(b)
	return sum
}

// widened gives a secret whose UTF-16 has one unit for each octet of s. pppd and lwIP make it so, and servers that were set
// up by them hold such passwords.
func widened(s Secret) Secret {
	text := s.Reveal()
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return NewSecret(string(runes))
}

func appendUTF16(b []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return append(b, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
	}
	return append(b, byte(r), byte(r>>8))
}

func md4Sum(b []byte) (sum [16]byte) {
	h := md4.New()
	h.Write(b)
	h.Sum(sum[:0])
	return sum
}

// passwordFits gives an error, which does not tell the password, when MS-CHAP cannot carry it.
func passwordFits(s Secret) error {
	if !utf8.ValidString(s.Reveal()) {
		return fmt.Errorf("the password is not valid UTF-8, which MS-CHAP needs")
	}
	units := 0
	for _, r := range s.Reveal() {
		units += max(1, utf16.RuneLen(r))
	}
	if units > maxPassword {
		return fmt.Errorf("the password has %d characters in UTF-16, MS-CHAP carries at most %d", units, maxPassword)
	}
	return nil
}

// challengeResponse is RFC 2759 section 8.5: DES of the challenge with the three parts of the hash.
func challengeResponse(challenge [8]byte, hash [16]byte) (response [ntResponseSize]byte) {
	var padded [21]byte
	copy(padded[:], hash[:])
	for i := range 3 {
		key := desKey([7]byte(padded[7*i:]))
		block, err := des.NewCipher(key[:])
		if err != nil {
			panic(err) // eight octets are always a key
		}
		block.Encrypt(response[8*i:8*i+8], challenge[:])
	}
	return response
}

// desKey spreads 56 bits over eight octets; DES ignores the parity bit that is left free.
func desKey(k [7]byte) (key [8]byte) {
	var bits uint64
	for _, b := range k {
		bits = bits<<8 | uint64(b)
	}
	for i := range key {
		key[i] = byte(bits>>(49-7*i)) << 1
	}
	return key
}

// challengeHash is RFC 2759 section 8.2.
func challengeHash(peerChallenge, authChallenge [mschapv2ChallengeSize]byte, name string) [8]byte {
	var buf [2*mschapv2ChallengeSize + 256]byte
	b := append(buf[:0], peerChallenge[:]...)
	b = append(b, authChallenge[:]...)
	b = append(b, withoutDomain(name)...)
	sum := sha1.Sum(b)
	return [8]byte(sum[:8])
}

// withoutDomain drops "DOMAIN\" from a name: the hash is over the user name alone (RFC 2759 section 8.2).
func withoutDomain(name string) string {
	return name[strings.LastIndexByte(name, '\\')+1:]
}

// mschapv2 is one exchange of RFC 2759: the values that both ends know, and those computed from them.
type mschapv2 struct {
	peerChallenge, authChallenge [mschapv2ChallengeSize]byte
	ntResponse                   [ntResponseSize]byte
}

func (x *mschapv2) compute(name string, s Secret) {
	x.ntResponse = challengeResponse(challengeHash(x.peerChallenge, x.authChallenge, name), ntPasswordHash(s))
}

// The two texts of RFC 2759 section 8.7.
const (
	magicServerToClient = "Magic server to client signing constant"
	magicMoreIterations = "Pad to make it do more than one iteration"
)

// authenticator is RFC 2759 section 8.7: what the server writes behind S=, in upper-case hex.
func (x *mschapv2) authenticator(name string, s Secret) [40]byte {
	hash := ntPasswordHash(s)
	hashHash := md4Sum(hash[:])
	var buf [128]byte
	b := append(buf[:0], hashHash[:]...)
	b = append(b, x.ntResponse[:]...)
	b = append(b, magicServerToClient...)
	digest := sha1.Sum(b)
	challenge := challengeHash(x.peerChallenge, x.authChallenge, name)
	b = append(buf[:0], digest[:]...)
	b = append(b, challenge[:]...)
	b = append(b, magicMoreIterations...)
	digest = sha1.Sum(b)
	var out [40]byte
	for i, d := range digest {
		const digits = "0123456789ABCDEF"
		out[2*i], out[2*i+1] = digits[d>>4], digits[d&15]
	}
	return out
}

// appendResponse appends the 49 octets of RFC 2759 section 4.
func (x *mschapv2) appendResponse(b []byte) []byte {
	b = append(b, x.peerChallenge[:]...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, x.ntResponse[:]...)
	return append(b, 0)
}

// appendMSCHAPResponse appends the 49 octets of RFC 2433 section 4: no LAN Manager response, the NT response, and the
// flag that says to use the latter.
func appendMSCHAPResponse(b []byte, challenge [8]byte, s Secret) []byte {
	var noLM [24]byte
	nt := challengeResponse(challenge, ntPasswordHash(s))
	b = append(b, noLM[:]...)
	b = append(b, nt[:]...)
	return append(b, 1)
}

// successText splits the message of RFC 2759 section 5, "S=<40 hex digits> M=<text>". Case and a missing M= are
// tolerated. proved says whether S= is what the server must have written.
func successText(message []byte, want [40]byte) (text string, proved bool) {
	text = string(message)
	if len(text) < 2 || !strings.EqualFold(text[:2], "S=") {
		return text, false
	}
	digest := text[2:min(len(text), 2+len(want))]
	text = strings.TrimLeft(text[2+len(digest):], " ")
	if len(text) >= 2 && strings.EqualFold(text[:2], "M=") {
		text = text[2:]
	}
	return text, subtle.ConstantTimeCompare([]byte(strings.ToUpper(digest)), want[:]) == 1
}

// failureText splits the message of RFC 2433 section 5 and RFC 2759 section 6, "E=691 R=0 C=<hex> V=3 M=<text>". What
// has no E= is all text. Without M=, the meaning of a known code is the text.
func failureText(message []byte) (text string, code int) {
	text = string(message)
	rest, found := text, false
	for rest = strings.TrimLeft(rest, " "); len(rest) >= 2 && rest[1] == '='; rest = strings.TrimLeft(rest, " ") {
		key := rest[0] &^ 0x20 // upper case
		if key == 'M' {
			text, found = rest[2:], true
			break
		}
		value, after, _ := strings.Cut(rest[2:], " ")
		if n, err := strconv.Atoi(value); key == 'E' && err == nil && n >= 0 {
			code = n
		}
		rest = after
	}
	if !found && code != 0 {
		text = mschapErrors[code]
	}
	return text, code
}

// mschapErrors are the codes of RFC 2433 section 5 and RFC 2759 section 6 in words.
var mschapErrors = map[int]string{
	646: "not allowed to log on at this hour",
	647: "the account is disabled",
	648: "the password has expired",
	649: "no permission to dial in",
	691: "wrong user name or password",
	709: "the password could not be changed",
}

// appendFailureText writes what failureText reads. The client is told not to try again (R=0).
func appendFailureText(b []byte, m Method, challenge []byte, text string) []byte {
	b = append(b, "E=691 R=0 C="...)
	b = append(b, strings.ToUpper(hex.EncodeToString(challenge))...)
	if m == MSCHAPv2 {
		b = append(b, " V=3 M="...)
		return append(b, text...)
	}
	return append(b, " V=2"...) // RFC 2433 section 5 has no M=
}
