package quirks_test

import (
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// BenchmarkOpenShipped opens the database that is compiled into the program and looks a modem up, as a dial does.
func BenchmarkOpenShipped(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		r, err := db.Resolve(quirks.Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398"}, "", nil)
		if err != nil || r.Profile() != "huawei/e398" {
			b.Fatal(err, r.Profile())
		}
	}
}

// BenchmarkReadShipped reads all of it.
func BenchmarkReadShipped(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		db, _ := quirks.Open(quirks.Sources{Builtin: knak.Files})
		for _, id := range db.Profiles() {
			db.Profile(id)
		}
		if len(db.Devices()) == 0 {
			b.Fatal("no devices")
		}
	}
}
