// Package apn knows which access points a subscription can use: from the network that issued the SIM (the mobile country
// and network codes, ITU-T E.212) to APN, user name, password and method. Its facts are those of the public-domain
// project mobile-broadband-provider-info: the machine's own copy, an XML file, where it has one, else a compact copy that
// is compiled in (table.txt, whose form is described in compact.go).
//
// It lies in core and not in quirks because it is about carriers, not about modems, and nobody overrides it key by key.
// It imports nothing of the project; reading the file is the caller's business.
package apn
