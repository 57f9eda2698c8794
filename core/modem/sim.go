package modem

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// simTimeout is for AT+CPIN: some modems take longer than for anything else while they start (quirk AT-11).
const simTimeout = 10 * time.Second

// pinEffect is how long a SIM may still ask for the PIN after it was accepted.
const pinEffect = 3 * time.Second

// The +CME ERROR numbers that tell about the SIM (3GPP TS 27.007 section 9.2.1).
const (
	cmeNotInserted = 10
	cmePINRequired = 11
	cmePUKRequired = 12
	cmeSIMFailure  = 13
	cmeSIMBusy     = 14
	cmeSIMWrong    = 15
	cmeWrongPIN    = 16
)

// unlock brings the SIM to READY (3GPP TS 27.007 section 8.3).
func unlock(x *at.Exchange, p Plan, r *Result) error {
	state, err := simState(x, p)
	if err != nil {
		return err
	}
	if state != "SIM PIN" {
		return usable(state)
	}
	if p.PINSpent {
		return &PINRefusedError{Remaining: -1, Result: "it was sent before, and the SIM asks for it still"}
	}
	if p.PIN == "" {
		return &Error{Kind: PINNeeded, Result: "+CPIN: " + state, Text: "the SIM asks for a PIN and none is set"}
	}
	if len(p.PIN) < 4 || len(p.PIN) > 8 || strings.Trim(p.PIN, "0123456789") != "" {
		return &Error{Kind: PINNeeded, Text: "the PIN that is set is not 4 to 8 digits; it was not sent"}
	}
	return usePIN(x, p, r)
}

// usePIN sends the PIN, unless that could lock the SIM.
func usePIN(x *at.Exchange, p Plan, r *Result) error {
	var card Card
	known := PINRecord{TriesBefore: -1}
	if p.PINs != nil {
		var err error
		if card, err = readCard(x, p); err != nil {
			return err
		}
		known = p.PINs.Recall(card, p.PIN)
	}
	tries := pinTries(x, p)
	if known.Sent && tries >= 0 && tries < known.TriesBefore { // the number of tries shows the outcome
		remember(x, p.PINs.Settle(card, p.PIN, PINRefused))
		known.Refused = true
	}
	left := tries
	if left < 0 && known.Wrong > 0 {
		left = max(pinTriesFull-known.Wrong, 0)
	}
	switch {
	case known.Refused && !p.PINAgain:
		return &PINRefusedError{Remaining: tries, Before: true}
	case tries == 0, left >= 0 && left <= 1 && !p.PINLastTry:
		return &PINRefusedError{Remaining: left, Guessed: tries < 0}
	}
	if p.PINs != nil {
		remember(x, p.PINs.Sending(card, p.PIN, tries))
	}
	r.PINSent = true
	err := enterPIN(x, p, r)
	if p.PINs == nil {
		return err
	}
	var refused *PINRefusedError
	switch blocked := KindOf(err) == PUKNeeded; {
	case errors.As(err, &refused) && refused.Remaining >= 0 && tries >= 0 && refused.Remaining >= tries:
		remember(x, p.PINs.Settle(card, p.PIN, PINUnspent))
	case refused != nil, blocked:
		remember(x, p.PINs.Settle(card, p.PIN, PINRefused))
	case !r.PINSent: // the SIM has shown that it was right
		remember(x, p.PINs.Settle(card, p.PIN, PINAccepted))
	}
	return err
}

// remember reports once that the memory could not store something.
func remember(x *at.Exchange, err error) {
	if err != nil {
		x.Event(event.Notice{Level: "warning", Text: "the next run will not know what became of the PIN: " + err.Error()})
	}
}

// enterPIN sends the PIN once, and waits until the SIM shows whether it is right.
func enterPIN(x *at.Exchange, p Plan, r *Result) error {
	if err := sendPIN(x, p); err != nil {
		return err
	}
	x.Wait(p.PINWait)
	for until := x.Now().Add(pinEffect); ; x.Wait(pinEffect / 10) {
		state, err := simState(x, p)
		if err != nil {
			return err
		}
		if state != "SIM PIN" {
			r.PINSent = state == "" // the modem did not say that the SIM is ready
			return usable(state)
		}
		if !x.Now().Before(until) { // OK was said, but it did not help; a second try might block the SIM
			return &PINRefusedError{Tried: true, Remaining: pinTries(x, p), Result: "+CPIN: " + state}
		}
	}
}

