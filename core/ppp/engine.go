package ppp

import (
	"io"
	"time"
)

// Engine is one end of one PPP link. It is not safe for use by several goroutines.
type Engine struct{}

// New makes an engine that follows s. All chance (magic numbers, identifiers, challenges) comes from random;
// nil means crypto/rand.
func New(s Settings, random io.Reader) *Engine { panic("not yet") }

// Open says that the lower layer is up and that we want the link: LCP starts to negotiate. Packets received before
// it are dropped.
func (e *Engine) Open(now time.Time) { panic("not yet") }

// Receive takes the information field of one good frame. It keeps none of info. Data packets need not be given; they
// are dropped.
func (e *Engine) Receive(now time.Time, protocol uint16, info []byte) { panic("not yet") }

// Resolve answers the Decision with that ID. An answer that comes too late, or that the point does not take, is
// replaced by what the engine intended.
func (e *Engine) Resolve(now time.Time, id uint64, v Verdict) { panic("not yet") }

// Advance does what is due.
func (e *Engine) Advance(now time.Time) { panic("not yet") }

// Deadline is when Advance must be called next; the zero time: no timer is running.
func (e *Engine) Deadline() time.Time { panic("not yet") }

// Next takes the next output. Call it until it gives false after each of the other calls.
func (e *Engine) Next() (Output, bool) { panic("not yet") }

// Close ends the link with Terminate-Request, reason in it, and then Finished with KindClosed: at the latest after
// MaxTerminate restart timers.
func (e *Engine) Close(now time.Time, reason string) { panic("not yet") }

// LowerDown says that the carrier is lost. Finished with KindCarrierLost follows at once.
func (e *Engine) LowerDown(now time.Time) { panic("not yet") }

// NoteTraffic says that something was received on the line, which is a sign of life for EchoAdaptive and EchoLearn.
func (e *Engine) NoteTraffic(now time.Time) { panic("not yet") }
