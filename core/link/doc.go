// Package link is one connection's life. Session is the machine: it dials, negotiates, proves, comes up, watches, hangs
// up and tries again, and holds the machines of the parts below. Run turns its crank with a real port, a real plane and
// a real clock; Simulate does it against a simulated modem in virtual time.
//
// It is the only package that knows all the others.
package link
