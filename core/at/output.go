package at

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// Output is one thing for the owner of the port to do: Write, SetDTR, Break, SetBaud, SetFlow, Discard, Hide, Event or Done.
// Outputs are done in the order in which Next gives them.
type Output interface{ output() }

// Write asks for bytes to be written to the port.
type Write struct{ Bytes []byte }

// SetDTR asks for the DTR line (V.24 circuit 108/2) to be raised or dropped. A port without modem lines ignores it.
type SetDTR struct{ On bool }

// Break asks for a break condition of that length.
type Break struct{ Duration time.Duration }

// SetBaud asks for another line speed in bit/s.
type SetBaud struct{ Rate int }

// SetFlow asks for another flow control; Mode is in the words of the quirk key port.flow.
type SetFlow struct{ Mode string }

// Discard asks for everything that the port has received but not yet handed over to be thrown away.
type Discard struct{}

// Hide says that the octets written from now on may contain these secrets, so that a recorder of the port can hide them. A port
// ignores it.
type Hide struct{ Secrets []string }

// Event carries something for the trace. Secrets and subscriber identities are already replaced.
type Event struct{ Event event.Event }

// Done says that the dialogue is over. Nothing follows it. Err is what the dialogue function returned.
type Done struct{ Err error }

func (Write) output()   {}
func (SetDTR) output()  {}
func (Break) output()   {}
func (SetBaud) output() {}
func (SetFlow) output() {}
func (Discard) output() {}
func (Hide) output()    {}
func (Event) output()   {}
func (Done) output()    {}

// ModemLines is the state of the lines that the modem drives (ITU-T V.24).
type ModemLines struct {
	DCD bool // circuit 109: the modem has a carrier, here a data call
	DSR bool // circuit 107
	CTS bool // circuit 106
	RI  bool // circuit 125
}
