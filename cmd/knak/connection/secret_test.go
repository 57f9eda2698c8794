package connection

import (
	"strings"
	"testing"
)

func TestFirstLine(t *testing.T) {
	for _, c := range []struct{ name, file, want, bad string }{
		{"as Unix ends lines", "geheim\nsecond\n", "geheim", ""},
		{"as Windows ends them", "geheim\r\n", "geheim", ""},
		{"without an end", "geheim", "geheim", ""},
		{"with the mark of an editor", "\xef\xbb\xbfgeheim\r\n", "geheim", ""},
		{"blanks are part of it", " geheim \n", " geheim ", ""},
		{"by PowerShell", "\xff\xfeg\x00\r\x00\n\x00", "", "Set-Content -Encoding ascii"},
		{"too long", strings.Repeat("x", secretLimit+1), "", "longer than"},
	} {
		got, err := firstLine(strings.NewReader(c.file))
		if c.bad != "" {
			if err == nil || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || got.Reveal() != c.want {
			t.Errorf("%s: %q, %v", c.name, got.Reveal(), err)
		}
	}
}
