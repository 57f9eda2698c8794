package port

import (
	"fmt"
	"strings"

	"go.bug.st/serial"
	"go.bug.st/serial/enumerator"
	"golang.org/x/sys/windows"
)

// Bits of DCB's flags (winbase.h).
const (
	outXCTSFlow  = 0x0004
	outX, inX    = 0x0100, 0x0200
	rtsControl   = 0x3000
	rtsEnable    = 0x1000
	rtsHandshake = 0x2000
)

func setFlow(handle uintptr, f Flow) error {
	var dcb windows.DCB
	if err := windows.GetCommState(windows.Handle(handle), &dcb); err != nil {
		return err
	}
	dcb.Flags = dcb.Flags&^(outXCTSFlow|outX|inX|rtsControl) | rtsEnable
	switch f {
	case FlowRTSCTS:
		dcb.Flags = dcb.Flags&^rtsControl | outXCTSFlow | rtsHandshake
	case FlowXONXOFF:
		dcb.Flags |= outX | inX
	case FlowNone:
	}
	return windows.SetCommState(windows.Handle(handle), &dcb)
}

// Exists says whether the system has a port of this name.
func Exists(path string) bool {
	name, err := windows.UTF16PtrFromString(strings.TrimPrefix(path, `\\.\`))
	if err != nil {
		return false
	}
	var target [1024]uint16
	n, err := windows.QueryDosDevice(name, &target[0], uint32(len(target)))
	return err == nil && n > 0
}

// readPromptly does under Wine what the library does on Windows: a read is to end as soon as something is there. The limits that
// say so (COMMTIMEOUTS of winbase.h, with MAXDWORD twice) are unknown to Wine, which would fill its buffer first; a
// pause between two octets it knows.
func readPromptly(handle uintptr) error {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() != nil {
		return nil
	}
	return windows.SetCommTimeouts(windows.Handle(handle), &windows.CommTimeouts{ReadIntervalTimeout: 1})
}

// Dir is "": on Windows the names of ports are enough.
const Dir = ""

// List gives the COM ports, including those of modems' own drivers. The library's enumerator leaves the latter out, so nothing
// else is known of them.
func List() ([]Listed, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	about := map[string]*enumerator.PortDetails{}
	if details, err := enumerator.GetDetailedPortsList(); err == nil { // otherwise the names are all there is
		for _, d := range details {
			about[d.Name] = d
		}
	}
	var list []Listed
	for _, name := range names {
		p := Listed{Name: name}
		if d := about[name]; d != nil {
			p.Product = strings.TrimSuffix(d.Product, " ("+name+")")
			if d.IsUSB {
				p.USB = strings.ToLower(d.VID + ":" + d.PID)
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// ShortName gives COM5 of \\.\com5.
func ShortName(path string) string { return strings.ToUpper(strings.TrimPrefix(path, `\\.\`)) }
