package private

// What may be shown of an AT dialogue. Nothing is shown because it is not known to be harmful: what is not in these tables
// shows its name and no more. They are switches, not maps, for every start would have to fill maps. Each specification says what may be shown of the fields of a reply or the parameters of a
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

// shownOfReply gives the specification of a line that begins with a name, as an answer or unasked.
func shownOfReply(name string) (spec string, listed bool) {
	switch name {
	// 3GPP TS 27.007 and 27.005, V.250.
	case "+CSQ", "+CESQ", "+CGATT", "+CFUN", "+CMEE", "+CPIN", "+CPINR", "+COPS", "+COPN", "+CEER", "+CME ERROR", "+CMS ERROR", "+IPR",
		"+IFC", "+ICF", "+GCAP", "+DS", "+CGMI", "+CGMM", "+CGMR", "+GMI", "+GMM", "+GMR", "+CSCS", "+CGCLASS", "+WS46", "+CGDSCONT", "+CGACT",
		"+CGPADDR", "+CGCONTRDP", "+CGSCONTRDP", "+CGDATA", "+CGEV", "+CGEQREQ", "+CIND", "+CIEV", "+CCLK", "+CTZV", "+CTZE", "+CRING", "+CR",
		"+CPMS", "+CMTI", "+CDSI", "+CPOL", "+CEDRXS", "+CPSMS", "+CTZ":
		return "w*", true
	case "+CGDCONT":
		return "wwaw*", true
	case "+CGEREP", "+CGQREQ", "+CGQMIN", "+CGSMS", "+CGAUTO", "+CGANS", "+CLCK", "+CPAS", "+CBC", "+CTZU", "+CTZR", "+CRC", "+CMGF", "+CNMI",
		"+CMGS", "+CMGW", "+CMSS", "+CSMS", "+CMER", "+CBST", "+CSCB", "+CVHU", "+CRLP", "+CSTA", "+CMOD", "+CSSN", "+CPLS", "+CEMODE", "+CMUX",
		"+CREJ":
		return "n*", true
	case "+CREG", "+CGREG", "+CEREG", "+C5GREG": // the third and fourth are area and cell
		return "nn--n*", true
	case "+CGAUTH":
		return "nnus", true
	case "+CCHO":
		return "-*", true
	// Huawei.
	case "^CPIN", "^BOOT", "^SYSSTART", "^SYSINFOEX", "^SYSCFG", "^SYSCFGEX", "^HCSQ", "^DSFLOWRPT", "^DSFLOWQRY", "^SETPORT", "^GETPORTMODE",
		"^NDISSTAT", "^NDISSTATQRY", "^DHCP", "^DHCPV6", "^APRAINFO", "^DEND", "^SPN", "^HWVER", "^LTERSRP", "^CERSSI":
		return "w*", true
	case "^RSSI", "^MODE", "^SRVST", "^SIMST", "^SYSINFO", "^STIN", "^CURC", "^CARDMODE", "^CARDLOCK", "^NDISDUP", "^DCONN", "^U2DIAG",
		"^RFSWITCH", "^CSQ", "^ANLEVEL", "^THERM":
		return "n*", true
	case "^CSNR", "^ICCID", "^KEY":
		return "-*", true
	case "^AUTHDATA":
		return "nn-*", true
	// ZTE, Qualcomm, Quectel, SIMCom, u-blox, Telit, Cinterion, Sierra and others.
	case "+ZUSIMR", "+ZDONR", "+ZPASR", "+ZPAS", "+ZMSRI", "+ZSIMR", "+ZURDY", "+ZEND", "+ZGIPDNS", "+ZGDCONT", "+QIND", "+QCSQ", "+QCFG",
		"+QNETDEVSTATUS", "+QIACT", "+QLTS", "+QPINC", "+QURCCFG", "+PBREADY", "+CNACT", "+SIMCARD", "+CPSMSTATUS", "#SGACT", "#CGMI", "#CGMM",
		"#CGMR", "^SYSLOADING", "^SIND", "^SCFG", "^SSRVSET", "^SHUTDOWN", "!SELRAT", "!BAND", "!PCINFO", "!USBCOMP", "+KUP", "*CPIN", "*EMRDY",
		"*ATREADY", "_OWANDATA", "_OSIMOP", "%NWSTATE":
		return "w*", true
	case "+ZGPCOAUTH":
		return "n-sn", true
	case "+ZOPRT", "+ZSNT", "+QUSIM", "+QSIMSTAT", "+QINISTAT", "+QNETDEVCTL", "+QTEMP", "+QSIMDET", "+SIND", "+SPIC", "+CNSMOD", "+CNMP",
		"+CSMINS", "+CATR", "+UUPSDD", "+UMWI", "+UPSV", "+URAT", "+UMNOPROF", "+USIMSTAT", "+UUSIMSTAT", "#QSS", "#PSNT", "#SIMDET", "#SELINT",
		"*EPIN", "*ERINFO", "*EPEE", "*ENAP", "*E2NAP", "*E2CFUN", "*E2REG", "_OWANCALL", "_OPSYS", "_OSSYS", "_OCTI", "_OUWCTI", "_OSIGQ",
		"%IPSYS", "%IPDPACT":
		return "n*", true
	case "+QNWINFO":
		return "wwwn", true
	case "+QICSGP":
		return "nnausn", true
	case "+QCCID", "!GSTATUS", "*EUICC", "$QCPDPIMSCFGE":
		return "-*", true
	case "+CPSI":
		return "ww-*", true
	case "+CSTT":
		return "a-s", true
	case "+CNCFG":
		return "nna-sn", true
	case "+UAUTHREQ", "+UPSD", "^SGAUTH", "_OPDPP", "$QCPDPP":
		return "nn-*", true
	case "#PDPAUTH":
		return "nn-s", true
	case "+KCNXCFG":
		return "nwa-s-*", true
	case "%IPDPCFG":
		return "nnn-s", true
	}
	return "", false
}

