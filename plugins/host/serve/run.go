package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
	"github.com/knakppp/knak/plugins/internal/wire"
	"github.com/knakppp/knak/plugins/proto"
)

// The times of a start and of an end.
const (
	handshakeLimit = 10 * time.Second       // until the plugin prints that it listens: an interpreter on a small or busy board needs seconds
	describeLimit  = 3 * time.Second        // until it has described itself
	configureLimit = 5 * time.Second        // until it has taken its configuration: it may open connections
	shutdownLimit  = 500 * time.Millisecond // for the call Shutdown
	termLimit      = time.Second            // between SIGTERM and SIGKILL
)

// running is one process of a plugin that was described and configured.
type running struct {
	process *process
	client  *goplugin.Client
	wire    *wire.Client
	about   *wire.Description
}

// startError says why a plugin does not run. If it is lasting, another start would fail in the same way.
type startError struct {
	word    host.Word
	text    string
	cure    string
	lasting bool
}

func (e *startError) Error() string { return e.text }

// fileError makes a startError of an error of package pin.
func fileError(err error) *startError {
	e := &startError{word: host.Word(pin.StateOf(err)), text: err.Error(), lasting: true}
	var state *pin.StateError
	switch {
	case errors.As(err, &state):
		e.text, e.cure = state.Text, state.Cure
	case e.word == host.Word(pin.Missing):
		e.cure = "knak plugins install FILE"
	}
	return e
}

// open opens the plugin's file if it may run.
func open(plan *host.Plan, p *host.Plugin) (*os.File, string, error) {
	path := p.Path
	if path == "" {
		var err error
		if path, err = pin.Find(plan.Dirs, p.Name); err != nil {
			return nil, "", err
		}
	}
	if p.Any {
		f, err := pin.OpenAny(path)
		return f, path, err
	}
	lock, err := pin.ReadLock(plan.Lock)
	if err != nil {
		return nil, path, err
	}
	f, err := pin.Open(lock, p.Name, path, p.SHA256)
	return f, path, err
}

// start starts a plugin's process, and ends it again where it cannot be used. about is there as soon as the plugin has said
// who it is, also beside an error.
func start(ctx context.Context, n *nursery, plan *host.Plan, p *host.Plugin, takeLine func([]byte), last func() string) (r *running, path string, about *wire.Description, err error) {
	f, path, err := open(plan, p)
	if err != nil {
		return nil, path, nil, fileError(err)
	}
	defer f.Close()
	r = &running{}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit+describeLimit+configureLimit)
	defer cancel()
	var child atomic.Pointer[process]
	r.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: wire.Sets(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true,
		AutoMTLS:         !p.Plain,
		StartTimeout:     handshakeLimit,
		Logger:           hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off}),
		GRPCDialOptions:  wire.DialOptions(),
		// What a plugin prints after the handshake comes over gRPC.
		SyncStdout:       &lineWriter{take: takeLine},
		SyncStderr:       &lineWriter{take: takeLine},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: plan.Runtime},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			made, err := newProcess(n, f, p.Name, path, dir, cmd.Env, takeLine)
			child.Store(made)
			return made, err
		},
	})
	defer func() {
		if err != nil {
			r.process = child.Load()
			r.stop(true)
			r = nil
		}
	}()
	// Client makes the connection and may wait for it without a limit of its own: a plugin that stands still is killed.
	guard := time.AfterFunc(handshakeLimit+describeLimit, func() {
		if c := child.Load(); c != nil {
			c.signal(unix.SIGKILL)
		}
	})
	defer guard.Stop()
	protocol, err := r.client.Client()
	if err != nil {
		if c := child.Load(); c != nil && c.cmd.Process != nil {
			c.signal(unix.SIGKILL)
			select { // its last words may say why
			case <-c.ended:
			case <-time.After(termLimit):
			}
		}
		return r, path, nil, handshakeError(err, last())
	}
	r.process = child.Load()
	raw, err := protocol.Dispense(proto.Name)
	if err != nil {
		return r, path, nil, &startError{word: host.NoStart, text: err.Error()}
	}
	r.wire = raw.(*wire.Client) // what wire.Sets makes
	describe, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	if r.about, err = r.wire.Describe(describe, plan.Version); err != nil {
		e := &startError{word: host.NoStart, text: "it does not say who it is: " + err.Error()}
		if !p.Plain && (strings.Contains(err.Error(), "tls") || strings.Contains(err.Error(), "authentication handshake")) {
			e.text, e.cure, e.lasting = "it listens without TLS", "tls = \"none\" in [plugins."+p.Name+"]: its socket stands in a directory that only this user may enter", true
		}
		return r, path, nil, e
	}
	if !guard.Stop() {
		return r, path, r.about, &startError{word: host.NoStart, text: "it took too long to start"}
	}
	about = r.about
	if err := r.configure(ctx, p); err != nil {
		return r, path, about, err
	}
	return r, path, about, nil
}

