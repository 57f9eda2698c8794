//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/knakppp/knak/test/peer"
)

// The lines that pppd can be joined to pppd with. A program has to copy the bytes in each of them: the kernel's line
// discipline sits on the slave of a pseudo-terminal, and something must hold the master.
const (
	lineSocat = "socat"      // socat between two pseudo-terminals
	lineGo    = "go"         // this test's process in socat's place
	lineNotty = "pppd notty" // the second pppd as the first one's pty program: it copies between its standard input and its own pseudo-terminal
)

// pppdPair brings up pppd against pppd, each in a namespace of its own.
func pppdPair(t testing.TB, line string) (server, client peer.End) {
	t.Helper()
	server = peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("10.64.0.1")}
	client = peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("10.64.0.2")}
	// A request that is sent before the other pppd listens is lost; do not wait pppd's 3 s for the next one.
	serverOptions := []string{"noauth", "novj", "lcp-restart 1", server.Addr.String() + ":" + client.Addr.String()}
	clientOptions := []string{"noauth", "novj", "lcp-restart 1"}
	if line == lineNotty {
		command := fmt.Sprintf("nsenter --net=%s pppd notty file %s logfile /dev/null", client.Namespace.Path(), peer.WritePPPDOptions(t, clientOptions))
		s := peer.StartPPPD(t, peer.PPPDConfig{Namespace: server.Namespace, Options: append(serverOptions, fmt.Sprintf("pty %q", command))})
		s.WaitUp(t, 20*time.Second)
		return server, client
	}
	a, b := ptyPair(t, line)
	s := peer.StartPPPDServer(t, peer.PPPDConfig{Namespace: server.Namespace, TTY: a, Options: serverOptions})
	c := peer.StartPPPD(t, peer.PPPDConfig{Namespace: client.Namespace, TTY: b, Options: clientOptions})
	s.WaitUp(t, 20*time.Second)
	c.WaitUp(t, 20*time.Second)
	return server, client
}

// ptyPair gives the names of two terminals with a line between them.
func ptyPair(t testing.TB, line string) (a, b string) {
	t.Helper()
	if line == lineGo {
		a, b := peer.NewPTY(t), peer.NewPTY(t)
		peer.Join(a, b)
		return a.Slave, b.Slave
	}
	dir := t.TempDir()
	a, b = filepath.Join(dir, "a"), filepath.Join(dir, "b")
	socat := exec.Command("socat", "-b", "16384", "pty,raw,echo=0,link="+a, "pty,raw,echo=0,link="+b)
	socat.Stderr = os.Stderr
	if err := socat.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socat.Process.Kill(); socat.Wait() })
	for range 100 {
		_, errA := os.Stat(a)
		if _, errB := os.Stat(b); errA == nil && errB == nil {
			return resolved(t, a), resolved(t, b)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("socat made no pseudo-terminals")
	return "", ""
}

// resolved is the terminal itself: pppd names its lock file after the last part of the name, which all links share.
func resolved(t testing.TB, link string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(link)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPPPDAgainstPPPD(t *testing.T) {
	server, client := pppdPair(t, lineSocat)
	for _, size := range []int{0, 56, 1400} {
		t.Logf("ping with %d octets: %v there, %v back", size, peer.Ping(t, client, server, size), peer.Ping(t, server, client, size))
	}
	peer.ThroughputTCP(t, client, server, 1<<20)
	peer.ThroughputTCP(t, server, client, 1<<20)
}

// BenchmarkPPPD is the baseline that knak's throughput is held against: pppd against pppd, 10 MB over one TCP connection.
func BenchmarkPPPD(b *testing.B) {
	const size = 10 << 20
	for _, line := range []string{lineSocat, lineGo, lineNotty} {
		b.Run("line="+line, func(b *testing.B) {
			server, client := pppdPair(b, line)
			for _, dir := range []struct {
				name     string
				from, to peer.End
			}{{"up", client, server}, {"down", server, client}} {
				b.Run(dir.name, func(b *testing.B) {
					b.SetBytes(size)
					for b.Loop() {
						peer.ThroughputTCP(b, dir.from, dir.to, size)
					}
				})
			}
		})
	}
}
