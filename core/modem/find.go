// Package modem finds cellular modems, asks them who they are, unlocks the SIM, waits for registration, sets the PDP
// context, dials and hangs up. The dialogues are functions for at.NewDialogue: they read from top to bottom, and run
// as machines.
package modem

import "io/fs"

// Candidate is one device with serial ports that may be a modem.
type Candidate struct {
	Path         string // the bus path: "1-1.4" for USB, the platform device's name for a UART
	USB          string // vid:pid in lower-case hex; "" for a UART
	Manufacturer string // the USB string
	Product      string // the USB string
	Release      string // bcdDevice, for example "0102"
	Interfaces   int    // how many interfaces the USB device has, serial or not
	Ports        []Port // in the order of their interface numbers
}

// Port is one tty of a candidate.
type Port struct {
	Name      string // "ttyUSB0"; the device node is /dev/ + Name
	Interface int    // bInterfaceNumber; -1 for a UART
	Class     uint8  // bInterfaceClass
	Subclass  uint8  // bInterfaceSubClass
	Protocol  uint8  // bInterfaceProtocol
	Driver    string // the kernel driver, for example "option" or "cdc_acm"
	Adapter   bool   // the driver is that of a USB to serial adapter: what is behind it is unknown
}

// Find lists the modem ports in sysfs, which is the tree that is mounted on /sys and must support fs.ReadLinkFS, as
// os.DirFS does. USB devices come first, ordered by path.
func Find(sysfs fs.FS) ([]Candidate, error) { panic("soon") }

// DataPort picks the port to dial on: the one with that interface number, or, where number is negative, the one that
// its USB class triple marks as a modem, or else the first.
func (c Candidate) DataPort(number int) (Port, bool) { panic("soon") }
