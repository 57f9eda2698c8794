// Package event defines the one stream of typed events of a link. All parts of a link write it; progress on the screen, JSON
// Lines, recordings, diagnosis and tests read it. Nothing else in the project prints.
//
// Secrets and subscriber identities are hidden (core/private) before a sink gets an event, so a sink may show everything. Each
// field of an event needs a class in core/private, which says what the field may contain.
package event

import (
	"slices"
	"strconv"
	"time"
)

// Record is one event at one time on one link.
type Record struct {
	Time  time.Time // the zero time for a log without times
	Link  string    // the connection's name, for example "default"
	Event Event
	Pos   Pos // the place in a recording or a log; the zero Pos on a live link
}

// Pos is a place in a recording or a log, counted from 1: a line of a text, or a packet of a capture.
type Pos struct {
	Line   int64 `json:"line,omitempty"`
	Packet int64 `json:"packet,omitempty"`
}

// String gives "line 12" or "packet 7", or "" for the zero Pos.
func (p Pos) String() string {
	switch {
	case p.Line > 0:
		return "line " + strconv.FormatInt(p.Line, 10)
	case p.Packet > 0:
		return "packet " + strconv.FormatInt(p.Packet, 10)
	}
	return ""
}

// Sink takes records in the order in which they happened. Record must not block for long: the link's loop calls it.
type Sink interface {
	Record(Record)
}

// SinkFunc lets a function be a Sink.
type SinkFunc func(Record)

// Record calls f.
func (f SinkFunc) Record(r Record) { f(r) }

// Event is one of the types of this package. Kind is the name that the JSON form carries as "event".
type Event interface {
	Kind() string
}

// Dir is a direction, seen from this host.
type Dir uint8

// The two directions.
const (
	Sent Dir = iota
	Rcvd
)

// String gives pppd's words: "sent" or "rcvd".
func (d Dir) String() string {
	if d == Sent {
		return "sent"
	}
	return "rcvd"
}

// MarshalText gives String, for JSON.
func (d Dir) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Device says which modem is used, and which profile was chosen for it.
type Device struct {
	Port     string `json:"port"`
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	USB      string `json:"usb"`     // vid:pid in lower-case hex, or ""
	Profile  string `json:"profile"` // the profile's id, or "" when none matched
}

// AT is one line of the AT dialogue, without its line end.
type AT struct {
	Dir  Dir    `json:"dir"`
	Text string `json:"text"`
}

// Phase names, in the order in which a good call passes them.
const (
	PhaseDial   = "dial"
	PhaseLCP    = "lcp"
	PhaseAuth   = "auth"
	PhaseIPCP   = "ipcp"
	PhaseIPV6CP = "ipv6cp"
	PhaseProve  = "prove"
	PhaseUp     = "up"
	PhaseHangup = "hangup"
	PhaseDown   = "down"
)

// PhaseOrder gives the position of a phase in a call, from 1; 0 if phase is not one of the Phase names. In a good call the
// position never decreases.
func PhaseOrder(phase string) int {
	switch phase {
	case PhaseDial:
		return 1
	case PhaseLCP:
		return 2
	case PhaseAuth:
		return 3
	case PhaseIPCP, PhaseIPV6CP:
		return 4
	case PhaseProve:
		return 5
	case PhaseUp:
		return 6
	case PhaseHangup:
		return 7
	case PhaseDown:
		return 8
	}
	return 0
}

// Phase says that the link entered a phase.
type Phase struct {
	Phase string `json:"phase"`
}

// Packet is one PPP control packet. Data is the information field (from the code octet on), with secrets hidden by core/private.
// It belongs to the event and must not be changed afterwards.
type Packet struct {
	Dir      Dir
	Guessed  bool // Dir is a guess: neither the recording nor the contents show the direction
	Protocol uint16
	Data     []byte
}

// Quirk says that a setting which is not the built-in default changes what the engine or the modem part does.
type Quirk struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // layer and file:line, or the flag
	Reason string `json:"reason"`
}

// Up says that the link works. It comes again, without a Down before it, if the peer changes the addresses of a link that is up.
type Up struct {
	Interface string   `json:"interface"`
	Plane     string   `json:"plane"`
	Local     string   `json:"local"`
	Peer      string   `json:"peer"`
	DNS       []string `json:"dns"`
	WINS      []string `json:"wins"`
	MTU       int      `json:"mtu"`
	IPv6      string   `json:"ipv6"`      // our link-local address, or ""
	IPv6Peer  string   `json:"ipv6_peer"` // the peer's, or ""
	ElapsedMS int64    `json:"elapsed_ms"`
	Proved    bool     `json:"proved"`
}

