package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/knakppp/knak/plugins/proto"
	"github.com/knakppp/knak/plugins/sdk/internal/early"
)

// Serve serves the plugin until knak ends it, and does not return. It is the last call of main.
//
// Before it, standard output may be used freely: it goes to the log, as standard error does. slog.Default logs to the host,
// each record with its level.
func Serve(p Plugin) {
	if !early.Hosted {
		fmt.Fprintf(os.Stderr, "This is the plugin %q for knak: it is started by knak, and does nothing on its own.\n"+
			"Install it with: knak plugins install %s\n", p.Name, filepath.Base(os.Args[0]))
		os.Exit(2)
	}
	slog.SetDefault(slog.New(newHandler(early.Stderr, p.Name, p.Log)))
	log := slog.Default()
	if err := check(p); err != nil {
		log.Error("this plugin cannot be served", "error", err.Error())
		os.Exit(1)
	}
	if err := early.Open(); err != nil {
		log.Error("standard output", "error", err.Error())
		os.Exit(1)
	}
	// Of a host that was killed, standard error goes first: a log line must not end the process before it has tidied up.
	// Ctrl-C at a terminal is for the host.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGINT)
	go watchParent(os.Getppid(), func() {
		shut(p)
		removeSockets(os.Getenv(goplugin.EnvUnixSocketDir))
		os.Exit(1)
	})
	go func() {
		terminate := make(chan os.Signal, 1)
		signal.Notify(terminate, unix.SIGTERM)
		<-terminate
		shut(p)
		os.Exit(0)
	}()
	go warm()
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion: proto.Major, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue,
		},
		VersionedPlugins: map[int]goplugin.PluginSet{proto.Major: {proto.Name: &pluginEnd{plugin: p}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, serverOptions(p)...)...)
		},
		// go-plugin's own log says at "warn" and above what an author can use; below it is noise in every start.
		Logger: hclog.New(&hclog.LoggerOptions{Name: p.Name, Level: hclog.Warn, Output: early.Stderr, JSONFormat: true}),
	})
	os.Exit(0)
}

// check says what is wrong with the plugin; a panic in the author's Config or Decisions is an error as well.
func check(p Plugin) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	_, err = newServer(p)
	return err
}

// shut gives the plugin half a second to close what it has open.
func shut(p Plugin) {
	c, ok := p.Implementation.(Closer)
	if !ok {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		_ = c.Close()
	}()
	select {
	case <-done:
	case <-time.After(500 * time.Millisecond):
	}
}

// watchParent calls gone when the process that started this one has ended, however it ended: go-plugin has nothing for
// that, and a plugin whose host was killed would stay for ever.
func watchParent(parent int, gone func()) {
	if fd, err := unix.PidfdOpen(parent, 0); err == nil {
		for os.Getppid() == parent { // it may have ended, and its number been given away, before PidfdOpen
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EINTR) {
				pollParent(parent)
				break
			}
		}
	} else {
		pollParent(parent)
	}
	gone()
}

// pollParent is for kernels before 5.3, and for sandboxes that forbid the call.
func pollParent(parent int) {
	for os.Getppid() == parent {
		time.Sleep(500 * time.Millisecond)
	}
}

// removeSockets removes the sockets of a host that is gone, and their directory where it is then empty.
func removeSockets(dir string) {
	if dir == "" || filepath.Clean(dir) == filepath.Clean(os.TempDir()) {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type()&os.ModeSocket != 0 && strings.HasPrefix(e.Name(), "plugin") {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	_ = os.Remove(dir)
}

// pluginEnd is what go-plugin serves.
type pluginEnd struct {
	goplugin.NetRPCUnsupportedPlugin
	plugin Plugin
}

func (e *pluginEnd) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	return register(e.plugin, s)
}

func (e *pluginEnd) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is the plugin's end")
}

// newHandler writes slog's records as go-plugin reads them from a plugin's standard error: hclog's JSON lines.
func newHandler(w io.Writer, name string, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(limitedLines{w}, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			return slog.String("@timestamp", a.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
		case slog.LevelKey:
			l, _ := a.Value.Any().(slog.Level)
			return slog.String("@level", levelName(l))
		case slog.MessageKey:
			return slog.String("@message", a.Value.String())
		}
		if a.Value.Kind() == slog.KindString && len(a.Value.String()) > maxAttr {
			return slog.String(a.Key, a.Value.String()[:maxAttr]+"...")
		}
		return a
	}}).WithAttrs([]slog.Attr{slog.String("@module", name)})
}

// maxAttr and maxLine keep a line below the 64 KiB that go-plugin reads as one.
const (
	maxAttr = 4 << 10
	maxLine = 60 << 10
)

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}

// limitedLines says of a line that is too long only that it was.
type limitedLines struct{ w io.Writer }

func (l limitedLines) Write(b []byte) (int, error) {
	if len(b) > maxLine {
		_, err := fmt.Fprintf(l.w, `{"@level":"warn","@message":"a log line of %d octets was left out"}`+"\n", len(b))
		return len(b), err
	}
	return l.w.Write(b)
}
