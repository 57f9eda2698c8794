package unwrap

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// isMail says whether a text begins as a mail (RFC 5322 section 3.6) or a mail box (RFC 4155) does.
func isMail(head []byte) bool {
	rest := head
	if bytes.HasPrefix(rest, []byte("From ")) { // the line before each mail in a box
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	fields, known := 0, 0
	for line := range bytes.Lines(rest) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || line[len(line)-1] == ' ' && len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' { // continuation of the field before
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			return known > 2 && len(line) == 0
		}
		fields++
		switch strings.ToLower(string(name)) {
		case "from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version", "content-type", "delivered-to", "content-transfer-encoding", "x-mailer", "reply-to", "in-reply-to", "references":
			known++
		}
	}
	return known >= 2 && fields >= 2
}

// mail gives the texts of all mails in a box, or of one mail.
func (w *walker) mail(in Input, r *bufio.Reader, depth int) error {
	box := &boxReader{r: r}
	for n := 1; box.next(); n++ {
		name := in.Name
		if n > 1 || box.more() {
			name = fmt.Sprintf("%s:mail %d", in.Name, n)
		}
		m, err := mail.ReadMessage(bufio.NewReader(box))
		if err != nil {
			if !errors.Is(err, io.EOF) {
				if err := w.each(Part{Name: name}, fmt.Errorf("cannot be read as a mail: %w", err)); err != nil {
					return err
				}
			}
			box.skip()
			continue
		}
		at, err := m.Header.Date()
		if err != nil {
			at = in.Time
		}
		if err := w.entity(name, at, textproto.MIMEHeader(m.Header), m.Body, depth+1); err != nil {
			return err
		}
		box.skip()
		if w.parts > w.limits.Parts {
			return nil
		}
	}
	return nil
}

// entity gives the texts of a mail or of a part of one (RFC 2045).
func (w *walker) entity(name string, at time.Time, h textproto.MIMEHeader, body io.Reader, depth int) error {
	if depth > w.limits.Depth+4 {
		return w.each(Part{Name: name}, &LimitError{"has too many parts inside other parts"})
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		media = "text/plain"
	}
	if strings.HasPrefix(media, "multipart/") && params["boundary"] != "" {
		parts := multipart.NewReader(body, params["boundary"])
		plain := false // one form of the same text is enough
		for n := 1; ; n++ {
			p, err := parts.NextRawPart()
			if err != nil {
				return nil // the end, or the last boundary is missing: the parts before are read
			}
			inner, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
			if media == "multipart/alternative" && plain && inner == "text/html" {
				continue
			}
			plain = plain || inner == "text/plain"
			called := name
			if f := p.FileName(); f != "" {
				called = inside(name, f)
			} else if n > 1 {
				called = fmt.Sprintf("%s:part %d", name, n)
			}
			if err := w.entity(called, at, p.Header, p, depth+1); err != nil {
				return err
			}
		}
	}
	text := strings.HasPrefix(media, "text/") || media == "message/rfc822"
	named := h.Get("Content-Disposition") != "" || params["name"] != ""
	if !text && !named {
		return nil // a picture, a signature
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, &onlyBase64{body})
	}
	return w.walk(Input{Name: name, Time: at, Reader: &patient{r: body, left: w.limits.Part}}, depth)
}

// onlyBase64 leaves out characters that are not base64; old programs write such characters in between.
type onlyBase64 struct{ r io.Reader }

func (o *onlyBase64) Read(p []byte) (int, error) {
	for {
		n, err := o.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}

// boxReader gives the mails of a box, one after another. Before each there is a line that begins with "From ", and before that
// line an empty line or the beginning of the file (RFC 4155).
type boxReader struct {
	r     *bufio.Reader
	line  []byte // the rest of the line that was read
	blank bool   // the line before was empty
	begun bool
	ended bool // the mail has ended
	over  bool // the box has ended
}

func (b *boxReader) next() bool {
	if b.over {
		return false
	}
	if !b.begun {
		b.begun = true
		if p, _ := b.r.Peek(5); string(p) == "From " {
			_, _ = b.r.ReadSlice('\n') // it was peeked at before
		}
	}
	b.ended, b.blank, b.line = false, true, nil
	_, err := b.r.Peek(1)
	return err == nil
}

// more says whether another mail follows, in what is buffered: then it is a box.
func (b *boxReader) more() bool {
	p, _ := b.r.Peek(b.r.Size())
	return bytes.Contains(p, []byte("\n\nFrom ")) || bytes.Contains(p, []byte("\n\r\nFrom "))
}

func (b *boxReader) Read(p []byte) (int, error) {
	if b.ended || b.over {
		return 0, io.EOF
	}
	if len(b.line) == 0 {
		line, err := b.r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			b.over = true
			return 0, io.EOF
		}
		if b.blank && bytes.HasPrefix(line, []byte("From ")) && bytes.Count(line, []byte(":")) >= 2 {
			b.ended = true
			return 0, io.EOF
		}
		b.blank = len(bytes.TrimRight(line, "\r\n")) == 0
		if bytes.HasPrefix(line, []byte(">From ")) {
			line = line[1:]
		}
		b.line = line
	}
	n := copy(p, b.line)
	b.line = b.line[n:]
	return n, nil
}

// skip goes to the end of the mail.
func (b *boxReader) skip() {
	_, _ = io.Copy(io.Discard, b) // an error is the end
}
