package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The cases that could only be transcribed are in a notation of their own, one packet or event a line:
//
//	t=0s   > LCP  ConfReq 1  asyncmap=0 magic=M1 pcomp accomp
//
// fromEvents writes them as pppd would have, so that they are read and judged as a log is.

var eventLine = regexp.MustCompile(`^(?:t=(\d+)s(?:\.\.(\d+)s)?)?\s*([<>!])\s*(.*)$`)

func fromEvents(text string) string {
	var b strings.Builder
	b.WriteString("Connect: ppp0 <--> /dev/ttyUSB0\n")
	before := map[string]string{} // the request of a direction and protocol, for "same options" and retransmissions
	for l := range strings.Lines(text) {
		m := eventLine.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil || strings.HasPrefix(strings.TrimSpace(l), "#") {
			continue
		}
		if m[3] == "!" {
			b.WriteString(event(m[4]))
			continue
		}
		times := 1
		if strings.Contains(m[4], "nine identical") {
			times = 9
		}
		line := packetLine(m[3], m[4], before)
		for range times {
			b.WriteString(line)
		}
	}
	return b.String()
}

// words of an event and pppd's line for it.
var eventWords = []struct{ event, line string }{
	{"serial-connected", "Serial connection established."}, {"auth-ok chap", "CHAP authentication succeeded"}, {"auth-ok pap", "PAP authentication succeeded"},
	{"auth-fail chap", "CHAP authentication failed"}, {"auth-fail pap", "PAP authentication failed"}, {"remote-message", "Remote message: hello"},
	{"lcp-terminated-by-peer", "LCP terminated by peer"}, {"sighup", "Hangup (SIGHUP)"}, {"modem-hangup", "Modem hangup"}, {"connection-terminated", "Connection terminated."},
	{"ipcp-timeout", "IPCP: timeout sending Config-Requests"}, {"lcp-timeout", "LCP: timeout sending Config-Requests"},
	{"protocol-rejected", "Protocol-Reject for 'Compression Control Protocol' (0x80fd) received"}, {"looped-back", "Serial line is looped back."},
	{"bad-configure-nak", "Received bad configure-nak"}, {"bad-configure-ack", "Received bad configure-ack"}, {"no-network-protocols", "No network protocols running"},
	{"ip-up", "local  IP address 192.0.2.7\nremote IP address 192.0.2.8"}, {"exit", "Exit."},
}

func event(text string) string {
	for _, w := range eventWords {
		if strings.HasPrefix(text, w.event) {
			return w.line + "\n"
		}
	}
	return ""
}

var codeNames = map[string]bool{"ConfReq": true, "ConfAck": true, "ConfNak": true, "ConfRej": true}

func packetLine(dir, text string, before map[string]string) string {
	way, back := "sent", "rcvd"
	if dir == "<" {
		way, back = back, way
	}
	f := strings.Fields(text)
	if len(f) < 2 {
		return ""
	}
	proto, code, id, rest := f[0], f[1], "1", f[2:]
	if len(rest) > 0 && strings.Trim(rest[0], "0123456789") == "" {
		id, rest = rest[0], rest[1:]
	}
	number, _ := strconv.Atoi(id) // it was made of digits only
	head := fmt.Sprintf("%s %s id=%#x", proto, code, number)
	tail := strings.Join(rest, " ")
	switch {
	case codeNames[code]:
		options := ""
		if code == "ConfAck" && (tail == "" || strings.Contains(tail, "same options")) {
			options = before[back+proto]
		} else if strings.Contains(tail, "identical retransmission") && before[way+proto] != "" && !strings.Contains(tail, "=") {
			options = before[way+proto]
		} else {
			options = optionsOf(tail)
		}
		if code == "ConfReq" {
			before[way+proto] = options
		}
		head += options
	case code == "Challenge", code == "Response":
		name := ""
		if _, n, ok := strings.Cut(tail, "name "); ok {
			name = strings.TrimSpace(n)
		}
		head += fmt.Sprintf(` <00112233445566778899aabbccddeeff>, name = "%s"`, name)
	case code == "Success", code == "Failure", code == "AuthAck", code == "AuthNak":
		head += ` ""`
	case code == "EchoReq", code == "EchoRep", code == "DiscReq":
		head += " magic=0x" + magic(tail)
	case code == "TermReq" && tail != "":
		head += ` "No network protocols running"`
	case code == "ProtRej":
		head += " 80 fd 01 01 00 04"
	}
	return way + " [" + head + "]\n"
}

func magic(text string) string {
	if strings.Contains(text, "M1") {
		return "11111111"
	}
	return "22222222"
}

// optionsOf gives pppd's notation of options such as addr=0.0.0.0 dns1=0.0.0.0.
func optionsOf(text string) string {
	if i := strings.Index(text, "addr=<"); i >= 0 { // an address in words: the host's own
		if j := strings.Index(text[i:], ">"); j > 0 {
			text = text[:i] + "addr=192.168.1.20" + text[i+j+1:]
		}
	}
	if i := strings.IndexByte(text, '('); i >= 0 {
		text = text[:i]
	}
	var b strings.Builder
	for o := range strings.FieldsSeq(text) {
		name, value, has := strings.Cut(o, "=")
		if value == "..." {
			value = "10.11.12.14"
		}
		switch {
		case name == "asyncmap":
			fmt.Fprintf(&b, " <asyncmap 0x%s>", value)
		case name == "magic":
			fmt.Fprintf(&b, " <magic 0x%s>", magic(value))
		case name == "auth":
			b.WriteString(" <auth " + map[string]string{"chap-md5": "chap MD5", "pap": "pap", "mschap-v2": "chap MS-v2"}[value] + ">")
		case name == "vj":
			b.WriteString(" <compress VJ 0f 01>")
		case name == "addr":
			b.WriteString(" <addr " + map[string]string{"P": "192.0.2.1", "Q": "192.0.2.9"}[value] + strings.Trim(value, "PQ") + ">")
		case name == "dns1", name == "dns2":
			b.WriteString(" <ms-" + name + " " + value + ">")
		case name == "mru":
			b.WriteString(" <mru " + value + ">")
		case name == "deflate":
			b.WriteString(" <deflate 15>")
		case name == "deflate-old":
			b.WriteString(" <deflate(old#) 15>")
		case name == "bsd":
			b.WriteString(" <bsd v1 15>")
		case (name == "pcomp" || name == "accomp") && !has:
			b.WriteString(" <" + name + ">")
		}
	}
	return b.String()
}
