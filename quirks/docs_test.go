package quirks

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write generated documentation instead of comparing it")

// keyTables gives the documentation of all keys.
func keyTables() string {
	var b strings.Builder
	decided := map[Phase]string{AtOpen: "before opening", AtProbe: "after asking", AtDial: "before dialling", AtNegotiate: "any time"}
	b.WriteString("*Until* says up to when a fact can still decide the key: *before opening* (only `usb`, `interface`, `class` and\n" +
		"`driver` come in time), *after asking* the modem who it is, *before dialling*, or *any time*. *AT* marks keys that\n" +
		"decide what AT commands are sent: a signed update or a plugin may not set those.\n")
	family := ""
	for _, k := range Keys {
		if f, _, _ := strings.Cut(k.Name, "."); f != family {
			family = f
			b.WriteString("\n### " + f + "\n\n| key | type | default | until | AT | meaning |\n| --- | --- | --- | --- | --- | --- |\n")
		}
		typ := k.Type.String()
		switch {
		case k.Type == Int || k.Type == Duration:
			typ += ", " + k.Min + " to " + k.Max
		case len(k.Allowed) > 0:
			typ += ": `" + strings.Join(k.Allowed, "` `") + "`"
		}
		def := "`" + k.Default + "`"
		if k.Default == "" {
			def = "empty"
		} else if k.Default == "[]" {
			def = "none"
		}
		at := ""
		if k.Class == Command {
			at = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, typ, strings.ReplaceAll(def, ",", ", "), decided[k.Phase], at, k.Meaning)
	}
	return b.String()
}

func TestDocs(t *testing.T) {
	const file, begin, end = "../docs/quirks.md", "<!-- keys -->\n", "<!-- end of keys -->\n"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := bytes.Cut(old, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatalf("%s lost its marks", file)
	}
	text := string(head) + begin + keyTables() + end + string(tail)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != string(old) {
		t.Errorf("%s is not what Keys says; run go test ./quirks -run TestDocs -update", file)
	}
	// Every condition that an entry can have is in the table of conditions.
	for _, c := range conditions {
		if !strings.Contains(string(head), "| `"+c.name+"` |") {
			t.Errorf("%s does not describe the condition %s", file, c.name)
		}
	}
}

func TestEveryKeyHasAMeaning(t *testing.T) {
	for _, k := range Keys {
		if k.Meaning == "" || strings.ContainsAny(k.Meaning, "\n|") || strings.HasSuffix(k.Meaning, ".") {
			t.Errorf("%s: meaning %q", k.Name, k.Meaning)
		}
		if (k.Type == Words || k.Type == Enum) != (len(k.Allowed) > 0) {
			t.Errorf("%s: allowed words %q for type %s", k.Name, k.Allowed, k.Type)
		}
		if (k.Type == AT || k.Type == ATs) && k.Class != Command {
			t.Errorf("%s sends AT commands but is of class %s", k.Name, k.Class)
		}
	}
}
