package wire

import (
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// hidden stands for the command of the sensitive step of that number, from 1, which the plugin may move but not see.
func hidden(i int) string { return "<hidden " + strconv.Itoa(i+1) + ">" }

// redacted gives the question for a plugin that may not see secrets, or nil. It is what q.Redacted gives, but options are
// overwritten as well as packets, and Steps stays whole: stepsRequest hides, and the answer refers to what was hidden.
func redacted(q advice.Question) advice.Question {
	if _, ok := q.(advice.Steps); ok {
		return q
	}
	q = q.Redacted()
	if d, ok := q.(advice.Decide); ok {
		d.Options = redactedOptions(d.Protocol, d.Options)
		d.Intent.Options = redactedOptions(d.Protocol, d.Intent.Options)
		d.Intent.Packet = private.Packet(d.Protocol, d.Intent.Packet)
		return d
	}
	return q
}

// hiddenStep gives the index of the step that a plugin knows by that word, or -1.
func hiddenStep(steps []advice.Step, word string) int {
	for i, s := range steps {
		if s.Sensitive && hidden(i) == word {
			return i
		}
	}
	return -1
}

func redactedOptions(protocol uint16, options []packet.Option) []packet.Option {
	if len(options) == 0 {
		return options
	}
	info := packet.Packet{Code: packet.ConfigureRequest, Data: packet.AppendOptions(nil, options)}.AppendTo(nil)
	p, err := packet.Parse(private.Packet(protocol, info))
	if err != nil {
		return nil
	}
	list, _ := packet.ParseOptions(nil, p.Data)
	return list
}

func stepsRequest(q advice.Steps, hide bool) *v1.StepsRequest {
	r := &v1.StepsRequest{
		Link: linkOf(q.Link, uint64(max(q.Attempt, 0))), Device: deviceOf(q.Device), Dial: text(q.Dial), Connect: text(q.Connect),
		Commands: q.Commands,
	}
	switch q.When {
	case advice.Before:
		r.When = v1.When_WHEN_BEFORE
	case advice.After:
		r.When = v1.When_WHEN_AFTER
	}
	for i, s := range q.Steps {
		command := s.Command
		if hide && s.Sensitive {
			command = hidden(i)
		}
		expect := make([]string, len(s.Expect))
		for j := range s.Expect {
			expect[j] = text(s.Expect[j])
		}
		r.Steps = append(r.Steps, &v1.Step{Command: text(command), Expect: expect, TimeoutMs: milliseconds(s.Timeout), Sensitive: s.Sensitive})
	}
	return r
}

// Plan reads an answer to Steps about q, which holds the commands that were hidden.
func Plan(r *v1.StepsResponse, q advice.Steps, k Known) (advice.Answer, error) {
	a := advice.Plan{By: k.By, Reason: clip(r.GetReason()), Replace: r.GetReplace(), Abort: clip(r.GetAbort())}
	if len(r.GetSteps()) > maxList {
		return nil, bad("Steps", "%d steps", len(r.GetSteps()))
	}
	for _, m := range r.GetSteps() {
		s := advice.Step{Command: m.GetCommand(), Timeout: duration(m.GetTimeoutMs(), maxTimeout), Sensitive: m.GetSensitive()}
		if strings.HasPrefix(s.Command, "<hidden") {
			i := hiddenStep(q.Steps, s.Command)
			if i < 0 {
				return nil, bad("Steps", "there is no step %q", clip(s.Command))
			}
			s.Command, s.Sensitive = q.Steps[i].Command, true
		}
		if !printable(s.Command) || len(s.Command) > maxCommand {
			return nil, bad("Steps", "%q is no AT command: printable ASCII without a line end", clip(s.Command))
		}
		if len(m.GetExpect()) > maxList {
			return nil, bad("Steps", "%d results to expect", len(m.GetExpect()))
		}
		for _, e := range m.GetExpect() {
			if !printable(e) || len(e) > maxCommand {
				return nil, bad("Steps", "%q is no result to expect: printable ASCII without a line end", clip(e))
			}
			s.Expect = append(s.Expect, e)
		}
		a.Steps = append(a.Steps, s)
	}
	return a, nil
}

// printable says whether s is one or more printable characters of ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
