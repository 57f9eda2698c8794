package learn

import "sync"

// dialers are whole programs imitated: many modems were made to work with them. They are tried when no single change helps. The
// comment at each names what was read; no recording of these programs was compared.
var dialers = sync.OnceValue(func() []variation {
	return []variation{
		// RFC 1877 is Microsoft's: it defines the options for DNS servers and for NBNS servers. Windows' dial-up asks for
		// all four, and some modems wait for that: quirk IPCP-04.
		vary("as Windows dials", "auth.user=", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2", "lcp.restart=3s"),
		// pppd/lcp.c and pppd/ipcp.c of ppp-project/ppp, with usepeerdns; ModemManager's mm-broadband-modem.c attaches by AT+CGATT=1 first.
		vary("as ModemManager and pppd dial", "auth.allow=chap-md5,pap", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,dns2", "registration.attach=request"),
		// gatchat/ppp_lcp.c and gatchat/ppp_ipcp.c of oFono, in their first version: LCP asks for the ACCM only, IPCP for
		// the address only.
		vary("as oFono dialled at first", "lcp.request=accm", "lcp.vary_after=0", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
		// Android's reference RIL always dials with the context's number, and does not wait for registration.
		vary("as Android's RIL dials", "dial.number=*99***1#", "auth.allow=pap,chap-md5", "registration.attach=request", "registration.require=false"),
		// wvdial.conf(5): the default of Dial Command is ATDT; the registration is not asked about, and most examples
		// dial *99#.
		vary("as wvdial dials", "dial.command=ATDT", "dial.number=*99#", "registration.require=false", "auth.allow=chap-md5,pap"),
		// esp_modem_command_library.cpp of espressif/esp-protocols: +CGDCONT, then ATD*99# (ATD*99## at first), the
		// registration is not asked about. LCP and IPCP are those of lwIP's lcp.c and ipcp.c, with name servers
		// requested.
		vary("as ESP-IDF dials", "dial.number=*99#", "registration.require=false", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,dns2", "auth.allow=pap,chap-md5"),
		// The smallest PPP stacks send no option that they can leave out.
		vary("as the simplest stacks dial", "dial.number=*99#", "auth.allow=pap", "lcp.request=", "lcp.vary_after=0", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
	}
})
