// Package link is one connection's life as a machine. A Session dials, negotiates, proves, comes up, watches, hangs up and
// tries again, and holds the machines of the parts below. Package drive turns its crank with a real port, a real plane and
// a real clock; Simulate does it against a simulated modem in virtual time.
//
// It is the only package that knows all the others.
package link
