// Package port is a serial port with deadlines. On Linux go.bug.st/serial opens it, sets its speed and its modem lines, and
// the bytes go through a second descriptor of the same tty which the runtime can wait on, because the library's reads
// cannot be told apart from a time-out and its writes can block for ever. On Windows and macOS the bytes go through the
// library, in goroutines that may wait for ever. Pseudo-terminals are Linux's.
package port

import (
	"errors"
	"time"
)

// Flow is how the two ends of the line stop each other.
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

// Config says how a port is opened. The zero value is right for a modem on USB.
type Config struct {
	// Baud is the speed in bits per second, any that the driver can make; 0 means DefaultBaud. A modem on USB ignores it.
	Baud int
	// Flow is the flow control.
	Flow Flow
	// WriteTimeout bounds each Write while no write deadline is set, so that a modem which takes nothing any more cannot
	// block for ever; 0 means DefaultWriteTimeout.
	WriteTimeout time.Duration
	// LockDir is where the UUCP lock file goes; "" means DefaultLockDir.
	LockDir string
	// Shared opens the port although another process has it open without a lock.
	Shared bool
}

// ErrNoPTY means that this system's pseudo-terminals are none that a modem could be shown on.
var ErrNoPTY = errors.New("a modem on a pseudo-terminal needs Linux")

// ErrNoModemLines means that the tty has none: it is a pseudo-terminal, or its driver does not know them. A caller that only
// wants to read or set them may go on without.
var ErrNoModemLines = errors.New("the port has no modem lines")

// Status is the state of the lines that the modem drives.
type Status struct {
	DCD bool // Data Carrier Detect: there is a connection, where the modem says so at all
	CTS bool // Clear To Send
	DSR bool // Data Set Ready
	RI  bool // Ring Indicator
}

// Holder is a process that has a port open.
type Holder struct {
	PID     int
	Program string // its name, as in /proc/PID/comm
}

// Settings is how a program that has the slave side open wants the line to be. Data bits and parity are not among them:
// a pseudo-terminal has always 8 and none.
type Settings struct {
	Baud   int  // bits per second; 0 asks to hang up (termios(3), B0)
	Flow   Flow // flow control
	Local  bool // CLOCAL: the program does not want to be hung up when the carrier falls
	HangUp bool // HUPCL: closing the terminal hangs up
}

// Listed is a port of a system without sysfs.
type Listed struct {
	Name    string // "COM5", "cu.usbmodem1"
	USB     string // vendor and product id as in sysfs, "12d1:1001"; "" where it is not on USB, or the system does not say
	Product string // what the system calls it
}
