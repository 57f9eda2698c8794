package modem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// Result is what a dialogue has learned; the dialogue fills it while it runs.
type Result struct {
	Registration string // the last word of event.Registration, or ""
	Signal       string // for example "-71 dBm", or ""
	Connect      string // the final line, for example "CONNECT 7200000"; "" if the modem began PPP without one
	Number       string // the number that was dialled
	PINSent      bool   // the PIN was sent, and the SIM has not confirmed it yet
}

// Call synchronises and dials. It comes after Prepare, on the same port, or on another port of the modem if a profile wants only
// the dial command on the data port (quirk DATA-03). Octets of PPP are in the dialogue's Rest. r may be nil.
func Call(p Plan, r *Result) func(*at.Exchange) error {
	r = notNil(r)
	return func(x *at.Exchange) error { return call(x, p, r) }
}

// Prepare makes a modem on an unknown port ready for the dial: synchronise, initialise, unlock, set the context, wait for
// registration. It does not wait longer than the modem needs. It may be run after Sync and Ask in the same dialogue. Its events
// are the phase "dial", AT lines, registration states, notices. r may be nil.
func Prepare(p Plan, r *Result) func(*at.Exchange) error {
	r = notNil(r)
	return func(x *at.Exchange) error {
		x.Event(event.Phase{Phase: event.PhaseDial})
		if err := Sync(x, p); err != nil {
			return err
		}
		if err := send(x, p, "at.init", p.Send.Init); err != nil {
			return err
		}
		if err := unlock(x, p, r); err != nil {
			return err
		}
		if err := send(x, p, "at.after_pin", p.Send.AfterPIN); err != nil {
			return err
		}
		p := p // the SIM may add to it
		if err := subscribe(x, &p); err != nil {
			return err
		}
		early := setContext(x, p) // some modems take this only when their radio is on (quirk PDP-20)
		if early != nil && KindOf(early) != ATError {
			return early
		}
		if err := register(x, p, r); err != nil {
			return err
		}
		if early != nil {
			if err := setContext(x, p); err != nil {
				return err
			}
		}
		return attach(x, p)
	}
}

func notNil(r *Result) *Result {
	if r == nil {
		return &Result{}
	}
	return r
}

// call dials one number after the other, as long as the modem refuses the number itself.
func call(x *at.Exchange, p Plan, r *Result) error {
	if err := Sync(x, p); err != nil { // the last question may have gone without an answer
		return err
	}
	if err := send(x, p, "at.before_dial", p.Send.BeforeDial); err != nil {
		return err
	}
	if len(p.AlsoBeforeDial) > 0 {
		if err := Steps(p, p.AlsoBeforeDial)(x); err != nil {
			return err
		}
	}
	if err := speedUp(x, p); err != nil {
		return err
	}
	var refusal error // the refusal of the first number says more than that of an alternate
	first := p.expand(p.Number)
	for i, number := range append([]string{first}, p.Alternates...) {
		if number = p.expand(number); i > 0 && (number == first || number == packetService && first != contextOne) {
			continue
		}
		r.Number = number
		if i > 0 && p.AlternatesWhen == "refused" {
			x.Wait(alternatePause)
			if err := defineOther(x, p, number); err != nil {
				return err
			}
		}
		reply, err := x.Command(p.DialCommand+number, p.DialTimeout)
		if err == nil && reply.Result != v250.Connect { // the plan's command does not dial
			err = &at.ResultError{Command: p.DialCommand + number, Result: reply.Result, Code: -1, Text: reply.Text + ", but no CONNECT"}
		}
		if err == nil {
			r.Connect = reply.Text
			if p.DataFlow != "same" {
				x.SetFlow(p.DataFlow)
			}
			if p.ConnectDelay > 0 {
				x.Wait(p.ConnectDelay)
			}
			return nil
		}
		var result *at.ResultError
		if !errors.As(err, &result) || !p.mayAlternate(result.Result) {
			return refused(x, p, err)
		}
		if refusal == nil {
			refusal = err
		}
	}
	r.Number = first
	return refused(x, p, refusal)
}

