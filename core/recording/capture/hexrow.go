package capture

import "strings"

// HexRow reads a row of octets in hexadecimal, for other readers whose lines contain such rows. It is false if row is not one.
func HexRow(row string) ([]byte, bool) {
	octets, _, ok := hexRow(row)
	return octets, ok
}

// hexRow reads octets at the beginning of a row, written as two hexadecimal digits each. An offset may stand before them, and the
// same octets as characters after them. rest is what follows the octets. ok means that there was an octet, and that rest may
// follow octets.
func hexRow(row string) (octets []byte, rest string, ok bool) {
	s := strings.TrimLeft(row, " \t")
	if octets = frameFields(s); octets != nil {
		return octets, "", true
	}
	if after, is := offset(s); is {
		s = strings.TrimLeft(after, " \t")
	}
	for s != "" {
		n, token := 0, s
		if len(token) > 1 && token[0] == '0' && (token[1] == 'x' || token[1] == 'X') {
			token = token[2:]
			n = 2
		}
		digits := 0
		for digits < len(token) && isHex(token[digits]) {
			digits++
		}
		if digits < 2 || digits%2 != 0 || digits > 2 && digits != 4 && len(octets) > 0 || n > 0 && digits != 2 {
			break
		}
		if end := token[digits:]; end != "" && !strings.ContainsRune(" \t,:;-|", rune(end[0])) {
			break
		}
		for i := 0; i < digits; i += 2 {
			octets = append(octets, unhex(token[i])<<4|unhex(token[i+1]))
		}
		s = token[digits:]
		gap := 0
		for gap < len(s) && strings.ContainsRune(" \t,:;-", rune(s[gap])) {
			gap++
		}
		if s == "" {
			break
		}
		// Rows of sixteen octets have a wider gap in the middle, and a still wider one before the characters.
		if blank := strings.TrimLeft(s[:gap], ",:;-"); len(blank) > 2 || len(blank) == 2 && len(octets) != 8 || strings.Contains(blank, "\t") {
			break
		}
		if s[0] == '|' {
			break
		}
		s = s[gap:]
	}
	rest = s
	if len(octets) == 0 || len(octets) > 0 && rest != "" && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '|' && len(octets) < 2 {
		return nil, row, false
	}
	return octets, rest, true
}

// frameFields reads a row that is one frame, from its flag on, with blanks between its fields: 7EFF03 C021 01 2C 0008 …
func frameFields(s string) (octets []byte) {
	if len(s) < 16 || s[0] != '7' || s[1]|0x20 != 'e' {
		return nil
	}
	uneven := false // ordinary rows have two digits in each group
	for f := range strings.FieldsSeq(s) {
		if len(f)%2 != 0 {
			return nil
		}
		uneven = uneven || len(f) > 4
		for i := 0; i < len(f); i += 2 {
			if !isHex(f[i]) || !isHex(f[i+1]) {
				return nil
			}
			octets = append(octets, unhex(f[i])<<4|unhex(f[i+1]))
		}
	}
	if !uneven {
		return nil
	}
	return octets
}

// offset removes an offset such as 00000010 or 0010: from the front of a row.
func offset(s string) (rest string, ok bool) {
	s = strings.TrimPrefix(s, "0x")
	n := 0
	for n < len(s) && isHex(s[n]) {
		n++
	}
	switch {
	case n < 4 || n > 8 || n == len(s):
		return s, false
	case s[n] == ':':
		return s[n+1:], true
	case n >= 6 && strings.HasPrefix(s[n:], "  "), n == 8 && s[n] == ' ', n == 4 && strings.HasPrefix(s[n:], "  "):
		return s[n:], true
	}
	return s, false
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
