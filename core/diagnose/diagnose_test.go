package diagnose

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// The story of the Huawei E398: the finding says what was sent and asked, what the success is worth, what is known of the
// dialer that worked and how well, and what else to look at.
func TestE398(t *testing.T) {
	story := tell(modemSays("AT+CREG?", "+CREG: 0,1", "OK"), authenticated("wap"), times(3, emptyNaks), failure(event.PhaseIPCP, event.FailedEmptyNaks, "3 empty Naks"))
	f, ok := judge(story).Finding()
	if !ok || f.ID != "ipcp-empty-nak" || f.Category != "apn-or-account-not-accepted" || f.Confidence != "likely" {
		t.Fatalf("%+v", f)
	}
	for _, want := range []string{`"wap"`, "what was asked for: address.", "proves nothing", "UMTS_CHAP_SRVR", "empty user name", "DNS and NBNS", "never confirmed"} {
		if !strings.Contains(f.Meaning, want) {
			t.Errorf("the meaning does not say %q:\n%s", want, f.Meaning)
		}
	}
	cures := strings.Join(f.Cure, "\n")
	for _, want := range []string{`--user ""`, "--set ipcp.request=address,dns1,dns2,nbns1,nbns2", "+CREG", "--apn"} {
		if !strings.Contains(cures, want) {
			t.Errorf("no cure says %q:\n%s", want, cures)
		}
	}
	if !slices.Contains(f.Evidence, "rcvd [IPCP ConfNak id=0x1], 3 times in 2.0 s, one about every 1.0 s") || !slices.Contains(f.Evidence, "+CREG: 0,1") {
		t.Errorf("evidence %q", f.Evidence)
	}

	// What was done already is no cure.
	ask := sent(packet.IPCP, packet.ConfigureRequest, zero, ip(packet.IPCPDNS1, "0.0.0.0"), ip(packet.IPCPDNS2, "0.0.0.0"), ip(packet.IPCPNBNS1, "0.0.0.0"), ip(packet.IPCPNBNS2, "0.0.0.0"))
	f, _ = judge(tell(authenticated(""), times(3, tell(ask, rcvd(packet.IPCP, packet.ConfigureNak))))).Finding()
	if cures := strings.Join(f.Cure, "\n"); strings.Contains(cures, `--user ""`) || strings.Contains(cures, "ipcp.request") {
		t.Errorf("a cure that is in place already:\n%s", cures)
	}
	if !strings.Contains(f.Meaning, "was empty; what was asked for: address, dns1, dns2, nbns1, nbns2") {
		t.Errorf("%s", f.Meaning)
	}
}

// The packets alone are enough: a log has no Failure and no phases. The seed of the corpus breaks off after two Naks.
func TestLogsWithoutHints(t *testing.T) {
	bare := func(e events) events {
		return slices.DeleteFunc(e, func(e event.Event) bool { return e.Kind() == "phase" || e.Kind() == "failure" })
	}
	for id, story := range map[string]events{
		"ipcp-empty-nak":                    tell(authenticated("wap"), times(2, emptyNaks), down()),
		"ipcp-placeholder-only":             tell(authenticated("x"), times(3, placeNak), down()),
		"ipcp-hangup-after-auth":            tell(authenticated("x"), askAddress, carrier),
		"lcp-terminated-by-peer-after-auth": tell(authenticated("x"), askAddress, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil)),
		"ipcp-no-answer":                    tell(authenticated("x"), times(10, askAddress), down()),
		"no-carrier-in-ppp":                 tell(lcpOpen, challenge, carrier),
		"bogus-address":                     tell(authenticated("x"), gets("127.0.0.1"), down()),
		"lcp-no-answer":                     tell(dialled, times(10, request), down()),
	} {
		if f, ok := judge(bare(story)).Finding(); !ok || f.ID != id {
			t.Errorf("%s is judged %v", id, f.ID)
		}
	}
}

