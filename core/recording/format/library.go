package format

import (
	"embed"
	"strings"
	"sync"
)

//go:embed formats/*.toml
var shipped embed.FS

// Names gives the names of knak's own formats, without reading them: each file has the name of its format.
func Names() []string {
	entries, err := shipped.ReadDir("formats")
	if err != nil {
		return nil // they are compiled in
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}

// Shipped gives knak's own formats. They are read once, when the first log is read.
var Shipped = sync.OnceValue(func() []*Format {
	entries, _ := shipped.ReadDir("formats") // they are compiled in
	var all []*Format
	for _, e := range entries {
		text, _ := shipped.ReadFile("formats/" + e.Name())
		f, err := Parse(e.Name(), text)
		if err != nil {
			panic("a format that knak has itself: " + err.Error()) // a test reads all of them
		}
		all = append(all, f)
	}
	return all
})
