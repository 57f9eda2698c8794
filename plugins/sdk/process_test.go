package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/plugins/internal/wire"
	"github.com/knakppp/knak/plugins/proto"
	"github.com/knakppp/knak/plugins/sdk"
)

// The test's program is also the plugin, and a host that is killed.
const (
	modeEnv   = "SDK_TEST_MODE"
	markerEnv = "SDK_TEST_MARKER" // a file that the plugin makes when it is closed
)

func TestMain(m *testing.M) {
	switch os.Getenv(modeEnv) {
	case "plugin":
		servePlugin()
	case "host":
		serveHost()
	default:
		os.Exit(m.Run())
	}
}

func servePlugin() {
	fmt.Println("printed before Serve")
	fmt.Println("1|2|3|4|5")
	child := exec.Command("/bin/sh", "-c", "echo printed by a child")
	child.Stdout = os.Stdout
	if err := child.Run(); err != nil {
		panic(err)
	}
	_, _ = syscall.Write(1, []byte("written to descriptor 1\n"))
	var once sync.Once
	printed := make(chan struct{})
	go func() {
		for range 20_000 { // for longer than Serve takes to its first line
			fmt.Println("printed meanwhile")
			once.Do(func() { close(printed) })
		}
	}()
	<-printed
	sdk.Serve(sdk.Plugin{Name: "noisy", Version: "1.2.3", Implementation: noisy{}, Log: slog.LevelDebug})
}

type noisy struct{}

func (noisy) Steps(context.Context, sdk.Steps) (sdk.Plan, error) { panic("at the disco") }

func (noisy) Decisions() []sdk.On {
	return []sdk.On{{Protocol: sdk.IPCP, Decide: func(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
		slog.Warn("deciding", "point", int(e.Point), "long", strings.Repeat("x", 100<<10))
		return sdk.Retry().In(time.Second), nil
	}}}
}

func (noisy) Prove(context.Context, sdk.Prove) (sdk.Proof, error) {
	return sdk.Proof{}, errors.New("no idea")
}

func (noisy) Close() error { return os.WriteFile(os.Getenv(markerEnv), nil, 0o600) }

// start starts the plugin as a host does. What it logs goes to log.
func start(t testing.TB, dir string, log *logs, tls bool) (*wire.Client, *goplugin.Client) {
	cmd := exec.Command(os.Args[0])
	sockets := filepath.Join(dir, "sockets") // as go-plugin does for a host with a runner of its own
	if err := os.Mkdir(sockets, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{modeEnv + "=plugin", markerEnv + "=" + filepath.Join(dir, "closed"), goplugin.EnvUnixSocketDir + "=" + sockets}
	host := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: wire.Handshake(), VersionedPlugins: wire.Sets(), Cmd: cmd, SkipHostEnv: true, AutoMTLS: tls,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, GRPCDialOptions: wire.DialOptions(),
		Logger: hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Debug, JSONFormat: true}),
	})
	conn, err := host.Client()
	if err != nil {
		host.Kill()
		t.Fatalf("%v\n%s", err, log)
	}
	raw, err := conn.Dispense(proto.Name)
	if err != nil {
		host.Kill()
		t.Fatal(err)
	}
	return raw.(*wire.Client), host
}

// logs is a buffer for several writers, in which one can wait for a text.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
	more *sync.Cond
}

func newLogs() *logs {
	l := &logs{}
	l.more = sync.NewCond(&l.mu)
	return l
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.more.Broadcast()
	if l.text.Len() > 8<<20 { // of what is printed meanwhile
		return len(b), nil
	}
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.text.String()
	return s[:min(len(s), 20_000)]
}

// line waits for a line that holds all the texts.
func (l *logs) line(t *testing.T, texts ...string) {
	t.Helper()
	late := time.AfterFunc(10*time.Second, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.more.Broadcast()
	})
	defer late.Stop()
	began := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for from := 0; ; {
	lines:
		for line := range bytes.Lines(l.text.Bytes()[from:]) {
			if line[len(line)-1] != '\n' {
				break
			}
			from += len(line)
			for _, text := range texts {
				if !bytes.Contains(line, []byte(text)) {
					continue lines
				}
			}
			return
		}
		if time.Since(began) >= 10*time.Second {
			t.Errorf("no line of the log has %q", texts)
			return
		}
		l.more.Wait()
	}
}

