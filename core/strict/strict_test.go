package strict

import (
	"testing"
)

type inner struct {
	Name string `toml:"name"`
	Size int    `toml:"size"`
}

type outer struct {
	Title string  `toml:"title"`
	Part  []inner `toml:"part"`
}

// What is wrong is said with file, line and column, and with what is allowed.
func TestDecode(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"good":         {"title = \"a\"\n[[part]]\nname = \"b\"\n", ""},
		"unknown key":  {"title = \"a\"\n[[part]]\nnam = \"b\"\n", `f.toml:3:1: unknown key "part.nam"; allowed here: name, size`},
		"at the top":   {"titel = 1\n", `f.toml:1:1: unknown key "titel"; allowed here: title, part`},
		"wrong type":   {"title = \"a\"\n[[part]]\nsize = \"b\"\n", `f.toml:3:8: part.size must be a whole number, not a string`},
		"no TOML":      {"title = \n", "f.toml:1:9: unexpected character U+000A at start of value"},
		"far too long": {"title = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "f.toml:1:1: the file has more than 60 octets"},
	} {
		t.Run(name, func(t *testing.T) {
			var v outer
			got := ""
			if err := Decode("f.toml", []byte(tt.text), 60, &v); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	p := Find([]byte("a = 1\n[[x]]\nb = 2\n[[x]]\nb = [\n \"c\",\n \"d\"]\ne = {f = 1}\n"))
	for path, want := range map[string]Place{
		"a": {1, 1}, "x.0.b": {3, 1}, "x.1": {4, 3}, "x.1.b.1": {7, 2}, "x.1.e.f": {8, 6}, "x.1.nothing": {4, 3}, "": {1, 1},
	} {
		if got := p.Find(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("title = \"a\"\n[[part]]\nname = \"b\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var v outer
		if Decode("f", text, 1<<12, &v) == nil {
			Find(text)
		}
	})
}
