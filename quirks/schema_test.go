package quirks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/golden"
)

// object is a JSON Schema, or a part of one.
type object map[string]any

// tableSchema is the schema of a TOML table with these names and no others.
func tableSchema(properties object, required ...string) object {
	o := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func listOf(item object) object { return object{"type": "array", "items": item, "maxItems": maxList} }

var prosa = object{"type": "string", "maxLength": maxProse}

const durationForm = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

// valueSchema says what a key's value may be.
func valueSchema(k Key) object {
	text := object{"type": "string", "maxLength": maxText}
	var o object
	switch k.Type {
	case Bool:
		o = object{"type": "boolean"}
	case Int:
		o = object{"type": "integer", "minimum": table()[k.Name].min, "maximum": table()[k.Name].max}
	case Duration:
		o = object{"type": "string", "pattern": durationForm}
	case Enum:
		o = object{"enum": k.Allowed}
	case Words:
		o = listOf(object{"enum": k.Allowed})
		o["uniqueItems"] = true
	case Addresses, Prefixes, Names:
		o = listOf(text)
		o["uniqueItems"] = true
	case ATs:
		o = listOf(text)
	default:
		o = text
	}
	return o
}

// described adds what people read.
func described(o object, text string) object {
	c := object{"description": text}
	for k, v := range o {
		c[k] = v
	}
	return c
}

// ref points at a definition.
func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

// commonParts are the parts of a quirk that all keys have.
var commonParts = object{
	"reason": described(prosa, "what the modem does that makes this necessary"), "source": listOf(prosa),
	"confidence": object{"enum": Confidences}, "review_by": object{"type": "string", "format": "date"},
	"firmware": described(tableSchema(object{"from": prosa, "before": prosa}), "the revisions it is for"),
	"may_harm": object{"type": "boolean"}, "when": described(prosa, "it makes a difference only when this is so"),
}

// quirkSchema is one table of a key.
func quirkSchema(k Key) object {
	p := object{}
	for name := range commonParts {
		p[name] = ref(name)
	}
	def := k.Default
	if def == "" {
		def = `""`
	}
	p["value"] = described(valueSchema(k), k.Meaning+" (default: "+def+")")
	one := tableSchema(p)
	if !k.Type.list() {
		one["required"] = []string{"value"}
		return one
	}
	var ways []object
	for _, op := range []string{"value", "add", "remove"} {
		if op != "value" {
			p[op] = valueSchema(k)
		}
		ways = append(ways, object{"required": []string{op}})
	}
	one["oneOf"] = ways
	return one
}

const draft = "http://json-schema.org/draft-07/schema#"

func profileSchema() object {
	p := object{"schema": object{"const": 1}, "summary": described(prosa, "what is odd about the modem, in one line"),
		"inherits": listOf(object{"type": "string", "pattern": idForm}),
		"replaces": described(object{"type": "boolean"}, "in files of one's own: nothing of the weaker layers' files of this profile counts")}
	definitions := object{}
	for name, part := range commonParts {
		definitions[name] = part
	}
	for _, f := range families() {
		keys := object{}
		for _, k := range Keys {
			if family, name, _ := strings.Cut(k.Name, "."); family == f {
				definitions[k.Name] = quirkSchema(k)
				keys[name] = object{"oneOf": []object{ref(k.Name), {"type": "array", "items": ref(k.Name)}}}
			}
		}
		p[f] = tableSchema(keys)
	}
	o := tableSchema(p, "schema")
	o["$schema"], o["title"], o["definitions"] = draft, "knak: a profile of quirks", definitions
	return o
}

func devicesSchema() object {
	entry := object{"name": prosa, "profile": object{"type": "string", "pattern": idForm}, "source": listOf(prosa),
		"confidence": object{"enum": Confidences}, "status": object{"enum": Statuses}, "ports": tableSchema(portsSchema())}
	for _, c := range conditions {
		entry[c.name] = described(listOf(object{"type": "string", "pattern": c.form().String()}), c.what)
	}
	o := tableSchema(object{"schema": object{"const": 1},
		"disable": described(listOf(object{"type": "string", "pattern": idForm}), "in files of one's own: profiles whose entries in weaker layers are to match nothing"),
		"shared": object{"type": "array", "items": tableSchema(object{"usb": listOf(object{"type": "string", "pattern": conditions[0].form().String()}),
			"reason": prosa, "source": listOf(prosa)})},
		"port":   object{"type": "array", "items": tableSchema(ruleSchema())},
		"device": object{"type": "array", "items": tableSchema(entry)},
	}, "schema")
	o["$schema"], o["title"] = draft, "knak: device entries"
	return o
}

func portsSchema() object {
	o := object{}
	for _, p := range ports {
		o[p.name] = object{"type": "integer", "minimum": 0, "maximum": table()[p.key].max}
	}
	return o
}

func ruleSchema() object {
	text := func(form string) object { return listOf(object{"type": "string", "pattern": form}) }
	o := object{"name": prosa, "source": listOf(prosa), "confidence": object{"enum": Confidences},
		"usb": text(conditions[0].form().String()), "class": text(conditions[2].form().String()), "driver": text(conditions[3].form().String()),
		"interfaces": listOf(object{"type": "integer"}), "ttys": text(numbersForm().String()), "answering": text(numbersForm().String())}
	for _, role := range []string{"data", "at", "nmea", "diag"} {
		o[role] = described(text(placeForm().String()), placeWords)
	}
	return o
}

// The schemas for editors are what the reader's own tables give: `make generate` writes them.
func TestDocsSchemas(t *testing.T) {
	for name, schema := range map[string]object{"profile": profileSchema(), "devices": devicesSchema()} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(schema); err != nil {
			t.Fatal(err)
		}
		golden.Same(t, "schema/"+name+".json", b.Bytes(), "make generate")
	}
}

