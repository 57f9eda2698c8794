package connection

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// obstacle says why this host could not use the link, where that can be seen before anything is dialled.
func (o *Options) obstacle() (link.Outcome, bool) {
	switch o.Plane {
	case plane.KindTUN:
		if kind, text, cure := TunObstacle(); kind != "" {
			return link.Outcome{Kind: kind, Phase: event.PhaseDial, Detail: "--plane tun: " + text + "; try: " + cure}, true
		}
	case plane.KindStack:
		if o.Proxy == "" || o.Proxy == plane.ProxyOff {
			break
		}
		l, err := net.Listen("tcp", o.Proxy)
		if err != nil {
			return link.Outcome{Kind: link.KindPlane, Phase: event.PhaseDial, Detail: "the proxy: " + err.Error() + "; try: --proxy 127.0.0.1:0 for any free port, or --proxy off"}, true
		}
		_ = l.Close() // nothing was accepted
	}
	return link.Outcome{}, false
}

// TunObstacle says why --plane tun would fail on this host; the kind is "" where nothing is seen that would.
func TunObstacle() (kind link.Kind, text, cure string) {
	switch err := unix.Access("/dev/net/tun", unix.R_OK|unix.W_OK); {
	case errors.Is(err, unix.ENOENT):
		return link.KindNoKernel, "/dev/net/tun is missing: this kernel has no TUN, or its module is not loaded", "modprobe tun; without it --plane stack gives a proxy"
	case err != nil:
		return link.KindPrivilege, "/dev/net/tun: " + err.Error(), "run as root; --plane stack gives a proxy and needs no right"
	case !mayAdminNet():
		return link.KindPrivilege, "this user may not configure the network (CAP_NET_ADMIN)", "run as root; --plane stack gives a proxy and needs no right"
	}
	return "", "", ""
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
