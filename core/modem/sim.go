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

// pinEffect is how long a SIM may ask for the PIN still after it was accepted.
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
	if n := pinTries(x, p); n == 0 || n == 1 {
		return &PINRefusedError{Remaining: n}
	}
	r.PINSent = true
	if err := enterPIN(x, p); err != nil {
		return err
	}
	x.Wait(p.PINWait)
	for until := x.Now().Add(pinEffect); ; x.Wait(pinEffect / 10) {
		state, err = simState(x, p)
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

// enterPIN sends the PIN, once. Whether it was taken where the modem did not answer shows the SIM's state afterwards.
func enterPIN(x *at.Exchange, p Plan) error {
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

// simState asks for the SIM's state until it is more than "busy". "" means that the modem has no such question.
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

// usable says what a state of the SIM other than SIM PIN means for dialling.
func usable(state string) error {
	switch {
	case strings.HasPrefix(state, "SIM PUK") && state != "SIM PUK2":
		return &Error{Kind: PUKNeeded, Result: "+CPIN: " + state, Text: "the SIM is blocked and wants its PUK"}
	case strings.HasPrefix(state, "PH-"):
		return &Error{Kind: PINNeeded, Result: "+CPIN: " + state, Text: "the modem is locked to another SIM or network"}
	case state == "NOT INSERTED", state == "SIM NOT INSERTED", state == "NOT READY":
		return &Error{Kind: NoSIM, Result: "+CPIN: " + state, Text: "the modem has no SIM that it can read"}
	}
	return nil // READY; PIN2 and PUK2 guard other things; what is not known is no reason not to dial
}

// pinTries asks how many tries are left (3GPP TS 27.007 section 8.65; ^CPIN is Huawei's); -1 where the modem does not
// tell.
func pinTries(x *at.Exchange, p Plan) int {
	if reply, err := x.Command(`AT+CPINR="SIM PIN"`, p.Timeout); err == nil {
		for _, line := range reply.Lines {
			if rest, ok := strings.CutPrefix(line, "+CPINR:"); ok {
				f := fields(rest)
				if len(f) >= 2 && f[0] == "SIM PIN" {
					return number(f[1])
				}
			}
		}
	}
	// ^CPIN: <state>,<tries for the code that is asked for>,<PUK tries>,<PIN tries>,<PUK2 tries>,<PIN2 tries>
	if reply, err := x.Command("AT^CPIN?", p.Timeout); err == nil {
		if value, ok := reply.Value("^CPIN:"); ok {
			if f := fields(value); len(f) >= 4 {
				return number(f[3])
			}
		}
	}
	return -1
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