// names gives the names that a table may have by its schema.
func names(o object) []string {
	var list []string
	for n := range o["properties"].(object) {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// The names that a schema allows are those that the reader allows: it is given a wrong one in each table.
func TestSchemasKnowWhatTheReaderKnows(t *testing.T) {
	said := regexp.MustCompile(`unknown name "zzzz"; allowed are ([^;\n]*)`)
	list, _ := Lookup("ipcp.request")
	device := devicesSchema()["properties"].(object)
	for _, c := range []struct {
		file, text string
		schema     object
	}{
		{"quirks/acme/m.toml", "zzzz = 1\n", profileSchema()},
		{"quirks/acme/m.toml", "[ipcp.request]\nzzzz = 1\n", quirkSchema(list)},
		{"quirks/acme/m.toml", "[ipcp.request]\nfirmware = { zzzz = 1 }\n", commonParts["firmware"].(object)},
		{"devices.toml", "zzzz = 1\n", devicesSchema()},
		{"devices.toml", "[[shared]]\nzzzz = 1\n", device["shared"].(object)["items"].(object)},
		{"devices.toml", "[[port]]\nzzzz = 1\n", device["port"].(object)["items"].(object)},
		{"devices.toml", "[[device]]\nzzzz = 1\n", device["device"].(object)["items"].(object)},
		{"devices.toml", "[[device]]\nports = { zzzz = 1 }\n", device["device"].(object)["items"].(object)["properties"].(object)["ports"].(object)},
	} {
		_, problems := Open(builtin(c.file, "schema = 1\n"+c.text))
		m := said.FindStringSubmatch(texts(problems))
		if m == nil {
			t.Fatalf("%q: %s", c.text, texts(problems))
		}
		reader := strings.Split(m[1], ", ")
		slices.Sort(reader)
		if fmt.Sprint(reader) != fmt.Sprint(names(c.schema)) {
			t.Errorf("%q: the reader allows %v, the schema %v", c.text, reader, names(c.schema))
		}
	}
}
