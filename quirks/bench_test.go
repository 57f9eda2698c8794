package quirks_test

import (
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// BenchmarkOpenShipped loads the database that is compiled into the program.
func BenchmarkOpenShipped(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files}); len(problems) > 0 || len(db.Devices()) == 0 {
			b.Fatal(problems)
		}
	}
}
