//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

// tunnels are servers whose PPP comes to a dialer through somebody else's program on a pseudo-terminal: rp-pppoe and pptpd,
// from Debian. Behind them is a pppd that they start and give options of their own.
var tunnels = []struct {
	name     string
	programs []string // what is needed
	options  []string // of the pppd behind the server
	auth     string   // of knak
	server   func(t testing.TB, dir, options string) []string
	client   string // a command line that speaks PPP on its standard input and output
}{
	{
		"rp-pppoe", []string{"pppoe-server", "pppoe"}, []string{"require-chap", "mtu 1492", "mru 1492"}, "chap-md5",
		func(_ testing.TB, _, options string) []string {
			return []string{"pppoe-server", "-F", "-I", "cable", "-L", "10.64.0.1", "-R", "10.64.0.2", "-N", "1", "-C", "knak", "-O", options}
		},
		"pppoe -I cable -T 30",
	},
	{
		"pptpd", []string{"pptpd", "pptp"}, []string{"require-mschap-v2", "nobsdcomp"}, "mschap-v2",
		func(t testing.TB, dir, options string) []string {
			config := filepath.Join(dir, "pptpd.conf")
			text := "option " + options + "\nlocalip 10.64.0.1\nremoteip 10.64.0.2\nlisten 192.0.2.1\npidfile " + filepath.Join(dir, "pid") + "\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"pptpd", "-f", "-c", config}
		},
		"pptp 192.0.2.1 --nolaunchpppd --nobuffer --loglevel 0",
	},
}

// TestKnakThroughTunnels dials servers that are no pppd on a pseudo-terminal of ours.
func TestKnakThroughTunnels(t *testing.T) {
	for _, tunnel := range tunnels {
		t.Run(tunnel.name, func(t *testing.T) {
			for _, p := range append(tunnel.programs, "socat") {
				if _, err := exec.LookPath(p); err != nil {
					t.Skipf("SKIPPED: no %s: apt-get install --no-install-recommends pppoe pptpd pptp-linux socat", p)
				}
			}
			server := peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("192.0.2.1")}
			client := peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("192.0.2.2")}
			server.Namespace.Output(t, "ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", client.Namespace.Path())
			for _, end := range []peer.End{server, client} {
				end.Namespace.Output(t, "ip", "addr", "add", end.Addr.String()+"/24", "dev", "cable")
				end.Namespace.Output(t, "ip", "link", "set", "cable", "up")
			}
			dir := t.TempDir()
			peer.WritePPPDSecrets(t, []peer.Secret{{Client: userName, Server: "server", Secret: secret}})
			options := peer.WritePPPDOptions(t, append([]string{"name server", "auth", "novj", "ms-dns 10.64.0.53", "logfile " + filepath.Join(dir, "log")}, tunnel.options...))
			start := func(end peer.End, line []string) *exec.Cmd {
				cmd := exec.Command(line[0], line[1:]...)
				cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
				if err := end.Namespace.Start(cmd); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
				return cmd
			}
			t.Cleanup(func() {
				if t.Failed() {
					log, _ := os.ReadFile(filepath.Join(dir, "log"))
					t.Logf("log of the pppd behind %s:\n%s", tunnel.name, log)
				}
			})
			start(server, tunnel.server(t, dir, options))
			time.Sleep(300 * time.Millisecond) // it says nothing when it is ready
			port := filepath.Join(dir, "port")
			start(client, []string{"socat", "pty,raw,echo=0,wait-slave,link=" + port, "exec:" + tunnel.client})
			for i := 0; ; i++ {
				if _, err := os.Stat(port); err == nil {
					break
				}
				if i == 200 {
					t.Fatal("socat made no pseudo-terminal")
				}
				time.Sleep(10 * time.Millisecond)
			}
			knak := program.Start(t, program.Config{Namespace: client.Namespace, Password: secret, Args: []string{
				"dial", "--port", resolved(t, port), "--number", "", "--plane", "tun", "--user", userName, "--auth", tunnel.auth, "--dns", "none"}})
			up := knak.WaitUp(t, limit)
			if up.Local != "10.64.0.2" || fmt.Sprint(up.DNS) != "[10.64.0.53]" {
				t.Errorf("up says %+v", up)
			}
			server.Addr, client.Addr = netip.MustParseAddr(up.Peer), netip.MustParseAddr(up.Local)
			peer.Ping(t, client, server, 1000)
			peer.Ping(t, server, client, 1000)
			knak.Signal(syscall.SIGTERM)
			if code := knak.Exit(t, limit); code != 5 {
				t.Errorf("status %d", code)
			}
		})
	}
}
