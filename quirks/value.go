package quirks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// Value is a value of some key, checked against the key's type and bounds.
type Value struct {
	typ  Type
	hex  bool
	num  int64 // Bool (0 or 1), Int, Duration in nanoseconds
	text string
	list []string
}

// String gives the value in the form of --set.
func (v Value) String() string {
	switch v.typ {
	case Bool:
		return strconv.FormatBool(v.num != 0)
	case Int:
		if v.hex {
			return fmt.Sprintf("0x%08x", v.num)
		}
		return strconv.FormatInt(v.num, 10)
	case Duration:
		s := time.Duration(v.num).String()
		for _, zero := range []string{"m0s", "h0m"} { // "1m0s" is written "1m"
			if strings.HasSuffix(s, zero) {
				s = s[:len(s)-2]
			}
		}
		return s
	case Words, Addresses, Prefixes:
		if len(v.list) > 0 {
			return strings.Join(v.list, ",")
		}
		return "[]"
	case Names, ATs:
		q := make([]string, len(v.list))
		for i, s := range v.list {
			q[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(q, ", ") + "]"
	}
	return v.text
}

// List gives the elements of a list; none for another type.
func (v Value) List() []string { return slices.Clone(v.list) }

// Equal says whether two values of one key mean the same.
func (v Value) Equal(w Value) bool {
	return v.typ == w.typ && v.num == w.num && v.text == w.text && slices.Equal(v.list, w.list)
}

// Limits on the size of values in files.
const (
	maxText = 200 // bytes of one text; an AT command line of V.250 need not be longer
	maxList = 32  // elements of one list
)

// parse reads a value as --set takes it: plain text for scalars; for lists a TOML array, or, where no element can hold
// a comma, elements between commas. For lists of texts and commands other text is one element.
func (k *key) parse(s string) (Value, error) {
	switch {
	case k.Type == Bool:
		b, err := strconv.ParseBool(s)
		if err != nil || (s != "true" && s != "false") {
			return Value{}, fmt.Errorf("%q is not true or false", s)
		}
		return k.fromBool(b), nil
	case k.Type == Int || k.Type == Duration:
		n, err := parseNumber(k.Type, s)
		if err != nil {
			return Value{}, err
		}
		return k.fromNumber(n)
	case !k.Type.list():
		return k.fromText(s)
	}
	if strings.HasPrefix(s, "[") {
		var doc struct{ V []string }
		if err := toml.Unmarshal([]byte("V = "+s), &doc); err != nil {
			return Value{}, fmt.Errorf("%q is not a TOML array of texts", s)
		}
		return k.fromList(doc.V)
	}
	if s == "" {
		return k.fromList(nil)
	}
	if k.Type != Names && k.Type != ATs {
		return k.fromList(strings.Split(s, ","))
	}
	return k.fromList([]string{s})
}

// parseNumber reads an integer, with 0x where wanted, or a duration.
func parseNumber(t Type, s string) (int64, error) {
	if t == Duration {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration such as \"250ms\" or \"1m30s\"", s)
		}
		return int64(d), nil
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not an integer", s)
	}
	return n, nil
}

func (k *key) fromBool(b bool) Value {
	v := Value{typ: Bool}
	if b {
		v.num = 1
	}
	return v
}

// fromNumber checks the bounds of an Int or a Duration.
func (k *key) fromNumber(n int64) (Value, error) {
	v := Value{typ: k.Type, hex: k.Hex, num: n}
	if n < k.min || n > k.max {
		return Value{}, fmt.Errorf("%s is out of range: %s to %s", v, k.Min, k.Max)
	}
	return v, nil
}

// fromText checks a Text, Enum, Address or AT.
func (k *key) fromText(s string) (Value, error) {
	v := Value{typ: k.Type, text: s}
	switch k.Type {
	case Enum:
		if !slices.Contains(k.Allowed, s) {
			return Value{}, wordError(s, k.Allowed)
		}
	case Address:
		if err := checkAddress(s); err != nil {
			return Value{}, err
		}
	case AT:
		if s == "" {
			break
		}
		if err := k.checkAT(s); err != nil {
			return Value{}, err
		}
	default:
		if err := k.checkText(s); err != nil {
			return Value{}, err
		}
	}
	return v, nil
}

// checkAT checks an AT command.
func (k *key) checkAT(s string) error {
	err := checkCommand(s, k.Dials)
	var refused *refusedError
	if errors.As(err, &refused) && refused.mayHarm && k.mayHarm {
		return nil
	}
	return err
}

