// Package vectors tests profiles of quirks in both directions. It dials each scenario of a profile in virtual time: without the profile the dial must
// go wrong as the scenario says, and with the profile it must come up. Each quirk of the profile must make a difference in at least one scenario. So
// anybody can prove that a profile is needed and works, without owning the modem.
package vectors
