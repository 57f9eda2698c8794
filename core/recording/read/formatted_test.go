package read

import (
	"bytes"
	"testing"

	"github.com/knakppp/knak/core/recording/format"
)

// Every format that knak has gives what its own examples say, and is found out by the content of each of them.
func TestShippedFormats(t *testing.T) {
	for _, f := range format.Shipped() {
		t.Run(f.Name, func(t *testing.T) {
			if err := CheckFormat(f); err != nil {
				t.Error(err)
			}
			for i, e := range f.Examples {
				r := open(t, bytes.TrimPrefix([]byte(e.Log), []byte("\n")), Options{})
				if got := r.Summary().Format; got != f.Name {
					t.Errorf("example %d is taken for %s", i+1, got)
				}
			}
		})
	}
}
