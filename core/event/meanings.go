package event

import (
	"slices"
	"sync"
)

// meanings are all words of Log.Means, in the order of their constants.
var meanings = []string{
	MeansStarted, MeansInitializing, MeansDialerConnected, MeansSerialUp, MeansStartingPPP, MeansInterface, MeansConnect, MeansOverEthernet, MeansAuthStarted,
	MeansAuthOK, MeansPeerAuthOK, MeansLocalAddress, MeansNewAddress, MeansRemoteAddress, MeansDNSAddress, MeansIPv6Up, MeansActivated, MeansWantsDNS,
	MeansHangup, MeansHangupSignal, MeansTerminated, MeansExits, MeansRedials, MeansSignal, MeansEndedByUs, MeansGaveUp, MeansNotInTime, MeansPeerTerminated, MeansIPCPTerminated,
	MeansConnectTime, MeansTraffic, MeansExitStatus, MeansLCPTimeout, MeansLoopedBack, MeansSevenBit, MeansEchoTimeout, MeansNoAuthPossible,
	MeansAuthFailed, MeansAuthTimeout, MeansIPCPTimeout, MeansIPCPRejected, MeansBadReply, MeansBadAck, MeansNoLocalAddress,
	MeansLostCompression, MeansDefaultRouteKept, MeansNoNames, MeansNoRoute, MeansPing, MeansPingLost, MeansRouteTo, MeansPortGone,
	MeansNobodyNow, MeansPortInUse, MeansPortOpen, MeansModemSilent, MeansDialResult, MeansATError, MeansPrompt, MeansPromptGone, MeansExpects,
	MeansNoWords, MeansAborted, MeansScriptEnd, MeansDisconnects, MeansRegistration, MeansRegDenied, MeansNoNetwork, MeansSIMMissing, MeansPINNeeded,
	MeansPUKNeeded, MeansPINWrong,
}

// Meanings gives the words that a format of logs may give to a sentence.
func Meanings() []string { return slices.Clone(meanings) }

// IsMeaning says whether a word is one of Meanings.
func IsMeaning(word string) bool { return meaningSet()[word] }

// meaningSet is meanings, for a look at every line of a log; made when the first is read.
var meaningSet = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, len(meanings))
	for _, w := range meanings {
		set[w] = true
	}
	return set
})
