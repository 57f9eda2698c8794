package capture

// ftdi takes out what FTDI's converters put into what they send: each USB packet begins with two octets, the state of the
// modem lines (bit 0 is always set) and of the receiver. A converter is known by its first packet, which mostly holds
// nothing else: it sends such ones all the time.
type ftdi struct {
	known, is bool
}

// status says whether two octets may be the state: no receiver error, which the second would show.
func status(b []byte) bool { return len(b) >= 2 && b[0]&0x0f == 1 && b[1]&0x9f == 0 }

// strip gives the octets of one transfer from the device without the states; it may overwrite b.
func (f *ftdi) strip(b []byte) []byte {
	if !f.known {
		f.known = true
		f.is = status(b) && (len(b) == 2 || b[1] == 0x60)
	}
	if !f.is {
		return b
	}
	size := 512 // of a packet at high speed
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
