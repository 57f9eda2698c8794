//go:build linux

package peer

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Secret is one line of pppd's secrets files: a name and its secret, for either end.
type Secret struct{ Client, Server, Secret string }

// PPPDConfig says how to run pppd. It always runs with the options nodetach, debug, local, nocrtscts, nodefaultroute and
// noccp.
type PPPDConfig struct {
	Namespace *Namespace
	TTY       string   // the pseudo-terminal's slave; "" where Options say how else (pty, notty)
	Options   []string // each a line of an options file: "10.64.0.1:10.64.0.2", "require-chap"
	PAP, CHAP []Secret // replace the guest's /etc/ppp/pap-secrets and chap-secrets (CHAP, MS-CHAP and EAP)
}

// PPPD is a running pppd.
type PPPD struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu      sync.Mutex
	log     strings.Builder
	changed chan struct{} // closed and replaced at each new line
}

var usingInterface = regexp.MustCompile(`Using interface (\S+)`)

// NeedPPPD skips the test if there is no pppd that it can run. The guest reads files with the rights of the user who runs the
// tests, and Debian lets only root and the group dip read pppd.
func NeedPPPD(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("pppd"); err != nil {
		t.Skip("SKIPPED: no pppd that this user may read: apt-get install --no-install-recommends ppp, and run the tests as root or in the group dip")
	}
}

// StartPPPDServer runs pppd as the answering end: it waits for the other end to speak first, as a modem does.
func StartPPPDServer(t testing.TB, cfg PPPDConfig) *PPPD {
	t.Helper()
	cfg.Options = append([]string{"passive"}, cfg.Options...)
	return StartPPPD(t, cfg)
}

// StartPPPD runs pppd until it ends or the test does; a failed test shows its log. pppd reads its secrets from fixed
// places: tests that give any must not run side by side, and belong in the guest, whose /etc is a scratch copy.
func StartPPPD(t testing.TB, cfg PPPDConfig) *PPPD {
	t.Helper()
	NeedPPPD(t)
	writeSecrets(t, "/etc/ppp/pap-secrets", cfg.PAP)
	writeSecrets(t, "/etc/ppp/chap-secrets", cfg.CHAP)
	file := WritePPPDOptions(t, cfg.Options)
	var args []string
	if cfg.TTY != "" {
		args = append(args, cfg.TTY, "115200")
	}
	p := &PPPD{cmd: exec.Command("pppd", append(args, "file", file)...), done: make(chan struct{}), changed: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := cfg.Namespace.Start(p.cmd); err != nil {
		t.Fatalf("start pppd: %v", err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.log.WriteString(lines.Text() + "\n")
			close(p.changed)
			p.changed = make(chan struct{})
			p.mu.Unlock()
		}
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("log of pppd %q:\n%s", cfg.Options, p.Log())
		}
	})
	return p
}

// WritePPPDOptions writes an options file with the options that every pppd here gets and more, and returns its name.
func WritePPPDOptions(t testing.TB, more []string) string {
	t.Helper()
	options := append([]string{"nodetach", "debug", "local", "nocrtscts", "nodefaultroute", "noccp"}, more...)
	file := filepath.Join(t.TempDir(), "options")
	if err := os.WriteFile(file, []byte(strings.Join(options, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// WritePPPDSecrets gives secrets for PAP and CHAP to every pppd that is started from now on, also by others, until the test
// ends. See StartPPPD on where such tests belong.
func WritePPPDSecrets(t testing.TB, secrets []Secret) {
	t.Helper()
	writeSecrets(t, "/etc/ppp/pap-secrets", secrets)
	writeSecrets(t, "/etc/ppp/chap-secrets", secrets)
}

func writeSecrets(t testing.TB, path string, secrets []Secret) {
	t.Helper()
	if secrets == nil {
		return
	}
	old, oldErr := os.ReadFile(path)
	var b strings.Builder
	for _, s := range secrets {
		fmt.Fprintf(&b, "%q %q %q *\n", s.Client, s.Server, s.Secret)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if oldErr != nil {
			os.Remove(path)
		} else {
			os.WriteFile(path, old, 0o600)
		}
	})
}

// Log gives pppd's output so far, in its debug notation.
func (p *PPPD) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// WaitLog waits until pppd's log matches the expression and returns the match; the test fails when that takes too long
// or pppd ends first.
func (p *PPPD) WaitLog(t testing.TB, expression string, limit time.Duration) []string {
	t.Helper()
	re := regexp.MustCompile(expression)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		p.mu.Lock()
		match, changed := re.FindStringSubmatch(p.log.String()), p.changed
		p.mu.Unlock()
		if match != nil {
			return match
		}
		select {
		case <-changed:
		case <-p.done:
			if match := re.FindStringSubmatch(p.Log()); match != nil {
				return match
			}
			t.Fatalf("pppd ended (%v) and never said %s", p.cmd.ProcessState, expression)
		case <-timer.C:
			t.Fatalf("pppd did not say %s in %v", expression, limit)
		}
	}
}

// WaitUp waits until IPCP is open and returns the name of the interface in pppd's namespace.
func (p *PPPD) WaitUp(t testing.TB, limit time.Duration) string {
	t.Helper()
	p.WaitLog(t, `remote IP address \S+`, limit)
	match := usingInterface.FindStringSubmatch(p.Log())
	if match == nil {
		t.Fatal("pppd is up but named no interface")
	}
	return match[1]
}

// Ended gives pppd's exit status once it has ended; the test fails when that takes too long.
func (p *PPPD) Ended(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("pppd did not end in %v", limit)
		return -1
	}
}

// Hangup asks pppd to end the link (SIGTERM) and does not wait.
func (p *PPPD) Hangup() { p.cmd.Process.Signal(syscall.SIGTERM) }

// Stop ends pppd and what it started, and waits for its end.
func (p *PPPD) Stop() {
	p.Hangup()
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}
