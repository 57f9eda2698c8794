//go:build linux

package interop

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/test/peer"
)

// What the real pppd logs of a call is understood whole: every line, each packet to what pppd prints of it.
func TestPPPDLogIsUnderstood(t *testing.T) {
	peer.NeedPPPD(t)
	server, client := peer.NewNamespace(t), peer.NewNamespace(t)
	local, remote := netip.MustParseAddr("10.64.0.2"), netip.MustParseAddr("10.64.0.1")
	a, b := ptyPair(t, lineGo)
	s := peer.StartPPPDServer(t, peer.PPPDConfig{Namespace: server, TTY: a, CHAP: []peer.Secret{{Client: "me", Server: "*", Secret: "hidden-word"}},
		Options: []string{"require-chap", "name server", "lcp-restart 1", remote.String() + ":" + local.String()}})
	c := peer.StartPPPD(t, peer.PPPDConfig{Namespace: client, TTY: b, Options: []string{"noauth", "user me", "password hidden-word", "lcp-restart 1", "usepeerdns"}})
	s.WaitUp(t, 20*time.Second)
	c.WaitUp(t, 20*time.Second)
	c.Stop()
	for name, log := range map[string]string{"client": c.Log(), "server": s.Log()} {
		r, err := read.Open(strings.NewReader(log), read.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(log, "\n")
		packets, up := 0, event.Up{}
		for rec, err := range read.All(r) {
			if err != nil {
				t.Fatal(err)
			}
			switch e := rec.Event.(type) {
			case event.Packet:
				packets++
				want := lines[rec.Pos.Line-1]
				if line := e.Line(); line != want && !strings.Contains(want, "CHAP Response") {
					t.Errorf("%s, %s: %s is read as %s", name, rec.Pos, want, line)
				}
			case event.Unread:
				t.Errorf("%s, %s: not understood: %s (%s)", name, rec.Pos, e.Text, e.Reason)
			case event.Up:
				up = e
			}
		}
		if packets < 10 {
			t.Errorf("%s: only %d packets", name, packets)
		}
		if name == "client" && (up.Local != local.String() || up.Peer != remote.String()) {
			t.Errorf("up with %+v", up)
		}
	}
}
