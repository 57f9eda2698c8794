package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"github.com/knakppp/knak/plugins/sdk"
)

// queueLimit is the greatest number of messages that wait for the broker. The oldest are dropped first; the states of links are
// kept.
const queueLimit = 256

// wire is the connection to the broker. It reconnects whenever the connection is lost.
type wire struct {
	root      string // of the topics
	takeOrder bool
	client    autopaho.ClientConfig

	manager *autopaho.ConnectionManager
	stop    context.CancelFunc
	// stopPublish ends the goroutine that publishes, and nothing else.
	stopPublish context.CancelFunc
	done        chan struct{}
	wake        chan struct{}
	order       chan []byte
	lessons     chan []byte // what the fleet has learned; nil: nobody wants to know
	learned     string      // the topics of that

	mu    sync.Mutex
	queue []message
	lost  int
	last  error // why there is no connection
	up    bool
}

// reconnect is the wait before attempt n: from a second to a minute.
func reconnect(n int) time.Duration { return min(time.Second<<min(n, 6), time.Minute) }

func newWire(c *config, broker *url.URL, password []byte, security *tls.Config) *wire {
	w := &wire{
		root: c.Prefix + "/" + c.Site + "/", takeOrder: c.OrderKeyFile != "",
		wake: make(chan struct{}, 1), order: make(chan []byte, 16), done: make(chan struct{}), last: errors.New("it is being connected"),
	}
	w.client = autopaho.ClientConfig{
		ServerUrls: []*url.URL{broker}, TlsCfg: security, KeepAlive: 30, CleanStartOnInitialConnection: true,
		ConnectUsername: c.User, ConnectPassword: password, ReconnectBackoff: reconnect, ConnectTimeout: 10 * time.Second,
		WillMessage:      &paho.WillMessage{Topic: w.root + "online", Payload: []byte("false"), QoS: 1, Retain: true},
		OnConnectionUp:   w.connected,
		OnConnectionDown: func() bool { w.set(false, errors.New("the broker is gone")); return true },
		OnConnectError:   func(err error) { w.set(false, explained(err)) },
		ClientConfig: paho.ClientConfig{
			ClientID: "knak-" + c.Site,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
				into := w.order
				if w.lessons != nil && strings.HasPrefix(r.Packet.Topic, strings.TrimSuffix(w.learned, "#")) {
					into = w.lessons
				}
				select {
				case into <- r.Packet.Payload:
				default: // more than anybody gives
				}
				return true, nil
			}},
		},
	}
	return w
}

// tls reads the certificates, nil for a connection without.
func (c *config) tls(broker *url.URL) (*tls.Config, error) {
	if broker.Scheme != "mqtts" {
		if c.CAFile != "" || c.CertFile != "" {
			return nil, &sdk.KeyError{Key: "broker", Err: errors.New("certificates need mqtts://")}
		}
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: broker.Hostname()}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, &sdk.KeyError{Key: "ca_file", Err: err}
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(text) {
			return nil, &sdk.KeyError{Key: "ca_file", Err: fmt.Errorf("%s holds no certificate in PEM form", c.CAFile)}
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, &sdk.KeyError{Key: "cert_file", Err: err}
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// connect begins to connect and returns at once.
func (w *wire) connect() error {
	ctx, stop := context.WithCancel(context.Background())
	manager, err := autopaho.NewConnection(ctx, w.client)
	if err != nil {
		stop()
		return &sdk.KeyError{Key: "broker", Err: err}
	}
	w.manager, w.stop = manager, stop
	publishing, stopPublish := context.WithCancel(ctx)
	w.stopPublish = stopPublish
	go w.publish(publishing)
	return nil
}

func (w *wire) set(up bool, err error) {
	w.mu.Lock()
	if err != nil && w.last == nil {
		slog.Warn("no connection to the broker", "error", err.Error())
	}
	w.up, w.last = up, err
	w.mu.Unlock()
}

// refusals are the broker's reasons that an administrator can remove (MQTT 5.0 section 3.2.2.2).
var refusals = map[byte]string{
	0x85: "another gateway may have the same site: the client identifier is not valid", 0x86: "bad user name or password",
	0x87: "not authorized: check user and password_file", 0x8a: "banned", 0x97: "quota exceeded",
}

func explained(err error) error {
	var refused *autopaho.ConnackError
	if errors.As(err, &refused) {
		if text, ok := refusals[refused.ReasonCode]; ok {
			return fmt.Errorf("the broker refuses: %s", text)
		}
	}
	return err
}

// connected is called whenever a connection is there.
func (w *wire) connected(m *autopaho.ConnectionManager, _ *paho.Connack) {
	w.set(true, nil)
	if w.takeOrder {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			subscriptions := []paho.SubscribeOptions{{Topic: w.root + "order", QoS: 1, RetainHandling: 2}} // 2: none that wait there already
			if _, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscriptions}); err != nil {
				slog.Warn("the broker does not let us take orders", "error", err.Error())
			}
		}()
	}
	if w.lessons != nil {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if _, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: w.learned, QoS: 1, NoLocal: true}}}); err != nil {
				slog.Warn("the broker does not let us hear what the fleet has learned", "error", err.Error())
			}
		}()
	}
	w.put(message{topic: "online", payload: []byte("true"), retained: true})
}

// put queues a message: it never waits.
func (w *wire) put(m message) {
	w.mu.Lock()
	if m.retained { // only the newest state of a link counts
		for i := range w.queue {
			if w.queue[i].topic == m.topic {
				w.queue = append(w.queue[:i], w.queue[i+1:]...)
				break
			}
		}
	}
	w.queue = append(w.queue, m)
	if len(w.queue) > queueLimit {
		for i := range w.queue {
			if !w.queue[i].retained {
				w.queue = append(w.queue[:i], w.queue[i+1:]...)
				w.lost++
				break
			}
		}
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *wire) take() (message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 || !w.up {
		return message{}, false
	}
	m := w.queue[0]
	w.queue = w.queue[1:]
	return m, true
}

// publish gives the messages to the broker one after the other. One that fails with the connection is given again.
func (w *wire) publish(ctx context.Context) {
	defer close(w.done)
	for {
		m, ok := w.take()
		if !ok {
			select {
			case <-w.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		limit, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := w.give(limit, m)
		cancel()
		switch {
		case ctx.Err() != nil && err == nil:
			return
		case err != nil && (w.trouble() != nil || ctx.Err() != nil): // before the others, when there is a connection again
			w.mu.Lock()
			w.queue = append([]message{m}, w.queue...)
			w.mu.Unlock()
		case err != nil:
			slog.Warn("the broker did not take a message", "topic", m.topic, "error", err.Error())
		}
	}
}

func (w *wire) orders() <-chan []byte { return w.order }

// trouble says why there is no connection, nil where there is one.
func (w *wire) trouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// close tells the broker what is still queued and that this gateway goes, within a second.
func (w *wire) close() {
	w.stopPublish()
	<-w.done
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.trouble() == nil {
		w.put(message{topic: "online", payload: []byte("false"), retained: true})
		for m, ok := w.take(); ok && ctx.Err() == nil; m, ok = w.take() {
			_ = w.give(ctx, m) // it goes anyway
		}
		_ = w.manager.Disconnect(ctx) // as above
	}
	w.stop()
}

func (w *wire) give(ctx context.Context, m message) error {
	topic := w.root + m.topic
	if m.absolute {
		topic = m.topic
	}
	_, err := w.manager.Publish(ctx, &paho.Publish{QoS: 1, Retain: m.retained, Topic: topic, Payload: m.payload})
	return err
}