func checkAddress(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() {
		return fmt.Errorf("%q is not an IPv4 address", s)
	}
	return nil
}

// checkText checks one text of a Text or Names.
func (k *key) checkText(s string) error {
	check := oneLine
	if k.Unicode {
		check = printable
	}
	if err := check(s); err != nil {
		return err
	}
	if i := strings.IndexAny(s, k.Forbid); i >= 0 {
		return fmt.Errorf("%q must not have the character %q", s, s[i])
	}
	return nil
}

// fromList checks each element of a list, and that none comes twice.
func (k *key) fromList(list []string) (Value, error) {
	if len(list) > maxList {
		return Value{}, fmt.Errorf("%d elements, but at most %d are allowed", len(list), maxList)
	}
	v := Value{typ: k.Type}
	for _, s := range list {
		switch k.Type {
		case Words:
			if !slices.Contains(k.Allowed, s) {
				return Value{}, wordError(s, k.Allowed)
			}
		case Addresses:
			if err := checkAddress(s); err != nil {
				return Value{}, err
			}
		case Prefixes:
			p, err := netip.ParsePrefix(s)
			if err != nil || !p.Addr().Is4() {
				return Value{}, fmt.Errorf("%q is not an IPv4 prefix such as \"10.0.0.0/8\"", s)
			}
			if p != p.Masked() {
				return Value{}, fmt.Errorf("%q has bits beyond its length; %q is meant", s, p.Masked())
			}
		case ATs:
			if err := k.checkAT(s); err != nil {
				return Value{}, err
			}
		default:
			if err := k.checkText(s); err != nil {
				return Value{}, err
			}
		}
		// A command may have to be sent twice; in every other list the same element twice is a slip.
		if k.Type != ATs && slices.Contains(v.list, s) {
			return Value{}, fmt.Errorf("%q comes twice", s)
		}
		v.list = append(v.list, s)
	}
	return v, nil
}

func wordError(s string, allowed []string) error {
	return errors.New(unknownText("word", s, allowed))
}

// unknownText says that a name is not an allowed one, which are, and which one was perhaps meant.
func unknownText(what, s string, allowed []string) string {
	text := fmt.Sprintf("unknown %s %q; allowed are %s", what, s, strings.Join(allowed, ", "))
	if n := Nearest(s, allowed); n != "" {
		text += fmt.Sprintf("; did you mean %q?", n)
	}
	return text
}

// oneLine holds texts to what can go to a modem or a terminal: printable ASCII, and not long.
func oneLine(s string) error {
	if len(s) > maxText {
		return fmt.Errorf("text of %d bytes, but at most %d are allowed", len(s), maxText)
	}
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return fmt.Errorf("%q has a character that is not printable ASCII", s)
		}
	}
	return nil
}

// printable holds texts to what can be shown on one line, and to UTF-8.
func printable(s string) error {
	if len(s) > maxText {
		return fmt.Errorf("text of %d bytes, but at most %d are allowed", len(s), maxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%q has a character that is not printable", s)
		}
	}
	return nil
}

// fromNode reads a value as a file has it.
func (k *key) fromNode(n *node) (Value, error) {
	wrong := func(want string) (Value, error) {
		return Value{}, fmt.Errorf("must be %s, not %s", want, n.kind)
	}
	switch {
	case k.Type == Bool:
		if n.kind != isBool {
			return wrong("true or false")
		}
		return k.fromBool(n.num != 0), nil
	case k.Type == Int:
		if n.kind != isInt {
			return wrong("an integer")
		}
		return k.fromNumber(n.num)
	case k.Type.list():
		if n.kind != isArray {
			return wrong("a list of texts")
		}
		list := make([]string, len(n.items))
		for i, c := range n.items {
			if c.kind != isString {
				return Value{}, fmt.Errorf("each element must be a text, not %s", c.kind)
			}
			list[i] = c.text
		}
		return k.fromList(list)
	case n.kind != isString:
		if k.Type == Duration {
			return wrong("a text such as \"250ms\" or \"1m30s\"")
		}
		return wrong("a text")
	}
	return k.parse(n.text)
}

// MarshalJSON gives true, 30, "1m30s", "text" or ["list"].
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.typ == Bool:
		return json.Marshal(v.num != 0)
	case v.typ == Int:
		return json.Marshal(v.num)
	case v.typ.list():
		return json.Marshal(append([]string{}, v.list...))
	}
	return json.Marshal(v.String())
}
