package quirks

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const devicesHead = `# Devices

Generated from devices.toml and quirks/ by ` + "`knak quirks list --markdown`" + `. [quirks.md](quirks.md) explains the files.

knak dials any modem that speaks AT and PPP, and most need no entry here. This page lists the modems of which more is known:
which tty carries PPP and which takes commands, or what is odd about the modem. *Known* says how well: *guessed* (a
person concluded it), *reported* (a person reported it, or working code does it), *traced* (seen in a log or trace),
*hardware* (tried with and without on the modem). knak's own authors have tried nothing here on hardware, except where the
column says so.

`

// Markdown gives all device entries as a page for people, by maker: how a modem is recognised, its ports, its profile, how well
// that is known and the source.
func (db *DB) Markdown() string {
	devices := db.Devices()
	sections := map[string][]Device{}
	ids := map[string]bool{}
	for _, d := range devices {
		vendor, _ := vendorModel(d.Name)
		sections[vendor] = append(sections[vendor], d)
		for _, id := range d.USB {
			ids[id] = true
		}
	}
	profiles := 0
	for _, id := range db.Profiles() {
		if p, _ := db.Profile(id); !p.Fragment() {
			profiles++
		}
	}
	ofPorts, ofProfiles := db.different()
	var b strings.Builder
	b.WriteString(devicesHead)
	fmt.Fprintf(&b, "%d entries with %d USB ids, %d profiles, %d different settings.\n", len(devices), len(ids), profiles, len(ofPorts)+len(ofProfiles))
	vendors := make([]string, 0, len(sections))
	for v := range sections {
		vendors = append(vendors, v)
	}
	slices.SortFunc(vendors, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for _, v := range vendors {
		fmt.Fprintf(&b, "\n## %s\n\n| model | told by | PPP, AT on interface (or tty, from 0) | profile | what is special | known | source |\n| --- | --- | --- | --- | --- | --- | --- |\n", v)
		for _, d := range sections[v] {
			_, model := vendorModel(d.Name)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(model), cell(toldBy(&d)), portsCell(&d), profileCell(&d), cell(special(db, &d)), knownCell(db, &d), links(d.Sources))
		}
	}
	return b.String()
}

// vendorModel splits the name of an entry.
func vendorModel(name string) (vendor, model string) {
	vendor, model, ok := strings.Cut(name, " ")
	if vendor == "Sony" {
		rest, after, _ := strings.Cut(model, " ")
		return vendor + " " + rest, after
	}
	if !ok {
		return strings.TrimSuffix(vendor, ","), "any"
	}
	if bare, found := strings.CutSuffix(vendor, ","); found {
		vendor = bare
	}
	return vendor, model
}

func cell(s string) string {
	if s == "" {
		return "–"
	}
	return strings.NewReplacer("|", "\\|", "*", "\\*", "_", "\\_").Replace(s)
}

func toldBy(d *Device) string {
	var list []string
	for _, c := range []struct {
		name     string
		patterns []string
	}{
		{"", d.USB}, {"interface ", d.Interface}, {"class ", d.Class}, {"driver ", d.Driver},
		{"maker ", d.Manufacturer}, {"model ", d.Model}, {"revision ", d.Revision},
	} {
		if len(c.patterns) > 0 {
			list = append(list, c.name+strings.Join(c.patterns, ", "))
		}
	}
	return strings.Join(list, "; ")
}

func portsCell(d *Device) string {
	data, at := "–", "–"
	for _, q := range d.Ports {
		text := q.Value.String()
		if strings.HasSuffix(q.Key, "_tty") {
			text = "tty " + text
		}
		if strings.HasPrefix(q.Key, "port.data") {
			data = text
		} else {
			at = text
		}
	}
	return data + ", " + at
}

func profileCell(d *Device) string {
	if d.Profile == "" {
		return "–"
	}
	return "[" + d.Profile + "](../quirks/" + d.Profile + ".toml)"
}

func special(db *DB, d *Device) string {
	if d.Profile == "" {
		return map[string]string{"works": "needs nothing", "seen": "no more is known than that it is one", "no-ppp": "no PPP: not a modem, or not in this state"}[d.Status]
	}
	p, _ := db.Profile(d.Profile)
	return p.Summary
}

// knownCell lists how well what the entry brings is known, weakest first.
func knownCell(db *DB, d *Device) string {
	seen := map[string]bool{}
	for _, q := range d.Ports {
		seen[q.Confidence] = true
	}
	if d.Status != "" {
		seen[d.Confidence] = true
	}
	if d.Profile != "" {
		for _, id := range db.Lineage(d.Profile) {
			p, _ := db.Profile(id)
			for _, q := range p.Quirks {
				seen[q.Confidence] = true
			}
		}
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(Confidences), func(c string) bool { return !seen[c] }), ", ")
}

func links(sources []string) string {
	var list []string
	for _, s := range sources {
		list = append(list, "["+cell(path.Base(s))+"]("+s+")")
	}
	return strings.Join(list, " ")
}

// different gives the different settings, and which quirks make them: those of device entries and those of profiles.
func (db *DB) different() (ofPorts, ofProfiles map[string][]Quirk) {
	add := func(m map[string][]Quirk, list []Quirk) {
		for _, q := range list {
			id := q.Key + " " + q.Op.String() + " " + q.Value.String()
			m[id] = append(m[id], q)
		}
	}
	ofPorts, ofProfiles = map[string][]Quirk{}, map[string][]Quirk{}
	for _, d := range db.Devices() {
		add(ofPorts, d.Ports)
	}
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		add(ofProfiles, p.Quirks)
	}
	return ofPorts, ofProfiles
}
