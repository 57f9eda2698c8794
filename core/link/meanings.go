package link

// ExitMeanings say in words what each exit code means, in Markdown, lowest first. docs/cli.md and the man pages are written from this table
// (`make generate`).
var ExitMeanings = []struct {
	Code    ExitCode
	Meaning string
}{
	{ExitOK, "ended as it should: `--once`, or the peer ended a working link"},
	{ExitFatal, "something in knak or on this host failed"},
	{ExitUsage, "bad options, configuration or profile; several modems and no `--port`"},
	{ExitPrivilege, "not privileged for the data plane that was asked for"},
	{ExitNoKernel, "no kernel support for the data plane that was asked for"},
	{ExitSignal, "ended by a signal, `knak hangup`, or the order of a plugin; also where a plugin ordered another call and no attempt is left"},
	{ExitLocked, "another program holds the port, or another dial the link"},
	{ExitOpen, "the port cannot be opened"},
	{ExitDial, "dial failed: no answer to AT, ERROR, NO CARRIER, BUSY"},
	{ExitNegotiation, "PPP negotiation failed, or the peer ended the link as soon as it was up, before it carried anything"},
	{ExitIdle, "idle limit (`--idle`)"},
	{ExitMaxTime, "time limit (`--max-time`)"},
	{ExitPeerDead, "the peer stopped answering echo"},
	{ExitModemHangup, "the modem hung up"},
	{ExitLoopback, "the line is looped back"},
	{ExitAuth, "we failed to authenticate, or the peer ended the link instead of an answer; also where that shows only after a provisional success, as an empty Nak, a hang-up, a terminate, garbage or silence in IPCP"},
	{ExitTraffic, "traffic limit (`--max-bytes`)"},
	{ExitNoModem, "no modem found"},
	{ExitSIM, "SIM not ready: PIN, PUK, none"},
	{ExitRegistration, "not registered, or registration denied"},
	{ExitCarriesNoData, "the link opened but carries nothing, or its address is not believable, or is one of this host's networks"},
	{ExitPlugin, "a plugin failed where it is required"},
	{ExitFindings, "of `knak diagnose`: something is wrong with a call that was judged (0: nothing; 2: no such file, link or format, or a file that tells of no call)"},
}
