// Package random makes odd modems out of a table of misbehaviours, for what must get along with modems that nobody knows.
package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/sim"
)

// fault is one misbehaviour: a part of a scenario.
type fault struct {
	what string
	text string // tables of one name do not go together
}

var faults = []fault{
	{"a request with PFC is never answered", "[[lcp.rule]]\nasks = [\"pfc\"]\ndo = \"drop\"\n"},
	{"a request with a magic number is never answered", "[[lcp.rule]]\nasks = [\"magic\"]\ndo = \"drop\"\n"},
	{"a request with an ACCM ends the call", "[[lcp.rule]]\nasks = [\"accm\"]\ndo = \"hangup\"\n"},
	{"a request without an MRU is never answered", "[[lcp.rule]]\nlacks = [\"mru\"]\ndo = \"drop\"\n"},
	{"LCP requests that come too fast end the call", "[[lcp.rule]]\nbefore = \"1s\"\nnth = 2\ndo = \"hangup\"\n"},
	{"*99***1# is refused", "[[at.reply]]\ncommand = \"ATD*99***1#\"\nresult = \"NO CARRIER\"\n"},
	{"only context 2 can be dialled", "[[at.reply]]\ncommand = \"ATD*99***1#\"\nresult = \"NO CARRIER\"\n[[at.reply]]\ncommand = \"ATD*99#\"\nresult = \"NO CARRIER\"\n"},
	{"being asked for name servers it is silent", "[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"drop\"\n"},
	{"being asked for name servers it hangs up", "[[ipcp.rule]]\nasks = [\"dns1\"]\ndo = \"hangup\"\n"},
	{"it answers nobody who asks for no NBNS address", "[ipcp]\nnbns = [\"192.0.2.70\"]\n[[ipcp.rule]]\nlacks = [\"nbns1\"]\ndo = \"drop\"\n"},
	{"it wants an empty user name, and hangs up", "[auth]\ndemand = \"pap\"\n[[ipcp.rule]]\nuser_not = \"\"\ndo = \"hangup\"\n"},
	{"it wants an empty user name, and sends empty Naks", "[auth]\ndemand = \"chap-md5\"\n[[ipcp.rule]]\nuser_not = \"\"\ndo = \"nak\"\ndelay = \"1s\"\n"},
	{"it says that its registration is denied", "[[at.reply]]\ncommand = \"AT+CEREG?\"\nlines = [\"+CEREG: 0,3\"]\n[[at.reply]]\ncommand = \"AT+CGREG?\"\nlines = [\"+CGREG: 0,3\"]\n[[at.reply]]\ncommand = \"AT+CREG?\"\nlines = [\"+CREG: 0,3\"]\n"},
	{"AT+CSQ holds it up for 50 s", "[[at.reply]]\ncommand = \"AT+CSQ\"\ndelay = \"50s\"\n"},
	{"characters that come fast are lost", "[at]\npace = \"10ms\"\n"},
	{"it takes 14 s to start", "[at]\nboot = \"14s\"\n"},
	{"it must be told to attach", "[registration]\nattach = \"asked\"\n"},
	{"control characters are lost", "[line]\ncontrol = \"lost\"\n"},
	{"its first two calls fail", "[dial]\nresult = \"no-carrier\"\ntimes = 2\n"},
}

// Most is how many faults a modem can have at the most.
const Most = 5

// Modem makes a modem with so many faults, 1 to Most; the same seed makes the same one. text is its scenario, which says the truth.
func Modem(seed uint64, number int) (s sim.Scenario, text string, err error) {
	if number < 1 || number > Most {
		return s, "", fmt.Errorf("a modem can have 1 to %d faults, not %d", Most, number)
	}
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	var has []fault
	for _, i := range r.Perm(len(faults)) {
		if f := faults[i]; len(has) < number && !slices.ContainsFunc(has, func(o fault) bool { return clash(o.text, f.text) }) {
			has = append(has, f)
		}
	}
	var what []string
	body := ""
	for _, f := range has {
		what, body = append(what, f.what), body+"\n# "+f.what+"\n"+f.text
	}
	text = fmt.Sprintf("schema = 1\nsummary = %q\n\n[identity]\nmanufacturer = \"random\"\nmodel = \"R%d-%d\"\nrevision = \"1\"\n%s", "Random modem: "+strings.Join(what, "; "), seed, number, body)
	s, err = sim.Parse("random", []byte(text))
	s.Name = fmt.Sprintf("random-%d-%d", seed, number)
	return s, text, err
}

// clash says whether two parts have a table of one name.
func clash(a, b string) bool {
	for line := range strings.Lines(a) {
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[") && strings.Contains(b, line) {
			return true
		}
	}
	return false
}
