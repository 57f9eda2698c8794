package modem

import (
	"strings"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/private"
)

// numericFormat is the format of AT+COPS in which an operator is its MCC and MNC (3GPP TS 27.007 section 7.3).
const numericFormat = "2"

// Operator asks which network the modem is registered in (AT+COPS?): MCC-MNC, for example "262-01", or the name where the
// modem gives no number; "" where it does not tell. It leaves the modem's format for names as it was.
func Operator(x *at.Exchange, p Plan) (string, error) {
	name, format, err := askOperator(x, p)
	if err != nil || name == "" || networkCode(name) != "" {
		return operatorText(name), err
	}
	_, err = x.Command("AT+COPS=3,"+numericFormat, p.Timeout) // 3: sets the format only
	if err != nil {
		return name, goOn(x, p, err)
	}
	code, _, err := askOperator(x, p)
	if err != nil {
		return name, err
	}
	if _, err := x.Command("AT+COPS=3,"+format, p.Timeout); err != nil {
		if err := goOn(x, p, err); err != nil {
			return name, err
		}
	}
	if code == "" {
		code = name
	}
	return operatorText(code), nil
}

func askOperator(x *at.Exchange, p Plan) (name, format string, err error) {
	reply, err := x.Command("AT+COPS?", p.Timeout)
	if err != nil {
		return "", "", goOn(x, p, err)
	}
	value, _ := reply.Value("+COPS:")
	f := fields(value)
	if len(f) < 3 || len(f[1]) != 1 || f[1] < "0" || f[1] > "2" {
		return "", "", nil // not registered, or a form that nobody knows
	}
	return strings.TrimSpace(private.Identities(f[2])), f[1], nil
}

// networkCode gives MCC-MNC of five or six digits, or "".
func networkCode(s string) string {
	if len(s) < 5 || len(s) > 6 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s[:3] + "-" + s[3:]
}

func operatorText(s string) string {
	if code := networkCode(s); code != "" {
		return code
	}
	return s
}

// SetContext sets the plan's context again, because registering has changed it.
func SetContext(p Plan) func(*at.Exchange) error {
	return func(x *at.Exchange) error {
		if err := subscribe(x, &p); err != nil {
			return err
		}
		return setContext(x, p)
	}
}
