//go:build linux

package plane

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/plane/tun"
)

// CheckInterface says whether a TUN device may have this name. %d in it stands for a number; "" is the default name.
func CheckInterface(name string) error {
	if name == "" {
		return nil
	}
	return tun.CheckName(name)
}

// CheckDNS says whether this host has the programs or services that a mode of setting name servers needs.
func CheckDNS(mode string) error {
	if err := (resolv.Host{}).Check(mode); err != nil {
		return fmt.Errorf("--dns %s: %w", mode, err)
	}
	return nil
}

// tunObstacle says why there could be no TUN device.
func tunObstacle() *ObstacleError {
	switch err := unix.Access("/dev/net/tun", unix.R_OK|unix.W_OK); {
	case errors.Is(err, unix.ENOENT):
		return &ObstacleError{"/dev/net/tun is missing: this kernel has no TUN, or its module is not loaded", "modprobe tun; without it --plane stack gives a proxy", ErrUnsupported}
	case err != nil:
		return &ObstacleError{fmt.Sprintf("/dev/net/tun: %v", err), "run as root; --plane stack gives a proxy and needs no right", ErrNotPermitted}
	case !mayAdminNet():
		return &ObstacleError{"this user may not configure the network (CAP_NET_ADMIN)", "run as root; --plane stack gives a proxy and needs no right", ErrNotPermitted}
	}
	return nil
}

// mayAdminNet says whether this process has CAP_NET_ADMIN.
func mayAdminNet() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return os.Geteuid() == 0
	}
	return data[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0
}
