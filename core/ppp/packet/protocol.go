package packet

import "strconv"

// PPP protocol numbers (RFC 1661 section 2, and the IANA registry "PPP Numbers").
const (
	IP             uint16 = 0x0021 // Internet Protocol version 4 (RFC 1332)
	VJCompressed   uint16 = 0x002d // Van Jacobson compressed TCP/IP (RFC 1332 section 4)
	VJUncompressed uint16 = 0x002f // Van Jacobson uncompressed TCP/IP (RFC 1332 section 4)
	Multilink      uint16 = 0x003d // Multilink (RFC 1990)
	IPv6           uint16 = 0x0057 // Internet Protocol version 6 (RFC 5072)
	Encrypted      uint16 = 0x0053 // encrypted datagram (RFC 1968)
	Compressed     uint16 = 0x00fd // compressed datagram (RFC 1962)
	MPLSUnicast    uint16 = 0x0281 // MPLS unicast (RFC 3032 section 4.3)

	IPCP   uint16 = 0x8021 // Internet Protocol Control Protocol (RFC 1332)
	IPXCP  uint16 = 0x802b // Novell IPX Control Protocol (RFC 1552)
	NBFCP  uint16 = 0x803f // NetBIOS Frames Control Protocol (RFC 2097)
	ECP    uint16 = 0x8053 // Encryption Control Protocol (RFC 1968)
	IPV6CP uint16 = 0x8057 // IPv6 Control Protocol (RFC 5072)
	CCP    uint16 = 0x80fd // Compression Control Protocol (RFC 1962)
	MPLSCP uint16 = 0x8281 // MPLS Control Protocol (RFC 3032 section 4.1)

	LCP  uint16 = 0xc021 // Link Control Protocol (RFC 1661)
	PAP  uint16 = 0xc023 // Password Authentication Protocol (RFC 1334)
	LQR  uint16 = 0xc025 // Link Quality Report (RFC 1989)
	CBCP uint16 = 0xc029 // Callback Control Protocol (Microsoft)
	BACP uint16 = 0xc02b // Bandwidth Allocation Control Protocol (RFC 2125)
	CHAP uint16 = 0xc223 // Challenge Handshake Authentication Protocol (RFC 1994)
	EAP  uint16 = 0xc227 // Extensible Authentication Protocol (RFC 3748)
)

// protocolNames is searched from the front; the protocols that are looked up most stand first.
var protocolNames = [...]struct {
	protocol uint16
	name     string
}{
	{LCP, "LCP"}, {PAP, "PAP"}, {LQR, "LQR"}, {CBCP, "CBCP"}, {BACP, "BACP"}, {CHAP, "CHAP"}, {EAP, "EAP"},
	{IPCP, "IPCP"}, {IPXCP, "IPXCP"}, {NBFCP, "NBFCP"}, {ECP, "ECP"}, {IPV6CP, "IPV6CP"}, {CCP, "CCP"}, {MPLSCP, "MPLSCP"},
	{IP, "IP"}, {VJCompressed, "VJ-comp"}, {VJUncompressed, "VJ-uncomp"}, {Multilink, "MP"}, {IPv6, "IPv6"},
	{Encrypted, "Encrypted"}, {Compressed, "Compressed"}, {MPLSUnicast, "MPLS"},
}

// ProtocolName gives the short name of a protocol, for example "IPCP", or hex such as "0x8281" if it is unknown.
func ProtocolName(protocol uint16) string {
	for i := range protocolNames {
		if protocolNames[i].protocol == protocol {
			return protocolNames[i].name
		}
	}
	return "0x" + strconv.FormatUint(uint64(protocol), 16)
}

// Codes that LCP and all network control protocols share (RFC 1661 section 5).
const (
	ConfigureRequest uint8 = 1
	ConfigureAck     uint8 = 2
	ConfigureNak     uint8 = 3
	ConfigureReject  uint8 = 4
	TerminateRequest uint8 = 5
	TerminateAck     uint8 = 6
	CodeReject       uint8 = 7
)

// Codes of LCP only (RFC 1661 sections 5.7 to 5.9, RFC 1570 section 2).
const (
	ProtocolReject uint8 = 8
	EchoRequest    uint8 = 9
	EchoReply      uint8 = 10
	DiscardRequest uint8 = 11
	Identification uint8 = 12
	TimeRemaining  uint8 = 13
)

// Codes of CCP and ECP only (RFC 1962 section 3, RFC 1968 section 3).
const (
	ResetRequest uint8 = 14
	ResetAck     uint8 = 15
)

// Codes of PAP (RFC 1334 section 2.2).
const (
	PAPRequest uint8 = 1 // Authenticate-Request: user name and password in the clear
	PAPAck     uint8 = 2 // Authenticate-Ack
	PAPNak     uint8 = 3 // Authenticate-Nak
)