func (r *running) configure(ctx context.Context, p *host.Plugin) error {
	if r.about.Name != p.Name {
		return &startError{word: host.Refused, text: fmt.Sprintf("it calls itself %q", r.about.Name), lasting: true,
			cure: "install it under its own name: knak plugins install --name " + r.about.Name + " FILE"}
	}
	section := "[plugins." + p.Name + ".config]"
	problems, err := checkConfig(r.about.ConfigSchema, string(p.Config))
	switch {
	case err != nil:
		return &startError{word: host.Refused, text: err.Error(), lasting: true, cure: "tell its author"}
	case len(problems) > 0:
		return &startError{word: host.WrongConfig, text: strings.Join(problems, "; "), lasting: true,
			cure: "correct " + section + "; knak plugins doctor " + p.Name + " shows what it takes"}
	}
	ctx, cancel := context.WithTimeout(ctx, configureLimit)
	defer cancel()
	said, err := r.wire.Configure(ctx, string(p.Config), p.Grants)
	if err != nil {
		return &startError{word: host.NoStart, text: "it fails at its configuration: " + err.Error()}
	}
	if len(said) > 0 {
		var list []string
		for _, s := range said {
			list = append(list, s.String())
		}
		return &startError{word: host.WrongConfig, text: strings.Join(list, "; "), lasting: true, cure: "correct " + section}
	}
	return nil
}

// handshakeError says in our words what go-plugin says of a start that failed; last is what the plugin wrote last on its
// standard error.
func handshakeError(err error, last string) *startError {
	text := err.Error()
	if last != "" {
		last = "; it wrote: " + last
	}
	e := &startError{word: host.NoStart}
	const strange = "Unrecognized remote plugin message: "
	switch {
	case strings.Contains(text, "incompatible API version"):
		e.word, e.lasting = host.WrongVersion, true
		version := ""
		if _, rest, ok := strings.Cut(text, "Plugin version: "); ok {
			version, _, _ = strings.Cut(rest, ",")
		}
		e.text = fmt.Sprintf("it speaks version %s of the plugin protocol, and this knak speaks %d", version, proto.Major)
		e.cure = "install a build of it for that one, or another knak"
	case strings.Contains(text, "timeout while waiting for plugin to start"):
		e.text = fmt.Sprintf("it did not say within %v that it listens%s", handshakeLimit, last)
	case strings.Contains(text, "exited before we could connect"), strings.Contains(text, "Failed to read any lines"):
		e.text = "it ended at once" + last
		if last == "" {
			e.cure = "run it by hand; it must be a program for this processor and call sdk.Serve"
		}
	case strings.Contains(text, strange):
		_, line, _ := strings.Cut(text, strange)
		line, _, _ = strings.Cut(line, "\n")
		e.text = fmt.Sprintf("it printed %.60q on standard output, where the first line belongs to the handshake", line)
		e.cure = "tell its author: a plugin must write to standard error only"
	case strings.Contains(text, "unsupported plugin protocol"):
		e.text, e.lasting = "it does not speak gRPC", true
	default:
		e.text = text + last
	}
	return e
}

// stop ends the process: with a call that says it is over, then SIGTERM, then SIGKILL; at once where now is set. Only then
// may go-plugin's own Kill be called, for it waits without limit for a process that stands still.
func (r *running) stop(now bool) {
	if r.process != nil && r.process.cmd.Process != nil {
		if !now && r.wire != nil {
			ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
			_ = r.wire.Shutdown(ctx) // SIGTERM comes in any case
			cancel()
			r.process.signal(unix.SIGTERM)
			r.process.signal(unix.SIGCONT) // one that was stopped sees SIGTERM only now
			select {
			case <-r.process.ended:
			case <-time.After(termLimit):
			}
		}
		r.process.signal(unix.SIGKILL)
	}
	r.client.Kill()
}
