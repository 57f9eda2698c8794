package event

// Words for Log.Means: what a line of another program says, in one vocabulary for all programs. A reader gives the word
// when it takes the line; nobody matches the line's text after that. What a word carries in Log.Value stands behind it.
//
// Besides these there are the words of the line rules of diagnosis, which are the ids of the findings: a line that names
// a cause by itself means that finding.
const (
	// How far the call is.
	MeansStarted         = "started"          // a dialer such as pppd says that it begins
	MeansInitializing    = "initializing"     // it sets up the modem before it dials
	MeansDialerConnected = "dialer-connected" // another program dialled and hands a connection to PPP
	MeansSerialUp        = "serial-up"        // the dialling script has a connection
	MeansStartingPPP     = "starting-ppp"     // the dialer starts PPP; value: when, in asctime's form, if it says so
	MeansInterface       = "interface"        // the link's network interface is there; value: its name
	MeansConnect         = "connect"          // PPP begins; value: "INTERFACE PORT"
	MeansOverEthernet    = "over-ethernet"    // the session runs over PPPoE
	MeansAuthStarted     = "auth-started"     // value: the method
	MeansAuthOK          = "auth-ok"          // the other end took what we authenticated with; value: the method
	MeansPeerAuthOK      = "peer-auth-ok"     // we took what the other end authenticated with
	MeansLocalAddress    = "local-address"    // the link has this address; value: the address
	MeansNewAddress      = "new-address"      // it has changed to this one; value: the address
	MeansRemoteAddress   = "remote-address"   // value: the address
	MeansDNSAddress      = "dns-address"      // value: the address
	MeansIPv6Up          = "ipv6-up"          // IPv6 came up; value: our link-local address
	MeansActivated       = "activated"        // a manager of connections says that it works
	MeansWantsDNS        = "wants-dns"        // name servers will be asked for

	// How it ended.
	MeansHangup         = "hangup"          // the modem hung up, or the port ended
	MeansHangupSignal   = "hangup-signal"   // the dialer got SIGHUP: by a port that ended, or by a person
	MeansTerminated     = "terminated"      // the call is over
	MeansExits          = "exits"           // the dialer ends
	MeansRedials        = "redials"         // it will try again
	MeansSignal         = "signal"          // the dialer was told to end
	MeansEndedByUs      = "ended-by-us"     // this side ended it by a rule of its own: idle, a time limit
	MeansGaveUp         = "gave-up"         // whoever started the dialer did not wait any longer
	MeansNotInTime      = "not-in-time"     // and says that PPP did not come up in time
	MeansPeerTerminated = "peer-terminated" // the other end sent LCP's Terminate-Request; value: its text
	MeansIPCPTerminated = "ipcp-terminated" // the other end sent IPCP's
	MeansConnectTime    = "connect-time"    // value: minutes
	MeansTraffic        = "traffic"         // value: "SENT RECEIVED", in octets
	MeansExitStatus     = "exit-status"     // pppd's exit status; value: the number

	// What failed in PPP.
	MeansLCPTimeout       = "lcp-timeout"
	MeansLoopedBack       = "looped-back"
	MeansSevenBit         = "seven-bit" // no octet came with its highest bit set
	MeansEchoTimeout      = "echo-timeout"
	MeansNoAuthPossible   = "no-auth-possible" // there is no secret for the method that the other end wants
	MeansAuthFailed       = "auth-failed"      // value: what the other end said of it
	MeansAuthTimeout      = "auth-timeout"
	MeansIPCPTimeout      = "ipcp-timeout"
	MeansIPCPRejected     = "ipcp-rejected" // the other end rejected the protocol IPCP
	MeansBadReply         = "bad-reply"     // a Nak or a Reject that does not fit the request was thrown away
	MeansBadAck           = "bad-ack"       // an Ack that does not fit
	MeansNoLocalAddress   = "no-local-address"
	MeansLostCompression  = "lost-compression"
	MeansDefaultRouteKept = "default-route-kept"

	// What programs say that use the link, or rows of tables that people paste.
	MeansNoNames   = "no-names"   // a name could not be found
	MeansNoRoute   = "no-route"   // there is no way to where something was sent
	MeansPing      = "ping"       // value: what is pinged
	MeansPingLost  = "ping-lost"  // no ping was answered
	MeansRouteTo   = "route"      // the default route; value: its interface
	MeansPortGone  = "port-gone"  // the device of the port went away
	MeansNobodyNow = "nobody-now" // a later try found nothing at the other end of the port or the line
	MeansPortInUse = "port-in-use"
	MeansPortOpen  = "port-open" // the port could not be opened

	// What the dialer says of the modem.
	MeansModemSilent  = "modem-silent"
	MeansDialResult   = "dial-result" // the dial's result in the dialer's words; value: the result code, for example NO CARRIER
	MeansATError      = "at-error"
	MeansPrompt       = "prompt"        // the other end shows a prompt for a person
	MeansPromptGone   = "prompt-gone"   // and hung up, for nobody answered it
	MeansExpects      = "expects"       // a script waits for these words; value: the words
	MeansNoWords      = "no-words"      // and they did not come in time
	MeansAborted      = "aborted"       // a script saw a string for which it is to give up; value: the string
	MeansScriptEnd    = "script-failed" // the dialling script ended with an error
	MeansDisconnects  = "disconnects"   // the dialer is hanging up; value: when, as above
	MeansRegistration = "registration"  // the modem's registration, value: the word of whoever tells it, such as home, denied, searching
	MeansRegDenied    = "registration-refused"
	MeansNoNetwork    = "no-network"
	MeansSIMMissing   = "sim-missing"
	MeansPINNeeded    = "sim-wants-pin"
	MeansPUKNeeded    = "sim-wants-puk"
	MeansPINWrong     = "sim-refuses-pin"
)
