package doctor

import (
	"path/filepath"
	"strings"
	"testing"
)

// A port that the kernel has and /dev has not is no matter of rights.
func TestCheckPortMissing(t *testing.T) {
	list := checkPort(filepath.Join(t.TempDir(), "ttyUSB0"))
	if len(list) != 1 || list[0].State != "bad" || !strings.Contains(list[0].Text, "does not exist") || strings.Contains(list[0].Cure, "usermod") {
		t.Errorf("%+v", list)
	}
}
