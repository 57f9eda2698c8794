package link

import (
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/event"
)

// ExitCode is the status with which `knak dial` ends. The numbers are pppd's, if pppd has one for the case.
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

// Kind names why a link ended or never came up. The parts below report their reasons in event.Failure.Cause, with the same words.
type Kind string

// The kinds that only the link itself knows. The kinds of the parts are in the table exits, by their words.
const (
	KindDone        Kind = "done"       // --once: the link was proved, and ended
	KindHangup      Kind = "hangup"     // a signal, or `knak hangup`
	KindRedial      Kind = "redial"     // an adviser ordered another attempt
	KindPeerEnded   Kind = "peer-ended" // the peer ended a link that was up
	KindIdle        Kind = "idle"       // --idle
	KindMaxTime     Kind = "max-time"   // --max-time
	KindMaxBytes    Kind = "max-bytes"  // --max-bytes
	KindTimeout     Kind = "too-late"   // --timeout passed before the link worked
	KindUsage       Kind = "usage"      // what the user asked for is not possible
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

// exit says how the program ends for one Kind.
type exit struct {
	kind       Kind
	code, late ExitCode
}

// exits is the one table from Kind to exit code. late is the code if the authentication was only provisionally a success and IPCP
// never opened. A modem acknowledges any PAP or CHAP before it asks the network (3GPP TS 29.061), so the refusal shows late, in
// one of the ways of AUTH-02; it is an authentication failure.
var exits = []exit{
	{kind: KindDone, code: ExitOK},
	{kind: KindPeerEnded, code: ExitOK},
	{kind: KindRedial, code: ExitSignal}, // ordered, but no further attempt is allowed
	{kind: KindHangup, code: ExitSignal},
	{kind: KindIdle, code: ExitIdle},
	{kind: KindMaxTime, code: ExitMaxTime},
	{kind: KindMaxBytes, code: ExitTraffic},
	{kind: KindTimeout, code: ExitNegotiation, late: ExitAuth},
	{kind: KindUsage, code: ExitUsage},
	{kind: KindNoDNS, code: ExitNegotiation},
	{kind: KindPlane, code: ExitFatal},
	{kind: KindPrivilege, code: ExitPrivilege},
	{kind: KindNoKernel, code: ExitNoKernel},
	{kind: KindInternal, code: ExitFatal},
	{kind: KindPlugin, code: ExitPlugin},
	{kind: KindAborted, code: ExitDial},
	{kind: KindCarrierLost, code: ExitModemHangup, late: ExitAuth},
	{kind: KindCarriesNone, code: ExitCarriesNoData},

	{kind: event.FailedEmptyNaks, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedRepeatedNaks, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedNoAddress, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedAddressRejected, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedGarbage, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedTerminated, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedTimeout, code: ExitNegotiation, late: ExitAuth},
	{kind: event.FailedProtocolRejected, code: ExitNegotiation},
	{kind: event.FailedBogusAddress, code: ExitCarriesNoData},
	{kind: event.FailedAddressConflict, code: ExitCarriesNoData},
	{kind: event.FailedLoopedBack, code: ExitLoopback},
	{kind: event.FailedEchoTimeout, code: ExitPeerDead},
	{kind: event.FailedAuthRejected, code: ExitAuth},
	{kind: event.FailedAuthMethod, code: ExitAuth},
	{kind: event.FailedAuthTimeout, code: ExitAuth},
	{kind: event.FailedAuthImpostor, code: ExitAuth},
	{kind: event.FailedAuthDowngrade, code: ExitAuth},
	{kind: event.FailedDialRefused, code: ExitDial},
	{kind: event.FailedATError, code: ExitDial},
	{kind: event.FailedModemSilent, code: ExitDial},
	{kind: event.FailedDataMode, code: ExitDial},
	{kind: event.FailedNotRegistered, code: ExitRegistration},
	{kind: event.FailedRegistrationDenied, code: ExitRegistration},
	{kind: event.FailedPINNeeded, code: ExitSIM},
	{kind: event.FailedPINWrong, code: ExitSIM},
	{kind: event.FailedPUKNeeded, code: ExitSIM},
	{kind: event.FailedNoSIM, code: ExitSIM},
	{kind: event.FailedNoModem, code: ExitNoModem},
	{kind: event.FailedPortLocked, code: ExitLocked},
	{kind: KindHeld, code: ExitLocked},
	{kind: event.FailedPortOpen, code: ExitOpen},
}

// Outcome says how a link ended.
type Outcome struct {
	Kind        Kind
	Phase       string // one of event's Phase names
	Detail      string // what happened, in words; may be ""
	Command     string // the AT command that failed, without secrets; "": none
	Provisional bool   // our authentication was only provisionally a success, and IPCP had not opened
	Blanked     bool   // an attempt with an empty user name was made since the link was last up, not by Vary
	Searching   bool   // the link was still waiting for registration
	Err         error  // the error that was the cause; nil: none
}

// ExitCode maps the outcome to the program's status.
func (o Outcome) ExitCode() ExitCode {
	i := slices.IndexFunc(exits, func(e exit) bool { return e.kind == o.Kind })
	if i < 0 {
		return ExitFatal
	}
	row := exits[i]
	switch {
	case o.Kind == event.FailedTerminated && o.Phase == event.PhaseAuth:
		return ExitAuth // the peer ended the link instead of accepting the login
	case o.Provisional && row.late != 0 && (o.Phase == event.PhaseAuth || o.Phase == event.PhaseIPCP):
		return row.late
	case o.Kind == KindTimeout:
		return o.timeoutCode()
	}
	return row.code
}

// timeoutCode gives the exit code for the phase in which --timeout ended the session.
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

// Clean says whether the link ended on purpose: by a person, by a limit that a person set, or by the peer of a working link.
func (o Outcome) Clean() bool {
	switch o.Kind {
	case KindDone, KindHangup, KindRedial, KindPeerEnded, KindIdle, KindMaxTime, KindMaxBytes:
		return true
	}
	return false
}

// String says what happened in a few words.
func (o Outcome) String() string {
	if (o.Clean() || o.Kind == KindUsage) && o.Detail != "" {
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
