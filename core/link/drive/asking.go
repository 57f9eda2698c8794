package drive

import (
	"context"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/link"
)

// maxQuestions is the greatest number of questions of a runner that wait for an answer. An adviser that never returns gets no
// more: they would only fill the memory.
const maxQuestions = 16

// ask has a question answered, with r.mu held. The loop goes on meanwhile.
func (r *Runner) ask(q link.Ask) {
	if r.env.Adviser == nil || r.questions >= maxQuestions {
		var err error
		if r.env.Adviser != nil {
			err = fmt.Errorf("%d questions are not answered yet: %w", maxQuestions, advice.ErrTooLate)
		}
		r.session.Answer(time.Now(), q.ID, nil, err)
		return
	}
	r.questions++
	ctx, cancel := context.WithDeadline(r.asking, q.Deadline)
	// Nobody waits for this one: an adviser that does not return must not keep the link from ending.
	go func() {
		a, err := advice.Consult(ctx, r.env.Adviser, q.Question)
		cancel()
		r.step(func(now time.Time) {
			r.questions--
			r.session.Answer(now, q.ID, a, err)
		})
	}()
}
