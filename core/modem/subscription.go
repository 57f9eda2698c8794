package modem

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
)

// Home is the network that issued the SIM, by the IMSI. The subscriber's part of the IMSI is dropped as soon as it is read.
type Home struct {
	// Digits are the first six of the IMSI: the country's three, and three that hold the network's two or three.
	Digits string
	// MNCLength is how many digits the network's code has, 2 or 3; 0: the SIM was not asked; -1: it does not say.
	MNCLength int
}

// Access is how a subscription gets into its network. An empty APN leaves the context as it is. With Login the credentials, which
// may be empty, replace those of the plan. Method is "pap", "chap" or "": the plan's.
type Access struct {
	APN            string
	Login          bool
	User, Password string
	Method         string
}

// subscribe fills in what the plan leaves open, by asking Credentials and Access. The SIM is asked even if the context has an
// APN: it may be the carrier's, and need the carrier's credentials. A SIM that does not say who issued it is not an error.
func subscribe(x *at.Exchange, p *Plan) error {
	if p.Credentials == nil && (p.APN != "" || p.Access == nil) {
		return nil
	}
	stored, err := storedAPN(x, *p)
	if err != nil {
		return err
	}
	digits, err := homeDigits(x, *p)
	if err != nil {
		return err
	}
	home := Home{Digits: digits}
	login := false // the credentials have been given
	if p.Credentials != nil {
		if digits != "" {
			if home.MNCLength, err = mncLength(x, *p); err != nil {
				return err
			}
		}
		a := p.Credentials(home, stored)
		p.adopt(a)
		login = a.Login
	}
	if digits == "" || p.APN != "" || p.Access == nil {
		return nil
	}
	a, ask := p.Access(home, stored)
	if ask {
		if home.MNCLength, err = mncLength(x, *p); err != nil {
			return err
		}
		a, _ = p.Access(home, stored)
	}
	if login {
		a.Login, a.Method = false, ""
	}
	p.adopt(a)
	return nil
}

// adopt puts the values of a into the plan.
func (p *Plan) adopt(a Access) {
	if a.APN != "" {
		p.APN = a.APN
	}
	if a.Login {
		p.User, p.Password = a.User, a.Password
	}
	if a.Method != "" {
		p.AuthMethod = a.Method
	}
}

// storedAPN gives the APN that the plan's context has in the modem.
func storedAPN(x *at.Exchange, p Plan) (string, error) {
	reply, err := x.Command("AT"+p.Define+"?", p.Timeout)
	var result *at.ResultError
	if err != nil && !errors.As(err, &result) {
		return "", fail(err, "the modem does not tell its PDP contexts")
	}
	for _, line := range reply.Lines {
		if rest, ok := strings.CutPrefix(line, p.Define+":"); ok {
			if f := fields(rest); len(f) >= 3 && number(f[0]) == p.CID {
				return f[2], nil
			}
		}
	}
	return "", nil
}

// homeDigits asks for the IMSI (3GPP TS 27.007 section 5.6) and gives its first six digits, or "" where the modem does not
// tell. It is 6 to 15 digits long (3GPP TS 23.003 section 2.2); the reply is hidden in events. A SIM that has just been
// unlocked may be busy still.
func homeDigits(x *at.Exchange, p Plan) (string, error) {
	for until := x.Now().Add(min(p.SIMWait, 5*time.Second)); ; x.Wait(500 * time.Millisecond) {
		reply, err := x.Command("AT+CIMI", p.Timeout)
		var result *at.ResultError
		if errors.As(err, &result) && result.Code == cmeSIMBusy && x.Now().Before(until) {
			continue
		}
		if err != nil {
			return "", goOn(x, p, err)
		}
		for _, line := range reply.Lines {
			line = strings.Trim(strings.TrimSpace(strings.TrimPrefix(line, "+CIMI:")), `"`)
			if len(line) >= 6 && len(line) <= 15 && strings.Trim(line, "0123456789") == "" {
				return strings.Clone(line[:6]), nil
			}
		}
		return "", nil
	}
}

// efAD is the SIM's file "administrative data". Its fourth octet is the length of the MNC (3GPP TS 31.102 section 4.2.18).
const efAD = 0x6fad

// mncLength reads the length of the MNC from the SIM (AT+CRSM, 3GPP TS 27.007 section 8.18); -1: it does not tell.
func mncLength(x *at.Exchange, p Plan) (int, error) {
	const readBinary, octets = 176, 4
	reply, err := x.Command(fmt.Sprintf("AT+CRSM=%d,%d,0,0,%d", readBinary, efAD, octets), p.Timeout)
	if err != nil {
		return -1, goOn(x, p, err)
	}
	value, _ := reply.Value("+CRSM:")
	f := fields(value)
	if len(f) < 3 || number(f[0]) != 144 && number(f[0]) != 145 { // SW1 of a success (ETSI TS 102 221 section 10.2.1)
		return -1, nil
	}
	data, err := hex.DecodeString(f[2])
	if err != nil || len(data) < octets {
		return -1, nil
	}
	if n := int(data[3] & 0x0f); n == 2 || n == 3 {
		return n, nil
	}
	return -1, nil
}

// goOn ignores that a question was refused or not answered, once the exchange is synchronised again.
func goOn(x *at.Exchange, p Plan, err error) error {
	var result *at.ResultError
	var silent *at.TimeoutError
	switch {
	case errors.As(err, &result):
		return nil
	case errors.As(err, &silent):
		return Sync(x, p)
	}
	return fail(err, "the modem does not tell who issued the SIM")
}
