package sim

import "io/fs"

// Load reads the scenario of that name: an embedded generic one such as "loss-20", or, where fsys is not nil,
// quirks/<vendor>/<model>.sim.toml in it for a name such as "huawei/e398".
func Load(fsys fs.FS, name string) (Scenario, error) { panic("to come") }

// Names lists what Load knows, sorted.
func Names(fsys fs.FS) []string { panic("to come") }

// LoadFile reads a scenario file. Its Name is the path.
func LoadFile(path string) (Scenario, error) { panic("to come") }

// Parse reads a scenario strictly: an unknown key, a wrong type or a value out of range is an error that names file,
// line, column, and what is allowed.
func Parse(file string, text []byte) (Scenario, error) { panic("to come") }
