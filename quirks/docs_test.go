package quirks

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/golden"
)

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
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, typ, spaced(k.Type, def), decided[k.Phase], at, k.Meaning)
	}
	return b.String()
}

// spaced makes a list of words easy to break into lines.
func spaced(t Type, s string) string {
	if !t.list() {
		return s
	}
	return strings.ReplaceAll(s, ",", ", ")
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
	if golden.Update() {
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

// facts are the ids of the collection of facts about modems, the checklist for the keys: each family's highest number.
var facts = map[string]int{
	"USB": 24, "AT": 19, "SIM": 7, "REG": 6, "PDP": 20, "DIAL": 14, "LCP": 18, "AUTH": 13, "IPCP": 17, "V6": 3, "DATA": 5,
	"HUP": 17, "RST": 6, "UART": 11, "N": 33,
}

// Everything that modems are known to do is in one of the two tables exactly once: with keys that exist, or with a reason
// why it has none.
func TestEveryKnownQuirkHasAKeyOrAReason(t *testing.T) {
	text, err := os.ReadFile("../docs/quirks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok1 := strings.Cut(string(text), "\n## What modems do, and the keys for it\n")
	with, rest, ok2 := strings.Cut(rest, "\n### What is not a key, and why\n")
	without, _, ok3 := strings.Cut(rest, "\n## ")
	if !ok1 || !ok2 || !ok3 {
		t.Fatal("docs/quirks.md lost its two tables")
	}
	seen := map[string]int{}
	id := regexp.MustCompile(`^[A-Z0-9]+-[0-9]{2}$`)
	code := regexp.MustCompile("`([^`]+)`")
	rows := func(table string) (list [][]string) {
		for line := range strings.Lines(table) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 3 || strings.TrimSpace(cells[0]) == "id" || strings.HasPrefix(strings.TrimSpace(cells[0]), "-") {
				continue
			}
			for _, name := range strings.Split(cells[0], ",") {
				if name = strings.TrimSpace(name); !id.MatchString(name) {
					t.Errorf("%q is no id", name)
				}
				seen[name]++
			}
			list = append(list, cells)
		}
		return list
	}
	for _, row := range rows(with) {
		keys := 0
		for _, m := range code.FindAllStringSubmatch(row[2], -1) {
			family, name, dotted := strings.Cut(m[1], ".")
			if !dotted || !slices.Contains(families(), family) || strings.ContainsAny(name, " /") {
				continue
			}
			if _, ok := Lookup(m[1]); !ok {
				t.Errorf("%s: there is no key %s", row[0], m[1])
			}
			keys++
		}
		if keys == 0 {
			t.Errorf("%s names no key", row[0])
		}
	}
	rows(without)
	for family, last := range facts {
		for n := 1; n <= last; n++ {
			name := fmt.Sprintf("%s-%02d", family, n)
			want := 1
			if name == "IPCP-14" { // there is no such entry
				want = 0
			}
			if seen[name] != want {
				t.Errorf("%s stands in the tables %d times, want %d", name, seen[name], want)
			}
			delete(seen, name)
		}
	}
	for name := range seen {
		t.Errorf("%s is no entry of the checklist", name)
	}
}
