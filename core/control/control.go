// Package control is the local socket by which `knak hangup`, `knak status` and others reach a running dial.
//
// Each link listens on one Unix socket, DIR/LINK.sock, that only its own user (and root) may use. A client sends one
// JSON object on one line, {"command": NAME}, and gets JSON objects back, one a line, until the server closes.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/trust"
)

// The commands that a server understands.
const (
	CommandStatus = "status" // the server sends one Status
	CommandHangup = "hangup" // the server sends one Goodbye when the link is down and everything was given back
)

// requestLimit is the greatest size of a client's request, in octets: a command has a few dozen.
const requestLimit = 4096

// clientPatience is how long a client may take to send its request; it is a local program.
const clientPatience = 5 * time.Second

// Patience is how long a command waits for the status of a running dial before it tells the person that there is none.
const Patience = 3 * time.Second

// Goodbye is the answer to a hang-up.
type Goodbye struct {
	Link      string   `json:"link"`
	WasUp     bool     `json:"was_up"`
	Reason    string   `json:"reason"`
	GivenBack []string `json:"given_back"` // the changes of this host that were undone, one a line
	Error     string   `json:"error,omitempty"`
}

type request struct {
	Command string `json:"command"`
}

// CheckName says whether a link may have this name. The name becomes part of a file's name.
func CheckName(link string) error {
	valid := link != "" && len(link) <= 63
	for i := range len(link) {
		c := link[i]
		word := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		valid = valid && (word || i > 0 && (c == '.' || c == '_' || c == '-'))
	}
	if !valid {
		return fmt.Errorf("link name %q: use 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit", link)
	}
	return nil
}

// Dir gives the directory of the sockets: $KNAK_RUNTIME_DIR, or /run/knak for root, or knak below $XDG_RUNTIME_DIR, or
// a directory of this user's own below the temporary directory; on Windows knak\run below %LocalAppData%.
func Dir() string {
	if d := os.Getenv("KNAK_RUNTIME_DIR"); d != "" {
		return d
	}
	if runtime.GOOS == "windows" {
		if d, err := os.UserCacheDir(); err == nil {
			return filepath.Join(d, "knak", "run")
		}
	}
	if os.Geteuid() == 0 {
		return "/run/knak"
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "knak")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("knak-%d", os.Geteuid()))
}

// file gives the path of a link's file.
func file(dir, link, kind string) string { return filepath.Join(dir, prefix()+link+kind) }

// prefix is what the names of files begin with: nothing but on Windows, where COM5.sock would be the port COM5.
func prefix() string {
	if runtime.GOOS == "windows" {
		return "link-"
	}
	return ""
}

// BusyError says that a running dial already holds the link.
type BusyError struct{ Link string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("link %q is already held by a running dial: `knak status %s` shows it, `knak hangup %s` ends it", e.Link, e.Link, e.Link)
}

// NoLinkError says that no running dial holds the link.
type NoLinkError struct{ Link string }

func (e *NoLinkError) Error() string { return fmt.Sprintf("no running dial holds the link %q", e.Link) }

// Handler does what the clients of a server ask for. Each client has a goroutine that calls its methods.
type Handler interface {
	Status() Status
	// Hangup ends the link. It returns when the link is down, or when ctx ends.
	Hangup(ctx context.Context) Goodbye
}

// Server listens for the clients of one link.
type Server struct {
	listener net.Listener
	lock     *os.File // held as long as the link is
	handler  Handler
	cancel   context.CancelFunc
	clients  sync.WaitGroup
}

// Listen makes the socket of a link below dir, and the directory if it is missing. If a socket is there that nobody answers, a
// killed dial has left it, and Listen replaces it. The error is a *BusyError if a running dial holds the link.
func Listen(dir, link string, handler Handler) (*Server, error) {
	if err := CheckName(link); err != nil {
		return nil, err
	}
	if err := MakePrivate(dir); err != nil {
		return nil, err
	}
	lock, err := holdLink(dir, link)
	if err != nil {
		return nil, err
	}
	path := file(dir, link, ".sock")
	// The process with the lock is the only dial of this link: a socket that exists here belongs to a killed one.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("control socket left behind: %w", err), lock.Close())
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), lock.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil && runtime.GOOS != "windows" { // where the directory keeps others out
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), listener.Close(), lock.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{listener: listener, lock: lock, handler: handler, cancel: cancel}
	s.clients.Go(func() { s.accept(ctx) })
	return s, nil
}