// sendPIN sends the PIN. If the modem does not answer, the SIM's state afterwards shows whether the PIN was accepted.
func sendPIN(x *at.Exchange, p Plan) error {
	pin := x.Secret(p.PIN)
	if p.PINQuoted {
		pin = at.Quote(pin)
	}
	_, err := x.Command("AT+CPIN="+pin, max(p.Timeout, simTimeout))
	var result *at.ResultError
	var silent *at.TimeoutError
	switch {
	case err == nil, errors.As(err, &silent):
		return nil
	case !errors.As(err, &result):
		return fail(err, "the PIN could not be entered")
	case result.Code == cmePUKRequired:
		return &Error{Kind: PUKNeeded, Result: result.Text, Text: "the SIM refused the PIN and is blocked now: it wants its PUK", Err: err}
	}
	return &PINRefusedError{Tried: true, Remaining: pinTries(x, p), Result: result.Text}
}

// simState asks for the SIM's state until it is not "busy". "" means that the modem does not have the command.
func simState(x *at.Exchange, p Plan) (string, error) {
	until := x.Now().Add(p.SIMWait)
	verbose, radio := false, false
	for {
		reply, err := x.Command("AT+CPIN?", max(p.Timeout, simTimeout))
		if err == nil {
			state, _ := reply.Value("+CPIN:")
			return strings.Trim(state, `"`), nil
		}
		var result *at.ResultError
		if !errors.As(err, &result) {
			return "", fail(err, "the modem does not tell the SIM's state")
		}
		switch result.Code {
		case cmePINRequired:
			return "SIM PIN", nil
		case cmePUKRequired:
			return "SIM PUK", nil
		case cmeSIMBusy:
		case cmeNotInserted, cmeSIMFailure, cmeSIMWrong:
			if !radio { // with the radio off some modems do not power the SIM
				radio = true
				if on, err := radioOn(x, p); err != nil {
					return "", err
				} else if on {
					continue
				}
			}
			if result.Code == cmeNotInserted || !x.Now().Before(until) {
				return "", &Error{Kind: NoSIM, Result: result.Text, Text: "the modem has no SIM that it can read", Err: err}
			}
		default:
			if result.Code < 0 && !verbose { // a bare ERROR may mean that there is no SIM: ask for reasons
				verbose = true
				if _, err := x.Command("AT+CMEE=1", p.Timeout); err == nil {
					continue
				}
			}
			x.Event(event.Notice{Level: "info", Text: "the modem does not tell the SIM's state; going on without"})
			return "", nil
		}
		if !x.Now().Before(until) {
			return "", &Error{Kind: NoSIM, Result: result.Text, Text: "the SIM stays busy", Err: err}
		}
		x.Wait(min(time.Second, until.Sub(x.Now())))
	}
}

// usable gives the error for a state of the SIM, other than SIM PIN, with which no dial is possible.
func usable(state string) error {
	switch {
	case strings.HasPrefix(state, "SIM PUK") && state != "SIM PUK2":
		return &Error{Kind: PUKNeeded, Result: "+CPIN: " + state, Text: "the SIM is blocked and wants its PUK"}
	case strings.HasPrefix(state, "PH-"):
		return &Error{Kind: PINNeeded, Result: "+CPIN: " + state, Text: "the modem is locked to another SIM or network"}
	case state == "NOT INSERTED", state == "SIM NOT INSERTED", state == "NOT READY":
		return &Error{Kind: NoSIM, Result: "+CPIN: " + state, Text: "the modem has no SIM that it can read"}
	}
	return nil // READY; PIN2 and PUK2 do not matter for dialling; with an unknown state the dial goes on
}

// radioTimeout is for commands that switch the radio.
const radioTimeout = 15 * time.Second

// radioOn switches the radio on where it is off (AT+CFUN, 3GPP TS 27.007 section 8.2). It reports whether it did.
func radioOn(x *at.Exchange, p Plan) (bool, error) {
	if !p.RadioOn || p.RadioCommand == "" {
		return false, nil
	}
	reply, err := x.Command("AT+CFUN?", p.Timeout)
	if value, ok := reply.Value("+CFUN:"); err != nil || !ok || len(fields(value)) == 0 || number(fields(value)[0]) == 1 {
		return false, nil
	}
	x.Event(event.Notice{Level: "info", Text: "the modem's radio is off; switching it on"})
	if _, err := x.Command(p.RadioCommand, max(p.Timeout, radioTimeout)); err != nil {
		return false, fail(err, "the modem's radio is off and cannot be switched on")
	}
	x.Wait(p.RadioWait)
	return true, nil
}

// fields takes a list of parameters apart, without the quotation marks of strings.
func fields(s string) []string {
	var list []string
	quoted, begin := false, 0
	cut := func(end int) { list = append(list, strings.Trim(strings.TrimSpace(s[begin:end]), `"`)) }
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			cut(i)
			begin = i + 1
		}
	}
	cut(len(s))
	return list
}

// number reads a parameter; -1 where it is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
