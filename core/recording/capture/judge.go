package capture

import "bytes"

// pppBegins are octets that PPP on a serial line often contains: a flag with the Address and Control fields, escaped or not (RFC
// 1662 section 3.1), and an IP packet after compressed fields.
var pppBegins = [][]byte{
	{0x7e, 0xff, 0x7d, 0x23}, {0x7e, 0xff, 0x03}, {0xff, 0x7d, 0x23, 0xc0, 0x21}, {0x7e, 0x21, 0x45}, {0x7e, 0xc0, 0x21}, {0x7e, 0x80, 0x21, 0x7d},
}

// judge says what a port is, by some of its octets.
func judge(b []byte) portKind {
	switch {
	case bytes.HasPrefix(b, []byte("USBC")) && len(b) == 31, bytes.HasPrefix(b, []byte("USBS")) && len(b) == 13:
		return portOther // mass storage: a command and its status (USB Mass Storage Class, Bulk-Only Transport, section 5)
	case bytes.HasPrefix(b, []byte("$GP")), bytes.HasPrefix(b, []byte("$GN")):
		return portOther // positions (NMEA)
	}
	for _, p := range pppBegins {
		if bytes.Contains(b, p) {
			return portSerial
		}
	}
	text := bytes.TrimLeft(b, "\r\n\x00")
	if len(text) >= 2 && bytes.EqualFold(text[:2], []byte("AT")) && printable(text) {
		return portSerial
	}
	if len(b) >= 4 && bytes.HasSuffix(b, []byte("\r\n")) && printable(b) {
		return portSerial
	}
	return portUnknown
}

// printable says whether all octets are printable ASCII or line ends.
func printable(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c >= 0x7f) && c != '\r' && c != '\n' && c != '\t' && c != 0x1a {
			return false
		}
	}
	return true
}
