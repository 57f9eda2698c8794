package diagnose

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/event"
)

var authRules = []rule{
	{
		id: "chap-response-malformed", category: "pppd-or-kernel-bug",
		title:   "The response to the challenge is longer than it can be",
		meaning: "CHAP with MD5 answers with 16 octets (RFC 1994 section 4.1). Here it was longer: the digest was not computed, and the peer refused it. Releases 2.5.0 and 2.5.1 of pppd do this where the OpenSSL that they use does not give them MD5.",
		cure: []string{`dial without that pppd: knak dial`, `use another release of pppd, or one that was built without OpenSSL's MD5`,
			`refuse CHAP, so that PAP is used: knak dial --set auth.allow=pap (pppd: refuse-chap)`},
		match: func(h *history) found {
			if h.Up != nil || !h.auth.malformed.seen() {
				return no
			}
			return certain.by(h.lcp.demand, h.auth.malformed, h.auth.failure)
		},
	},
	{
		id: "encryption-refused", category: "mppe-mismatch",
		title:   "The server ended the link because the encryption does not suit it",
		meaning: "Its Terminate-Request ends with Microsoft's error 741 or 742: it requires encryption (MPPE), and this end offers none, or not the strength that the server wants.",
		cure:    []string{`turn it on (pppd: require-mppe-128, or require-mppe; NetworkManager: "Use Point-to-Point encryption")`, `authenticate by MS-CHAP v2, which gives the keys (pppd: refuse-pap, refuse-chap, refuse-mschap, refuse-eap)`},
		match: func(h *history) found {
			if n := rasCode(h.lcp.terminateID); h.Up != nil || n != rasEncryption && n != rasNoEncrypt {
				return no
			}
			return certain.by(h.lcp.terminated)
		},
	},
	{
		id: "auth-rejected", category: "auth-rejected",
		title:   "The user name or the password was refused",
		meaning: "The other end refused the user name or the password that this side sent.",
		cure: []string{`check the user name: knak dial --user NAME; some servers want it with a domain, DOMAIN\NAME`,
			`check the password: knak dial --password-file FILE; the file's first line counts, and a blank at its end is part of it`,
			`if both are right, ask the operator whether the subscription is activated`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAuthRejected)
			var terminated clue
			if rasCode(h.lcp.terminateID) == rasAuthFailed {
				terminated = h.lcp.terminated
			}
			switch {
			case h.Up != nil || !h.auth.failure.seen() && !terminated.seen() && !told:
				return no
			case h.auth.failure.seen() && h.auth.success.seen() && !told: // the second verdict does not count: the first one decides
				return no
			}
			out := certain.by(h.auth.request, h.auth.failure, terminated, f.said)
			if code, text := mschapError(h.auth.message); code != "" {
				out.meaning = fmt.Sprintf("Its error %s means: %s.", code, text)
			}
			return out
		},
	},
	{
		id:      "auth-impostor",
		title:   "The other end did not prove that it knows the password",
		meaning: "With MS-CHAPv2 both ends prove that they know the password (RFC 2759 section 8.7). The other end accepted this side without that proof, or with a wrong one: it is not the server that has your password, or it is a modem that accepts anybody. Nothing was sent over the link.",
		cure: []string{`find out who answers: another device, a wrong number or APN, or an attacker on the line`,
			`if your modem is known to accept anybody: knak dial --set auth.tolerate_impostor=true`,
			`or agree on a method without that proof: knak dial --auth chap-md5,pap,none`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAuthImpostor)
			if h.Up != nil || !told {
				return no
			}
			return certain.by(h.lcp.demand, h.auth.request, h.auth.success, f.said)
		},
	},
	{
		id:      "auth-downgrade",
		title:   "The other end asked for a weaker authentication than it had before",
		meaning: "A method was agreed on, or had worked before, and then the other end asked for a weaker one: the password in clear, no proof of its own, or no authentication at all. An attacker on the line does this. knak ended the link and sent nothing weaker.",
		cure: []string{`find out who is at the other end of the line`,
			`if your modem really does this: knak dial --set auth.downgrade=true`,
			`or use the weaker method from the start: knak dial --auth pap`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAuthDowngrade)
			if !told {
				return no
			}
			return certain.by(h.lcp.demand, f.said)
		},
	},
	{
		id: "peer-auth-required", category: "we-require-peer-auth",
		title:   "We asked the modem to authenticate itself, and it refuses",
		meaning: "This side demanded that the other end authenticates itself. A modem does not have your name or secret, so it refuses. The reason is a setting on this side, often one that was meant for the other direction.",
		cure:    []string{`do not demand it (knak never does; pppd: noauth)`},
		match: func(h *history) found {
			if h.Up == nil && h.auth.weAsk.seen() && h.auth.noAnswer.seen() && h.over() {
				return likely.by(h.auth.weAsk, h.auth.noAnswer, h.lcp.terminated)
			}
			if h.Up != nil || !h.lcp.wePeer || !h.lcp.peerNoNak.seen() || h.auth.success.seen() {
				return no
			}
			return likely.by(h.lcp.peerNoNak, h.lcp.terminated)
		},
	},
	{
		id: "auth-method-unacceptable", category: "auth-method-or-secret-missing",
		title:   "The two ends have no authentication method in common",
		meaning: "The other end demands a method that is not allowed here, or for which there is no secret, and accepts none of the methods that this side offered.",
		cure: []string{`allow all methods: knak dial --set auth.allow=chap-md5,pap,mschap-v2,mschap,eap (pppd: no refuse-pap, refuse-chap, refuse-mschap, refuse-mschap-v2, refuse-eap)`,
			`give a user name and a password (any, if the operator has none): knak dial --user guest --password-file FILE (pppd: a line in chap-secrets and pap-secrets)`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAuthMethod)
			if h.lcp.gaveWay && h.lcp.open() && !told && rasCode(h.lcp.terminateID) != rasNoMethod && (!h.lcp.terminated.seen() || h.ipcp.heard()) {
				return no // the other end went on without: what came later says why
			}
			if h.lcp.offered != "" && h.lcp.demanded == h.lcp.offered && !told && !h.lcp.terminated.seen() {
				return no // the other end takes what we offered
			}
			refused := h.lcp.refused.seen() && h.lcp.agreed == "" && !h.auth.started() &&
				(h.lcp.terminated.seen() || h.over() && !h.lcp.open() || h.log.noAuth.seen() && h.ended() && !h.IPv6) ||
				h.log.noAuth.seen() && h.lcp.terminated.seen() && !h.auth.started() || rasCode(h.lcp.terminateID) == rasNoMethod
			if h.Up != nil || !told && !refused {
				return no
			}
			c := likely
			switch {
			case told:
				c = certain
			case h.ipcp.answers > 0 && !strings.Contains(strings.ToLower(h.log.ending.text), "auth") && rasCode(h.lcp.terminateID) != rasNoMethod: // the peer went on without; what came later says more
				c = possible
			}
			return c.by(h.lcp.demand, h.log.noAuth, h.lcp.refused, h.lcp.terminated, f.said)
		},
	},
	{
		id: "auth-no-answer", category: "auth-method-or-secret-missing",
		title:   "The authentication gets no answer",
		meaning: "A method was agreed on, and then the other end did not continue. Some firmware does not send its challenge if an old session was not ended, and some answers only one method.",
		cure: []string{`allow PAP only: knak dial --set auth.allow=pap (pppd: refuse-chap, refuse-mschap, refuse-mschap-v2, refuse-eap)`,
			`or CHAP only: knak dial --set auth.allow=chap-md5 (pppd: refuse-pap)`, cureModem},
		match: func(h *history) found {
			_, told := h.failed(event.FailedAuthTimeout)
			_, late := h.failedIn(event.PhaseAuth, event.FailedTimeout)
			told = told || late
			a := &h.auth
			waiting := h.lcp.open() && h.lcp.agreed != "" && !a.success.seen() && !a.failure.seen() && h.ipcp.asked == 0
			switch {
			case h.Up != nil || a.success.seen() || a.failure.seen():
				return no
			case told:
				return certain.by(h.lcp.demand, a.challenge, sentTimes(a))
			case waiting && (a.sent >= 3 || h.over() && !h.line.carrierLost.seen() && !h.lcp.terminated.seen()):
				return likely.by(h.lcp.demand, a.challenge, sentTimes(a))
			case a.sent > 0 && !a.challenge.seen() && h.lcp.peerSame >= 3 && h.ipcp.asked == 0: // LCP's end may not be in the log
				return likely.by(a.request, h.lcp.peerAsks.and(", the same %s: as if it had received nothing", timesText(h.lcp.peerSame)))
			}
			return no
		},
	},
}