// Finding is one result of diagnosis: what happened, what it means, what to try. Category is one of the corpus' categories; "" if
// none fits.
type Finding struct {
	ID         string   `json:"id"`
	Category   string   `json:"category"`
	Confidence string   `json:"confidence"` // certain, likely or possible
	Title      string   `json:"title"`
	Evidence   []string `json:"evidence"`
	Meaning    string   `json:"meaning"`
	Cure       []string `json:"cure"`
	Places     []Pos    `json:"places,omitempty"` // the places of the evidence in a recording or a log, in order; none on a live link
}

// Down says that the link ended.
type Down struct {
	Reason   string  `json:"reason"`
	ExitCode int     `json:"exit_code"`
	Seconds  float64 `json:"seconds"` // how long the link was up; 0: it never was up
	BytesIn  uint64  `json:"bytes_in"`
	BytesOut uint64  `json:"bytes_out"`
}

// State is one transition of an RFC 1661 automaton (for -v, recordings and tests).
type State struct {
	Protocol string `json:"protocol"`
	From     string `json:"from"`
	To       string `json:"to"`
	Cause    string `json:"cause"`
}

// Decision is a decision point: what the engine intended, what was answered, and by whom.
type Decision struct {
	Protocol string `json:"protocol"`
	Point    string `json:"point"`
	Intent   string `json:"intent"`
	Verdict  string `json:"verdict"`
	By       string `json:"by"`
}

// Data says that a packet passed that is not of a control protocol. The contents of the packet are never recorded.
type Data struct {
	Dir      Dir    `json:"dir"`
	Protocol uint16 `json:"protocol"` // RFC 1661 section 2, for example 0x0021 for IPv4
	Length   int    `json:"length"`   // of the information field, in octets
}

// Log is a line that another program wrote, in a log that was read, for example pppd's "not replacing existing default route".
// Secrets and identities in it are replaced. Means and Value give the meaning of the line: the reader that made the event knows
// the program's sentences, so that no other code has to match the text.
type Log struct {
	Program string   `json:"program"` // for example "pppd", "chat", "kernel"; "" if the line does not say
	Text    string   `json:"text"`
	Means   []string `json:"means,omitempty"` // words of Means…; none if the meaning is not known
	Value   string   `json:"value,omitempty"` // a value that belongs to the word, for example an address
}

// Is says whether the line has that meaning.
func (l Log) Is(word string) bool { return slices.Contains(l.Means, word) }

// Unread is a part of a recording or a log that could not be understood: damaged, cut off, or of no known kind. Its text is kept,
// so that a reader sees that something was there.
type Unread struct {
	Text   string `json:"text"` // made printable, secrets replaced, at most 1000 characters
	Bytes  int    `json:"bytes"`
	Reason string `json:"reason"`
}

// Text is text that the modem sent between or instead of frames, for example NO CARRIER, made printable.
type Text struct {
	Text string `json:"text"`
}

// Registration is the modem's state on the network while knak waits for it. State is the word of 3GPP TS 27.007
// section 10.1.20: "home", "roaming", "searching", "denied", "not searching", "unknown", "SMS only",
// "emergency only".
type Registration struct {
	State  string `json:"state"`
	Signal string `json:"signal"` // for example "-71 dBm", or ""
}

// Probe is one probe of the proof that the link carries packets, or its answer.
type Probe struct {
	Target string `json:"target"`
	How    string `json:"how"`    // "icmp" or "dns"
	Result string `json:"result"` // "sent", or what came back
}

// Attempt says that a new attempt begins, after which wait, and why.
type Attempt struct {
	Number int           `json:"attempt"`
	Wait   time.Duration `json:"-"`
	WaitMS int64         `json:"wait_ms"`
	Reason string        `json:"reason"`
}

// Notice is a message for people that fits no other event. Level is "info" or "warning". Programs read About, never Text.
type Notice struct {
	Level string `json:"level"`
	Text  string `json:"text"`
	About string `json:"about,omitempty"` // one of the words below, for notices that programs may act on
	Cause string `json:"cause,omitempty"` // with About: why, in words
}

