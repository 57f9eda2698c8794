package mimic

import (
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/quirks"
)

// ownWay are commands that ask, report or tidy up. They are not copied, because knak has its own, and they do not decide whether
// a modem connects. Each entry stands for all commands that begin with it.
var ownWay = []string{"I", "E0", "E1", "V1", "Q0", "H", "+CGMI", "+CGMM", "+CGMR", "+GMI", "+GMM", "+GMR", "+CGSN", "+GSN", "+CIMI", "+CSQ", "+CEER",
	"+CMEE=", "+CREG=", "+CGREG=", "+CEREG=", "+CPIN=", "+CCID", "+ICCID", "^ICCID", "+CNUM", "+GCAP", "+CSCS=", "+CPMS="}

// Asks says whether a command, as v250.Split gives it, makes no difference to a call: questions about the modem and its network,
// its echo and its reports.
func Asks(part string) bool {
	if part == "" || part == "E" || strings.HasSuffix(part, "?") {
		return true
	}
	return slices.ContainsFunc(ownWay, func(p string) bool { return strings.HasPrefix(part, p) })
}

// The places of commands in the dialogue, by the key whose list they go into.
const (
	atInit         = "at.init"
	atAfterPIN     = "at.after_pin"
	atAfterContext = "at.after_context"
	atBeforeDial   = "at.before_dial"
)

// commands reads what the host sent before it dialled, except what knak sends by itself.
func (h *host) commands() {
	lists := map[string][]string{}
	first := map[string]call.Command{}
	var optional []string
	var refusedAt call.Command
	stage := atInit
	radio, attach := false, false // the host asked before it gave the command, as knak does
	for _, cmd := range h.call.Commands {
		var own []string
		for _, part := range v250.Split(cmd.Text) {
			_, context := v250.ParseContext(part)
			switch {
			case strings.HasPrefix(part, "+CPIN"):
				stage = later(stage, atAfterPIN)
			case strings.HasPrefix(part, "+CFUN?"):
				radio = true
			case strings.HasPrefix(part, "+CGATT?"):
				attach = true
			case context:
				stage = later(stage, atAfterContext)
			case part == "+CFUN=1" && radio:
			case part == "+CGATT=1" && attach:
				h.set("registration.attach", "request", "The dialer asks for the attachment to packet service before it dials.", shownAT(cmd), cmd.Pos)
			case Asks(part):
				if strings.HasPrefix(part, "+CEREG?") || strings.HasPrefix(part, "+CGREG?") || strings.HasPrefix(part, "+CREG?") || strings.HasPrefix(part, "+CSQ") {
					if stage == atAfterContext {
						stage = atBeforeDial
					}
				}
			case h.credentials(part, cmd):
			default:
				own = append(own, part)
			}
		}
		if len(own) == 0 {
			continue
		}
		for _, line := range lines(cmd.Text, own) {
			if strings.Contains(strings.ToLower(line), hidden) {
				h.cannot(cmd.Pos, "it sends %s, which contains a number or a secret and is not copied", line)
				continue
			}
			if err := check(line); err != nil {
				h.cannot(cmd.Pos, "it sends %s: %v", line, err)
				continue
			}
			if len(lists[stage]) == 0 {
				first[stage] = cmd
			}
			lists[stage] = append(lists[stage], line)
			if strings.Contains(cmd.Result, "ERROR") && line != "ATZ" && !strings.HasPrefix(line, "AT&F") && !slices.Contains(optional, line) {
				optional, refusedAt = append(optional, line), cmd
			}
		}
	}
	for _, key := range []string{atInit, atAfterPIN, atAfterContext, atBeforeDial} {
		if len(lists[key]) > 0 {
			h.set(key, array(lists[key]), "The dialer sends these commands at this point, one after the other.", shownAT(first[key]), first[key].Pos)
		}
	}
	if len(optional) > 0 {
		h.set("at.optional", array(optional), "The modem answers these with an error, and the dialer goes on.", shownAT(refusedAt), refusedAt.Pos)
	}
}

