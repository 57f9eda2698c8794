package diagnose

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/sentence"
)

// events is a piece of a story, told in the words of the functions below.
type events []event.Event

func tell(parts ...events) events { return slices.Concat(parts...) }

func times(n int, e events) events {
	var out events
	for range n {
		out = append(out, e...)
	}
	return out
}

// judge records a story, one second between two packets that are sent.
func judge(story events) *Watcher {
	w := New()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, e := range story {
		if p, ok := e.(event.Packet); ok && p.Dir == event.Sent {
			now = now.Add(time.Second)
		}
		w.Record(event.Record{Time: now, Link: "default", Event: e})
	}
	return w
}

func ids(all []event.Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.ID)
	}
	return out
}

// logs are lines of pppd's log.
func logs(lines ...string) events {
	var out events
	for _, l := range lines {
		m := sentence.Of("pppd", l)
		out = append(out, event.Log{Program: "pppd", Text: l, Means: m.Words, Value: m.Value})
	}
	return out
}

func phase(p string) events { return events{event.Phase{Phase: p}} }

func text(s string) events { return events{event.Text{Text: s}} }

func failure(phase, cause string, words string) events {
	return events{event.Failure{Phase: phase, Cause: cause, Detail: words}}
}

func down() events { return events{event.Down{Reason: "failed", ExitCode: 10}} }

// modemSays is a command and what the modem answers.
func modemSays(command string, answers ...string) events {
	out := events{event.AT{Dir: event.Sent, Text: command}}
	for _, a := range answers {
		out = append(out, event.AT{Dir: event.Rcvd, Text: a})
	}
	return out
}

func pkt(dir event.Dir, protocol uint16, code uint8, data []byte) events {
	info := packet.Packet{Code: code, ID: 1, Data: data}.AppendTo(nil)
	return events{event.Packet{Dir: dir, Protocol: protocol, Data: private.Packet(protocol, info)}}
}

func sent(protocol uint16, code uint8, o ...packet.Option) events {
	return pkt(event.Sent, protocol, code, packet.AppendOptions(nil, o))
}

func rcvd(protocol uint16, code uint8, o ...packet.Option) events {
	return pkt(event.Rcvd, protocol, code, packet.AppendOptions(nil, o))
}

func ip(typ uint8, a string) packet.Option {
	return packet.AddressOption(typ, netip.MustParseAddr(a))
}

var (
	chapMD5 = packet.AuthOption(packet.CHAP, packet.AlgorithmMD5)
	pap     = packet.AuthOption(packet.PAP, 0)
	zero    = ip(packet.IPCPAddress, "0.0.0.0")
	magic   = packet.Uint32Option(packet.LCPMagic, 0x1234)

	dialled = tell(phase(event.PhaseDial), modemSays("ATD*99#", "CONNECT 7200000"), phase(event.PhaseLCP))

	request   = sent(packet.LCP, packet.ConfigureRequest, magic)
	lcpOurs   = tell(request, rcvd(packet.LCP, packet.ConfigureAck, magic))
	lcpOpen   = tell(dialled, lcpOurs, rcvd(packet.LCP, packet.ConfigureRequest, chapMD5), sent(packet.LCP, packet.ConfigureAck, chapMD5), phase(event.PhaseAuth))
	challenge = pkt(event.Rcvd, packet.CHAP, packet.CHAPChallenge, []byte("\x04\x01\x02\x03\x04UMTS_CHAP_SRVR"))
	success   = pkt(event.Rcvd, packet.CHAP, packet.CHAPSuccess, nil)

	askAddress = sent(packet.IPCP, packet.ConfigureRequest, zero)
	emptyNaks  = tell(askAddress, rcvd(packet.IPCP, packet.ConfigureNak))
	placeNak   = tell(askAddress, rcvd(packet.IPCP, packet.ConfigureNak, ip(packet.IPCPDNS1, "10.11.12.13"), ip(packet.IPCPDNS2, "10.11.12.14")))
	stallNak   = tell(askAddress, rcvd(packet.IPCP, packet.ConfigureNak, ip(packet.IPCPDNS1, "0.0.0.0")))
	carrier    = text("NO CARRIER")
)

