package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// This file is the runner's work on planes: opening, closing, and the packets that come out of them.

// follow has the host follow what the session wants of planes now, with r.mu held.
func (r *Runner) follow() {
	if r.following {
		select {
		case r.changed <- struct{}{}:
		default: // it will look anyway
		}
		if r.finished && r.opening != nil && r.planes.useless() {
			r.opening()
		}
		return
	}
	r.following = true
	r.workers.Go(func() {
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		for {
			r.mu.Lock()
			step, again := r.planes.next(time.Now())
			if step == nil && again.IsZero() {
				r.following = false
				r.mu.Unlock()
				return
			}
			r.mu.Unlock()
			switch step := step.(type) {
			case openStep:
				r.openPlane(step.cfg)
				continue
			case ipv6Step:
				r.addIPv6(step.id)
				r.planeDone()
				continue
			case closeStep:
				r.closePlane()
				r.planeDone()
				continue
			}
			timer.Reset(time.Until(again))
			select {
			case <-timer.C:
			case <-r.changed:
			}
		}
	})
}

func (r *Runner) planeDone() {
	r.mu.Lock()
	r.planes.made(false)
	r.mu.Unlock()
}

// openPlane makes the plane, and carries its packets until it is closed.
func (r *Runner) openPlane(cfg plane.Config) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.mu.Lock()
	r.opening = cancel
	r.mu.Unlock()
	p, err := r.env.OpenPlane(ctx, cfg)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opening = nil
	answers := r.planes.made(err == nil)
	if err == nil {
		r.plane = p
		r.workers.Go(func() { r.planeLoop(p) })
	}
	if r.finished {
		return
	}
	if err == nil && answers > 0 && !r.planes.stale() {
		for _, line := range p.Info() {
			r.record(event.Notice{Level: "info", Text: line})
		}
		r.session.PlaneTook(plane.TakenOf(p, cfg))
	}
	for now := time.Now(); answers > 0; answers-- { // the session takes the last one only
		if err != nil {
			r.session.PlaneFailed(now, planeKind(err), err)
		} else {
			r.session.PlaneUp(now, p.Kind(), p.Interface())
		}
	}
	r.drain()
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
		r.tell(notGivenBack(err.Error()))
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
	if kind == link.KindPlane {
		err = fmt.Errorf("the data plane failed: %w", err)
	}
	r.session.PlaneLost(now, kind, err)
	r.drain()
}

// notGivenBack says that something that the link took of this host is not as it was.
func notGivenBack(cause string) event.Notice {
	return event.Notice{Level: "warning", Text: "not everything could be given back: " + cause, About: event.NoticeNotGivenBack, Cause: cause}
}
