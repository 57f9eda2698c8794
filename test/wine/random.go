// Package wine runs knak's Windows build under Wine: the commands for recordings, and a dial through a COM port that is a
// pseudo-terminal outside.
package wine

import (
	"bytes"
	"encoding/binary"
)

// randomDLL gives a bcryptprimitives.dll whose one function, ProcessPrng, is another name of RtlGenRandom. Every program of Go's since
// 1.22 asks for it at its start; Windows has it since version 7, and Wine since a version after Debian 12's.
func randomDLL() []byte {
	const (
		base      = 0x1000 // of the only section, in memory
		raw       = 0x200  // and in the file
		exports   = 40     // octets of IMAGE_EXPORT_DIRECTORY
		functions = base + exports
		names     = functions + 4
		ordinals  = names + 4
		texts     = ordinals + 2
	)
	own, function, forward := "bcryptprimitives.dll\x00", "ProcessPrng\x00", "advapi32.SystemFunction036\x00"
	var section bytes.Buffer
	put := func(to *bytes.Buffer, values ...any) {
		for _, v := range values {
			_ = binary.Write(to, binary.LittleEndian, v) // a Buffer takes all
		}
	}
	nameAt := uint32(texts)
	functionAt := nameAt + uint32(len(own))
	forwardAt := functionAt + uint32(len(function))
	put(&section, uint32(0), uint32(0), uint32(0), nameAt, uint32(1), uint32(1), uint32(1), uint32(functions), uint32(names), uint32(ordinals))
	put(&section, forwardAt, functionAt, uint16(0)) // an address inside the directory is a forwarder's name
	section.WriteString(own + function + forward)
	size := uint32(section.Len())

	var file bytes.Buffer
	file.WriteString("MZ")
	file.Write(make([]byte, 58))
	put(&file, uint32(64))
	file.WriteString("PE\x00\x00")
	put(&file, uint16(0x8664), uint16(1), uint32(0), uint32(0), uint32(0), uint16(240), uint16(0x2022)) // x86-64, one section, a DLL
	put(&file, uint16(0x20b), uint16(0), uint32(0), uint32(raw), uint32(0), uint32(0), uint32(base))    // PE32+, no code, no entry point
	put(&file, uint64(0x1_8000_0000), uint32(0x1000), uint32(0x200), uint32(6), uint32(0), uint32(6), uint32(0))
	put(&file, uint32(0x2000), uint32(raw), uint32(0), uint16(3), uint16(0x100)) // sizes; a console program's; no execution of data
	put(&file, uint64(0x10_0000), uint64(0x1000), uint64(0x10_0000), uint64(0x1000), uint32(0), uint32(16))
	put(&file, uint32(base), size)
	file.Write(make([]byte, 15*8))
	file.WriteString(".edata\x00\x00")
	put(&file, size, uint32(base), uint32(raw), uint32(raw), uint32(0), uint32(0), uint32(0), uint32(0x4000_0040))
	file.Write(make([]byte, raw-file.Len()))
	file.Write(section.Bytes())
	file.Write(make([]byte, 2*raw-file.Len()))
	return file.Bytes()
}
