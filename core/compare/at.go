package compare

import (
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/mimic"
)

// The ids of differences between lists of AT commands.
const (
	atCommand = "at-command"
	atAnswer  = "at-answer"
)

// lineSettings are commands for the telephone line or the serial cable. Over USB and on a cellular network they change almost
// nothing.
var lineSettings = []string{"Z", "&F", "&C", "&D", "&K", "&S", "&R", "S", "X", "L", "M", "T", "P", "\\Q", "\\N", "%C", "+FCLASS", "+IFC", "+IPR", "+ICF", "+CRC", "+DS", "V", "Q", "E", "N"}

// weightOf gives the weight of a command that only one dialer sends.
func weightOf(part string) int {
	switch {
	case strings.HasPrefix(part, "+CFUN"), strings.HasPrefix(part, "+CGATT"), strings.HasPrefix(part, "+CGACT"), strings.HasPrefix(part, "+COPS="):
		return 70
	case slices.ContainsFunc(lineSettings, func(p string) bool { return strings.HasPrefix(part, p) }):
		return 8
	}
	return 58
}

// least is the weight below which a difference is left out, unless it is the only one of its kind.
const least = 10

// parts gives the commands that count, with the place of each.
func parts(c *call.Call) (list []string, pos map[string]event.Pos, result map[string]string) {
	pos, result = map[string]event.Pos{}, map[string]string{}
	for _, cmd := range c.Commands {
		for _, p := range v250.Split(cmd.Text) {
			if _, context := v250.ParseContext(p); context || mimic.Asks(p) || strings.HasPrefix(p, "+CGAUTH") {
				continue
			}
			if _, twice := pos[p]; !twice {
				list = append(list, p)
				pos[p] = cmd.Pos
			}
			result[p] = cmd.Result
		}
	}
	return list, pos, result
}

// commands compares the AT commands before the call: those that only one side sends, and those with different answers.
func commands(good, bad *call.Call) (list []Difference) {
	if len(good.Commands) == 0 || len(bad.Commands) == 0 {
		return nil
	}
	g, gPos, gResult := parts(good)
	b, bPos, bResult := parts(bad)
	for _, p := range g {
		if _, both := bPos[p]; !both {
			list = append(list, Difference{ID: atCommand, Role: Host, Protocol: "at", What: "command AT" + p, Weight: weightOf(p),
				Why: "a modem may need it, or not bear it", Good: seen("sent: "+answerOf(gResult[p]), gPos[p]), Bad: seen("not sent", event.Pos{}),
				good: "sends AT" + p, bad: "does not send AT" + p})
			continue
		}
		if gr, br := answerOf(gResult[p]), answerOf(bResult[p]); gr != br {
			list = append(list, Difference{ID: atAnswer, Role: Modem, Protocol: "at", What: "answer to AT" + p, Weight: 55,
				Why: "another modem or firmware, or another state of it", Good: seen(gr, gPos[p]), Bad: seen(br, bPos[p]),
				good: "gets " + gr + " to AT" + p, bad: "gets " + br})
		}
	}
	for _, p := range b {
		if _, both := gPos[p]; !both {
			list = append(list, Difference{ID: atCommand, Role: Host, Protocol: "at", What: "command AT" + p, Weight: weightOf(p) * 3 / 4,
				Why: "a modem may need it, or not bear it", Good: seen("not sent", event.Pos{}), Bad: seen("sent: "+answerOf(bResult[p]), bPos[p]),
				good: "does not send AT" + p, bad: "sends AT" + p})
		}
	}
	return slices.DeleteFunc(list, func(d Difference) bool { return d.Weight < least })
}

func answerOf(result string) string {
	if result == "" {
		return "no answer"
	}
	return result
}
