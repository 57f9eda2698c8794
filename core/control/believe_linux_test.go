package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/trust"
)

// as runs f as another user, on a thread that ends with it.
func as(t *testing.T, uid uintptr, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uid, ^uintptr(0)); errno != 0 {
			t.Error(errno)
			return
		}
		f()
	}()
	<-done
}

// Without XDG_RUNTIME_DIR a user's sockets are below /tmp, where another one may have made the directory first, or a link by its name.
func TestADirectoryOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to be two users: run the tests as root")
	}
	const user, other = 12345, 12346
	tmp, err := os.MkdirTemp("/tmp", "knak-test-") // t.TempDir is for its owner only
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	dir, own, link := filepath.Join(tmp, "knak-12345"), filepath.Join(tmp, "own"), filepath.Join(tmp, "link")
	for path, uid := range map[string]int{dir: other, own: user} {
		if err := errors.Join(os.Mkdir(path, 0o755), os.Chown(path, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(own, link), os.Lchown(link, other, other)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, link} {
		as(t, user, func() {
			var bad *trust.Error
			if _, err := AskStatus(context.Background(), path, "home"); !errors.As(err, &bad) {
				t.Errorf("%s: %v", path, err)
			}
			if _, err := Links(path); !errors.As(err, &bad) {
				t.Errorf("%s: the links of it: %v", path, err)
			}
		})
	}
	for _, path := range []string{own, filepath.Join(tmp, "none")} {
		as(t, user, func() {
			var none *NoLinkError
			if _, err := AskStatus(context.Background(), path, "home"); !errors.As(err, &none) {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
}

// Who answers in a dial's place must not fill the memory of who asks.
func TestAnAnswerWithoutEnd(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", file(dir, "home", ".sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := make(chan int64, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		n, _ := io.Copy(conn, io.MultiReader(strings.NewReader(`{"link":"`), endless{}))
		sent <- n
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := AskHangup(ctx, dir, "home"); err == nil {
		t.Error("it was taken for an answer")
	}
	if n := <-sent; n > 16*answerLimit {
		t.Errorf("%d octets were taken", n)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}
