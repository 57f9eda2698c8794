//go:build !linux

package plane

// CheckInterface has nothing to check: only Linux has this plane.
func CheckInterface(string) error { return nil }

// CheckDNS has nothing to check: only Linux has this plane.
func CheckDNS(string) error { return nil }
