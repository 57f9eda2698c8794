package share

import (
	"bytes"
	"errors"
)

// memory is the scratch of a page in a browser, which has no files. It is read from where it was written first, and so once.
type memory struct{ bytes.Buffer }

// most bounds it, in octets.
const most = 256 << 20

func (m *memory) Write(b []byte) (int, error) {
	if m.Len()+len(b) > most {
		return 0, errors.New("the recording is too long to be packed in a browser: knak report --bundle packs it")
	}
	return m.Buffer.Write(b)
}

func newScratch() (scratch, error) { return &memory{}, nil }

// Seek goes to the beginning, the only place that captureFile asks for.
func (m *memory) Seek(int64, int) (int64, error) { return 0, nil }

// Close has nothing to close.
func (m *memory) Close() error { return nil }
