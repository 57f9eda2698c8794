package unwrap

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// Text removes what is around a log, other than archives: UTF-16, the markup of a web page, numbers before the lines, the fences
// of Markdown. form says what was removed; "": nothing. The first octets of r decide.
func Text(r io.Reader) (text io.Reader, form string) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(begin)
	var forms []string
	if order, ok := byteOrder(head); ok {
		forms = append(forms, "UTF-16")
		b = bufio.NewReaderSize(unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(b), 64<<10)
		head, _ = b.Peek(begin)
	}
	if bytes.IndexByte(head, 0) >= 0 || len(head) > 0 && head[0] == '{' {
		return b, strings.Join(forms, ", ") // a recording that is not text, or has a form of its own
	}
	if isPage(head) {
		forms = append(forms, "web page")
		b = bufio.NewReaderSize(newPage(b), 64<<10)
		head, _ = b.Peek(begin)
	}
	if bytes.HasPrefix(head, []byte("```")) || bytes.Contains(head, []byte("\n```")) {
		forms = append(forms, "Markdown")
		b = bufio.NewReaderSize(&lines{r: b, take: withoutFence}, 64<<10)
		head, _ = b.Peek(begin)
	}
	if isNumbered(head) && !bytes.Contains(head, []byte("IRP_MJ_")) { // the numbers in Portmon's export belong to it
		n := numbers{}
		return &lines{r: b, take: n.take}, strings.Join(append(forms, "numbered lines"), ", ")
	}
	return b, strings.Join(forms, ", ")
}

