// Package usbip serves simulated USB devices by the USB/IP protocol, version 1.1.1 (the kernel's
// Documentation/usb/usbip_protocol.rst). A Linux host with vhci_hcd attaches them by `usbip attach` and binds its real drivers.
// This file is the wire format.
package usbip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Version is the protocol's version in binary-coded decimal.
const Version = 0x0111

// Port is the TCP port that IANA has given the protocol.
const Port = 3240

// The operations before a device is imported, and the commands after.
const (
	opRequestList   = 0x8005
	opReplyList     = 0x0005
	opRequestImport = 0x8003
	opReplyImport   = 0x0003

	cmdSubmit = 1
	cmdUnlink = 2
	retSubmit = 3
	retUnlink = 4
)

// The statuses of transfers are negative errno values of Linux.
const (
	StatusOK       = 0
	StatusStall    = -32  // EPIPE: there is no such endpoint or request
	StatusGone     = -108 // ESHUTDOWN: the device was unplugged
	statusUnlinked = -104 // ECONNRESET: the host took the transfer back
)

const (
	busIDSize    = 32
	pathSize     = 256
	headerSize   = 48      // of each message after the import
	maxTransfer  = 1 << 20 // octets of one transfer; the kernel's drivers ask for 64 KiB at most
	deviceSize   = pathSize + busIDSize + 24
	nodeStatusOK = 0
	nodeError    = 1
)

// Speed is the enum usb_device_speed of the kernel.
type Speed uint32

// The speeds that modems have.
const (
	FullSpeed  Speed = 2
	HighSpeed  Speed = 3
	SuperSpeed Speed = 5
)

// Interface describes one interface in the list of devices.
type Interface struct{ Class, Subclass, Protocol uint8 }

// Info describes one device in the list of devices.
type Info struct {
	BusID          string // "1-1"; at most 31 octets
	Bus, Dev       uint32
	Speed          Speed
	Vendor         uint16
	Product        uint16
	Release        uint16 // bcdDevice
	Class          uint8
	Subclass       uint8
	Protocol       uint8
	Configuration  uint8 // the configuration that is set; 0: none
	Configurations uint8
	Interfaces     []Interface
}

// appendDevice appends struct usbip_usb_device.
func appendDevice(b []byte, i Info) []byte {
	var path [pathSize]byte
	copy(path[:pathSize-1], "/sys/devices/knak/"+i.BusID)
	var id [busIDSize]byte
	copy(id[:busIDSize-1], i.BusID)
	b = append(append(b, path[:]...), id[:]...)
	be := binary.BigEndian
	b = be.AppendUint32(b, i.Bus)
	b = be.AppendUint32(b, i.Dev)
	b = be.AppendUint32(b, uint32(i.Speed))
	b = be.AppendUint16(b, i.Vendor)
	b = be.AppendUint16(b, i.Product)
	b = be.AppendUint16(b, i.Release)
	return append(b, i.Class, i.Subclass, i.Protocol, i.Configuration, i.Configurations, uint8(len(i.Interfaces)))
}

// appendList appends the answer to the request for the list of devices (OP_REP_DEVLIST).
func appendList(b []byte, devices []Info) []byte {
	be := binary.BigEndian
	b = appendOp(b, opReplyList, nodeStatusOK)
	b = be.AppendUint32(b, uint32(len(devices)))
	for _, d := range devices {
		b = appendDevice(b, d)
		for _, i := range d.Interfaces {
			b = append(b, i.Class, i.Subclass, i.Protocol, 0)
		}
	}
	return b
}

// appendOp appends the head that operations before the import have.
func appendOp(b []byte, code uint16, status uint32) []byte {
	b = binary.BigEndian.AppendUint16(b, Version)
	b = binary.BigEndian.AppendUint16(b, code)
	return binary.BigEndian.AppendUint32(b, status)
}

// operation is a request before the import.
type operation struct {
	code  uint16
	busID string // of an import
}

var errNotUSBIP = errors.New("not a request of USB/IP version 1.1.1")

// readOperation reads a request before the import.
func readOperation(r io.Reader) (operation, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return operation{}, err
	}
	o := operation{code: binary.BigEndian.Uint16(head[2:])}
	if v := binary.BigEndian.Uint16(head[:]); v != Version {
		return o, fmt.Errorf("%w: it has version %x.%02x", errNotUSBIP, v>>8, v&0xff)
	}
	switch o.code {
	case opRequestList:
	case opRequestImport:
		var id [busIDSize]byte
		if _, err := io.ReadFull(r, id[:]); err != nil {
			return o, err
		}
		n := 0
		for n < len(id) && id[n] != 0 {
			n++
		}
		o.busID = string(id[:n])
	default:
		return o, fmt.Errorf("%w: operation %04x", errNotUSBIP, o.code)
	}
	return o, nil
}

// request is a message of the host after the import: a transfer (USBIP_CMD_SUBMIT), or the withdrawal of one (USBIP_CMD_UNLINK).
type request struct {
	unlink   bool
	seq      uint32
	target   uint32 // of an unlink: the transfer's number
	in       bool
	endpoint uint8
	length   int
	setup    [8]byte // of endpoint 0
	data     []byte  // from the host
}

// readRequest reads a message after the import.
func readRequest(r io.Reader) (request, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return request{}, err
	}
	be := binary.BigEndian
	q := request{seq: be.Uint32(h[4:]), in: be.Uint32(h[12:]) != 0}
	switch command := be.Uint32(h[:]); command {
	case cmdUnlink:
		q.unlink, q.target = true, be.Uint32(h[20:])
		return q, nil
	case cmdSubmit:
	default:
		return q, fmt.Errorf("%w: command %08x", errNotUSBIP, command)
	}
	endpoint, length := be.Uint32(h[16:]), be.Uint32(h[24:])
	if endpoint > 15 || length > maxTransfer {
		return q, fmt.Errorf("%w: %d octets at endpoint %d", errNotUSBIP, length, endpoint)
	}
	if packets := be.Uint32(h[32:]); packets != 0 && packets != 0xffffffff {
		return q, fmt.Errorf("%w: an isochronous transfer", errNotUSBIP)
	}
	q.endpoint, q.length = uint8(endpoint), int(length)
	copy(q.setup[:], h[40:])
	if !q.in && q.length > 0 {
		q.data = make([]byte, q.length)
		if _, err := io.ReadFull(r, q.data); err != nil {
			return q, err
		}
	}
	return q, nil
}

// appendResult appends the end of a transfer (USBIP_RET_SUBMIT): octets for the host, or how many it got rid of.
func appendResult(b []byte, seq uint32, status int32, actual int, data []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, retSubmit)
	b = be.AppendUint32(b, seq)
	b = append(b, make([]byte, 12)...) // device, direction and endpoint are 0 in answers
	b = be.AppendUint32(b, uint32(status))
	b = be.AppendUint32(b, uint32(actual))
	b = be.AppendUint32(b, 0)          // start frame
	b = be.AppendUint32(b, 0xffffffff) // not isochronous
	b = append(b, make([]byte, 12)...) // errors, padding
	return append(b, data...)
}

// appendUnlinked appends the answer to an unlink (USBIP_RET_UNLINK).
func appendUnlinked(b []byte, seq uint32, status int32) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, retUnlink)
	b = be.AppendUint32(b, seq)
	b = append(b, make([]byte, 12)...)
	b = be.AppendUint32(b, uint32(status))
	return append(b, make([]byte, 24)...)
}
