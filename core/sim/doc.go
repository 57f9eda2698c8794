// Package sim is a modem that misbehaves as a scenario file says: an AT command side, a PPP server behind it, and a small network
// behind that. Modem is a machine (docs/architecture.md): octets and the time go in, octets come out. Serve runs one in real time
// on a pseudo-terminal; tests run it in virtual time.
//
// The modem's own PPP engine always behaves. The misbehaviour is added to packets on their way: rules answer a packet from the
// host in the engine's place, and the line loses, damages or delays frames. So a scenario can ask for any wrong behaviour, and the
// same seed gives the same octets.
package sim
