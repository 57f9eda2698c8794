// Package compare compares two recordings of a call, one that worked and one that failed, and says what was different: by role,
// protocol and step, not by time. What differs between any two calls does not count: identifiers, magic numbers, assigned
// addresses and small differences in time.
package compare

import (
	"cmp"
	"slices"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/mimic"
)

// Side is one of the two recordings.
type Side struct {
	Name    string `json:"name"`    // as the user named it, for example the file
	Call    int    `json:"call"`    // which of the recording's calls is compared, from 1
	Calls   int    `json:"calls"`   // how many there are
	Worked  bool   `json:"worked"`  // the link came up
	Outcome string `json:"outcome"` // in words
	Cut     bool   `json:"cut"`     // the recording ends, or begins, in the middle
}

// Role says which end did something.
type Role string

// The roles.
const (
	Host  Role = "host"  // the dialer
	Modem Role = "modem" // the modem, and the network
)

// Seen is what one side shows of an aspect.
type Seen struct {
	Text string    `json:"text"`
	Pos  event.Pos `json:"-"`
	At   string    `json:"at"` // Pos in words; "": none
}

// Difference is one thing that the two sides did differently.
type Difference struct {
	ID       string   `json:"id"` // of the table, for example "auth-name"
	Role     Role     `json:"role"`
	Protocol string   `json:"protocol"` // "at", "lcp", "auth", "ipcp", "ipv6cp", "ccp" or "link"
	What     string   `json:"what"`     // for example "user name"
	Good     Seen     `json:"good"`
	Bad      Seen     `json:"bad"`
	Weight   int      `json:"weight"`   // how much it tells, from 1 to 100
	Why      string   `json:"why"`      // why it can matter
	Settings []string `json:"settings"` // KEY=VALUE for knak dial --set, so that knak does what the good side did

	good, bad string // what each side does, in words that follow "the working one"
}

// Result is the comparison.
type Result struct {
	Good    Side `json:"good"`
	Bad     Side `json:"bad"`
	Swapped bool `json:"swapped"` // the recording given as good failed and the other one worked: they were exchanged
	// Host and Modem are the differences that matter, the most telling first.
	Host     []Difference `json:"host"`
	Modem    []Difference `json:"modem"`
	Remarks  []string     `json:"remarks"`  // what could not be compared, and why
	Sentence string       `json:"sentence"` // the conclusion
	Settings []string     `json:"settings"` // the settings, KEY=VALUE, with which knak does what the sentence says about the good side

	compared int // how many aspects both sides show
}

// Same says whether there is no difference that matters.
func (r *Result) Same() bool { return len(r.Host) == 0 && len(r.Modem) == 0 }

// Recording is one of the two inputs of Compare.
type Recording struct {
	Name  string
	Calls []*call.Call
}

// Compare compares a recording of a dialer that worked with one of a dialer that did not. If a recording has several calls,
// Compare takes the last that worked from good, and the last that failed from bad; if there is none, the last one. It is false if
// one of them has no call.
func Compare(good, bad Recording) (Result, bool) {
	if len(good.Calls) == 0 || len(bad.Calls) == 0 {
		return Result{}, false
	}
	g, b := pick(good.Calls, true), pick(bad.Calls, false)
	r := Result{Host: []Difference{}, Modem: []Difference{}, Remarks: []string{}, Settings: []string{}}
	if !g.Worked() && b.Worked() {
		good, bad, g, b, r.Swapped = bad, good, b, g, true
	}
	r.Good, r.Bad = side(good, g), side(bad, b)
	list, compared := differences(g, b)
	r.compared = compared
	for _, d := range list {
		if d.Role == Host {
			r.Host = append(r.Host, d)
		} else {
			r.Modem = append(r.Modem, d)
		}
	}
	for _, list := range [][]Difference{r.Host, r.Modem} {
		slices.SortStableFunc(list, func(a, b Difference) int { return cmp.Compare(b.Weight, a.Weight) })
	}
	r.settle(mimic.Settings(g))
	r.Remarks = append(r.Remarks, remarks(&r, g, b)...)
	r.Sentence = r.sentence()
	return r, true
}

// pick gives the last call that worked, or that failed; else the last one with PPP; else the last one.
func pick(calls []*call.Call, worked bool) *call.Call {
	for _, fits := range []func(*call.Call) bool{
		func(c *call.Call) bool { return c.Worked() == worked && c.PPP() },
		func(c *call.Call) bool { return c.Worked() == worked && (c.Dial != nil || len(c.Failures) > 0) },
		func(c *call.Call) bool { return c.PPP() },
	} {
		for _, c := range slices.Backward(calls) {
			if fits(c) {
				return c
			}
		}
	}
	return calls[len(calls)-1]
}

func side(r Recording, c *call.Call) Side {
	return Side{Name: r.Name, Call: c.Number, Calls: len(r.Calls), Worked: c.Worked(), Outcome: outcome(c), Cut: c.Cut()}
}

// settle adds to each difference of the host the settings that do what the good side did. Settings that are knak's default are
// left out.
func (r *Result) settle(m mimic.Host) {
	for i := range r.Host {
		d := &r.Host[i]
		d.Settings = []string{}
		for _, s := range m.Settings {
			if slices.Contains(keysOf(d.ID), s.Key) && !slices.Contains(d.Settings, s.String()) {
				d.Settings = append(d.Settings, s.String())
			}
		}
	}
	for _, d := range r.telling() {
		for _, s := range d.Settings {
			if !slices.Contains(r.Settings, s) {
				r.Settings = append(r.Settings, s)
			}
		}
	}
	for i := range r.Modem {
		r.Modem[i].Settings = []string{}
	}
}
