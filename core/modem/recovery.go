package modem

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// recoveryPause is the time between switching something off and on again.
const recoveryPause = time.Second

// Recovery is one step of the quirk key retry.ladder, between two attempts to dial. To switch off the modem's power or to reset
// its USB port is left to the host. "redial" does nothing; "attach" detaches the modem from packet service and attaches it again
// (quirk IPCP-13); "radio" switches its radio off and on (quirk SIM-05); "reset" restarts the modem and waits, and the port may
// be lost meanwhile (quirk DIAL-11). A refusal by the modem is reported and not an error: the next attempt shows whether the step
// helped.
func Recovery(step string, p Plan) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		if step == "redial" {
			return nil
		}
		x.Event(event.Notice{Level: "info", Text: "before the next attempt: " + step})
		if err := Sync(x, p); err != nil {
			return err
		}
		switch step {
		case "attach":
			return offAndOn(x, p, "AT+CGATT=0", "AT+CGATT=1", 0)
		case "radio":
			return offAndOn(x, p, p.RadioOffCommand, p.RadioCommand, p.RadioWait)
		case "reset":
			if p.Reset == "" {
				return nil
			}
			if err := Reset(p)(x); err != nil {
				return err
			}
			x.Wait(p.ResetWait)
			return nil
		}
		return fmt.Errorf("retry.ladder has no step %q", step)
	}
}

// offAndOn sends two commands with a pause between them, and keeps silent after.
func offAndOn(x *at.Exchange, p Plan, off, on string, wait time.Duration) error {
	if off == "" || on == "" {
		return nil
	}
	_, err := x.Command(off, max(p.Timeout, attachTimeout))
	x.Wait(recoveryPause)
	// Switch on again in any case: after an error it may be half off.
	_, onErr := x.Command(on, max(p.Timeout, attachTimeout))
	x.Wait(wait)
	if err == nil {
		err = onErr
	}
	return failIf(err, "the modem does not do what should bring it back")
}
