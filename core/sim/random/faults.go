package random

import (
	"fmt"
	"strings"
	"sync"
)

// Fault is one misbehaviour, as a part of a scenario.
type Fault struct {
	Kind  string // a word that similar faults share; a modem has at most one fault of a kind
	What  string // a description in one line
	Text  string // the tables of the scenario; two faults that have a table of the same name cannot be combined
	Set   string // the setting that a person gives for such a modem, in the form of --set; "": none
	Stage string // the phase that cannot be passed, if no setting helps; "": there is a cure
}

// rule writes a rule of LCP or IPCP.
func rule(protocol string, lines ...string) string {
	return fmt.Sprintf("[[%s.rule]]\n%s\n", protocol, strings.Join(lines, "\n"))
}

// reply writes another answer to a command.
func reply(command string, lines ...string) string {
	return fmt.Sprintf("[[at.reply]]\ncommand = %q\n%s\n", command, strings.Join(lines, "\n"))
}

// unknownName is a modem that wants another name than this, and says so late.
func unknownName(method, name, do string) string {
	return fmt.Sprintf("[auth]\ndemand = %q\n", method) + rule("ipcp", fmt.Sprintf("user_not = %q", name), do)
}

// otherMethod is a modem with which the method that it demands does not count.
func otherMethod(demand, counts, do string) string {
	return fmt.Sprintf("[auth]\ndemand = %q\nalso = [%q]\n", demand, counts) + rule("ipcp", fmt.Sprintf("method_not = [%q]", counts), do)
}

// unregistered says of each registration that it is in this state.
func unregistered(state int) string {
	text := ""
	for _, c := range []string{"CEREG", "CGREG", "CREG", "C5GREG"} {
		text += reply("AT+"+c+"?", fmt.Sprintf("lines = [\"+%s: 0,%d\"]", c, state))
	}
	return text
}

// numbers is a modem that knows one number.
func numbers(result, number string) string {
	return fmt.Sprintf("[dial]\nresult = %q\nnumber = [%q]\n", result, number)
}

const (
	drop    = `do = "drop"`
	hangUp  = `do = "hangup"`
	silence = `do = "silence"`
	end     = `do = "terminate-lcp"`
	nak     = "do = \"nak\"\ndelay = \"1s\""
	storedA = "[[at.reply]]\ncommand = \"AT+CGDCONT?\"\nlines = ['+CGDCONT: 1,\"IP\",\"internet\",\"\",0,0']\n"
)

// Faults are the faults from which Make chooses. Do not change them. The first of each kind is the plainest.
func Faults() []Fault { return faults() }

