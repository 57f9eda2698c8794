//go:build linux

package interop

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/dialer/experiment"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link/adapt/harvest"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

// carry carries what the host sends to the modem, until a Configure-Request that the modem cannot stand: from then on it hears
// nothing, as long as deaf is set.
func carry(host, modem *peer.PTY, deaf *atomic.Bool, stands func(protocol uint16, options []packet.Option) bool) {
	d := hdlc.NewDecoder(hdlc.DecoderConfig{})
	buf := make([]byte, 4096)
	var frame []byte // octets since the last flag, with it
	for {
		n, err := host.Master.Read(buf)
		if err != nil {
			return
		}
		for _, c := range buf[:n] {
			frame = append(frame, c)
			if c != 0x7e || len(frame) == 1 {
				continue
			}
			item, _ := d.Next(frame)
			if p, err := packet.Parse(item.Info); item.Kind == hdlc.Frame && err == nil && p.Code == packet.ConfigureRequest {
				if options, err := packet.ParseOptions(nil, p.Data); err == nil && !stands(item.Protocol, options) {
					deaf.Store(true)
				}
			}
			if deaf.Load() {
				frame = frame[len(frame)-1:] // the flag that ends it begins the next
				continue
			}
			if _, err := modem.Master.Write(frame); err != nil {
				return
			}
			frame = frame[:0]
		}
	}
}

// ready waits until pppd has taken the port again after a call.
func ready(t *testing.T, p *peer.PPPD) {
	t.Helper()
	for end := time.Now().Add(limit); strings.LastIndex(p.Log(), "Connect: ") <= strings.LastIndex(p.Log(), "Modem hangup"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("pppd did not take the port again")
		}
	}
}

// A pppd that is deaf to the rest of a call after a request with a magic number, or one for name servers, and is odd in what it says
// itself, is learned: what comes out has the settings that it needs and no other, and with them alone the first call of a dial comes up.
func TestLearnFromPPPD(t *testing.T) {
	has := func(options []packet.Option, types ...uint8) bool {
		return slices.ContainsFunc(options, func(o packet.Option) bool { return slices.Contains(types, o.Type) })
	}
	whole := os.Getenv("KNAK_WHOLE") != "" // with the first as well it takes a minute
	stands := func(protocol uint16, options []packet.Option) bool {
		return (!whole || protocol != packet.LCP || !has(options, packet.LCPMagic)) && (protocol != packet.IPCP || !has(options, packet.IPCPDNS1, packet.IPCPDNS2))
	}
	server, client := peer.NewNamespace(t), peer.NewNamespace(t)
	a, b := peer.NewPTY(t), peer.NewPTY(t)
	var deaf atomic.Bool
	go carry(b, a, &deaf, stands)
	go func() { _, _ = io.Copy(b.Master, a.Master) }() // until one is closed
	p := peer.StartPPPDServer(t, peer.PPPDConfig{Namespace: server, TTY: a.Slave, Options: []string{
		"noauth", "persist", "holdoff 0", "maxfail 0", "nopcomp", "noaccomp", "lcp-max-failure 1", "refuse-chap", "lcp-restart 1", "lcp-max-configure 2", "ms-dns 10.64.0.53", "10.64.0.1:10.64.0.2"}})

	quick := []string{"lcp.restart=200ms", "ipcp.restart=200ms"} // this line loses nothing: what is not answered at once never is
	home := t.TempDir()
	dir := filepath.Join(home, ".config", "knak")
	series, err := experiment.New(experiment.Options{
		Dial:   dialer.Options{Port: b.Slave, Name: "null-modem", User: "anybody", Settings: append(quick, "dial.number=")},
		Budget: learn.Budget{Dials: 20, Time: time.Hour, Spacing: time.Nanosecond},
		Dir:    dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	for e, more := series.Next(); more; e, more = series.Next() {
		ready(t, p)
		deaf.Store(false)
		if _, err := series.Try(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the calls:\n%s", harvest.Matrix(series.Trials()))
	var keys []string
	for _, s := range series.Verdict().Set {
		keys = append(keys, s.Key)
	}
	want := []string{"ipcp.request"}
	if whole {
		want = []string{"lcp.request", "ipcp.request"}
	}
	if !slices.Equal(keys, want) {
		t.Fatalf("learned %v, want %v", keys, want)
	}
	if _, err := series.Write(); err != nil {
		t.Fatal(err)
	}
	profile, chosen := series.Profile()
	if !chosen {
		t.Errorf("a modem without a name has an entry for %s", profile)
	}

	ready(t, p)
	deaf.Store(false)
	args := []string{"dial", "--once", "--no-adapt", "--prove", "--plane", "tun", "--dns", "none", "--port", b.Slave, "--number", "", "--user", "anybody", "--quirks", profile}
	for _, s := range quick {
		args = append(args, "--set", s)
	}
	knak := program.Start(t, program.Config{Namespace: client, Args: args, Dir: home})
	if code := knak.Exit(t, limit); code != 0 {
		t.Errorf("status %d with the profile alone", code)
	}
	if e, ok := knak.Find(varied); ok {
		t.Errorf("with the profile alone it needed more: %s", e.Reason)
	}
}
