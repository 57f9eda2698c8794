package link

import (
	"fmt"

	"github.com/knakppp/knak/core/event"
)

// ExitCode is the status with which `knak dial` ends. The numbers are pppd's where pppd has one for the case.
type ExitCode int

// The exit codes.
const (
	ExitOK            ExitCode = 0
	ExitFatal         ExitCode = 1
	ExitUsage         ExitCode = 2
	ExitPrivilege     ExitCode = 3
	ExitNoKernel      ExitCode = 4
	ExitSignal        ExitCode = 5
	ExitLocked        ExitCode = 6
	ExitOpen          ExitCode = 7
	ExitDial          ExitCode = 8
	ExitNegotiation   ExitCode = 10
	ExitIdle          ExitCode = 12
	ExitMaxTime       ExitCode = 13
	ExitPeerDead      ExitCode = 15
	ExitModemHangup   ExitCode = 16
	ExitLoopback      ExitCode = 17
	ExitAuth          ExitCode = 19
	ExitTraffic       ExitCode = 20
	ExitNoModem       ExitCode = 30
	ExitSIM           ExitCode = 31
	ExitRegistration  ExitCode = 32
	ExitCarriesNoData ExitCode = 33
	ExitPlugin        ExitCode = 34
	ExitFindings      ExitCode = 35 // of `knak diagnose`: something is wrong
)

// Kind names why a link ended or never came up. Parts below report theirs as the Kind word of an event.Failure.
type Kind string

// The kinds that only the link itself can tell; those of the parts are in the table below by their words.
const (
	KindDone        Kind = "done"       // --once: the link was proved, and that was all
	KindHangup      Kind = "hangup"     // a signal, or `knak hangup`
	KindRedial      Kind = "redial"     // an adviser ordered another attempt
	KindPeerEnded   Kind = "peer-ended" // the peer ended a link that was up
	KindIdle        Kind = "idle"       // --idle
	KindMaxTime     Kind = "max-time"   // --max-time
	KindMaxBytes    Kind = "max-bytes"  // --max-bytes
	KindTimeout     Kind = "too-late"   // --timeout passed before the link worked
	KindUsage       Kind = "usage"      // what the user asked for cannot be followed
	KindNoDNS       Kind = "no-dns"     // ipcp.require_dns, and the peer named no name server
	KindPlane       Kind = "plane"      // the data plane could not be set up
	KindPrivilege   Kind = "privilege"  // the data plane needs a privilege
	KindNoKernel    Kind = "no-kernel"  // the kernel does not offer the data plane
	KindCarriesNone Kind = event.FailedCarriesNothing
	KindCarrierLost Kind = event.FailedCarrierLost
	KindHeld        Kind = "link-held"       // another dial holds a link of this name
	KindPlugin      Kind = "plugin-required" // an adviser that is required has failed
	KindAborted     Kind = "aborted"         // an adviser forbade the call
	KindInternal    Kind = "internal"
)

