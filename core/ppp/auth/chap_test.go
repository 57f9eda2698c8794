package auth

import (
	"bytes"
	"crypto/md5"
	"strings"
	"testing"
	"time"
)

// chap makes a packet of CHAP.
func chap(code, id byte, body string) []byte {
	n := 4 + len(body)
	return append([]byte{code, id, byte(n >> 8), byte(n)}, body...)
}

func TestRFC1994Section4_1ResponseIsComputed(t *testing.T) {
	for _, c := range []struct{ name, secret, value, server string }{
		{"user", "secret", "0123456789abcdef", "UMTS_CHAP_SRVR"},
		{"", "", "0123456789abcdef", ""}, // the E398's Windows dialer
		{"user", "", "x", "s"},
		{"user", "secret", "", "s"},
		{"user", strings.Repeat("long", 200), strings.Repeat("v", 255), strings.Repeat("n", 255)},
	} {
		m := newClient(t, CHAPMD5, ClientConfig{Name: c.name, Secret: NewSecret(c.secret)})
		started(m)
		const id = 0xa7
		sent, _ := after(m, chap(1, id, string([]byte{byte(len(c.value))})+c.value+c.server))
		sum := md5.Sum([]byte("\xa7" + c.secret + c.value))
		want := chap(2, id, "\x10"+string(sum[:])+c.name)
		if len(sent) != 1 || !bytes.Equal(sent[0], want) {
			t.Errorf("%q: got %x, want %x", c.name, sent, want)
		}
	}
}

func TestCHAPChallengesThatCannotBe(t *testing.T) {
	long := strings.Repeat("n", 256)
	for _, c := range []struct {
		name string
		m    Method
		p    []byte
	}{
		{"no value size", CHAPMD5, chap(1, 1, "")},
		{"value beyond the packet", CHAPMD5, chap(1, 1, "\x10short")},
		{"value size 255 and nothing", CHAPMD5, chap(1, 1, "\xff")},
		{"name of 256 octets", CHAPMD5, chap(1, 1, "\x01x"+long)},
		{"length beyond the packet", CHAPMD5, []byte{1, 1, 0, 99, 1, 'x'}},
		{"length below the header", CHAPMD5, []byte{1, 1, 0, 3, 1, 'x'}},
		{"short packet", CHAPMD5, []byte{1, 1, 0}},
		{"response", CHAPMD5, chap(2, 1, "\x01x")},
		{"unknown code", CHAPMD5, chap(9, 1, "\x01x")},
		{"RFC 2433 section 3: 16 octets", MSCHAP, chap(1, 1, "\x10"+long[:16])},
		{"RFC 2759 section 3: 8 octets", MSCHAPv2, chap(1, 1, "\x08"+long[:8])},
		{"RFC 2759 section 3: no octets", MSCHAPv2, chap(1, 1, "\x00")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newClient(t, c.m, ClientConfig{Name: "u"})
			started(m)
			sent, others := after(m, c.p)
			if len(sent) != 0 || len(results(others)) != 0 || len(notes(others)) != 1 {
				t.Errorf("got %x and %+v, want one note", sent, others)
			}
			if m.Deadline().IsZero() {
				t.Error("nothing limits the waiting any more")
			}
		})
	}
}

func TestCHAPSameChallengeSameResponse(t *testing.T) {
	for _, m := range []Method{CHAPMD5, MSCHAP, MSCHAPv2} {
		size := or(challengeSize(m), 16)
		value := string(rune(size)) + strings.Repeat("c", size)
		other := string(rune(size)) + strings.Repeat("d", size)
		client := newClient(t, m, ClientConfig{Name: "u", TolerateImpostor: true})
		started(client)
		first, _ := after(client, chap(1, 5, value))
		if again, _ := after(client, chap(1, 5, value)); !bytes.Equal(again[0], first[0]) {
			t.Errorf("%v: %x, then %x to the same challenge", m, first, again)
		}
		if _, others := after(client, chap(3, 5, "")); len(results(others)) != 1 {
			t.Fatalf("%v: no success: %+v", m, others)
		}
		if again, _ := after(client, chap(1, 5, value)); !bytes.Equal(again[0], first[0]) {
			t.Errorf("%v: after success, %x, then %x to the same challenge", m, first, again)
		}
		if again, _ := after(client, chap(1, 5, other)); len(again) != 1 || bytes.Equal(again[0], first[0]) {
			t.Errorf("%v: %x to another value under the same identifier", m, again)
		}
		if again, _ := after(client, chap(1, 6, value)); len(again) != 1 || again[0][1] != 6 {
			t.Errorf("%v: %x to another identifier", m, again)
		}
	}
}

