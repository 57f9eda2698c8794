package read

import (
	"sync"

	"github.com/knakppp/knak/core/recording/capture"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/source"
)

// Formats is the one table of formats that can be read. If two formats are equally sure of a file, the first is taken.
func Formats() []source.Format { return table() }

var table = sync.OnceValue(func() []source.Format {
	all := append(capture.Formats(), jsonFormat, eventsFormat, logFormat)
	for _, f := range format.Shipped() {
		all = append(all, ofFormat(f))
	}
	return all
})

// Names gives the names of all formats, in the order of the table. It does not read the files of the formats.
func Names() []string {
	var names []string
	for _, f := range append(capture.Formats(), jsonFormat, eventsFormat, logFormat) {
		names = append(names, f.Name)
	}
	return append(names, format.Names()...)
}
