package quirks_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/quirks"
)

// rows reads a table of testdata.
func rows(t *testing.T, file string, columns int) (list [][]string) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		for len(cells) < columns {
			cells = append(cells, "")
		}
		list = append(list, cells)
	}
	return list
}

// Whoever buys a module of the 2020s finds it here: with a profile, or with a word that it needs none.
func TestModulesOfTheTwentiesAreKnown(t *testing.T) {
	db := shipped(t)
	for _, c := range rows(t, "modern.tsv", 3) {
		for _, usb := range []string{c[2], quirks.None} {
			if usb == "" {
				continue
			}
			r, err := db.Resolve(quirks.Facts{USB: usb, Manufacturer: c[0], Model: c[1]}, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Devices()) == 0 {
				t.Errorf("%s %s (%s) is not known", c[0], c[1], usb)
			}
		}
	}
}

// acts says how a setting shows itself.
func acts(s quirks.Setting) string {
	switch {
	case s.Source == "":
		return "default"
	case strings.HasPrefix(s.Key, "port.") && s.Profile == "":
		return "ports of the entry"
	case strings.HasPrefix(s.Key, "port."):
		return "the host's port"
	case s.When != "":
		return "when " + s.When
	}
	return "two-sided"
}

// Each behaviour that a key can hold, by the ids of docs/quirks.md, stands in what every modem gets that its source names; and of
// each is said which profile holds it, and how it acts: two-sided (a scenario goes wrong without it, which core/vectors holds), only
// under a condition, at the host's port, by the entry's ports, or by the default that every modem gets.
func TestBehavioursAreInEffect(t *testing.T) {
	db := shipped(t)
	const path = "testdata/behaviours.tsv"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ids := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			out.WriteString(line)
			continue
		}
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(c) < 4 {
			t.Fatalf("%q", line)
		}
		ids[c[0]] = true
		if c[2] == "[[port]]" {
			if !slices.ContainsFunc(db.Rules(), func(r quirks.PortRule) bool { return r.Name == c[3] }) {
				t.Errorf("%s: there is no rule %q", c[0], c[3])
			}
			fmt.Fprintf(&out, "%s\tdevices.toml\ta rule for ports\n", strings.Join(c[:4], "\t"))
			continue
		}
		var f quirks.Facts
		if c[1] != "any" {
			if f, err = f.With(strings.Split(c[1], ";")); err != nil {
				t.Fatalf("%v: %v", c, err)
			}
		}
		f.Remembered = true
		r, err := db.Resolve(f, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := quirks.Lookup(c[2]); !ok {
			t.Fatalf("%v: there is no key %s", c, c[2])
		}
		s := r.Setting(c[2])
		if !strings.Contains(s.Value.String(), strings.TrimPrefix(c[3], "!")) == !strings.HasPrefix(c[3], "!") {
			t.Errorf("%s, %s: %s is %s (%s), expected %s", c[0], c[1], c[2], s.Value, s.Source, c[3])
		}
		who := s.Profile
		switch {
		case s.Source == "":
			who = "any"
		case who == "":
			who = "devices.toml"
		}
		fmt.Fprintf(&out, "%s\t%s\t%s\n", strings.Join(c[:4], "\t"), who, acts(s))
	}
	switch {
	case golden.Update():
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	case out.String() != string(b):
		t.Errorf("%s does not say what the database does; make generate", path)
	}
	everyBehaviour(t, ids)
}

// behaviourID is an id of the collection of facts.
var behaviourID = regexp.MustCompile(`\b(USB|AT|SIM|REG|PDP|DIAL|LCP|AUTH|IPCP|V6|DATA|HUP|RST|UART|N)-[0-9]{1,2}\b`)

// everyBehaviour holds docs/quirks.md and the table to each other: an id has a row, or the page says why no profile or no key holds it.
func everyBehaviour(t *testing.T, rows map[string]bool) {
	b, err := os.ReadFile("../docs/quirks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "## What modems do, and the keys for it")
	keys, rest, ok := strings.Cut(text, "Some misbehaviour has a key, but no profile sets it")
	if !ok {
		t.Fatal("docs/quirks.md has lost a section")
	}
	ids := func(text string) map[string]bool {
		list := map[string]bool{}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "- ") {
				continue
			}
			cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
			if strings.HasPrefix(line, "- ") {
				cell, _, _ = strings.Cut(line, ", `")
			}
			for _, id := range behaviourID.FindAllString(cell, -1) {
				list[id] = true
			}
		}
		return list
	}
	held, not := ids(keys), ids(rest)
	all := map[string]bool{}
	for id := range held {
		all[id] = true
		if !rows[id] && !not[id] {
			t.Errorf("%s has a key, but no row in testdata/behaviours.tsv, and docs/quirks.md does not say why no profile has it", id)
		}
	}
	for id := range not {
		all[id] = true
	}
	for id := range rows {
		if !all[id] {
			t.Errorf("%s is in testdata/behaviours.tsv and not in docs/quirks.md", id)
		}
	}
	t.Logf("%d behaviours: %d with a row, %d without a key or a profile", len(all), len(rows), len(not))
	if len(all) < 179+33 {
		t.Errorf("%d behaviours, want all %d", len(all), 179+33)
	}
}

// The keys that nothing of the database sets are listed in docs/quirks.md.
func TestBehavioursOfKeysThatNothingSets(t *testing.T) {
	db := shipped(t)
	set := map[string]bool{}
	for _, id := range db.Profiles() {
		p, ok := db.Profile(id)
		if !ok {
			t.Fatal(id)
		}
		for _, q := range p.Quirks {
			set[q.Key] = true
		}
	}
	for _, d := range db.Devices() {
		for _, q := range d.Ports {
			set[q.Key] = true
		}
	}
	var unset []string
	for _, k := range quirks.Keys {
		if !set[k.Name] {
			unset = append(unset, "`"+k.Name+"`")
		}
	}
	const path, before = "../docs/quirks.md", "the keys are there for unknown\nones:\n\n"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), before)
	old, tail, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatal("docs/quirks.md has lost a section")
	}
	want := strings.Join(unset, ", ") + "."
	switch {
	case golden.Update():
		if err := os.WriteFile(path, []byte(head+before+want+"\n\n"+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != want:
		t.Errorf("docs/quirks.md lists other keys that nothing sets: make generate\n%s\n%s", old, want)
	}
	t.Logf("%d of %d keys", len(unset), len(quirks.Keys))
}
