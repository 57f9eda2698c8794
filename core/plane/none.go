package plane

import (
	"net"
	"sync"
)

// none is the plane that carries no packets: it drops those of the peer, and sends none.
type none struct {
	taken  Taken
	closed chan struct{}
	once   sync.Once
}

func newNone(t Taken) *none { return &none{taken: t, closed: make(chan struct{})} }

func (*none) Kind() string         { return KindNone }
func (*none) Interface() string    { return "" }
func (*none) Deliver([]byte) error { return nil }
func (*none) Flush() error         { return nil }
func (*none) Info() []string       { return nil }
func (n *none) Taken() Taken       { return n.taken }

func (n *none) Read(func([]byte) bool) error {
	<-n.closed
	return net.ErrClosed
}

func (n *none) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}
