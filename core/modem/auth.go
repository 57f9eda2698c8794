package modem

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/private"
)

// The words of Plan.AuthCommand that are no commands.
const (
	AuthNone      = "none"       // nothing is sent
	AuthAPNPrefix = "APN prefix" // the method stands before the APN, as in "CHAP:internet" (quirk PDP-03)
)

// authCommands are the commands by which modems take the credentials of a PDP context. Only +CGAUTH is the standard's
// (3GPP TS 27.007 section 10.1.31); the others are vendors', and differ in the order of user and password. {type} is 0
// for none, 1 for PAP and 2 for CHAP in all of them, and 3 for "the modem tries" in those that know it.
var authCommands = []struct {
	name  string
	set   string
	clear string // the form for no authentication
	both  bool   // an empty user or password is refused: both must be given or neither
}{
	{name: "+CGAUTH", set: "AT+CGAUTH={cid},{type},{user},{password}", clear: "AT+CGAUTH={cid},0"},
	{name: "+UAUTHREQ", set: "AT+UAUTHREQ={cid},{type},{user},{password}", clear: "AT+UAUTHREQ={cid},0"},
	{name: "$QCPDPP", set: "AT$QCPDPP={cid},{type},{password},{user}", clear: "AT$QCPDPP={cid},0"},
	{name: "_OPDPP", set: "AT_OPDPP={cid},{type},{password},{user}", clear: "AT_OPDPP={cid},0", both: true},
	{name: "^SGAUTH", set: "AT^SGAUTH={cid},{type},{user},{password}", clear: "AT^SGAUTH={cid},0"},
	{name: "^SGAUTH swapped", set: "AT^SGAUTH={cid},{type},{password},{user}", clear: `AT^SGAUTH={cid},0,"",""`},
	{name: "%IPDPCFG", set: "AT%IPDPCFG={cid},0,{type},{user},{password}", clear: `AT%IPDPCFG={cid},0,0,"",""`, both: true},
	{name: "*EIAAUW", set: "AT*EIAAUW={cid},1,{user},{password},00111", clear: `AT*EIAAUW={cid},1,"","",00111`, both: true},
	{name: "^AUTHDATA", set: `AT^AUTHDATA={cid},{type},"",{user},{password}`, clear: "AT^AUTHDATA={cid},0"},
	{name: "^AUTHDATA swapped", set: `AT^AUTHDATA={cid},{type},"",{password},{user}`, clear: "AT^AUTHDATA={cid},0"},
	{name: "#PDPAUTH", set: "AT#PDPAUTH={cid},{type},{user},{password}", clear: "AT#PDPAUTH={cid},0"},
	{name: "+QICSGP", set: "AT+QICSGP={cid},{iptype},{apn},{user},{password},{type}", clear: `AT+QICSGP={cid},{iptype},{apn},"","",0`},
	{name: "+ZGPCOAUTH", set: "AT+ZGPCOAUTH={cid},{user},{password},{type}", clear: `AT+ZGPCOAUTH={cid},"","",0`},
	{name: "+KCNXCFG", set: `AT+KCNXCFG={cid},"GPRS",{apn},{user},{password},"{family}"`, clear: `AT+KCNXCFG={cid},"GPRS",{apn},,,"{family}"`},
	{name: "+MGAUTH", set: "AT+MGAUTH={cid},{type},{user},{password}", clear: "AT+MGAUTH={cid},0"},
	{name: "+XGAUTH", set: "AT+XGAUTH={cid},{type},{user},{password}", clear: `AT+XGAUTH={cid},0,"",""`},
	{name: "+CNCFG", set: "AT+CNCFG={iptype},{apn},{user},{password},{type}", clear: "AT+CNCFG={iptype},{apn}"},
}

// contextAPN gives the APN in the form that the context gets.
func contextAPN(p Plan) string {
	if p.AuthCommand == AuthAPNPrefix && p.User != "" && (p.AuthMethod == "pap" || p.AuthMethod == "chap") {
		return strings.ToUpper(p.AuthMethod) + ":" + p.APN
	}
	return p.APN
}

// authLine gives the command line with the credentials; "": none is needed.
func authLine(x *at.Exchange, p Plan) (string, error) {
	if p.AuthCommand == AuthNone || p.AuthCommand == AuthAPNPrefix || p.AuthCommand == "" {
		return "", nil
	}
	for _, c := range authCommands {
		if c.name != p.AuthCommand {
			continue
		}
		kind := slices.Index([]string{"none", "pap", "chap", "auto"}, p.AuthMethod)
		if kind < 0 {
			return "", fmt.Errorf("context.auth_method %q: none, pap, chap and auto are allowed", p.AuthMethod)
		}
		form := c.set
		if kind == 0 || p.User == "" || c.both && p.Password == "" {
			form = c.clear
		}
		if p.APN == "" && strings.Contains(form, "{apn}") {
			return "", nil // it would remove the modem's stored APN
		}
		user := p.User
		if private.Name(user) != user { // a subscriber's number
			user = x.Secret(user)
		}
		ipType := max(1, 1+slices.Index([]string{"IP", "IPV6", "IPV4V6"}, p.ContextType))
		return strings.NewReplacer(
			"{cid}", strconv.Itoa(p.CID),
			"{type}", strconv.Itoa(kind),
			"{iptype}", strconv.Itoa(ipType),
			"{family}", []string{"IPV4", "IPV6", "IPV4V6"}[ipType-1],
			"{apn}", at.Quote(p.APN),
			"{user}", at.Quote(user),
			"{password}", at.Quote(x.Secret(p.Password)),
		).Replace(form), nil
	}
	return "", fmt.Errorf("context.auth_command %q is not known", p.AuthCommand)
}
