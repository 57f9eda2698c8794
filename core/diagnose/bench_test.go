package diagnose_test

import (
	"testing"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/link/linktest"
)

// BenchmarkLive judges a dial as it happens; what a dial itself costs is BenchmarkDial.
func BenchmarkLive(b *testing.B) {
	records := linktest.Call{Scenario: "huawei/e398", Profile: "huawei/e398"}.Records(b)
	b.ReportAllocs()
	for b.Loop() {
		w := diagnose.New()
		for _, r := range records {
			w.Record(r)
		}
		w.Findings()
	}
}

func BenchmarkDial(b *testing.B) {
	for b.Loop() {
		linktest.Call{Scenario: "huawei/e398", Profile: "huawei/e398"}.Records(b)
	}
}
