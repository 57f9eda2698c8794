package read

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/source"
)

// The notation of transcriptions: for a person who copies a call from a picture or from a description. One event a line, # for
// comments:
//
//	t=1s  > LCP ConfReq 1  mru=1500 magic=M1 pcomp    sent, with the options in their order
//	t=1s  < LCP ConfAck 1  (same options)             received
//	      ! modem-hangup                              a message of the dialer
//
// docs/traces.md has the words.
var eventsFormat = source.Format{Name: "events", Title: "transcription of events", Sniff: sniffEvents, Open: openEvents}

func sniffEvents(prefix []byte) int {
	good, lines := 0, 0
	for line := range bytes.Lines(prefix) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		lines++
		_, _, mark, rest := cutEvent(string(line))
		if mark == '!' {
			good++
		} else if mark != 0 {
			if w := strings.Fields(rest); len(w) >= 2 {
				if _, ok := transcribed[w[0]]; ok {
					good++
				}
			}
		}
	}
	if good > 0 && good*4 >= lines*3 {
		return source.Sure
	}
	return source.No
}

// eventsSource turns each line into the line that pppd would have logged, if pppd has one.
type eventsSource struct {
	logSource
	last [2]map[uint16][]byte // the last Configure-Request in each direction, by protocol
}

func openEvents(in *source.Input, c source.Config) source.Source {
	s := &eventsSource{logSource: logSource{in: in, c: c, clock: clock{date: c.Date}}}
	s.last[0], s.last[1] = map[uint16][]byte{}, map[uint16][]byte{}
	return s
}

func (s *eventsSource) Next() (event.Record, error) {
	for s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
		if s.ended {
			return event.Record{}, io.EOF
		}
		line, size, err := s.in.Line()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return event.Record{}, err
			}
			s.ended = true
			s.endOfLog()
			continue
		}
		s.event(strings.TrimSpace(string(line)), size)
	}
	r := s.queue[s.head]
	s.head++
	return r, nil
}

// cutEvent splits "t=3s..27s > rest". mark is the sign of the direction; 0: there is none.
func cutEvent(line string) (from, to time.Duration, mark byte, rest string) {
	if t, ok := strings.CutPrefix(line, "t="); ok {
		word, after, _ := strings.Cut(t, " ")
		first, last, span := strings.Cut(word, "..")
		var err error
		if from, err = time.ParseDuration(first); err != nil {
			return 0, 0, 0, ""
		}
		if to = from; span {
			if to, err = time.ParseDuration(last); err != nil || to < from {
				return 0, 0, 0, ""
			}
		}
		line = strings.TrimSpace(after)
	} else {
		from, to = -1, -1
	}
	if len(line) < 3 || strings.IndexByte("<>!", line[0]) < 0 || line[1] != ' ' {
		return 0, 0, 0, ""
	}
	return from, to, line[0], strings.TrimSpace(line[2:])
}

func (s *eventsSource) event(line string, size int) {
	s.rec = event.Record{Link: s.c.Link, Pos: event.Pos{Line: s.in.Lines()}}
	if line == "" || line[0] == '#' {
		return
	}
	from, to, mark, rest := cutEvent(line)
	if from >= 0 && mark != 0 {
		s.rec.Time = time.Unix(0, 0).UTC().Add(from)
	}
	switch mark {
	case '!':
		s.said(rest)
	case '<', '>':
		dir := event.Sent
		if mark == '<' {
			dir = event.Rcvd
		}
		if !s.transcript(dir, rest, to-from) {
			s.unread([]byte(line), size, "not in the notation of transcriptions")
		}
	default:
		s.unread([]byte(line), size, "not in the notation of transcriptions")
	}
}

// transcribed are the names of the protocols in the notation.
var transcribed = map[string]uint16{
	"LCP": packet.LCP, "IPCP": packet.IPCP, "IPV6CP": packet.IPV6CP, "CCP": packet.CCP, "PAP": packet.PAP, "CHAP": packet.CHAP,
}

var transcribedCodes = map[uint16]string{packet.PAP: "AuthReq AuthAck AuthNak", packet.CHAP: "Challenge Response Success Failure"}

const controlCodes = "ConfReq ConfAck ConfNak ConfRej TermReq TermAck CodeRej ProtRej EchoReq EchoRep DiscReq Ident TimeRem"

// numerals are the words for how often a packet was sent again.
var numerals = strings.Fields("one two three four five six seven eight nine ten eleven twelve")

