package modem

import "github.com/knakppp/knak/core/at"

// Dial is Prepare and Call on one port, as a link does it.
func Dial(p Plan, r *Result) func(*at.Exchange) error {
	r = notNil(r)
	return func(x *at.Exchange) error {
		if err := Prepare(p, r)(x); err != nil {
			return err
		}
		return call(x, p, r)
	}
}

// dialAsking is Dial of a modem that is asked who it is first.
func dialAsking(p Plan) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		if err := Sync(x, p); err != nil {
			return err
		}
		if _, err := Ask(x); err != nil {
			return err
		}
		return Dial(p, nil)(x)
	}
}