// What a Notice may be about.
const (
	NoticeNotGivenBack = "not-given-back" // a change to this host, such as a route, could not be undone
	NoticeCallMayBeUp  = "call-may-be-up" // the modem could not be made to end the call
	NoticeWaiting      = "waiting"        // knak waits for something to happen; Cause says for what, as in "ttyUSB2 to come back"
	NoticeNoAPN        = "no-apn"         // no APN is known: not from a person, the modem, or the table of carriers
)

// Failure says that something failed. Its Cause is one word, from the part that saw the failure; diagnosis builds on it.
// Provisional means that the authentication before it succeeded, but the success proves nothing (3GPP TS 29.061: the modem
// confirms any name and password and asks the network later).
type Failure struct {
	Phase       string `json:"phase"` // one of the Phase names, or "port" or "modem" before them
	Cause       string `json:"cause"` // one of the Failed words
	Detail      string `json:"detail"`
	Provisional bool   `json:"provisional"`
}

// Words for Failure.Cause.
const (
	FailedEmptyNaks          = "empty-naks"          // IPCP Configure-Naks without an option, to the limit
	FailedRepeatedNaks       = "repeated-naks"       // Naks that change nothing, to the limit
	FailedNoAddress          = "no-address"          // IPCP opened or ended without an address for us
	FailedBogusAddress       = "bogus-address"       // an address that no network can give
	FailedAddressConflict    = "address-conflict"    // an address that this host or one of its networks has already
	FailedCarriesNothing     = "carries-nothing"     // no probe was answered
	FailedTerminated         = "terminated"          // the peer sent Terminate-Request
	FailedCarrierLost        = "carrier-lost"        // the modem hung up: DCD, NO CARRIER, or the port ended
	FailedTimeout            = "timeout"             // no answer in time
	FailedAuthRejected       = "auth-rejected"       // PAP Nak, CHAP Failure, EAP Failure
	FailedAuthMethod         = "auth-method"         // no authentication method that both ends accept
	FailedAuthImpostor       = "auth-impostor"       // the peer could not prove that it knows our password (RFC 2759 section 8.7)
	FailedAuthDowngrade      = "auth-downgrade"      // the peer wants a weaker authentication than it had
	FailedAuthTimeout        = "auth-timeout"        // no result of the authentication in time
	FailedAddressRejected    = "address-rejected"    // the peer rejected the IP-Address option
	FailedLoopedBack         = "looped-back"         // our own packets come back
	FailedEchoTimeout        = "echo-timeout"        // LCP Echo-Requests were not answered
	FailedGarbage            = "garbage"             // octets that are not frames
	FailedProtocolRejected   = "protocol-rejected"   // the peer rejected a protocol that is needed
	FailedDialRefused        = "dial-refused"        // NO CARRIER, BUSY, NO DIALTONE, NO ANSWER or ERROR to the dial
	FailedNotRegistered      = "not-registered"      // no network in time
	FailedRegistrationDenied = "registration-denied" // +CREG: 3
	FailedPINNeeded          = "pin-needed"
	FailedPINWrong           = "pin-wrong"
	FailedPUKNeeded          = "puk-needed"
	FailedNoSIM              = "no-sim"
	FailedNoModem            = "no-modem"     // no device that looks like a modem was found
	FailedModemSilent        = "modem-silent" // no answer to AT
	FailedDataMode           = "data-mode"    // the port carries PPP frames, and the modem did not leave the data state
	FailedPortLocked         = "port-locked"  // another program holds the port
	FailedPortOpen           = "port-open"    // the port cannot be opened
	FailedATError            = "at-error"     // ERROR, +CME ERROR or +CMS ERROR to a command that is needed
)

func (Device) Kind() string       { return "device" }
func (AT) Kind() string           { return "at" }
func (Phase) Kind() string        { return "phase" }
func (Packet) Kind() string       { return "packet" }
func (Quirk) Kind() string        { return "quirk" }
func (Up) Kind() string           { return "up" }
func (Finding) Kind() string      { return "finding" }
func (Down) Kind() string         { return "down" }
func (State) Kind() string        { return "state" }
func (Decision) Kind() string     { return "decision" }
func (Data) Kind() string         { return "data" }
func (Log) Kind() string          { return "log" }
func (Unread) Kind() string       { return "unread" }
func (Text) Kind() string         { return "text" }
func (Registration) Kind() string { return "registration" }
func (Probe) Kind() string        { return "probe" }
func (Attempt) Kind() string      { return "attempt" }
func (Notice) Kind() string       { return "notice" }
func (Failure) Kind() string      { return "failure" }