// transcript takes a line such as "LCP ConfReq 1 options".
func (s *eventsSource) transcript(dir event.Dir, rest string, span time.Duration) bool {
	words := strings.Fields(rest)
	if len(words) < 3 {
		return false
	}
	protocol, ok := transcribed[words[0]]
	if !ok {
		return false
	}
	codes, ok := transcribedCodes[protocol]
	if !ok {
		codes = controlCodes
	}
	code := uint8(0)
	for i, w := range strings.Fields(codes) {
		if w == words[1] {
			code = uint8(i + 1)
		}
	}
	id, err := strconv.ParseUint(words[2], 0, 8)
	if code == 0 || err != nil {
		return false
	}
	_, tail, _ := strings.Cut(rest, words[1])
	_, tail, _ = strings.Cut(tail, words[2])
	tail = strings.TrimSpace(tail)
	data, ok := s.body(dir, protocol, code, tail)
	if !ok {
		return false
	}
	info := packet.Packet{Code: code, ID: uint8(id), Data: data}.AppendTo(nil)
	if protocol != packet.PAP && protocol != packet.CHAP && code == packet.ConfigureRequest {
		s.last[dir][protocol] = data
	}
	times := 1
	for i, w := range numerals {
		if strings.HasPrefix(tail, "("+w+" identical") {
			times = i + 1
		}
	}
	begin := s.rec.Time
	for i := range times {
		if times > 1 && !begin.IsZero() {
			s.rec.Time = begin.Add(span / time.Duration(times-1) * time.Duration(i))
		}
		s.take(dir, notation.Packet{Protocol: protocol, Info: info, Hidden: true})
	}
	return true
}

func (s *eventsSource) body(dir event.Dir, protocol uint16, code uint8, tail string) ([]byte, bool) {
	switch {
	case protocol == packet.CHAP && code <= packet.CHAPResponse:
		_, name, _ := strings.Cut(tail, "name ")
		return append(append([]byte{16}, bytes.Repeat([]byte{'*'}, 16)...), unquote(name)...), true
	case protocol == packet.CHAP:
		return []byte(message(tail)), true
	case protocol == packet.PAP && code == packet.PAPRequest:
		_, name, _ := strings.Cut(tail, "name ")
		b := counted(unquote(name))
		if strings.Contains(tail, "no password") {
			return append(b, 0), true
		}
		return append(b, counted("********")...), true
	case protocol == packet.PAP:
		return counted(message(tail)), true
	}
	switch code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		return s.configure(dir, protocol, code, tail)
	case packet.TerminateRequest, packet.TerminateAck:
		return []byte(message(tail)), true
	case packet.ProtocolReject:
		p, ok := transcribed[tail]
		if !ok {
			return nil, false
		}
		b := binary.BigEndian.AppendUint16(nil, p)
		if request, ok := s.last[1-dir][p]; ok {
			b = packet.Packet{Code: packet.ConfigureRequest, ID: 1, Data: request}.AppendTo(b)
		}
		return b, true
	}
	var b []byte
	for word := range strings.FieldsSeq(tail) {
		if m, ok := strings.CutPrefix(strings.TrimSuffix(word, ","), "magic="); ok {
			b = binary.BigEndian.AppendUint32(b, magicOf(m))
		}
	}
	if _, m, ok := strings.Cut(tail, "data repeats "); ok {
		b = binary.BigEndian.AppendUint32(b, magicOf(m))
	}
	if b == nil && protocol == packet.LCP && code >= packet.EchoRequest {
		b = make([]byte, 4)
	}
	return b, true
}

func (s *eventsSource) configure(dir event.Dir, protocol uint16, code uint8, tail string) ([]byte, bool) {
	switch {
	case strings.Contains(tail, "identical"):
		b, ok := s.last[dir][protocol]
		return b, ok
	case strings.Contains(tail, "same options"), tail == "" && code == packet.ConfigureAck:
		b, ok := s.last[1-dir][protocol]
		return b, ok || tail == ""
	case strings.HasPrefix(tail, "(no options"):
		return nil, true
	}
	var b []byte
	for tail != "" {
		var word string
		word, tail = cutOption(tail)
		if strings.HasPrefix(word, "(") { // a remark
			break
		}
		o, ok := optionOf(protocol, word)
		if !ok {
			return nil, false
		}
		b = o.AppendTo(b)
	}
	return b, true
}

// cutOption splits off a word. A word with a value between < and > may contain spaces.
func cutOption(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end, depth := len(s), 0
	for i := range len(s) {
		switch s[i] {
		case '<':
			depth++
		case '>':
			depth--
		case ' ':
			if depth <= 0 {
				end = i
				return s[:end], strings.TrimSpace(s[end:])
			}
		}
	}
	return s[:end], ""
}

