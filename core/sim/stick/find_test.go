package stick

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// What a modem is on USB is said by its scenario, else by the database, which knows its profile; a modem on a serial line is no stick.
func TestFind(t *testing.T) {
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	list, err := Find(db, []string{"huawei/e398", "huawei/e173"})
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, s := range list {
		if !strings.HasPrefix(s.USB.ID, "12d1:") || len(s.USB.Interfaces) == 0 {
			t.Errorf("%s: %+v", s.Name, s.USB)
		}
	}
	if _, err := Find(db, []string{"behaves"}); err == nil || !strings.Contains(err.Error(), "needs [usb]") {
		t.Errorf("%v", err)
	}
	if list, _, err := FindAll(db, "huawei"); err != nil || len(list) < 5 {
		t.Errorf("%d, %v", len(list), err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"usb.sim.toml": "schema = 1\nsummary = \"a stick\"\n[identity]\nusb = \"1234:5678\"\n", "serial.sim.toml": "schema = 1\nsummary = \"on a serial line\"\n", "profile.toml": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if list, left, err := FindAll(db, dir); err != nil || len(list) != 1 || left != 1 {
		t.Errorf("%v, %d, %v", list, left, err)
	}
	if _, _, err := FindAll(db, "nobody"); err == nil {
		t.Error("sticks of nobody were found")
	}
}
