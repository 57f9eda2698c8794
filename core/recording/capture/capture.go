// Package capture reads recordings of a line or of packets: pppd's record files, pcap and pcapng, USB captures of a modem, what
// serial port monitors export, and hex dumps. Each format is recognised by its content and read in constant memory;
// core/recording/wire makes records of the bytes.
//
// Octets that are understood but do not belong to a call, such as packets of other protocols, are counted in a notice at the end.
// Octets that are not understood become an event.Unread at their place.
package capture

import "github.com/knakppp/knak/core/recording/source"

// Formats gives the formats of this package for the table of core/recording/read.
func Formats() []source.Format {
	return []source.Format{
		pcapngFormat, pcapFormat, pppdRecordFormat,
		socatFormat, portmonFormat, intercepttyFormat, slsnifFormat, hhdFormat, hexFormat,
	}
}
