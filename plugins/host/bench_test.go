package host_test

import (
	"slices"
	"testing"
	"time"
)

func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	at := func(part float64) float64 {
		return float64(times[min(int(part*float64(len(times))), len(times)-1)].Microseconds())
	}
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(0.999), "p99.9-µs")
	b.ReportMetric(at(1), "max-µs")
}

// From the first LCP packet to the network up, with a plugin that is asked at every point of every protocol and passes, and
// without. The dials take turns, so that a busy machine is as busy for both.
func BenchmarkNegotiation(b *testing.B) {
	without, with := newWorld(b), newWorld(b, "good")
	took := func(w *world) time.Duration {
		d := w.dial(false, "--once", "--no-prove")
		if code := d.exit(); code != 0 {
			b.Fatalf("status %d: %s", code, d.stderr.String())
		}
		var times [2]time.Time
		for _, e := range d.seen {
			text, _ := e["t"].(string)
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				b.Fatal(err)
			}
			switch {
			case e["event"] == "phase" && e["phase"] == "lcp":
				times[0] = at
			case e["event"] == "up":
				times[1] = at
			}
		}
		return times[1].Sub(times[0])
	}
	var plain, asked []time.Duration
	for b.Loop() {
		plain, asked = append(plain, took(without)), append(asked, took(with))
	}
	slices.Sort(plain)
	slices.Sort(asked)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	b.ReportMetric(ms(plain[0]), "best-without-ms")
	b.ReportMetric(ms(asked[0]), "best-with-ms")
	b.ReportMetric(ms(plain[len(plain)/2]), "median-without-ms")
	b.ReportMetric(ms(asked[len(asked)/2]), "median-with-ms")
}
