package modem

import (
	"errors"
	"slices"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// HangupResult says how a call ended.
type HangupResult struct {
	Method string // "none" (the call was over by itself), "terminate", "dtr", "escape" or "break"
	Seen   string // what showed the end: "NO CARRIER", "DCD" (the line dropped) or "OK" (in answer to AT)
}

// terminateFrame is an LCP Terminate-Request (RFC 1661 section 5.5) with identifier 1 and no data, framed and escaped as every
// LCP packet is (RFC 1662 section 7.1). A modem in the data state then ends the call, whatever was negotiated; a modem in the
// command state reads a meaningless line.
var terminateFrame = []byte("~\xff}#\xc0!}%}!} }$=\xc7~")

// breakTime is how long a break condition lasts; 0.3 s is longer than any character at any speed.
const breakTime = 300 * time.Millisecond

// hangTimeout is the time limit of ATH: some modems take long to end a call (quirk HUP-03).
const hangTimeout = 20 * time.Second

// Hangup ends a call by the plan's methods, each verified, until one has worked. inData says whether the modem is believed to be
// in the data state still. "terminate" is not done here: the PPP engine has terminated the link before. r may be nil.
func Hangup(p Plan, inData bool, r *HangupResult) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		follow(x, p)
		if p.DataFlow != "same" {
			x.SetFlow(p.Flow)
		}
		e := newEnding(x, p)
		defer e.over()
		if err := e.hangup(inData, r); err != nil {
			return err
		}
		sendAnyhow(x, p, p.Send.AfterHangup)
		return nil
	}
}

// BeforeHangup sends what the plan has for the AT port before a call on another port is ended.
func BeforeHangup(p Plan) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		follow(x, p)
		sendAnyhow(x, p, p.Send.BeforeHangup)
		return nil
	}
}

func (e *ending) hangup(inData bool, r *HangupResult) error {
	if !inData && e.answers() {
		return e.done(r, "none", "OK")
	}
	methods := slices.DeleteFunc(slices.Clone(e.p.HangupMethods), isTerminate)
	if len(methods) == 0 {
		// There is nothing else to do than to see what comes of the Terminate-Request (quirks HUP-02, HUP-14).
		e.x.Until(e.p.TerminateWait, func() bool { return e.lost() != "" })
		if seen := e.lost(); seen != "" {
			return e.done(r, "terminate", seen)
		}
		if e.answers() {
			return e.done(r, "terminate", "OK")
		}
	}
	return e.run(methods, r)
}

// leaveData brings a port that is stuck in the data state back to the command state, for example after this host was
// restarted while the modem was not (quirk USB-14): by a Terminate-Request, the escape sequence, DTR, as far as they are
// among the plan's methods.
func leaveData(x *at.Exchange, p Plan, r *HangupResult) error {
	e := newEnding(x, p)
	defer e.over()
	var methods []string
	for _, m := range []string{"terminate", "escape", "dtr", "break"} {
		if slices.Contains(p.HangupMethods, m) {
			methods = append(methods, m)
		}
	}
	return e.run(methods, r)
}

func isTerminate(method string) bool { return method == "terminate" }

// ending is one attempt to bring a modem out of the data state.
type ending struct {
	x         *at.Exchange
	p         Plan
	hadDCD    bool // there was a carrier at the beginning, so its loss shows the end of the call
	noCarrier bool
	ok        bool
	byItself  bool // the call ended before anything was sent
}

func newEnding(x *at.Exchange, p Plan) *ending {
	e := &ending{x: x, p: p}
	lines, _ := x.Lines()
	e.hadDCD = lines.DCD && p.WatchCarrier
	x.IgnoreFrames(true)
	x.Subscribe("NO CARRIER", func(string) { e.noCarrier = true })
	x.Subscribe("OK", func(string) { e.ok = true })
	return e
}

// over makes frames count again.
func (e *ending) over() { e.x.IgnoreFrames(false) }

func (e *ending) done(r *HangupResult, method, seen string) error {
	if r != nil {
		*r = HangupResult{Method: method, Seen: seen}
	}
	return nil
}

