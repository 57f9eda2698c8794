package modem

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
)

// syncTry is how long one AT may take to be answered before the next is sent.
const syncTry = time.Second

// Sync makes the modem answer AT, or says why it does not. It returns at once if the exchange is synchronised already. It ends a
// call that the modem still has, and switches result codes on if they are off.
func Sync(x *at.Exchange, p Plan) error {
	follow(x, p)
	if x.Synced() {
		return nil
	}
	x.Wait(p.StartDelay)
	x.Discard()
	hello, wake := "AT", "ATE0Q0V1" // result codes, in words (V.250 sections 6.2.5 and 6.2.6)
	switch never := at.Begins("ATE0", p.Never); {
	case never:
		wake = "ATQ0V1"
	case p.EchoOff:
		hello = "ATE0"
	}
	until := x.Now().Add(max(p.ReadyWait, syncTry))
	silent, refused, recovered := 0, 0, false
	speeds := []int{p.FastBaud, p.Baud}
	for {
		line := hello
		switch {
		case refused > 0:
			line = "AT"
		case silent%4 == 2:
			line = wake
		}
		err := x.Synchronise(line, max(1, min(syncTry, until.Sub(x.Now()))))
		if err == nil {
			return nil
		}
		var result *at.ResultError
		switch {
		case errors.As(err, &result): // what was in its buffer before may spoil the first commands (quirk USB-23)
			if refused++; refused >= 3 {
				x.Wait(syncTry / 2)
			}
		case KindOf(err) == DataMode && recovered:
			return fail(err, "the modem sends PPP frames and does not leave the data state")
		case KindOf(err) == DataMode, !recovered && silent == 2:
			recovered = true
			silent = 0
			leaveData(x, p, nil) //nolint:errcheck // the next AT shows whether it helped
		default:
			if silent++; p.FastBaud > 0 && silent%2 == 0 {
				x.SetBaud(speeds[0])
				speeds[0], speeds[1] = speeds[1], speeds[0]
			}
		}
		if !x.Now().Before(until) {
			return fail(err, "the modem does not answer AT with OK")
		}
	}
}

// Reset restarts the modem. If the modem stops answering, that counts as done; the port may go away and come back.
func Reset(p Plan) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		if err := Sync(x, p); err != nil {
			return err
		}
		_, err := x.Command(p.Reset, p.Timeout)
		var silent *at.TimeoutError
		if errors.As(err, &silent) {
			return nil
		}
		return failIf(err, "the modem does not restart")
	}
}

// follow applies the plan's rules for all commands to the exchange.
func follow(x *at.Exchange, p Plan) {
	x.CharDelay(p.CharDelay)
	x.Never(p.Never)
}

// send sends commands of the profile; key is the name of the list.
func send(x *at.Exchange, p Plan, key string, lines []string) error {
	for _, line := range lines {
		line = p.expand(line)
		for try := 1; ; try++ {
			_, err := x.Command(line, p.Timeout)
			if err == nil {
				break
			}
			var result *at.ResultError
			if errors.As(err, &result) {
				if try < p.Tries {
					x.Wait(sendPause)
					continue
				}
				if mayFail(line) || at.Begins(line, p.Optional) {
					break
				}
			}
			return fail(err, "a command of "+key+" failed")
		}
	}
	return nil
}

// sendPause is the time between two tries of a command that was answered with an error.
const sendPause = time.Second

// sendAnyhow sends commands of the profile whose result does not matter. If the modem does not answer one, no more are sent.
func sendAnyhow(x *at.Exchange, p Plan, lines []string) {
	for _, line := range lines {
		_, err := x.Command(p.expand(line), p.Timeout)
		var result *at.ResultError
		if err != nil && !errors.As(err, &result) {
			return
		}
	}
}

// expand puts the context's number where the plan has {cid}.
func (p Plan) expand(s string) string { return strings.ReplaceAll(s, "{cid}", strconv.Itoa(p.CID)) }

// mayFail says whether an ERROR in answer to a command of the profile does not matter: some modems have no ATZ but work.
func mayFail(line string) bool {
	return strings.HasSuffix(line, "?") || strings.EqualFold(line, "ATZ") || strings.EqualFold(line, "AT&F")
}

// fail makes an Error of an exchange's error.
func fail(err error, text string) *Error {
	e := &Error{Kind: KindOf(err), Text: text, Err: err}
	if e.Kind == "" {
		e.Kind = ATError
	}
	var result *at.ResultError
	if errors.As(err, &result) {
		e.Result = result.Command + ": " + result.Text
	}
	return e
}
