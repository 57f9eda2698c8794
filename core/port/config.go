// Package port is a serial port with deadlines. On Linux go.bug.st/serial opens it and sets its speed and modem lines. The bytes
// go through a second descriptor of the same tty, on which the runtime can wait, because the library's reads do not tell data from
// a time-out and its writes can block for ever. On Windows and macOS the bytes go through the library, in goroutines that may
// block for ever. Pseudo-terminals exist on Linux only.
package port

import (
	"errors"
	"time"
)

// Flow is the flow control: how the two ends of the line stop each other.
type Flow uint8

// The kinds of flow control.
const (
	FlowNone    Flow = iota
	FlowRTSCTS       // by the RTS and CTS lines
	FlowXONXOFF      // by the characters 11 and 13, which must then be in the ACCM of both directions
)

// String gives "none", "rtscts" or "xonxoff".
func (f Flow) String() string {
	switch f {
	case FlowRTSCTS:
		return "rtscts"
	case FlowXONXOFF:
		return "xonxoff"
	default:
		return "none"
	}
}

// Defaults of Config.
const (
	DefaultBaud         = 115200
	DefaultWriteTimeout = 10 * time.Second
	DefaultLockDir      = "/var/lock"
)

// Config says how to open a port. The zero value is right for a modem on USB.
type Config struct {
	// Baud is the speed in bits per second, any that the driver can make; 0 means DefaultBaud. A modem on USB ignores it.
	Baud int
	// Flow is the flow control.
	Flow Flow
	// WriteTimeout bounds each Write while no write deadline is set, so that a modem which accepts nothing any more cannot block
	// it for ever. 0 means DefaultWriteTimeout.
	WriteTimeout time.Duration
	// LockDir is where the UUCP lock file goes; "" means DefaultLockDir.
	LockDir string
	// Shared opens the port even if another process, which has not locked it, has it open.
	Shared bool
}

// ErrNoPTY means that this system has no pseudo-terminals that could stand for a modem.
var ErrNoPTY = errors.New("a modem on a pseudo-terminal needs Linux")

// ErrNoModemLines means that the tty has no modem lines: it is a pseudo-terminal, or its driver does not support them. A caller
// that only wants to read or set the lines may go on.
var ErrNoModemLines = errors.New("the port has no modem lines")

// Status is the state of the lines that the modem controls.
type Status struct {
	DCD bool // Data Carrier Detect: there is a connection, if the modem signals that at all
	CTS bool // Clear To Send
	DSR bool // Data Set Ready
	RI  bool // Ring Indicator
}

// Holder is a process that has a port open.
type Holder struct {
	PID     int
	Program string // its name, as in /proc/PID/comm
}

// Settings are the line settings of a program that has the slave side open. Data bits and parity are not among them: a
// pseudo-terminal always has 8 and none.
type Settings struct {
	Baud   int  // bits per second; 0 asks to hang up (termios(3), B0)
	Flow   Flow // flow control
	Local  bool // CLOCAL: the program does not want to be hung up when the carrier falls
	HangUp bool // HUPCL: closing the terminal hangs up
}

// Listed is a port in the list of a system without sysfs.
type Listed struct {
	Name    string // "COM5", "cu.usbmodem1"
	USB     string // vendor and product id as in sysfs, "12d1:1001"; "" if it is not on USB, or the system does not say
	Product string // the system's name for it
}
