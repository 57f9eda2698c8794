//go:build !linux

package plane

import "context"

// CheckInterface does nothing: only Linux has TUN planes.
func CheckInterface(string) error { return nil }

// CheckDNS does nothing: only Linux has TUN planes.
func CheckDNS(string) error { return nil }

// tunObstacle says that there is no such plane here.
func tunObstacle() *ObstacleError {
	return &ObstacleError{"only Linux has this plane", "--plane stack gives a proxy and needs no right", ErrUnsupported}
}

func openTUN(context.Context, Config) (Plane, error) { return nil, tunObstacle() }
