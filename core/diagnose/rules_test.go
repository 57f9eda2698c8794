package diagnose

import (
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

const (
	sentDir = event.Sent
	rcvdDir = event.Rcvd
)

// ruleCase is one case of a rule and one that only looks like it.
type ruleCase struct {
	id             string
	positive, near events
}

var ruleCases = []ruleCase{
	// The port.
	{"port-shared", failure("port", event.FailedPortLocked, "held by ModemManager (pid 612)"), failure("port", event.FailedPortLocked, "held by pppd (pid 612)")},
	{"port-locked", failure("port", event.FailedPortLocked, "held by pppd (pid 612)"), failure("port", event.FailedPortOpen, "no such file")},
	{"port-open", failure("port", event.FailedPortOpen, "permission denied"), failure("port", event.FailedPortLocked, "pid 1")},
	{"port-lost", tell(modemSays("ATE0", "OK"), failure(event.PhaseDial, event.FailedCarrierLost, "the port is gone")),
		tell(modemSays("ATE0", "OK"), modemSays("ATD*99#", "NO CARRIER"), failure(event.PhaseDial, event.FailedDialRefused, "NO CARRIER"))},
	{"no-modem", failure("port", event.FailedNoModem, ""), failure("port", event.FailedPortOpen, "")},
	{"modem-not-answering", times(3, modemSays("AT")), tell(times(3, modemSays("AT")), modemSays("AT", "OK"))},
	{"modem-not-answering", times(3, modemSays("AT")), tell(modemSays("ATZ"), modemSays(`AT+CGDCONT=1,"IP","internet"`), modemSays("ATD*99#"))}, // a list of what is sent, without what came back

	{"modem-not-answering", times(3, modemSays("AT")), tell(modemSays("ATE0"), modemSays("AT+CFUN=0"), times(4, tell(modemSays("AT+CEREG?"), modemSays("AT+CGREG?"))))},

	// The SIM.
	{"puk-needed", tell(modemSays("AT+CPIN?", "+CPIN: SIM PUK", "OK"), down()), tell(modemSays("AT+CPIN?", "+CPIN: SIM PIN", "OK"), down())},
	{"pin-wrong", tell(modemSays("AT+CPIN?", "+CPIN: SIM PIN", "OK"), modemSays("AT+CPIN=****", "ERROR"), down()), tell(modemSays("AT+CPIN=****", "ERROR"), down())},
	{"sim-busy", tell(modemSays("AT+CSCA?", "+CME ERROR: SIM busy"), down()), tell(modemSays("AT+CSCA?", "+CME ERROR: 14"), modemSays("AT+CPIN?", "+CPIN: READY", "OK"), down())},
	{"sim-busy", tell(modemSays("AT+CSCA?", "+CME ERROR: 14"), modemSays("AT", "OK"), down()), tell(modemSays("AT+CSCA?", "+CME ERROR: 14"), modemSays("AT+CSCA?", "OK"), down())},
	{"pin-wrong", modemSays("AT+CPIN=****", "+CME ERROR: 16"), tell(modemSays("AT+CPIN=****", "OK"), modemSays("ATD*99#", "+CME ERROR: 3"))},
	{"pin-needed", tell(modemSays("AT+CPIN?", "+CPIN: SIM PIN", "OK"), down()),
		tell(modemSays("AT+CPIN?", "+CPIN: SIM PIN", "OK"), modemSays("AT+CPIN=****", "OK"), modemSays("ATD*99#", "NO CARRIER"))},
	{"no-sim", modemSays("AT+CPIN?", "+CME ERROR: SIM not inserted"), modemSays("AT+CPIN?", "+CME ERROR: SIM busy")},
	{"no-sim", tell(modemSays("AT+CIMI", "+CME ERROR: SIM not inserted"), modemSays("AT+COPS?", "+CME ERROR: no network service")), // what it says of something else does not bring a SIM
		tell(modemSays("AT+CIMI", "+CME ERROR: SIM not inserted"), modemSays("AT+CREG?", "+CREG: 0,1", "OK"), modemSays("AT+COPS?", "+CME ERROR: no network service"))},

	// Registration and the dial.
	{"registration-denied", tell(modemSays("AT+CREG?", "+CREG: 0,3", "OK"), modemSays("ATD*99#", "NO CARRIER")), tell(modemSays("AT+CREG?", "+CREG: 0,3", "OK"), modemSays("AT+CREG?", "+CREG: 0,1", "OK"), modemSays("ATD*99#", "NO CARRIER"))},
	{"registration-denied", tell(modemSays("AT+CEREG?", "+CEREG: 0,3", "OK"), modemSays("ATD*99#", "ERROR")), tell(modemSays("AT+CREG?", "+CREG: 0,3", "OK"), modemSays("AT+CGATT?", "+CGATT: 1", "OK"), modemSays("ATD*99#", "ERROR"))},
	{"not-registered", tell(modemSays("AT+COPS=0", "+CME ERROR: 30"), down()), tell(modemSays("AT+COPS=0", "+CME ERROR: 30"), modemSays("AT+CEREG?", "+CEREG: 0,1", "OK"), modemSays("ATD*99#", "ERROR"))},
	{"not-registered", tell(modemSays("AT+CREG?", "+CREG: 0,2", "OK"), modemSays("AT+CSQ", "+CSQ: 17,99", "OK"), modemSays("ATD*99#", "NO CARRIER")),
		tell(modemSays("AT+CREG?", "+CREG: 0,0", "OK"), modemSays("AT+CEREG?", `+CEREG: 2,1,"0001","01",7`, "OK"), modemSays("ATD*99#", "NO CARRIER"))},
	{"not-registered", tell(modemSays("AT+CREG?", "+CREG: 0,2", "OK"), modemSays("ATD*99#", "ERROR")), modemSays("ATD*99#", "ERROR")},
	{"not-registered", tell(modemSays("ATZ", "OK"), modemSays("ATD*99#", "^SIMST:1", "+CME ERROR: 14")), modemSays("ATD*99#", "+CME ERROR: 133")},
	{"not-registered", tell(modemSays("AT+COPS?", "+COPS: 0", "OK"), modemSays("ATD*99#", "NO CARRIER")), tell(modemSays("AT+COPS?", `+COPS: 0,0,"Acme",2`, "OK"), modemSays("ATD*99#", "NO CARRIER"))},
	{"dial-error", modemSays("ATD*99#", "+CME ERROR: 149"), tell(modemSays("AT+CFUN=1", "ERROR"), modemSays("ATD*99#", "CONNECT"))},
	{"no-carrier", modemSays("ATD*99#", "NO CARRIER"), tell(dialled, request, carrier)},
	{"at-error", failure(event.PhaseDial, event.FailedATError, "AT+CGDCONT was refused"), modemSays("AT^CURC=0", "ERROR")},

	// LCP.
	{"line-looped-back", tell(dialled, request, rcvd(packet.LCP, packet.ConfigureRequest, magic), down()),
		tell(dialled, request, rcvd(packet.LCP, packet.ConfigureRequest, packet.Uint32Option(packet.LCPMagic, 0x9999)), down())},
	{"login-prompt", tell(dialled, times(3, request), text("TNT login: "), down()), tell(lcpOpen, text("last login: "), down())},
	{"wrong-port", tell(dialled, times(3, request), text("\r\n+CREG: 1\r\nOK\r\n"), down()), tell(dialled, times(3, request), text("*** xx yy"), down())},
	{"lcp-no-answer", tell(dialled, times(10, request), failure(event.PhaseLCP, event.FailedTimeout, ""), down()), tell(dialled, times(10, request), lcpOurs, down())},
	{"lcp-not-agreed", tell(dialled, times(10, request), rcvd(packet.LCP, packet.ConfigureNak, magic), failure(event.PhaseLCP, event.FailedTimeout, ""), down()),
		tell(dialled, times(10, request), failure(event.PhaseLCP, event.FailedTimeout, ""), down())},
	{"no-carrier-in-ppp", tell(dialled, request, carrier), tell(authenticated("x"), askAddress, carrier)},

	// Authentication.
	{"auth-rejected", tell(lcpOpen, challenge, response("bob"), pkt(rcvdDir, packet.CHAP, packet.CHAPFailure, []byte("E=691 R=0"))),
		tell(authenticated("bob"), pkt(rcvdDir, packet.CHAP, packet.CHAPFailure, nil), good)},
	{"auth-rejected", tell(lcpOpen, pkt(rcvdDir, packet.EAP, packet.EAPRequest, []byte("\x1a\x04\x01\x00\x14E=691 R=0 V=3")), pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), down()),
		tell(lcpOpen, pkt(rcvdDir, packet.EAP, packet.EAPRequest, []byte("\x1a\x03\x01\x00\x07S=0")), pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), down())},
	{"auth-impostor", tell(lcpOpen, challenge, response("bob"), pkt(rcvdDir, packet.CHAP, packet.CHAPSuccess, []byte("Welcome")), failure(event.PhaseAuth, event.FailedAuthImpostor, "impostor")),
		tell(lcpOpen, challenge, response("bob"), pkt(rcvdDir, packet.CHAP, packet.CHAPSuccess, []byte("Welcome")), failure(event.PhaseAuth, event.FailedAuthRejected, "refused"))},
	{"auth-downgrade", tell(authenticated("x"), good, failure(event.PhaseLCP, event.FailedAuthDowngrade, "asks for pap")), tell(authenticated("x"), good)},
	{"peer-auth-required", tell(dialled, sent(packet.LCP, packet.ConfigureRequest, chapMD5), rcvd(packet.LCP, packet.ConfigureReject, chapMD5), down()),
		tell(dialled, request, rcvd(packet.LCP, packet.ConfigureReject, magic), down())},
	{"auth-method-unacceptable", tell(dialled, lcpOurs, rcvd(packet.LCP, packet.ConfigureRequest, chapMD5), sent(packet.LCP, packet.ConfigureNak, pap),
		rcvd(packet.LCP, packet.ConfigureRequest, magic2), sent(packet.LCP, packet.ConfigureAck, magic2), askAddress, rcvd(packet.LCP, packet.TerminateRequest), carrier),
		tell(dialled, lcpOurs, rcvd(packet.LCP, packet.ConfigureRequest, chapMD5), sent(packet.LCP, packet.ConfigureNak, pap), rcvd(packet.LCP, packet.ConfigureRequest, pap), sent(packet.LCP, packet.ConfigureAck, pap), down())},
	{"lcp-ended-by-peer", tell(dialled, request, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), down()),
		tell(dialled, request, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), times(5, request), down())},
	{"line-one-way", tell(dialled, times(6, tell(request, rcvd(packet.LCP, packet.ConfigureRequest, magic2), sent(packet.LCP, packet.ConfigureAck, magic2))), down()),
		tell(dialled, times(6, tell(request, rcvd(packet.LCP, packet.ConfigureRequest, magic2), sent(packet.LCP, packet.ConfigureAck, magic2))), rcvd(packet.LCP, packet.ConfigureAck, magic), down())},
	{"line-one-way", tell(dialled, times(9, tell(request, rcvd(packet.LCP, packet.ConfigureRequest, magic2), sent(packet.LCP, packet.ConfigureAck, magic2)))),
		tell(dialled, times(9, tell(request, rcvd(packet.LCP, packet.ConfigureRequest, magic2))))},
	{"text-instead-of-frames", tell(dialled, times(3, request), text("Welcome to BusyBox"), down()), tell(dialled, times(3, request), text("Welcome to BusyBox"), rcvd(packet.LCP, packet.ConfigureAck, magic), down())},
	{"auth-no-answer", tell(lcpOpen, down()), tell(authenticated("x"), down())},

	// The network phase.
	{"ipcp-empty-nak", tell(authenticated("wap"), times(3, emptyNaks)), tell(authenticated("wap"), times(3, emptyNaks), good)},
	{"ipcp-protocol-rejected", tell(authenticated("x"), askAddress, pkt(rcvdDir, packet.LCP, packet.ProtocolReject, []byte{0x80, 0x21, 1, 1, 0, 4})),
		tell(authenticated("x"), askAddress, pkt(rcvdDir, packet.LCP, packet.ProtocolReject, []byte{0x80, 0xfd, 1, 1, 0, 4}), good)},
	{"ipcp-terminated-by-peer", tell(authenticated("x"), askAddress, pkt(rcvdDir, packet.IPCP, packet.TerminateRequest, nil), down()),
		tell(authenticated("x"), good, pkt(rcvdDir, packet.IPCP, packet.TerminateRequest, nil))},
	{"lcp-terminated-by-peer-after-auth", tell(authenticated("x"), askAddress, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), down()),
		tell(lcpOpen, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), down())},
	{"ipcp-hangup-after-auth", tell(authenticated("x"), askAddress, carrier), tell(authenticated("x"), askAddress, good, carrier)},
	{"ipcp-placeholder-only", tell(authenticated("x"), times(4, placeNak), down()), tell(authenticated("x"), times(4, placeNak), good)},
	{"ipcp-address-rejected", tell(authenticated("x"), askAddress, rcvd(packet.IPCP, packet.ConfigureReject, zero), down()),
		tell(authenticated("x"), askAddress, rcvd(packet.IPCP, packet.ConfigureReject, ip(packet.IPCPDNS1, "0.0.0.0")), down())},
	{"local-address-forced", tell(authenticated("x"), times(3, sent(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "192.168.10.13"))), down()),
		tell(authenticated("x"), askAddress, times(3, sent(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "10.7.0.2"))), down())},
	{"ipcp-peer-address-refused", tell(lcpOurs, askAddress, times(3, peerWants), down()), tell(lcpOurs, askAddress, times(2, peerWants), sent(packet.IPCP, packet.ConfigureAck), down())},
	{"ipcp-garbage", tell(authenticated("x"), askAddress, times(3, events{event.Packet{Dir: rcvdDir, Protocol: 0x8a11, Data: []byte{9, 9}}}), down()),
		tell(authenticated("x"), times(3, events{event.Packet{Dir: rcvdDir, Protocol: packet.CCP, Data: []byte{1, 1, 0, 4}}}), askAddress, down())},
	{"ipcp-changing-nak", tell(authenticated("x"), nakAddress("10.0.0.1"), nakAddress("10.0.0.2"), nakAddress("10.0.0.3"), nakAddress("10.0.0.4"), nakAddress("10.0.0.5"), down()),
		tell(authenticated("x"), times(5, nakAddress("10.0.0.1")), down())},
	{"ipcp-repeated-nak", tell(authenticated("x"), times(6, stallNak), down()), tell(authenticated("x"), times(6, stallNak), good)},
	{"ipcp-no-answer", tell(authenticated("x"), times(10, askAddress), down()), tell(authenticated("x"), times(9, askAddress), stallNak, down())},
	{"ipcp-silent-after-answer", tell(authenticated("x"), askDNS, rcvd(packet.IPCP, packet.ConfigureReject, ip(packet.IPCPDNS1, "0.0.0.0")), times(9, askAddress), failure(event.PhaseIPCP, event.FailedTimeout, "")),
		tell(authenticated("x"), askDNS, rcvd(packet.IPCP, packet.ConfigureReject, ip(packet.IPCPDNS1, "0.0.0.0")), times(9, askAddress), gets("10.7.0.2"), up("192.0.2.1"))},
	{"ipcp-silent-after-answer", tell(authenticated("x"), nakAddress("10.7.0.9"), times(9, sent(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "10.7.0.9"))), down()),
		tell(authenticated("x"), nakAddress("10.7.0.9"), sent(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "10.7.0.9")), carrier)},
	{"ipcp-peer-never-asks", tell(authenticated("x"), times(10, gets("10.7.0.2")), failure(event.PhaseIPCP, event.FailedTimeout, "")),
		tell(authenticated("x"), rcvd(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "192.0.2.1")), times(10, gets("10.7.0.2")), failure(event.PhaseIPCP, event.FailedTimeout, ""))},
	{"bogus-address", tell(authenticated("x"), gets("169.254.3.4"), failure(event.PhaseIPCP, event.FailedBogusAddress, "")), tell(authenticated("x"), gets("10.64.0.1"), down())},

	// Logs of other dialers.
	{"ppp-instead-of-answers", tell(modemSays("ATZ", ""), events{event.Text{Text: `~^?}#@!}!}!} }4}"}&} }*} } }%}&`}}, logs("alarm")), tell(dialled, phase(event.PhaseLCP), events{event.Text{Text: `~^?}#@!}!}!} }4}"}&} }*} } }%}&`}}, down())},
	{"connect-script-failed", logs("Connect script failed"), logs("Connect script failed", "local  IP address 10.7.0.2")},
	{"chap-response-malformed", tell(lcpOpen, challenge, pkt(sentDir, packet.CHAP, packet.CHAPResponse, append([]byte{40}, make([]byte, 44)...)), pkt(rcvdDir, packet.CHAP, packet.CHAPFailure, nil)),
		tell(lcpOpen, challenge, pkt(sentDir, packet.CHAP, packet.CHAPResponse, append([]byte{16}, make([]byte, 20)...)), pkt(rcvdDir, packet.CHAP, packet.CHAPFailure, nil))},
	{"encryption-refused", tell(lcpOpen, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, []byte{'<', 0xcd, 't', 0, 0, 2, 0xe6})), tell(lcpOpen, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, []byte{'<', 0xcd, 't', 0, 0, 2, 0xb3}))},
	{"context-refused", tell(modemSays("AT+CGACT=1,1", "ERROR"), down()), tell(modemSays("AT+CGACT=0,1", "ERROR"), down())},
	{"ipcp-ack-not-taken", tell(lcpOurs, times(3, tell(askAddress, logs("Received bad configure-ack:  02 01 00 04"))), down()), tell(lcpOurs, askAddress, logs("Received bad configure-nak:  03 01 00 04"), down())},
	{"ipcp-option-dropped", tell(lcpOurs, rcvd(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "192.0.2.1")), sent(packet.IPCP, packet.ConfigureNak, ip(packet.IPCPAddress, "192.0.2.9")),
		rcvd(packet.IPCP, packet.ConfigureRequest), sent(packet.IPCP, packet.ConfigureAck)),
		tell(lcpOurs, rcvd(packet.IPCP, packet.ConfigureRequest), sent(packet.IPCP, packet.ConfigureNak, zero), rcvd(packet.IPCP, packet.ConfigureRequest), sent(packet.IPCP, packet.ConfigureAck))},
	{"transport-lost", logs("local  IP address 10.7.0.2", "No response to 4 echo-requests", "Connection terminated.", "Timeout waiting for PADO packets"),
		logs("local  IP address 10.7.0.2", "No response to 4 echo-requests", "Connection terminated.")},
	{"hangup-just-after-up", logs("Connect: ppp0 <--> /dev/ttyS1", "local  IP address 10.7.0.2", "Modem hangup", "Connect time 0.1 minutes.", "Sent 0 bytes, received 900 bytes."),
		logs("Connect: ppp0 <--> /dev/ttyS1", "local  IP address 10.7.0.2", "Modem hangup", "Connect time 9.1 minutes.", "Sent 0 bytes, received 900 bytes.")},
	{"pppoe-session-cut", logs("Connect: ppp0 <--> eth0", "local  IP address 10.7.0.2", "Modem hangup", "Connect time 1000.2 minutes.", "Sent 1000 bytes, received 900 bytes."),
		logs("Connect: ppp0 <--> eth0", "local  IP address 10.7.0.2", "LCP terminated by peer", "Modem hangup", "Connect time 1000.2 minutes.", "Sent 1000 bytes, received 900 bytes.")},
	{"ip-rejected", tell(authenticated("x"), gets("10.64.0.2"), failure(event.PhaseUp, event.FailedProtocolRejected, "the peer answered 3 IPv4 packets with a Protocol-Reject and sent none")), tell(authenticated("x"), gets("10.64.0.2"), failure(event.PhaseIPCP, event.FailedProtocolRejected, ""))},
	{"address-conflict", tell(authenticated("x"), gets("192.168.1.1"), failure(event.PhaseUp, event.FailedAddressConflict, "the peer gave us the address 192.168.1.1, which is the host's gateway")), tell(authenticated("x"), gets("192.168.1.1"), failure(event.PhaseUp, "plane", "no such device"))},
	{"default-route-kept", logs("not replacing existing default route through wwan0", "local  IP address 10.7.0.2"), logs("replacing old default route to eth0 [192.0.2.1]", "local  IP address 10.7.0.2")},
	{"default-route-missing", logs("local  IP address 10.7.0.2", "connect: Network is unreachable"), logs("connect: Network is unreachable")},
	{"ipcp-renegotiated", tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), rcvd(packet.IPCP, packet.ConfigureRequest)),
		tell(authenticated("x"), rcvd(packet.IPCP, packet.ConfigureRequest), gets("10.7.0.2"), up("192.0.2.1"))},
	{"compression-sync-lost", logs("Lost compression sync: disabling compression"), logs("CCP terminated by peer")},

	// Data.
	{"link-carries-nothing", tell(authenticated("x"), gets("10.64.0.1"), phase(event.PhaseProve), probes(3, "sent"), failure(event.PhaseProve, event.FailedCarriesNothing, "")),
		tell(authenticated("x"), gets("10.64.0.1"), phase(event.PhaseProve), probes(3, "sent"), probes(1, "port unreachable after 40 ms"), down())},
	{"echo-timeout", tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), times(4, pkt(sentDir, packet.LCP, packet.EchoRequest, make([]byte, 4))), failure(event.PhaseUp, event.FailedEchoTimeout, "")),
		tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), times(4, pkt(sentDir, packet.LCP, packet.EchoRequest, make([]byte, 4))), pkt(rcvdDir, packet.LCP, packet.EchoReply, make([]byte, 4)), ended(9, 9))},
	{"peer-ended-session", tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), ended(9, 9)),
		tell(authenticated("x"), gets("10.7.0.2"), up("192.0.2.1"), pkt(sentDir, packet.LCP, packet.TerminateRequest, nil), ended(9, 9))},
	{"peer-ended-session", tell(pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), logs("Connection terminated.")),
		tell(request, pkt(rcvdDir, packet.LCP, packet.TerminateRequest, nil), logs("Connection terminated."))},
	{"peer-ended-session", tell(pkt(sentDir, packet.LCP, packet.TerminateAck, nil), logs("Connection terminated.")), // the log begins behind the request
		tell(pkt(rcvdDir, packet.LCP, packet.TerminateAck, nil), logs("Connection terminated."))},
	{"stopped-here", tell(dialled, request, rcvd(packet.LCP, packet.ConfigureRequest, magic2), logs("Connection terminated.")),
		tell(dialled, request, rcvd(packet.LCP, packet.ConfigureRequest, magic2))},
	{"stopped-here", tell(authenticated("x"), good[:len(good)-1], failure(event.PhaseUp, "max-strangeness", "it was strange"), down()), tell(authenticated("x"), good)},
	{"dns-missing", tell(authenticated("x"), gets("10.7.0.2", ip(packet.IPCPDNS1, "10.11.12.13")), askDNS, up("10.11.12.13"), ended(9, 9)),
		tell(authenticated("x"), gets("10.7.0.2"), up(), ended(9, 9))}, // none was asked for
}

var magic2 = packet.Uint32Option(packet.LCPMagic, 0x5678)

var askDNS = sent(packet.IPCP, packet.ConfigureRequest, zero, ip(packet.IPCPDNS1, "0.0.0.0"))

var peerWants = tell(rcvd(packet.IPCP, packet.ConfigureRequest, ip(packet.IPCPAddress, "192.0.2.1")), sent(packet.IPCP, packet.ConfigureNak, ip(packet.IPCPAddress, "192.0.2.9")))

func nakAddress(a string) events {
	return tell(askAddress, rcvd(packet.IPCP, packet.ConfigureNak, ip(packet.IPCPAddress, a)))
}

func probes(n int, result string) events {
	return times(n, events{event.Probe{Target: "192.0.2.1", How: "dns", Result: result}})
}
