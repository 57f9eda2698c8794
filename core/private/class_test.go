package private

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// kinds gives the names of the types of package event that have a method Kind.
func kinds(t *testing.T) []string {
	t.Helper()
	var names []string
	set := token.NewFileSet()
	err := filepath.WalkDir("../event", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "Kind" && f.Recv != nil {
				if n, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
					names = append(names, n.Name)
				}
			}
		}
		return nil
	})
	if err != nil || len(names) < 15 {
		t.Fatalf("%d events found: %v", len(names), err)
	}
	return names
}

// texts gives the names of the fields of a type that hold texts or octets, in structs inside of it too.
func texts(t reflect.Type, prefix string) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Name
		switch e := f.Type; {
		case e.Kind() == reflect.String, e.Kind() == reflect.Slice && (e.Elem().Kind() == reflect.String || e.Elem().Kind() == reflect.Uint8):
			names = append(names, name)
		case e.Kind() == reflect.Struct && e.PkgPath() != "time":
			names = append(names, texts(e, name+".")...)
		case e.Kind() == reflect.Slice && e.Elem().Kind() == reflect.Struct:
			names = append(names, texts(e.Elem(), name+".")...)
		case e.Kind() == reflect.Map, e.Kind() == reflect.Interface, e.Kind() == reflect.Pointer, e.Kind() == reflect.Slice && e.Elem().Kind() > reflect.Float64:
			names = append(names, name)
		}
	}
	return names
}

// Every field of every event that may hold a text or octets has a class, so that nothing is shown of which nobody said what
// may stand in it; and no class stands for a field that is not there.
func TestEveryFieldHasAClass(t *testing.T) {
	var have []string
	for _, p := range prototypes {
		have = append(have, reflect.TypeOf(p).Name())
	}
	for _, name := range kinds(t) {
		if !slices.Contains(have, name) {
			t.Errorf("event.%s is new here: add it to prototypes, and its fields to the table fields, in core/private/class.go", name)
		}
	}
	for _, p := range prototypes {
		classes, ok := classesOf(p.Kind())
		if !ok {
			t.Errorf("events of kind %q have no line in the table fields of core/private/class.go", p.Kind())
		}
		names := texts(reflect.TypeOf(p), "")
		for _, n := range names {
			if classes.of(n) == 0 {
				t.Errorf("%T.%s has no class: say in the table fields of core/private/class.go what may stand in it, {%q, classes{…, {%q, Sentence}}} if it is text for people", p, n, p.Kind(), n)
			}
		}
		for _, c := range classes {
			n := c.field
			if !slices.Contains(names, n) {
				t.Errorf("the table fields of core/private/class.go has %q of %q, which is no field of %T any more: take it out", n, p.Kind(), p)
			}
		}
	}
}

// The table is what is done: what stands in any field of any event is hidden by a Hider that knows it.
func TestEveryFieldIsHidden(t *testing.T) {
	const secret = "Zephyr-9x!"
	for _, p := range prototypes {
		for _, name := range texts(reflect.TypeOf(p), "") {
			v := reflect.New(reflect.TypeOf(p)).Elem()
			f := v.FieldByName(strings.TrimPrefix(name, "Packet."))
			switch f.Kind() {
			case reflect.String:
				f.SetString("about " + secret + " it is")
			case reflect.Slice:
				if f.Type().Elem().Kind() == reflect.String {
					f.Set(reflect.ValueOf([]string{"one", secret}))
				} else {
					f.SetBytes(append([]byte{12, 1, 0, 18, 1, 2, 3, 4}, secret...))
					v.FieldByName("Protocol").SetUint(0xc021)
				}
			}
			h := NewHider()
			h.Learn(secret)
			line, err := h.Record(event.Record{Event: v.Interface().(event.Event)}).AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(line), secret) {
				t.Errorf("%T.%s: %s", p, name, line)
			}
		}
	}
}
