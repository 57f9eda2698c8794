// Package quirks knows what is odd about which modem. It loads profiles (files of quirks: one setting each, with its
// reason) and device entries (which modem gets which profile) from several layers, and resolves what is known about a
// modem to one value per key, remembering for each value where it came from and what it beat.
//
// The package is data and knows no engine: Keys lists what can be set, and code that obeys a key reads its value from a
// Resolution. docs/quirks.md describes the files for people who write them.
package quirks