func later(a, b string) string {
	order := []string{atInit, atAfterPIN, atAfterContext, atBeforeDial}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// lines gives the command line as it was sent, if all of it is the dialer's own and it has no semicolon. Otherwise it gives one
// line for each command, because an element in a profile holds one command.
func lines(text string, own []string) []string {
	if len(v250.Split(text)) == len(own) && !strings.Contains(text, ";") {
		return []string{"AT" + strings.Join(own, "")}
	}
	list := make([]string, len(own))
	for i, part := range own {
		list[i] = "AT" + part
	}
	return list
}

// hidden is the beginning of the text that replaces a secret in an AT line (private.Hidden).
const hidden = "<hidden"

func check(command string) error {
	_, _, err := quirks.Parse("at.init", array([]string{command}))
	return err
}

// credentials notes a command that gives the context its user name and password.
func (h *host) credentials(part string, cmd call.Command) bool {
	k, _ := quirks.Lookup("context.auth_command")
	for _, word := range k.Allowed {
		if word != "none" && !strings.Contains(word, " ") && strings.HasPrefix(part, word+"=") {
			h.set(k.Name, word, "The dialer gives the context a user name and a password with this command.", "AT"+word+"=...", cmd.Pos)
			h.cannot(cmd.Pos, "the name and the password in AT%s are not copied: give them with --user and --password-file", word)
			return true
		}
	}
	return false
}

// dial reads the number, and the command before it.
func (h *host) dial() {
	d := h.call.Dial
	if d == nil {
		return
	}
	number := h.call.Dialled()
	line := "AT" + strings.Join(v250.Split(d.Text), "")
	command, found := strings.CutSuffix(line, number)
	if !found || number == "" {
		h.cannot(d.Pos, "it dials with %s, which knak cannot split into a command and a number", d.Text)
		return
	}
	h.set("dial.command", command, "The dialer dials with this command.", shownAT(*d), d.Pos)
	switch {
	case telephone(number):
		h.cannot(d.Pos, "it dials a telephone number, which is not copied: give it with --number")
		return
	case number == "*99***"+h.cid()+"#":
	default:
		h.set("dial.number", number, "The dialer dials this number.", shownAT(*d), d.Pos)
	}
}

func (h *host) cid() string {
	if n, ok := h.call.Number99(); ok {
		return n
	}
	if k, _, ok := h.call.Context(); ok {
		return k.CID
	}
	return "1"
}

// telephone says whether a number may be a person's: it has seven digits or more, or hidden digits.
func telephone(n string) bool {
	digits := 0
	for _, r := range n {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 7 || strings.Contains(strings.ToLower(n), hidden)
}

// context reads the PDP context.
func (h *host) context() {
	c := h.call
	ctx, cmd, ok := c.Context()
	if n := h.cid(); c.Dial != nil || ok {
		where := cmd
		if _, named := c.Number99(); named {
			where = *c.Dial
		}
		if _, err := strconv.Atoi(n); err == nil {
			h.set("context.cid", n, "The dialer uses this context.", shownAT(where), where.Pos)
		}
	}
	if !ok {
		asked := slices.ContainsFunc(c.Commands, func(k call.Command) bool { return slices.Contains(v250.Split(k.Text), "+CIMI") })
		if c.Dial != nil && !asked && len(c.Commands) > 0 {
			h.set("context.apn_lookup", "never", "The dialer defines no context: it uses the APN that is stored in the modem.", shownAT(*c.Dial), c.Dial.Pos)
		}
		return
	}
	if strings.Contains(strings.ToUpper(cmd.Text), "+ZGDCONT") {
		h.set("context.define", "+ZGDCONT", "The dialer defines the context with this command.", shownAT(cmd), cmd.Pos)
	}
	h.set("context.type", ctx.Type, "The dialer defines a context of this type.", shownAT(cmd), cmd.Pos)
	switch {
	case strings.Contains(ctx.APN, hidden) || isPrivate(ctx.APN):
		h.cannot(cmd.Pos, "its APN holds what looks like an identity; it is not copied: give it with --apn")
	case ctx.APN != "":
		h.set("context.apn", ctx.APN, "The dialer uses this APN.", shownAT(cmd), cmd.Pos)
	}
}

// shownAT gives a command line without telephone numbers, so that it can be shown.
func shownAT(c call.Command) string {
	if v250.Dials(c.Text) && telephone(c.Text) {
		return "the dial command"
	}
	return c.Text
}

// array writes a list of texts as --set takes it.
func array(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(q, ", ") + "]"
}
