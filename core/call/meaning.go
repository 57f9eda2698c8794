package call

import "github.com/knakppp/knak/core/event"

// failures gives, for each word of event.Log that means a failure, the Failure event that a live link would have.
var failures = [...]struct {
	means   string
	failure event.Failure
}{
	{event.MeansLCPTimeout, event.Failure{Phase: event.PhaseLCP, Cause: event.FailedTimeout}},
	{event.MeansLoopedBack, event.Failure{Phase: event.PhaseLCP, Cause: event.FailedLoopedBack}},
	{event.MeansAuthFailed, event.Failure{Phase: event.PhaseAuth, Cause: event.FailedAuthRejected}},
	{event.MeansAuthTimeout, event.Failure{Phase: event.PhaseAuth, Cause: event.FailedAuthTimeout}},
	{event.MeansIPCPTimeout, event.Failure{Phase: event.PhaseIPCP, Cause: event.FailedTimeout}},
	{event.MeansIPCPRejected, event.Failure{Phase: event.PhaseIPCP, Cause: event.FailedProtocolRejected}},
	{event.MeansNoLocalAddress, event.Failure{Phase: event.PhaseIPCP, Cause: event.FailedNoAddress}},
	{event.MeansEchoTimeout, event.Failure{Phase: event.PhaseUp, Cause: event.FailedEchoTimeout}},
	{event.MeansHangup, event.Failure{Cause: event.FailedCarrierLost}},
	{event.MeansPeerTerminated, event.Failure{Cause: event.FailedTerminated}},
	{event.MeansPortInUse, event.Failure{Phase: "port", Cause: event.FailedPortLocked}},
	{event.MeansPortOpen, event.Failure{Phase: "port", Cause: event.FailedPortOpen}},
	{event.MeansModemSilent, event.Failure{Phase: "modem", Cause: event.FailedModemSilent}},
	{event.MeansATError, event.Failure{Phase: event.PhaseDial, Cause: event.FailedATError}},
	{event.MeansRegDenied, event.Failure{Phase: event.PhaseDial, Cause: event.FailedRegistrationDenied}},
	{event.MeansNoNetwork, event.Failure{Phase: event.PhaseDial, Cause: event.FailedNotRegistered}},
	{event.MeansSIMMissing, event.Failure{Phase: "modem", Cause: event.FailedNoSIM}},
	{event.MeansPINNeeded, event.Failure{Phase: "modem", Cause: event.FailedPINNeeded}},
	{event.MeansPUKNeeded, event.Failure{Phase: "modem", Cause: event.FailedPUKNeeded}},
	{event.MeansPINWrong, event.Failure{Phase: "modem", Cause: event.FailedPINWrong}},
}

// exits are the failures for pppd's exit statuses (pppd(8), EXIT STATUS), with the phase if it is certain.
var exits = map[string]event.Failure{
	"6": {Phase: "port", Cause: event.FailedPortLocked}, "7": {Phase: "port", Cause: event.FailedPortOpen}, "10": {Cause: event.FailedTimeout},
	"15": {Phase: event.PhaseUp, Cause: event.FailedEchoTimeout}, "16": {Cause: event.FailedCarrierLost}, "17": {Phase: event.PhaseLCP, Cause: event.FailedLoopedBack},
	"19": {Phase: event.PhaseAuth, Cause: event.FailedAuthRejected},
}

// FailureOf gives the failure that a word of a line means, with the line as its detail. If its phase is "", the failure is in the
// present phase of the call.
func FailureOf(l event.Log, word string) (f event.Failure, ok bool) {
	for i := range failures {
		if failures[i].means == word {
			f, ok = failures[i].failure, true
			break
		}
	}
	if word == event.MeansExitStatus {
		f, ok = exits[l.Value]
	}
	f.Detail = l.Text
	return f, ok
}

// Failure gives the first failure that a line means.
func Failure(l event.Log) (event.Failure, bool) {
	for _, w := range l.Means {
		if f, ok := FailureOf(l, w); ok {
			return f, true
		}
	}
	return event.Failure{}, false
}

// Refusals are the findings (core/sentence/causes) whose line says that an authentication or an address was refused. If such a
// line came, pppd's later counts (connect time, octets) do not mean that a link was up.
var Refusals = []string{
	"host-address-not-set", "local-address-refused", "peer-address-impossible", "peer-auth-demanded", "peer-failed-auth", "peer-says-auth-failed", "peer-says-auth-missing",
	"remote-address-refused",
}
