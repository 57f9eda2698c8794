// Package vectors tests profiles of quirks from both sides: dialled in virtual time, each of a profile's scenarios must go
// wrong without the profile as it says, and come up with it; and each quirk of the profile must make a difference to
// one of them. It is how anybody proves that a profile is needed and works, without owning the modem.
package vectors
