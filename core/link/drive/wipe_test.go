package drive

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
)

// keeper is a port that keeps hold of what it was given to write, as it must not.
type keeper struct {
	Port
	secret []byte
	mu     sync.Mutex
	held   [][]byte
	seen   []byte
	left   bool // at the next write the secret was still where it was
}

func (k *keeper) Write(b []byte) (int, error) {
	k.mu.Lock()
	for _, before := range k.held {
		k.left = k.left || &before[0] != &b[0] && bytes.Contains(before[:cap(before)], k.secret)
	}
	k.held, k.seen = append(k.held, b), append(k.seen, b...)
	k.mu.Unlock()
	return k.Port.Write(b)
}

// What has carried a password or a PIN to the port is wiped when it is written.
func TestWrittenIsWiped(t *testing.T) {
	for _, c := range []struct{ scenario, secret string }{{"behaves-pap", "hidden-word"}, {"pin-needed", "1234"}} {
		synctest.Test(t, func(t *testing.T) {
			s := linktest.Scenario(t, c.scenario)
			k := &keeper{secret: []byte(c.secret)}
			b := newBench(t, c.scenario, func(cfg *link.Config) {
				cfg.Resolve = linktest.Resolve(t, s, "auth.user=me")
				cfg.Password, cfg.PIN, cfg.Once = auth.NewSecret("hidden-word"), auth.NewSecret("1234"), true
			}, func(e *Environment) {
				e.OpenPort = func(context.Context) (Port, error) { k.Port = NewMemoryPort(sim.New(s, 1)); return k, nil }
			})
			b.runner.Run(t.Context())
			if !bytes.Contains(k.seen, []byte(c.secret)) {
				t.Errorf("%s: the secret was never sent: %q", c.scenario, k.seen)
			}
			for _, held := range k.held {
				if k.left || bytes.Contains(held[:cap(held)], []byte(c.secret)) {
					t.Errorf("%s: it is still there: %q", c.scenario, held[:cap(held)])
				}
			}
			if left := b.runner.pending[:cap(b.runner.pending)]; bytes.Contains(left, []byte(c.secret)) {
				t.Errorf("%s: it is still there: %q", c.scenario, left)
			}
		})
	}
}
