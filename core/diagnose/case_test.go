package diagnose

import (
	"testing"

	"github.com/knakppp/knak/core/event"
)

func caseOf(story events) Verdict {
	c := NewCase()
	for i, e := range story {
		c.Record(event.Record{Pos: event.Pos{Line: int64(i + 1)}, Event: e})
	}
	return c.Verdict()
}

// A log of several attempts is judged by the one that tells most.
func TestAttempts(t *testing.T) {
	started := logs("pppd 2.4.9 started by root, uid 0", "Connect: ppp0 <--> /dev/ttyUSB0")
	authBad := tell(started, logs("CHAP authentication failed", "Connection terminated.", "Exit."))
	works := tell(started, logs("CHAP authentication succeeded", "local  IP address 10.7.0.2", "remote IP address 10.64.64.64", "primary   DNS address 192.0.2.1"))
	silent := tell(started, logs("LCP: timeout sending Config-Requests", "Connection terminated."))
	refused := tell(started, logs("PAP authentication succeeded", "Modem hangup", "Connection terminated."))
	for _, tt := range []struct {
		name     string
		story    events
		want     string // the first finding, "" for none
		attempt  int
		attempts int
	}{
		{"one", authBad, "auth-rejected", 1, 1},
		{"the last of two that are alike", tell(authBad, authBad), "auth-rejected", 2, 2},
		{"it ends well", tell(authBad, silent, works), "", 3, 3},
		{"it ended well once", tell(works, logs("Terminating on signal 15", "Connection terminated."), authBad), "auth-rejected", 2, 2},
		{"the second came less far", tell(refused, silent), "ipcp-hangup-after-auth", 1, 2},
		{"the second came further", tell(silent, refused), "ipcp-hangup-after-auth", 2, 2},
		{"the second is cut off", tell(authBad, started), "auth-rejected", 1, 2},
		{"the dialer tries again and nobody answers", tell(modemSays("ATD*99#", "NO CARRIER"), modemSays("ATD*99#")), "no-carrier", 1, 2},
		{"the port went away", tell(works, logs("Modem hangup", "Connect time 8.0 minutes.", "Sent 9999 bytes, received 9999 bytes.", "Exit."),
			logs("pppd 2.4.9 started by root, uid 0", "Failed to open /dev/ttyUSB0: No such file or directory")), "transport-lost", 2, 2},
	} {
		v := caseOf(tt.story)
		got := ""
		if len(v.Findings) > 0 {
			got = v.Findings[0].ID
		}
		if got != tt.want || v.Attempt != tt.attempt || v.Attempts != tt.attempts {
			t.Errorf("%s: %q of attempt %d of %d, want %q of %d of %d", tt.name, got, v.Attempt, v.Attempts, tt.want, tt.attempt, tt.attempts)
		}
	}
}

// What is only worth knowing about a call that worked is no finding.
func TestNotes(t *testing.T) {
	v := caseOf(logs("Connect: ppp0 <--> /dev/ttyUSB0", "not replacing existing default route via 192.0.2.1", "local  IP address 10.7.0.2", "remote IP address 10.64.64.64", "primary   DNS address 192.0.2.1"))
	if len(v.Findings) != 0 || len(v.Notes) != 1 || v.Notes[0].ID != "default-route-kept" || !v.Up {
		t.Errorf("%+v", v)
	}
}

// A log that stops proves less than one that ends.
func TestCutLog(t *testing.T) {
	whole := tell(lcpOpen, challenge, response("x"), success, placeNak, placeNak)
	if v := caseOf(whole); len(v.Findings) != 1 || v.Findings[0].ID != "ipcp-placeholder-only" || v.Findings[0].Confidence != "possible" {
		t.Errorf("cut: %+v", v)
	}
	if v := caseOf(tell(whole, down())); v.Findings[0].Confidence != "likely" {
		t.Errorf("ended: %+v", v)
	}
}

func TestNothingToJudge(t *testing.T) {
	c := NewCase()
	c.Record(event.Record{Event: event.Unread{Text: "lorem ipsum", Reason: "of no known kind"}})
	if v := c.Verdict(); v.Told != 0 || v.Up || len(v.Findings) != 0 {
		t.Errorf("%+v", v)
	}
}
