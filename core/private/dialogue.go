package private

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
)

// Dialogue hides secrets and identities in one AT dialogue (ITU-T V.250, 3GPP TS 27.007, 27.005), line by line. The meaning of a
// line without a name depends on the command that it answers, or the reply that it follows. Only text that the tables allow is
// shown. A Dialogue may be given lines that are hidden already. Make one with NewDialogue.
type Dialogue struct {
	known *Known

	last   string // the last command as it came
	open   bool   // no final result has come since
	inform bool   // what answers it without a name may be shown
	dials  bool
	none   bool   // it was hidden as a whole, and so is its answer
	number string // the kind of identity that it asks for, "" for none

	body    body
	from    string // the reply whose text allLines are
	message string // the same, where the last line was of it
	prompt  prompt
}

// body says what the next line without a name means.
type body uint8

const (
	noBody   body = iota
	oneLine       // the content of a reply that is hidden
	allLines      // all lines of a message, up to the next final result
)

// prompt says what the modem, or the called end, is waiting for.
type prompt uint8

const (
	noPrompt prompt = iota
	forText         // the text of a message (3GPP TS 27.005 section 3.5.1)
	forSecret
)

// NewDialogue makes a Dialogue that also hides everything in known, and adds to it the secrets and identities that pass.
func NewDialogue(known *Known) *Dialogue { return &Dialogue{known: known} }

// Message gives the name of the reply whose message text the last received line was, for example "+CMT", or "".
func (d *Dialogue) Message() string { return d.message }

// Asked says that the next line from the host answers a prompt for a secret.
func (d *Dialogue) Asked() { d.prompt = forSecret }

// Sent gives a line from the host with secrets hidden, without its line end.
func (d *Dialogue) Sent(line string) string {
	asked := d.prompt
	if d.body = noBody; asked == forSecret { // a message's text may have several lines
		d.prompt = noPrompt
	}
	switch {
	case strings.TrimSpace(line) == "", isHidden(line) && asked != noPrompt:
		return line
	case asked == forSecret:
		d.known.Add(strings.TrimSpace(line))
		d.begin("")
		return Hidden
	case asked == forText:
		return Hidden
	}
	rest, ok := attention(line)
	if !ok {
		if line == Hidden {
			d.begin(line)
			d.none = true
			return line
		}
		return d.known.Text(loose(line))
	}
	d.begin(line)
	parts := v250.Parts(rest)
	d.inform = true
	for i, p := range parts {
		d.inform = d.command(p) && d.inform
		parts[i] = d.part(p, true)
	}
	return d.known.Text(line[:len(line)-len(rest)] + strings.Join(parts, ";"))
}

func (d *Dialogue) begin(line string) {
	d.last, d.open = strings.TrimSpace(line), line != ""
	d.inform, d.dials, d.none, d.number = false, false, false, ""
}

// command notes what a command asks for, and says whether an answer to it without a name may be shown.
func (d *Dialogue) command(part string) bool {
	d.dials = d.dials || v250.Leaves(part)
	name := v250.Name(part)
	if name == "" || strings.HasSuffix(strings.TrimSpace(part), "=?") {
		return true // nothing, or V.250 section 6: identification, settings
	}
	if bare := strings.TrimLeft(name, v250.Marks); givesIdentity(bare) {
		d.number = bare
	}
	return informs(name) && !strings.Contains(part, "=")
}

// givesIdentity says whether a command or reply gives a number of the subscription or the equipment.
func givesIdentity(name string) bool {
	switch name {
	case "CIMI", "CGSN", "GSN", "CCID", "ICCID", "QCCID", "CNUM", "QCIMI", "SQNSN", "MEID", "ESN", "EGMR", "CICCID", "ZICCID", "EUICC",
		"CEID", "UCCID", "IMEI", "SN":
		return true
	}
	return false
}

// attention takes the AT off a command line, with an escape sequence that may stand before it.
func attention(line string) (rest string, ok bool) {
	text := strings.TrimLeft(line, "+ \t")
	if len(text) < 2 || !equalFold(text[:2], "at") {
		return "", false
	}
	return text[2:], true
}

