package read

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// logLine is a line of a log, split into the logger's prefix and the message.
type logLine struct {
	at      time.Time
	program string // "" if the line does not say
	msg     []byte
	headed  bool // the line had a time or a program's name
}

// split removes what syslog, the journal, logread and others write before a message.
func (k *clock) split(line []byte) logLine {
	b := line
	if len(b) > 0 && b[0] == '<' { // the priority of RFC 3164 and RFC 5424
		if i := bytes.IndexByte(b[:min(len(b), 6)], '>'); i > 1 && allDigits(b[1:i]) {
			b = b[i+1:]
			if bytes.HasPrefix(b, []byte("1 ")) {
				if d, ok := k.rfc5424(b[2:]); ok {
					return d
				}
			}
		}
	}
	if len(b) > 12 && b[0] == '{' {
		if d, ok := journalJSON(b); ok {
			return d
		}
	}
	at, n := k.take(b)
	if n == 0 && len(b) > 0 && (b[0] == ' ' || b[0] == '\t') { // indented, as code in a page or a mail
		if in := bytes.TrimLeft(b, " \t"); len(in) > 0 {
			if at, n = k.take(in); n > 0 {
				b = in
			}
		}
	}
	for i, c := range b[:min(len(b), 60)] { // grep writes the file's name and the line's number before a line
		if n > 0 || c == ' ' {
			break
		}
		if c == ':' && i > 0 {
			if at, n = k.take(b[i+1:]); n > 0 {
				b = b[i+1:]
			}
		}
	}
	if n == 0 {
		if p, msg, ok := ownName(b); ok {
			return logLine{program: p, msg: msg, headed: true}
		}
		return logLine{msg: b}
	}
	d := logLine{at: at, msg: b[n:], headed: true}
	if bytes.HasPrefix(d.msg, []byte(": ")) { // pppd's own log file on macOS
		d.msg = d.msg[2:]
		return d
	}
	d.program, d.msg = k.tag(d.msg)
	if d.program == "kernel" { // the time since the boot adds nothing
		if i := bytes.Index(d.msg, []byte("] ")); i > 0 && d.msg[0] == '[' {
			d.msg = d.msg[i+2:]
		}
	}
	if d.program == "netifd" {
		d.msg = relayedByNetifd(d.msg)
	}
	return d
}

// relayedByNetifd removes what OpenWrt's netifd writes before a line of a program that it runs: the interface and the process
// number, as in "wan (13951): ".
func relayedByNetifd(b []byte) []byte {
	i := bytes.Index(b, []byte(" ("))
	j := bytes.Index(b, []byte("): "))
	if i <= 0 || j < i || bytes.IndexByte(b[:i], ' ') >= 0 || !allDigits(b[i+2:j]) {
		return b
	}
	return b[j+3:]
}

// tagged is what a logger writes between a time and a message, and the program that it names.
type tagged struct {
	text    []byte // with the blank behind it
	program string
}

// tag is the function tag, for most lines have one of the last few texts.
func (k *clock) tag(b []byte) (string, []byte) {
	for i := range k.tags {
		if t := &k.tags[i]; len(t.text) > 0 && bytes.HasPrefix(b, t.text) {
			return t.program, b[len(t.text):]
		}
	}
	program, msg := tag(b)
	if n := len(b) - len(msg); n > 0 && b[n-1] == ' ' {
		t := &k.tags[k.written%len(k.tags)]
		k.written++
		t.text, t.program = append(t.text[:0], b[:n]...), program
	}
	return program, msg
}

// tag reads host, facility and program from the start of a message. The program is the first of at most three words that ends in
// a colon, with or without its process number in brackets.
func tag(b []byte) (string, []byte) {
	if len(b) > 3 && b[0] == '[' { // metalog: "[pppd] message"
		if i := bytes.Index(b[:min(len(b), 40)], []byte("] ")); i > 2 && isLetter(b[1]) && bytes.IndexAny(b[1:i], " :=[(\"'") < 0 && !isLevel(b[1:i]) {
			return string(b[1:i]), b[i+2:]
		}
	}
	rest := b
	for range 3 {
		if isPacketStart(rest) {
			return "", b
		}
		i := bytes.IndexByte(rest, ' ')
		word := rest
		if i >= 0 {
			word = rest[:i]
		}
		if name, ok := programName(word); ok && !isFacility(word) {
			msg := rest[len(word):]
			if len(msg) > 0 {
				msg = msg[1:]
			}
			return name, msg
		}
		if i < 0 {
			break
		}
		rest = bytes.TrimLeft(rest[i:], " ")
	}
	return "", b
}

