// Package strict reads TOML strictly. An unknown key, a wrong type and invalid TOML are errors that name file, line and column,
// and say what is allowed. Places gives a checker the position of each key, so that its errors look the same.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Error is a mistake in a file, with its position.
type Error struct {
	File         string
	Line, Column int // both from 1
	Message      string
}

// Error gives file:line:column: message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Decode reads text into v, a pointer to a struct with toml tags. The error is one or more *Error, joined. limit is the greatest
// size of the text, in octets.
func Decode(file string, text []byte, limit int, v any) error {
	if len(text) > limit {
		return &Error{file, 1, 1, fmt.Sprintf("the file has more than %d octets", limit)}
	}
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(v)
	if err == nil {
		return nil
	}
	// The decoder's own text can quote the document, so only what is known to be harmless of it is used.
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) {
		var errs []error
		for i := range missing.Errors {
			e := &missing.Errors[i]
			line, column := e.Position()
			errs = append(errs, &Error{file, line, column, unknownKey(reflect.TypeOf(v), e.Key())})
		}
		return errors.Join(errs...)
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, column := bad.Position()
		return &Error{file, line, column, mismatch(strings.TrimPrefix(bad.Error(), "toml: "), bad.Key())}
	}
	return &Error{file, 1, 1, strings.TrimPrefix(err.Error(), "toml: ")}
}

// mismatch says of a value of the wrong type what the key wants: the decoder speaks of types of Go. Another text stays.
func mismatch(text string, key []string) string {
	rest, ok := strings.CutPrefix(text, "cannot decode TOML ")
	is, wants, ok2 := strings.Cut(rest, " into ")
	if !ok || !ok2 || len(key) == 0 {
		return text
	}
	if i := strings.LastIndex(wants, "type "); i >= 0 {
		wants = wants[i+len("type "):]
	}
	return fmt.Sprintf("%s must be %s, not %s", strings.Join(key, "."), inWords(wants), article(is))
}

// inWords gives a type of Go as one who writes the file calls it.
func inWords(goType string) string {
	if of, ok := strings.CutPrefix(goType, "[]"); ok {
		return "a list; each of it " + inWords(of)
	}
	switch goType = strings.TrimPrefix(goType, "*"); {
	case goType == "string":
		return "a text in quotes"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case strings.HasPrefix(goType, "map["):
		return "a table"
	case strings.HasSuffix(goType, "Duration"):
		return "a duration in quotes, such as \"10s\""
	}
	return "a value of another kind"
}

func article(word string) string {
	switch {
	case word == "":
		return "this"
	case strings.ContainsRune("aeiou", rune(word[0])):
		return "an " + word
	}
	return "a " + word
}

// unknownKey names the keys that the table has instead.
func unknownKey(t reflect.Type, key []string) string {
	known := keys(t, key[:len(key)-1])
	if len(known) == 0 {
		return fmt.Sprintf("unknown key %q", strings.Join(key, "."))
	}
	return fmt.Sprintf("unknown key %q; allowed here: %s", strings.Join(key, "."), strings.Join(known, ", "))
}

// keys lists the keys of the table at a path of keys, by the struct tags; nil when there is no such table.
func keys(t reflect.Type, path []string) []string {
	for _, k := range path {
		if t = element(t); t.Kind() != reflect.Struct {
			return nil
		}
		found := false
		for i := range t.NumField() {
			if f := t.Field(i); name(f) == k {
				t, found = f.Type, true
				break
			}
		}
		if !found {
			return nil
		}
	}
	if t = element(t); t.Kind() != reflect.Struct {
		return nil
	}
	var list []string
	for i := range t.NumField() {
		if n := name(t.Field(i)); n != "" {
			list = append(list, n)
		}
	}
	return list
}

func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func name(f reflect.StructField) string {
	n, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
	if n == "-" {
		return ""
	}
	return n
}

// Place is a position in a file; line and column count from 1.
type Place struct{ Line, Column int }

// Places maps each key of a document, such as "ipcp.rule.2.do", to its position. Elements of arrays count from 0.
type Places map[string]Place

// Find gives the position of a key. If the document does not have the key, it gives that of the nearest table around it.
func (p Places) Find(path string) Place {
	for {
		if at, ok := p[path]; ok || path == "" {
			return Place{max(at.Line, 1), max(at.Column, 1)}
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
}

// Find gives the Places of a valid TOML document.
func Find(text []byte) Places {
	found := Places{}
	count := map[string]int{} // how many [[x]] were seen, by full name of x
	var p unstable.Parser
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = found.header(&p, count, e, false)
		case unstable.ArrayTable:
			table = found.header(&p, count, e, true)
		case unstable.KeyValue:
			found.keyValue(&p, table, e)
		default: // a comment
		}
	}
	return found
}

// header gives the path of a table's header with the elements of arrays of tables numbered.
func (found Places) header(p *unstable.Parser, count map[string]int, e *unstable.Node, array bool) string {
	path := ""
	for it := e.Key(); it.Next(); {
		n := it.Node()
		path = join(path, string(n.Data))
		if array && it.IsLast() {
			count[path]++
		}
		if c := count[path]; c > 0 {
			path = join(path, strconv.Itoa(c-1))
		}
		found[path] = at(p, n)
	}
	return path
}

func (found Places) keyValue(p *unstable.Parser, path string, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		path = join(path, string(it.Node().Data))
		found[path] = at(p, it.Node())
	}
	found.value(p, path, e.Value())
}

func (found Places) value(p *unstable.Parser, path string, v *unstable.Node) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			found.keyValue(p, path, it.Node())
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			element := join(path, strconv.Itoa(i))
			if n := it.Node(); n.Raw.Length > 0 {
				found[element] = at(p, n)
			}
			found.value(p, element, it.Node())
			i++
		}
	default: // a value that holds no others
	}
}

func at(p *unstable.Parser, n *unstable.Node) Place {
	start := p.Shape(n.Raw).Start
	return Place{start.Line, start.Column}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
