//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

// limit bounds everything that must happen in the end; the machine may be slow and busy.
const limit = 40 * time.Second

const (
	userName = "user"
	secret   = "correct horse" // with a blank, which must survive secrets files and standard input
)

// method is a way in which pppd demands that its client says who it is.
type method struct {
	name    string
	options []string // for pppd
	allow   string   // knak's auth.allow, so that no other method is agreed on
}

var methods = []method{
	{name: "none", options: []string{"noauth"}},
	{name: "PAP", options: []string{"auth", "require-pap"}, allow: "pap"},
	{name: "CHAP-MD5", options: []string{"auth", "require-chap"}, allow: "chap-md5"},
	{name: "MS-CHAPv2", options: []string{"auth", "require-mschap-v2"}, allow: "mschap-v2"},
	{name: "EAP", options: []string{"auth", "require-eap"}, allow: "eap"},
}

func (m method) authenticates() bool { return m.allow != "" }

// call is a link between a pppd that answers and a knak that dials, each in a network namespace of its own.
type call struct {
	server, client peer.End
	pppd           *peer.PPPD
	knak           *program.Process
	config         program.Config
	tty            string
}

// dialPPPD starts both. password "" is the right one.
func dialPPPD(t testing.TB, m method, line, password string, pppdOptions []string, args ...string) *call {
	t.Helper()
	c := &call{
		server: peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("10.64.0.1")},
		client: peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("10.64.0.2")},
	}
	a, b := ptyPair(t, line)
	c.tty = b
	secrets := []peer.Secret{{Client: userName, Server: "server", Secret: secret}}
	options := append([]string{
		"name server", "novj", "lcp-restart 1", "ms-dns 10.64.0.1", "ms-dns 10.64.0.53", c.server.Addr.String() + ":" + c.client.Addr.String(),
	}, m.options...)
	c.pppd = peer.StartPPPDServer(t, peer.PPPDConfig{
		Namespace: c.server.Namespace, TTY: a, Options: append(options, pppdOptions...), PAP: secrets, CHAP: secrets,
	})
	c.pppd.WaitLog(t, `Connect: `, limit) // what comes before that is lost
	c.config = program.Config{Namespace: c.client.Namespace, Args: append([]string{
		"dial", "--port", b, "--number", "", "--plane", "tun", "--dns", "file", "--user", userName}, args...)}
	if m.authenticates() {
		c.config.Args = append(c.config.Args, "--set", "auth.allow="+m.allow)
		if c.config.Password = password; password == "" {
			c.config.Password = secret
		}
	}
	return c
}

func (c *call) dial(t testing.TB) program.Event {
	t.Helper()
	c.knak = program.Start(t, c.config)
	up := c.knak.WaitUp(t, limit)
	if up.Local != c.client.Addr.String() || up.Peer != c.server.Addr.String() || up.Plane != "tun" || up.Interface == "" {
		t.Errorf("up says %+v", up)
	}
	if fmt.Sprint(up.DNS) != "[10.64.0.1 10.64.0.53]" {
		t.Errorf("DNS servers %v", up.DNS)
	}
	return up
}

// hostState is everything that a link takes on a host and must give back: interfaces, addresses, routes, name servers,
// lock files, and the settings of the port.
func hostState(t testing.TB, c *call) string {
	t.Helper()
	var b strings.Builder
	for _, args := range [][]string{{"-o", "link"}, {"-o", "addr"}, {"route", "show", "table", "all"}, {"-6", "route", "show", "table", "all"}, {"rule"}} {
		fmt.Fprintf(&b, "ip %s\n%s", strings.Join(args, " "), c.client.Namespace.Output(t, "ip", args...))
	}
	fmt.Fprintf(&b, "resolv.conf %s\n", describe("/etc/resolv.conf"))
	fmt.Fprintf(&b, "lock of the port %s\n", describe("/var/lock/LCK.."+strings.ReplaceAll(strings.TrimPrefix(c.tty, "/dev/"), "/", "_")))
	fd, err := unix.Open(c.tty, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	termios, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "tty %+v\n", *termios)
	return b.String()
}

func describe(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	data, err := os.ReadFile(path)
	return fmt.Sprintf("%v %v %q %v", info.Mode(), info.Size(), data, err)
}

// mustBe compares two states and shows the lines that differ.
func mustBe(t testing.TB, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	t.Errorf("not everything was given back\n%s", differences(want, got))
}

func differences(want, got string) string {
	var b strings.Builder
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	have := func(list []string, line string) bool {
		for _, l := range list {
			if l == line {
				return true
			}
		}
		return false
	}
	for _, l := range wants {
		if !have(gots, l) {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	for _, l := range gots {
		if !have(wants, l) {
			fmt.Fprintf(&b, "+ %s\n", l)
		}
	}
	return b.String()
}

// The ways in which a link ends, and the status with which knak must end then (docs/cli.md).
var hangups = []struct {
	name   string
	hangUp func(t *testing.T, c *call)
	code   int
}{
	{"by knak hangup", func(t *testing.T, c *call) {
		out, err := c.knak.Command(c.config, "hangup")
		if err != nil || !strings.Contains(out, "gave back the interface") {
			t.Errorf("knak hangup: %v: %s", err, out)
		}
	}, 5},
	{"by SIGTERM", func(t *testing.T, c *call) { c.knak.Signal(syscall.SIGTERM) }, 5},
	{"from the peer", func(t *testing.T, c *call) { c.pppd.Hangup() }, 0},
}

func TestPPPDAsServer(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			for i, h := range hangups {
				t.Run("hang-up "+h.name, func(t *testing.T) {
					c := dialPPPD(t, m, lineGo, "", nil)
					before := hostState(t, c)
					up := c.dial(t)
					if during := hostState(t, c); !strings.Contains(during, "default dev "+up.Interface) || !strings.Contains(during, "nameserver 10.64.0.53") ||
						strings.Contains(during, "lock of the port lstat") {
						t.Errorf("no default route, name server or lock file:\n%s", differences(before, during))
					}
					for _, size := range []int{0, 56, 1472} {
						peer.Ping(t, c.client, c.server, size)
						peer.Ping(t, c.server, c.client, size)
					}
					if i == 0 {
						size := whenMeasured[int64](10<<20, 2<<20)
						t.Logf("%d MB there at %.1f MB/s, back at %.1f MB/s", size>>20,
							peer.ThroughputTCP(t, c.client, c.server, size)/1e6, peer.ThroughputTCP(t, c.server, c.client, size)/1e6)
					}
					h.hangUp(t, c)
					if code := c.knak.Exit(t, limit); code != h.code {
						t.Errorf("knak ended with status %d, want %d", code, h.code)
					}
					c.pppd.WaitLog(t, `Connection terminated`, limit)
					mustBe(t, before, hostState(t, c))
				})
			}
			if m.authenticates() {
				t.Run("wrong password", func(t *testing.T) {
					c := dialPPPD(t, m, lineGo, "wrong", nil)
					before := hostState(t, c)
					c.knak = program.Start(t, c.config)
					if code := c.knak.Exit(t, limit); code != 19 {
						t.Errorf("knak ended with status %d, want 19", code)
					}
					if id := c.knak.Finding(); id != "auth-rejected" {
						t.Errorf("finding %q, want auth-rejected", id)
					}
					if _, up := c.knak.Find(func(e program.Event) bool { return e.Event == "up" }); up {
						t.Error("knak was up with a wrong password")
					}
					mustBe(t, before, hostState(t, c))
				})
			}
		})
	}
}
