package unwrap

import (
	"compress/gzip"
	"errors"
	"io"
)

// In the page for browsers, the second inflater and zstd would be a tenth of its size (docs/decisions/0015-page.md).

func gunzip(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }

func unzstd(io.Reader) (io.ReadCloser, error) {
	return nil, errors.New("is packed with zstd, which this page does not read; unpack it first (zstd -d FILE)")
}
