package quirks_test

import (
	"testing"

	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/quirks"
)

const devicesFile = "../docs/devices.md"

func TestGeneratedDevices(t *testing.T) {
	text := shipped(t).Markdown()
	golden.Same(t, devicesFile, []byte(text), "make generate")
}

// What the project promises of its database.
func TestTheDatabaseIsLargeEnough(t *testing.T) {
	db := shipped(t)
	ids := map[string]bool{}
	for _, d := range db.Devices() {
		for _, id := range d.USB {
			ids[id] = true
		}
	}
	different := map[string]bool{}
	check := func(list []quirks.Quirk) {
		for _, q := range list {
			if q.Reason == "" || len(q.Sources) == 0 || q.Confidence == "" {
				t.Errorf("%s: %s without reason, source or confidence", q.Origin, q.Key)
			}
		}
	}
	for _, d := range db.Devices() {
		check(d.Ports)
	}
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		check(p.Quirks)
		for _, q := range p.Quirks {
			different[q.Key+" "+q.Op.String()+" "+q.Value.String()] = true
		}
	}
	if len(db.Devices()) < 600 || len(ids) < 800 || len(different) < 60 {
		t.Errorf("%d entries, %d USB ids, %d different settings in profiles", len(db.Devices()), len(ids), len(different))
	}
}