// started says whether any packet of an authentication was seen.
func (a *authHistory) started() bool { return a.method != "" }

func sentTimes(a *authHistory) clue {
	if a.sent == 0 {
		return count("no authentication packet came after LCP was open")
	}
	return a.request.and(", sent %d times", a.sent)
}

// Error numbers that Microsoft's servers put at the end of their Terminate-Request (RFC 1661 section 5.5 leaves its data
// open; the numbers are those of the RAS errors).
const (
	rasAuthFailed = 691 // the name or the password
	rasNoMethod   = 919 // no authentication method that both ends accept
	rasEncryption = 742 // no encryption that both ends accept
	rasNoEncrypt  = 741 // the same: this end does not encrypt
)

// rasCode gives the number at the end of a Terminate-Request's data, 0 if there is none.
func rasCode(data []byte) int {
	if n := len(data); n >= 4 && data[n-4] == 0 && data[n-3] == 0 {
		return int(data[n-2])<<8 | int(data[n-1])
	}
	return 0
}

// isRAS says whether a Terminate-Request carries one of the numbers that say why.
func isRAS(data []byte) bool {
	switch rasCode(data) {
	case rasAuthFailed, rasNoMethod, rasEncryption, rasNoEncrypt:
		return true
	}
	return false
}

// mschapErrors are the codes of RFC 2433 section 6 and RFC 2759 section 6.
var mschapErrors = map[string]string{
	"646": "logging on is not allowed at this hour", "647": "the account is disabled", "648": "the password has expired",
	"649": "the account may not dial in", "691": "the user name or the password is wrong", "709": "the password could not be changed",
}

func mschapError(message string) (code, text string) {
	for field := range strings.FieldsSeq(message) {
		if c, ok := strings.CutPrefix(field, "E="); ok && mschapErrors[c] != "" {
			return c, mschapErrors[c]
		}
	}
	return "", ""
}
