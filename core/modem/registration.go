package modem

import (
	"errors"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// The registration states (3GPP TS 27.007 sections 7.2, 10.1.20 and 10.1.22).
const (
	notSearching = 0
	home         = 1
	searching    = 2
	denied       = 3
	unknown      = 4
	roaming      = 5
)

// stateWords are the words that event.Registration carries.
var stateWords = map[int]string{
	notSearching: "not searching", home: "home", searching: "searching", denied: "denied", unknown: "unknown", roaming: "roaming",
	6: "SMS only", 7: "SMS only",
	8:         "emergency only",
	9:         "home", // CSFB not preferred
	10:        "roaming",
	11:        "emergency only", // restricted local operator services
	noAnswer:  "unknown",
	noCommand: "unknown",
}

// What else a question for the state can give.
const (
	noAnswer  = -1 // an error that may pass
	noCommand = -2 // the modem does not have that command
)

func registered(state int) bool {
	return state == home || state == roaming || state == 9 || state == 10
}

// domain is one of the registrations that a modem reports: to LTE, to GPRS and UMTS packet service, to circuits, to 5G.
type domain struct {
	name    string
	state   int
	reports bool // unsolicited codes were on already
	asked   bool // they were switched on here
}

// registrar waits until the modem is registered.
type registrar struct {
	x       *at.Exchange
	p       Plan
	result  *Result
	domains []domain
	told    string // the text of the last event
	changed bool   // an unsolicited code came
}

// register waits for registration, as long as the plan allows. Any registration is enough: many modems attach to packet service
// only when they dial.
func register(x *at.Exchange, p Plan, result *Result) error {
	if !p.Require {
		return nil
	}
	r := &registrar{x: x, p: p, result: result, domains: []domain{{name: "+CEREG"}, {name: "+CGREG"}, {name: "+CREG"}, {name: "+C5GREG"}}}
	until := x.Now().Add(p.RegistrationWait)
	pause, subscribed := p.RegistrationPoll, false
	for round := 0; ; round++ {
		done, err := r.ask()
		if done || err != nil {
			return err
		}
		if !x.Now().Before(until) {
			return &Error{Kind: Unregistered, Result: r.told, Text: fmt.Sprintf("the modem found no network within %v", p.RegistrationWait)}
		}
		if round == 0 {
			if again, err := r.rouse(until); err != nil {
				return err
			} else if again {
				continue
			}
		}
		if !subscribed {
			subscribed = true
			if r.subscribe() {
				defer r.unsubscribe()
				pause = 5 * p.RegistrationPoll // only in case the modem forgets to report
				continue                       // what changed before it began to report
			}
		}
		r.changed = false
		x.Until(min(pause, until.Sub(x.Now())), func() bool { return r.changed })
	}
}

// ask asks all domains until one is registered. It is true if there is nothing more to wait for.
func (r *registrar) ask() (bool, error) {
	for i := range r.domains {
		d := &r.domains[i]
		if d.state == noCommand {
			continue
		}
		if d.name == "+C5GREG" && r.domains[0].state == noCommand {
			d.state = noCommand // a modem without LTE has no 5G
			continue
		}
		if err := r.askDomain(d); err != nil {
			return false, err
		}
		if registered(d.state) {
			r.tell(d.state)
			return true, nil
		}
	}
	switch {
	case r.any(searching), r.any(unknown), r.any(noAnswer):
		r.tell(r.best(searching, unknown, noAnswer))
	case r.any(denied):
		r.tell(denied)
		return false, &Error{Kind: Denied, Result: stateWords[denied], Text: "the network refuses this SIM or this modem"}
	case !r.any(notSearching) && r.best(6, 7, 8, 11) == noCommand:
		r.x.Event(event.Notice{Level: "info", Text: "the modem does not tell whether it is registered; dialling without knowing"})
		return true, nil
	default:
		r.tell(r.best(notSearching, 6, 7, 8, 11))
	}
	return false, nil
}

func (r *registrar) askDomain(d *domain) error {
	reply, err := r.x.Command("AT"+d.name+"?", r.p.Timeout)
	var result *at.ResultError
	switch {
	case err == nil:
		d.state = noCommand // until it answers with a state: some ports answer OK to everything (quirk USB-12)
		for _, line := range reply.Lines {
			if n, state, ok := registrationState(line, d.name+":"); ok {
				d.state, d.reports = state, n > 0
			}
		}
		if d.state == uiccFailure {
			return &Error{Kind: NoSIM, Result: reply.Text, Text: "the modem cannot use its SIM"}
		}
		return nil
	case !errors.As(err, &result):
		return fail(err, "the modem does not tell whether it is registered")
	case result.Code == cmeNotInserted:
		return &Error{Kind: NoSIM, Result: result.Text, Text: "the modem has no SIM that it can read", Err: err}
	case result.Code == cmeSIMBusy, result.Code == 30, result.Code == 31:
		d.state = noAnswer
	default:
		d.state = noCommand
	}
	return nil
}

func (r *registrar) any(state int) bool { return r.best(state) == state }

// best gives the first of these states that a domain is in, or noCommand.
func (r *registrar) best(states ...int) int {
	for _, s := range states {
		for _, d := range r.domains {
			if d.state == s {
				return s
			}
		}
	}
	return noCommand
}

// tell makes an event for a new state, with the signal if the plan wants it.
func (r *registrar) tell(state int) {
	word := stateWords[state]
	if word == "" {
		word = "unknown"
	}
	if word == r.told {
		return
	}
	r.told = word
	if r.p.Signal {
		r.result.Signal = signal(r.x, r.p)
	}
	r.result.Registration = word
	r.x.Event(event.Registration{State: word, Signal: r.result.Signal})
}

// signal asks for the received signal strength (AT+CSQ, 3GPP TS 27.007 section 8.5); "" where it is not known.
func signal(x *at.Exchange, p Plan) string {
	reply, err := x.Command("AT+CSQ", min(p.Timeout, 2*time.Second))
	if err != nil {
		return ""
	}
	value, _ := reply.Value("+CSQ:")
	switch n := number(fields(value)[0]); {
	case n >= 0 && n <= 31:
		return fmt.Sprintf("%d dBm", -113+2*n)
	case n >= 100 && n <= 191: // some vendors' scale for TD-SCDMA and LTE
		return fmt.Sprintf("%d dBm", -116+n-100)
	}
	return ""
}

// rouse finds out why a modem does not search: its radio is off, or it was told not to register by AT+COPS=2 (3GPP TS 27.007
// section 7.3). It says whether it changed anything. AT+COPS=0 is not sent to a modem that registers by itself: some begin a new
// search, some hang (quirks REG-03, REG-06).
func (r *registrar) rouse(until time.Time) (bool, error) {
	if !r.p.RadioOn || r.best(searching, unknown, noAnswer) != noCommand {
		return false, nil
	}
	if on, err := radioOn(r.x, r.p); on || err != nil {
		return on, err
	}
	reply, err := r.x.Command("AT+COPS?", r.p.Timeout)
	if value, ok := reply.Value("+COPS:"); err != nil || !ok || fields(value)[0] != "2" {
		return false, nil
	}
	r.x.Event(event.Notice{Level: "info", Text: "the modem was told not to register; telling it to"})
	_, err = r.x.Command("AT+COPS=0", min(180*time.Second, max(r.p.Timeout, until.Sub(r.x.Now()))))
	return err == nil, nil
}

// subscribe lets the modem report changes by itself. It reports whether it does.
func (r *registrar) subscribe() bool {
	some := false
	for i := range r.domains {
		d := &r.domains[i]
		if d.state == noCommand {
			continue
		}
		if !d.reports {
			if _, err := r.x.Command("AT"+d.name+"=1", r.p.Timeout); err != nil {
				continue
			}
			d.asked = true
		}
		some = true
		r.x.Subscribe(d.name+":", func(string) { r.changed = true })
	}
	return some
}

// unsubscribe switches the codes off again, so that they do not come when the port is not read.
func (r *registrar) unsubscribe() {
	for _, d := range r.domains {
		if d.asked && r.x.Synced() {
			r.x.Command("AT"+d.name+"=0", r.p.Timeout) //nolint:errcheck // nothing follows from it
		}
	}
}

// attachTimeout is for AT+CGATT, which waits for the network.
const attachTimeout = 75 * time.Second

// attach waits until the modem is attached to packet service (AT+CGATT, 3GPP TS 27.007 section 10.1.9), as far as the plan
// wants that: some firmware is not stable when it is dialled before (quirk REG-01).
func attach(x *at.Exchange, p Plan) error {
	if p.Attach == "ignore" {
		return nil
	}
	until, asked := x.Now().Add(p.RegistrationWait), false
	for {
		reply, err := x.Command("AT+CGATT?", p.Timeout)
		var result *at.ResultError
		switch value, ok := reply.Value("+CGATT:"); {
		case err != nil && !errors.As(err, &result):
			return fail(err, "the modem does not tell whether it is attached")
		case err == nil && !ok:
			return nil // it has no such state
		case err == nil && number(fields(value)[0]) == 1:
			return nil
		}
		if !x.Now().Before(until) {
			return &Error{Kind: Unregistered, Text: fmt.Sprintf("the modem did not attach to packet service within %v", p.RegistrationWait)}
		}
		if p.Attach == "request" && !asked {
			asked = true
			if _, err := x.Command("AT+CGATT=1", max(p.Timeout, attachTimeout)); err == nil {
				continue
			}
		}
		x.Wait(min(p.RegistrationPoll, max(time.Millisecond, until.Sub(x.Now()))))
	}
}
