package diagnose

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// logHistory is what lines of other programs have shown, other than packets and events.
type logHistory struct {
	seen  bool // there was at least one line
	known int  // lines with a meaning for a rule
	eof   bool // the recording stops here
	ended bool // the log says that the attempt is over
	ours  bool // this side ended the call

	pppd    bool   // pppd said that it started
	dialled bool   // pppd was started by a dialer that had a connection
	connect clue   // the "Connect: ppp0 <--> tty" line
	tty     string // the tty in it, or the interface of a PPPoE session
	pppoe   bool   // the session runs over Ethernet
	minutes float64
	timed   bool // minutes is known
	lostAt  time.Time

	wantDNS    bool          // name servers were asked for
	afterUp    int           // lines after the addresses
	noNames    clue          // a name could not be found
	gaveUp     clue          // the dialer that started pppd, or the user, stopped waiting
	noRoute    clue          // there was no route to a destination
	ownNoRoute bool          // a daemon said noRoute about an address of its own
	pinged     string        // what was pinged last
	noPing     clue          // every ping was lost
	route      clue          // the previous default route was kept
	routeOver  string        // "through" and its interface, if the route has no gateway
	routed     bool          // a table of routes shows the default route on the link
	elsewhere  clue          // the row of a table that shows the default route elsewhere
	ppp        bool          // the dialer says that it starts PPP
	pppAt      time.Time     // when wvdial says that it started pppd
	pppFor     time.Duration // and how long after that it hung up, 0 if it does not say
	diedHungUp bool          // pppd's exit status says that the line was lost
	expects    string        // what chat waits for
	signal     clue          // the dialer got SIGHUP
	gone       clue          // the port or the device went away
	wasUp      bool          // an attempt before this one was up
	redial     clue          // a later attempt found nothing at the other end
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

	hits    map[string]*lineHit // causes that lines name by themselves, by id
	hinted  int                 // lines that say something by their words alone
	unknown int                 // lines whose meaning is not known
	spoken  int                 // those of them that speak of a modem
	spoke   clue                // the last of them
	hints   []hinted            // findings that lines speak of whose meaning is not known
}

// answers withdraws the finding that the modem does not answer commands: it was only slow.
func (h *history) answers() {
	h.failures = slices.DeleteFunc(h.failures, func(f fault) bool { return f.Cause == event.FailedModemSilent && f.Phase != event.PhaseDial })
}

// fail notes a failure that a log reports in words.
func (h *history) fail(phase, cause string, line clue) {
	if h.Up != nil && h.brokeBy == "" {
		h.brokeBy = cause
	}
	if len(h.failures) < maxFailures {
		h.failures = append(h.failures, fault{event.Failure{Phase: phase, Cause: cause, Detail: line.said()}, line})
	}
}

// hungUp notes the end of the line, unless the call was ended before: then it only follows from that.
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

// peerEnds notes the peer's Terminate-Request as pppd reports it.
func (h *history) peerEnds(line clue, text string) {
	if h.log.ours { // the peer only answers our own termination
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

// unprint gives the octets of a text that pppd has made printable: old releases write ^@ and M-x, newer ones \ooo.
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
