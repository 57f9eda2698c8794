// Package lint says what is wrong with each packet by the RFC, as a machine over records: it takes them in order and keeps
// the little that the next packet must be judged by. It reads no clock and keeps no more for a longer call.
package lint

import "github.com/knakppp/knak/core/trace"

// Fault is one thing that is wrong with a packet.
type Fault struct {
	ID     string `json:"id"`     // one or a few words that stay the same, for example "empty-nak"
	Clause string `json:"clause"` // where it is forbidden, for example "RFC 1661 5.3"
	Text   string `json:"text"`   // for a person, without secrets
}

// Linter judges packets. The zero value has seen nothing.
type Linter struct{}

// Check takes the next record and gives what is wrong with it, nothing for a record that is not a packet.
func (l *Linter) Check(r trace.Record) []Fault { return nil }
