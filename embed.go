// Package knak holds the data that is compiled into the program: which device gets which profile, the profiles, and the scenarios
// that misbehave like those devices. It is at the top of the source tree because go:embed cannot reach upwards.
package knak

import "embed"

// Files holds devices.toml, storage.tsv and quirks/<vendor>/<model>.toml and .sim.toml under their names in the source tree.
//
//go:embed devices.toml storage.tsv quirks/*/*.toml
var Files embed.FS
