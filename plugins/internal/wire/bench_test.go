package wire

import (
	"slices"
	"testing"
	"time"

	v1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

// BenchmarkDecide is one decision of a plugin in the same process: conversion both ways and gRPC, without a process
// switch. What it is with one is in plugins/host.
func BenchmarkDecide(b *testing.B) {
	o := &other{decide: &v1.DecideResponse{Verdict: &v1.Verdict{Action: v1.Action_ACTION_REQUEST, Options: []*v1.Option{{Type: 129, Address: "9.9.9.9"}}}}}
	c := o.connect(b)
	ctx := soon(b)
	took := make([]time.Duration, 0, 1<<20)
	for b.Loop() {
		began := time.Now()
		if a, err := c.Ask(ctx, request, Known{By: "plugin x"}); a == nil || err != nil {
			b.Fatal(a, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	at := func(share float64) float64 { return float64(took[int(share*float64(len(took)-1))].Microseconds()) }
	b.ReportMetric(at(0.5), "µs-p50")
	b.ReportMetric(at(0.999), "µs-p99.9")
}