// alternatePause is the time between a call that was refused and one of another number: some modems need this pause.
const alternatePause = time.Second

// mayAlternate says whether another number is tried after such a result.
func (p Plan) mayAlternate(r v250.Result) bool {
	switch r {
	case v250.Failed, v250.CME, v250.NotSupported:
		return true
	}
	return p.AlternatesWhen == "refused" && r != v250.Connect && r != v250.OK && r != v250.Delayed
}

// defineOther gives the plan's APN to the context that a number names, if that is not the plan's context. If the modem refuses,
// the number is dialled anyway.
func defineOther(x *at.Exchange, p Plan, number string) error {
	rest, ok := strings.CutPrefix(number, "*99***")
	cid, err := strconv.Atoi(strings.TrimSuffix(rest, "#"))
	if !ok || err != nil || cid == p.CID || p.APN == "" {
		return nil //nolint:nilerr // the number names no context
	}
	p.CID, p.ReadBack = cid, false
	var result *at.ResultError
	if err := defineContext(x, p); err != nil && !errors.As(err, &result) {
		return err
	}
	return nil
}

// The numbers of packet service: any context that the modem takes for the first one, and context 1 by its number, as
// 3GPP TS 27.007 section 10.2.1 has them.
const packetService, contextOne = "*99#", "*99***1#"

// refused makes an Error of a call that failed, with what the modem has to say about it (AT+CEER, 3GPP TS 27.007
// section 6.10).
func refused(x *at.Exchange, p Plan, err error) error {
	var result *at.ResultError
	var silent *at.TimeoutError
	e := &Error{Kind: DialRefused, Text: "the modem did not connect", Err: err}
	switch {
	case errors.As(err, &result):
		e.Result = result.Text
	case errors.As(err, &silent):
		// Any character ends a dial command that is running (V.250 section 5.6.1): here the AT of the next command.
		e.Text = fmt.Sprintf("no CONNECT within %v", p.DialTimeout)
	default:
		return fail(err, "dialling failed")
	}
	reply, err := x.Command("AT+CEER", 2*time.Second)
	if err != nil {
		if late := KindOf(err); late == DataMode || late == Silent && silent != nil {
			e.Text += "; the modem does not answer AT any more either"
		}
		return e
	}
	if why, ok := reply.Value("+CEER:"); ok && why != "" {
		e.Result = strings.TrimPrefix(e.Result+"; +CEER: "+private.Identities(why), "; ")
	}
	return e
}

// speedUp makes the modem and the port take the plan's faster speed (AT+IPR, ITU-T V.250 section 6.2.10). If that fails, the call
// is made at the old speed.
func speedUp(x *at.Exchange, p Plan) error {
	if p.FastBaud == 0 {
		return nil
	}
	// Some modems keep the speed in flash memory: so the speed is not set without need.
	reply, err := x.Command("AT+IPR?", p.Timeout)
	if value, _ := reply.Value("+IPR:"); err == nil && number(value) == p.FastBaud {
		return nil
	}
	if _, err := x.Command(fmt.Sprintf("AT+IPR=%d", p.FastBaud), p.Timeout); err != nil {
		return nil //nolint:nilerr // a modem that refuses stays as it is
	}
	x.SetBaud(p.FastBaud)
	for range 3 {
		x.Wait(speedPause) // the modem may send its OK before or after it changes (V.250 section 6.2.10)
		if x.Synchronise("AT", syncTry) == nil {
			return nil
		}
	}
	x.Event(event.Notice{Level: "warning", Text: fmt.Sprintf("the modem does not answer at %d bit/s; going back to %d", p.FastBaud, p.Baud)})
	x.SetBaud(p.Baud)
	return Sync(x, p)
}

// speedPause is how long a modem may take to change its speed.
const speedPause = 100 * time.Millisecond
