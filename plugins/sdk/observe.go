package sdk

import (
	"context"
	"time"
)

// Observer gets events. They wait in a queue of 64; if the plugin is too slow, the oldest are lost and counted. knak waits at
// most 5 s for each. No event holds secrets or the subscriber's identity.
type Observer interface {
	Notify(ctx context.Context, n Notice) error
}

// EventSelector may be implemented by an Observer that wants events other than "phase", "up", "down", "finding" and "statistics".
// It is called once, before Configure. docs/cli.md lists the kinds.
type EventSelector interface {
	Events() []string
}

// Notice is one event.
type Notice struct {
	Link Link
	Time time.Time
	Kind string // as in the JSON Lines of `knak dial`
	JSON string // the whole event, as there
	Lost int    // events that were lost before this one
	// Event is Phase, Up, Down, Finding or Statistics; nil for other kinds, which are in JSON only.
	Event any
}

// Phase says that the link entered a phase: "dial", "lcp", "auth", "ipcp", "ipv6cp", "prove", "up", "hangup" or "down".
type Phase struct{ Phase string }

// Up says that the link works, or that the peer gave other addresses.
type Up struct {
	Interface, Plane string
	Local, Peer      string
	DNS              []string
	MTU              int
	IPv6             string   // our link-local address
	Elapsed          Duration // since the dial began
	Proved           bool
}

// Down says that the link ended.
type Down struct {
	Reason            string
	ExitCode          int // with which `knak dial` ends
	Seconds           float64
	BytesIn, BytesOut uint64
}

// Finding is one result of diagnosis.
type Finding struct {
	ID, Category string
	Confidence   string // "certain", "likely" or "possible"
	Title        string
	Evidence     []string
	Meaning      string
	Cure         []string
}

// Statistics counts octets of IP packets since the link came up. It is sent from time to time.
type Statistics struct {
	BytesIn, BytesOut uint64
	Seconds           float64
}