// part gives one command of a line as it may be shown.
func (d *Dialogue) part(part string, learn bool) string {
	word := strings.TrimSpace(part)
	if word == "" {
		return part
	}
	if strings.IndexByte(v250.Marks, word[0]) < 0 || word[0] == '&' {
		return basic(part)
	}
	name, parameters, ok := strings.Cut(part, "=")
	if !ok || strings.TrimSpace(parameters) == "" || strings.TrimSpace(parameters) == "?" {
		return Identities(basicNumbers(part))
	}
	spec, listed := shownOfCommand(strings.ToUpper(strings.TrimSpace(name)))
	if !listed {
		spec = "n*"
		for _, w := range [...]string{"PIN", "PUK", "PASS", "PWD", "AUTH", "USER", "LOCK", "KEY"} {
			if strings.Contains(strings.ToUpper(name), w) {
				spec = "-*"
			}
		}
	}
	return name + "=" + d.fields(parameters, spec, learn)
}

// fields gives a list of fields as a specification allows.
func (d *Dialogue) fields(list, spec string, learn bool) string {
	fields := v250.Cut(list, ',')
	many := byte('-')
	if s, ok := strings.CutSuffix(spec, "*"); ok { // the first ones as they stand there, the others as the last
		many, spec = s[len(s)-1], s
	}
	for i, f := range fields {
		what := many
		if i < len(spec) {
			what = spec[i]
		}
		text := strings.TrimSpace(f)
		bare := strings.Trim(text, `"`)
		switch {
		case bare == "" || isHidden(bare) || text == "?":
			continue
		case what == 'w' || what == 'a':
			if what == 'a' && learn {
				d.known.Public(unquote(bare))
			}
			fields[i] = Identities(f)
			continue
		case what == 'n' && len(text) <= 3 && isDigits(text):
			continue
		case what == 'u':
			if learn {
				d.known.Public(unquote(bare))
			}
			if name := Name(bare); name == bare {
				fields[i] = Identities(f)
				continue
			}
		case what == 's' && learn:
			d.known.Add(unquote(bare))
		}
		at := strings.Index(f, text)
		hide := Hidden
		if text[0] == '"' {
			hide = `"` + Hidden + `"`
		}
		fields[i] = f[:at] + hide + f[at+len(text):]
	}
	return strings.Join(fields, ",")
}

// unquote takes the escapes off a string constant (V.250 section 5.4.2.2).
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return unescaped.Replace(s)
}

