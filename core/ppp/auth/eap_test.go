package auth

import (
	"bytes"
	"crypto/md5"
	"strings"
	"testing"
)

// eap makes a Request, Response, or (with typ 0) a result.
func eap(code, id, typ byte, data string) []byte {
	if typ == 0 {
		return chap(code, id, "")
	}
	return chap(code, id, string([]byte{typ})+data)
}

func TestRFC3748Section5AnswersOfTheClient(t *testing.T) {
	md5only := []Method{CHAPMD5}
	sum := md5.Sum([]byte("\x07secret" + "value"))
	for _, c := range []struct {
		name    string
		inner   []Method
		request []byte
		want    []byte // nil: no answer
		notes   int
	}{
		{"5.1 Identity", nil, eap(1, 7, 1, ""), eap(2, 7, 1, "user"), 0},
		{"5.1 Identity with a prompt", nil, eap(1, 7, 1, "Who?\x00NAS=1"), eap(2, 7, 1, "user"), 0},
		{"5.2 Notification", nil, eap(1, 7, 2, "pay\x1b up"), eap(2, 7, 2, ""), 1},
		{"5.3 Nak is no request", nil, eap(1, 7, 3, ""), nil, 1},
		{"type 0", nil, chap(1, 7, "\x00"), nil, 1},
		{"5.3.1 Nak of one-time passwords", nil, eap(1, 7, 5, "x"), eap(2, 7, 3, "\x1a\x04"), 0},
		{"5.3.1 Nak of TLS", nil, eap(1, 7, 13, ""), eap(2, 7, 3, "\x1a\x04"), 0},
		{"5.3.1 Nak of an expanded type", nil, eap(1, 7, 254, "\x00\x00\x00\x00\x00\x00\x09"), eap(2, 7, 3, "\x1a\x04"), 0},
		{"5.3.1 Nak of what is not allowed", md5only, eap(1, 7, 26, "\x01\x07\x00\x05"), eap(2, 7, 3, "\x04"), 0},
		{"5.3.1 Nak with nothing to offer", []Method{}, eap(1, 7, 4, "\x01x"), eap(2, 7, 3, "\x00"), 0},
		{"5.4 MD5-Challenge", nil, eap(1, 7, 4, "\x05valuesrv"), eap(2, 7, 4, "\x10"+string(sum[:])+"user"), 0},
		{"5.4 value beyond the packet", nil, eap(1, 7, 4, "\x06value"), nil, 1},
		{"5.4 no value size", nil, eap(1, 7, 4, ""), nil, 1},
		{"CVE-2020-8597: name of 256 octets", nil, eap(1, 7, 4, "\x01x"+strings.Repeat("n", 256)), nil, 1},
		{"CVE-2020-8597: name of 1400 octets", nil, eap(1, 7, 4, "\x01x"+strings.Repeat("n", 1400)), nil, 1},
		{"CVE-2020-8597: in MSCHAPv2", nil, eap(1, 7, 26, "\x01\x07\x00\x00\x10"+strings.Repeat("c", 16)+strings.Repeat("n", 256)), nil, 1},
		{"MSCHAPv2 challenge of 15 octets", nil, eap(1, 7, 26, "\x01\x07\x00\x14\x0f"+strings.Repeat("c", 15)), nil, 1},
		{"MSCHAPv2 without its header", nil, eap(1, 7, 26, "\x01\x07"), nil, 1},
		{"MSCHAPv2 without anything", nil, eap(1, 7, 26, ""), nil, 1},
		{"MSCHAPv2 success before its challenge", nil, eap(1, 7, 26, "\x03\x07\x00\x04"), nil, 1},
		{"MSCHAPv2 change of password", nil, eap(1, 7, 26, "\x07\x07\x00\x04"), nil, 1},
		{"request without a type", nil, chap(1, 7, ""), nil, 1},
		{"response", nil, eap(2, 7, 1, "x"), nil, 1},
		{"length beyond the packet", nil, []byte{1, 7, 0, 9, 1}, nil, 1},
		{"short packet", nil, []byte{1, 7}, nil, 1},
		{"unknown code", nil, chap(5, 7, "\x01"), nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newClient(t, EAP, ClientConfig{Name: "user", Secret: NewSecret("secret"), Inner: c.inner})
			started(m)
			sent, others := after(m, c.request)
			if (c.want != nil) != (len(sent) == 1) || c.want != nil && !bytes.Equal(sent[0], c.want) {
				t.Errorf("got %x, want %x", sent, c.want)
			}
			if len(notes(others)) != c.notes || len(results(others)) != 0 {
				t.Errorf("got %+v, want %d notes and no result", others, c.notes)
			}
			if m.Deadline().IsZero() {
				t.Error("nothing limits the waiting any more")
			}
		})
	}
}

