//go:build !linux

package plane

import "context"

// CheckInterface has nothing to check: only Linux has this plane.
func CheckInterface(string) error { return nil }

// CheckDNS has nothing to check: only Linux has this plane.
func CheckDNS(string) error { return nil }

// tunObstacle says that there is no such plane here.
func tunObstacle() *ObstacleError {
	return &ObstacleError{"only Linux has this plane", "--plane stack gives a proxy and needs no right", ErrUnsupported}
}

func openTUN(context.Context, Config) (Plane, error) { return nil, tunObstacle() }
