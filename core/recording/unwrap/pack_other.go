//go:build !js

package unwrap

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of a zstd stream: what zstd itself takes without being asked (window log 27 is its limit).
const maxWindow = 32 << 20

func gunzip(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }

func unzstd(r io.Reader) (io.ReadCloser, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}
