package sim

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/golden"
)

type object map[string]any

// schemaOf gives the JSON Schema of a type; header is the table's header in TOML, path the checker's name of it.
func schemaOf(t *testing.T, typ reflect.Type, header, path string) object {
	t.Helper()
	switch typ {
	case reflect.TypeFor[Duration]():
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix]():
		return object{"type": "string"}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return schemaOf(t, typ.Elem(), header, path)
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t, typ.Elem(), "["+header+"]", path+".0")}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t, typ.Elem(), header, path)}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number", "minimum": 0, "maximum": 1}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Struct:
		properties := object{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag := f.Tag.Get("toml")
			if tag == "-" || tag == "" {
				continue
			}
			sub, subPath := tag, tag
			if path != "" {
				sub, subPath = strings.Trim(header, "[]")+"."+tag, path+"."+tag
				if strings.HasPrefix(header, "[[") {
					sub = "[" + sub
				}
			}
			p := schemaOf(t, f.Type, "["+sub+"]", subPath)
			if f.Type.Kind() == reflect.String {
				if words := wordsOf(header, path, tag); words != nil {
					p = object{"enum": words}
				}
			}
			properties[tag] = p
		}
		return object{"type": "object", "additionalProperties": false, "properties": properties}
	}
	t.Fatalf("%s: %s", path, typ)
	return nil
}

var allowed = regexp.MustCompile(`is not known; allowed: (.*)`)

// wordsOf asks the checker which words a key may have, by giving it a wrong one.
func wordsOf(header, path, key string) []string {
	text := "schema = 1\nsummary = \"s\"\n"
	if header != "" {
		text += header + "\n"
	}
	_, err := Parse("x", []byte(text+key+" = \"zzzz\"\n"))
	if err == nil {
		return nil
	}
	if path != "" {
		key = path + "." + key
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if _, message, ok := strings.Cut(line, " "+key+": \"zzzz\" "); ok {
			if m := allowed.FindStringSubmatch(message); m != nil {
				return strings.Split(m[1], ", ")
			}
		}
	}
	return nil
}

// The schema for editors is what the types and the checker give: `make generate` writes it.
func TestGeneratedSchema(t *testing.T) {
	schema := schemaOf(t, reflect.TypeFor[Scenario](), "", "")
	schema["$schema"], schema["title"], schema["required"] = "http://json-schema.org/draft-07/schema#", "knak: a scenario", []string{"schema", "summary"}
	properties := schema["properties"].(object)
	for path, want := range map[string]string{"auth.demand": "chap-md5", "ipcp.rule.do": "code-reject", "registration.then.state": "roaming", "action.do": "discard"} {
		o := object{"properties": properties}
		for _, name := range strings.Split(path, ".") {
			if items, ok := o["items"].(object); ok {
				o = items
			}
			o = o["properties"].(object)[name].(object)
		}
		if words, _ := o["enum"].([]string); !strings.Contains(strings.Join(words, " "), want) {
			t.Errorf("%s: %v, want %s among the words", path, o, want)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(schema); err != nil {
		t.Fatal(err)
	}
	golden.Same(t, "../../quirks/schema/scenario.json", b.Bytes(), "make generate")
}
