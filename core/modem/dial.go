package modem

import "github.com/knakppp/knak/core/at"

// Identity is who the modem says it is (3GPP TS 27.007 sections 5.1 to 5.3).
type Identity struct {
	Vendor   string
	Model    string
	Firmware string
}

// Result is what a dialogue learned. The dialogue fills it while it runs.
type Result struct {
	Identity     Identity
	Registration string // the last word of trace.Registration, or ""
	Signal       string // for example "-71 dBm", or ""
	Operator     string // as the modem names it, or ""
	Connect      string // the final line, for example "CONNECT 7200000"
	Number       string // the number that was dialled
}

// Dial is the whole dialogue from an unknown port to CONNECT: synchronise, unlock, set the context, wait for
// registration, dial. It may be run inside another dialogue. r may be nil.
func Dial(p Plan, r *Result) func(*at.Exchange) error { panic("soon") }

// Sync makes the modem answer AT, or says why it does not. It returns at once where the exchange is in step already.
func Sync(x *at.Exchange, p Plan) error { panic("soon") }

// Identify asks a port who it is, and gives up within two seconds on a port that is no AT port.
func Identify(id *Identity) func(*at.Exchange) error { panic("soon") }

// Ask asks a modem that is in step who it is.
func Ask(x *at.Exchange) (Identity, error) { panic("soon") }

// HangupResult says how a call ended.
type HangupResult struct {
	Method string // "none" (there was no call any more), "dtr" or "escape"
	Seen   string // what showed it: "NO CARRIER", "DCD" or "OK"
}

// Hangup ends a call. inData says whether the modem is believed to be in the data state still. r may be nil.
func Hangup(p Plan, inData bool, r *HangupResult) func(*at.Exchange) error { panic("soon") }

// Recover brings a port that is stuck in the data state back to the command state: LCP Terminate-Request, escape, DTR.
func Recover(p Plan, r *HangupResult) func(*at.Exchange) error { panic("soon") }