// Stalling Naks of any kind open many good sessions.
func TestStallingNaksBeforeAnAddressAreNoFailure(t *testing.T) {
	for name, stall := range map[string]events{"empty": emptyNaks, "placeholder": placeNak, "repeated": stallNak} {
		story := tell(authenticated("x"), times(30, stall), good)
		if got := ids(judge(story).Findings()); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The engine tells a stall while it goes on asking; what comes of it in the end counts.
func TestStallThatEndsWell(t *testing.T) {
	for _, cause := range []string{event.FailedEmptyNaks, event.FailedRepeatedNaks, event.FailedNoAddress, event.FailedBogusAddress} {
		stall := tell(authenticated("x"), times(5, emptyNaks), failure(event.PhaseIPCP, cause, "the peer's answers lead nowhere"))
		if len(judge(stall).Findings()) == 0 {
			t.Errorf("%s: nothing is said of the stall while it lasts", cause)
		}
		if got := ids(judge(tell(stall, good)).Findings()); len(got) != 0 {
			t.Errorf("%s: %v", cause, got)
		}
	}
}

// A live dial is judged while it runs: nothing is said before it is time.
func TestLiveDialIsNotJudgedEarly(t *testing.T) {
	story := tell(modemSays("AT", "OK"), modemSays("AT+CPIN?", "+CPIN: SIM PIN", "OK"), modemSays("AT+CPIN=****", "OK"), modemSays("AT+CREG?", "+CREG: 0,2", "OK"),
		modemSays("AT+CREG?", "+CREG: 0,1", "OK"), authenticated("x"), emptyNaks, times(4, placeNak), good)
	w := New()
	for i, e := range story {
		w.Record(event.Record{Event: e})
		if got := ids(w.Findings()); len(got) != 0 {
			t.Fatalf("after event %d, %+v: %v", i, e, got)
		}
	}
}

func TestNewAttemptForgets(t *testing.T) {
	story := tell(authenticated("wap"), times(3, emptyNaks), down(), events{event.Attempt{Number: 2}})
	if got := ids(judge(story).Findings()); len(got) != 0 {
		t.Errorf("the attempt before is held against the new one: %v", got)
	}
	if f, _ := judge(tell(story, modemSays("ATD*99#", "NO CARRIER"))).Finding(); f.ID != "no-carrier" {
		t.Errorf("the second attempt: %+v", f)
	}
	if got := ids(judge(tell(events{event.Attempt{Number: 1}}, authenticated("wap"), times(3, emptyNaks))).Findings()); len(got) == 0 {
		t.Error("the first attempt was forgotten")
	}
}

func TestCleanEndIsNoFinding(t *testing.T) {
	story := tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), phase(event.PhaseHangup),
		pkt(sentDir, packet.LCP, packet.TerminateRequest, nil), pkt(rcvdDir, packet.LCP, packet.TerminateAck, nil), carrier, ended(1, 1))
	if got := judge(story).Findings(); len(got) != 0 {
		t.Errorf("%v", ids(got))
	}
}

func TestMoreTellingDetails(t *testing.T) {
	f, _ := judge(tell(lcpOpen, challenge, response("bob"), pkt(rcvdDir, packet.CHAP, packet.CHAPFailure, []byte("E=691 R=0")))).Finding()
	if !strings.Contains(f.Meaning, "691 means: the user name or the password is wrong") || f.Confidence != "certain" {
		t.Errorf("%+v", f)
	}
	f, _ = judge(modemSays("ATD*99#", "+CME ERROR: 133")).Finding()
	if !strings.Contains(f.Meaning, "requested service option not subscribed") {
		t.Errorf("%+v", f)
	}
	f, _ = judge(tell(lcpOpen, challenge, response("bob"), pkt(rcvdDir, packet.LCP, packet.TerminateRequest, []byte{0xff, 'M', 0, 0, 2, 0xb3}))).Finding()
	if f.ID != "auth-rejected" {
		t.Errorf("Microsoft's terminate: %+v", f)
	}
	lost := tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), pkt(rcvdDir, packet.LCP, packet.EchoReply, make([]byte, 4)), failure(event.PhaseUp, event.FailedEchoTimeout, ""))
	if f, _ = judge(lost).Finding(); f.ID != "echo-timeout" || f.Category != "transport-lost" {
		t.Errorf("a modem that had answered: %+v", f)
	}
}

func TestBogusAddressThatWasNeverTaken(t *testing.T) {
	f, _ := judge(tell(authenticated("x"), times(6, nakAddress("10.11.12.13")), failure(event.PhaseIPCP, event.FailedNoAddress, ""))).Finding()
	if f.ID != "bogus-address" {
		t.Errorf("%+v", f)
	}
}

// What a modem answers to the command after a dial that got no answer is no answer to the dial.
func TestDialWithoutAnswer(t *testing.T) {
	f, _ := judge(tell(modemSays("ATD*99#"), modemSays("AT", "ERROR"), failure(event.PhaseDial, event.FailedDialRefused, "no CONNECT within 1m0s"))).Finding()
	if f.ID != "no-carrier" {
		t.Errorf("%+v", f)
	}
}

// The second number of +CSQ is the bit error rate, which most modems do not know: 99 there is no lack of a signal.
func TestSignalIsTheFirstNumber(t *testing.T) {
	for csq, want := range map[string]bool{"+CSQ: 17,99": false, "+CSQ: 99,99": true, "+CSQ: 9,9": false} {
		f, _ := judge(tell(modemSays("AT+CSQ", csq, "OK"), modemSays("ATD*99#", "NO CARRIER"))).Finding()
		if got := f.ID == "not-registered"; got != want {
			t.Errorf("%s is judged %s", csq, f.ID)
		}
	}
}

