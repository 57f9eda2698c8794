package read

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// repeated gives the same octets again and again.
type repeated struct {
	b    []byte
	left int64
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	r.left -= int64(n)
	return n, nil
}

func bench(b *testing.B, text []byte) {
	b.ReportAllocs()
	const chunk = 8 << 20
	b.SetBytes(chunk)
	for b.Loop() {
		r, err := Open(&repeated{b: text, left: chunk}, Options{Date: fileTime})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err != nil {
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				break
			}
		}
	}
}

// BenchmarkLog reads what pppd writes to syslog when it is told to debug.
func BenchmarkLog(b *testing.B) {
	var log bytes.Buffer
	for _, r := range simulated(b, "huawei/e398", "huawei/e398") {
		if p, ok := r.Event.(event.Packet); ok {
			log.WriteString(r.Time.Format("Jan _2 15:04:05") + " box pppd[12]: " + p.Line() + "\n")
		}
	}
	bench(b, log.Bytes())
}

func BenchmarkJSON(b *testing.B) {
	bench(b, jsonLines(b, simulated(b, "huawei/e398", "huawei/e398")))
}
