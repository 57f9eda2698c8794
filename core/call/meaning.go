package call

import "github.com/knakppp/knak/core/event"

// failures are the words of event.Log that say that something failed, with what a live link would say of it.
var failures = map[string]event.Failure{
	event.MeansLCPTimeout:     {Phase: event.PhaseLCP, Cause: event.FailedTimeout},
	event.MeansLoopedBack:     {Phase: event.PhaseLCP, Cause: event.FailedLoopedBack},
	event.MeansAuthFailed:     {Phase: event.PhaseAuth, Cause: event.FailedAuthRejected},
	event.MeansAuthTimeout:    {Phase: event.PhaseAuth, Cause: event.FailedAuthTimeout},
	event.MeansIPCPTimeout:    {Phase: event.PhaseIPCP, Cause: event.FailedTimeout},
	event.MeansIPCPRejected:   {Phase: event.PhaseIPCP, Cause: event.FailedProtocolRejected},
	event.MeansNoLocalAddress: {Phase: event.PhaseIPCP, Cause: event.FailedNoAddress},
	event.MeansEchoTimeout:    {Phase: event.PhaseUp, Cause: event.FailedEchoTimeout},
	event.MeansHangup:         {Cause: event.FailedCarrierLost},
	event.MeansPeerTerminated: {Cause: event.FailedTerminated},
	event.MeansPortInUse:      {Phase: "port", Cause: event.FailedPortLocked},
	event.MeansPortOpen:       {Phase: "port", Cause: event.FailedPortOpen},
	event.MeansModemSilent:    {Phase: "modem", Cause: event.FailedModemSilent},
	event.MeansATError:        {Phase: event.PhaseDial, Cause: event.FailedATError},
	event.MeansRegDenied:      {Phase: event.PhaseDial, Cause: event.FailedRegistrationDenied},
	event.MeansNoNetwork:      {Phase: event.PhaseDial, Cause: event.FailedNotRegistered},
	event.MeansSIMMissing:     {Phase: "modem", Cause: event.FailedNoSIM},
	event.MeansPINNeeded:      {Phase: "modem", Cause: event.FailedPINNeeded},
	event.MeansPUKNeeded:      {Phase: "modem", Cause: event.FailedPUKNeeded},
	event.MeansPINWrong:       {Phase: "modem", Cause: event.FailedPINWrong},
}

// exits are the failures that pppd's exit status names (pppd(8), EXIT STATUS), and the phase where it is sure.
var exits = map[string]event.Failure{
	"6": {Phase: "port", Cause: event.FailedPortLocked}, "7": {Phase: "port", Cause: event.FailedPortOpen}, "10": {Cause: event.FailedTimeout},
	"15": {Phase: event.PhaseUp, Cause: event.FailedEchoTimeout}, "16": {Cause: event.FailedCarrierLost}, "17": {Phase: event.PhaseLCP, Cause: event.FailedLoopedBack},
	"19": {Phase: event.PhaseAuth, Cause: event.FailedAuthRejected},
}

// FailureOf gives the failure that a word of a line tells, with the line as its detail. Its phase is "" where that is the
// phase in which the call was.
func FailureOf(l event.Log, word string) (event.Failure, bool) {
	f, ok := failures[word]
	if word == event.MeansExitStatus {
		f, ok = exits[l.Value]
	}
	f.Detail = l.Text
	return f, ok
}

// Failure gives the first failure that a line tells.
func Failure(l event.Log) (event.Failure, bool) {
	for _, w := range l.Means {
		if f, ok := FailureOf(l, w); ok {
			return f, true
		}
	}
	return event.Failure{}, false
}

// Refusals are the findings of which a line says by itself that an authentication or an address was refused (core/sentence/causes):
// what pppd counts after it is of no link that was up.
var Refusals = []string{
	"host-address-not-set", "local-address-refused", "peer-address-impossible", "peer-auth-demanded", "peer-failed-auth", "peer-says-auth-failed", "peer-says-auth-missing",
	"remote-address-refused",
}