var unescaped = strings.NewReplacer(`\22`, `"`, `\5C`, `\`, `\5c`, `\`)

// basic gives basic commands as they may be shown: settings have three digits at most, and a number to call that is not one
// of the short ones for packet service, such as *99***1#, is a person's or a company's.
func basic(part string) string {
	if i := strings.IndexByte(part, '>'); i >= 0 && strings.ContainsAny(part[:i], "Dd") && strings.TrimSpace(part[i+1:]) != "" && !strings.Contains(part, Hidden) {
		part = part[:i+1] + Hidden // somebody in the telephone book (27.007 section 6.3)
	}
	return basicNumbers(part)
}

// basicNumbers replaces numbers of four digits and more, with what telephone numbers have between and before.
func basicNumbers(s string) string { return digitRuns(s, 4, "-() ") }

// digitRuns replaces numbers of so many digits and more; between may stand one of the characters of between.
func digitRuns(s string, least int, between string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		from, to, digits := i, i, 0
		for i < len(s) {
			if isDigit(s[i]) {
				digits++
				i++
				to = i
			} else if i-to < 1 && strings.IndexByte(between, s[i]) >= 0 {
				i++
			} else {
				break
			}
		}
		i = to
		if digits < least {
			continue
		}
		if _, err := netip.ParseAddr(strings.TrimRight(s[from:to], ".")); err == nil {
			continue
		}
		if from > 0 && s[from-1] == '+' {
			from--
		}
		b.WriteString(s[done:from])
		b.WriteString(Hidden)
		done = to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// loose gives a line that is neither command nor reply as it may be shown: what somebody says at a prompt, or a modem
// unasked. Numbers of four digits and more may be a code, a telephone number, an identity.
func loose(s string) string { return allNumbers(s, 4, ".-") }

// allNumbers replaces identities, and numbers as digitRuns does. Where one stood, what is behind it may now be seen to be one too.
func allNumbers(s string, least int, between string) string {
	for {
		shown := digitRuns(Identities(s), least, between)
		if shown == s {
			return s
		}
		s = shown
	}
}

// Received gives a line from the modem with secrets hidden, without its line end. A text of several lines, as between frames, is
// split.
func (d *Dialogue) Received(line string) string {
	for i := 0; i < len(line); i++ {
		n := 0
		for i+n < len(line) && (line[i+n] == '\r' || line[i+n] == '\n') {
			n++
		}
		for strings.HasPrefix(line[i+n:], `\r`) || strings.HasPrefix(line[i+n:], `\n`) { // made printable
			n += 2
		}
		if n > 0 {
			return d.received(line[:i]) + line[i:i+n] + d.Received(line[i+n:])
		}
	}
	return d.received(line)
}

func (d *Dialogue) received(line string) string {
	text := strings.TrimSpace(line)
	d.message = ""
	if text == "" {
		return line
	}
	d.prompts(text)
	name, content, named := code(text)
	switch result, _ := v250.ParseFinal(text); {
	case d.isEcho(text):
		return d.known.Text(d.echo(line))
	case result != v250.NoResult && (d.body != allLines || endsMessages(result)):
		d.body, d.prompt = noBody, noPrompt
		if !result.OfCall() || d.dials {
			d.open = false
		}
		if result == v250.Connect {
			return d.known.Text(speeds(line))
		}
		return d.known.Text(loose(line))
	case named:
		return d.known.Text(line[:strings.Index(line, text)] + d.reply(text, name, content))
	case isHarmless(text) && d.body != allLines:
		return d.known.Text(loose(line))
	case d.body != noBody, d.none && d.open:
		if d.body == allLines {
			d.message = d.from
		}
		if d.body == oneLine || len(text) > 2*shortWord && isHex(text) { // a message as octets has one line
			d.body = noBody
		}
		return Hidden
	case isHidden(text) || !d.open || d.dials && d.number == "":
		return d.known.Text(loose(line))
	case d.inform && d.number == "":
		return d.known.Text(Identities(line))
	}
	if d.number != "" {
		d.learn(text)
		return d.known.stand(d.number, text)
	}
	return Hidden
}

// prompts looks whether a line asks for something.
func (d *Dialogue) prompts(text string) {
	low := toLower(text)
	switch {
	case text == ">":
		d.prompt = forText
	case strings.IndexByte(v250.Marks, text[0]) >= 0: // a result code, such as +CPIN: READY, whose beginning looks so
	case strings.HasSuffix(low, "word:"), strings.HasSuffix(low, "pin:"), strings.HasSuffix(low, "code:"), strings.HasSuffix(low, "secret:"):
		d.prompt = forSecret
	}
}

func (d *Dialogue) isEcho(text string) bool {
	if d.open && d.last != "" && (strings.EqualFold(text, d.last) || len(text) >= 4 && len(text) < len(d.last) && strings.HasSuffix(d.last, text)) {
		return true
	}
	if d.body == allLines {
		return false // a message may begin so
	}
	rest, ok := attention(text)
	return ok && (rest == "" || strings.IndexByte(v250.Marks, rest[0]) >= 0 || len(rest) > 0 && rest[0] >= '0')
}

// echo gives a line that repeats the last command, or another, whole or the end of it.
func (d *Dialogue) echo(line string) string {
	rest, ok := attention(line)
	if !ok { // the end of one: which parameters these are is not known
		if d.last == "" || !strings.ContainsAny(d.last, "=>") {
			return basicNumbers(line)
		}
		return Hidden
	}
	parts := v250.Parts(rest)
	for i, p := range parts {
		parts[i] = d.part(p, true)
	}
	return line[:len(line)-len(rest)] + strings.Join(parts, ";")
}

// reply gives a line with a name as it may be shown.
func (d *Dialogue) reply(text, name, content string) string {
	head := text[:len(text)-len(content)]
	spec, listed := shownOfReply(name)
	d.body = noBody
	switch {
	case hasBody(name):
		d.body, d.from = allLines, name
	case !listed:
		d.body = oneLine
	}
	bare := strings.TrimLeft(name, v250.Marks)
	if givesIdentity(bare) {
		d.learn(content)
	}
	switch {
	case strings.TrimSpace(content) == "" || isHidden(strings.TrimFunc(content, func(r rune) bool { return r <= ' ' })):
		return text // what is around a hidden value may be what a line without a name has kept
	case givesIdentity(bare) && spec == "":
		return head + d.known.stand(bare, content)
	case !listed || d.none && d.open && name != "+CPIN":
		return head + Hidden
	}
	return head + d.fields(content, spec, true)
}

// learn takes the identities out of what is hidden: an IMSI, IMEI or ICCID, a telephone number.
func (d *Dialogue) learn(text string) {
	for i := 0; i < len(text); {
		var b []byte
		j := i
		for j < len(text) && (isDigit(text[j]) || len(b) > 0 && strings.IndexByte(".- ", text[j]) >= 0 && j+1 < len(text) && isDigit(text[j+1])) {
			if isDigit(text[j]) {
				b = append(b, text[j])
			}
			j++
		}
		if len(b) >= 7 && len(b) <= 22 {
			d.known.Add(string(b))
		}
		i = max(j, i+1)
	}
}

// code gives the name that a reply begins with, in upper case, and what follows its colon. A line that begins with a mark and
// has no colon, as a sentence of NMEA or a vendor's code has not, has its first word for a name.
func code(text string) (name, content string, ok bool) {
	if strings.IndexByte(v250.Marks, text[0]) < 0 || len(text) < 3 || !isLetter(text[1]) {
		return "", "", false
	}
	for _, e := range [...]string{"+CME ERROR", "+CMS ERROR"} {
		if isWord(text, e) {
			return e, strings.TrimLeft(text[len(e):], ": "), true
		}
	}
	end, digits := 1, 0
	for end < len(text) && end < longestName && (isLetter(text[end]) || isDigit(text[end]) || text[end] == '_' || text[end] == '-') {
		if isDigit(text[end]) {
			digits++
		} else if text[end] != '-' {
			digits = 0
		}
		end++
		if digits == 4 { // no name has so many: they are what is told
			from := strings.IndexAny(text[:end], "0123456789")
			return strings.ToUpper(text[:from]), text[from:], true
		}
	}
	name = strings.ToUpper(text[:end])
	if end == len(text) {
		return name, "", true
	}
	switch text[end] {
	case ':':
		end++
	case ' ', ',', '=', '"', '?':
	default: // what was hidden before stays a reply
		return name, text[end:], isHidden(strings.TrimFunc(text[end:], func(r rune) bool { return r <= ' ' }))
	}
	for end < len(text) && text[end] == ' ' {
		end++
	}
	return name, text[end:], true
}

// longestName is the greatest length of a name that is shown, with its mark.
const longestName = 24

// endsMessages says whether a result code ends the texts of messages. Another one is what somebody wrote.
func endsMessages(r v250.Result) bool {
	return r == v250.OK || r == v250.Failed || r == v250.CME || r == v250.CMS
}

// isHarmless says whether a line is one of harmless or v250.Unasked, or begins with one.
func isHarmless(text string) bool {
	says := func(w string) bool { return isWord(text, w) }
	return slices.ContainsFunc(v250.Unasked, says) || slices.ContainsFunc(harmless, says)
}

func isWord(text, w string) bool {
	rest, ok := strings.CutPrefix(text, w)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == ':' || rest[0] == '/')
}

// speeds gives a CONNECT line: what follows is the speed and what else was agreed (V.250 section 6.2.7), in capitals.
func speeds(line string) string {
	own := strings.ReplaceAll(line, Hidden, "") // without what was hidden before
	for i := range len(own) {
		if c := own[i]; 'a' <= c && c <= 'z' || c == '@' || c == '"' {
			return loose(line)
		}
	}
	return allNumbers(line, 9, "")
}

// Command gives one line of an AT dialogue (a command, the echo of one, or a line of the modem) with everything replaced that the
// tables do not allow. For the lines of a dialogue in order use a Dialogue, which knows what each line answers.
func Command(line string) string {
	var known Known
	d := NewDialogue(&known)
	if _, ok := attention(line); ok {
		return d.Sent(line)
	}
	return d.Received(line)
}

// Number gives a dial command without a telephone number: the number is replaced. Short numbers for packet service, such as
// *99***1#, stay.
func Number(command string) string { return basic(command) }