func TestCHAPResults(t *testing.T) {
	challenge := chap(1, 5, "\x10"+strings.Repeat("c", 16)+"srv")
	for _, c := range []struct {
		name    string
		m       Method
		packets [][]byte
		want    []Output // without notes
		notes   int
	}{
		{"Success", CHAPMD5, [][]byte{challenge, chap(3, 5, "Hi")}, []Output{Success{Method: CHAPMD5, Peer: "srv", Message: "Hi"}}, 0},
		{"any identifier will do", CHAPMD5, [][]byte{challenge, chap(3, 77, "")}, []Output{Success{Method: CHAPMD5, Peer: "srv"}}, 1},
		{"nothing was challenged", CHAPMD5, [][]byte{chap(3, 77, "")}, []Output{Success{Method: CHAPMD5}}, 1},
		{"wrong length", CHAPMD5, [][]byte{challenge, {3, 5, 9, 9, 'H'}}, []Output{Success{Method: CHAPMD5, Peer: "srv", Message: "H"}}, 1},
		{"Failure", CHAPMD5, [][]byte{challenge, chap(4, 5, "E=691 R=0")}, []Output{Failure{Reason: Refused, Method: CHAPMD5, Peer: "srv", Message: "E=691 R=0"}}, 0},
		{"Success twice", CHAPMD5, [][]byte{challenge, chap(3, 5, ""), chap(3, 5, "")}, []Output{Success{Method: CHAPMD5, Peer: "srv"}}, 0},
		{"Failure after Success", CHAPMD5, [][]byte{challenge, chap(3, 5, ""), chap(4, 5, "")}, []Output{Success{Method: CHAPMD5, Peer: "srv"}}, 1},
		{"challenged again and refused", CHAPMD5, [][]byte{challenge, chap(3, 5, ""), chap(1, 6, "\x01x"), chap(4, 6, "")},
			[]Output{Success{Method: CHAPMD5, Peer: "srv"}, Failure{Reason: Refused, Method: CHAPMD5}}, 0},
		{"challenged again and taken", CHAPMD5, [][]byte{challenge, chap(3, 5, ""), chap(1, 6, "\x01xsrv"), chap(3, 6, "")},
			[]Output{Success{Method: CHAPMD5, Peer: "srv"}}, 0},
		{"Success after Failure", CHAPMD5, [][]byte{challenge, chap(4, 5, ""), chap(3, 5, "")}, []Output{Failure{Reason: Refused, Method: CHAPMD5, Peer: "srv"}}, 0},
		{"MS-CHAPv2 code", MSCHAPv2, [][]byte{challenge, chap(4, 5, "E=691 R=0 C=00 V=3 M=No")}, []Output{Failure{Reason: Refused, Method: MSCHAPv2, Peer: "srv", Message: "No", Code: 691}}, 0},
		{"MS-CHAPv2 without proof", MSCHAPv2, [][]byte{challenge, chap(3, 5, "Hi")}, []Output{Failure{Reason: Impostor, Method: MSCHAPv2, Peer: "srv", Message: "the server did not prove that it knows the password"}}, 0},
		{"MS-CHAPv2 without challenge", MSCHAPv2, [][]byte{chap(3, 5, "Hi")}, []Output{Failure{Reason: Impostor, Method: MSCHAPv2, Message: "the server did not prove that it knows the password"}}, 1},
		{"empty challenge", CHAPMD5, [][]byte{chap(1, 1, "\x00"), chap(3, 1, "")}, []Output{Success{Method: CHAPMD5}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newClient(t, c.m, ClientConfig{Name: "u"})
			started(m)
			var all []Output
			for _, p := range c.packets {
				_, others := after(m, p)
				all = append(all, others...)
			}
			if got := notes(all); len(got) != c.notes {
				t.Errorf("notes %q, want %d", got, c.notes)
			}
			got := results(all)
			if len(got) != len(c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got %+v, want %+v", got[i], c.want[i])
				}
			}
			if !m.Deadline().IsZero() {
				t.Error("a timer still runs")
			}
		})
	}
}

