package resolv

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// This file is resolv.conf(5) as text: what ours looks like, and what another program that has changed it meant.

// markBegin begins the line that marks a resolv.conf as ours, even if a person has edited it.
const markBegin = "# Made by knak for the link "

func mark(link string) string {
	return markBegin + link + ". The file that was here comes back when the link ends."
}

func marked(content []byte) bool {
	return bytes.HasPrefix(content, []byte(markBegin)) || bytes.Contains(content, []byte("\n"+markBegin))
}

// content is our file: the servers of a link, those that somebody has added since, and every line of the original that is
// not about servers.
func content(l claim, original []byte, added []addition) []byte {
	lines := []string{mark(l.Interface)}
	add := func(before bool) {
		for _, a := range added {
			if a.Before == before {
				lines = append(lines, a.Line)
			}
		}
	}
	add(true)
	for i, s := range l.Servers {
		if i == maxServers {
			break
		}
		lines = append(lines, "nameserver "+s.String())
	}
	add(false)
	for _, line := range linesOf(original) {
		if word, _ := keyword(line); word != "" && word != "nameserver" {
			lines = append(lines, line)
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

func linesOf(content []byte) []string {
	if len(content) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// keyword takes a line apart; the word is "" for comments and blank lines.
func keyword(line string) (word, value string) {
	f := strings.Fields(line)
	if len(f) == 0 || strings.ContainsAny(f[0][:1], "#;") {
		return "", ""
	}
	if len(f) > 1 {
		value = f[1]
	}
	return f[0], value
}

// server gives the address of a line that names one.
func server(line string) (netip.Addr, bool) {
	word, value := keyword(line)
	if word != "nameserver" {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(value)
	return a, err == nil
}

// serversIn gives all servers that a file names.
func serversIn(content []byte) (list []netip.Addr) {
	for _, line := range linesOf(content) {
		if a, ok := server(line); ok {
			list = append(list, a)
		}
	}
	return list
}

// without takes the lines of servers out. It gives the content itself where there are none of them.
func without(content []byte, servers []netip.Addr) []byte {
	lines := linesOf(content)
	kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		a, ok := server(line)
		return ok && slices.Contains(servers, a)
	})
	if len(kept) == len(lines) {
		return content
	}
	return join(kept, content)
}

// join makes a file of lines, with a line feed at its end where the model has one.
func join(lines []string, model []byte) []byte {
	if len(lines) == 0 {
		return []byte{}
	}
	text := strings.Join(lines, "\n")
	if len(model) == 0 || model[len(model)-1] == '\n' {
		text += "\n"
	}
	return []byte(text)
}

// edit holds the lines that a person has added to our file or removed from it.
type edit struct {
	removed []string
	added   []addition
}

// editOf compares our file with what it has become. Our own mark and servers are no matter of anybody else's file.
func editOf(base, now []byte, ours []netip.Addr) (e edit) {
	was, is := linesOf(base), linesOf(now)
	left := slices.Clone(was)
	beforeOurs := true
	for _, line := range is {
		i := slices.Index(left, line)
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		if a, ok := server(line); ok && slices.Contains(ours, a) {
			beforeOurs = false
		}
		if i < 0 && !strings.HasPrefix(line, markBegin) {
			e.added = append(e.added, addition{Line: line, Before: beforeOurs})
		}
	}
	for _, line := range left {
		if a, ok := server(line); !(ok && slices.Contains(ours, a)) && !strings.HasPrefix(line, markBegin) {
			e.removed = append(e.removed, line)
		}
	}
	return e
}

// nearest gives that of several contents which a content was most likely made of.
func nearest(list [][]byte, now []byte) (best []byte) {
	least := -1
	for _, w := range list {
		left := linesOf(now)
		lost := 0
		for _, line := range linesOf(w) {
			if i := slices.Index(left, line); i >= 0 {
				left = slices.Delete(left, i, i+1)
			} else {
				lost++
			}
		}
		if differ := lost + len(left); least < 0 || differ < least {
			best, least = w, differ
		}
	}
	return best
}

// apply does to the original what was done to ours: a name server goes before or behind those that are there, as it stood
// to ours; anything else at the end.
func (e edit) apply(original []byte) []byte {
	if len(e.removed) == 0 && len(e.added) == 0 {
		return original
	}
	lines := linesOf(original)
	for _, line := range e.removed {
		if i := slices.Index(lines, line); i >= 0 {
			lines = slices.Delete(lines, i, i+1)
		}
	}
	isServer := func(line string) bool { word, _ := keyword(line); return word == "nameserver" }
	first := slices.IndexFunc(lines, isServer)
	for _, a := range e.added {
		at := len(lines)
		if isServer(a.Line) && first >= 0 {
			switch {
			case a.Before:
				at = first
				first++
			default:
				for at > 0 && !isServer(lines[at-1]) {
					at--
				}
			}
		}
		lines = slices.Insert(lines, at, a.Line)
	}
	return join(lines, nil)
}

// addedTo gives the lines of servers that were added, up to now and by this.
func (e edit) addedTo(list []addition) []addition {
	list = slices.DeleteFunc(slices.Clone(list), func(a addition) bool { return slices.Contains(e.removed, a.Line) })
	for _, a := range e.added {
		if word, _ := keyword(a.Line); word == "nameserver" {
			list = append(list, a)
		}
	}
	return list
}

// nameservers are the servers as lines.
func nameservers(servers []netip.Addr) string {
	var b strings.Builder
	for i, s := range servers {
		if i == maxServers {
			break
		}
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	return b.String()
}
