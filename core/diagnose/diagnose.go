// Package diagnose reads the event stream and says what went wrong, what it means, and what to try.
package diagnose

import "github.com/knakppp/knak/core/trace"

// Watcher is a trace.Sink that keeps a small history of one call and judges it. It may be asked at any time, during a
// live call too. It is not safe for use from several goroutines.
type Watcher struct{}

// New makes a Watcher that has seen nothing.
func New() *Watcher { return &Watcher{} }

// Record takes one event of the link.
func (w *Watcher) Record(r trace.Record) {}

// Findings judges what was seen so far, the most likely cause first. It is empty where nothing is wrong.
func (w *Watcher) Findings() []trace.Finding { return nil }

// Finding gives the most likely cause. It is false where nothing is wrong or nothing is known.
func (w *Watcher) Finding() (trace.Finding, bool) { return trace.Finding{}, false }
