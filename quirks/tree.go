package quirks

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// kind is the type of a TOML value, as far as this package needs it.
type kind uint8

const (
	isTable kind = iota
	isArray
	isString
	isInt
	isBool
	isDate
	isOther // floats and times, which no file of this package may hold
)

func (k kind) String() string {
	return [...]string{"a table", "a list", "a text", "an integer", "true or false", "a date", "a number or time"}[k]
}

// node is a TOML value with the place of the value or of its key. go-toml's own decoder gives places only for errors; here every
// value needs one, because every setting must say where it came from.
type node struct {
	kind  kind
	key   pos    // of its name; zero for elements of arrays
	pos   pos    // of the value itself; of the name where the parser gives none, as for arrays
	text  string // isString, isDate
	num   int64  // isInt, isBool
	items []*node
	names []string // isTable: in the order of the file
	table map[string]*node

	// Whether a table may not grow any more, because it was written inline.
	inline bool
}

// pos is a place in a file. A zero line means the file as a whole.
type pos struct{ line, col int }

func (n *node) child(name string) *node {
	if n.table == nil {
		return nil
	}
	return n.table[name]
}

// add puts a new child into a table.
func (n *node) add(name string, c *node) {
	if n.table == nil {
		n.table = map[string]*node{}
	}
	n.table[name] = c
	n.names = append(n.names, name)
}

// syntaxError is text that is not TOML.
type syntaxError struct {
	pos  pos
	text string
}

func (e *syntaxError) Error() string { return e.text }

// parseTree reads TOML into nodes. All errors are *syntaxError.
func parseTree(data []byte) (*node, error) {
	// The decoder proper checks what the parser below leaves to its caller: keys and tables defined twice, and the like.
	if err := toml.Unmarshal(data, new(map[string]any)); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, col := de.Position()
			return nil, &syntaxError{pos{line, col}, strings.TrimPrefix(de.Error(), "toml: ")}
		}
		return nil, &syntaxError{text: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return build(data)
}

// build reads TOML that is known to be good into nodes.
func build(data []byte) (*node, error) { return buildFrom(data, 0) }

// buildFrom is build for a part of a file that has so many lines before it.
func buildFrom(data []byte, before int) (*node, error) {
	b := builder{lines: lineStarts(data), before: before}
	b.parser.Reset(data)
	root := &node{kind: isTable}
	into := root
	for b.parser.NextExpression() {
		e := b.parser.Expression()
		var err error
		switch e.Kind {
		case unstable.Table:
			into, err = b.header(root, e, false)
		case unstable.ArrayTable:
			into, err = b.header(root, e, true)
		case unstable.KeyValue:
			err = b.keyValue(into, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := b.parser.Error(); err != nil {
		return nil, &syntaxError{text: err.Error()}
	}
	return root, nil
}

type builder struct {
	parser unstable.Parser
	lines  []int // offset of the first byte of every line
	before int   // lines of the file before the text
}

func lineStarts(data []byte) []int {
	starts := []int{0}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return starts
		}
		i += n + 1
		starts = append(starts, i)
	}
}

// at gives the place of a range. Columns count bytes, as editors' "go to" does for the ASCII these files are mostly of.
func (b *builder) at(r unstable.Range) pos {
	off := int(r.Offset)
	line := sort.SearchInts(b.lines, off+1)
	return pos{b.before + line, off - b.lines[line-1] + 1}
}

// clash is the error for a tree that the decoder let pass and this builder cannot make.
func clash(p pos, name string) error {
	return &syntaxError{p, fmt.Sprintf("%q is defined twice or as two different things", name)}
}

// header goes to the table that a [header] or [[header]] names, making it where it is not there.
func (b *builder) header(root *node, e *unstable.Node, array bool) (*node, error) {
	n := root
	for it := e.Key(); it.Next(); {
		k := it.Node()
		name, p, last := string(k.Data), b.at(k.Raw), it.IsLast()
		c := n.child(name)
		switch {
		case c == nil && last && array:
			c = &node{kind: isArray, key: p, pos: p}
			n.add(name, c)
		case c == nil:
			c = &node{kind: isTable, key: p, pos: p}
			n.add(name, c)
		case last && !array && c.kind == isTable && !c.inline:
			c.key, c.pos = p, p // named before only as the parent of another: this is its own place
		}
		if c.kind == isArray && (!last || array) {
			if last {
				c.items = append(c.items, &node{kind: isTable, key: p, pos: p})
			}
			if len(c.items) == 0 {
				return nil, clash(p, name)
			}
			c = c.items[len(c.items)-1]
		}
		if c.kind != isTable || c.inline {
			return nil, clash(p, name)
		}
		n = c
	}
	return n, nil
}

// keyValue puts one key = value into a table; a dotted key makes tables on the way.
func (b *builder) keyValue(n *node, e *unstable.Node) error {
	for it := e.Key(); it.Next(); {
		k := it.Node()
		name, p := string(k.Data), b.at(k.Raw)
		c := n.child(name)
		if it.IsLast() {
			if c != nil {
				return clash(p, name)
			}
			v, err := b.value(e.Value(), p)
			if err != nil {
				return err
			}
			v.key = p
			n.add(name, v)
			return nil
		}
		if c == nil {
			c = &node{kind: isTable, key: p, pos: p}
			n.add(name, c)
		}
		if c.kind != isTable || c.inline {
			return clash(p, name)
		}
		n = c
	}
	return nil
}

// value makes the node of a value. Where the parser gives no place for it, the key's place p is used.
func (b *builder) value(e *unstable.Node, p pos) (*node, error) {
	if e.Raw.Length > 0 {
		p = b.at(e.Raw)
	}
	n := &node{pos: p}
	switch e.Kind {
	case unstable.String:
		n.kind, n.text = isString, string(e.Data)
	case unstable.Bool:
		n.kind = isBool
		if string(e.Data) == "true" {
			n.num = 1
		}
	case unstable.Integer:
		n.kind = isInt
		v, err := strconv.ParseInt(integer(string(e.Data)), 0, 64)
		if err != nil {
			return nil, &syntaxError{p, fmt.Sprintf("%q is not an integer of 64 bits", e.Data)}
		}
		n.num = v
	case unstable.LocalDate:
		n.kind, n.text = isDate, string(e.Data)
	case unstable.Array:
		n.kind = isArray
		for it := e.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			c, err := b.value(it.Node(), p)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, c)
		}
	case unstable.InlineTable:
		n.kind = isTable
		for it := e.Children(); it.Next(); {
			if it.Node().Kind != unstable.KeyValue {
				continue
			}
			if err := b.keyValue(n, it.Node()); err != nil {
				return nil, err
			}
		}
		n.inline = true
	default:
		n.kind = isOther
	}
	return n, nil
}

// integer makes a TOML integer one that strconv takes with base 0: TOML's "+7" is fine there, and so are its
// underscores and prefixes.
func integer(s string) string { return strings.ReplaceAll(s, "_", "") }
