// Package undo remembers how to undo changes of the host. Every change registers its undoing as soon as it is made, so that a
// failure half-way and a clean end run the same list.
//
// The list lives in memory: it does not outlive a crash.
package undo

import (
	"errors"
	"fmt"
	"sync"
)

// List is a list of undoings. The zero value is empty and ready. Several goroutines may use it.
type List struct {
	mu    sync.Mutex
	steps []step
}

type step struct {
	what string
	do   func() error
}

// Add registers do, which undoes a change that was just made. what describes do for messages, as in "remove the default route".
func (l *List) Add(what string, do func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, step{what, do})
}

// Run undoes everything that was registered, the last change first. Each step runs once: a second Run runs only what
// was added since. A step that fails does not stop the others; the error names what could not be undone.
func (l *List) Run() error {
	var errs []error
	for {
		l.mu.Lock()
		n := len(l.steps)
		if n == 0 {
			l.mu.Unlock()
			return errors.Join(errs...)
		}
		s := l.steps[n-1]
		l.steps = l.steps[:n-1]
		l.mu.Unlock()
		if err := s.do(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.what, err))
		}
	}
}