// The identifier inside and the length of the MSCHAPv2 packet are those that the draft wants, whatever ours came with.
func TestEAPMSCHAPv2OnTheWire(t *testing.T) {
	m := newClient(t, EAP, ClientConfig{Name: "user", Secret: NewSecret("secret")})
	started(m)
	sent, _ := after(m, eap(1, 7, 26, "\x01\x2a\xff\xff\x10"+strings.Repeat("c", 16)+"srv"))
	if len(sent) != 1 {
		t.Fatal("no answer")
	}
	p := sent[0]
	if want := []byte{2, 7, 0, 63, 26, 2, 0x2a, 0, 58, 49}; !bytes.Equal(p[:10], want) {
		t.Errorf("header %x, want %x", p[:10], want)
	}
	if got := string(p[len(p)-4:]); got != "user" || len(p) != 63 {
		t.Errorf("name %q in %d octets", got, len(p))
	}
	if again, _ := after(m, eap(1, 7, 26, "\x01\x2a\xff\xff\x10"+strings.Repeat("c", 16)+"srv")); !bytes.Equal(again[0], p) {
		t.Errorf("RFC 3748 section 4.1: the same request got %x, then %x", p, again)
	}
	if other, _ := after(m, eap(1, 8, 26, "\x01\x2a\xff\xff\x10"+strings.Repeat("c", 16)+"srv")); len(other) != 1 || bytes.Equal(other[0], p) {
		t.Errorf("a new request got %x", other)
	}
}

// Copies of earlier requests that arrive late, on a line that reorders: the conversation goes on as if they had not.
func TestEAPLateCopiesOfRequests(t *testing.T) {
	identity := eap(1, 7, 1, "")
	challenge := eap(1, 8, 26, "\x01\x08\x00\x1a\x10"+strings.Repeat("c", 16)+"srv")
	m := newClient(t, EAP, ClientConfig{Name: "user", Secret: NewSecret("secret")})
	started(m)
	after(m, identity)
	first, _ := after(m, challenge)
	if late, others := after(m, identity); len(late) != 0 || len(notes(others)) != 1 {
		t.Errorf("the identity again got %x, %+v", late, others)
	}
	if again, _ := after(m, challenge); len(again) != 1 || !bytes.Equal(again[0], first[0]) {
		t.Errorf("the challenge then got %x, before %x", again, first)
	}
	after(m, eap(1, 9, 2, "hello"))
	if late, others := after(m, challenge); len(late) != 0 || len(results(others)) != 0 {
		t.Errorf("the challenge again got %x, %+v", late, others)
	}
	if anew, _ := after(m, eap(1, 60, 1, "")); len(anew) != 1 {
		t.Error("a new conversation is not answered")
	}
}

