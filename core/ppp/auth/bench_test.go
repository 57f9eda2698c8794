package auth

import (
	"runtime"
	"testing"
)

// BenchmarkBothEnds is one authentication from Start to both results, both machines made anew.
func BenchmarkBothEnds(b *testing.B) {
	secret := NewSecret("secret")
	lookup := func(string) (Secret, bool) { return secret, true }
	for _, s := range suites {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			rand := seeded(1)
			for b.Loop() {
				client, _ := NewClient(s.m, ClientConfig{Name: "user", Secret: secret, Inner: s.inner, Rand: rand})
				server, _ := NewServer(s.m, ServerConfig{Name: "UMTS_CHAP_SRVR", Lookup: lookup, Inner: s.inner, Rand: rand})
				client.Start(epoch)
				server.Start(epoch)
				good := 0
				for moved := true; moved; {
					moved = false
					for _, d := range [][2]Machine{{client, server}, {server, client}} {
						for o, ok := d[0].Next(); ok; o, ok = d[0].Next() {
							switch o := o.(type) {
							case Send:
								moved = true
								d[1].Receive(epoch, o.Info)
							case Success:
								good++
							}
						}
					}
				}
				if good != 2 {
					b.Fatalf("%d successes", good)
				}
			}
		})
	}
}

// The whole negotiation of a link, both ends, has 16 KiB to allocate; authentication must leave most of it.
func TestAuthenticationAllocatesLittle(t *testing.T) {
	const runs = 200
	secret := NewSecret("secret")
	lookup := func(string) (Secret, bool) { return secret, true }
	for _, s := range suites {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			client, _ := NewClient(s.m, ClientConfig{Name: "user", Secret: secret, Inner: s.inner})
			server, _ := NewServer(s.m, ServerConfig{Name: "UMTS_CHAP_SRVR", Lookup: lookup, Inner: s.inner})
			converse(&end{Machine: client}, &end{Machine: server})
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > 4096 {
			t.Errorf("%s allocates %d octets at both ends together, want at most 4096", s.name, got)
		}
	}
}
