package format

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pelletier/go-toml/v2"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
)

func noStamp([]byte) (time.Time, int) { return time.Time{}, 0 }

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern, text, field, want string // want "-": no match
	}{
		{"a {value} b", "a  x y b", "value", "x y"},
		{"a {value:word} b", "a x y b", "value", "-"},
		{"{value} -> {other}", "a -> b -> c", "other", "b -> c"},
		{"{*}: {value}", "x: y: z", "value", "y: z"},
		{"id={id}", "id=0x1f", "id", "0x1f"},
		{"id {id} ", "id 12", "id", "12"},
		{"({id})", "(12x)", "id", "-"},
		{"{value:hex} {other}", "0xAB cd", "value", "0xAB"},
		{"{value:ip}", "10.1.2.3", "value", "10.1.2.3"},
		{"{value:ip}", "10.1.2", "value", "-"},
		{"{value:int}s", "-12s", "value", "-12"},
		{"{dir} {protocol} {code} {*}", "sent LCP Configure Request here", "code", "Configure Request"},
		{"{*} {dir} {protocol} {code}", "we have sent LCP ConfReq", "protocol", "LCP"},
		{"{dir} {protocol} {code}", "sent LCP nothing", "code", "-"},
		{"{text:command}", "ATD*99#", "text", "ATD*99#"},
		{"{text:command}", "ATTENTION", "text", "-"},
		{"{text:command}", "at+csq", "text", "at+csq"},
		{"{text:answer}", "+CSQ: 1,99", "text", "+CSQ: 1,99"},
		{"{text:answer}", "some words", "text", "-"},
		{"{{x} {value}", "{x} y", "value", "y"},
		{"{octets}", "7e ff", "octets", "7e ff"},
		{"a", "a  ", "", ""},
		{"a", "ab", "", "-"},
	} {
		p, err := compile(tt.pattern)
		if err != nil {
			t.Fatal(tt.pattern, err)
		}
		m := matcher{stamp: noStamp}
		got := "-"
		if m.match(&p, []byte(tt.text)) {
			if got = ""; tt.field != "" {
				got = string(m.value([]byte(tt.text), tt.field))
			}
		}
		if got != tt.want {
			t.Errorf("%q of %q: {%s} is %q, want %q", tt.pattern, tt.text, tt.field, got, tt.want)
		}
	}
}

// Times since the boot.
func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		kind kind
		text string
		want time.Duration
	}{
		{kindMS, "5870", 5870 * time.Millisecond}, {kindUS, "1500", 1500 * time.Microsecond}, {kindSec, "79.165890", 79165890 * time.Microsecond},
		{kindUptime, "00:02:03.010,000", 2*time.Minute + 3010*time.Millisecond}, {kindUptime, "101:00:00.5", 101*time.Hour + 500*time.Millisecond},
	} {
		if got := sinceBoot(tt.kind, []byte(tt.text)).Sub(time.Unix(0, 0)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.text, got, tt.want)
		}
	}
}

const good = "name = \"acme\"\ntitle = \"log of Acme\"\nmarks = [\"ACME\"]\n"

const sample = "[[example]]\nlog = \"x\"\ngives = [\"x\"]\n"

