package capture

// ftdi removes the state octets that FTDI's converters send: each USB packet begins with two octets, the state of the modem lines
// (bit 0 is always set) and of the receiver. A converter is recognised by its first packet, which usually holds these two octets
// only: it sends such packets all the time.
type ftdi struct {
	known, is bool
}

// status says whether b may begin with the two state octets. The second must show no receiver error.
func status(b []byte) bool { return len(b) >= 2 && b[0]&0x0f == 1 && b[1]&0x9f == 0 }

// strip gives the octets of one transfer from the device without the state octets; it may overwrite b.
func (f *ftdi) strip(b []byte) []byte {
	if !f.known {
		f.known = true
		f.is = status(b) && (len(b) == 2 || b[1] == 0x60)
	}
	if !f.is {
		return b
	}
	size := 512 // octets of a packet at high speed
	if len(b) > 64 && b[64]&0x0f == 1 && len(b) > 65 && b[65] == b[1] || len(b) <= 64 {
		size = 64
	}
	out := b[:0]
	for len(b) > 0 {
		n := min(len(b), size)
		out = append(out, b[min(2, n):n]...)
		b = b[n:]
	}
	return out
}
