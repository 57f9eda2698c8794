//go:build linux

package interop

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	recorded "github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
	"github.com/knakppp/knak/test/peer"
)

// TestPPPDRecordedMimickedReplayed: chat and pppd are recorded on a tap. What comes of the recording makes knak send what pppd
// sent, but for the compression that knak does not know, and a simulated modem answer what that modem answered.
func TestPPPDRecordedMimickedReplayed(t *testing.T) {
	peer.NeedPPPD(t)
	file := filepath.Join(t.TempDir(), "call.pcapng")
	s := startSimulator(t, "behaves-pap")
	tap, terminal := startTap(t, s.path, file)
	p, _ := dialWithPPPD(t, &simulator{path: terminal}, "user somebody", "password hidden-word")
	p.WaitUp(t, 60*time.Second)
	p.Hangup()
	p.WaitLog(t, "Connection terminated", 20*time.Second)
	p.Ended(t, 20*time.Second)
	tap.end(t)

	calls := linktest.Calls(readRecords(t, file))
	if len(calls) != 1 || !calls[0].Worked() {
		t.Fatalf("the recording shows %d calls", len(calls))
	}
	h := mimic.Settings(calls[0])
	var set []string
	for _, q := range h.Settings {
		set = append(set, q.String())
	}
	t.Logf("settings %q, not copied %v", set, h.Cannot)
	replay := func(modem sim.Scenario) *recorded.Call {
		db, _ := quirks.Open(quirks.Sources{})
		cfg := link.Config{Name: "replay", Once: true, Timeout: time.Minute, Password: auth.NewSecret("hidden-word"), Random: rand.NewChaCha8([32]byte{1}),
			Resolve: policy.Resolver{DB: db, Set: set}.Resolve}
		return linktest.Calls(simulate.Run(cfg, sim.New(modem, 1), time.Now(), time.Minute).Records)[0]
	}
	modem, err := sim.Load(os.DirFS("../.."), "behaves-pap")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range linktest.Differ(calls[0], replay(modem)).Host {
		// pppd's wait before its first packet is imitated, but knak takes in what comes meanwhile only at its end.
		if d.ID != "ccp" && d.ID != "ipcp-others" && d.ID != "first-speaker" {
			t.Errorf("pppd and knak that mimics it: %s: %s, %s", d.What, d.Good.Text, d.Bad.Text)
		}
	}
	text, _ := mimic.Modem(calls, "call.pcapng", sim.Asking)
	made, err := sim.Parse("made.sim.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again := replay(made)
	if !again.Worked() {
		t.Errorf("the mimicked modem lets nobody in:\n%s", text)
	}
	for _, d := range linktest.Differ(calls[0], again).Modem {
		if d.ID != "ipcp-answers" { // pppd's compression is rejected, knak asks for none
			t.Errorf("the modem and the one that mimics it: %s: %s, %s", d.What, d.Good.Text, d.Bad.Text)
		}
	}
}
