// Package apn knows which access points a subscription can use. It leads from the network that issued the SIM (the mobile country
// and network codes, ITU-T E.212) to APN, user name, password and method. Its facts are those of the public-domain project
// mobile-broadband-provider-info: the machine's own copy, an XML file, if there is one; otherwise a compact copy that is compiled
// in (table.txt; compact.go describes its form).
//
// It is in core and not in quirks because it is about carriers, not about modems, and nobody overrides it key by key. It imports
// nothing of the project. The caller reads the file.
package apn
