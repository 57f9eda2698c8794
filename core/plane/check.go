//go:build linux

package plane

import (
	"fmt"

	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/plane/tun"
)

// CheckInterface says whether a TUN device may have this name; %d in it stands for a number, "" for the default.
func CheckInterface(name string) error {
	if name == "" {
		return nil
	}
	return tun.CheckName(name)
}

// CheckDNS says whether this host has what a mode of setting name servers needs.
func CheckDNS(mode string) error {
	if err := (resolv.Host{}).Check(mode); err != nil {
		return fmt.Errorf("--dns %s: %w", mode, err)
	}
	return nil
}
