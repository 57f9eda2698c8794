package ppp

import (
	"fmt"
	"strings"
	"testing"
)

// rfcTable is the state transition table of RFC 1661 section 4.1, kept apart from the one that runs, in the RFC's
// own notation: actions/state, a footnote letter behind the state, "-" for illegal.
const rfcTable = `
Up    2         irc,scr/6  -          -                -          -          -          -          -          -
Down  -         -          0          tls/1            0          1          1          1          1          tld/1
Open  tls/1     1          irc,scr/6  3r               5r         5r         6          7          8          9r
Close 0         tlf/0      2          2                4          4          irc,str/4  irc,str/4  irc,str/4  tld,irc,str/4
TO+   -         -          -          -                str/4      str/5      scr/6      scr/6      scr/8      -
TO-   -         -          -          -                tlf/2      tlf/3      tlf/3p     tlf/3p     tlf/3p     -
RCR+  -         -          sta/2      irc,scr,sca/8    4          5          sca/8      sca,tlu/9  sca/8      tld,scr,sca/8
RCR-  -         -          sta/2      irc,scr,scn/6    4          5          scn/6      scn/7      scn/6      tld,scr,scn/6
RCA   -         -          sta/2      sta/3            4          5          irc/7      scr/6x     irc,tlu/9  tld,scr/6x
RCN   -         -          sta/2      sta/3            4          5          irc,scr/6  scr/6x     irc,scr/8  tld,scr/6x
RTR   -         -          sta/2      sta/3            sta/4      sta/5      sta/6      sta/6      sta/6      tld,zrc,sta/5
RTA   -         -          2          3                tlf/2      tlf/3      6          6          8          tld,scr/6
RUC   -         -          scj/2      scj/3            scj/4      scj/5      scj/6      scj/7      scj/8      scj/9
RXJ+  -         -          2          3                4          5          6          6          8          9
RXJ-  -         -          tlf/2      tlf/3            tlf/2      tlf/3      tlf/3      tlf/3      tlf/3      tld,irc,str/5
RXR   -         -          2          3                4          5          6          7          8          ser/9
`

func TestTransitionTableRFC1661Section4_1(t *testing.T) {
	actions := map[string]Actions{
		"tld": ThisLayerDown, "irc": InitRestart, "zrc": ZeroRestart, "scr": SendRequest, "sca": SendAck, "scn": SendNak,
		"str": SendTerminate, "sta": SendTerminateAck, "scj": SendCodeReject, "ser": SendEchoReply,
		"tls": ThisLayerStarted, "tlu": ThisLayerUp, "tlf": ThisLayerFinished,
	}
	cells := 0
	for i, line := range strings.Split(strings.TrimSpace(rfcTable), "\n") {
		fields := strings.Fields(line)
		e := FSMEvent(i)
		if e.String() != fields[0] || len(fields) != 11 {
			t.Fatalf("row %d is %q, the event is %s", i, line, e)
		}
		for s := StateInitial; s <= StateOpened; s++ {
			cells++
			printed := fields[1+s]
			want := Cell{Next: s, Illegal: true}
			if printed != "-" {
				do, next, found := strings.Cut(printed, "/")
				if !found {
					do, next = "", printed
				}
				want = Cell{Next: State(next[0] - '0')}
				if len(next) == 2 {
					want.Note = next[1]
				}
				for _, a := range strings.Split(do, ",") {
					if a != "" {
						if actions[a] == 0 {
							t.Fatalf("unknown action %q", a)
						}
						want.Do |= actions[a]
					}
				}
			}
			t.Run(fmt.Sprintf("%s in %s", e, s), func(t *testing.T) {
				if got := Transition(s, e); got != want {
					t.Errorf("got %+v, RFC 1661 says %s", got, printed)
				}
			})
		}
	}
	if cells != 160 {
		t.Errorf("tested %d cells of 160", cells)
	}
}

// In a state in which the restart timer runs it must have been started, or already be running: a state without it
// may be left towards one with it only by an action that starts it (RFC 1661 sections 4.2 and 4.4).
func TestEveryWayIntoATimedStateStartsTheTimer(t *testing.T) {
	for e := FSMEvent(0); e < eventCount; e++ {
		for s := StateInitial; s <= StateOpened; s++ {
			c := Transition(s, e)
			if c.Illegal || s.timed() || !c.Next.timed() {
				continue
			}
			starts := c.Do&(SendRequest|SendTerminate|ZeroRestart) != 0
			// Open in Stopped-like states leads nowhere new; Open in Closing was timed already.
			if !starts {
				t.Errorf("%s in %s leads to %s without starting the timer", e, s, c.Next)
			}
		}
	}
}
