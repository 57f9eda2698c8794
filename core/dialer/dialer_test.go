package dialer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
)

// A program dials a modem, here a simulated one with a web server behind it, and fetches a page through it.
func ExampleDial() {
	internet := webServer("Hello from behind the modem.\n")
	defer internet.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	modem, err := dialer.Dial(ctx, dialer.Options{Scenario: "behaves", Far: internet})
	if err != nil {
		log.Fatal(err) // what went wrong, and the likeliest cause
	}
	defer modem.Close() // hangs up
	up, _ := modem.Up()
	fmt.Println("our address:", up.Local)

	web := &http.Client{Transport: modem.Transport()}
	page, err := web.Get("http://example.com/")
	if err != nil {
		log.Fatal(err)
	}
	defer page.Body.Close()
	io.Copy(os.Stdout, page.Body)
	// Output:
	// our address: 192.0.2.2
	// Hello from behind the modem.
}

// A dial that fails says what it was, with the exit status of knak dial, and the likeliest cause.
func ExampleError() {
	_, err := dialer.Dial(context.Background(), dialer.Options{Scenario: "pin-needed"})
	var failed *dialer.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Outcome.Kind, int(failed.Outcome.ExitCode()))
		fmt.Println(failed.Finding.Title)
	}
	// Output:
	// pin-needed 31
	// The SIM needs a PIN
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

// What a simulated SIM refused is remembered where the program said, apart from what real SIMs refused, and nowhere else.
func TestRefusedPIN(t *testing.T) {
	t.Setenv("KNAK_STATE_DIR", t.TempDir())
	t.Setenv("KNAK_RUNTIME_DIR", t.TempDir())
	for _, state := range []string{"", t.TempDir()} {
		o := dialer.Options{Scenario: "pin-needed", PIN: dialer.NewSecret("9999"), StateDir: state, NoAdapt: true}
		sent := false
		o.Events = func(r event.Record) {
			if at, ok := r.Event.(event.AT); ok && at.Dir == event.Sent && strings.HasPrefix(at.Text, "AT+CPIN=") {
				sent = true
			}
		}
		for n := range 2 {
			sent = false
			_, err := dialer.Dial(t.Context(), o)
			var failed *dialer.Error
			if !errors.As(err, &failed) || failed.Outcome.Kind != event.FailedPINWrong {
				t.Fatalf("%v", err)
			}
			if again := n == 1 && state != ""; sent == again {
				t.Errorf("state %q, dial %d: sent %v", state, n+1, sent)
			}
		}
		if state != "" {
			if _, err := os.Stat(filepath.Join(state, "sim", "pins")); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(state, "pins")); err == nil {
				t.Error("the memory of real SIMs was touched")
			}
		}
	}
	for _, name := range []string{"KNAK_STATE_DIR", "KNAK_RUNTIME_DIR"} {
		files, err := os.ReadDir(os.Getenv(name))
		for _, f := range files {
			if f.Name() != "sim" || name == "KNAK_STATE_DIR" {
				t.Errorf("%s: %s was made, %v", name, f.Name(), err)
			}
		}
	}
}

// What happens is told without secrets, in whatever form they come back.
func TestEventsHideSecrets(t *testing.T) {
	const secret = "Zephyr-Quartz9"
	s, err := sim.Parse("repeats", []byte("schema = 1\nsummary = \"repeats the password\"\n[auth]\ndemand = \"pap\"\nmessage = \"no "+secret+"\"\naccept = \"none\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	_, err = dialer.Dial(t.Context(), dialer.Options{Simulated: &s, User: "me", Password: dialer.NewSecret(secret), NoAdapt: true, Events: func(r event.Record) {
		heard++
		if text := fmt.Sprintf("%+v", r.Event); strings.Contains(text, secret) {
			t.Error(text)
		}
		if p, ok := r.Event.(event.Packet); ok && bytes.Contains(p.Data, []byte(secret)) {
			t.Errorf("%q", p.Data)
		}
	}})
	if err == nil || heard == 0 || strings.Contains(err.Error(), secret) {
		t.Errorf("%v; %d events", err, heard)
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
