package diagnose

import (
	"slices"
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

	pppd    bool   // pppd said that it started
	dialled bool   // pppd took over from a dialer that had a connection
	connect clue   // the "Connect: ppp0 <--> tty" line
	tty     string // its tty, or the interface of a PPPoE session
	pppoe   bool   // the session runs over Ethernet
	minutes float64
	timed   bool // minutes is known
	lostAt  time.Time

	wantDNS    bool          // name servers were asked for
	afterUp    int           // lines after the addresses
	noNames    clue          // a name could not be found
	gaveUp     clue          // the dialer that started pppd, or the user, did not wait any longer
	noRoute    clue          // there is no way to where something was sent
	ownNoRoute bool          // a daemon says so of an address of its own
	pinged     string        // what was pinged last
	noPing     clue          // every ping was lost
	route      clue          // the default route of before was kept
	routeOver  string        // "through" and its interface, where it has no gateway
	routed     bool          // a table of routes shows the default route on the link
	elsewhere  clue          // and this one shows it somewhere else
	pppAt      time.Time     // when wvdial says that it started pppd
	pppFor     time.Duration // and how long after that it hung up, 0 if it does not say
	diedHungUp bool          // pppd exited with the status that says that the line was lost
	expects    string        // what chat waits for
	signal     clue          // the dialer got SIGHUP
	gone       clue          // the port or the device went away
	wasUp      bool          // an attempt before this one was up
	redial     clue          // a later try found nobody at the other end
	noAuth     clue          // "No auth is possible"
	badNak     clue          // "Received bad configure-nak"
	badAck     clue
	badAcks    int
	compressed bool // compressed packets came
	lostSync   clue // "Lost compression sync"
	reset      clue // the first CCP Reset-Request
	resets     int
	scriptEnd  clue // the connect script failed
	ending     clue // the peer's Terminate-Request in words, with its text

	hits map[string]*lineHit // causes that a line names by itself, by their ids
}

// answers takes back that the modem does not answer commands: it only was slow.
func (h *history) answers() {
	h.failures = slices.DeleteFunc(h.failures, func(f fault) bool { return f.Cause == event.FailedModemSilent && f.Phase != event.PhaseDial })
}

// fail files a failure that a log tells in words.
func (h *history) fail(phase, cause string, line clue) {
	if h.Up != nil && h.brokeBy == "" {
		h.brokeBy = cause
	}
	if len(h.failures) < maxFailures {
		h.failures = append(h.failures, fault{event.Failure{Phase: phase, Cause: cause, Detail: line.said()}, line})
	}
}

// hungUp files the end of the line, unless somebody had ended the call before: then it only follows.
func (h *history) hungUp(r event.Record, line clue) {
	l := &h.log
	if l.ours || l.ended || l.ending.seen() || h.lcp.terminated.seen() || h.data.ended.seen() || h.otherFailure() {
		l.ended = true
		return
	}
	if !h.line.carrierLost.seen() {
		h.lost(line.said(), h.phase)
		l.lostAt = r.Time
	}
}

// peerEnds files the peer's Terminate-Request as pppd tells it.
func (h *history) peerEnds(line clue, text string) {
	if h.log.ours { // it only says goodbye, too
		return
	}
	h.log.ending = line
	switch {
	case h.Up != nil:
		if !h.data.ended.seen() {
			h.data.ended = line
		}
	case !h.lcp.terminated.seen():
		h.lcp.terminated, h.lcp.afterAuth, h.lcp.terminateID = line, h.auth.success.seen(), unprint(text)
	}
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