// isLevel says whether a word in brackets is how important a message is.
func isLevel(word []byte) bool {
	switch strings.ToLower(string(word)) {
	case "debug", "info", "notice", "warn", "warning", "error", "err", "crit", "trace", "fatal":
		return true
	}
	return false
}

// isFacility says whether a word is a facility with a colon, as in "daemon.notice:". OpenWrt's page of the log writes it so;
// syslog has no colon there.
func isFacility(word []byte) bool {
	_, level, ok := bytes.Cut(word, []byte("."))
	if !ok {
		return false
	}
	switch string(level) {
	case "emerg:", "alert:", "crit:", "err:", "warn:", "warning:", "notice:", "info:", "debug:":
		return true
	}
	return false
}

// programName reads "pppd[123]:" or "pppd:".
func programName(word []byte) (string, bool) {
	n := len(word)
	if n < 2 || word[n-1] != ':' {
		return "", false
	}
	word = word[:n-1]
	if i := bytes.IndexByte(word, '['); i > 0 && word[len(word)-1] == ']' {
		word = word[:i]
	}
	if i := bytes.LastIndexByte(word, '/'); i >= 0 {
		word = word[i+1:]
	}
	if len(word) == 0 {
		return "", false
	}
	for _, c := range word {
		if c <= ' ' || c == '(' || c == '<' || c == '"' || c == '\'' {
			return "", false
		}
	}
	switch string(word) { // the common names need no new string
	case "pppd":
		return "pppd", true
	case "chat":
		return "chat", true
	case "kernel":
		return "kernel", true
	}
	return string(word), true
}

// ownName reads the name with which some programs begin their own lines, for example "/usr/sbin/pppd: ". It also reads a logger's
// prefix whose time was cut off, for example "host pppd[123]: " or "daemon.notice pppd[123]: ".
func ownName(b []byte) (string, []byte, bool) {
	i := bytes.Index(b[:min(len(b), 80)], []byte(": "))
	if i < 0 {
		return "", nil, false
	}
	word := b[:i+1]
	if j := bytes.LastIndexByte(word, ' '); j >= 0 {
		if bytes.Count(word, []byte(" ")) > 2 || word[i-1] != ']' || isPacketStart(b) {
			return "", nil, false
		}
		word = word[j+1:]
	}
	name, ok := programName(word)
	if !ok {
		return "", nil, false
	}
	switch name {
	case "pppd", "chat", "wvdial", "ModemManager", "NetworkManager", "kernel":
		return name, b[i+2:], true
	}
	return "", nil, false
}

// rfc5424 reads "time host app procid msgid structured-data msg" (RFC 5424 section 6).
func (k *clock) rfc5424(b []byte) (logLine, bool) {
	at, n := k.take(b)
	if n == 0 {
		return logLine{}, false
	}
	f := bytes.SplitN(b[n:], []byte(" "), 6)
	if len(f) < 6 {
		return logLine{}, false
	}
	msg := f[5]
	if len(f[4]) > 0 && f[4][0] == '[' {
		if _, rest, ok := bytes.Cut(b[n:], []byte("] ")); ok {
			msg = rest
		}
	}
	return logLine{at: at, program: string(f[1]), msg: bytes.TrimPrefix(msg, []byte("\xef\xbb\xbf")), headed: true}, true
}

// journalJSON reads one entry of journalctl -o json. Its message is an array of octets if it is not text.
func journalJSON(b []byte) (logLine, bool) {
	if !bytes.Contains(b, []byte(`"MESSAGE"`)) {
		return logLine{}, false
	}
	var e struct {
		Message json.RawMessage `json:"MESSAGE"`
		Micros  string          `json:"__REALTIME_TIMESTAMP"`
		ID      string          `json:"SYSLOG_IDENTIFIER"`
		Comm    string          `json:"_COMM"`
	}
	if json.Unmarshal(b, &e) != nil {
		return logLine{}, false
	}
	d := logLine{program: e.ID, headed: true}
	if d.program == "" {
		d.program = e.Comm
	}
	var text string
	var octets []byte
	var numbers []uint8
	switch {
	case json.Unmarshal(e.Message, &text) == nil:
		octets = []byte(text)
	case json.Unmarshal(e.Message, &numbers) == nil:
		octets = numbers
	default:
		var list []int
		if json.Unmarshal(e.Message, &list) != nil {
			return logLine{}, false
		}
		for _, v := range list {
			octets = append(octets, byte(v))
		}
	}
	d.msg = octets
	if us, err := strconv.ParseInt(e.Micros, 10, 64); err == nil {
		d.at = time.UnixMicro(us).UTC()
	}
	return d, true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func isPacketStart(b []byte) bool {
	return len(b) > 6 && (string(b[:6]) == "sent [" || string(b[:6]) == "rcvd [")
}
