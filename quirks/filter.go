package quirks

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Filter selects profiles. All fields that are given must fit.
type Filter struct {
	Vendor    string // the part of the id before the slash
	ID        string // a pattern of path.Match
	Key       string // the profile sets this key, itself or by inheritance
	Behaviour string // words of its summary, its reasons, and the meanings of its keys
}

// Makers gives the first halves of the ids of profiles.
func (db *DB) Makers() (list []string) {
	for _, id := range db.Profiles() {
		if v, _, _ := strings.Cut(id, "/"); !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// Profiles gives the ids of the selected profiles, sorted. An impossible value is an error that names its flag.
func (f Filter) Profiles(db *DB) ([]string, error) {
	if f.Key != "" {
		if _, ok := Lookup(f.Key); !ok {
			return nil, fmt.Errorf("--key %q: there is no such key; knak help quirks lists all", f.Key)
		}
	}
	if _, err := path.Match(f.ID, ""); err != nil {
		return nil, fmt.Errorf("--id %q: %w", f.ID, err)
	}
	if all := db.Makers(); f.Vendor != "" && !slices.Contains(all, f.Vendor) {
		return nil, fmt.Errorf("--vendor %q: there are %s", f.Vendor, strings.Join(all, ", "))
	}
	return slices.DeleteFunc(db.Profiles(), func(id string) bool { return !f.passes(db, id) }), nil
}

func (f Filter) passes(db *DB, id string) bool {
	if f.Vendor != "" && !strings.HasPrefix(id, f.Vendor+"/") {
		return false
	}
	if f.ID != "" {
		if ok, _ := path.Match(f.ID, id); !ok { // profiles has checked the pattern
			return false
		}
	}
	if f.Key == "" && f.Behaviour == "" {
		return true
	}
	var keys []string
	var text strings.Builder
	for _, home := range db.Lineage(id) {
		p, _ := db.Profile(home)
		text.WriteString(p.Summary + "\n")
		for _, q := range p.Quirks {
			keys = append(keys, q.Key)
			k, _ := Lookup(q.Key)
			text.WriteString(q.Reason + "\n" + k.Meaning + "\n" + q.Key + "\n")
		}
	}
	if f.Key != "" && !slices.Contains(keys, f.Key) {
		return false
	}
	all := strings.ToLower(text.String())
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(f.Behaviour)), func(w string) bool { return !strings.Contains(all, w) })
}
