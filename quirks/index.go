package quirks

import (
	"bytes"
	"slices"
	"strings"
)

// index finds the device entries that may match a modem, so that a large database need not be searched from one end to the other.
// An entry is listed under one of its conditions: whole USB ids, vendor ids, or the beginnings of text patterns. A pattern that
// begins with a wildcard is listed under the empty text.
type index struct {
	places map[string][]int
	texts  []usbText
}

// usbText is a built-in entry whose only conditions are USB ids. There are hundreds of them, and searching their texts takes less
// time than putting a tenth of them into a map.
type usbText struct {
	place int
	ids   []byte // as in the file: ["12d1:1506", "12d1:*"]
}

// maxPrefix is how many letters of a text's beginning are compared.
const maxPrefix = 8

// beginnings are the conditions whose beginnings are indexed, each with its letter in the index.
var beginnings = []struct{ letter, condition string }{
	{"m", "model"}, {"r", "revision"}, {"v", "manufacturer"}, {"d", "dmi"}, {"o", "operator"}, {"p", "peer"},
}

// add adds the entry that has place i in the list.
func (x *index) add(i int, d *Device) {
	if x.places == nil {
		x.places = map[string][]int{}
	}
	put := func(key string) {
		// Only once, though the entry may name it twice.
		if at := x.places[key]; len(at) == 0 || at[len(at)-1] != i {
			x.places[key] = append(at, i)
		}
	}
	for _, id := range d.USB {
		put("u" + id)
	}
	if len(d.USB) > 0 {
		return
	}
	for _, t := range beginnings {
		for _, c := range conditions {
			if patterns := *c.field(d); c.name == t.condition && len(patterns) > 0 {
				for _, p := range patterns {
					put(t.letter + prefix(p))
				}
				return
			}
		}
	}
	put("")
}

// prefix is the beginning of a pattern up to a wildcard, in lower case.
func prefix(p string) string {
	if i := strings.IndexAny(p, "*?"); i >= 0 {
		p = p[:i]
	}
	return strings.ToLower(p[:min(len(p), maxPrefix)])
}

// usb gives the places of the entries that name a USB id or, as "12d1:*", a vendor's.
func (x *index) usb(id string) []int {
	list := slices.Clone(x.places["u"+id])
	quoted := []byte(`"` + id + `"`)
	for _, t := range x.texts {
		if bytes.Contains(t.ids, quoted) {
			list = append(list, t.place)
		}
	}
	slices.Sort(list)
	return list
}

// vendors gives the vendor ids that entries name, alone or in a whole id, sorted.
func (x *index) vendors() (list []string) {
	add := func(id string) {
		if vendor, _, ok := strings.Cut(id, ":"); ok && len(vendor) == 4 {
			list = append(list, vendor)
		}
	}
	for key := range x.places {
		if id, ok := strings.CutPrefix(key, "u"); ok {
			add(id)
		}
	}
	for _, t := range x.texts {
		for id := range strings.SplitSeq(string(t.ids[2:len(t.ids)-2]), `", "`) {
			add(id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// candidates gives the places of all entries that could match, in the order of the list.
func (x *index) candidates(f *Facts) []int {
	list := slices.Clone(x.places[""])
	if usb := strings.ToLower(strings.TrimSpace(f.USB)); usb != "" {
		list = append(list, x.usb(usb)...)
		if vendor, _, ok := strings.Cut(usb, ":"); ok {
			list = append(list, x.usb(vendor+":*")...)
		}
	}
	for _, t := range beginnings {
		for _, c := range conditions {
			if c.name != t.condition {
				continue
			}
			fact := strings.TrimSpace(*c.fact(f))
			for n := range min(len(fact), maxPrefix) + 1 {
				list = append(list, x.places[t.letter+strings.ToLower(fact[:n])]...)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
