package private

import (
	"slices"

	"github.com/knakppp/knak/core/at/v250"
)

// What may be shown of an AT dialogue. Nothing is shown because it is not known to be harmful: what is not in these tables
// shows its name and no more. Each specification says what may be shown of the fields of a reply or the parameters of a
// command, which commas outside quotes part:
//
//	w  anything: a word, a name of a network, an address, a setting
//	n  a decimal number of at most three digits, as settings and states are
//	-  nothing
//	u  a user name, as in packets; only where everybody agrees that the name stands before the password
//	a  anything: an APN, which is a password too in many networks, and then no secret
//	s  nothing, and it is a secret, to be hidden wherever it comes again
//
// A * behind the last one says that it holds for all that follow; without it what follows is not shown. Long numbers and
// labelled identities are replaced wherever they stand. An empty field is shown as empty.
type shows = map[string]string

// replies are the lines that begin with a name, as answers or unasked.
var replies = shows{
	// 3GPP TS 27.007 and 27.005, V.250.
	"+CSQ": "w*", "+CESQ": "w*", "+CGATT": "w*", "+CFUN": "w*", "+CMEE": "w*", "+CPIN": "w*", "+CPINR": "w*", "+COPS": "w*", "+COPN": "w*",
	"+CEER": "w*", "+CME ERROR": "w*", "+CMS ERROR": "w*", "+IPR": "w*", "+IFC": "w*", "+ICF": "w*", "+GCAP": "w*", "+DS": "w*",
	"+CGMI": "w*", "+CGMM": "w*", "+CGMR": "w*", "+GMI": "w*", "+GMM": "w*", "+GMR": "w*", "+CSCS": "w*", "+CGCLASS": "w*", "+WS46": "w*",
	"+CGDCONT": "wwaw*", "+CGDSCONT": "w*", "+CGACT": "w*", "+CGPADDR": "w*", "+CGCONTRDP": "w*", "+CGSCONTRDP": "w*", "+CGDATA": "w*", "+CGEV": "w*",
	"+CGEREP": "n*", "+CGQREQ": "n*", "+CGQMIN": "n*", "+CGEQREQ": "w*", "+CGSMS": "n*", "+CGAUTO": "n*", "+CGANS": "n*",
	"+CREG": "nn--n*", "+CGREG": "nn--n*", "+CEREG": "nn--n*", "+C5GREG": "nn--n*", // the third and fourth are area and cell
	"+CGAUTH": "nnus", "+CLCK": "n*", "+CPAS": "n*", "+CIND": "w*", "+CIEV": "w*", "+CBC": "n*", "+CCLK": "w*", "+CTZU": "n*", "+CTZR": "n*", "+CTZV": "w*", "+CTZE": "w*",
	"+CRING": "w*", "+CR": "w*", "+CRC": "n*", "+CMGF": "n*", "+CNMI": "n*", "+CPMS": "w*", "+CMTI": "w*", "+CMGS": "n*", "+CMGW": "n*", "+CMSS": "n*", "+CDSI": "w*", "+CSMS": "n*", "+CMER": "n*", "+CBST": "n*",
	"+CSCB": "n*", "+CVHU": "n*", "+CRLP": "n*", "+CSTA": "n*", "+CMOD": "n*", "+CSSN": "n*", "+CPLS": "n*", "+CPOL": "w*", "+CEDRXS": "w*", "+CPSMS": "w*", "+CEMODE": "n*",
	"+CCHO": "-*", "+CMUX": "n*", "+CTZ": "w*", "+CREJ": "n*",
	// Huawei.
	"^CPIN": "w*", "^RSSI": "n*", "^MODE": "n*", "^SRVST": "n*", "^SIMST": "n*", "^BOOT": "w*", "^SYSSTART": "w*", "^SYSINFO": "n*", "^SYSINFOEX": "w*", "^SYSCFG": "w*", "^SYSCFGEX": "w*",
	"^HCSQ": "w*", "^STIN": "n*", "^CSNR": "-*", "^DSFLOWRPT": "w*", "^DSFLOWQRY": "w*", "^SETPORT": "w*", "^GETPORTMODE": "w*", "^CURC": "n*", "^CARDMODE": "n*", "^CARDLOCK": "n*",
	"^NDISSTAT": "w*", "^NDISSTATQRY": "w*", "^NDISDUP": "n*", "^DHCP": "w*", "^DHCPV6": "w*", "^APRAINFO": "w*", "^AUTHDATA": "nn-*", "^DCONN": "n*", "^DEND": "w*", "^SPN": "w*", "^HWVER": "w*", "^LTERSRP": "w*", "^U2DIAG": "n*",
	"^ICCID": "-*", "^KEY": "-*", "^RFSWITCH": "n*", "^CSQ": "n*", "^ANLEVEL": "n*", "^THERM": "n*", "^CERSSI": "w*",
	// ZTE, Qualcomm, Quectel, SIMCom, u-blox, Telit, Cinterion, Sierra and others.
	"+ZUSIMR": "w*", "+ZDONR": "w*", "+ZPASR": "w*", "+ZPAS": "w*", "+ZMSRI": "w*", "+ZSIMR": "w*", "+ZURDY": "w*", "+ZEND": "w*", "+ZGIPDNS": "w*", "+ZGPCOAUTH": "n-sn", "+ZGDCONT": "w*", "+ZOPRT": "n*", "+ZSNT": "n*",
	"+QIND": "w*", "+QUSIM": "n*", "+QSIMSTAT": "n*", "+QNWINFO": "wwwn", "+QCSQ": "w*", "+QCFG": "w*", "+QICSGP": "nnausn", "+QINISTAT": "n*", "+QNETDEVCTL": "n*", "+QNETDEVSTATUS": "w*", "+QIACT": "w*", "+QLTS": "w*", "+QTEMP": "n*", "+QPINC": "w*", "+QSIMDET": "n*", "+QURCCFG": "w*", "+QCCID": "-*",
	"+SIND": "n*", "+PBREADY": "w*", "+SPIC": "n*", "+CPSI": "ww-*", "+CNSMOD": "n*", "+CNMP": "n*", "+CNACT": "w*", "+CSTT": "a-s", "+CNCFG": "nna-sn", "+SIMCARD": "w*", "+CSMINS": "n*", "+CPSMSTATUS": "w*", "+CATR": "n*",
	"+UUPSDD": "n*", "+UMWI": "n*", "+UAUTHREQ": "nn-*", "+UPSV": "n*", "+UPSD": "nn-*", "+URAT": "n*", "+UMNOPROF": "n*", "+USIMSTAT": "n*", "+UUSIMSTAT": "n*",
	"#PDPAUTH": "nn-s", "#QSS": "n*", "#SGACT": "w*", "#PSNT": "n*", "#CGMI": "w*", "#CGMM": "w*", "#CGMR": "w*", "#SIMDET": "n*", "#SELINT": "n*",
	"^SYSLOADING": "w*", "^SIND": "w*", "^SCFG": "w*", "^SGAUTH": "nn-*", "^SSRVSET": "w*", "^SHUTDOWN": "w*",
	"!GSTATUS": "-*", "!SELRAT": "w*", "!BAND": "w*", "!PCINFO": "w*", "!USBCOMP": "w*", "+KCNXCFG": "nwa-s-*", "+KUP": "w*",
	"*CPIN": "w*", "*EPIN": "n*", "*ERINFO": "n*", "*EPEE": "n*", "*EMRDY": "w*", "*ENAP": "n*", "*E2NAP": "n*", "*E2CFUN": "n*", "*E2REG": "n*", "*ATREADY": "w*", "*EUICC": "-*",
	"_OWANCALL": "n*", "_OWANDATA": "w*", "_OPSYS": "n*", "_OSSYS": "n*", "_OCTI": "n*", "_OUWCTI": "n*", "_OSIGQ": "n*", "_OPDPP": "nn-*", "_OSIMOP": "w*",
	"$QCPDPP": "nn-*", "$QCPDPIMSCFGE": "-*", "%IPSYS": "n*", "%IPDPCFG": "nnn-s", "%IPDPACT": "n*", "%NWSTATE": "w*",
}