func response(user string) events {
	return pkt(event.Sent, packet.CHAP, packet.CHAPResponse, []byte("\x04\x05\x06\x07\x08"+user))
}

// authenticated is a call up to the network phase with a success that proves nothing.
func authenticated(user string) events {
	return tell(lcpOpen, challenge, response(user), success, phase(event.PhaseIPCP))
}

// gets is an address asked for and given.
func gets(address string, more ...packet.Option) events {
	o := append([]packet.Option{ip(packet.IPCPAddress, address)}, more...)
	return tell(sent(packet.IPCP, packet.ConfigureRequest, o...), rcvd(packet.IPCP, packet.ConfigureAck, o...))
}

func up(dns ...string) events {
	return tell(phase(event.PhaseUp), events{event.Up{Local: "10.7.0.2", DNS: dns}})
}

func ended(in, out uint64) events {
	return events{event.Down{Reason: "ended", Seconds: 60, BytesIn: in, BytesOut: out}}
}

// good is a call that comes up from any point of the network phase.
var good = tell(gets("10.7.0.2", ip(packet.IPCPDNS1, "192.0.2.1")), up("192.0.2.1"), ended(1000, 1000))

// The first finding is what a person sees, so each rule's case must be judged by that rule first. The near miss looks
// alike and must not be called so at all.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range ruleCases {
		t.Run(tt.id, func(t *testing.T) {
			seen[tt.id] = true
			f, ok := judge(tt.positive).Finding()
			if !ok || f.ID != tt.id {
				t.Errorf("the case is judged %v, want %s first", ids(judge(tt.positive).Findings()), tt.id)
			}
			if ok && (f.Title == "" || f.Meaning == "" || len(f.Cure) == 0 || f.Confidence == "") {
				t.Errorf("a finding without title, meaning, cure or confidence: %+v", f)
			}
			if got := ids(judge(tt.near).Findings()); slices.Contains(got, tt.id) {
				t.Errorf("the near miss is judged %v", got)
			}
			if len(tt.positive) == 0 || len(tt.near) == 0 {
				t.Error("a case without events proves nothing")
			}
		})
	}
	for _, r := range slices.Concat(rules[:]...) {
		if !seen[r.id] {
			t.Errorf("rule %s has no case", r.id)
		}
	}
}

func TestCategoriesAreOfTheCorpus(t *testing.T) {
	known := []string{"", "apn-or-account-not-accepted", "pdp-activation-refused", "auth-rejected", "auth-method-or-secret-missing", "we-require-peer-auth",
		"dns-missing-or-placeholder", "local-ip-forced", "ipcp-option-interop", "dial-refused-by-network", "not-registered", "modem-not-answering",
		"login-dialogue-mismatch", "wrong-tty-port", "no-lcp-answer", "line-looped-back", "port-shared-with-other-program", "transport-lost",
		"peer-ended-session", "echo-timeout-too-strict", "no-data-after-up", "default-route-not-installed", "mppe-mismatch", "compression-failure",
		"kernel-ppp-support-missing", "pppd-or-kernel-bug"}
	for _, r := range slices.Concat(rules[:]...) {
		if !slices.Contains(known, r.category) {
			t.Errorf("%s: no such category: %s", r.id, r.category)
		}
	}
	for _, r := range sentence.Causes() {
		if !slices.Contains(known, r.Category) {
			t.Errorf("%s: no such category: %s", r.ID, r.Category)
		}
	}
	for _, want := range known { // and each is found by some rule
		if !slices.ContainsFunc(slices.Concat(rules[:]...), func(r rule) bool { return r.category == want }) &&
			!slices.ContainsFunc(sentence.Causes(), func(r sentence.Cause) bool { return r.Category == want }) {
			t.Errorf("no rule finds %s", want)
		}
	}
}
