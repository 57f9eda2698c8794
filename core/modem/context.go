package modem

import (
	"errors"
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/at"
)

// setContext defines the PDP context and gives the modem the credentials, as far as the plan says so (3GPP TS 27.007
// section 10.1.1).
//
// The stored context is read first. That costs one round trip, a few milliseconds, while a new definition makes many modems write
// to flash memory, and makes an LTE modem leave and join the network if the context is that of its attachment. This comes before
// the wait for registration, because the same context may decide whether the network accepts the modem.
func setContext(x *at.Exchange, p Plan) error {
	sendAnyhow(x, p, p.Send.BeforeContext)
	if p.APN != "" {
		if err := defineContext(x, p); err != nil {
			return err
		}
	}
	line, err := authLine(x, p)
	if err != nil {
		return &Error{Kind: ATError, Text: err.Error(), Err: err}
	}
	switch {
	case line == "":
	case p.User == "":
		// Only to forget older ones; a modem that knows no such command has none.
		var result *at.ResultError
		if _, err := x.Command(line, p.Timeout); err != nil && !errors.As(err, &result) {
			return fail(err, "the modem does not take empty credentials")
		}
	default:
		if err := retryInactive(x, p, line, "the modem does not take the credentials"); err != nil {
			return err
		}
	}
	return send(x, p, "at.after_context", p.Send.AfterContext)
}

// defineTries is how often a context is defined if the modem does not keep it (quirk PDP-18).
const defineTries = 3

func defineContext(x *at.Exchange, p Plan) error {
	if at.Begins("AT"+p.Define+"=", p.Never) {
		return nil // it has contexts of its own, and is dialled with those
	}
	if ok, err := contextIs(x, p); ok || err != nil {
		return err
	}
	line := fmt.Sprintf("AT%s=%d,%s,%s", p.Define, p.CID, at.Quote(p.ContextType), at.Quote(contextAPN(p)))
	for range defineTries {
		if err := retryInactive(x, p, line, "the modem does not take the APN"); err != nil || !p.ReadBack {
			return err
		}
		if ok, err := contextIs(x, p); ok || err != nil {
			return err
		}
	}
	return &Error{Kind: ATError, Text: "the modem does not keep the APN and the type of its PDP context"}
}

// contextIs says whether the modem's context is as the plan says.
func contextIs(x *at.Exchange, p Plan) (bool, error) {
	reply, err := x.Command("AT"+p.Define+"?", p.Timeout)
	var result *at.ResultError
	if err != nil && !errors.As(err, &result) {
		return false, fail(err, "the modem does not tell its PDP contexts")
	}
	for _, line := range reply.Lines {
		if rest, ok := strings.CutPrefix(line, p.Define+":"); ok {
			f := fields(rest)
			if len(f) >= 3 && number(f[0]) == p.CID && f[1] == p.ContextType && strings.EqualFold(f[2], contextAPN(p)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// retryInactive sends a command about the context and, where the modem refuses it, deactivates the context and tries once more:
// some accept it only while the context is not active (quirk PDP-01). An LTE modem cannot close its last bearer; that error is
// ignored (quirk PDP-19).
func retryInactive(x *at.Exchange, p Plan, line, text string) error {
	_, err := x.Command(line, p.Timeout)
	var result *at.ResultError
	if err == nil || !errors.As(err, &result) {
		return failIf(err, text)
	}
	_, closed := x.Command(fmt.Sprintf("AT+CGACT=0,%d", p.CID), p.Timeout)
	if closed != nil && !errors.As(closed, &result) {
		return fail(closed, text)
	}
	_, err = x.Command(line, p.Timeout)
	return failIf(err, text)
}

// failIf is fail if err is not nil.
func failIf(err error, text string) error {
	if err == nil {
		return nil
	}
	return fail(err, text)
}
