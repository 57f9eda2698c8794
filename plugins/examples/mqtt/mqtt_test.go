package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

const key = "an order key that is long enough"

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func signed(o order) []byte {
	o.MAC = o.sign([]byte(key), "station-7")
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

// An order is taken once, from who has the key, for this site, and in its time.
func TestOrders(t *testing.T) {
	good := order{Order: "hangup", Link: "default", Time: "2026-11-22T10:00:00Z", Nonce: "12345678", Reason: "maintenance"}
	change := func(f func(*order)) order { o := good; f(&o); return o }
	tampered := func() []byte {
		return []byte(strings.Replace(string(signed(good)), "hangup", "redial", 1))
	}
	for _, c := range []struct {
		name string
		text []byte
		want string
	}{
		{"good", signed(good), ""},
		{"again", signed(good), "given before"},
		{"tampered with", tampered(), "signature"},
		{"without signature", []byte(`{"order":"hangup","time":"2026-11-22T10:00:00Z","nonce":"12345678"}`), "signature"},
		{"old", signed(change(func(o *order) { o.Time = "2026-11-22T09:57:00Z"; o.Nonce = "abcdefgh" })), "clock"},
		{"from the future", signed(change(func(o *order) { o.Time = "2026-11-22T10:03:00Z"; o.Nonce = "abcdefgh" })), "clock"},
		{"short nonce", signed(change(func(o *order) { o.Nonce = "1" })), "nonce"},
		{"unknown order", signed(change(func(o *order) { o.Order = "format"; o.Nonce = "abcdefgh" })), "neither"},
		{"a line more", signed(change(func(o *order) { o.Nonce = "abcdefgh\nx" })), "control characters"},
		{"no JSON", []byte("hangup"), "no JSON"},
	} {
		if c.name == "good" || c.name == "again" {
			continue
		}
		v := newVerifier([]byte(key), "station-7")
		v.now = func() time.Time { return at("2026-11-22T10:00:30Z") }
		if _, err := v.order(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	v := newVerifier([]byte(key), "station-7")
	v.now = func() time.Time { return at("2026-11-22T10:00:30Z") }
	command, err := v.order(signed(good))
	if err != nil || command != (sdk.Command{Link: "default", Order: sdk.Hangup, Reason: "maintenance"}) {
		t.Errorf("%+v, %v", command, err)
	}
	if _, err := v.order(signed(good)); err == nil || !strings.Contains(err.Error(), "given before") {
		t.Errorf("the same order again: %v", err)
	}
	other := newVerifier([]byte(key), "station-8")
	other.now = v.now
	if _, err := other.order(signed(good)); err == nil {
		t.Error("an order for another site was taken")
	}
}

// What waits for the broker is bounded: the oldest events go, the newest state of each link stays.
func TestQueue(t *testing.T) {
	w := newWire(&config{Prefix: "knak", Site: "s"}, &url.URL{}, nil, nil)
	for i := range 1000 {
		w.put(message{topic: "default/event/phase", payload: fmt.Append(nil, i)})
		w.put(message{topic: "default/status", payload: fmt.Append(nil, i), retained: true})
	}
	w.up = true
	var events, states int
	var last string
	for m, ok := w.take(); ok; m, ok = w.take() {
		if m.retained {
			states++
			last = string(m.payload)
		} else {
			events++
		}
	}
	if states != 1 || last != "999" || events != queueLimit-1 || w.lost != 1000-events {
		t.Errorf("%d states, the last %s; %d events, %d lost", states, last, events, w.lost)
	}
}

func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	base := func(more ...any) map[string]any {
		m := map[string]any{"broker": "mqtt://127.0.0.1:1", "site": "s"}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name   string
		config map[string]any
		want   string
	}{
		{"good: the broker need not be there", base(), ""},
		{"no broker", map[string]any{"site": "s"}, "broker"},
		{"a wrong scheme", base("broker", "http://x"), "broker: must be mqtts://"},
		{"a password in the address", base("broker", "mqtt://u:p@x"), `"password_file"`},
		{"a wrong site", base("site", "a/b"), "site: must be one level"},
		{"a key that others may read", base("order_key_file", file("open", key, 0o644)), "chmod 600"},
		{"a short key", base("order_key_file", file("short", "short", 0o600)), "it needs 16"},
		{"no grant", base("order_key_file", file("key", key, 0o600)), `grants = ["control"]`},
		{"certificates in the clear", base("ca_file", "/x"), "need mqtts://"},
		{"half a pair", base("broker", "mqtts://x:1", "cert_file", "/x"), "belong together"},
		{"misspelt", base("brocker", "x"), "brocker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sdk.Plugin{Name: "mqtt", Version: "1", Implementation: &plugin{}}
			got := strings.Join(sdktest.Configure(t, p, c.config), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// broker runs a real mosquitto with TLS, a user and a password, and gives its address and the file that signs it.
func broker(t *testing.T) (address, ca string) {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		t.Skip("SKIPPED: mqtt against a real broker: mosquitto is not installed (Debian: mosquitto)")
	}
	dir := t.TempDir()
	certificate, private := selfSigned(t)
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca = write("ca.pem", certificate)
	keyFile := write("key.pem", private)
	passwords := filepath.Join(dir, "passwords")
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", passwords, "gateway", "broker word").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	if err := os.Chmod(passwords, 0o644); err != nil { // mosquitto gives up root before it reads them
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := write("mosquitto.conf", fmt.Appendf(nil, "listener %d 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nallow_anonymous false\npassword_file %s\nuser root\n",
		port, ca, ca, keyFile, passwords))
	cmd := exec.Command(program, "-c", conf)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return fmt.Sprintf("127.0.0.1:%d", port), ca
}

func selfSigned(t *testing.T) (certificate, private []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	priv, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: priv})
}

// console is the other end of the broker: it hears everything of the site and gives orders.
func console(t *testing.T, address, ca, password string) (w *wire, heard chan paho.Publish) {
	t.Helper()
	c := &config{Prefix: "knak", Site: "console", User: "gateway", CAFile: ca}
	u := &url.URL{Scheme: "mqtts", Host: address}
	security, err := c.tls(u)
	if err != nil {
		t.Fatal(err)
	}
	w = newWire(c, u, []byte(password), security)
	heard = make(chan paho.Publish, 200)
	w.client.OnPublishReceived[0] = func(r paho.PublishReceived) (bool, error) { heard <- *r.Packet; return true, nil }
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.manager.AwaitConnection(ctx); err != nil {
		t.Fatal(err, w.trouble())
	}
	if _, err := w.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "knak/station-7/#", QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	return w, heard
}

func expect(t *testing.T, heard chan paho.Publish, topic, contains string) paho.Publish {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case m := <-heard:
			if m.Topic == topic && strings.Contains(string(m.Payload), contains) {
				return m
			}
		case <-limit:
			t.Fatalf("%s with %q was not heard", topic, contains)
		}
	}
}

// TestBroker: over TLS, with a password, against Debian's mosquitto: a dial of the simulated E398 that fails is heard as it
// happens; an order that is signed reaches knak, one that is not is refused; and the broker tells that the gateway went.
func TestBroker(t *testing.T) {
	address, ca := broker(t)
	dir := t.TempDir()
	files := map[string]string{"password": "broker word\n", "key": key + "\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watcher, heard := console(t, address, ca, "broker word")
	p := &plugin{config: config{
		Broker: "mqtts://" + address, Site: "station-7", User: "gateway", PasswordFile: filepath.Join(dir, "password"),
		CAFile: ca, OrderKeyFile: filepath.Join(dir, "key"),
	}}
	if err := p.Configure(context.Background(), []sdk.Grant{sdk.GrantControl}); err != nil {
		t.Fatal(err)
	}
	expect(t, heard, "knak/station-7/online", "true")

	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, n := range []sdk.Notice{
		{Link: sdk.Link{Name: "default"}, Time: now, Kind: "phase", JSON: `{"event":"phase"}`, Event: sdk.Phase{Phase: "ipcp"}},
		{Link: sdk.Link{Name: "default"}, Time: now, Kind: "finding", JSON: `{"event":"finding"}`, Event: sdk.Finding{ID: "ipcp-empty-nak", Title: "empty Naks"}},
		{Link: sdk.Link{Name: "default"}, Time: now, Kind: "up", JSON: `{"event":"up"}`, Event: sdk.Up{Local: "192.0.2.2"}},
	} {
		if err := p.Notify(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, heard, "knak/station-7/default/event/phase", "phase")
	expect(t, heard, "knak/station-7/default/event/finding", "finding")
	if m := expect(t, heard, "knak/station-7/default/status", "192.0.2.2"); !strings.Contains(string(m.Payload), `"state":"up"`) {
		t.Errorf("the state is %s", m.Payload)
	}

	ctx, stop := context.WithCancel(context.Background())
	given, ended := make(chan sdk.Command, 4), make(chan error, 1)
	go func() { ended <- p.Commands(ctx, func(c sdk.Command) error { given <- c; return nil }) }()
	o := order{Order: "redial", Link: "default", Time: time.Now().UTC().Format(time.RFC3339), Nonce: "nonce-of-a-test", Reason: "better weather"}
	forged := o
	forged.MAC = "00"
	text, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range [][]byte{text, signed(o)} {
		if _, err := watcher.manager.Publish(ctx, &paho.Publish{QoS: 1, Topic: "knak/station-7/order", Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, heard, "knak/station-7/refused", "signature")
	select {
	case c := <-given:
		if c != (sdk.Command{Link: "default", Order: sdk.Redial, Reason: "better weather"}) {
			t.Errorf("the order is %+v", c)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the order did not come")
	}
	stop()
	if err := <-ended; err != nil || len(given) != 0 {
		t.Errorf("the orders ended with %v, %d more were given", err, len(given))
	}

	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, heard, "knak/station-7/online", "false")
}

// A broker that does not know us is no reason to stop: the plugin says so when it is asked how it is.
func TestRefused(t *testing.T) {
	address, ca := broker(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &plugin{config: config{Broker: "mqtts://" + address, Site: "s", User: "gateway", PasswordFile: password, CAFile: ca}}
	if err := p.Configure(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	limit := time.Now().Add(20 * time.Second)
	for {
		err := p.Health(context.Background())
		if err != nil && strings.Contains(err.Error(), "the broker refuses: not authorized") {
			if strings.Contains(err.Error(), "wrong") {
				t.Errorf("the password is in the error: %v", err)
			}
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("it says %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func FuzzOrder(f *testing.F) {
	f.Add(signed(order{Order: "hangup", Time: "2026-11-22T10:00:00Z", Nonce: "12345678"}))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := newVerifier([]byte("another key that is long enough"), "station-7")
		v.now = func() time.Time { return at("2026-11-22T10:00:00Z") }
		if _, err := v.order(text); err == nil {
			t.Fatalf("an order without the key was taken: %s", text)
		}
	})
}