func TestRFC3748Section4_2Results(t *testing.T) {
	identity := eap(1, 7, 1, "")
	md5Request := eap(1, 8, 4, "\x05valuesrv")
	v2Request := eap(1, 8, 26, "\x01\x08\x00\x1a\x10"+strings.Repeat("c", 16)+"srv")
	for _, c := range []struct {
		name    string
		config  ClientConfig
		packets [][]byte
		want    Output
		notes   int
	}{
		{"MD5 success", ClientConfig{}, [][]byte{identity, md5Request, eap(3, 8, 0, "")}, Success{Method: CHAPMD5, Peer: "srv"}, 0},
		{"MD5 failure", ClientConfig{}, [][]byte{identity, md5Request, eap(4, 8, 0, "")}, Failure{Reason: Refused, Method: CHAPMD5, Peer: "srv"}, 0},
		{"any identifier will do", ClientConfig{}, [][]byte{identity, md5Request, eap(3, 99, 0, "")}, Success{Method: CHAPMD5, Peer: "srv"}, 1},
		{"pppd's identifier", ClientConfig{}, [][]byte{identity, md5Request, eap(3, 9, 0, "")}, Success{Method: CHAPMD5, Peer: "srv"}, 0},
		{"the identity alone was enough", ClientConfig{}, [][]byte{identity, eap(3, 7, 0, "")}, Success{Method: EAP}, 0},
		{"nothing was asked", ClientConfig{}, [][]byte{eap(3, 7, 0, "")}, Success{Method: EAP}, 1},
		{"nothing in common", ClientConfig{}, [][]byte{identity, eap(1, 8, 13, ""), eap(4, 8, 0, "")},
			Failure{Reason: NoMethod, Method: EAP, Message: "the server wants an EAP method that we do not have"}, 0},
		{"MSCHAPv2 refused", ClientConfig{}, [][]byte{identity, v2Request, eap(1, 9, 26, "\x04\x08\x00\x00E=649 R=0 M=No"), eap(4, 9, 0, "")},
			Failure{Reason: Refused, Method: MSCHAPv2, Peer: "srv", Message: "No", Code: 649}, 0},
		{"MSCHAPv2 refused without a text", ClientConfig{}, [][]byte{identity, v2Request, eap(1, 9, 26, "\x04"), eap(4, 9, 0, "")},
			Failure{Reason: Refused, Method: MSCHAPv2, Peer: "srv"}, 0},
		{"MSCHAPv2 wrong proof", ClientConfig{}, [][]byte{identity, v2Request, eap(1, 9, 26, "\x03\x08\x00\x00S=00 M=Hi")},
			Failure{Reason: Impostor, Method: MSCHAPv2, Peer: "srv", Message: "the server did not prove that it knows the password"}, 0},
		{"MSCHAPv2 proof skipped", ClientConfig{}, [][]byte{identity, v2Request, eap(3, 8, 0, "")},
			Failure{Reason: Impostor, Method: MSCHAPv2, Peer: "srv", Message: "the server did not prove that it knows the password"}, 0},
		{"MSCHAPv2 refused and yet a success", ClientConfig{}, [][]byte{identity, v2Request, eap(1, 9, 26, "\x04"), eap(3, 9, 0, "")},
			Failure{Reason: Impostor, Method: MSCHAPv2, Peer: "srv", Message: "the server did not prove that it knows the password"}, 0},
		{"MSCHAPv2 wrong proof tolerated", ClientConfig{TolerateImpostor: true}, [][]byte{identity, v2Request, eap(1, 9, 26, "\x03\x08\x00\x00S=00 M="), eap(3, 9, 0, "")},
			Success{Method: MSCHAPv2, Peer: "srv"}, 1},
		{"MSCHAPv2 proof skipped, tolerated", ClientConfig{TolerateImpostor: true}, [][]byte{identity, v2Request, eap(3, 8, 0, "")},
			Success{Method: MSCHAPv2, Peer: "srv"}, 1},
		{"failure after success", ClientConfig{}, [][]byte{identity, md5Request, eap(3, 8, 0, ""), eap(4, 8, 0, "")}, Success{Method: CHAPMD5, Peer: "srv"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Name = "user"
			m := newClient(t, EAP, c.config)
			started(m)
			var all []Output
			for _, p := range c.packets {
				_, others := after(m, p)
				all = append(all, others...)
			}
			if r := results(all); len(r) != 1 || r[0] != c.want {
				t.Errorf("got %+v, want %+v", r, c.want)
			}
			if got := notes(all); len(got) != c.notes {
				t.Errorf("notes %q, want %d", got, c.notes)
			}
			if !m.Deadline().IsZero() {
				t.Error("a timer still runs")
			}
		})
	}
}

