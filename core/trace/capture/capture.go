// Package capture reads recordings of a line or of packets: pppd's record files, pcap and pcapng, USB captures of a
// modem, what serial port monitors export, and hex dumps. Each format is found out by its content and read in constant
// memory; core/trace/wire makes records of the bytes.
package capture

import "github.com/knakppp/knak/core/trace/source"

// Formats gives the formats of this package for the table of core/trace/read.
func Formats() []source.Format {
	return []source.Format{pcapngFormat, pcapFormat, pppdRecordFormat}
}
