package survey

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Logs of other stacks than pppd, each made after a public case with numbers of its own: the format is found out, and the first
// finding is the cause that the case came to.
func TestOtherStacks(t *testing.T) {
	f, err := os.Open("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range rows[1:] {
		name, format, want := row[0], row[1], row[2]
		listed = append(listed, filepath.Join("testdata", name))
		t.Run(name, func(t *testing.T) {
			all, _ := survey(t, []string{filepath.Join("testdata", name)}, nil, Options{})
			if len(all) != 1 || all[0].Err != nil {
				t.Fatalf("%+v", all)
			}
			got, v := "none", all[0].Verdict
			switch {
			case len(v.Findings) > 0:
				got = v.Findings[0].ID
			case !v.Up:
				t.Error("nothing is found, and no link came up")
			}
			if got != want || all[0].Summary.Format != format {
				t.Errorf("%s, %s; want %s, %s", all[0].Summary.Format, got, format, want)
			}
		})
	}
	files, _ := filepath.Glob("testdata/*.log")
	for _, f := range files {
		if !slices.Contains(listed, f) {
			t.Errorf("%s is not in cases.tsv", f)
		}
	}
}