// What is wrong with a file is said with file, line and column, and with what is allowed.
func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"unknown key":           {good + "[[line]]\nis = [\"x\"]\nkin = \"at\"\n" + sample, `f.toml:6:1: unknown key "line.kin"; allowed here: is, tag, bare, kind,`},
		"unknown kind":          {good + "[[line]]\nis = [\"x\"]\nkind = \"packets\"\n" + sample, `f.toml:6:1: line.0.kind: "packets" is no kind of a line; allowed are sentence, at, octets, packet, nothing`},
		"unknown field":         {good + "[[line]]\nis = [\"x {foo}\"]\n" + sample, `f.toml:5:7: line.0.is.0: unknown field {foo}; there are time, level, tag,`},
		"a field without end":   {good + "[[line]]\nis = [\"x {text\"]\n" + sample, `f.toml:5:7: line.0.is.0: a { without its }`},
		"adjacent fields":       {good + "[[line]]\nis = [\"{text}{*}\"]\n" + sample, `nothing says where the field before {*} ends`},
		"no direction":          {good + "[[line]]\nis = [\"x {text}\"]\nkind = \"at\"\n" + sample, `f.toml:4:3: line.0: a line of the kind "at" needs {dir} in each of its patterns, or dir = …`},
		"a direction":           {good + "[[line]]\nis = [\"x {text}\"]\nkind = \"at\"\ndir = \"up\"\n" + sample, `f.toml:7:1: line.0.dir: "up" is not known; allowed are sent and rcvd`},
		"no such meaning":       {good + "[[line]]\nis = [\"x\"]\nmeans = [\"lcp-time-out\"]\n" + sample, `f.toml:6:10: line.0.means.0: "lcp-time-out" is no meaning; allowed are started,`},
		"a value from nowhere":  {good + "[[line]]\nis = [\"x\"]\nmeans = [\"local-address\"]\nvalue = \"{value}\"\n" + sample, `line.0.value: {value} is not in every pattern of this line`},
		"an option":             {good + "[[line]]\nis = [\"x\"]\n[[option]]\nis = [\"mru {value}\"]\nas = \"mru {value}\"\n" + sample, `option.0.as: an option is said in pppd's notation`},
		"no example":            {good + "[[line]]\nis = [\"x\"]\n", `example: a format needs an [[example]]`},
		"no marks":              {"name = \"acme\"\ntitle = \"x\"\n[[line]]\nis = [\"x\"]\n" + sample, `marks: a format needs texts by which its logs are known`},
		"a name with blanks":    {strings.Replace(good, "acme", "a b", 1) + "[[line]]\nis = [\"x\"]\n" + sample, `f.toml:1:1: name: a format needs a name of lower-case letters`},
		"a prefix without end":  {good + "prefix = [\"{time}\"]\n[[line]]\nis = [\"x\"]\n" + sample, `prefix.0: a prefix ends with {message}`},
		"a word for a code":     {good + "[words.code]\nCREQ = \"Config\"\n[[line]]\nis = [\"x\"]\n" + sample, `f.toml:5:1: words.code.CREQ: "Config" is not known`},
		"text that is no TOML":  {good + "[[line]\n", `f.toml:4:7: expected ']]'`},
		"nothing wrong with it": {good + "[[line]]\nis = [\"x\"]\n" + sample, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("f.toml", []byte(tt.text))
			switch {
			case tt.want == "" && (err != nil || f == nil):
				t.Error(err)
			case tt.want == "":
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
}

// A file has the name of its format.
func TestNames(t *testing.T) {
	all := Shipped()
	for i, name := range Names() {
		if all[i].Name != name {
			t.Errorf("%s.toml is of the format %s", name, all[i].Name)
		}
	}
	if len(all) < 15 {
		t.Errorf("%d formats", len(all))
	}
}

// schemaOf gives the JSON Schema of a part of a format's file.
func schemaOf(typ reflect.Type, path string) map[string]any {
	words := map[string][]string{
		"line.kind": kinds, "line.dir": {"sent", "rcvd"}, "line.options": {"below"}, "line.means": event.Meanings(),
	}
	switch typ.Kind() {
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(typ.Elem(), path)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(typ.Elem(), path)}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Struct:
		properties := map[string]any{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag := f.Tag.Get("toml")
			properties[tag] = schemaOf(f.Type, strings.TrimPrefix(path+"."+tag, "."))
		}
		s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if r := map[string][]string{"": {"name", "title", "marks", "line", "example"}, "line": {"is"}, "option": {"is"}, "example": {"log", "gives"}}[path]; r != nil {
			s["required"] = r
		}
		return s
	}
	s := map[string]any{"type": "string"}
	if w := words[path]; w != nil {
		s["enum"] = w
	}
	return s
}

// The schema is made of the file's form, and every format that knak has keeps it.
func TestSchema(t *testing.T) {
	s := schemaOf(reflect.TypeFor[file](), "")
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "a log format of knak (docs/formats.md)"
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	golden.Same(t, "format.schema.json", want, "go test ./core/recording/format -run TestSchema -update")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("s")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range Names() {
		text, err := shipped.ReadFile("formats/" + n + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := toml.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good + "[[line]]\nis = [\"x {text}\"]\nkind = \"at\"\ndir = \"sent\"\n" + sample))
	for _, n := range []string{"mikrotik", "mpd5", "at-screen"} {
		text, _ := shipped.ReadFile("formats/" + n + ".toml")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		format, err := Parse("f", text)
		if (format == nil) != (err != nil) && err == nil {
			t.Fatal("neither a format nor an error")
		}
		if err != nil {
			return
		}
		r := format.NewReader(noStamp)
		for _, line := range []string{"", "x y", "sent LCP ConfReq id=0x1 <mru 1500>", "AT+CSQ", "[1] {}: a -> b"} {
			l := r.Line([]byte(line))
			if rule := r.Match(l); rule != nil {
				r.Value()
				r.Packet()
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("a {value} b {*}c", "a a b b c c")
	f.Add("{*}{{x {dir} {protocol} {code} id={id}{*}", "we sent LCP ConfReq id=1")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := compile(pattern)
		if err != nil {
			return
		}
		m := matcher{stamp: noStamp}
		if m.match(&p, []byte(text)) {
			for _, n := range fieldNames() {
				m.value([]byte(text), n)
			}
		}
		if m.steps > maxSteps+1 {
			t.Fatalf("%d steps", m.steps)
		}
	})
}
