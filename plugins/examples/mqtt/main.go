// Command knak-plugin-mqtt reports links and findings to an MQTT 5 broker and takes orders from it, so that a fleet of gateways
// can be watched.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/knakppp/knak/plugins/sdk"
)

func main() {
	sdk.Serve(sdk.Plugin{
		Name: "mqtt", Version: "1.0.0", About: "reports links and findings to an MQTT 5 broker, and takes signed orders from it",
		Implementation: &plugin{}, Grants: []sdk.Grant{sdk.GrantControl},
	})
}

// config is the table [plugins.mqtt.config].
type config struct {
	Broker       string `json:"broker" required:"true" doc:"where the broker is: mqtts://HOST:8883, or mqtt://HOST:1883 on a network of your own"`
	Site         string `json:"site" required:"true" doc:"this gateway's name, one level of a topic"`
	Prefix       string `json:"prefix" doc:"first levels of all topics; knak where it is empty"`
	User         string `json:"user" doc:"user name for the broker"`
	PasswordFile string `json:"password_file" doc:"file with the password for the broker"`
	CAFile       string `json:"ca_file" doc:"file with the certificates that sign the broker's; empty: the system's"`
	CertFile     string `json:"cert_file" doc:"file with this gateway's certificate for the broker"`
	KeyFile      string `json:"key_file" doc:"file with its key"`
	FleetKeyFile string `json:"fleet_key_file" doc:"file with the key that what is learned of modems is signed with, the same in the whole fleet, at least 16 octets; empty: nothing is shared"`
	OrderKeyFile string `json:"order_key_file" doc:"file with the key that orders are signed with, at least 16 octets; empty: no orders are taken"`
}

// plugin carries events to the broker and orders from it.
type plugin struct {
	config   config
	orderKey []byte
	wire     *wire
	school   *school // nil: nothing is shared
}

// Events lists the events for the broker, and those from which lessons are made.
func (p *plugin) Events() []string {
	return []string{"phase", "up", "down", "finding", "statistics", "quirk", "attempt"}
}

// Identify proposes the settings that the fleet has learned for the modem.
func (p *plugin) Identify(_ context.Context, q sdk.Identify) (sdk.Identified, error) {
	if p.school == nil {
		return sdk.Identified{}, nil
	}
	return sdk.Identified{Settings: p.school.offer(q.Link, q.Device)}, nil
}

func (p *plugin) Config() any { return &p.config }

// Configure checks everything and begins to connect. It does not wait for a broker that is away.
func (p *plugin) Configure(_ context.Context, grants []sdk.Grant) error {
	c := &p.config
	if c.Prefix == "" {
		c.Prefix = "knak"
	}
	u, err := url.Parse(c.Broker)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "mqtt" && u.Scheme != "mqtts":
		return &sdk.KeyError{Key: "broker", Err: errors.New("must be mqtts://HOST:8883 or mqtt://HOST:1883")}
	case u.User != nil:
		return &sdk.KeyError{Key: "broker", Err: errors.New(`the name belongs into "user", the password into "password_file"`)}
	case c.Site == "" || strings.ContainsAny(c.Site, "/+#\x00"):
		return &sdk.KeyError{Key: "site", Err: errors.New("must be one level of a topic: no /, + or #")}
	case strings.ContainsAny(c.Prefix, "+#\x00"):
		return &sdk.KeyError{Key: "prefix", Err: errors.New("must be levels of a topic: no + or #")}
	case (c.CertFile == "") != (c.KeyFile == ""):
		return &sdk.KeyError{Key: "key_file", Err: errors.New("cert_file and key_file belong together")}
	}
	var password []byte
	if c.PasswordFile != "" {
		if password, err = secret(c.PasswordFile); err != nil {
			return &sdk.KeyError{Key: "password_file", Err: err}
		}
		if u.Scheme == "mqtt" && !loopback(u.Hostname()) {
			slog.Warn("the password goes to the broker in the clear: use mqtts://", "broker", c.Broker)
		}
	}
	if c.OrderKeyFile != "" {
		if p.orderKey, err = secret(c.OrderKeyFile); err != nil {
			return &sdk.KeyError{Key: "order_key_file", Err: err}
		}
		if len(p.orderKey) < minKey {
			return &sdk.KeyError{Key: "order_key_file", Err: fmt.Errorf("the key has %d octets; it needs %d", len(p.orderKey), minKey)}
		}
		if !slices.Contains(grants, sdk.GrantControl) {
			return &sdk.KeyError{Key: "order_key_file", Err: errors.New(`to give orders the plugin needs grants = ["control"]`)}
		}
	}
	security, err := c.tls(u)
	if err != nil {
		return err
	}
	p.wire = newWire(c, u, password, security)
	if c.FleetKeyFile != "" {
		key, err := secret(c.FleetKeyFile)
		if err == nil && len(key) < minKey {
			err = fmt.Errorf("the key has %d octets; it needs %d", len(key), minKey)
		}
		if err != nil {
			return &sdk.KeyError{Key: "fleet_key_file", Err: err}
		}
		p.school = newSchool(key, c.Prefix, c.Site)
		p.wire.lessons, p.wire.learned = make(chan []byte, lessonsKept), c.Prefix+"/learned/#"
		go p.learn(p.wire.lessons)
	}
	return p.wire.connect()
}

// minKey is how long the key of orders must be, in octets (NIST SP 800-107 section 5.3.2 has more for strong ones).
const minKey = 16

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// secret reads the first line of a file that only its owner may read.
func secret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > 4096:
		return nil, fmt.Errorf("%s must be a file of at most 4096 octets", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s may be read by others: chmod 600 %s", path, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return []byte(strings.TrimSuffix(line, "\r")), nil
}

// Notify sends one event; it does not wait for the broker.
func (p *plugin) Notify(_ context.Context, n sdk.Notice) error {
	if p.school != nil {
		if m, ok := p.school.hear(n); ok {
			p.wire.put(m)
		}
	}
	if n.Kind == "quirk" || n.Kind == "attempt" {
		return nil
	}
	for _, m := range messages(n) {
		p.wire.put(m)
	}
	return nil
}

// Commands gives knak the orders that arrive with a valid signature, until ctx ends.
func (p *plugin) Commands(ctx context.Context, give func(sdk.Command) error) error {
	if p.orderKey == nil {
		<-ctx.Done()
		return nil
	}
	orders := p.wire.orders()
	check := newVerifier(p.orderKey, p.config.Site)
	for {
		select {
		case <-ctx.Done():
			return nil
		case text := <-orders:
			command, err := check.order(text)
			if err != nil {
				slog.Warn("an order was not taken", "reason", err.Error())
				p.wire.put(message{topic: "refused", payload: []byte(err.Error())})
				continue
			}
			if err := give(command); err != nil {
				return err
			}
		}
	}
}

// Health describes the state of the connection.
func (p *plugin) Health(context.Context) error {
	if p.wire == nil {
		return errors.New("it was not configured")
	}
	return p.wire.trouble()
}

// Close disconnects from the broker.
func (p *plugin) Close() error {
	if p.wire != nil {
		p.wire.close()
	}
	return nil
}
