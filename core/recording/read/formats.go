package read

import (
	"github.com/knakppp/knak/core/recording/capture"
	"github.com/knakppp/knak/core/recording/source"
)

// Formats is the one table of what can be read. Of two that are equally sure of a file the first is taken.
func Formats() []source.Format {
	return append(capture.Formats(),
		jsonFormat, eventsFormat, logFormat,
	)
}

// Names gives the names of all formats, in the order of the table.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}
