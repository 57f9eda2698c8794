// Package capture reads recordings of a line or of packets: pppd's record files, pcap and pcapng, USB captures of a
// modem, what serial port monitors export, and hex dumps. Each format is found out by its content and read in constant
// memory; core/recording/wire makes records of the bytes.
//
// Octets of a capture that are understood and hold nothing of a call, such as the packets of other protocols, are counted
// in a notice at the end; what is not understood is an Unread where it stands.
package capture

import "github.com/knakppp/knak/core/recording/source"

// Formats gives the formats of this package for the table of core/recording/read.
func Formats() []source.Format {
	return []source.Format{
		pcapngFormat, pcapFormat, pppdRecordFormat,
		socatFormat, portmonFormat, intercepttyFormat, slsnifFormat, hhdFormat, hexFormat,
	}
}
