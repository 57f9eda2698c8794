package unwrap

import (
	"bytes"
	"compress/bzip2"
	"io"
)

// Packing is a compression that is taken off.
type Packing struct {
	Name string // for a person
	open func(io.Reader) (io.ReadCloser, error)
}

// Open gives what is packed in r. Whoever has read it closes it.
func (p *Packing) Open(r io.Reader) (io.ReadCloser, error) { return p.open(r) }

var packings = []struct {
	magic string
	Packing
}{
	{"\x1f\x8b\x08", Packing{"gzip", gunzip}},     // RFC 1952 section 2.3.1
	{"\x28\xb5\x2f\xfd", Packing{"zstd", unzstd}}, // RFC 8878 section 3.1.1
	{"BZh", Packing{"bzip2", func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil }}},
}

// PackingOf says by its first octets what something is packed with; nil: with nothing that is known.
func PackingOf(head []byte) *Packing {
	for i := range packings {
		p := &packings[i]
		if !bytes.HasPrefix(head, []byte(p.magic)) {
			continue
		}
		if p.Name == "bzip2" && (len(head) < 4 || head[3] < '1' || head[3] > '9') { // a text may begin so
			continue
		}
		return &p.Packing
	}
	return nil
}
