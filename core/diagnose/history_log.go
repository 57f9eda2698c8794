package diagnose

import (
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// logHistory is what lines of other programs' logs showed that no packet and no event of the engine says.
type logHistory struct {
	seen  bool // there was a line at all
	known int  // lines that mean something to a rule
	eof   bool // the recording stops here
	ended bool // the attempt is over by the log's own words
	ours  bool // this side ended it
	up6   bool // IPv6 came up

	pppd    bool   // pppd said that it started
	dialled bool   // pppd took over from a dialer that had a connection
	connect string // the "Connect: ppp0 <--> tty" line
	tty     string // its tty, or the interface of a PPPoE session
	pppoe   bool   // the session runs over Ethernet
	minutes float64
	timed   bool // minutes is known
	upAt    time.Time
	lostAt  time.Time

	wantDNS    bool   // name servers were asked for
	afterUp    int    // lines after the addresses
	noNames    string // a name could not be found
	gaveUp     string // the dialer that started pppd, or the user, did not wait any longer
	noRoute    string // "Network is unreachable"
	pinged     string // what was pinged last
	noPing     string // every ping was lost
	route      string // "not replacing existing default route …"
	routed     bool   // a table of routes shows the default route on the link
	elsewhere  string // and this one shows it somewhere else
	expects    string // what chat waits for
	gone       string // the port or the device went away
	wasUp      bool   // an attempt before this one was up
	redial     string // a later try found nobody at the other end
	noAuth     string // "No auth is possible"
	badNak     string // "Received bad configure-nak"
	badAck     string
	badAcks    int
	compressed bool   // compressed packets came
	lostSync   string // "Lost compression sync"
	reset      string // the first CCP Reset-Request
	resets     int
	scriptEnd  string // the connect script failed
	ending     string // the peer's Terminate-Request in words, with its text

	hits map[int]*lineHit // by the number of the data rule
}

// lineHit is what a data rule has matched.
type lineHit struct {
	evidence []string
	meaning  string
	confidence
}

// words is a line in the form that the tables below match: lower case, one blank between words, without the dialer's own
// mark before it.
func words(text string) string {
	s := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, tag := range []string{"[b]", "[i]", "[u]", "**"} { // what a forum shows in bold
		s = strings.TrimPrefix(s, tag)
	}
	for _, mark := range []string{"--> ", "pppd: ", "/usr/sbin/pppd: ", "chat: ", "<info> ", "<warn> ", "<debug> ", "<error> ", "warning: ", "error: "} {
		s = strings.TrimPrefix(s, mark)
	}
	return s
}

// logLine files a line of another program.
func (h *history) logLine(r event.Record, e event.Log) {
	l := &h.log
	l.seen = l.seen || e.Program != ""
	s := words(e.Text)
	if s == "" {
		return
	}
	if h.up != nil {
		l.afterUp++
	}
	line := h.here() + e.Text
	allWatches().seen(s, func(w *watch) {
		if w.fact != nil {
			w.fact.take(h, r, s, line)
			l.known++
			return
		}
		h.hit(w, e.Program, line)
	})
	if strings.Contains(s, "usepeerdns") {
		l.wantDNS = true
	}
}

// fail files a failure that a log tells in words.
func (h *history) fail(phase, cause, line string) {
	if h.up != nil && h.brokeBy == "" {
		h.brokeBy = cause
	}
	if len(h.failures) < maxFailures {
		h.failures = append(h.failures, event.Failure{Phase: phase, Cause: cause, Detail: line})
	}
}

// hungUp files the end of the line, unless somebody had ended the call before: then it only follows.
func (h *history) hungUp(r event.Record, line string) {
	l := &h.log
	if l.ours || l.ended || l.ending != "" || h.lcp.terminated != "" || h.data.ended != "" || h.otherFailure() {
		l.ended = true
		return
	}
	if h.line.carrierLost == "" {
		h.lost(strings.TrimPrefix(line, h.here()), h.phase)
		l.lostAt = r.Time
	}
}

// isUp files an address, or anything that only a link that was up has.
func (h *history) isUp(r event.Record) *event.Up {
	if h.up == nil {
		h.up = &event.Up{}
		h.log.upAt, h.log.afterUp = r.Time, 0
	}
	return h.up
}

// peerEnds files the peer's Terminate-Request as pppd tells it.
func (h *history) peerEnds(line string) {
	if h.log.ours { // it only says goodbye, too
		return
	}
	h.log.ending = line
	text := ""
	if _, t, ok := strings.Cut(line, "("); ok {
		text = strings.TrimSuffix(strings.TrimSpace(t), ")")
	}
	switch {
	case h.up != nil:
		if h.data.ended == "" {
			h.data.ended = line
		}
	case h.lcp.terminated == "":
		h.lcp.terminated, h.lcp.afterAuth, h.lcp.terminateID = line, h.auth.success != "", unprint(text)
	}
}

// last gives the last word of a line, for an address behind "local IP address".
func last(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

// bytesLine reads "sent 3152 bytes, received 0 bytes.".
func (h *history) bytesLine(r event.Record, s string) {
	f := strings.Fields(s)
	if len(f) < 5 {
		return
	}
	out, err := strconv.ParseUint(f[1], 10, 64)
	in, err2 := strconv.ParseUint(f[4], 10, 64)
	if err != nil || err2 != nil {
		return
	}
	if h.neverUp() {
		return
	}
	h.isUp(r)
	h.down = &event.Down{BytesOut: out, BytesIn: in, Seconds: h.log.minutes * 60}
}

// minutesLine reads "connect time 14.3 minutes.", which pppd writes for a link that was up.
func (h *history) minutesLine(r event.Record, s string) {
	m, err := strconv.ParseFloat(strings.TrimPrefix(s[:strings.LastIndexByte(s, ' ')], "connect time "), 64)
	if err != nil {
		return
	}
	if h.neverUp() {
		return
	}
	h.isUp(r)
	h.log.minutes, h.log.timed = m, true
	if h.data.ended == "" && h.lcp.terminated != "" { // a log that does not show how it came up
		h.data.ended, h.lcp.terminated = h.lcp.terminated, ""
	}
	if h.line.carrierLost != "" && h.line.lostIn != event.PhaseDial {
		h.line.lostIn = event.PhaseUp
	}
}

// neverUp says that a log with packets shows IPCP and neither end's agreement: what pppd counted then was not carried by IP.
func (h *history) neverUp() bool {
	p := &h.ipcp
	return h.up == nil && !h.log.up6 && p.requests+p.peerAsked > 1 && !p.acked.IsValid() && !p.sentAck && p.ack == ""
}

// unprint gives back the octets of a text in which pppd has escaped what cannot be printed, by ^@ and M-x in old
// releases and by \ooo in newer ones.
func unprint(s string) []byte {
	var out []byte
	for i := 0; i < len(s) && len(out) < 256; {
		high := byte(0)
		if strings.HasPrefix(s[i:], "M-") && len(s) > i+2 {
			high, i = 0x80, i+2
		}
		switch {
		case s[i] == '^' && i+1 < len(s):
			out = append(out, high|s[i+1]^0x40)
			i += 2
		case s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1:i+4]):
			n, _ := strconv.ParseUint(s[i+1:i+4], 8, 16)
			out = append(out, byte(n))
			i += 4
		default:
			out = append(out, high|s[i])
			i++
		}
	}
	return out
}

func isOctal(s string) bool { return strings.Trim(s, "01234567") == "" }
