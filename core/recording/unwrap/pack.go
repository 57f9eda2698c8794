package unwrap

import (
	"bytes"
	"compress/bzip2"
	"io"
)

// Packing is a kind of compression.
type Packing struct {
	Name string // for people
	open func(io.Reader) (io.ReadCloser, error)
}

// Open gives the decompressed contents of r. The caller closes it.
func (p *Packing) Open(r io.Reader) (io.ReadCloser, error) { return p.open(r) }

var packings = []struct {
	magic string
	Packing
}{
	{"\x1f\x8b\x08", Packing{"gzip", gunzip}},     // RFC 1952 section 2.3.1
	{"\x28\xb5\x2f\xfd", Packing{"zstd", unzstd}}, // RFC 8878 section 3.1.1
	{"BZh", Packing{"bzip2", func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil }}},
}

// PackingOf recognises a compression by the first octets; nil: none that is known.
func PackingOf(head []byte) *Packing {
	for i := range packings {
		p := &packings[i]
		if !bytes.HasPrefix(head, []byte(p.magic)) {
			continue
		}
		if p.Name == "bzip2" && (len(head) < 4 || head[3] < '1' || head[3] > '9') { // a text may begin with these letters
			continue
		}
		return &p.Packing
	}
	return nil
}
