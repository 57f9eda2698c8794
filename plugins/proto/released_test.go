package proto_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// The Go code was generated, and so lint passed, from the files as they are now: `make proto` writes the sums.
func TestGenerated(t *testing.T) {
	sums, err := os.ReadFile("generated.sum")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for line := range strings.Lines(string(sums)) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		text, err := os.ReadFile(name)
		if !ok || err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != want {
			t.Errorf("%s has changed since `make proto`", name)
		}
		files++
	}
	if _, err := os.Stat("knak/plugin/v1"); err != nil || files < 9 {
		t.Errorf("%d files", files)
	}
}

// Nothing that was released is taken back or means something else. buf says the same at `make proto`; this is for those
// who have it not, and for every run of the tests.
func TestNothingReleasedIsTakenBack(t *testing.T) {
	then := released(t)
	if problems := takenBack(then, protoregistry.GlobalFiles); len(problems) > 0 {
		t.Error(strings.Join(problems, "\n"))
	}
}

// The comparison would see it.
func TestTakenBack(t *testing.T) {
	then := released(t)
	for _, tt := range []struct {
		name   string
		change func(*descriptorpb.FileDescriptorProto)
		want   string
	}{
		{"nothing", func(*descriptorpb.FileDescriptorProto) {}, ""},
		{"a field is removed", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field = f.MessageType[1].Field[1:]
		}, "field 1 (action) is gone"},
		{"a field is renumbered", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field[0].Number = proto.Int32(77)
		}, "field 1 (action) is gone"},
		{"a field gets another type", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field[3].Type = descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
		}, "field 4 (delay_ms) was uint32 and is string"},
		{"a field gets another name", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field[4].Name, f.MessageType[1].Field[4].JsonName = proto.String("why"), proto.String("why")
		}, "field 5 (reason) is called why"},
		{"a field becomes a list", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field[4].Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}, "field 5 (reason) was optional and is repeated"},
		{"an enum value is removed", func(f *descriptorpb.FileDescriptorProto) {
			f.EnumType[1].Value = f.EnumType[1].Value[:len(f.EnumType[1].Value)-1]
		}, "ACTION_SEND = 10 is gone"},
		{"a call is removed", func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method = nil }, "Decide is gone"},
		{"a call streams", func(f *descriptorpb.FileDescriptorProto) {
			f.Service[0].Method[0].ServerStreaming = proto.Bool(true)
		}, "Decide is another call"},
		{"a field is added", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[1].Field = append(f.MessageType[1].Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("new"), JsonName: proto.String("new"), Number: proto.Int32(99),
				Type: descriptorpb.FieldDescriptorProto_TYPE_BOOL.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := &descriptorpb.FileDescriptorSet{}
			then.RangeFiles(func(f protoreflect.FileDescriptor) bool {
				p := protodesc.ToFileDescriptorProto(f)
				if strings.HasSuffix(f.Path(), "negotiator.proto") {
					tt.change(p)
				}
				set.File = append(set.File, p)
				return true
			})
			now, err := protodesc.NewFiles(set)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(takenBack(then, now), "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func released(t *testing.T) *protoregistry.Files {
	t.Helper()
	octets, err := os.ReadFile("released.binpb")
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(octets, set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	if files.NumFiles() < 9 {
		t.Fatalf("%d released files", files.NumFiles())
	}
	return files
}

// takenBack lists what is in then and not in now, or means something else there.
func takenBack(then, now *protoregistry.Files) (problems []string) {
	say := func(d protoreflect.Descriptor, format string, args ...any) {
		problems = append(problems, string(d.FullName())+": "+fmt.Sprintf(format, args...))
	}
	then.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			d, err := now.FindDescriptorByName(m.FullName())
			n, ok := d.(protoreflect.MessageDescriptor)
			if err != nil || !ok {
				say(m, "is gone")
				continue
			}
			compareFields(m, n, say)
		}
		for i := range f.Enums().Len() {
			e := f.Enums().Get(i)
			d, _ := now.FindDescriptorByName(e.FullName())
			n, ok := d.(protoreflect.EnumDescriptor)
			for j := range e.Values().Len() {
				v := e.Values().Get(j)
				if !ok || n.Values().ByNumber(v.Number()) == nil || n.Values().ByNumber(v.Number()).Name() != v.Name() {
					say(e, "%s = %d is gone", v.Name(), v.Number())
				}
			}
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			d, _ := now.FindDescriptorByName(s.FullName())
			n, ok := d.(protoreflect.ServiceDescriptor)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				switch {
				case !ok || n.Methods().ByName(m.Name()) == nil:
					say(s, "%s is gone", m.Name())
				case signature(m) != signature(n.Methods().ByName(m.Name())):
					say(s, "%s is another call", m.Name())
				}
			}
		}
		return true
	})
	return problems
}

func signature(m protoreflect.MethodDescriptor) string {
	return fmt.Sprint(m.Input().FullName(), m.Output().FullName(), m.IsStreamingClient(), m.IsStreamingServer())
}

func compareFields(then, now protoreflect.MessageDescriptor, say func(protoreflect.Descriptor, string, ...any)) {
	for i := range then.Fields().Len() {
		f := then.Fields().Get(i)
		n := now.Fields().ByNumber(f.Number())
		switch {
		case n == nil:
			say(then, "field %d (%s) is gone", f.Number(), f.Name())
		case n.Name() != f.Name():
			say(then, "field %d (%s) is called %s", f.Number(), f.Name(), n.Name())
		case n.Kind() != f.Kind() || typeName(n) != typeName(f):
			say(then, "field %d (%s) was %s%s and is %s%s", f.Number(), f.Name(), f.Kind(), typeName(f), n.Kind(), typeName(n))
		case n.Cardinality() != f.Cardinality():
			say(then, "field %d (%s) was %s and is %s", f.Number(), f.Name(), f.Cardinality(), n.Cardinality())
		case oneof(n) != oneof(f):
			say(then, "field %d (%s) has moved into or out of a oneof", f.Number(), f.Name())
		}
	}
}

func typeName(f protoreflect.FieldDescriptor) protoreflect.FullName {
	switch {
	case f.Message() != nil:
		return f.Message().FullName()
	case f.Enum() != nil:
		return f.Enum().FullName()
	}
	return ""
}

func oneof(f protoreflect.FieldDescriptor) protoreflect.FullName {
	if f.ContainingOneof() == nil {
		return ""
	}
	return f.ContainingOneof().FullName()
}
