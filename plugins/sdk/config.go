package sdk

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// field is one key of a configuration.
type field struct {
	name     string
	doc      string
	required bool
	enum     []string
	index    []int
	typ      reflect.Type
}

// fieldsOf lists the keys that a struct takes: the tags are json for the name, doc for people, required:"true", and enum
// with commas between.
func fieldsOf(t reflect.Type) (list []field) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		g := field{name: name, doc: f.Tag.Get("doc"), required: f.Tag.Get("required") == "true", index: f.Index, typ: f.Type}
		if e := f.Tag.Get("enum"); e != "" {
			g.enum = strings.Split(e, ",")
		}
		list = append(list, g)
	}
	return list
}

// decode reads a JSON object into the struct that v points to. Its errors name the key and never the value, which may be a
// secret.
func decode(text string, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("Config gave a %T; it must give a pointer to a struct", v)
	}
	if text == "" {
		text = "{}"
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var from any
	if err := d.Decode(&from); err != nil {
		return errors.New("the configuration is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the configuration")
	}
	return fill(target.Elem(), from, "")
}

func below(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func wrong(key, want string, from any) error {
	return &KeyError{key, fmt.Errorf("%s is wanted, and this is %s", want, kindOf(from))}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "a table"
}

func fill(v reflect.Value, from any, key string) error {
	if v.Type() == durationType {
		s, ok := from.(string)
		d, err := time.ParseDuration(s)
		if !ok || err != nil {
			return &KeyError{key, errors.New(`a duration is wanted, such as "3s"`)}
		}
		v.SetInt(int64(d))
		return nil
	}
	if v.CanAddr() && reflect.PointerTo(v.Type()).Implements(textType) {
		s, ok := from.(string)
		if !ok {
			return wrong(key, "a text", from)
		}
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
			return &KeyError{key, fmt.Errorf("this is no %s", v.Type())}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return fillStruct(v, from, key)
	case reflect.Map:
		return fillMap(v, from, key)
	case reflect.Slice:
		list, ok := from.([]any)
		if !ok {
			return wrong(key, "a list", from)
		}
		out := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i := range list {
			if err := fill(out.Index(i), list[i], below(key, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		return fill(p.Elem(), from, key)
	case reflect.Interface:
		if from != nil && v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(from))
			return nil
		}
	}
	return fillScalar(v, from, key)
}

func fillScalar(v reflect.Value, from any, key string) error {
	switch v.Kind() {
	case reflect.String:
		s, ok := from.(string)
		if !ok {
			return wrong(key, "a text", from)
		}
		v.SetString(s)
		return nil
	case reflect.Bool:
		b, ok := from.(bool)
		if !ok {
			return wrong(key, "true or false", from)
		}
		v.SetBool(b)
		return nil
	}
	n, ok := from.(json.Number)
	if !ok {
		return wrong(key, "a number", from)
	}
	switch {
	case v.CanInt():
		i, err := n.Int64()
		if err != nil || v.OverflowInt(i) {
			return &KeyError{key, fmt.Errorf("a whole number is wanted, of %d bits at most", v.Type().Bits())}
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(n.String(), 10, 64)
		if err != nil || v.OverflowUint(i) {
			return &KeyError{key, fmt.Errorf("a whole number from 0 is wanted, of %d bits at most", v.Type().Bits())}
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := n.Float64()
		if err != nil || math.IsInf(f, 0) {
			return &KeyError{key, errors.New("the number is too large")}
		}
		v.SetFloat(f)
	default:
		return &KeyError{key, fmt.Errorf("the plugin's struct has a %s here, which cannot be configured", v.Type())}
	}
	return nil
}

func fillStruct(v reflect.Value, from any, key string) error {
	table, ok := from.(map[string]any)
	if !ok {
		return wrong(key, "a table", from)
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for _, name := range sorted(table) {
		i := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, name) })
		if i < 0 {
			known := make([]string, len(fields))
			for j := range fields {
				known[j] = fields[j].name
			}
			return &KeyError{below(key, name), fmt.Errorf("there is no such key; the keys are %s", strings.Join(known, ", "))}
		}
		f := fields[i]
		seen[f.name] = true
		at, err := v.FieldByIndexErr(f.index)
		if err != nil {
			return &KeyError{below(key, name), err}
		}
		if err := fill(at, table[name], below(key, f.name)); err != nil {
			return err
		}
		if s, ok := table[name].(string); ok && f.enum != nil && !slices.Contains(f.enum, s) {
			return &KeyError{below(key, f.name), fmt.Errorf("it must be one of %s", strings.Join(f.enum, ", "))}
		}
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			return &KeyError{below(key, f.name), errors.New("this key is required")}
		}
	}
	return nil
}

func fillMap(v reflect.Value, from any, key string) error {
	table, ok := from.(map[string]any)
	if !ok || v.Type().Key().Kind() != reflect.String {
		return wrong(key, "a table", from)
	}
	out := reflect.MakeMapWithSize(v.Type(), len(table))
	for _, name := range sorted(table) {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := fill(e, table[name], below(key, name)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), e)
	}
	v.Set(out)
	return nil
}

func sorted(table map[string]any) []string {
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// schemaOf makes a JSON Schema of the struct that v points to.
func schemaOf(v any) (string, error) {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return "", fmt.Errorf("Config gave a %T; it must give a pointer to a struct", v)
	}
	s := schema(t.Elem(), 0)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

func schema(t reflect.Type, depth int) map[string]any {
	const deepest = 16 // a limit for types that contain themselves
	switch {
	case depth > deepest:
		return map[string]any{}
	case t == durationType:
		return map[string]any{"type": "string", "pattern": `^-?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.PointerTo(t).Implements(textType):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for _, f := range fieldsOf(t) {
			p := schema(f.typ, depth+1)
			if f.doc != "" {
				p["description"] = f.doc
			}
			if f.enum != nil {
				p["enum"] = f.enum
			}
			if f.required {
				required = append(required, f.name)
			}
			properties[f.name] = p
		}
		s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if len(required) > 0 {
			s["required"] = required
		}
		return s
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schema(t.Elem(), depth+1)}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schema(t.Elem(), depth+1)}
	case reflect.Pointer:
		return schema(t.Elem(), depth+1)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{}
}