// byteOrder says whether a text is in UTF-16, and in which byte order: by its mark, or because every other octet is zero.
func byteOrder(head []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) && len(head) > 3 && head[3] == 0:
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}) && len(head) > 3 && head[2] == 0:
		return unicode.BigEndian, true
	}
	n := min(len(head), 512) &^ 1
	if n < 16 {
		return unicode.LittleEndian, false
	}
	var zeros [2]int
	for i, c := range head[:n] {
		if c == 0 {
			zeros[i&1]++
		} else if c < '\t' || c >= 0x7f {
			return unicode.LittleEndian, false
		}
	}
	switch {
	case zeros[1] == n/2 && zeros[0] == 0:
		return unicode.LittleEndian, true
	case zeros[0] == n/2 && zeros[1] == 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// isPage says whether a text is a web page or a piece of one. pppd's options stand in angle brackets too, and are not tags.
func isPage(head []byte) bool {
	low := bytes.ToLower(head)
	for _, mark := range []string{"<!doctype html", "<html", "<head>", "<body", "<pre>", "<pre ", "<code>", "<code ", "<div>", "<div ", "<blockquote", "<br />", "<br/>", "<br>"} {
		if bytes.Contains(low, []byte(mark)) {
			return true
		}
	}
	return false
}

// page reads the text of a web page: only the preformatted parts, if there are any near the beginning, otherwise all of it. It
// knows only as much HTML as a log on a page needs, because the tables of a full parser would be set up at each start of the
// program.
type page struct {
	r    *bufio.Reader
	out  []byte
	pre  int // depth of nesting in preformatted parts
	only bool
	done bool
}

// maxTag is the most octets between a < and its >.
const maxTag = 1 << 20

func newPage(r *bufio.Reader) io.Reader {
	head, _ := r.Peek(64 << 10)
	low := bytes.ToLower(head)
	return &page{r: r, only: bytes.Contains(low, []byte("<pre")) || bytes.Contains(low, []byte("<code"))}
}

// breaks and inline say whether a word is the name of an element in pages. Any other name in angle brackets is text that was not
// escaped.
func breaks(element string) bool {
	switch element {
	case "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "section", "article", "header",
		"footer", "hr", "dt", "dd", "dl", "pre", "tbody", "thead":
		return true
	}
	return false
}

func inline(element string) bool {
	switch element {
	case "html", "head", "body", "title", "meta", "link", "a", "b", "i", "u", "em", "strong", "span", "font", "code", "tt", "kbd", "samp",
		"img", "td", "th", "small", "sup", "sub", "button", "input", "form", "label", "nav", "main", "aside", "iframe", "svg", "path", "script",
		"style", "noscript", "center", "s", "textarea", "select", "option", "figure", "figcaption", "time", "abbr", "mark", "del", "ins", "wbr",
		"col", "colgroup", "tfoot", "g", "use", "details", "summary":
		return true
	}
	return false
}

func (p *page) Read(b []byte) (int, error) {
	for len(p.out) == 0 {
		if p.done {
			return 0, io.EOF
		}
		p.token()
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

// token takes the next text or tag.
func (p *page) token() {
	p.out = p.out[:0]
	text, err := p.r.ReadSlice('<')
	open := err == nil
	p.done = err != nil && err != bufio.ErrBufferFull //nolint:errorlint // ReadSlice returns exactly this error
	if open {
		text = text[:len(text)-1]
	}
	shown := !p.only || p.pre > 0
	if shown {
		p.text(text)
	}
	if !open {
		return
	}
	name, closes := p.tag()
	switch deeper := map[bool]int{false: 1, true: -1}[closes]; {
	case name == "!--":
		p.pass("-->")
	case strings.HasPrefix(name, "!"), strings.HasPrefix(name, "?"):
		p.pass(">")
	case name == "script" || name == "style":
		p.end()
		if !closes {
			p.pass("</" + name)
			p.end()
		}
	case name == "pre" || name == "code" || name == "textarea":
		p.end()
		p.pre = max(p.pre+deeper, 0)
		if p.pre == 0 || name == "pre" {
			p.out = append(p.out, '\n')
		}
	case breaks(name):
		p.end()
		if shown {
			p.out = append(p.out, '\n')
		}
	case inline(name):
		p.end()
	case shown: // not a tag: text follows
		p.out = append(p.out, '<')
	}
}

// text adds text, with its character references (&lt;) replaced by the characters.
func (p *page) text(text []byte) {
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	p.out = append(p.out, bytes.ReplaceAll(text, []byte("\u00a0"), []byte(" "))...)
}

// longestTag is longer than the name of any element.
const longestTag = 16

// tag gives the name after a <, in lower case, and whether the tag closes an element. name is "" if there is none.
func (p *page) tag() (name string, closes bool) {
	head, _ := p.r.Peek(longestTag)
	if bytes.HasPrefix(head, []byte("!--")) {
		return "!--", false
	}
	if len(head) > 0 && (head[0] == '!' || head[0] == '?') {
		return string(head[:1]), false
	}
	head, closes = bytes.CutPrefix(head, []byte("/"))
	n := 0
	for n < len(head) && (head[n] >= 'a' && head[n] <= 'z' || head[n] >= 'A' && head[n] <= 'Z' || n > 0 && head[n] >= '0' && head[n] <= '9') {
		n++
	}
	if n < len(head) && bytes.IndexByte([]byte(" \t\r\n/>"), head[n]) < 0 {
		return "", closes
	}
	return strings.ToLower(string(head[:n])), closes
}

// end skips the rest of a tag, up to its > outside of quotes.
func (p *page) end() {
	quote := byte(0)
	for range maxTag {
		c, err := p.r.ReadByte()
		switch {
		case err != nil:
			p.done = true
			return
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return
		}
	}
}

// pass skips everything up to and including mark, in lower or upper case.
func (p *page) pass(mark string) {
	last := mark[len(mark)-1]
	before := make([]byte, 0, len(mark))
	for {
		c, err := p.r.ReadByte()
		if err != nil {
			p.done = true
			return
		}
		if len(before) == len(mark) {
			before = append(before[:0], before[1:]...)
		}
		before = append(before, c)
		if c|0x20 == last|0x20 && strings.EqualFold(string(before), mark) {
			return
		}
	}
}

// lines changes a text line by line; if take gives false, the line is left out.
type lines struct {
	r    *bufio.Reader
	take func(line []byte) ([]byte, bool)
	line []byte
	mid  bool // in the middle of a line that is longer than the buffer
	err  error
}

func (l *lines) Read(p []byte) (int, error) {
	for len(l.line) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		line, err := l.r.ReadSlice('\n')
		mid := l.mid
		l.mid = err == bufio.ErrBufferFull //nolint:errorlint // ReadSlice returns exactly this error
		if err != nil && !l.mid {
			l.err = err
		}
		if !mid {
			var ok bool
			if line, ok = l.take(line); !ok {
				continue
			}
		}
		l.line = line
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

func withoutFence(line []byte) ([]byte, bool) {
	return line, !bytes.HasPrefix(bytes.TrimLeft(line, " >\t"), []byte("```"))
}

// number removes from a line the number that a page or an editor has put before it.
func number(line []byte) (n int, rest []byte, ok bool) {
	s := bytes.TrimLeft(line, " \t")
	i := 0
	for i < len(s) && i < 7 && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 || i == len(s) || s[0] == '0' && i > 1 && !bytes.HasPrefix(s, []byte("0")) {
		return 0, line, false
	}
	n, _ = strconv.Atoi(string(s[:i])) // s[:i] is digits only
	rest = s[i:]
	switch {
	case len(bytes.TrimSpace(rest)) == 0:
		return n, rest, true
	case rest[0] == '\t', rest[0] == ' ':
		rest = rest[1:]
	case len(rest) > 1 && (rest[0] == ':' || rest[0] == '|' || rest[0] == '.' || rest[0] == ')') && (rest[1] == ' ' || rest[1] == '\t'):
		rest = rest[2:]
	default:
		return 0, line, false
	}
	return n, rest, true
}

// numbers removes a line's number if it follows the number before, or begins again at the first.
type numbers struct{ last int }

func (s *numbers) take(line []byte) ([]byte, bool) {
	if n, rest, ok := number(line); ok && (n == s.last+1 || n == 1) {
		s.last = n
		return rest, true
	}
	return line, true
}

// isNumbered says whether five consecutive lines begin with consecutive numbers.
func isNumbered(head []byte) bool {
	run, last := 0, 0
	for line := range bytes.Lines(head) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		n, _, ok := number(line)
		switch {
		case ok && run > 0 && n == last+1:
			if run++; run >= 5 {
				return true
			}
		case ok:
			run = 1
		default:
			run = 0
		}
		last = n
	}
	return false
}
