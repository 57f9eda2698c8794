package event

// Words for Log.Means: the meaning of a line of another program, in one vocabulary for all programs. The reader of the line gives
// the word; no other code matches the line's text. Comments below also say what Log.Value holds.
//
// A line that names a cause by itself has the id of that finding as its word (core/sentence/causes).
const (
	// How far the call is.
	MeansStarted         = "started"          // a dialer such as pppd has started
	MeansInitializing    = "initializing"     // the dialer sets up the modem before it dials
	MeansDialerConnected = "dialer-connected" // another program dialled and hands a connection to PPP
	MeansSerialUp        = "serial-up"        // the dialling script has a connection
	MeansStartingPPP     = "starting-ppp"     // the dialer starts PPP; value: when, in asctime's form, if it says so
	MeansInterface       = "interface"        // the link's network interface exists; value: its name
	MeansConnect         = "connect"          // PPP begins; value: "INTERFACE PORT"
	MeansOverEthernet    = "over-ethernet"    // the session runs over PPPoE
	MeansAuthStarted     = "auth-started"     // value: the method
	MeansAuthOK          = "auth-ok"          // the other end accepted our authentication; value: the method
	MeansPeerAuthOK      = "peer-auth-ok"     // we accepted the other end's authentication
	MeansLocalAddress    = "local-address"    // the link has this address; value: the address
	MeansNewAddress      = "new-address"      // the link's address has changed; value: the new address
	MeansRemoteAddress   = "remote-address"   // value: the address
	MeansDNSAddress      = "dns-address"      // value: the address
	MeansIPv6Up          = "ipv6-up"          // IPv6 came up; value: our link-local address
	MeansActivated       = "activated"        // a connection manager says that the link works
	MeansWantsDNS        = "wants-dns"        // the dialer will ask for name servers

	// How it ended.
	MeansHangup         = "hangup"          // the modem hung up, or the port ended
	MeansHangupSignal   = "hangup-signal"   // the dialer got SIGHUP: the port ended, or a person sent it
	MeansTerminated     = "terminated"      // the call is over
	MeansExits          = "exits"           // the dialer ends
	MeansRedials        = "redials"         // the dialer will try again
	MeansSignal         = "signal"          // the dialer was told to end
	MeansEndedByUs      = "ended-by-us"     // this side ended the call by its own rule: idle, a time limit
	MeansGaveUp         = "gave-up"         // the program that started the dialer stopped waiting
	MeansNotInTime      = "not-in-time"     // the program that started the dialer says that PPP did not come up in time
	MeansPeerTerminated = "peer-terminated" // the other end sent LCP's Terminate-Request; value: its text
	MeansIPCPTerminated = "ipcp-terminated" // the other end sent IPCP's Terminate-Request
	MeansConnectTime    = "connect-time"    // value: minutes
	MeansTraffic        = "traffic"         // value: "SENT RECEIVED", in octets
	MeansExitStatus     = "exit-status"     // pppd's exit status; value: the number

	// What failed in PPP.
	MeansLCPTimeout       = "lcp-timeout"
	MeansLoopedBack       = "looped-back"
	MeansSevenBit         = "seven-bit" // no received octet had its highest bit set
	MeansEchoTimeout      = "echo-timeout"
	MeansNoAuthPossible   = "no-auth-possible" // there is no secret for the method that the other end wants
	MeansAuthFailed       = "auth-failed"      // value: the other end's message
	MeansAuthTimeout      = "auth-timeout"
	MeansIPCPTimeout      = "ipcp-timeout"
	MeansIPCPRejected     = "ipcp-rejected" // the other end rejected the protocol IPCP
	MeansBadReply         = "bad-reply"     // a Nak or a Reject that does not fit the request was discarded
	MeansBadAck           = "bad-ack"       // an Ack that does not fit the request was discarded
	MeansNoLocalAddress   = "no-local-address"
	MeansLostCompression  = "lost-compression"
	MeansDefaultRouteKept = "default-route-kept"

	// Lines of programs that use the link, and rows of tables that people paste.
	MeansNoNames   = "no-names"   // a name could not be resolved
	MeansNoRoute   = "no-route"   // there is no route to the destination
	MeansPing      = "ping"       // value: the destination of the ping
	MeansPingLost  = "ping-lost"  // no ping was answered
	MeansRouteTo   = "route"      // the default route; value: its interface
	MeansPortGone  = "port-gone"  // the device of the port went away
	MeansNobodyNow = "nobody-now" // a later attempt found nothing at the other end of the port or the line
	MeansPortInUse = "port-in-use"
	MeansPortOpen  = "port-open" // the port could not be opened

	// Lines of the dialer about the modem.
	MeansModemSilent  = "modem-silent"
	MeansDialResult   = "dial-result" // the dial's result in the dialer's words; value: the result code, for example NO CARRIER
	MeansATError      = "at-error"
	MeansPrompt       = "prompt"        // the other end shows a prompt for a person
	MeansPromptGone   = "prompt-gone"   // the other end hung up because nobody answered its prompt
	MeansExpects      = "expects"       // a script waits for these words; value: the words
	MeansNoWords      = "no-words"      // the words that a script waits for did not come in time
	MeansAborted      = "aborted"       // a script saw a string at which it aborts; value: the string
	MeansScriptEnd    = "script-failed" // the dialling script ended with an error
	MeansDisconnects  = "disconnects"   // the dialer is hanging up; value: when, as above
	MeansRegistration = "registration"  // the modem's registration; value: the program's word for it, such as home, denied, searching
	MeansRegDenied    = "registration-refused"
	MeansNoNetwork    = "no-network"
	MeansSIMMissing   = "sim-missing"
	MeansPINNeeded    = "sim-wants-pin"
	MeansPUKNeeded    = "sim-wants-puk"
	MeansPINWrong     = "sim-refuses-pin"
)