// exits is the one table from what happened to how the program ends. late is the code where the peer had called our
// authentication a success only provisionally and IPCP never opened: then the refusal shows late, in one of the ways of
// AUTH-02 (3GPP TS 29.061: a modem acknowledges any PAP or CHAP before it knows), and it is an authentication failure.
var exits = map[Kind]struct{ code, late ExitCode }{
	KindDone:        {code: ExitOK},
	KindPeerEnded:   {code: ExitOK},
	KindRedial:      {code: ExitSignal}, // ordered, and not to be followed by another attempt
	KindHangup:      {code: ExitSignal},
	KindIdle:        {code: ExitIdle},
	KindMaxTime:     {code: ExitMaxTime},
	KindMaxBytes:    {code: ExitTraffic},
	KindTimeout:     {code: ExitNegotiation, late: ExitAuth},
	KindUsage:       {code: ExitUsage},
	KindNoDNS:       {code: ExitNegotiation},
	KindPlane:       {code: ExitFatal},
	KindPrivilege:   {code: ExitPrivilege},
	KindNoKernel:    {code: ExitNoKernel},
	KindInternal:    {code: ExitFatal},
	KindPlugin:      {code: ExitPlugin},
	KindAborted:     {code: ExitDial},
	KindCarrierLost: {code: ExitModemHangup, late: ExitAuth},
	KindCarriesNone: {code: ExitCarriesNoData},

	event.FailedEmptyNaks:          {code: ExitNegotiation, late: ExitAuth},
	event.FailedRepeatedNaks:       {code: ExitNegotiation, late: ExitAuth},
	event.FailedNoAddress:          {code: ExitNegotiation, late: ExitAuth},
	event.FailedAddressRejected:    {code: ExitNegotiation, late: ExitAuth},
	event.FailedGarbage:            {code: ExitNegotiation, late: ExitAuth},
	event.FailedTerminated:         {code: ExitNegotiation, late: ExitAuth},
	event.FailedTimeout:            {code: ExitNegotiation, late: ExitAuth},
	event.FailedProtocolRejected:   {code: ExitNegotiation},
	event.FailedBogusAddress:       {code: ExitCarriesNoData},
	event.FailedAddressConflict:    {code: ExitCarriesNoData},
	event.FailedLoopedBack:         {code: ExitLoopback},
	event.FailedEchoTimeout:        {code: ExitPeerDead},
	event.FailedAuthRejected:       {code: ExitAuth},
	event.FailedAuthMethod:         {code: ExitAuth},
	event.FailedAuthTimeout:        {code: ExitAuth},
	event.FailedAuthImpostor:       {code: ExitAuth},
	event.FailedAuthDowngrade:      {code: ExitAuth},
	event.FailedDialRefused:        {code: ExitDial},
	event.FailedATError:            {code: ExitDial},
	event.FailedModemSilent:        {code: ExitDial},
	event.FailedDataMode:           {code: ExitDial},
	event.FailedNotRegistered:      {code: ExitRegistration},
	event.FailedRegistrationDenied: {code: ExitRegistration},
	event.FailedPINNeeded:          {code: ExitSIM},
	event.FailedPINWrong:           {code: ExitSIM},
	event.FailedPUKNeeded:          {code: ExitSIM},
	event.FailedNoSIM:              {code: ExitSIM},
	event.FailedNoModem:            {code: ExitNoModem},
	event.FailedPortLocked:         {code: ExitLocked},
	KindHeld:                       {code: ExitLocked},
	event.FailedPortOpen:           {code: ExitOpen},
}

// Outcome says how a link ended.
type Outcome struct {
	Kind        Kind
	Phase       string // one of trace's phases
	Detail      string // what happened, in words; may be ""
	Command     string // the AT command that failed, redacted; "" where none did
	Provisional bool   // our authentication was a success only provisionally, and IPCP had not opened
	Blanked     bool   // an attempt with an empty name was made since the link was up last, besides what Vary wanted
	Searching   bool   // the modem was still asked whether it has a network
	Err         error  // the cause, where an error was one
}

// ExitCode maps the outcome to the program's status.
func (o Outcome) ExitCode() ExitCode {
	row, known := exits[o.Kind]
	switch {
	case !known:
		return ExitFatal
	case o.Kind == event.FailedTerminated && o.Phase == event.PhaseAuth:
		return ExitAuth // the peer ended it instead of saying yes
	case o.Provisional && row.late != 0 && (o.Phase == event.PhaseAuth || o.Phase == event.PhaseIPCP):
		return row.late
	case o.Kind == KindTimeout:
		return o.timeoutCode()
	}
	return row.code
}

// timeoutCode is the status of the phase that --timeout has ended.
func (o Outcome) timeoutCode() ExitCode {
	switch {
	case o.Phase == event.PhaseDial && o.Searching:
		return ExitRegistration
	case o.Phase == event.PhaseDial:
		return ExitDial
	case o.Phase == event.PhaseAuth:
		return ExitAuth
	case o.Phase == event.PhaseProve:
		return ExitCarriesNoData
	}
	return ExitNegotiation
}

// Clean says that the link ended because somebody wanted it to end: a person, a limit that a person set, or the peer
// of a working link.
func (o Outcome) Clean() bool {
	switch o.Kind {
	case KindDone, KindHangup, KindRedial, KindPeerEnded, KindIdle, KindMaxTime, KindMaxBytes:
		return true
	}
	return false
}

// String says what happened in a few words.
func (o Outcome) String() string {
	if o.Clean() && o.Detail != "" {
		return o.Detail
	}
	text := string(o.Kind)
	if o.Phase != "" {
		text += " in phase " + o.Phase
	}
	if o.Detail != "" {
		text += ": " + o.Detail
	}
	if o.Err != nil {
		text += fmt.Sprintf(": %v", o.Err)
	}
	return text
}
