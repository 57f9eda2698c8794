package vectors

import (
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// shipped gives the database that is compiled into the program, and its scenarios.
func shipped(t testing.TB) (*quirks.DB, *Library) {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	for _, p := range problems {
		t.Fatal(p)
	}
	l, errs := Open(Place{FS: knak.Files, Dir: "quirks"})
	for _, err := range errs {
		t.Fatal(err)
	}
	return db, l
}

// Every shipped profile is needed, works, and holds nothing that makes no difference.
func TestShippedProfiles(t *testing.T) {
	db, l := shipped(t)
	for _, id := range db.Profiles() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := Test(db, l, id)
			for _, p := range r.Problems {
				t.Error(p)
			}
			for _, s := range r.Scenarios {
				for _, p := range s.Problems {
					t.Errorf("%s: %s", s.Name, p)
				}
			}
			for _, q := range r.Quirks {
				if q.Verdict == DeadWeight {
					t.Errorf("%s: %s = %s: %s", q.Source, q.Key, q.Value, q.Why)
				}
			}
		})
	}
	for _, name := range l.Orphans(db) {
		t.Errorf("scenario %s belongs to no profile", name)
	}
}
