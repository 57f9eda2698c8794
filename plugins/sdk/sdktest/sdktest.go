// Package sdktest tests a plugin in process, over real gRPC, against knak's own engine and a simulated modem in virtual
// time: a minute of timeouts takes milliseconds, and no modem, no knak and no privilege is needed.
//
//	func TestComesUp(t *testing.T) {
//		call := sdktest.Dial(t, plugin(), sdktest.Scenario("huawei/e398"))
//		if !call.Up {
//			t.Fatal(call)
//		}
//	}
//
// Scenarios are the files that `knak sim` plays: one that comes with knak by its name (`knak sim --list`), or a file of the
// author's own (docs/sim.md).
package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/plugins/internal/wire"
	"github.com/knakppp/knak/plugins/proto"
	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/internal/bridge"
	"github.com/knakppp/knak/quirks"
)

// Option changes one thing about a call.
type Option func(*setup)

type setup struct {
	scenario string
	profile  string
	config   string
	grants   []string
	set      []string
	password string
	hold     time.Duration
	seed     uint64
	err      error
}

// Scenario is the modem: the name of a scenario that comes with knak, such as "huawei/e398" or "empty-naks", or the path of
// a file that ends in .toml. Without it the modem behaves.
func Scenario(name string) Option { return func(s *setup) { s.scenario = name } }

// Profile gives the modem a quirk profile of knak's, such as "huawei/e398". Without it there is no profile, so the result depends
// on the plugin alone.
func Profile(id string) Option { return func(s *setup) { s.profile = id } }

// Config configures the plugin with the content of [plugins.NAME.config]. v is any value that encoding/json turns into an object.
func Config(v any) Option {
	return func(s *setup) {
		b, err := json.Marshal(v)
		if err != nil {
			s.err = fmt.Errorf("sdktest.Config: %w", err)
		}
		s.config = string(b)
	}
}

// Grants gives the plugin grants, as a user would.
func Grants(grants ...sdk.Grant) Option {
	return func(s *setup) {
		for _, g := range grants {
			s.grants = append(s.grants, string(g))
		}
	}
}

// Set adds settings in the form of `knak dial --set`: "auth.user=web", "context.apn=internet".
func Set(settings ...string) Option { return func(s *setup) { s.set = append(s.set, settings...) } }

// Password sets the user's password.
func Password(p string) Option { return func(s *setup) { s.password = p } }

// Hold keeps the link up for so long, in virtual time, before the hang-up. Without it the link is hung up as soon as it is up.
func Hold(d time.Duration) Option { return func(s *setup) { s.hold = d } }

// Seed sets the seed of all random events.
func Seed(n uint64) Option { return func(s *setup) { s.seed = n } }

// Call is the result of a dial.
type Call struct {
	Up       bool          // the link came up
	Elapsed  time.Duration // the virtual time until the link was up, or the dial was given up
	Reason   string        // how it ended, in words
	ExitCode int           // the exit status that `knak dial` would have had
	Findings []string      // ids of the findings of diagnosis
	Local    string        // our address
	Peer     string
	DNS      []string
	Events   []Event  // all events of the call
	Verdicts []Event  // the events "decision" that the plugin decided
	Errors   []string // failures of the plugin, and answers of it that make no sense

	log string
}

// Event is one event of a call.
type Event struct {
	At   time.Duration // since the dial began
	Kind string        // as in the JSON Lines of `knak dial`
	JSON string
}

// String gives the log of the call as `knak dial -v` prints it.
func (c *Call) String() string {
	end := "the link did not come up: " + c.Reason
	if c.Up {
		end = "the link came up"
	}
	return end + strings.Join(append([]string{""}, c.Errors...), "\nthe plugin failed: ") + "\n" + c.log
}

