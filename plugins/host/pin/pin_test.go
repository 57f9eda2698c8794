package pin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/trust"
)

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"acme": true, "e398": true, "a-b-2": true,
		"": false, "Acme": false, "3g": false, "-a": false, "a/b": false, "..": false, "a.b": false, strings.Repeat("a", 41): false,
	} {
		if (CheckName(name) == nil) != ok {
			t.Errorf("%q: want %v", name, ok)
		}
	}
}

// install makes a plugin in a directory of its own with a plugins.lock that names it.
func install(t *testing.T) (lock *Lock, path string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(from, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "plugins")
	path, sum, err := Install(from, dir, "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Sum(path); err != nil || again != sum {
		t.Fatalf("%s, %v", again, err)
	}
	lock = &Lock{Path: filepath.Join(dir, "plugins.lock")}
	lock.Set(Pin{Name: "acme", SHA256: strings.Repeat("0", 64)})
	lock.Set(Pin{Name: "acme", SHA256: sum})
	lock.Set(Pin{Name: "abba", SHA256: sum})
	if err := lock.Write(); err != nil {
		t.Fatal(err)
	}
	read, err := ReadLock(lock.Path)
	if err != nil || len(read.Pins) != 2 || read.Pins[0].Name != "abba" || !read.Has("acme", sum) {
		t.Fatalf("%+v, %v", read, err)
	}
	return read, path
}

func TestStates(t *testing.T) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		want State
		do   func(l *Lock, path string) (sha256 string)
	}{
		{OK, func(*Lock, string) string { return "" }},
		{Modified, func(_ *Lock, p string) string { must(os.WriteFile(p, []byte("other"), 0o755)); return "" }},
		{Modified, func(*Lock, string) string { return strings.Repeat("0", 64) }},
		{NotPinned, func(l *Lock, _ string) string { l.Remove("acme"); return "" }},
		{Unsafe, func(_ *Lock, p string) string { must(os.Chmod(p, 0o775)); return "" }},
		{Unsafe, func(_ *Lock, p string) string { must(os.Chmod(filepath.Dir(p), 0o777)); return "" }},
		{NotExecutable, func(_ *Lock, p string) string { must(os.Chmod(p, 0o644)); return "" }},
		{Missing, func(_ *Lock, p string) string { must(os.Remove(p)); return "" }},
		{Unreadable, func(_ *Lock, p string) string { must(os.Remove(p)); must(os.Mkdir(p, 0o755)); return "" }},
	} {
		lock, path := install(t)
		f, err := Open(lock, "acme", path, c.do(lock, path))
		if got := StateOf(err); got != c.want {
			t.Errorf("%s, want %s: %v", got, c.want, err)
		}
		if f != nil {
			must(f.Close())
		}
	}
	if os.Geteuid() == 0 {
		lock, path := install(t)
		must(os.Chown(path, 4711, -1))
		if _, err := Open(lock, "acme", path, ""); StateOf(err) != WrongOwner {
			t.Errorf("another's file: %v", err)
		}
	}
}

func TestInstallRefusesAnotherContent(t *testing.T) {
	from, dir := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(from, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Install(from, dir, "acme", strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLockIsReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"[[plugin]]\nname = 'acme'\nsha = 'x'\n":    `line 3: unknown key "plugin.sha"`,
		"[[plugin]]\nname = 'acme'\nsha256 = 'x'\n": "64 lower-case hexadecimal digits",
		"[[plugin]]\nname = '../x'\nsha256 = 'x'\n": "plugin name",
		"[[plugin]\n":  "line 1",
		"plugin = 3\n": "line 1",
	} {
		if _, err := parseLock([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if l, err := ReadLock(filepath.Join(t.TempDir(), "none")); err != nil || len(l.Pins) > 0 {
		t.Errorf("a missing file: %v, %v", l, err)
	}
	path := filepath.Join(t.TempDir(), "plugins.lock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	var unsafe *trust.Error
	if _, err := ReadLock(path); !errors.As(err, &unsafe) {
		t.Errorf("a file that anybody may write: %v", err)
	}
}

func TestFindGivesTheFirst(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, f := range []string{a + "/knak-plugin-x", b + "/knak-plugin-x", b + "/knak-plugin-y", b + "/other", b + "/knak-plugin-Z"} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := List([]string{a, b, "/nowhere"}); len(got) != 2 || got[0].Path != a+"/knak-plugin-x" || got[1].Name != "y" {
		t.Errorf("%v", got)
	}
	var none *NotFoundError
	if _, err := Find([]string{a}, "y"); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	if dirs := Dirs("rel"); !filepath.IsAbs(dirs[0]) || dirs[len(dirs)-1] != "/usr/libexec/knak/plugins" {
		t.Errorf("%v", dirs)
	}
}

func FuzzLock(f *testing.F) {
	f.Add([]byte("[[plugin]]\nname = 'acme'\nsha256 = '0000000000000000000000000000000000000000000000000000000000000000'\n"))
	f.Add([]byte("[[plugin]]\nname = 3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pins, err := parseLock(text)
		for _, p := range pins {
			if err == nil && (CheckName(p.Name) != nil || CheckSum(p.SHA256) != nil) {
				t.Errorf("%+v", p)
			}
		}
	})
}
