package quirks

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// plainly gives a tree as go-toml's decoder gives it; ok is false where a value has no simple form.
func plainly(n *node) (v any, ok bool) {
	switch n.kind {
	case isString:
		return n.text, true
	case isInt:
		return n.num, true
	case isBool:
		return n.num != 0, true
	case isArray:
		list := []any{}
		for _, c := range n.items {
			v, ok := plainly(c)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case isTable:
		m := map[string]any{}
		for name, c := range n.table {
			v, ok := plainly(c)
			if !ok {
				return nil, false
			}
			m[name] = v
		}
		return m, true
	}
	return nil, false
}

// simple makes the decoder's arrays of tables alike to its other arrays.
func simple(v any) any {
	switch v := v.(type) {
	case []map[string]any:
		list := []any{}
		for _, m := range v {
			list = append(list, simple(m))
		}
		return list
	case []any:
		list := []any{}
		for _, c := range v {
			list = append(list, simple(c))
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for name, c := range v {
			m[name] = simple(c)
		}
		return m
	}
	return v
}

// checkFile reads data as a profile and as device entries and holds what must be true of any text.
func checkFile(t *testing.T, data string) {
	t.Helper()
	lines := strings.Count(data, "\n") + 1
	if tree, err := parseTree([]byte(data)); err == nil {
		var want map[string]any
		if err := toml.Unmarshal([]byte(data), &want); err != nil {
			t.Fatalf("taken, though the decoder says %v", err)
		}
		if got, ok := plainly(tree); ok && !reflect.DeepEqual(got, simple(want)) {
			t.Fatalf("read as %v, but the decoder says %v", got, want)
		}
	}
	good := head + quirk("lcp.mru", "value = 1000")
	db, problems := Open(builtin("quirks/acme/fuzz.toml", data, "quirks/acme/modem.toml", good, "devices.toml", data))
	for _, p := range problems {
		if p.File == "" || p.Text == "" || p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 || strings.ContainsAny(p.Text, "\n\x1b") {
			t.Fatalf("bad problem %+v", p)
		}
	}
	if _, there := db.Profile("acme/modem"); !there {
		t.Fatal("the other profile is gone")
	}
	for _, id := range db.Profiles() {
		r, err := db.Resolve(Facts{Model: "E398", Revision: "11.126"}, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Settings() {
			k := table()[s.Key]
			v, err := k.parse(s.Value.String())
			if err != nil || !v.Equal(s.Value) {
				t.Fatalf("%s = %s got through: %v", s.Key, s.Value, err)
			}
		}
	}
	r, _ := db.Resolve(Facts{USB: "12d1:1506", Model: "E398", Revision: "11.126"}, "", nil)
	r.Matches()
	db.Validate()
}

// seeds are the shipped files.
func seeds(t testing.TB) (list []string) {
	root := os.DirFS("..")
	names, err := fs.Glob(root, "quirks/*/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "devices.toml") {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(data))
	}
	return list
}

func FuzzTOML(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Add("schema = 1\n[[auth.user]]\nvalue = 'x'\nfirmware = { from = '1' }\n[[auth.user]]\nvalue = \"\"\"\na\"\"\"\n")
	f.Add("schema = 1\n[[device]]\nusb = ['19d2:0117']\nports = { data = 3, at = 1 }\n[[device]]\nmodel = ['E398*']\nports.data = 2\n")
	f.Add("a.b = 1\n[a.c]\nd = [ # x\n [{e.f = 0x1F}], 1979-05-27 ]\n[[x]]\n[x.y]\n[[x.z]]\n")
	f.Fuzz(checkFile)
}

func FuzzSet(f *testing.F) {
	f.Add("ipcp.request+=nbns1")
	f.Add("at.init=[\"ATZ\"]")
	f.Add("lcp.accm=0xa0000")
	db, _ := Open(builtin())
	f.Fuzz(func(t *testing.T, s string) {
		r, err := db.Resolve(Facts{}, "", []string{s})
		if err != nil {
			return
		}
		for _, c := range r.Changed() {
			if v, err := table()[c.Key].parse(c.Value.String()); err != nil || !v.Equal(c.Value) {
				t.Fatalf("%s = %s got through: %v", c.Key, c.Value, err)
			}
		}
	})
}

// 10,000 damaged copies of the shipped files: an error or a whole profile each, never a crash.
func TestDamagedFiles(t *testing.T) {
	list := seeds(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	parsed, whole := 0, 0
	for i := range 10000 {
		data := []byte(list[i%len(list)])
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(data))
			switch rnd.IntN(4) {
			case 0:
				data[at] = byte(rnd.Uint32())
			case 1:
				data = append(data[:at], data[min(len(data), at+1+rnd.IntN(20)):]...)
			case 2:
				n := min(len(data)-at, 40)
				data = append(data, data[at:at+n]...)
			case 3:
				data[at] = "[]{}\"'=.#\n,"[rnd.IntN(11)]
			}
			if len(data) == 0 {
				data = []byte("\n")
			}
		}
		tree, err := parseTree(data)
		if err != nil {
			continue
		}
		r := reader{layer: User, file: "f"}
		r.readProfile("acme/modem", tree)
		parsed++
		if len(r.problems) == 0 {
			whole++
		}
		r.readDevices(tree)
		for _, p := range r.problems {
			if p.Text == "" {
				t.Fatalf("%+v from %q", p, data)
			}
		}
	}
	// The damage must be of all sorts: files that are no TOML, that are no profile, and that are one still.
	if parsed < 1000 || parsed > 9000 || whole < 100 || whole == parsed {
		t.Errorf("of 10000, %d were TOML and %d a profile", parsed, whole)
	}
}

func TestDeepNestingIsAnError(t *testing.T) {
	for _, s := range []string{strings.Repeat("[", 200000), "a = " + strings.Repeat("{a=", 200000), "[" + strings.Repeat("a.", 200000) + "a]", strings.Repeat("a.", 200000) + "a = 1"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, problems := Open(builtin("quirks/acme/modem.toml", "x = "+s, "quirks/acme/two.toml", s))
		runtime.ReadMemStats(&after)
		if len(problems) < 2 {
			t.Errorf("%.20q…: %s", s, texts(problems))
		}
		// Work that grows with the square of the depth would make 100,000 times the text.
		if n := (after.TotalAlloc - before.TotalAlloc) / uint64(len(s)); n > 2000 {
			t.Errorf("%.20q… took %d octets of memory for each of the text", s, n)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		Open(Sources{Builtin: os.DirFS("..")})
	}
}

func BenchmarkResolve(b *testing.B) {
	db, _ := Open(Sources{Builtin: os.DirFS("..")})
	f := Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398", Revision: "11.433"}
	for b.Loop() {
		if r, _ := db.Resolve(f, "", nil); r.Profile() != "huawei/e398" {
			b.Fatal(r.Profile())
		}
	}
}

// BenchmarkResolve100000 looks a modem up among 100,000 entries: by a USB id, and by the model alone, which has to look
// at every entry.
func BenchmarkResolve100000(b *testing.B) {
	f := Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398", Revision: "11.433"}
	for _, c := range []struct{ name, format string }{
		{"usb", "[[device]]\nprofile = \"huawei/e398\"\nusb = [\"%04x:%04x\"]\nmodel = [\"M%05d*\"]\n"},
		{"model", "[[device]]\nprofile = \"huawei/e398\"\n# %x:%x\nmodel = [\"M%05d*\"]\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("schema = 1\n")
			for i := range 100000 {
				fmt.Fprintf(&text, c.format, 0x2000+i>>16, i&0xffff, i)
			}
			tree, err := parseTree([]byte(text.String()))
			if err != nil {
				b.Fatal(err)
			}
			db, _ := Open(Sources{Builtin: os.DirFS("..")})
			r := reader{layer: User, file: "f"}
			list, _ := r.readDevices(tree)
			for _, d := range list {
				db.addDevice(d)
			}
			for b.Loop() {
				if r, _ := db.Resolve(f, "", nil); r.Profile() != "huawei/e398" || len(db.devices) < 100000 {
					b.Fatal(r.Profile())
				}
			}
		})
	}
}

// As many profiles and devices as the full database will have.
func BenchmarkOpen150(b *testing.B) {
	root := os.DirFS("..")
	text, err := fs.ReadFile(root, "quirks/huawei/e398.toml")
	if err != nil {
		b.Fatal(err)
	}
	common, err := fs.ReadFile(root, "quirks/common/qualcomm-delayed-auth.toml")
	if err != nil {
		b.Fatal(err)
	}
	files := []string{"quirks/common/qualcomm-delayed-auth.toml", string(common)}
	devices := "schema = 1\n"
	for i := range 150 {
		id := fmt.Sprintf("v%d/m%d", i%10, i)
		files = append(files, "quirks/"+id+".toml", string(text))
		devices += device(id, fmt.Sprintf("usb = [\"2000:%04x\"]\nmodel = [\"Model %d*\"]", i, i))
	}
	s := builtin(append(files, "devices.toml", devices)...)
	for b.Loop() {
		if db, problems := Open(s); len(problems) > 0 || len(db.files) != 151 {
			b.Fatal(texts(problems))
		}
	}
}
