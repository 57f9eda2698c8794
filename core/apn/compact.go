package apn

import (
	_ "embed"
	"fmt"
	"strings"
)

// The compact form is UTF-8 text, one fact a line, fields parted by tabs:
//
//	knak-apn 1
//	# a comment
//	S	mobile-broadband-provider-info 20230416      the source
//	P	KPN NL	+	20408                             a provider: name, rank, networks
//	A	portalmmm.nl	user	password	chap         one of its access points
//
// The rank is + for the owner of a network, - for a virtual operator, empty where the source does not say. Networks are
// MCC and MNC without anything between, parted by spaces. An access point with the APN alone names no credentials; one
// with more fields does, and those at the end that are empty may be left out but the first.

// compactHead is the first line of the compact form.
const compactHead = "knak-apn 1\n"

var rankMarks = [...]string{Primary: "+", Unsaid: "", Virtual: "-"}

//go:generate go run generate.go -out table.txt

//go:embed table.txt
var embedded string

// Embedded reads the networks of one country (by its MCC) from the copy that is compiled in, each time it is called. For a SIM of
// that country this Table has the same answers as the whole one. "" reads the whole copy, which takes ten times as long.
func Embedded(mcc string) (*Table, error) { return readCompact(embedded, mcc) }

// ReadCompact reads the compact form.
func ReadCompact(text string) (*Table, error) { return readCompact(text, "") }

// readCompact reads the providers that have a network whose MCC and MNC begin so.
func readCompact(text, begin string) (*Table, error) {
	rest, ok := strings.CutPrefix(text, compactHead)
	if !ok {
		return nil, fmt.Errorf("provider table: does not begin with %q", strings.TrimSpace(compactHead))
	}
	if len(rest) > maxXML {
		return nil, fmt.Errorf("provider table: longer than %d octets", maxXML)
	}
	t := &Table{}
	var p Provider
	number, other := 1, false // other: the provider is not wanted
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		number++
		if line == "" || line[0] == '#' {
			continue
		}
		kind, fields, _ := strings.Cut(line, "\t")
		if kind == "P" {
			other = begin != "" && !names(fields, begin)
		}
		if other && kind != "S" {
			continue
		}
		f := strings.Split(fields, "\t")
		switch {
		case kind == "S" && len(f) == 1:
			t.Source = cleanName(f[0])
		case kind == "P" && len(f) == 3 && rankOf(f[1]) >= 0:
			t.add(p)
			p = Provider{Name: f[0], Rank: Rank(rankOf(f[1]))}
			for _, n := range strings.Fields(f[2]) {
				if len(n) < 5 {
					return nil, fmt.Errorf("provider table: line %d: %.10q is no network", number, n)
				}
				p.Networks = append(p.Networks, Network{n[:3], n[3:]})
			}
		case kind == "A" && len(f) <= 4 && len(p.Networks) > 0:
			a := Access{APN: f[0], Login: len(f) > 1}
			for i, into := range []*string{&a.User, &a.Password, &a.Method} {
				if i+1 < len(f) {
					*into = f[i+1]
				}
			}
			p.Access = append(p.Access, a)
		default:
			return nil, fmt.Errorf("provider table: line %d is none of S, P and A with their fields", number)
		}
	}
	t.add(p)
	return t, nil
}

// names says whether one of the networks, which are the last field of a provider's line, begins so.
func names(fields, begin string) bool {
	for n := range strings.SplitSeq(fields[strings.LastIndexByte(fields, '\t')+1:], " ") {
		if strings.HasPrefix(n, begin) {
			return true
		}
	}
	return false
}

func rankOf(mark string) int {
	for i, m := range rankMarks {
		if m == mark {
			return i
		}
	}
	return -1
}

// AppendCompact writes the compact form.
func (t *Table) AppendCompact(b []byte) []byte {
	b = append(b, compactHead...)
	b = append(b, "S\t"+t.Source+"\n"...)
	for i := range t.Providers {
		p := &t.Providers[i]
		b = append(b, "P\t"+p.Name+"\t"+rankMarks[p.Rank]+"\t"...)
		for i, n := range p.Networks {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, n.MCC+n.MNC...)
		}
		b = append(b, '\n')
		for _, a := range p.Access {
			b = append(b, "A\t"+a.APN...)
			if a.Login {
				line := "\t" + a.User + "\t" + a.Password + "\t" + a.Method
				line = strings.TrimRight(line, "\t")
				if line == "" {
					line = "\t"
				}
				b = append(b, line...)
			}
			b = append(b, '\n')
		}
	}
	return b
}