// Find gives the events of a kind.
func (c *Call) Find(kind string) []Event {
	var list []Event
	for _, e := range c.Events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

const (
	patience = 2 * time.Minute  // of virtual time
	budget   = 20 * time.Second // of real time, for each answer: a slow machine must not fail a test
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Dial dials once with the plugin. It fails the test if it cannot dial: there is no such scenario, or the plugin refuses the
// configuration. Whether the link must come up is for the test to check.
//
// An Observer gets the events, in order, when the dial is over.
func Dial(t testing.TB, p sdk.Plugin, options ...Option) *Call {
	t.Helper()
	s := newSetup(t, options)
	scenario, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, p, s)
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	resolve := a.resolve(db, s, scenario)
	if _, err := resolve(link.Facts{}); err != nil {
		t.Fatal(err)
	}
	cfg := link.Config{
		Name: "test", Resolve: resolve, Password: auth.NewSecret(s.password), Once: s.hold == 0, MaxTime: s.hold,
		Timeout: patience, MaxAttempts: 1, Random: rand.NewChaCha8([32]byte{byte(s.seed)}),
	}
	if e := scenario.Expect; e != nil {
		cfg.PIN = auth.NewSecret(e.PIN)
		if s.password == "" {
			cfg.Password = auth.NewSecret(e.Password)
		}
	}
	done := simulate.World{Adviser: a}.Run(cfg, sim.New(scenario, s.seed), epoch, patience+s.hold+time.Minute)
	a.notify(done.Records)
	return a.judge(done)
}

// Configure gives the mistakes that the plugin finds in a configuration; none if it accepts the configuration.
func Configure(t testing.TB, p sdk.Plugin, config any) []string {
	t.Helper()
	s := newSetup(t, []Option{Config(config)})
	client, _ := connect(t, p)
	return configure(t, client, s)
}

func newSetup(t testing.TB, options []Option) *setup {
	t.Helper()
	s := &setup{scenario: "behaves"}
	for _, o := range options {
		o(s)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s
}

func (s *setup) load() (sim.Scenario, error) {
	if strings.HasSuffix(s.scenario, ".toml") {
		return sim.LoadFile(s.scenario)
	}
	return sim.Load(knak.Files, s.scenario)
}

// connect serves the plugin and gives the host's end.
func connect(t testing.TB, p sdk.Plugin) (*wire.Client, *wire.Description) {
	t.Helper()
	server := grpc.NewServer(bridge.ServerOptions(p)...)
	if err := bridge.Register(p, server); err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(proto.MaxMessage)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///plugin", append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := wire.NewClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	description, err := client.Describe(ctx, "sdktest")
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	return client, description
}

func configure(t testing.TB, client *wire.Client, s *setup) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	problems, err := client.Configure(ctx, s.config, s.grants)
	if err != nil {
		t.Fatalf("Configure: %v", err)
	}
	var list []string
	for _, p := range problems {
		list = append(list, p.String())
	}
	return list
}

// adviser asks the plugin as the host does.
type adviser struct {
	client *wire.Client
	plugin *wire.Description
	by     string
	grants []string

	mu     sync.Mutex
	device advice.Device
	errors []string
}

func start(t testing.TB, p sdk.Plugin, s *setup) *adviser {
	t.Helper()
	client, description := connect(t, p)
	if problems := configure(t, client, s); len(problems) > 0 {
		t.Fatalf("the plugin does not take its configuration: %s", strings.Join(problems, "; "))
	}
	return &adviser{client: client, plugin: description, by: "plugin " + p.Name, grants: s.grants}
}

// Wants says what the plugin subscribes to.
func (a *adviser) Wants(q advice.Question) bool { return a.plugin.Wants(q) }

// Ask asks it.
func (a *adviser) Ask(ctx context.Context, q advice.Question) (advice.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	_, hard := advice.Budget(q.Kind())
	a.mu.Lock()
	known := wire.Known{By: a.by, Secrets: slices.Contains(a.grants, proto.GrantSecrets), Device: a.device, Budget: hard}
	a.mu.Unlock()
	answer, err := a.client.Ask(ctx, q, known)
	a.fail(err)
	return answer, err
}

func (a *adviser) fail(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if text := err.Error(); !slices.Contains(a.errors, text) {
		a.errors = append(a.errors, text)
	}
}

// resolve gives the settings as `knak dial` does, with a profile only where one was asked for.
func (a *adviser) resolve(db *quirks.DB, s *setup, scenario sim.Scenario) func(link.Facts) (link.Selection, error) {
	set := s.set
	if e := scenario.Expect; e != nil {
		if e.User != nil {
			set = append([]string{"auth.user=" + *e.User}, set...)
		}
		set = append(slices.Clone(e.Set), set...)
	}
	resolver := policy.Resolver{
		DB: db, Facts: quirks.Facts{USB: scenario.Identity.USB}, Profile: s.profile, Unknown: s.profile == "", Set: set,
	}
	return func(f link.Facts) (link.Selection, error) {
		selection, err := resolver.Resolve(f)
		if err != nil {
			return link.Selection{}, err
		}
		for _, refused := range selection.Refused {
			a.fail(fmt.Errorf("a setting that was not taken: %w", refused.Err))
		}
		a.mu.Lock()
		a.device = advice.Device{USB: scenario.Identity.USB, Vendor: f.Vendor, Model: f.Model, Firmware: f.Firmware, Profile: selection.Device.Profile}
		a.mu.Unlock()
		return selection, nil
	}
}

func (a *adviser) notify(records []event.Record) {
	if !a.plugin.Can(proto.Observe) {
		return
	}
	for _, r := range records {
		if a.plugin.Told(r.Event.Kind()) {
			ctx, cancel := context.WithTimeout(context.Background(), budget)
			a.fail(a.client.Notify(ctx, r, 0))
			cancel()
		}
	}
}

func (a *adviser) judge(done simulate.Result) *Call {
	c := &Call{Elapsed: done.Elapsed, Reason: done.Outcome.String(), ExitCode: int(done.Outcome.ExitCode()), Errors: a.errors}
	var story bytes.Buffer
	progress := progress.New(&story, progress.Options{Level: progress.Verbose, Start: epoch})
	for _, r := range done.Records {
		progress.Record(r)
		line, err := r.AppendJSON(nil)
		if err != nil {
			continue
		}
		happened := Event{At: r.Time.Sub(epoch), Kind: r.Event.Kind(), JSON: string(line)}
		c.Events = append(c.Events, happened)
		switch e := r.Event.(type) {
		case event.Up:
			if !c.Up {
				c.Up, c.Elapsed, c.Local, c.Peer, c.DNS = true, happened.At, e.Local, e.Peer, e.DNS
			}
		case event.Finding:
			if !slices.Contains(c.Findings, e.ID) {
				c.Findings = append(c.Findings, e.ID)
			}
		case event.Decision:
			if e.By == a.by {
				c.Verdicts = append(c.Verdicts, happened)
			} else if strings.HasPrefix(e.By, "engine: ") && strings.Contains(e.By, a.by) {
				c.Errors = append(c.Errors, fmt.Sprintf("%s at %s: %s; knak did what it intended, %s", e.Protocol, e.Point, e.By, e.Intent))
			}
		}
	}
	progress.Flush()
	c.log = story.String()
	return c
}
