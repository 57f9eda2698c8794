package sim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// deviceFS is the part of the project that holds the devices' scenarios.
var deviceFS = os.DirFS("../..")

func load(t testing.TB, name string) Scenario {
	t.Helper()
	s, err := Load(deviceFS, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryShippedScenarioLoads(t *testing.T) {
	names := Names(deviceFS)
	if len(names) < 60 {
		t.Errorf("only %d scenarios: %v", len(names), names)
	}
	summaries := map[string]string{}
	for _, name := range names {
		s := load(t, name)
		if s.Name != name || len(s.Source) == 0 {
			t.Errorf("%s: name %q, source %v", name, s.Name, s.Source)
		}
		if other, ok := summaries[s.Summary]; ok {
			t.Errorf("%s and %s have the same summary", name, other)
		}
		summaries[s.Summary] = name
	}
}

func TestLoadFindsDevicesInTheGivenFS(t *testing.T) {
	fsys := fstest.MapFS{"quirks/acme/x1.sim.toml": {Data: []byte("schema = 1\nsummary = \"s\"\n")}}
	names := Names(fsys)
	if names[0] != "acme/x1" {
		t.Errorf("the first name is %q", names[0])
	}
	s, err := Load(fsys, "acme/x1")
	if err != nil || s.Summary != "s" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestLoadOfAnUnknownNameSaysWhatThereIs(t *testing.T) {
	for _, name := range []string{"no-such", "no/such", "../../etc/passwd", "", "/", "huawei/../huawei/e398"} {
		_, err := Load(deviceFS, name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "behaves") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLoadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("schema = 2\nsummary = \"s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(file); err == nil || !strings.HasPrefix(err.Error(), file+":1:1: schema: 2 is not supported") {
		t.Errorf("%v", err)
	}
	if _, err := LoadFile(file + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestParseNamesPlaceAndWhatIsAllowed(t *testing.T) {
	const head = "schema = 1\nsummary = \"s\"\n"
	for _, c := range []struct{ name, text, want string }{
		{"no schema", "summary = \"s\"\n", "f:1:1: schema: 0 is not supported; write schema = 1"},
		{"no summary", "schema = 1\n", "f:1:1: summary: is missing"},
		{"unknown key", head + "[dial]\nresalt = \"busy\"\n", "f:4:1: unknown key \"dial.resalt\"; allowed here: result, connect"},
		{"unknown table", head + "[dail]\n", "allowed here: schema, summary, source, stands_for, restricts, identity, at"},
		{"unknown key in a rule", head + "[[ipcp.rule]]\ndo = \"nak\"\n[[ipcp.rule]]\n doo = \"nak\"\n", "f:6:2: unknown key"},
		{"not TOML", head + "[dial\n", "f:3:"},
		{"wrong type", head + "[line]\nloss = \"much\"\n", "f:4:8: "},
		{"duration", head + "[dial]\ndelay = \"soon\"\n", "\"soon\" is not a duration; write for example"},
		{"negative duration", head + "[dial]\ndelay = \"-1s\"\n", "is not a duration"},
		{"word", head + "[dial]\n  result = \"perhaps\"\n", "f:4:3: dial.result: \"perhaps\" is not known; allowed: connect, no-carrier, error"},
		{"probability", head + "[line]\nloss = 1.5\n", "f:4:1: line.loss: 1.5 is not a probability; allowed: 0 to 1"},
		{"not a number", head + "[line]\nloss = nan\n", "line.loss: NaN is not a probability"},
		{"rule without verb", head + "[[ipcp.rule]]\nnth = 1\n", "f:3:8: ipcp.rule.0.do: is missing; allowed: behave, drop"},
		{"verb of another protocol", head + "[[lcp.rule]]\ndo = \"failure\"\n", "f:4:1: lcp.rule.0.do: \"failure\" is not known"},
		{"second rule", head + "[[ipcp.rule]]\ndo = \"nak\"\n\n[[ipcp.rule]]\ndo = \"nac\"\n", "f:7:1: ipcp.rule.1.do: \"nac\" is not known"},
		{"option", head + "[[ipcp.rule]]\ndo = \"nak\"\noptions = [\"dns1=1.2.3.4\", \"dns9\"]\n", "f:5:28: ipcp.rule.0.options.1: option \"dns9\" is not known; allowed: addresses"},
		{"option's value", head + "[[ipcp.rule]]\ndo = \"nak\"\noptions = [\"dns1=1.2.3\"]\n", "dns1: \"1.2.3\" is not an IPv4 address"},
		{"flag with a value", head + "[[lcp.rule]]\ndo = \"nak\"\noptions = [\"pfc=1\"]\n", "pfc takes no value"},
		{"hex type", head + "[[lcp.rule]]\ndo = \"nak\"\noptions = [\"0x1ff=00\"]\n", "\"0x1ff\" is not an option type"},
		{"asks", head + "[[ipcp.rule]]\nasks = [\"wins\"]\ndo = \"nak\"\n", "f:4:9: ipcp.rule.0.asks.0: option \"wins\" is not known"},
		{"value", head + "[[ipcp.rule]]\nvalue = { dns1 = \"x\" }\ndo = \"nak\"\n", "f:4:11: ipcp.rule.0.value.dns1: "},
		{"options in authentication", head + "[[auth.rule]]\nasks = [\"mru\"]\ndo = \"drop\"\n", "auth.rule.0.asks.0: option \"mru\" is not known"},
		{"PIN", head + "[sim]\nstate = \"pin\"\npin = \"12\"\n", "f:5:1: sim.pin: must be 4 to 8 digits"},
		{"IPv6", head + "[ipcp]\npeer = \"2001:db8::1\"\n", "f:4:1: ipcp.peer: 2001:db8::1 is not an IPv4 address"},
		{"address", head + "[ipcp]\npeer = \"192.0.2\"\n", "f:4:"},
		{"too many servers", head + "[ipcp]\ndns = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\n", "ipcp.dns: 3 addresses; allowed: 2 at most"},
		{"USB id", head + "[identity]\nusb = \"12D1:1506\"\n", "f:4:1: identity.usb: \"12D1:1506\" is not vid:pid"},
		{"line end in a reply", head + "[[at.reply]]\ncommand = \"AT\"\nlines = [\"a\\nb\"]\n", "f:5:10: at.reply.0.lines.0: holds a line end"},
		{"command", head + "[[at.reply]]\ncommand = \"+CSQ\"\n", "at.reply.0.command: \"+CSQ\" is not a command; write it with AT"},
		{"steps out of order", head + "[registration]\nthen = [{after = \"2s\", state = \"home\"}, {after = \"1s\", state = \"home\"}]\n", "registration.then.1.after: is earlier"},
		{"too often", head + "[[action]]\ndo = \"text\"\nevery = \"1ms\"\n", "f:5:1: action.0.every: is too often; allowed: 10ms or more"},
		{"number", head + "[at]\nchunk = -1\n", "at.chunk: -1 is out of range; allowed: 0 to 65536"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f", []byte(c.text))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			var place *ParseError
			if !errors.As(err, &place) || place.Line < 1 || place.Column < 1 {
				t.Errorf("no place: %#v", err)
			}
		})
	}
}

func TestParseReportsEveryFault(t *testing.T) {
	_, err := Parse("f", []byte("schema = 1\nsummary = \"s\"\n[line]\nloss = 2.0\ncorrupt = 2.0\n"))
	if n := strings.Count(err.Error(), "\n"); n != 1 {
		t.Errorf("%v", err)
	}
}

func TestParseRefusesAHugeFile(t *testing.T) {
	if _, err := Parse("f", make([]byte, maxScenario+1)); err == nil {
		t.Error("no error")
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names(deviceFS)[:10] {
		file := "scenarios/" + name + ".toml"
		if text, err := generic.ReadFile(file); err == nil {
			f.Add(text)
		}
	}
	f.Add([]byte("schema = 1\nsummary = \"s\"\n[[ipcp.rule]]\ndo = \"nak\"\noptions = [\"0x01=00\"]\nvalue.dns1 = \"1.2.3.4\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text)
		if err != nil {
			return
		}
		// What loads must run.
		m := New(s, 1)
		m.Receive(epoch, []byte("ATI\rATD*99#\r"))
		m.Advance(epoch.Add(2e9))
		for n := 0; n < 1000; n++ {
			if _, ok := m.Next(); !ok {
				break
			}
		}
	})
}
