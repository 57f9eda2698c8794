package sdktest_test

import (
	"context"
	"testing"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

// BenchmarkDialPassing is a whole dial in virtual time that asks a plugin at every decision point, which passes each time;
// BenchmarkDialSilent is the same with a plugin that is asked nothing. The calls are real ones, in process.
func BenchmarkDialPassing(b *testing.B) { benchmarkDial(b, silent{}) }

func BenchmarkDialSilent(b *testing.B) { benchmarkDial(b, observer{}) }

func benchmarkDial(b *testing.B, implementation any) {
	for b.Loop() {
		if call := sdktest.Dial(b, sdk.Plugin{Name: "bench", Implementation: implementation}); !call.Up {
			b.Fatal(call)
		}
	}
}

type observer struct{}

func (observer) Notify(context.Context, sdk.Notice) error { return nil }
func (observer) Events() []string                         { return []string{"none"} }