// holdLink takes the lock of a link. The system lets it go when the process ends, however it ends; the file stays.
func holdLink(dir, link string) (*os.File, error) {
	lock, err := foreign.Lock(file(dir, link, ".lock"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &BusyError{Link: link}
	}
	if err != nil {
		return nil, fmt.Errorf("control lock: %w", err)
	}
	return lock, nil
}

// RemoveLeftover removes the socket that a killed dial of a link has left below dir. The error is a *BusyError when a
// running dial holds the link.
func RemoveLeftover(dir, link string) error {
	if err := CheckName(link); err != nil {
		return err
	}
	lock, err := holdLink(dir, link)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := os.Remove(file(dir, link, ".sock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("control socket left behind: %w", err)
	}
	return nil
}

// MakePrivate makes the directory. It refuses a directory that another user may write or replace, because a user who can replace
// a socket in it could answer in the dial's place.
func MakePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("control directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("control directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("control directory %s is not a directory", dir)
	}
	if uid, ok := trust.Owner(info); ok && uid != os.Geteuid() {
		return fmt.Errorf("control directory %s belongs to user %d, not to us: remove it or set KNAK_RUNTIME_DIR", dir, uid)
	}
	if err := trust.Path(dir); err != nil {
		return fmt.Errorf("control directory: %w", err)
	}
	return nil
}

// How long to wait after a failed Accept, when descriptors (EMFILE, ENFILE) or memory are short. Clients stay in the socket's
// queue until there are some again.
const (
	acceptWait    = 5 * time.Millisecond
	acceptLongest = time.Second
	clientsAtOnce = 64 // further clients stay in the socket's queue, because each client costs a descriptor
)

func (s *Server) accept(ctx context.Context) {
	slots := make(chan struct{}, clientsAtOnce)
	wait := acceptWait
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := s.listener.Accept()
		if err != nil {
			<-slots
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			wait = min(2*wait, acceptLongest)
			continue
		}
		wait = acceptWait
		s.clients.Go(func() {
			defer func() { <-slots }()
			defer conn.Close()
			s.serve(ctx, conn)
		})
	}
}

func (s *Server) serve(ctx context.Context, conn net.Conn) {
	if err := conn.SetReadDeadline(time.Now().Add(clientPatience)); err != nil {
		return
	}
	line, err := bufio.NewReaderSize(conn, requestLimit).ReadSlice('\n')
	if err != nil {
		return
	}
	var req request
	enc := json.NewEncoder(conn)
	if err := json.Unmarshal(line, &req); err != nil {
		_ = enc.Encode(map[string]string{"error": "the request is no JSON object"}) // the client may be gone
		return
	}
	var answer any
	switch req.Command {
	case CommandStatus:
		answer = s.handler.Status()
	case CommandHangup:
		answer = s.handler.Hangup(ctx)
	default:
		answer = map[string]string{"error": fmt.Sprintf("unknown command %q: status and hangup are known", req.Command)}
	}
	if conn.SetWriteDeadline(time.Now().Add(clientPatience)) == nil {
		_ = enc.Encode(answer) // the client may be gone
	}
}

// Close stops listening, removes the socket, ends waiting clients and returns when all of them are served.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.clients.Wait()
	return errors.Join(err, s.lock.Close())
}

// Links lists the names of the links that have a socket below dir, sorted. A missing directory is no error.
func Links(dir string) ([]string, error) {
	if err := believable(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("control directory: %w", err)
	}
	var links []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".sock")
		if name = strings.TrimPrefix(name, prefix()); ok && CheckName(name) == nil {
			links = append(links, name)
		}
	}
	slices.Sort(links)
	return links, nil
}

// answerLimit is the greatest size of a server's answer, in octets: a status has some thousand.
const answerLimit = 1 << 20

// believable refuses a directory that somebody else has made, or could: below /tmp anybody may have been the first to make the one
// of this user's name, and could answer in a dial's place. Root may ask the dials of others.
func believable(dir string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	if err := trust.Path(dir); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("control directory: %w; nobody in it is asked", err)
	}
	return nil
}

// Held lists the links of Links that have a running dial: one that answers on its socket. The socket of a killed dial does not
// answer.
func Held(dir string) ([]string, error) {
	links, err := Links(dir)
	return slices.DeleteFunc(links, func(link string) bool {
		conn, err := net.DialTimeout("unix", file(dir, link, ".sock"), clientPatience)
		if err == nil {
			_ = conn.Close() // nothing was asked
		}
		return nobody(err)
	}), err
}

// AskStatus asks the dial that holds a link for its status. The error is a *NoLinkError if no dial holds the link.
func AskStatus(ctx context.Context, dir, link string) (Status, error) {
	var st Status
	return st, ask(ctx, dir, link, CommandStatus, &st)
}

// AskHangup asks the dial that holds a link to end it, and waits until it has. The error is a *NoLinkError if no dial holds the
// link.
func AskHangup(ctx context.Context, dir, link string) (Goodbye, error) {
	var bye Goodbye
	err := ask(ctx, dir, link, CommandHangup, &bye)
	return bye, err
}

// nobody says whether connecting failed because there is no socket, or one that nobody listens on any more. Windows has a number
// of its own for that (winsock2.h, WSAECONNREFUSED), and one for a Windows that has no such sockets (WSAEAFNOSUPPORT).
func nobody(err error) bool {
	const wsaConnRefused, wsaNoSupport = syscall.Errno(10061), syscall.Errno(10047)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) ||
		runtime.GOOS == "windows" && (errors.Is(err, wsaConnRefused) || errors.Is(err, wsaNoSupport))
}

func ask(ctx context.Context, dir, link, command string, answer any) error {
	if err := CheckName(link); err != nil {
		return err
	}
	if err := believable(dir); err != nil {
		return err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", file(dir, link, ".sock"))
	if nobody(err) {
		return &NoLinkError{Link: link}
	}
	if err != nil {
		return fmt.Errorf("link %q: %w", link, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if err := json.NewEncoder(conn).Encode(request{Command: command}); err != nil {
		return fmt.Errorf("link %q: %w", link, err)
	}
	if err := json.NewDecoder(io.LimitReader(conn, answerLimit)).Decode(answer); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("link %q did not answer in time: %w", link, ctx.Err())
		}
		return fmt.Errorf("link %q: %w", link, err)
	}
	return nil
}
