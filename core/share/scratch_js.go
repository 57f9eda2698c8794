package share

import (
	"bytes"
	"errors"
)

// memory is the scratch of a page in a browser, which has no files. Reading frees it step by step, so it can be read only once.
type memory struct{ bytes.Buffer }

// most is the greatest size, in octets.
const most = 256 << 20

func (m *memory) Write(b []byte) (int, error) {
	if m.Len()+len(b) > most {
		return 0, errors.New("the recording is too long to be packed in a browser: knak report --bundle packs it")
	}
	return m.Buffer.Write(b)
}

func newScratch() (scratch, error) { return &memory{}, nil }

// Seek goes to the beginning, the only position that captureFile asks for.
func (m *memory) Seek(int64, int) (int64, error) { return 0, nil }

// Close does nothing.
func (m *memory) Close() error { return nil }
