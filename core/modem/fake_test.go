package modem

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// fake is a modem that answers by a script, in virtual time.
type fake struct {
	// answers holds what is sent back to a command: one answer after the other, the last one again and again. A command
	// that is not there is answered ERROR, "" is silence, and "@1s …" is sent after that time.
	answers map[string][]string
	later   []later               // what happens by itself
	raw     func(p string) string // the answer to bytes that are no command line; nil: none
	dtr     func(on bool) []later // what a change of DTR leads to, counted from then
	baud    func(rate int)        // hears of a change of speed
	breaks  func()                // hears a break
	lines   *at.ModemLines        // at the start; nil: the port has none
	piece   int                   // octets at once; 0: all
}

// later is something that the modem does at a time.
type later struct {
	after time.Duration
	send  string
	lines *at.ModemLines
}

// outcome is what a dialogue came to.
type outcome struct {
	err     error
	sent    []string // command lines and raw bytes
	events  []event.Event
	elapsed time.Duration
	rest    string
}

// run plays a dialogue against the fake to its end.
func (f *fake) run(t *testing.T, talk func(*at.Exchange) error) outcome {
	t.Helper()
	var o outcome
	begin := time.Unix(1000, 0)
	now := begin
	d := at.NewDialogue(talk)
	defer d.Stop()
	type due struct {
		at time.Time
		later
	}
	var queue []due
	add := func(l later) { queue = append(queue, due{now.Add(l.after), l}) }
	for _, l := range f.later {
		add(l)
	}
	if f.lines != nil {
		add(later{lines: f.lines})
	}
	receive := func(s string) {
		n := len(s)
		if f.piece > 0 {
			n = f.piece
		}
		for i := 0; i < len(s); i += n {
			d.Receive(now, []byte(s[i:min(i+n, len(s))]))
		}
	}
	answer := func(s string) {
		if rest, ok := strings.CutPrefix(s, "@"); ok {
			delay, text, _ := strings.Cut(rest, " ")
			after, err := time.ParseDuration(delay)
			if err != nil {
				t.Fatal(err)
			}
			add(later{after: after, send: text})
			return
		}
		receive(s)
	}
	done, partial := false, ""
	drain := func() {
		for out, ok := d.Next(); ok; out, ok = d.Next() {
			switch out := out.(type) {
			case at.Write:
				partial += string(out.Bytes)
				line, isLine := strings.CutSuffix(partial, "\r")
				if !isLine {
					if f.raw != nil {
						o.sent = append(o.sent, partial)
						answer(f.raw(partial))
						partial = ""
					}
					continue
				}
				partial = ""
				o.sent = append(o.sent, line)
				if f.answers == nil {
					answer(f.raw(line + "\r"))
					continue
				}
				list, known := f.answers[line]
				switch {
				case !known:
					receive("\r\nERROR\r\n")
				case len(list) > 1:
					f.answers[line] = list[1:]
					fallthrough
				default:
					answer(list[0])
				}
			case at.SetDTR:
				o.sent = append(o.sent, fmt.Sprintf("DTR %v", out.On))
				if f.dtr != nil {
					for _, l := range f.dtr(out.On) {
						add(l)
					}
				}
			case at.SetBaud:
				o.sent = append(o.sent, fmt.Sprintf("baud %d", out.Rate))
				if f.baud != nil {
					f.baud(out.Rate)
				}
			case at.SetFlow:
				o.sent = append(o.sent, "flow "+out.Mode)
			case at.Break:
				if f.breaks != nil {
					f.breaks()
				}
			case at.Event:
				o.events = append(o.events, out.Event)
			case at.Done:
				done, o.err = true, out.Err
			}
		}
	}
	if f.lines != nil {
		d.Lines(now, *f.lines)
	}
	d.Advance(now)
	drain()
	for steps := 0; !done; steps++ {
		if steps > 100000 {
			t.Fatalf("the dialogue does not end; sent %q", o.sent)
		}
		next, which := d.Deadline(), -1
		for i, q := range queue {
			if next.IsZero() || q.at.Before(next) || q.at.Equal(next) && which < 0 {
				next, which = q.at, i
			}
		}
		if next.IsZero() {
			t.Fatal("the dialogue waits for nothing")
		}
		if next.After(now) {
			now = next
		}
		if which >= 0 {
			q := queue[which]
			queue = append(queue[:which], queue[which+1:]...)
			if q.lines != nil {
				d.Lines(now, *q.lines)
			}
			receive(q.send)
		}
		d.Advance(now)
		drain()
	}
	o.elapsed = now.Sub(begin)
	o.rest = string(d.Rest())
	return o
}

// shown is everything that a person or a log may get to see.
func (o outcome) shown() string {
	var b strings.Builder
	for _, ev := range o.events {
		fmt.Fprintf(&b, "%s %+v\n", ev.Kind(), ev)
	}
	if o.err != nil {
		fmt.Fprintf(&b, "error %v\n", o.err)
	}
	return b.String()
}

func (o outcome) registrations() string {
	var list []string
	for _, ev := range o.events {
		if r, ok := ev.(event.Registration); ok {
			list = append(list, r.State+" "+r.Signal)
		}
	}
	return strings.Join(list, ", ")
}

// good gives the answers of a modem that has nothing to complain of, changed by pairs of command and answer.
func good(changes ...string) map[string][]string {
	m := map[string][]string{
		"AT":           {"\r\nOK\r\n"},
		"ATE0":         {"ATE0\r\r\nOK\r\n"},
		"AT+CPIN?":     {"\r\n+CPIN: READY\r\n\r\nOK\r\n"},
		"AT+CEREG?":    {"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"},
		"AT+CGREG?":    {"\r\n+CGREG: 0,1\r\n\r\nOK\r\n"},
		"AT+CREG?":     {"\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
		"AT+CSQ":       {"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"},
		"AT+CFUN?":     {"\r\n+CFUN: 1\r\n\r\nOK\r\n"},
		"AT+COPS?":     {"\r\n+COPS: 0,0,\"X\",2\r\n\r\nOK\r\n"},
		"ATD*99***1#":  {"\r\nCONNECT 7200000\r\n"},
		"AT+CEER":      {"\r\n+CEER: No cause information available\r\n\r\nOK\r\n"},
		"AT+CGMI":      {"\r\nhuawei\r\n\r\nOK\r\n"},
		"AT+CGMM":      {"\r\nE398\r\n\r\nOK\r\n"},
		"AT+CGMR":      {"\r\n11.335.01.00.00\r\n\r\nOK\r\n"},
		"AT+CGDCONT?":  {"\r\n+CGDCONT: 1,\"IP\",\"internet\",\"\",0,0\r\n\r\nOK\r\n"},
		"AT+CREG=1":    {"\r\nOK\r\n"},
		"AT+CGREG=1":   {"\r\nOK\r\n"},
		"AT+CEREG=1":   {"\r\nOK\r\n"},
		"AT+CREG=0":    {"\r\nOK\r\n"},
		"AT+CGREG=0":   {"\r\nOK\r\n"},
		"AT+CEREG=0":   {"\r\nOK\r\n"},
		"AT+CGACT=0,1": {"\r\nOK\r\n"},
		"AT+CFUN=1":    {"\r\nOK\r\n"},
		"AT+COPS=0":    {"\r\nOK\r\n"},
	}
	for i := 0; i < len(changes); i += 2 {
		m[changes[i]] = strings.Split(changes[i+1], "||")
	}
	return m
}
