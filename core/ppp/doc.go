// Package ppp negotiates one PPP link as a machine: the automaton of RFC 1661 with LCP, authentication by core/ppp/auth,
// IPCP (RFC 1332, RFC 1877) and IPV6CP (RFC 5072). It takes control packets and the time, and says what to send, how
// to frame, and when the network is up; docs/architecture.md explains that shape. Data packets never pass through it.
//
// # How it is laid out
//
//   - fsm.go is the automaton of RFC 1661 section 4 as one table; layer.go performs its actions for one protocol
//     and owns the restart timer, the counters and the identifiers (sections 4.4 to 4.6, and 5).
//   - lcp.go, ipcp.go and ipv6cp.go know the options: what to ask for, and how to take what the peer asks for and answers.
//   - engine.go joins them to the phases of RFC 1661 section 3.
//   - decision.go lets somebody outside answer in the engine's place, packet by packet.
//
// # Both ends
//
// There is one kind of Engine. Settings make it a dialer (the defaults), or the modem's end: it then demands
// authentication (AuthSettings.Demand) and hands out addresses (IPCPSettings.Assign).
//
// # Modems that misbehave
//
// The defaults get through what cellular modems do against the standards: Naks that say nothing, placeholder values, no
// Configure-Request of their own, and so on. Each such tolerance is a field of Settings with the quirk key that sets it.
package ppp
