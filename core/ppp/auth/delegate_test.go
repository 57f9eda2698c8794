package auth

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Somebody else answers the challenge: a second client stands for whoever has the secret. Ours has none.
func TestDelegatedResponses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		method   Method
		proof    string // "right", "wrong" or "" for none
		secret   string // of whoever answers; the server's is "right"
		success  bool
		verified bool
		reason   Reason
		note     string
	}{
		{"RFC 1994 section 4.1", CHAPMD5, "", "right", true, false, 0, ""},
		{"RFC 1994 section 4.2, a wrong secret", CHAPMD5, "", "wrong", false, false, Refused, ""},
		{"RFC 2433 section 4", MSCHAP, "", "right", true, false, 0, ""},
		{"RFC 2759 section 8.7, with what Success must hold", MSCHAPv2, "right", "right", true, true, 0, ""},
		{"RFC 2759 section 8.7, Success does not hold it", MSCHAPv2, "wrong", "right", false, false, Impostor, ""},
		{"RFC 2759 section 8.7, nobody knows what it must hold", MSCHAPv2, "", "right", true, false, 0, "cannot be checked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := newServer(t, tt.method, ServerConfig{Name: "s", Lookup: secretsOf(map[string]string{"u": "right"}), Rand: seeded(1)})
			other := newClient(t, tt.method, ClientConfig{Name: "u", Secret: NewSecret(tt.secret), Rand: seeded(2)})
			ours := newClient(t, tt.method, ClientConfig{})
			for _, m := range []Machine{server, other, ours} {
				m.Start(epoch)
			}
			challenges, _ := drain(server)
			drain(ours)
			other.Receive(epoch, challenges[0])
			responses, _ := drain(other)
			var proof []byte
			if tt.proof != "" {
				c := other.(*chapClient)
				digest := c.v2.authenticator(c.c.Name, c.c.Secret)
				proof, _ = hex.DecodeString(string(digest[:]))
			}
			if tt.proof == "wrong" {
				proof[3] ^= 1
			}
			d := ours.(Delegate)
			if d.Delegated(responses[0], challenges[0], nil) || d.Delegated(challenges[0], nil, nil) || !d.Delegated(challenges[0], responses[0], proof) {
				t.Fatal("what is a challenge and what a response is mistaken")
			}
			ours.Receive(epoch, challenges[0])
			if again, _ := drain(ours); len(again) != 1 || string(again[0]) != string(responses[0]) {
				t.Errorf("the same challenge again is answered by %x, want %x", again, responses[0])
			}
			server.Receive(epoch, responses[0])
			results, _ := drain(server)
			ours.Receive(epoch, results[0])
			_, others := drain(ours)
			var success, failure int
			for _, o := range others {
				switch o := o.(type) {
				case Success:
					success++
					if o.Verified != tt.verified || o.Peer != "s" {
						t.Errorf("%+v", o)
					}
				case Failure:
					failure++
					if o.Reason != tt.reason {
						t.Errorf("%+v, want reason %v", o, tt.reason)
					}
				}
			}
			told := strings.Join(notes(others), "; ")
			if success+failure != 1 || (success == 1) != tt.success || (told == "") != (tt.note == "") || !strings.Contains(told, tt.note) {
				t.Errorf("%d successes, %d failures, told %q", success, failure, told)
			}
		})
	}
}
