package auth

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// seeded gives random octets that are the same in each run.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func newClient(t testing.TB, m Method, c ClientConfig) Client {
	t.Helper()
	if c.Rand == nil {
		c.Rand = seeded(1)
	}
	client, err := NewClient(m, c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newServer(t testing.TB, m Method, c ServerConfig) Server {
	t.Helper()
	if c.Rand == nil {
		c.Rand = seeded(2)
	}
	server, err := NewServer(m, c)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// secretsOf is a Lookup over a table.
func secretsOf(table map[string]string) func(string) (Secret, bool) {
	return func(name string) (Secret, bool) {
		text, ok := table[name]
		return NewSecret(text), ok
	}
}

// drain takes all outputs; the packets are copied.
func drain(m Machine) (sent [][]byte, others []Output) {
	for o, ok := m.Next(); ok; o, ok = m.Next() {
		if s, is := o.(Send); is {
			sent = append(sent, bytes.Clone(s.Info))
		} else {
			others = append(others, o)
		}
	}
	return sent, others
}

// results leaves out the notes.
func results(others []Output) []Output {
	return slices.DeleteFunc(slices.Clone(others), func(o Output) bool { _, is := o.(Note); return is })
}

func notes(others []Output) (texts []string) {
	for _, o := range others {
		if n, is := o.(Note); is {
			texts = append(texts, n.Notice.Text)
		}
	}
	return texts
}

// end is one end of a conversation in virtual time.
type end struct {
	Machine
	others []Output
	lose   int // so many of the packets it sends are lost
	sent   int
}

// converse runs two ends against each other until nothing is left to happen, or for an hour of virtual time.
func converse(client, server *end) (now time.Time) {
	now = epoch
	client.Start(now)
	server.Start(now)
	for now.Before(epoch.Add(time.Hour)) {
		for moved := true; moved; {
			moved = false
			for _, d := range [][2]*end{{client, server}, {server, client}} {
				sent, others := drain(d[0])
				d[0].others = append(d[0].others, others...)
				for _, p := range sent {
					d[0].sent++
					if d[0].lose > 0 {
						d[0].lose--
						continue
					}
					moved = true
					d[1].Receive(now, p)
				}
			}
		}
		next := client.Deadline()
		if d := server.Deadline(); next.IsZero() || !d.IsZero() && d.Before(next) {
			next = d
		}
		if next.IsZero() {
			break
		}
		now = next
		client.Advance(now)
		server.Advance(now)
	}
	return now
}

type suite struct {
	name  string
	m     Method
	inner []Method
	used  Method
}

var suites = []suite{
	{"PAP", PAP, nil, PAP},
	{"CHAP-MD5", CHAPMD5, nil, CHAPMD5},
	{"MS-CHAP", MSCHAP, nil, MSCHAP},
	{"MS-CHAPv2", MSCHAPv2, nil, MSCHAPv2},
	{"EAP-MD5", EAP, []Method{CHAPMD5}, CHAPMD5},
	{"EAP-MSCHAPv2", EAP, []Method{MSCHAPv2}, MSCHAPv2},
}

func only[T Output](t *testing.T, who string, others []Output) (value T) {
	t.Helper()
	r := results(others)
	if len(r) != 1 {
		t.Fatalf("%s: got %+v, want one %T", who, r, value)
	}
	value, ok := r[0].(T)
	if !ok {
		t.Fatalf("%s: got %+v, want a %T", who, r[0], value)
	}
	return value
}

func TestBothEndsOfEveryMethod(t *testing.T) {
	table := map[string]string{"user": "secret", "": "", `DOM\user`: "x", "long": string(bytes.Repeat([]byte("p"), 255))}
	for _, s := range suites {
		for _, c := range []struct {
			what, name, secret string
			anybody, right     bool
		}{
			{"right", "user", "secret", false, true},
			{"wrong password", "user", "Secret", false, false},
			{"blank password", "user", "", false, false},
			{"unknown name", "nobody", "secret", false, false},
			{"unknown name and blank password", "nobody", "", false, false},
			{"blank name and password, wanted", "", "", false, true},
			{"name with a domain", `DOM\user`, "x", false, true},
			{"longest password", "long", table["long"], false, true},
			{"anybody, right", "user", "secret", true, true},
			{"anybody, wrong", "user", "wrong", true, false},
			{"anybody, blank", "", "anything", true, false},
		} {
			for _, lost := range []int{0, 1, 2} {
				t.Run(fmt.Sprintf("%s/%s/%d lost each way", s.name, c.what, lost), func(t *testing.T) {
					// An impostor cannot be told from a server that takes anybody: with MS-CHAPv2, neither knows the secret.
					client := &end{lose: lost, Machine: newClient(t, s.m, ClientConfig{
						Name: c.name, Secret: NewSecret(c.secret), Inner: s.inner, TolerateImpostor: c.anybody,
					})}
					server := &end{lose: lost, Machine: newServer(t, s.m, ServerConfig{
						Name: "UMTS_CHAP_SRVR", Lookup: secretsOf(table), AcceptAnybody: c.anybody, Inner: s.inner,
						Message: "Greetings", FailureMessage: "No",
					})}
					converse(client, server)
					peer := "UMTS_CHAP_SRVR"
					if s.m == PAP {
						peer = ""
					}
					if c.right || c.anybody {
						got := only[Success](t, "client", client.others)
						// Only a server that knows the secret proves it, and only MS-CHAPv2 has a way to.
						want := Success{Method: s.used, Peer: peer, Message: "Greetings", Verified: s.used == MSCHAPv2 && c.right}
						if s.m == EAP && s.used == CHAPMD5 {
							want.Message = "" // neither EAP Success nor MD5-Challenge carries a text
						}
						if got != want {
							t.Errorf("client: got %+v, want %+v", got, want)
						}
						at := only[Success](t, "server", server.others)
						if at.Verified != c.right || at.Peer != printable(c.name) || at.Method != s.used {
							t.Errorf("server: got %+v, want verified %v", at, c.right)
						}
						return
					}
					got := only[Failure](t, "client", client.others)
					want := Failure{Reason: Refused, Method: s.used, Peer: peer, Message: "No"}
					switch {
					case s.used == MSCHAPv2:
						want.Code = 691
					case s.used == MSCHAP:
						want.Code, want.Message = 691, "wrong user name or password"
					case s.m == EAP:
						want.Message = ""
					}
					if got != want {
						t.Errorf("client: got %+v, want %+v", got, want)
					}
					at := only[Failure](t, "server", server.others)
					if at.Reason != Refused || at.Method != s.used || at.Peer != printable(c.name) {
						t.Errorf("server: got %+v", at)
					}
				})
			}
		}
	}
}

// Each end must give up alone, in its time, when the other one is silent.
func TestSilenceEndsInTime(t *testing.T) {
	for _, s := range suites {
		client := newClient(t, s.m, ClientConfig{Name: "user", Inner: s.inner})
		server := newServer(t, s.m, ServerConfig{Inner: s.inner})
		for who, c := range map[string]struct {
			m     Machine
			after time.Duration
			sends int
		}{
			"client": {client, map[bool]time.Duration{true: 30 * time.Second, false: 60 * time.Second}[s.m == PAP], map[bool]int{true: 10}[s.m == PAP]},
			"server": {server, map[bool]time.Duration{true: 60 * time.Second, false: 30 * time.Second}[s.m == PAP], map[bool]int{false: 10}[s.m == PAP]},
		} {
			t.Run(s.name+" "+who, func(t *testing.T) {
				now, sends := epoch, 0
				c.m.Start(now)
				for {
					sent, others := drain(c.m)
					sends += len(sent)
					if len(others) > 0 {
						f := only[Failure](t, who, others)
						if f.Reason != TimedOut || f.Message == "" {
							t.Errorf("got %+v", f)
						}
						break
					}
					c.m.Advance(c.m.Deadline().Add(-time.Nanosecond))
					if sent, others := drain(c.m); len(sent)+len(others) != 0 {
						t.Fatal("something happened before its time")
					}
					now = c.m.Deadline()
					c.m.Advance(now)
				}
				if got := now.Sub(epoch); got != c.after {
					t.Errorf("gave up after %v, want %v", got, c.after)
				}
				if sends != c.sends {
					t.Errorf("%d packets were sent, want %d", sends, c.sends)
				}
				if !c.m.Deadline().IsZero() {
					t.Error("a timer still runs")
				}
			})
		}
	}
}

func TestLimitsAreConfigurable(t *testing.T) {
	c := newClient(t, CHAPMD5, ClientConfig{Limit: -1})
	c.Start(epoch)
	if !c.Deadline().IsZero() {
		t.Error("a negative limit must mean none")
	}
	p := newClient(t, PAP, ClientConfig{Retransmit: 10 * time.Second, MaxRequests: 3}) // oFono's pace
	p.Start(epoch)
	if got := p.Deadline().Sub(epoch); got != 10*time.Second {
		t.Errorf("the first repetition is due after %v", got)
	}
}

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, fmt.Errorf("none left") }

func TestWithoutRandomNumbersNothingIsMadeUp(t *testing.T) {
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			client := &end{Machine: newClient(t, s.m, ClientConfig{Rand: noRandom{}, Inner: s.inner})}
			server := &end{Machine: newServer(t, s.m, ServerConfig{Inner: s.inner, AcceptAnybody: true})}
			converse(client, server)
			if s.used != MSCHAPv2 {
				only[Success](t, "client", client.others) // needs none but for the identifier
			} else if f := only[Failure](t, "client", client.others); f.Reason != Impossible {
				t.Errorf("got %+v", f)
			}
			client = &end{Machine: newClient(t, s.m, ClientConfig{Inner: s.inner})}
			server = &end{Machine: newServer(t, s.m, ServerConfig{Rand: noRandom{}, Inner: s.inner})}
			converse(client, server)
			if f := only[Failure](t, "server", server.others); s.m != PAP && f.Reason != Impossible {
				t.Errorf("got %+v", f)
			}
		})
	}
}
