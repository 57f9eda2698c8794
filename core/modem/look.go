package modem

import (
	"time"

	"github.com/knakppp/knak/core/at"
)

// lookTimeout is the time limit of each question: a command port that is awake answers these from memory.
const lookTimeout = 600 * time.Millisecond

// Observation is the signal and operator of a modem while its other port carries a call.
type Observation struct {
	Signal   string // "-79 dBm"; "": not known
	Operator string // as Operator gives it; "": not known
}

// Look asks a modem for signal and operator, on a port that carries no call. It only asks (AT+CSQ, AT+COPS?) and changes nothing,
// so the operator comes in the modem's present format. never lists commands that this modem must not get (key at.never).
func Look(s *Observation, never []string) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		x.Never(never)
		p := Defaults()
		p.Timeout = lookTimeout
		if _, err := x.Command("AT", p.Timeout); err != nil {
			return err
		}
		s.Signal = signal(x, p)
		name, _, err := askOperator(x, p)
		s.Operator = operatorText(name)
		return err
	}
}
