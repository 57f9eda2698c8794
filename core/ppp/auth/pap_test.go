package auth

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// started gives a machine that was started, and what it sent at once.
func started(m Machine) [][]byte {
	m.Start(epoch)
	sent, _ := drain(m)
	return sent
}

// after gives what a machine does with one packet.
func after(m Machine, p []byte) ([][]byte, []Output) {
	m.Receive(epoch.Add(time.Second), p)
	return drain(m)
}

func TestRFC1334Section2_2_1RequestOnTheWire(t *testing.T) {
	for _, c := range []struct{ name, secret, body string }{
		{"user", "pass", "\x04user\x04pass"},
		{"", "", "\x00\x00"},
		{"", "p", "\x00\x01p"},
		{"u", "", "\x01u\x00"},
		{strings.Repeat("u", 255), strings.Repeat("p", 255), "\xff" + strings.Repeat("u", 255) + "\xff" + strings.Repeat("p", 255)},
	} {
		m := newClient(t, PAP, ClientConfig{Name: c.name, Secret: NewSecret(c.secret)})
		sent := started(m)
		if len(sent) != 1 {
			t.Fatalf("%d packets were sent", len(sent))
		}
		length := 4 + len(c.body)
		want := append([]byte{1, sent[0][1], byte(length >> 8), byte(length)}, c.body...)
		if !bytes.Equal(sent[0], want) {
			t.Errorf("%q: got %q, want %q", c.name, sent[0], want)
		}
		m.Advance(m.Deadline())
		again, _ := drain(m)
		if want[1]++; len(again) != 1 || !bytes.Equal(again[0], want) {
			t.Errorf("%q: repeated as %q, want %q: the identifier must change", c.name, again, want)
		}
	}
}

func TestRFC1334Section2_2_2AnswersAndTheirDefects(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(id byte) []byte
		want   Output // nil: nothing comes of it
		notes  int
	}{
		{"Ack", func(id byte) []byte { return []byte{2, id, 0, 8, 3, 'a', 'b', 'c'} }, Success{Method: PAP, Message: "abc"}, 0},
		{"Ack without message length", func(id byte) []byte { return []byte{2, id, 0, 4} }, Success{Method: PAP}, 0},
		{"Ack with an empty message", func(id byte) []byte { return []byte{2, id, 0, 5, 0} }, Success{Method: PAP}, 0},
		{"message length too long", func(id byte) []byte { return []byte{2, id, 0, 7, 200, 'a', 'b'} }, Success{Method: PAP, Message: "ab"}, 0},
		{"message length too short", func(id byte) []byte { return []byte{2, id, 0, 7, 1, 'a', 'b'} }, Success{Method: PAP, Message: "a"}, 0},
		{"padding behind the packet", func(id byte) []byte { return []byte{2, id, 0, 5, 0, 9, 9, 9} }, Success{Method: PAP}, 0},
		{"length beyond the packet", func(id byte) []byte { return []byte{2, id, 1, 0, 1, 'a'} }, Success{Method: PAP, Message: "a"}, 1},
		{"length zero", func(id byte) []byte { return []byte{2, id, 0, 0, 1, 'a'} }, Success{Method: PAP, Message: "a"}, 1},
		{"foreign identifier", func(id byte) []byte { return []byte{2, id + 9, 0, 5, 0} }, Success{Method: PAP}, 1},
		{"Nak", func(id byte) []byte { return []byte{3, id, 0, 7, 2, 'n', 'o'} }, Failure{Method: PAP, Reason: Refused, Message: "no"}, 0},
		{"escape sequence in the text", func(id byte) []byte { return []byte{3, id, 0, 7, 2, 27, '['} }, Failure{Method: PAP, Reason: Refused, Message: `\x1b[`}, 0},
		{"three octets", func(id byte) []byte { return []byte{2, id, 0} }, nil, 1},
		{"nothing", func(byte) []byte { return nil }, nil, 1},
		{"a request", func(id byte) []byte { return []byte{1, id, 0, 6, 0, 0} }, nil, 1},
		{"unknown code", func(id byte) []byte { return []byte{77, id, 0, 4} }, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newClient(t, PAP, ClientConfig{Name: "u"})
			id := started(m)[0][1]
			_, others := after(m, c.answer(id))
			if got := len(notes(others)); got != c.notes {
				t.Errorf("%d notes, want %d: %q", got, c.notes, notes(others))
			}
			r := results(others)
			if c.want == nil {
				if len(r) != 0 || m.Deadline().IsZero() {
					t.Errorf("got %+v and deadline %v, want it to go on waiting", r, m.Deadline())
				}
				return
			}
			if len(r) != 1 || r[0] != c.want {
				t.Errorf("got %+v, want %+v", r, c.want)
			}
			if !m.Deadline().IsZero() {
				t.Error("a timer still runs")
			}
		})
	}
}

func TestPAPLateAndContradictingAnswers(t *testing.T) {
	m := newClient(t, PAP, ClientConfig{Name: "u"})
	id := started(m)[0][1]
	m.Advance(m.Deadline())
	drain(m)
	if _, others := after(m, []byte{2, id, 0, 4}); len(others) != 1 || len(results(others)) != 1 {
		t.Errorf("the answer to the first request came after the second: got %+v, want a Success and no note", others)
	}
	if _, others := after(m, []byte{2, id + 1, 0, 4}); len(others) != 0 {
		t.Errorf("the answer to the second request: got %+v, want nothing", others)
	}
	if _, others := after(m, []byte{3, id, 0, 4}); len(notes(others)) != 1 || len(others) != 1 {
		t.Errorf("a Nak after the Ack: got %+v, want one note", others)
	}
}

func TestPAPServerRefusesMalformedRequests(t *testing.T) {
	for _, p := range []string{
		"", "\x01", "\x01\x07\x00", "\x01\x07\x00\x04", "\x01\x07\x00\x05\x01", "\x01\x07\x00\x06\x01u", "\x01\x07\x00\x07\x01u\x01",
		"\x01\x07\x00\x06\xff\xff", "\x01\x07\xff\xff\x00\x00", "\x01\x07\x00\x03\x00\x00", "\x02\x07\x00\x06\x00\x00",
	} {
		m := newServer(t, PAP, ServerConfig{AcceptAnybody: true})
		started(m)
		if sent, others := after(m, []byte(p)); len(sent) != 0 || len(results(others)) != 0 {
			t.Errorf("%q: got %q and %+v, want nothing", p, sent, others)
		}
	}
}

func TestRFC1334Section2_2_1SameAnswerToARepeatedRequest(t *testing.T) {
	for _, anybody := range []bool{true, false} {
		m := newServer(t, PAP, ServerConfig{AcceptAnybody: anybody})
		started(m)
		first, _ := after(m, []byte("\x01\x07\x00\x08\x01u\x01p"))
		again, others := after(m, []byte("\x01\x08\x00\x08\x01u\x01p"))
		if len(again) != 1 || again[0][0] != first[0][0] || again[0][1] != 8 {
			t.Errorf("got %q after %q, want the same code with the new identifier", again, first)
		}
		if len(others) != 0 {
			t.Errorf("a second result: %+v", others)
		}
	}
}