// Names that look like a subscriber stay hidden in every finding, and no evidence carries a response.
func TestFindingsHideIdentities(t *testing.T) {
	f, ok := judge(tell(authenticated("00000000001@realm.example"), times(3, emptyNaks))).Finding()
	all := f.Meaning + strings.Join(f.Evidence, "\n") + strings.Join(f.Cure, "\n")
	if !ok || strings.Contains(all, "00000000001") || !strings.Contains(all, "@realm.example") || strings.Contains(all, "05060708") {
		t.Errorf("%s", all)
	}
}

// Whatever comes in whatever order, judging neither panics nor grows.
func FuzzWatcher(f *testing.F) {
	f.Add(uint64(1), "NO CARRIER", []byte{1, 1, 0, 10, 3, 6, 0, 0, 0, 0})
	f.Add(uint64(7), "+CREG: 0,2", []byte{3, 1, 0, 4})
	f.Add(uint64(9), "LCP terminated by peer (^@^@^BM-3)", []byte{5, 1, 0, 8, 0, 0, 2, 0xb3})
	f.Add(uint64(11), "Connect time 1.1 minutes.", []byte{1, 2})
	f.Add(uint64(12), "Sent 5 bytes, received 0 bytes.", []byte{1, 2})
	f.Fuzz(func(t *testing.T, seed uint64, s string, data []byte) {
		r := rand.New(rand.NewPCG(seed, 1))
		protocols := []uint16{packet.LCP, packet.PAP, packet.CHAP, packet.EAP, packet.IPCP, packet.CCP, 0x8001, 0x0021}
		pieces := []events{dialled, lcpOpen, challenge, success, askAddress, emptyNaks, placeNak, carrier, good, up(), down(), gets("0.0.0.0"),
			text(s), modemSays(s, s, s), modemSays("ATD1", s), modemSays("AT+CPIN=****", s), failure(s, s, s), phase(s), probes(1, s), {event.Notice{Level: "warning", Text: s}}, logs(s), logs("local  IP address " + s), logs("Modem hangup"), {event.Unread{Text: s, Bytes: len(s)}}, {event.Data{Protocol: packet.IP}}, {event.Attempt{Number: 2}}}
		w, c := New(), NewCase()
		for n := range 60 {
			piece := pieces[r.IntN(len(pieces))]
			if r.IntN(3) == 0 {
				piece = events{event.Packet{Dir: event.Dir(r.IntN(2)), Protocol: protocols[r.IntN(len(protocols))], Data: data}}
			}
			for _, e := range piece {
				rec := event.Record{Time: time.Unix(int64(r.IntN(1000)), 0), Event: e}
				w.Record(rec)
				rec.Pos.Line = int64(n + 1)
				c.Record(rec)
			}
			v := c.Verdict()
			for _, f := range slices.Concat(w.Findings(), v.Findings, v.Notes) {
				if f.Title == "" || f.Meaning == "" || len(f.Cure) == 0 {
					t.Fatalf("incomplete: %+v", f)
				}
				for _, e := range f.Evidence {
					if e == "" || strings.ContainsAny(e, "\r\n\x1b\x00") {
						t.Fatalf("evidence %q of %s", e, f.ID)
					}
				}
			}
		}
		if len(w.h.failures) > maxFailures || len(w.h.line.texts) > maxLines || len(w.h.notices) > maxNotices || len(w.h.lcp.rejected) > maxLines {
			t.Fatal("the history grows without a bound")
		}
	})
}

// A peer that gives way on its demand and goes on has not failed for it.
func TestPeerThatGivesWayOnAuthentication(t *testing.T) {
	story := tell(dialled, lcpOurs, rcvd(packet.LCP, packet.ConfigureRequest, chapMD5), sent(packet.LCP, packet.ConfigureReject, chapMD5),
		rcvd(packet.LCP, packet.ConfigureRequest, magic2), sent(packet.LCP, packet.ConfigureAck, magic2), askAddress, down())
	if got := ids(judge(story).Findings()); slices.Contains(got, "auth-method-unacceptable") {
		t.Errorf("%v", got)
	}
}

// A recording tells no phases: NO CARRIER behind our own Terminate-Request is what we asked for, not why the call failed.
func TestCarrierAfterOurEnd(t *testing.T) {
	story := tell(authenticated("x"), times(6, tell(askAddress, rcvd(packet.IPCP, packet.ConfigureNak))), sent(packet.LCP, packet.TerminateRequest), carrier)
	if got := ids(judge(story).Findings()); len(got) != 1 || got[0] != "ipcp-empty-nak" {
		t.Errorf("found %q", got)
	}
}

// What a peer says in its Terminate-Request is judged on a live call as in a log.
func TestWordsOfAPeerThatEnds(t *testing.T) {
	for text, want := range map[string]string{
		"MPPE required but peer negotiation failed": "mppe-required",
		"peer refused to authenticate":              "peer-says-auth-missing",
		"Authentication failed":                     "peer-says-auth-failed",
	} {
		story := tell(lcpOpen, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, []byte(text)), down())
		if f, ok := judge(story).Finding(); !ok || f.ID != want {
			t.Errorf("%q is judged %q, want %s", text, f.ID, want)
		}
	}
}