// shownOfCommand gives that of an extended command with parameters. A command that is not listed shows its small numbers.
func shownOfCommand(name string) (spec string, listed bool) {
	switch name {
	case "+CGDCONT":
		return "wwaw*", true
	case "+CGDSCONT", "+COPS", "+CFUN", "+CMEE", "+CSCS", "+IPR", "+IFC", "+ICF", "+CGATT", "+CGACT", "+CGDATA", "+CGEQREQ", "+CGEQMIN",
		"+CGCLASS", "+WS46", "+CPMS", "+CPOL", "+CEDRXS", "+CPSMS", "+CCLK", "+CGPADDR", "+DS", "+ES", "+MS", "+CBST", "+CRLP", "+CREG",
		"+CGREG", "+CEREG", "+C5GREG", "+CMER", "+CNMI", "+CMGF", "+CGMM", "+CMUX", "+CPINR", "^SYSCFG", "^SYSCFGEX", "^SETPORT", "^CURC",
		"^U2DIAG", "^SCFG", "^SSRVSET", "^RESET", "+ZOPRT", "+ZGDCONT", "+ZSNT", "+QCFG", "+QNETDEVCTL", "+QURCCFG", "+QINDCFG", "+QSIMDET",
		"+CNMP", "+CNACT", "+CSCLK", "+CLTS", "+URAT", "+UMNOPROF", "+UFACTORY", "#SIMDET", "#SELINT", "#GAUTH", "!SELRAT", "!USBCOMP", "!RESET",
		"*ENAP", "*E2NAP", "*ERINFO", "*EPPSD", "_OPSYS", "_OWANCALL", "$QCRMCALL", "%IPSYS", "%IPDPACT", "+SILENT":
		return "w*", true
	case "+CGAUTH":
		return "nnus", true
	case "+CLCK":
		return "wnsn*", true
	case "+CPWD":
		return "ws*", true
	case "+CRSM":
		return "nwnnn-*", true
	case "+CCFC", "^AUTHDATA", "^SGAUTH", "+UAUTHREQ", "+UPSD", "_OPDPP", "$QCPDPP":
		return "nn-*", true
	case "+CPIN", "+CPIN2", "^CPIN", "^CARDLOCK", "^CARDUNLOCK", "_OWANAUTH":
		return "s*", true
	case "^NDISDUP", "+CNCFG":
		return "nna-sn", true
	case "^NVWREX", "^PPPCFG", "+ZPASS", "+CPBF", "+CMGS", "+CMGW", "+CSCA", "+CSIM", "+CTFR", "+NPSDA":
		return "-*", true
	case "^DTMF":
		return "w-*", true
	case "+ZGPCOAUTH":
		return "n-sn", true
	case "+ZCDRUN", "+CPBR":
		return "n*", true
	case "+QICSGP":
		return "nnausn", true
	case "+CSTT":
		return "a-s", true
	case "+KCNXCFG":
		return "nwa-s-*", true
	case "#PDPAUTH", "*EIAAUW", "+WPPP", "+XGAUTH":
		return "nn-s", true
	case "#USERID":
		return "-", true
	case "#PASSW":
		return "s", true
	case "%IPDPCFG":
		return "nnn-s", true
	case "^SICS", "^SISS":
		return "ww-*", true
	case "+CPBW", "+CMSS", "+CUSD":
		return "n-*", true
	}
	return "", false
}

// informs says whether a command's answer has no name before it and may be shown: who made the modem, settings, signal.
// What answers any other command without a name may be an identity, a message, a position.
func informs(command string) bool {
	switch command {
	case "", "I", "&V", "S", "+CGMI", "+CGMM", "+CGMR", "+GMI", "+GMM", "+GMR", "+GCAP", "+CSQ", "+CLAC", "$QCCLAC", "+CPIN", "+CSCS", "+IPR",
		"+CFUN", "+COPS", "+CMEE", "+GOI", "*CPIN", "^CPIN", "+CEER", "+CREG", "+CGREG", "+CEREG", "+CGATT":
		return true
	}
	return false
}

// hasBody says whether a line without a name behind a reply is the text of a message or what somebody wrote
// (3GPP TS 27.005 sections 3.4.1 and 4).
func hasBody(reply string) bool {
	switch reply {
	case "+CMT", "+CDS", "+CBM", "+CMGR", "+CMGL", "^SMGR", "^SMGL", "+CMGC", "^HCMT", "^HCMGR":
		return true
	}
	return false
}

// harmless are lines without a name that reveal nothing about anybody, unsolicited or as an answer, besides v250.Unasked.
var harmless = []string{
	"POWER DOWN", "SHUTDOWN", "READY", "ATREADY", "CARRIER", "PROTOCOL", "COMPRESSION", "SEARCHING", "NO SIM", "SIM PIN", "SIM PUK", "+++", ">", "AT",
}
