// Package at is the AT command channel as a machine (ITU-T V.250, 3GPP TS 27.007).
package at

import (
	"time"

	"github.com/knakppp/knak/core/trace"
)

// Dialogue runs one dialogue function as a machine: the function reads sequentially, the machine takes bytes and time.
// Its owner must call Stop when it drops a dialogue that is not done. It is not safe for concurrent use.
type Dialogue struct{}

// NewDialogue makes a dialogue of talk, which begins when the first Receive, Lines or Advance tells the time.
func NewDialogue(talk func(*Exchange) error) *Dialogue { return &Dialogue{} }

// Receive hands over bytes from the modem.
func (d *Dialogue) Receive(now time.Time, p []byte) { panic("soon") }

// Lines tells the state of the modem's lines, at the start and whenever it changes. On a port without such lines it is
// never called.
func (d *Dialogue) Lines(now time.Time, l ModemLines) { panic("soon") }

// Advance tells the time. The first call starts the dialogue.
func (d *Dialogue) Advance(now time.Time) { panic("soon") }

// Deadline is when Advance must be called next; the zero time: no timer is running.
func (d *Dialogue) Deadline() time.Time { panic("soon") }

// Next takes the next thing to do.
func (d *Dialogue) Next() (Output, bool) { panic("soon") }

// Stop ends the dialogue where it stands. It gives no more outputs. It may be called at any time, also twice.
func (d *Dialogue) Stop() {}

// Rest gives, after Done, the bytes that are not the dialogue's any more: those that followed CONNECT, with the PPP
// frames that came before it in front. It gives them once.
func (d *Dialogue) Rest() []byte { panic("soon") }

// Exchange is the modem as a dialogue function sees it. It is only valid inside that function.
type Exchange struct{}

// Now is the time.
func (x *Exchange) Now() time.Time { panic("soon") }

// Command sends one command line and waits for its final result. Another result than OK and CONNECT is a *ResultError,
// silence a *TimeoutError, PPP frames a *DataModeError. The Reply is valid in the first case too.
func (x *Exchange) Command(line string, timeout time.Duration) (Reply, error) { panic("soon") }

// Secret marks a part of a command: the modem gets it, traces and errors show <hidden>.
func (x *Exchange) Secret(s string) string { panic("soon") }

// Event puts an event into the trace.
func (x *Exchange) Event(ev trace.Event) { panic("soon") }
