package auth

import (
	"bytes"
	"testing"
	"time"
)

// bits of a fuzzed input: one octet that chooses the machine, then packets, each behind an octet with its length. A
// length of 0 lets the time pass to the deadline.
func fuzzMachine(t *testing.T, make func(Method, []Method) (Machine, error), data []byte) {
	if len(data) == 0 {
		return
	}
	s := suites[int(data[0])%len(suites)]
	m, err := make(s.m, s.inner)
	if err != nil {
		t.Fatal(err)
	}
	now, ended := epoch, 0
	m.Start(now)
	for data = data[1:]; ; {
		sent, others := drain(m)
		if len(sent) > 1 {
			t.Fatalf("%d packets in answer to one event", len(sent))
		}
		for _, p := range sent {
			code, id, body, ok := header(p)
			if !ok || code == 0 || len(p) != 4+len(body) {
				t.Fatalf("malformed packet %x with code %d and identifier %d", p, code, id)
			}
			if len(p) > 1024 {
				t.Fatalf("a packet of %d octets", len(p))
			}
		}
		for _, o := range results(others) {
			if f, is := o.(Failure); is && f.Reason == 0 {
				t.Fatalf("failure without a reason: %+v", f)
			}
			if ended++; ended > 2 {
				t.Fatalf("a third result: %+v", o)
			}
		}
		if len(data) == 0 {
			return
		}
		n := min(int(data[0]), len(data)-1)
		p := bytes.Clone(data[1 : 1+n])
		data = data[1+n:]
		if n == 0 {
			if now = m.Deadline(); now.IsZero() {
				now = epoch.Add(time.Hour)
			}
			m.Advance(now)
			continue
		}
		if d := m.Deadline(); !d.IsZero() && d.Before(epoch) {
			t.Fatalf("a deadline at %v", d)
		}
		m.Receive(now, p)
	}
}

// conversations are what both ends of every method send, as seeds.
func conversations(f *testing.F, client bool) {
	for i, s := range suites {
		c := &recorder{Machine: newClient(f, s.m, ClientConfig{Name: "user", Secret: NewSecret("secret"), Inner: s.inner})}
		v := &recorder{Machine: newServer(f, s.m, ServerConfig{Name: "srv", Lookup: secretsOf(map[string]string{"user": "secret"}), Inner: s.inner, Message: "Hi"})}
		converse(&end{Machine: c}, &end{Machine: v})
		if client {
			f.Add(append([]byte{byte(i)}, c.received...))
		} else {
			f.Add(append([]byte{byte(i)}, v.received...))
		}
		f.Add([]byte{byte(i), 0, 0, 4, 1, 1, 0, 4, 6, 1, 1, 0, 6, 255, 255, 3, 2, 0, 4})
	}
}

type recorder struct {
	Machine
	received []byte
}

func (r *recorder) Receive(now time.Time, p []byte) {
	r.received = append(append(r.received, byte(len(p))), p...)
	r.Machine.Receive(now, p)
}

func FuzzClientReceive(f *testing.F) {
	conversations(f, true)
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzMachine(t, func(m Method, inner []Method) (Machine, error) {
			return NewClient(m, ClientConfig{Name: "user", Secret: NewSecret("secret"), Inner: inner, Rand: seeded(1)})
		}, data)
	})
}

func FuzzServerReceive(f *testing.F) {
	conversations(f, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzMachine(t, func(m Method, inner []Method) (Machine, error) {
			return NewServer(m, ServerConfig{
				Name: "srv", Inner: inner, Rand: seeded(2), Message: "Hi", FailureMessage: "No", Rechallenge: time.Minute,
				Lookup: secretsOf(map[string]string{"user": "secret", "": ""}),
			})
		}, data)
	})
}
