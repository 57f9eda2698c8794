package learn

import "sync"

// dialers are what programs ask for that many modems were made to work with; tried when no single change helps. What is said of each
// was read where its comment says; no recording of it was compared.
var dialers = sync.OnceValue(func() []variation {
	return []variation{
		// Microsoft's own options for name servers are RFC 1877, which names NBNS servers beside them; that its dial-up asks for all four, and that
		// some modems wait for that, is quirk IPCP-04.
		vary("as Windows dials", "auth.user=", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2", "lcp.restart=3s"),
		// pppd/lcp.c and pppd/ipcp.c of ppp-project/ppp, with usepeerdns; ModemManager's mm-broadband-modem.c attaches by AT+CGATT=1 first.
		vary("as ModemManager and pppd dial", "auth.allow=chap-md5,pap", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,dns2", "registration.attach=request"),
		// gatchat/ppp_lcp.c and gatchat/ppp_ipcp.c of oFono, as they were at first: the ACCM and nothing else, the address and nothing else.
		vary("as oFono dialled at first", "lcp.request=accm", "lcp.vary_after=0", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
		// The reference RIL gives every context its number, and asks a modem nothing that it does not answer to a telephone.
		vary("as Android's RIL dials", "dial.number=*99***1#", "auth.allow=pap,chap-md5", "registration.attach=request", "registration.require=false"),
		// wvdial.conf(5): Dial Command is ATDT where nothing else is said; nobody is asked for a registration, and most examples have *99#.
		vary("as wvdial dials", "dial.command=ATDT", "dial.number=*99#", "registration.require=false", "auth.allow=chap-md5,pap"),
		// esp_modem_command_library.cpp of espressif/esp-protocols: +CGDCONT, then ATD*99# (ATD*99## at first), nobody is asked for a registration;
		// what follows is lwIP's lcp.c and ipcp.c, with name servers asked for.
		vary("as ESP-IDF dials", "dial.number=*99#", "registration.require=false", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,dns2", "auth.allow=pap,chap-md5"),
		// What a stack of the smallest kind sends: no option that it could leave out.
		vary("as the simplest stacks dial", "dial.number=*99#", "auth.allow=pap", "lcp.request=", "lcp.vary_after=0", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
	}
})
