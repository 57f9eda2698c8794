package dialer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/stack"
)

// webServer is a host behind a simulated modem, with the address that all names have there, and a page on it.
func webServer(page string) *stack.Stack {
	host, err := stack.New(stack.Config{Local: netip.MustParseAddr("192.0.2.80")})
	if err != nil {
		panic(err)
	}
	listener, err := host.Listen("tcp", ":80")
	if err != nil {
		panic(err)
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) })) // it ends with the host
	}()
	return host
}

// A page is fetched through the modem, by name; connections of before are lost when the link is, and new ones are made when it is back.
func TestWebThroughTheModem(t *testing.T) {
	const text = "what the server says"
	far := webServer(text)
	defer far.Close()
	for range 2 { // the host behind it outlives a link
		modem, err := dialer.Dial(t.Context(), dialer.Options{Scenario: "behaves", Far: far})
		if err != nil {
			t.Fatal(err)
		}
		web := &http.Client{Transport: modem.Transport()}
		get := func() string {
			t.Helper()
			page, err := web.Get("http://example.com/")
			if err != nil {
				t.Fatal(err)
			}
			defer page.Body.Close()
			b, err := io.ReadAll(page.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if got := get(); got != text {
			t.Errorf("%q", got)
		}
		if in, out := modem.Counters(); in < uint64(len(text)) || out == 0 {
			t.Errorf("%d octets in, %d out", in, out)
		}
		if err := modem.Close(); err != nil {
			t.Error(err)
		}
		if _, err := web.Get("http://example.com/"); !errors.Is(err, dialer.ErrDown) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// Connections come in over the link, too, and whoever waits for one hears of the end.
func TestListenThroughTheModem(t *testing.T) {
	far := webServer("")
	defer far.Close()
	modem, err := dialer.Dial(t.Context(), dialer.Options{Scenario: "behaves", Far: far})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := modem.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			_, _ = io.Copy(c, c) // it ends with the other end
			c.Close()
		}
	}()
	up, _ := modem.Up()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := far.Dial(ctx, "tcp", net.JoinHostPort(up.Local, "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "echo"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "echo" {
		t.Errorf("%q, %v", b, err)
	}
	modem.Close()
	select {
	case <-ended:
	case <-ctx.Done():
		t.Error("the listener outlives the link")
	}
	for _, address := range []string{"", ":x", "example.com:80", "[::1]:80"} {
		if _, err := far.Listen("tcp", address); err == nil {
			t.Errorf("listening on %q", address)
		}
	}
	if _, err := far.Listen("udp", ":53"); err == nil {
		t.Error("listening on udp")
	}
}

// A link that persists comes back after it was lost: connections of before are lost, and a web client makes new ones.
func TestPersist(t *testing.T) {
	far := webServer("here again")
	defer far.Close()
	ups := make(chan struct{}, 10)
	modem, err := dialer.Dial(t.Context(), dialer.Options{Scenario: "behaves", Far: far, Persist: true, Events: func(r event.Record) {
		if _, up := r.Event.(event.Up); up {
			ups <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer modem.Close()
	web := &http.Client{Transport: modem.Transport()}
	for n := range 2 {
		select {
		case <-ups:
		case <-time.After(30 * time.Second):
			t.Fatalf("not up for the %d. time", n+1)
		}
		page, err := web.Get("http://example.com/")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(page.Body); err != nil || string(b) != "here again" {
			t.Errorf("%q, %v", b, err)
		}
		page.Body.Close()
		web.CloseIdleConnections()
		modem.Redial("the test wants it")
	}
}
