package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
)

// A program dials a modem, here a simulated one, and reaches the network through it.
func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	modem, err := dialer.Dial(ctx, dialer.Options{Scenario: "behaves"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer modem.Close()
	up, _ := modem.Up()
	fmt.Println("our address:", up.Local)
	if _, err := modem.Ping(ctx, netip.MustParseAddr(up.Peer)); err == nil {
		fmt.Println("the peer answers")
	}
	// A web client: &http.Client{Transport: &http.Transport{DialContext: modem.DialContext}}
	// Output:
	// our address: 10.20.30.40
	// the peer answers
}

func TestDialThatFails(t *testing.T) {
	_, err := dialer.Dial(t.Context(), dialer.Options{Scenario: "pin-needed"})
	var failed *dialer.Error
	if !errors.As(err, &failed) || failed.Outcome.Kind != event.FailedPINNeeded || failed.Finding == nil {
		t.Errorf("%v", err)
	}
}

// What cannot be followed is said before anything is dialled.
func TestWrongOptions(t *testing.T) {
	for name, o := range map[string]dialer.Options{
		"no such scenario": {Scenario: "no/such"}, "no such setting": {Scenario: "behaves", Settings: []string{"no.such=1"}},
		"no such profile": {Scenario: "behaves", Profile: "no/such"}, "two modems": {Scenario: "behaves", Port: "/dev/null"},
	} {
		begun := false
		o.Events = func(event.Record) { begun = true }
		if l, err := dialer.Dial(t.Context(), o); err == nil || begun {
			t.Errorf("%s: %v, begun %v", name, err, begun)
			l.Close()
		}
	}
}

// The context bounds the dialling: when it ends everything is given back and its cause returned; later it means nothing.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	dialling := make(chan struct{}, 1000)
	go func() {
		<-dialling
		cancel(enough)
	}()
	_, err := dialer.Dial(ctx, dialer.Options{Scenario: "not-registered", Events: func(event.Record) {
		select {
		case dialling <- struct{}{}:
		default:
		}
	}})
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}

	ctx, end := context.WithCancel(t.Context())
	l, err := dialer.Dial(ctx, dialer.Options{Scenario: "behaves"})
	if err != nil {
		t.Fatal(err)
	}
	end()
	if _, up := l.Up(); !up || l.Err() != nil {
		t.Errorf("up %v, %v", up, l.Err())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error("closed again:", err)
	}
	<-l.Done()
	if _, err := l.DialContext(t.Context(), "tcp", "192.0.2.1:80"); !errors.Is(err, dialer.ErrDown) {
		t.Errorf("a connection through a link that is down: %v", err)
	}
	if _, up := l.Up(); up {
		t.Error("up after the end")
	}
}

// Settings are a person's, as those of --set.
func TestSettings(t *testing.T) {
	l, err := dialer.Dial(t.Context(), dialer.Options{Scenario: "behaves", Settings: []string{"link.mtu=1400"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if up, _ := l.Up(); up.MTU != 1400 {
		t.Errorf("MTU %d", up.MTU)
	}
}

// From the call to a link that works, in the simulator.
func BenchmarkDial(b *testing.B) {
	for b.Loop() {
		l, err := dialer.Dial(b.Context(), dialer.Options{Scenario: "behaves"})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		l.Close()
		b.StartTimer()
	}
}
