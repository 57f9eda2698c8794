package format

import (
	"strings"
	"testing"
)

// BenchmarkMatch is a line of FreeBSD's ppp: its prefix and the rule that it is of.
func BenchmarkMatch(b *testing.B) {
	for _, f := range Shipped() {
		if f.Name != "user-ppp" {
			continue
		}
		r := f.NewReader(noStamp)
		log := strings.Split(strings.TrimSpace(strings.ReplaceAll(f.Examples[0].Log, "Jan  5 10:00:01 box ppp[700]: ", "")), "\n")
		n := 0
		b.ReportAllocs()
		for i := range b.N {
			line := []byte(log[i%len(log)])
			l := r.Line(line)
			r.Match(l)
			n += len(line)
		}
		b.SetBytes(int64(n / b.N))
	}
}