// Codes of CHAP (RFC 1994 section 4).
const (
	CHAPChallenge uint8 = 1
	CHAPResponse  uint8 = 2
	CHAPSuccess   uint8 = 3
	CHAPFailure   uint8 = 4
)

// Codes of EAP (RFC 3748 section 4).
const (
	EAPRequest  uint8 = 1
	EAPResponse uint8 = 2
	EAPSuccess  uint8 = 3
	EAPFailure  uint8 = 4
)

// Types of EAP requests and responses (RFC 3748 section 5, IANA "EAP Registry").
const (
	EAPIdentity     uint8 = 1
	EAPNotification uint8 = 2
	EAPNak          uint8 = 3 // only in a Response: the acceptable types
	EAPMD5          uint8 = 4 // MD5-Challenge
	EAPOTP          uint8 = 5
	EAPGTC          uint8 = 6 // Generic Token Card
	EAPTLS          uint8 = 13
	EAPTTLS         uint8 = 21
	EAPPEAP         uint8 = 25
	EAPMSCHAPv2     uint8 = 26
)

// OpCodes inside EAP MSCHAPv2 (draft-kamath-pppext-eap-mschapv2 section 2).
const (
	MSCHAPv2Challenge      uint8 = 1
	MSCHAPv2Response       uint8 = 2
	MSCHAPv2Success        uint8 = 3
	MSCHAPv2Failure        uint8 = 4
	MSCHAPv2ChangePassword uint8 = 7
)

// Algorithms named after the CHAP protocol number in the LCP Authentication-Protocol option
// (RFC 1994 section 3, RFC 2433 section 3, RFC 2759 section 3).
const (
	AlgorithmMD5      uint8 = 0x05
	AlgorithmMSCHAP   uint8 = 0x80
	AlgorithmMSCHAPv2 uint8 = 0x81
)

// Option types of LCP (RFC 1661 section 6 unless said otherwise).
const (
	LCPMRU      uint8 = 1  // Maximum-Receive-Unit, 2 octets
	LCPACCM     uint8 = 2  // Async-Control-Character-Map, 4 octets (RFC 1662 section 7.1)
	LCPAuth     uint8 = 3  // Authentication-Protocol, 2 octets and perhaps an algorithm
	LCPQuality  uint8 = 4  // Quality-Protocol, 2 octets and data
	LCPMagic    uint8 = 5  // Magic-Number, 4 octets
	LCPPFC      uint8 = 7  // Protocol-Field-Compression, no data
	LCPACFC     uint8 = 8  // Address-and-Control-Field-Compression, no data
	LCPFCS      uint8 = 9  // FCS-Alternatives, 1 octet (RFC 1570 section 2.1)
	LCPPad      uint8 = 10 // Self-Describing-Pad (RFC 1570 section 2.2)
	LCPCallback uint8 = 13 // Callback (RFC 1570 section 2.3)
	LCPMRRU     uint8 = 17 // Multilink MRRU, 2 octets (RFC 1990 section 5.1.1)
	LCPShortSeq uint8 = 18 // Multilink short sequence numbers (RFC 1990 section 5.1.2)
	LCPEndpoint uint8 = 19 // Endpoint Discriminator (RFC 1990 section 5.1.3)
)

// Option types of IPCP (RFC 1332 section 3, RFC 1877 section 1).
const (
	IPCPAddresses   uint8 = 1   // IP-Addresses: both ends in one option, deprecated
	IPCPCompression uint8 = 2   // IP-Compression-Protocol
	IPCPAddress     uint8 = 3   // IP-Address
	IPCPDNS1        uint8 = 129 // Primary DNS Server Address
	IPCPNBNS1       uint8 = 130 // Primary NBNS Server Address
	IPCPDNS2        uint8 = 131 // Secondary DNS Server Address
	IPCPNBNS2       uint8 = 132 // Secondary NBNS Server Address
)

// Option types of IPV6CP (RFC 5072 section 4).
const (
	IPV6CPInterfaceID uint8 = 1 // Interface-Identifier, 8 octets
	IPV6CPCompression uint8 = 2 // IPv6-Compression-Protocol (RFC 5172)
)

// Option types of CCP that are printed by name (RFC 1962 section 4 and the registry).
const (
	CCPPredictor1   uint8 = 1  // RFC 1978
	CCPPredictor2   uint8 = 2  // RFC 1978
	CCPMPPE         uint8 = 18 // Microsoft PPC and PPE (RFC 2118, RFC 3078)
	CCPBSD          uint8 = 21 // BSD Compress (RFC 1977)
	CCPDeflateDraft uint8 = 24 // Deflate under its draft number
	CCPDeflate      uint8 = 26 // Deflate (RFC 1979)
)
