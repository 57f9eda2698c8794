package sim

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// ParseError says what is wrong in a scenario file, and where.
type ParseError struct {
	File         string
	Line, Column int // from 1; 0 when the place is not known
	Message      string
}

// Error gives file:line:column: message.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// maxScenario bounds a scenario file, in octets. The greatest one here is a fiftieth of it.
const maxScenario = 1 << 18

// Parse reads a scenario strictly: an unknown key, a wrong type or a value out of range is an error that names file,
// line, column, and what is allowed. The error is one or more *ParseError, joined.
func Parse(file string, text []byte) (Scenario, error) {
	if len(text) > maxScenario {
		return Scenario{}, &ParseError{file, 1, 1, fmt.Sprintf("the file has more than %d octets", maxScenario)}
	}
	s := defaults()
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&s)
	if err != nil {
		return Scenario{}, decodeError(file, err)
	}
	c := &checker{file: file, places: places(text)}
	c.scenario(&s)
	if len(c.errs) > 0 {
		return Scenario{}, errors.Join(c.errs...)
	}
	return s, nil
}

// decodeError turns the decoder's errors into ours. The decoder's own text can quote the document, so only what is
// known to be harmless of it is used.
func decodeError(file string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var errs []error
		for i := range strict.Errors {
			e := &strict.Errors[i]
			line, column := e.Position()
			errs = append(errs, &ParseError{file, line, column, unknownKey(e.Key())})
		}
		return errors.Join(errs...)
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, column := bad.Position()
		return &ParseError{file, line, column, strings.TrimPrefix(bad.Error(), "toml: ")}
	}
	return &ParseError{file, 1, 1, strings.TrimPrefix(err.Error(), "toml: ")}
}

// unknownKey names the keys that the table has instead.
func unknownKey(key []string) string {
	known := keysOf(key[:len(key)-1])
	if len(known) == 0 {
		return fmt.Sprintf("unknown key %q", strings.Join(key, "."))
	}
	return fmt.Sprintf("unknown key %q; allowed here: %s", strings.Join(key, "."), strings.Join(known, ", "))
}

type place struct{ line, column int }

// places maps each key of the document, such as "ipcp.rule.2.do", to where it stands. Elements of arrays of tables are
// counted from 0. The document is known to be good TOML.
func places(text []byte) map[string]place {
	found := map[string]place{}
	count := map[string]int{} // how many [[x]] were seen, by full name of x
	var p unstable.Parser
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = tablePath(&p, found, count, e, false)
		case unstable.ArrayTable:
			table = tablePath(&p, found, count, e, true)
		case unstable.KeyValue:
			keyValue(&p, found, table, e)
		default: // a comment
		}
	}
	return found
}

// tablePath gives the path of a table's header with the elements of arrays of tables numbered.
func tablePath(p *unstable.Parser, found map[string]place, count map[string]int, e *unstable.Node, array bool) string {
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

func keyValue(p *unstable.Parser, found map[string]place, path string, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		path = join(path, string(it.Node().Data))
		found[path] = at(p, it.Node())
	}
	value(p, found, path, e.Value())
}

func value(p *unstable.Parser, found map[string]place, path string, v *unstable.Node) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			keyValue(p, found, path, it.Node())
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			element := join(path, strconv.Itoa(i))
			if n := it.Node(); n.Raw.Length > 0 {
				found[element] = at(p, n)
			}
			value(p, found, element, it.Node())
			i++
		}
	default: // a value that holds no others
	}
}

func at(p *unstable.Parser, n *unstable.Node) place {
	start := p.Shape(n.Raw).Start
	return place{start.Line, start.Column}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
