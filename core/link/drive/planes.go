package drive

import (
	"context"
	"errors"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// This file is the runner's work on planes: opening, closing, and the packets that come out of them.

// planeDo queues work on the plane, which may take its time, with r.mu held.
func (r *Runner) planeDo(op func()) {
	r.planeOps = append(r.planeOps, op)
	if r.planeBusy {
		return
	}
	r.planeBusy = true
	r.workers.Go(func() {
		for {
			r.mu.Lock()
			if len(r.planeOps) == 0 {
				r.planeBusy = false
				r.mu.Unlock()
				return
			}
			op := r.planeOps[0]
			r.planeOps = r.planeOps[1:]
			r.mu.Unlock()
			op()
		}
	})
}

// openPlane makes the plane, and carries its packets until it is closed.
func (r *Runner) openPlane(cfg plane.Config) {
	p, err := r.env.OpenPlane(context.Background(), cfg)
	if err != nil {
		r.step(func(now time.Time) { r.session.PlaneFailed(now, planeKind(err), err) })
		return
	}
	r.mu.Lock()
	r.plane = p
	for _, line := range p.Info() {
		r.record(event.Notice{Level: "info", Text: line})
	}
	r.mu.Unlock()
	r.workers.Go(func() { r.planeLoop(p) })
	r.step(func(now time.Time) {
		r.session.PlaneTook(plane.TakenOf(p, cfg))
		r.session.PlaneUp(now, p.Kind(), p.Interface())
	})
}

// planeKind says what an error of a plane means for the link.
func planeKind(err error) link.Kind {
	var refused *plane.AddressError
	switch {
	case errors.As(err, &refused):
		return event.FailedAddressConflict
	case errors.Is(err, plane.ErrNotPermitted):
		return link.KindPrivilege
	case errors.Is(err, plane.ErrUnsupported):
		return link.KindNoKernel
	}
	return link.KindPlane
}

// addIPv6 gives the plane an interface identifier. A plane that cannot take one later goes on without.
func (r *Runner) addIPv6(id [8]byte) {
	r.mu.Lock()
	p := r.plane
	r.mu.Unlock()
	late, ok := p.(plane.LateIPv6)
	if !ok {
		return
	}
	if err := late.AddIPv6(id); err != nil {
		r.tell(event.Notice{Level: "warning", Text: "no IPv6: " + err.Error()})
	}
}

func (r *Runner) closePlane() {
	r.mu.Lock()
	p := r.plane
	r.plane = nil
	r.mu.Unlock()
	if p == nil {
		return
	}
	if err := p.Close(); err != nil {
		r.tell(event.Notice{Level: "warning", Text: "not everything could be given back: " + err.Error()})
	}
}

// planeLoop carries packets from the plane to the port. It writes them itself, so that a port which takes no more
// makes the plane wait, and not this program's memory grow.
func (r *Runner) planeLoop(p plane.Plane) {
	var now time.Time // of the batch; to ask for the time is a system call on some machines
	add := func(ip []byte) bool {
		if now.IsZero() {
			now = time.Now()
		}
		r.mu.Lock()
		r.pending = r.session.AppendPacket(now, r.pending, ip)
		more := len(r.pending) < writeChunk
		r.mu.Unlock()
		return more
	}
	for {
		now = time.Time{}
		if err := p.Read(add); err != nil {
			// Closed by us, or by somebody else, who has removed the interface for example.
			r.step(func(now time.Time) { r.planeLost(now, p, err) })
			return
		}
		r.flush()
		r.mu.Lock()
		if !r.finished && !now.IsZero() {
			r.session.Advance(now) // a limit may be reached
			r.drain()
		}
		r.mu.Unlock()
	}
}

// planeLost ends a link whose plane works no more, with r.mu held. That one which is being closed takes nothing is
// no loss.
func (r *Runner) planeLost(now time.Time, p plane.Plane, err error) {
	if r.plane != p || r.finished {
		return
	}
	kind := planeKind(err)
	text := err.Error()
	if kind == link.KindPlane {
		text = "the data plane failed: " + text
	}
	r.session.Hangup(now, kind, text)
	r.drain()
}