// commands are extended commands with parameters. A command that is not here shows its small numbers.
var commands = shows{
	"+CGDCONT": "wwaw*", "+CGDSCONT": "w*", "+COPS": "w*", "+CFUN": "w*", "+CMEE": "w*", "+CSCS": "w*", "+IPR": "w*", "+IFC": "w*", "+ICF": "w*", "+CGATT": "w*", "+CGACT": "w*", "+CGDATA": "w*",
	"+CGEQREQ": "w*", "+CGEQMIN": "w*", "+CGCLASS": "w*", "+WS46": "w*", "+CPMS": "w*", "+CPOL": "w*", "+CEDRXS": "w*", "+CPSMS": "w*", "+CCLK": "w*", "+CGPADDR": "w*", "+DS": "w*", "+ES": "w*", "+MS": "w*", "+CBST": "w*", "+CRLP": "w*",
	"+CREG": "w*", "+CGREG": "w*", "+CEREG": "w*", "+C5GREG": "w*", "+CMER": "w*", "+CNMI": "w*", "+CMGF": "w*", "+CGMM": "w*", "+CMUX": "w*",
	"+CGAUTH": "nnus", "+CLCK": "wnsn*", "+CPWD": "ws*", "+CRSM": "nwnnn-*", "+CPINR": "w*", "+CCFC": "nn-*", "+CPIN": "s*", "+CPIN2": "s*",
	"^SYSCFG": "w*", "^SYSCFGEX": "w*", "^SETPORT": "w*", "^CURC": "w*", "^NDISDUP": "nna-sn", "^AUTHDATA": "nn-*", "^U2DIAG": "w*", "^NVWREX": "-*", "^CPIN": "s*", "^SGAUTH": "nn-*", "^SCFG": "w*", "^SSRVSET": "w*", "^RESET": "w*",
	"^PPPCFG": "-*", "^CARDLOCK": "s*", "^CARDUNLOCK": "s*", "^DTMF": "w-*",
	"+ZOPRT": "w*", "+ZGDCONT": "w*", "+ZGPCOAUTH": "n-sn", "+ZSNT": "w*", "+ZPASS": "-*", "+ZCDRUN": "n*",
	"+QICSGP": "nnausn", "+QCFG": "w*", "+QNETDEVCTL": "w*", "+QURCCFG": "w*", "+QINDCFG": "w*", "+QSIMDET": "w*", "+CSTT": "a-s", "+CNCFG": "nna-sn", "+CNMP": "w*", "+CNACT": "w*", "+KCNXCFG": "nwa-s-*", "+CSCLK": "w*", "+CLTS": "w*",
	"+UAUTHREQ": "nn-*", "+UPSD": "nn-*", "+URAT": "w*", "+UMNOPROF": "w*", "+UFACTORY": "w*", "#PDPAUTH": "nn-s", "#USERID": "-", "#PASSW": "s", "#SIMDET": "w*", "#SELINT": "w*", "#GAUTH": "w*",
	"!SELRAT": "w*", "!USBCOMP": "w*", "!RESET": "w*", "*ENAP": "w*", "*E2NAP": "w*", "*ERINFO": "w*", "*EIAAUW": "nn-s", "*EPPSD": "w*",
	"_OPDPP": "nn-*", "_OPSYS": "w*", "_OWANCALL": "w*", "_OWANAUTH": "s*", "$QCPDPP": "nn-*", "$QCRMCALL": "w*", "%IPSYS": "w*", "%IPDPCFG": "nnn-s", "%IPDPACT": "w*", "+WPPP": "nn-s", "+XGAUTH": "nn-s", "^SICS": "ww-*", "^SISS": "ww-*",
	"+CPBF": "-*", "+CPBR": "n*", "+CPBW": "n-*", "+CMGS": "-*", "+CMGW": "-*", "+CMSS": "n-*", "+CSCA": "-*", "+CUSD": "n-*", "+CSIM": "-*", "+CTFR": "-*", "+NPSDA": "-*", "+SILENT": "w*",
}