func (e *ending) run(methods []string, r *HangupResult) error {
	for _, m := range methods {
		var seen string
		switch m {
		case "terminate":
			seen = e.terminate()
		case "dtr":
			seen = e.dropDTR()
		case "escape":
			seen = e.escape()
		case "break":
			seen = e.sendBreak()
		}
		switch {
		case e.byItself:
			return e.done(r, "none", seen)
		case seen != "":
			return e.done(r, m, seen)
		}
	}
	return &Error{Kind: DataMode, Text: "the modem could not be brought out of the data state"}
}

// lost gives the sign that the call is over; "": none.
func (e *ending) lost() string {
	lines, _ := e.x.Lines()
	switch {
	case e.noCarrier:
		return "NO CARRIER"
	case e.hadDCD && !lines.DCD:
		return "DCD"
	}
	return ""
}

// answers says whether the modem is in the command state: it answers AT, if only with ERROR because of what it took for
// the beginning of the command.
func (e *ending) answers() bool {
	for range 2 {
		err := e.x.Synchronise("AT", probeTimeout)
		var result *at.ResultError
		if err == nil || errors.As(err, &result) {
			return true
		}
	}
	return false
}

func (e *ending) terminate() string {
	e.x.Event(event.Packet{Dir: event.Sent, Protocol: 0xc021, Data: []byte{5, 1, 0, 4}})
	e.x.Write(terminateFrame)
	e.x.Until(e.p.TerminateWait, func() bool { return e.lost() != "" })
	if seen := e.lost(); seen != "" {
		return seen
	}
	if e.answers() {
		return "OK"
	}
	return ""
}

// dropDTR drops DTR, which ends the call if the modem is set to AT&D2 (V.250 section 6.2.9), until the modem shows the end. On a
// port without modem lines it does nothing.
func (e *ending) dropDTR() string {
	if _, has := e.x.Lines(); !has {
		return ""
	}
	e.x.SetDTR(false)
	e.x.Until(e.p.DTRTime, func() bool { return e.lost() != "" })
	e.x.SetDTR(true)
	if seen := e.lost(); seen != "" {
		return seen
	}
	if !e.answers() {
		return ""
	}
	return e.hang() // with AT&D1 it is in the command state now, but the call goes on
}

// escape brings the modem to the command state by a sequence with silence around it, then ends the call there.
func (e *ending) escape() string {
	if e.p.Escape == "" {
		return ""
	}
	guard := e.p.Guard + e.p.Guard/10 // the modem's clock and ours differ
	// The silence is also the time in which a modem that has acknowledged a Terminate-Request says NO CARRIER (HUP-14).
	if e.byItself = e.x.Until(guard, func() bool { return e.lost() != "" }); e.byItself {
		return e.lost()
	}
	e.ok = false
	e.x.Event(event.AT{Dir: event.Sent, Text: e.p.Escape})
	e.x.Write([]byte(e.p.Escape))
	e.x.Until(max(guard, probeTimeout), func() bool { return e.ok || e.lost() != "" })
	if seen := e.lost(); seen != "" {
		return seen
	}
	if !e.ok && !e.answers() {
		return ""
	}
	return e.hang()
}

// sendBreak brings the modem to the command state by a break condition (quirk HUP-15), then ends the call there.
func (e *ending) sendBreak() string {
	e.x.Break(breakTime)
	e.x.Until(breakTime+probeTimeout, func() bool { return e.lost() != "" })
	if seen := e.lost(); seen != "" {
		return seen
	}
	if !e.answers() {
		return ""
	}
	return e.hang()
}

// hang ends the call in the command state (V.250 section 6.3.6), if the plan has a command for it.
func (e *ending) hang() string {
	if e.p.HangupCommand == "" {
		return "OK"
	}
	_, err := e.x.Command(e.p.HangupCommand, max(e.p.Timeout, hangTimeout))
	var result *at.ResultError
	switch seen := e.lost(); {
	case seen != "":
		return seen
	case err == nil, errors.As(err, &result):
		return "OK"
	}
	return ""
}
