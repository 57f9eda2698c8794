package modem

import (
	"time"

	"github.com/knakppp/knak/core/at"
)

// lookTimeout is for each question: a port for commands that is awake answers these from memory.
const lookTimeout = 600 * time.Millisecond

// Sight is how a modem is doing while its other port carries a call.
type Sight struct {
	Signal   string // "-79 dBm"; "" where it is not known
	Operator string // as Operator gives it; "" where it is not known
}

// Look asks a modem how it is doing, on a port that carries no call. It only asks (AT+CSQ, AT+COPS?) and changes nothing, so the operator
// is in whatever format the modem has. never is what this modem must not be asked (key at.never).
func Look(s *Sight, never []string) func(*at.Exchange) error {
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
