package stick

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// disc is a CD with drivers, which many sticks show before they are modems. It knows enough of SCSI (SPC-3, MMC-5) in the
// bulk-only transport (USB MSC BOT 1.0) for a host to find an empty disc, and to eject it.
type disc struct {
	name    string
	message []byte // the command of the vendor's that has it leave; empty: the standard eject has

	mu      sync.Mutex
	answers [][]byte // what the host will fetch: data, then the status of the command
	sense   uint8    // the sense key of the last failure
	ejected bool
}

const (
	cbwSize      = 31
	cbwSignature = 0x43425355
	cswSignature = 0x53425355
	blockSize    = 2048
)

// out takes a command. It reports whether the disc was ejected by it.
func (d *disc) out(b []byte) (ejected bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	le := binary.LittleEndian
	if len(b) != cbwSize || le.Uint32(b) != cbwSignature {
		return false // data that a host writes: there is nothing that takes it
	}
	tag, length, toHost := b[4:8], int(le.Uint32(b[8:])), b[12]&0x80 != 0
	data, failed, eject := d.command(b[15:31])
	if len(data) > length {
		data = data[:length]
	}
	if toHost && length > 0 {
		d.answers = append(d.answers, data)
	}
	status := le.AppendUint32(nil, cswSignature)
	status = append(status, tag...)
	status = le.AppendUint32(status, uint32(length-len(data)))
	if failed {
		status = append(status, 1)
	} else {
		status = append(status, 0)
	}
	d.answers = append(d.answers, status)
	was := d.ejected
	d.ejected = d.ejected || eject
	return eject && !was
}

// in gives what the host fetches next.
func (d *disc) in(n int) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.answers) == 0 {
		return nil, false
	}
	b := d.answers[0]
	d.answers = d.answers[1:]
	return b[:min(n, len(b))], true
}

// command does one SCSI command.
func (d *disc) command(c []byte) (data []byte, failed, eject bool) {
	if len(d.message) > 0 && bytes.HasPrefix(c, d.message) {
		return nil, false, true
	}
	switch c[0] {
	case 0x00, 0x1e: // TEST UNIT READY, PREVENT ALLOW MEDIUM REMOVAL
		return nil, d.ejected, false
	case 0x03: // REQUEST SENSE
		data = make([]byte, 18)
		data[0], data[2], data[7] = 0x70, d.sense, 10
		d.sense = 0
		return data, false, false
	case 0x12: // INQUIRY: a CD, removable
		data = make([]byte, 36)
		data[0], data[1], data[2], data[3], data[4] = 5, 0x80, 0, 1, 31
		copy(data[8:], pad("knak", 8))
		copy(data[16:], pad(d.name, 16))
		copy(data[32:], "1.00")
		return data, false, false
	case 0x1b: // START STOP UNIT: LoEj without Start ejects
		return nil, false, c[4]&3 == 2 && len(d.message) == 0
	case 0x25: // READ CAPACITY
		data = binary.BigEndian.AppendUint32(nil, 15)
		return binary.BigEndian.AppendUint32(data, blockSize), false, false
	case 0x28: // READ (10)
		n := int(binary.BigEndian.Uint16(c[7:]))
		return make([]byte, min(n, 64)*blockSize), false, false
	case 0x43: // READ TOC: one track of data
		return []byte{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, 16}, false, false
	case 0x1a: // MODE SENSE (6)
		return []byte{3, 0, 0x80, 0}, false, false
	case 0x5a: // MODE SENSE (10)
		return []byte{0, 6, 0, 0x80, 0, 0, 0, 0}, false, false
	case 0x4a: // GET EVENT STATUS NOTIFICATION: none
		return []byte{0, 6, 0, 0, 0, 2, 0, 0}, false, false
	}
	d.sense = 5 // ILLEGAL REQUEST
	return nil, true, false
}

func pad(s string, n int) []byte {
	b := []byte(s)
	for len(b) < n {
		b = append(b, ' ')
	}
	return b[:n]
}