// optionOf makes the option that a word means. If the value is only a name, such as M1, a number is made for it.
func optionOf(protocol uint16, word string) (packet.Option, bool) {
	name, value, _ := strings.Cut(word, "=")
	text := name
	switch name {
	case "auth":
		value = strings.NewReplacer("chap-md5", "chap MD5", "chap-ms-v2", "chap MS-v2", "chap-ms", "chap MS").Replace(value)
	case "asyncmap", "magic":
		if n, err := strconv.ParseUint(value, 0, 32); err == nil {
			value = "0x" + strconv.FormatUint(n, 16)
		} else if name == "magic" {
			value = "0x" + strconv.FormatUint(uint64(magicOf(value)), 16)
		}
	case "addr", "dns1", "dns2", "wins1", "wins2":
		text = map[string]string{"addr": "addr", "dns1": "ms-dns1", "dns2": "ms-dns2", "wins1": "ms-wins1", "wins2": "ms-wins2"}[name]
		if value == "" {
			return packet.Option{}, false
		}
		value = addressOf(value)
	case "vj":
		text = "compress VJ"
		if len(value) == 4 {
			value = value[:2] + " " + value[2:]
		}
	case "deflate":
		value = "15"
	case "deflate-old":
		text, value = "deflate(old#)", "15"
	case "bsd":
		value = "v1 15"
	}
	if value != "" {
		text += " " + value
	}
	line := "IPCP ConfReq id=0x1 <" + text + ">]"
	switch protocol {
	case packet.LCP:
		line = strings.Replace(line, "IPCP", "LCP", 1)
	case packet.CCP:
		line = strings.Replace(line, "IPCP", "CCP", 1)
	case packet.IPV6CP:
		line = strings.Replace(line, "IPCP", "IPV6CP", 1)
	}
	p, err := notation.Parse(nil, []byte(line))
	if err != nil || len(p.Info) < packet.HeaderLen+2 {
		return packet.Option{}, false
	}
	options, err := packet.ParseOptions(nil, p.Info[packet.HeaderLen:])
	if err != nil || len(options) != 1 {
		return packet.Option{}, false
	}
	return options[0], true
}

// addressOf gives an address, or a word that stands for one.
func addressOf(value string) string {
	if strings.IndexFunc(value, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) >= 0 || strings.Trim(value, ".") == "" {
		return "hidden-" + strconv.FormatUint(uint64(magicOf(value)), 36)
	}
	return value
}

// magicOf gives a Magic-Number for a name, always the same for the same name.
func magicOf(name string) uint32 {
	if n, err := strconv.ParseUint(name, 0, 32); err == nil {
		return uint32(n)
	}
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

func counted(s string) []byte {
	s = s[:min(len(s), 255)]
	return append([]byte{byte(len(s))}, s...)
}

// message gives the text of a packet, with or without quotes; "" for "empty message".
func message(s string) string {
	if s == "empty message" || strings.HasPrefix(s, "(") {
		return ""
	}
	return unquote(s)
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }

// meanings are the words for the dialer's messages in the notation.
var meanings = map[string]string{
	"serial-connected": event.MeansSerialUp, "link": event.MeansConnect, "auth-ok": event.MeansAuthOK, "auth-failed": event.MeansAuthFailed,
	"lcp-terminated-by-peer": event.MeansPeerTerminated, "sighup": event.MeansHangupSignal, "modem-hangup": event.MeansHangup,
	"connection-terminated": event.MeansTerminated, "lcp-timeout": event.MeansLCPTimeout, "ipcp-timeout": event.MeansIPCPTimeout,
	"exit": event.MeansExits, "looped-back": event.MeansLoopedBack, "local": event.MeansLocalAddress, "remote": event.MeansRemoteAddress,
	"dns1": event.MeansDNSAddress, "dns2": event.MeansDNSAddress,
}

// said takes a message of the dialer.
func (s *eventsSource) said(text string) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	means := func(word, value string) {
		e := event.Log{Text: printable(text), Means: []string{meanings[word]}, Value: printable(value)}
		s.says(e, e)
	}
	switch word := words[0]; {
	case word == "link" && len(words) >= 3:
		means(word, words[1]+" /dev/"+strings.TrimPrefix(words[2], "/dev/"))
	case word == "ip-up":
		for _, w := range words[1:] {
			if name, a, ok := strings.Cut(w, "="); ok && meanings[name] != "" {
				means(name, addressOf(a))
			}
		}
	case strings.HasPrefix(word, "auth-") && meanings[word] != "" && len(words) > 1:
		value := strings.ToUpper(words[1]) // the method
		if word == "auth-failed" {         // after auth-failed it would be a word of the other end
			value = ""
		}
		means(word, value)
	case word == "at" && len(words) > 2:
		command := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(text, "at"), " "))
		if c, ok := strings.CutPrefix(command, "> "); ok {
			s.sends(c)
		} else {
			s.talk.by = "chat"
			s.fromModem([]byte(strings.TrimPrefix(command, "< ")))
		}
	case meanings[word] != "" && word != "ip-up":
		means(word, "")
	default:
		s.log("", []byte(text))
	}
}
