package read

import (
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/capture"
)

// row takes a line that is a row of octets. It is false if b is not one.
func (f *formatted) row(b []byte) bool {
	octets, ok := capture.HexRow(string(b))
	if ok {
		f.left--
		f.octets(f.dir, octets)
	}
	return ok
}

// octets takes octets of the serial line.
func (f *formatted) octets(dir event.Dir, b []byte) {
	if f.protocol != 0 {
		b = append([]byte{byte(f.protocol >> 8), byte(f.protocol)}, b...)
		f.protocol = 0
	}
	f.settle(1 - dir)
	f.line.Block(f.s.rec.Time, dir, b)
	f.drain()
	f.open = true
}

// settle ends lines of the dialogue that the blocks of octets before it left without a line end.
func (f *formatted) settle(dirs ...event.Dir) {
	if !f.open {
		return
	}
	for _, d := range dirs {
		f.line.Settle(f.s.rec.Time, d)
	}
	f.drain()
}

func (f *formatted) drain() {
	s := f.s
	for rec, ok := f.line.Next(); ok; rec, ok = f.line.Next() {
		switch e := rec.Event.(type) {
		case event.AT:
			if !f.again(said{from: inOctets, dir: e.Dir, text: e.Text}) {
				f.says(e.Dir, e.Text)
			}
		case event.Packet:
			if f.again(said{from: inOctets, dir: e.Dir, packet: e}) {
				continue
			}
			f.framed = true
			s.sees(e, rec.Event)
			s.emit(rec.Event)
		default:
			s.emit(rec.Event)
		}
	}
}

// end finishes a packet, line or block that waits for more lines.
func (f *formatted) end() {
	if f.packet != nil {
		f.finish()
	}
	f.line.Close(f.s.rec.Time)
	f.drain()
}
