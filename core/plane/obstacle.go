package plane

import "net"

// ObstacleError says why this host cannot use a plane, as far as that is visible before a dial. It matches ErrUnsupported or
// ErrNotPermitted if that is the reason.
type ObstacleError struct {
	Text string
	Cure string
	err  error
}

func (e *ObstacleError) Error() string { return e.Text + "; try: " + e.Cure }

// Unwrap gives ErrUnsupported, ErrNotPermitted or nothing.
func (e *ObstacleError) Unwrap() error { return e.err }

// Obstacle looks for a reason why this host cannot use a plane of a kind with this proxy. It is nil if none is visible.
func Obstacle(kind, proxy string) error {
	switch kind {
	case KindTUN:
		if e := tunObstacle(); e != nil {
			return e
		}
	case KindStack:
		if proxy == "" || proxy == ProxyOff {
			return nil
		}
		l, err := net.Listen("tcp", proxy)
		if err != nil {
			return &ObstacleError{Text: "the proxy: " + err.Error(), Cure: "--proxy 127.0.0.1:0 for any free port, or --proxy off"}
		}
		_ = l.Close() // nothing was accepted
	}
	return nil
}
