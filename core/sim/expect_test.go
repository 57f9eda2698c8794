package sim

import (
	"strings"
	"testing"
)

// Each mistake in the expectations is told with its place.
func TestExpectIsStrict(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[expect.without]\n", "3:9: expect.without: says nothing"},
		{"[expect.without]\nworse = \"ugly\"", "unproved, dns, dropped, hangup, packets"},
		{"[expect.without]\nworse = \"dropped\"", "expect.hold: is missing"},
		{"[expect.without]\nexit = 256", "0 to 255"},
		{"[expect.without]\nfound = \"x\"", "allowed here: finding, exit, slower, worse"},
		{"[expect.with]\nmtu = 3", "64 to 65535"},
		{"[expect.with]\ndns = [\"2001:db8::1\"]", "is not an IPv4 address"},
		{"[expect]\npin = \"12a4\"", "at most 8 digits"},
		{"[expect]\nset = [\"lcp.restart\"]", "is not KEY=VALUE"},
		{"[expect]\nhold = \"3h\"", "2h at most"},
		{"[ports]\nppp = 300", "0 to 255"},
		{"[ports]\nppp = 3\nat = [2, 3]", "ports.at.1: 3 carries PPP"},
	} {
		_, err := Parse("x.toml", []byte("schema = 1\nsummary = \"s\"\n"+c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, want %q in it", c.text, err, c.want)
		}
	}
}

func TestOnPort(t *testing.T) {
	s, err := Parse("x.toml", []byte("schema = 1\nsummary = \"s\"\n[ports]\nppp = 3\nat = [2]\nfirst = 2"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		number int
		dial   string
		silent bool
	}{{3, "connect", false}, {2, "echo", false}, {-1, "echo", false}, {0, "connect", true}} {
		if got := s.OnPort(c.number); got.Dial.Result != c.dial || got.AT.Silent != c.silent {
			t.Errorf("port %d: dial %q, silent %v", c.number, got.Dial.Result, got.AT.Silent)
		}
	}
	s.Ports = nil
	if got := s.OnPort(7); got.AT.Silent || got.Dial.Result != "connect" {
		t.Errorf("a modem with one port: %+v", got.Dial)
	}
}
