package control

import (
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	long := strings.Repeat("x", 63)
	for _, name := range []string{"a", "0", "Cell-1.backup_2", "a..b", long} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "ä", "a\x00", long + "x"} {
		if CheckName(name) == nil {
			t.Errorf("%q may be a link's name", name)
		}
	}
}
