package port

import (
	"strings"

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