var faults = sync.OnceValue(func() []Fault {
	return []Fault{
		{Kind: "an LCP option", What: "a request with PFC is never answered", Text: rule("lcp", `asks = ["pfc"]`, drop)},
		{Kind: "an LCP option", What: "a request with ACFC is never answered", Text: rule("lcp", `asks = ["acfc"]`, drop)},
		{Kind: "an LCP option", What: "a request with a magic number is never answered", Text: rule("lcp", `asks = ["magic"]`, drop)},
		{Kind: "an LCP option", What: "a request with an ACCM is never answered", Text: rule("lcp", `asks = ["accm"]`, drop)},
		{Kind: "an LCP option", What: "a request with an ACCM ends the call", Text: rule("lcp", `asks = ["accm"]`, hangUp)},
		{Kind: "an LCP option", What: "a request with PFC ends the call", Text: rule("lcp", `asks = ["pfc"]`, hangUp)},
		{Kind: "an LCP option", What: "after a request with a magic number it says nothing more in this call", Text: rule("lcp", `asks = ["magic"]`, silence)},
		{Kind: "an LCP option", What: "a request with a magic number or an MRU is never answered", Text: rule("lcp", `asks = ["magic"]`, drop) + rule("lcp", `asks = ["mru"]`, drop)},
		{Kind: "an LCP option", What: "a request with any option is never answered",
			Text: rule("lcp", `asks = ["accm"]`, drop) + rule("lcp", `asks = ["magic"]`, drop) + rule("lcp", `asks = ["pfc"]`, drop) + rule("lcp", `asks = ["acfc"]`, drop) + rule("lcp", `asks = ["mru"]`, drop)},
		{Kind: "an LCP option", What: "an ACCM of 0 is never answered", Text: rule("lcp", `value = { accm = "0x00000000" }`, drop)},
		{Kind: "an LCP option", What: "a request without an MRU is never answered", Text: rule("lcp", `lacks = ["mru"]`, drop)},
		{Kind: "an LCP option", What: "a request without an MRU ends the call", Text: rule("lcp", `lacks = ["mru"]`, hangUp)},
		{Kind: "an LCP option", What: "a request without an MRU, or with PFC, is never answered", Text: rule("lcp", `lacks = ["mru"]`, drop) + rule("lcp", `asks = ["pfc"]`, drop)},

		{Kind: "the number", What: "only *99# can be dialled, others are answered NO CARRIER", Text: numbers("no-carrier", "*99#")},
		{Kind: "the number", What: "only *99# can be dialled, others are answered ERROR", Text: numbers("error", "*99#")},
		{Kind: "the number", What: "only *99# can be dialled, others are answered BUSY", Text: numbers("busy", "*99#")},
		{Kind: "the number", What: "only *98*1# can be dialled", Text: numbers("no-carrier", "*98*1#")},
		{Kind: "the number", What: "only *99**1*1# can be dialled", Text: numbers("error", "*99**1*1#")},
		{Kind: "the number", What: "only #777 can be dialled", Text: numbers("no-carrier", "#777")},
		{Kind: "the context", What: "only context 2 can be dialled", Text: numbers("no-carrier", "*99***2#")},
		{Kind: "the context", What: "only context 3 can be dialled", Text: numbers("error", "*99***3#")},
		{Kind: "the context", What: "only context 5 can be dialled", Text: numbers("no-carrier", "*99***5#")},

		{Kind: "name servers", What: "being asked for name servers it is silent", Text: rule("ipcp", `asks = ["dns1"]`, drop)},
		{Kind: "name servers", What: "being asked for name servers it hangs up", Text: rule("ipcp", `asks = ["dns1"]`, hangUp)},
		{Kind: "name servers", What: "being asked for a second name server it is silent", Text: rule("ipcp", `asks = ["dns2"]`, drop)},
		{Kind: "name servers", What: "being asked for name servers it says nothing more in this call", Text: rule("ipcp", `asks = ["dns1"]`, silence)},
		{Kind: "name servers", What: "being asked for name servers it ends LCP", Text: rule("ipcp", `asks = ["dns1"]`, end)},
		{Kind: "NBNS", What: "it rejects name servers, and hangs up when it is asked for NBNS addresses", Text: rule("ipcp", `asks = ["dns1"]`, "do = \"reject\"", "options = [\"dns1\", \"dns2?\"]") + rule("ipcp", `asks = ["nbns1"]`, hangUp)},
		{Kind: "NBNS", What: "it answers nobody who asks for no NBNS address", Text: "[ipcp]\nnbns = [\"192.0.2.70\"]\n" + rule("ipcp", `lacks = ["nbns1"]`, drop)},
		{Kind: "NBNS", What: "it sends empty Naks to those who ask for no NBNS address", Text: "[ipcp]\nnbns = [\"192.0.2.70\"]\n" + rule("ipcp", `lacks = ["nbns1"]`, nak)},
		{Kind: "NBNS", What: "it hangs up on those who ask for no NBNS address", Text: "[ipcp]\nnbns = [\"192.0.2.70\"]\n" + rule("ipcp", `lacks = ["nbns1"]`, hangUp)},
		{Kind: "NBNS", What: "it sends empty Naks at first, and hangs up when it is asked for NBNS addresses",
			Text: rule("ipcp", `asks = ["nbns1"]`, hangUp) + rule("ipcp", `before = "5s"`, nak)},

		{Kind: "the method", What: "CHAP does not count, and it hangs up", Text: otherMethod("chap-md5", "pap", hangUp)},
		{Kind: "the method", What: "CHAP does not count, and it sends empty Naks", Text: otherMethod("chap-md5", "pap", nak)},
		{Kind: "the method", What: "CHAP does not count, and it is silent", Text: otherMethod("chap-md5", "pap", drop)},
		{Kind: "the method", What: "CHAP does not count, and it ends LCP", Text: otherMethod("chap-md5", "pap", end)},
		{Kind: "the method", What: "PAP does not count, and it hangs up", Text: otherMethod("pap", "chap-md5", hangUp)},
		{Kind: "the method", What: "PAP does not count, and it sends empty Naks", Text: otherMethod("pap", "chap-md5", nak)},
		{Kind: "the method", What: "MS-CHAP does not count, and it hangs up", Text: otherMethod("mschap-v2", "pap", hangUp)},

		{Kind: "the name", What: "it wants an empty user name, and hangs up", Text: unknownName("pap", "", hangUp)},
		{Kind: "the name", What: "it wants an empty user name, and sends empty Naks", Text: unknownName("chap-md5", "", nak)},
		{Kind: "the name", What: "it wants an empty user name, and is silent", Text: unknownName("chap-md5", "", drop)},
		{Kind: "the name", What: "it wants an empty user name, and ends LCP", Text: unknownName("pap", "", end)},
		{Kind: "the name", What: "it wants an empty user name, and refuses others", Text: "[auth]\ndemand = \"pap\"\naccept = \"right\"\nuser = \"\"\npassword = \"\"\n"},
		{Kind: "the name", What: "it wants the APN as user name, and hangs up", Text: unknownName("pap", "internet", hangUp), Set: "context.apn=internet"},
		{Kind: "the name", What: "it wants the APN that it knows as user name, and sends empty Naks", Text: unknownName("chap-md5", "internet", nak) + storedA},

		{Kind: "registration", What: "it says that its registration is denied", Text: unregistered(3)},
		{Kind: "registration", What: "it says that it does not look for a network", Text: unregistered(0)},
		{Kind: "registration", What: "it says that it looks for a network", Text: unregistered(2)},

		{Kind: "a command hangs", What: "AT+CSQ holds it up for 50 s", Text: reply("AT+CSQ", `delay = "50s"`)},
		{Kind: "a command hangs", What: "AT+CSQ makes it deaf for 50 s", Text: reply("AT+CSQ", `silent = true`, `deaf = "50s"`)},
		{Kind: "a command hangs", What: "AT+CGDCONT? makes it deaf for 40 s", Text: reply("AT+CGDCONT?", `silent = true`, `deaf = "40s"`)},
		{Kind: "a command hangs", What: "AT+CIMI holds it up for 45 s", Text: reply("AT+CIMI", `delay = "45s"`)},
		{Kind: "a command hangs", What: "AT+CEREG? makes it deaf for 50 s", Text: reply("AT+CEREG?", `silent = true`, `deaf = "50s"`)},
		{Kind: "a command hangs", What: "AT+CGMR makes it deaf for 50 s", Text: reply("AT+CGMR", `silent = true`, `deaf = "50s"`)},
		{Kind: "a command hangs", What: "AT+CPIN? holds it up for 50 s", Text: reply("AT+CPIN?", `delay = "50s"`, `lines = ["+CPIN: READY"]`)},
		{Kind: "a command is refused", What: "it refuses AT+CPIN?", Text: reply("AT+CPIN?", `result = "ERROR"`)},
		{Kind: "a command is refused", What: "it refuses ATE0", Text: reply("ATE0", `result = "ERROR"`)},
		{Kind: "a command is refused", What: "it refuses AT+CGDCONT", Text: reply("AT+CGDCONT*", `result = "ERROR"`), Set: "context.apn=internet"},
		{Kind: "a command is refused", What: "it refuses to be asked for its registration", Text: reply("AT+CEREG*", `result = "ERROR"`) + reply("AT+CREG*", `result = "ERROR"`) + reply("AT+CGREG*", `result = "ERROR"`)},
		{Kind: "a command is refused", What: "it refuses AT+CGMI, AT+CGMM and AT+CSQ", Text: reply("AT+CGM*", `result = "ERROR"`) + reply("AT+CSQ", `result = "ERROR"`)},

		{Kind: "typing", What: "characters that come fast are lost", Text: "[at]\npace = \"10ms\"\n"},
		{Kind: "typing", What: "characters that come sooner than 25 ms are lost", Text: "[at]\npace = \"25ms\"\n"},
		{Kind: "attachment", What: "it must be told to attach", Text: "[registration]\nattach = \"asked\"\n"},
		{Kind: "a slow start", What: "it takes 14 s to start", Text: "[at]\nboot = \"14s\"\n"},
		{Kind: "a slow start", What: "it takes 28 s to start", Text: "[at]\nboot = \"28s\"\n"},

		{Kind: "haste", What: "LCP requests that come within 1 s end the call", Text: rule("lcp", `sooner = "1s"`, hangUp)},
		{Kind: "haste", What: "IPCP requests that come within 1 s end the call", Text: rule("ipcp", `sooner = "1s"`, hangUp)},
		{Kind: "haste", What: "IPCP requests that come within 1 s end LCP", Text: rule("ipcp", `sooner = "1s"`, end)},
		{Kind: "haste", What: "while it waits for its network it hangs up on IPCP requests that come within 2 s",
			Text: rule("ipcp", `sooner = "2s"`, hangUp) + rule("ipcp", `before = "8s"`, `do = "nak"`)},
		{Kind: "haste", What: "LCP packets that come within 4 s end the call", Text: rule("lcp", `sooner = "4s"`, hangUp) + rule("lcp", `nth = 1`, drop)},

		{Kind: "control characters", What: "control characters are lost", Text: "[line]\ncontrol = \"lost\"\n"},
		{Kind: "control characters", What: "control characters are lost, and it demands CHAP", Text: "[line]\ncontrol = \"lost\"\n[auth]\ndemand = \"chap-md5\"\n"},

		{Kind: "echo", What: "an Echo-Request ends the call", Text: rule("lcp", `on = "echo-request"`, hangUp)},
		{Kind: "echo", What: "after an Echo-Request it says nothing more in this call", Text: rule("lcp", `on = "echo-request"`, silence)},
		{Kind: "echo", What: "an Echo-Request ends LCP", Text: rule("lcp", `on = "echo-request"`, end)},

		{Kind: "between calls", What: "its first two calls fail", Text: "[dial]\nresult = \"no-carrier\"\ntimes = 2\n"},
		{Kind: "between calls", What: "a call within 8 s of the last fails, as does the first", Text: "[dial]\nresult = \"no-carrier\"\nrest = \"8s\"\n[[lcp.rule]]\ncall = 1\ndo = \"hangup\"\n"},
		{Kind: "between calls", What: "a call within 20 s of the last fails, as does the first", Text: "[dial]\nresult = \"no-carrier\"\nrest = \"20s\"\n[[lcp.rule]]\ncall = 1\ndo = \"hangup\"\n"},
		{Kind: "chance", What: "every second call fails, by chance", Text: "[dial]\nresult = \"no-carrier\"\nchance = 0.5\n"},
	}
})

var incurable = sync.OnceValue(func() []Fault {
	return []Fault{
		{Kind: "no cure", What: "it refuses every login", Text: "[auth]\ndemand = \"pap\"\naccept = \"none\"\n", Stage: "auth"},
		{Kind: "no cure", What: "it answers nothing", Text: "[at]\nsilent = true\n", Stage: "dial"},
		{Kind: "no cure", What: "every call ends with NO CARRIER", Text: "[dial]\nresult = \"no-carrier\"\n", Stage: "dial"},
		{Kind: "no cure", What: "no LCP request is ever answered", Text: "[lcp]\nown_request = \"none\"\n" + rule("lcp", drop), Stage: "lcp"},
		{Kind: "no cure", What: "no IPCP request is ever answered", Text: "[ipcp]\nown_request = \"none\"\n" + rule("ipcp", drop), Stage: "ipcp"},
		{Kind: "no cure", What: "it hangs up at every IPCP request", Text: rule("ipcp", hangUp), Stage: "ipcp"},
		{Kind: "no cure", What: "it carries no packet", Text: "[network]\nblackhole = true\n", Stage: "prove"},
		{Kind: "no cure", What: "there is no SIM", Text: "[sim]\nstate = \"none\"\n", Stage: "dial"},
	}
})
