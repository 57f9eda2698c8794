package cmux

// The FCS of section 5.2.1.6: the polynomial x^8+x^2+x+1 with its bits reversed, all ones at the beginning, sent inverted.
const (
	fcsStart = 0xff
	fcsGood  = 0xcf // of a frame with its FCS
)

var fcsTable = func() (table [256]byte) {
	for i := range table {
		c := byte(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xe0
			} else {
				c >>= 1
			}
		}
		table[i] = c
	}
	return table
}()

func add(sum byte, octets ...byte) byte {
	for _, c := range octets {
		sum = fcsTable[sum^c]
	}
	return sum
}
