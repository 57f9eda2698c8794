package packet

import "strconv"

// OptionName holds the names of an option.
type OptionName struct {
	Protocol uint16
	Type     uint8
	Word     string // the word in settings, scenarios and on the command line, for example "dns1"
	Title    string // the name in a sentence for people, for example "DNS1"
	Request  bool   // this host may ask for the option: lcp.request or ipcp.request may hold Word
}

// OptionNames is the only table of the names of options.
var OptionNames = []OptionName{
	{LCP, LCPMRU, "mru", "MRU", true},
	{LCP, LCPACCM, "accm", "ACCM", true},
	{LCP, LCPAuth, "auth", "authentication", false},
	{LCP, LCPMagic, "magic", "magic", true},
	{LCP, LCPPFC, "pfc", "PFC", true},
	{LCP, LCPACFC, "acfc", "ACFC", true},
	{LCP, LCPCallback, "", "callback", false},
	{LCP, LCPMRRU, "", "MRRU", false},
	{LCP, LCPEndpoint, "", "endpoint", false},
	{IPCP, IPCPAddresses, "addresses", "addresses", false},
	{IPCP, IPCPCompression, "compression", "VJ", false},
	{IPCP, IPCPAddress, "address", "address", true},
	{IPCP, IPCPDNS1, "dns1", "DNS1", true},
	{IPCP, IPCPDNS2, "dns2", "DNS2", true},
	{IPCP, IPCPNBNS1, "nbns1", "NBNS1", true},
	{IPCP, IPCPNBNS2, "nbns2", "NBNS2", true},
	{IPV6CP, IPV6CPInterfaceID, "interface-id", "interface identifier", false},
}

func optionName(protocol uint16, typ uint8) OptionName {
	for _, n := range OptionNames {
		if n.Protocol == protocol && n.Type == typ {
			return n
		}
	}
	return OptionName{}
}

// OptionTitle gives the name of an option for people, "option 18" if it has none.
func OptionTitle(protocol uint16, typ uint8) string {
	if t := optionName(protocol, typ).Title; t != "" {
		return t
	}
	return "option " + strconv.Itoa(int(typ))
}

// OptionRequest gives the word with which a setting asks for an option, or "" if no setting can.
func OptionRequest(protocol uint16, typ uint8) string {
	if n := optionName(protocol, typ); n.Request {
		return n.Word
	}
	return ""
}

// OptionType gives the type of the option that a word of settings names.
func OptionType(protocol uint16, word string) (uint8, bool) {
	for _, n := range OptionNames {
		if n.Protocol == protocol && n.Word == word && word != "" {
			return n.Type, true
		}
	}
	return 0, false
}

// CodeName gives pppd's word for a code of a protocol, for example "ConfReq", or "code=0xf" for an unknown code.
func CodeName(protocol uint16, code uint8) string {
	if names, ok := codeNames[protocol]; ok && int(code) < len(names) && names[code] != "" {
		return names[code]
	}
	return "code=0x" + strconv.FormatUint(uint64(code), 16)
}

var (
	lcpCodes = []string{"", "ConfReq", "ConfAck", "ConfNak", "ConfRej", "TermReq", "TermAck", "CodeRej", "ProtRej",
		"EchoReq", "EchoRep", "DiscReq", "Ident", "TimeRem"}
	codeNames = map[uint16][]string{
		LCP:    lcpCodes,
		IPCP:   lcpCodes[:CodeReject+1],
		IPV6CP: lcpCodes[:CodeReject+1],
		ECP:    lcpCodes[:CodeReject+1],
		MPLSCP: lcpCodes[:CodeReject+1],
		CCP: {"", "ConfReq", "ConfAck", "ConfNak", "ConfRej", "TermReq", "TermAck", "CodeRej", "", "", "", "", "", "",
			"ResetReq", "ResetAck"},
		PAP:  {"", "AuthReq", "AuthAck", "AuthNak"},
		CHAP: {"", "Challenge", "Response", "Success", "Failure"},
		EAP:  {"", "Request", "Response", "Success", "Failure"},
	}
)

// EndpointPhone is the endpoint discriminator's class of a telephone number (RFC 1990 section 5.1.3).
const EndpointPhone = 5
