// Package quirks knows which modems are odd, and how. It loads profiles (files of quirks: each is one setting with its reason) and
// device entries (which modem gets which profile) from several layers. It resolves the facts about a modem to one value per key,
// and remembers for each value where it came from and which values it beat.
//
// The package holds data and knows no engine: Keys lists the possible settings, and code that follows a key reads its value from a
// Resolution. docs/quirks.md describes the files for people who write them.
package quirks