func TestEAPAsksAgainAfterSuccess(t *testing.T) {
	m := newClient(t, EAP, ClientConfig{Name: "user"})
	started(m)
	for _, p := range [][]byte{eap(1, 7, 1, ""), eap(1, 8, 4, "\x05valuesrv"), eap(3, 8, 0, "")} {
		after(m, p)
	}
	if sent, _ := after(m, eap(1, 9, 1, "")); len(sent) != 1 {
		t.Error("no identity")
	}
	if sent, _ := after(m, eap(1, 10, 4, "\x05valuesrv")); len(sent) != 1 {
		t.Error("no response")
	}
	_, others := after(m, eap(4, 10, 0, ""))
	only[Failure](t, "client", others)
}

func TestRFC3748Section5_3ServerTurnsToAnotherMethod(t *testing.T) {
	for _, c := range []struct {
		name           string
		server, client []Method
		used           Method // or None
	}{
		{"MSCHAPv2, then MD5", []Method{MSCHAPv2, CHAPMD5}, []Method{CHAPMD5}, CHAPMD5},
		{"MD5, then MSCHAPv2", []Method{CHAPMD5, MSCHAPv2}, []Method{MSCHAPv2}, MSCHAPv2},
		{"the server's order counts", []Method{CHAPMD5, MSCHAPv2}, []Method{MSCHAPv2, CHAPMD5}, CHAPMD5},
		{"nothing in common", []Method{CHAPMD5}, []Method{MSCHAPv2}, None},
		{"the client has nothing", []Method{CHAPMD5, MSCHAPv2}, []Method{}, None},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := &end{Machine: newClient(t, EAP, ClientConfig{Name: "u", Secret: NewSecret("p"), Inner: c.client})}
			server := &end{Machine: newServer(t, EAP, ServerConfig{Lookup: secretsOf(map[string]string{"u": "p"}), Inner: c.server})}
			converse(client, server)
			if c.used == None {
				if f := only[Failure](t, "client", client.others); f.Reason != NoMethod {
					t.Errorf("client: %+v", f)
				}
				if f := only[Failure](t, "server", server.others); f.Reason != NoMethod {
					t.Errorf("server: %+v", f)
				}
				return
			}
			if s := only[Success](t, "client", client.others); s.Method != c.used {
				t.Errorf("client: %+v", s)
			}
			if s := only[Success](t, "server", server.others); s.Method != c.used || !s.Verified {
				t.Errorf("server: %+v", s)
			}
		})
	}
}

func TestEAPServerDropsWhatAnswersNothing(t *testing.T) {
	m := newServer(t, EAP, ServerConfig{AcceptAnybody: true, Inner: []Method{CHAPMD5}})
	id := started(m)[0][1]
	for _, p := range [][]byte{
		nil, {2, id}, chap(2, id, ""), eap(2, id+1, 1, "x"), eap(1, id, 1, "x"), eap(2, id, 3, "\x04"), eap(2, id, 4, "\x01x"),
		eap(2, id, 1, strings.Repeat("n", 256)), // CVE-2020-8597
	} {
		if sent, others := after(m, p); len(sent) != 0 || len(results(others)) != 0 {
			t.Errorf("%x: got %x and %+v", p, sent, others)
		}
	}
	challenge, _ := after(m, eap(2, id, 1, "x"))
	if len(challenge) != 1 {
		t.Fatal("no challenge")
	}
	id = challenge[0][1]
	for _, p := range [][]byte{
		eap(2, id, 4, ""), eap(2, id, 4, "\xff"), eap(2, id, 4, "\x01x"+strings.Repeat("n", 256)), eap(2, id, 26, "\x02"), eap(2, id-1, 1, "x"),
	} {
		if sent, others := after(m, p); len(sent) != 0 || len(results(others)) != 0 {
			t.Errorf("%x: got %x and %+v", p, sent, others)
		}
	}
	verdict, others := after(m, eap(2, id, 4, "\x01x"))
	if len(verdict) != 1 || !bytes.Equal(verdict[0], eap(3, id, 0, "")) {
		t.Errorf("got %x, want a Success with the identifier of the response", verdict)
	}
	only[Success](t, "server", others)
	if again, others := after(m, eap(2, id, 4, "\x01x")); len(again) != 1 || !bytes.Equal(again[0], verdict[0]) || len(others) != 0 {
		t.Errorf("the response again: got %x and %+v, want the result again", again, others)
	}
}
