package survey

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkManyLogs is a hundred thousand short logs of pppd, a log an operation.
func BenchmarkManyLogs(b *testing.B) {
	text := "Jun  4 10:00:00 box pppd[12]: pppd 2.4.9 started by root, uid 0\n" + strings.Repeat(refused, 8)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for i := range b.N {
		survey(b, []string{"-"}, strings.NewReader(text+fmt.Sprint(i)), Options{})
	}
}