// informs are the commands whose answer has no name before it and may be shown: who made the modem, settings, signal.
// What answers any other command without a name may be an identity, a message, a position.
var informs = map[string]bool{
	"": true, "I": true, "&V": true, "S": true, "+CGMI": true, "+CGMM": true, "+CGMR": true, "+GMI": true, "+GMM": true, "+GMR": true, "+GCAP": true, "+CSQ": true,
	"+CLAC": true, "$QCCLAC": true, "+CPIN": true, "+CSCS": true, "+IPR": true, "+CFUN": true, "+COPS": true, "+CMEE": true, "+GOI": true, "*CPIN": true, "^CPIN": true,
	"+CEER": true, "+CREG": true, "+CGREG": true, "+CEREG": true, "+CGATT": true,
}

// bodies are the replies behind which a line without a name is the text of a message or what somebody wrote
// (3GPP TS 27.005 sections 3.4.1 and 4).
var bodies = map[string]bool{"+CMT": true, "+CDS": true, "+CBM": true, "+CMGR": true, "+CMGL": true, "^SMGR": true, "^SMGL": true, "+CMGC": true, "^HCMT": true, "^HCMGR": true}

// sayings are the lines without a name that say nothing of anybody, unasked or as an answer.
var sayings = slices.Concat(v250.Unasked, []string{
	"POWER DOWN", "SHUTDOWN", "READY", "ATREADY", "CARRIER", "PROTOCOL", "COMPRESSION", "SEARCHING", "NO SIM", "SIM PIN", "SIM PUK", "+++", ">", "AT",
})