func TestProcess(t *testing.T) {
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", tls), func(t *testing.T) {
			dir, log := t.TempDir(), newLogs()
			c, host := start(t, dir, log, tls)
			defer host.Kill()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			d, err := c.Describe(ctx, "test")
			if err != nil || d.Name != "noisy" || d.Version != "1.2.3" || fmt.Sprint(d.Capabilities) != "[steps decide prove]" {
				t.Fatal(d, err)
			}
			if _, err := c.Ask(ctx, advice.Steps{When: advice.Before}, wire.Known{}); err == nil || !strings.Contains(err.Error(), "panic in /knak.plugin.v1.Dial/Steps: at the disco") {
				t.Errorf("a panic: %v", err)
			}
			if _, err := c.Ask(ctx, advice.Prove{}, wire.Known{}); err == nil || err.Error() != "no idea" {
				t.Errorf("an error: %v", err)
			}
			// Ctrl-C at a terminal reaches plugins as well, and is none of theirs.
			pid, err := strconv.Atoi(host.ID())
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Kill(pid, unix.SIGINT); err != nil {
				t.Fatal(err)
			}
			a, err := c.Ask(ctx, advice.Decide{Decision: ppp.Decision{Protocol: packet.IPCP, Point: ppp.PointNak}}, wire.Known{By: "plugin noisy"})
			if v, ok := a.(advice.Verdict); err != nil || !ok || v.Action != ppp.Retry || v.Delay != time.Second {
				t.Errorf("after SIGINT: %v, %v", a, err)
			}
			for _, texts := range [][]string{
				{"printed before Serve"}, {"1|2|3|4|5"}, {"printed by a child"}, {"written to descriptor 1"}, {"printed meanwhile"},
				{`"@level":"warn"`, "deciding", `"point":3`}, {`"@level":"error"`, "panic", "at the disco"},
			} {
				log.line(t, texts...)
			}
			ended := pidfd(t, pid)
			if err := unix.Kill(pid, unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if !wait(ended, 5*time.Second) {
				t.Error("it does not end at SIGTERM")
			}
			if _, err := os.Stat(filepath.Join(dir, "closed")); err != nil {
				t.Errorf("it was not closed: %v", err)
			}
		})
	}
}

// serveHost starts the plugin, says so, and waits to be killed.
func serveHost() {
	dir := os.Getenv("SDK_TEST_DIR")
	_, host := start(fataling{}, dir, newLogs(), false)
	fmt.Println(host.ID())
	select {}
}

type fataling struct{ testing.TB }

func (fataling) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (fataling) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Nothing is left of a plugin whose host was killed: no process, no socket, no directory.
func TestHostKilled(t *testing.T) {
	dir := t.TempDir()
	host := exec.Command(os.Args[0])
	host.Env = []string{modeEnv + "=host", "SDK_TEST_DIR=" + dir, "PATH=" + os.Getenv("PATH")}
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Process.Kill() }) // where the test ends before it does
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil {
		t.Fatal(line, err, convErr)
	}
	sockets, _ := filepath.Glob(filepath.Join(dir, "sockets", "plugin*"))
	if len(sockets) == 0 {
		t.Fatal("the socket is not where it is looked for below")
	}
	ended := pidfd(t, pid)
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	if !wait(ended, 2*time.Second) {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Error("the plugin is there two seconds after its host was killed")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "closed" {
			t.Errorf("%s is left", e.Name())
		}
	}
	if len(left) == 0 {
		t.Error("the plugin was not told to close")
	}
}

func pidfd(t *testing.T, pid int) int {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// wait waits for a process to end.
func wait(fd int, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(time.Until(end), 0)/time.Millisecond))
		if !errors.Is(err, unix.EINTR) {
			return n == 1
		}
	}
}

// Started by a person a plugin says what it is.
func TestStartedByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{modeEnv + "=plugin"}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(exit.Stderr), "knak plugins install") {
		t.Errorf("%v %s", err, out[:min(len(out), 200)])
	}
}