func TestRFC2759Section8_7ToleratedImpostor(t *testing.T) {
	m := newClient(t, MSCHAPv2, ClientConfig{Name: "u", TolerateImpostor: true})
	started(m)
	after(m, chap(1, 5, "\x10"+strings.Repeat("c", 16)+"srv"))
	_, others := after(m, chap(3, 5, "S="+strings.Repeat("0", 40)+" M=Hi"))
	if s := only[Success](t, "client", others); s.Verified || s.Message != "Hi" {
		t.Errorf("got %+v", s)
	}
	if len(notes(others)) != 1 {
		t.Errorf("notes %q, want one that tells of it", notes(others))
	}
}

// RFC 1994 section 4.2: a lost result is sent again, and the same; a response to an older challenge counts for nothing.
func TestCHAPServerRepeatsItsVerdict(t *testing.T) {
	for _, m := range []Method{CHAPMD5, MSCHAP, MSCHAPv2} {
		for _, secret := range []string{"right", "wrong"} {
			server := newServer(t, m, ServerConfig{Name: "srv", Lookup: secretsOf(map[string]string{"u": "right"})})
			client := newClient(t, m, ClientConfig{Name: "u", Secret: NewSecret(secret)})
			challenge := started(server)
			started(client)
			response, _ := after(client, challenge[0])
			stale := bytes.Clone(response[0])
			stale[1]++
			if sent, others := after(server, stale); len(sent) != 0 || len(results(others)) != 0 {
				t.Errorf("%v: a foreign identifier got %x", m, sent)
			}
			verdict, others := after(server, response[0])
			if len(verdict) != 1 || len(results(others)) != 1 {
				t.Fatalf("%v: got %x and %+v", m, verdict, others)
			}
			if again, others := after(server, response[0]); len(again) != 1 || !bytes.Equal(again[0], verdict[0]) || len(others) != 0 {
				t.Errorf("%v: got %x and %+v, want %x alone", m, again, others, verdict)
			}
		}
	}
}

func TestRFC1994Section2ServerChallengesAgain(t *testing.T) {
	server := newServer(t, CHAPMD5, ServerConfig{Name: "srv", Lookup: secretsOf(map[string]string{"u": "p"}), Rechallenge: time.Minute})
	client := newClient(t, CHAPMD5, ClientConfig{Name: "u", Secret: NewSecret("p")})
	first := started(server)
	started(client)
	response, _ := after(client, first[0])
	verdict, _ := after(server, response[0])
	if _, others := after(client, verdict[0]); len(others) != 1 {
		t.Fatalf("got %+v", others)
	}
	at := server.Deadline()
	if at.IsZero() {
		t.Fatal("no timer for the next challenge")
	}
	server.Advance(at)
	second, _ := drain(server)
	if len(second) != 1 || second[0][1] == first[0][1] || bytes.Equal(second[0][5:], first[0][5:]) {
		t.Fatalf("the second challenge %x must differ from the first %x in identifier and value", second, first)
	}
	response, _ = after(client, second[0])
	verdict, others := after(server, response[0])
	if len(verdict) != 1 || verdict[0][0] != 3 || len(others) != 0 {
		t.Errorf("got %x and %+v, want a quiet Success", verdict, others)
	}
}

func TestCHAPServerRefusesMalformedResponses(t *testing.T) {
	for _, m := range []Method{CHAPMD5, MSCHAP, MSCHAPv2} {
		for _, body := range []string{"", "\x31", "\xff" + strings.Repeat("x", 200), "\x01x" + strings.Repeat("n", 256)} {
			server := newServer(t, m, ServerConfig{AcceptAnybody: true})
			id := started(server)[0][1]
			if sent, others := after(server, chap(2, id, body)); len(sent) != 0 || len(results(others)) != 0 {
				t.Errorf("%v %q: got %x", m, body, sent)
			}
		}
		// A value of a wrong size is wrong, no more.
		server := newServer(t, m, ServerConfig{Lookup: secretsOf(map[string]string{"u": ""})})
		id := started(server)[0][1]
		if sent, _ := after(server, chap(2, id, "\x02xxu")); len(sent) != 1 || sent[0][0] != 4 {
			t.Errorf("%v: got %x, want a Failure", m, sent)
		}
	}
}
