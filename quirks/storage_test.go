package quirks_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

func TestStorageMode(t *testing.T) {
	for _, c := range []struct {
		usb  string
		ways []string
	}{
		{"19d2:2000", []string{"eject+message"}},
		{"19d2:0150", []string{"eject"}},
		{"12d1:1505", []string{"huawei-new"}},
		{"12D1:1505", []string{"huawei-new"}},
		{"0471:1210", []string{"eject", "eject"}}, // two makers with one id
		{"12d1:1506", nil},                        // the E398 as a modem
		{"", nil},
		{"#", nil},
	} {
		list, err := quirks.StorageMode(knak.Files, c.usb)
		if err != nil {
			t.Fatal(err)
		}
		var ways []string
		for _, s := range list {
			ways = append(ways, s.Way)
		}
		if !slices.Equal(ways, c.ways) {
			t.Errorf("%s: %v, want %v", c.usb, ways, c.ways)
		}
	}
}

// The list is sorted, its ids and ways are well formed.
func TestStorageListIsSound(t *testing.T) {
	data, err := fs.ReadFile(knak.Files, "storage.tsv")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{4}\t[a-z+-]+(\t(manufacturer|product|scsi-vendor|scsi-model)=\S+)?$`)
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "#") {
			continue
		}
		lines = append(lines, line)
		if !form.MatchString(line) {
			t.Errorf("%q", line)
		}
	}
	if !slices.IsSorted(lines) || len(lines) < 510 {
		t.Errorf("%d lines, sorted: %v", len(lines), slices.IsSorted(lines))
	}
	eject := 0
	for _, line := range lines {
		if strings.Split(line, "\t")[1] == "eject" {
			eject++
		}
	}
	if eject < 170 {
		t.Errorf("%d need only to be ejected", eject)
	}
}

func BenchmarkStorageMode(b *testing.B) {
	for b.Loop() {
		if _, err := quirks.StorageMode(knak.Files, "ffff:ffff"); err != nil {
			b.Fatal(err)
		}
	}
}
