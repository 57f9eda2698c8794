package host

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// MarshalQuestion gives the body of a question; the message has its kind.
func MarshalQuestion(q advice.Question) ([]byte, error) { return json.Marshal(q) }

// UnmarshalQuestion reads what MarshalQuestion writes.
func UnmarshalQuestion(k advice.Kind, body []byte) (advice.Question, error) {
	switch k {
	case advice.KindIdentify:
		return question[advice.Identify](body)
	case advice.KindCredentials:
		return question[advice.Credentials](body)
	case advice.KindSteps:
		return question[advice.Steps](body)
	case advice.KindChallenge:
		return question[advice.Challenge](body)
	case advice.KindDecide:
		return question[advice.Decide](body)
	case advice.KindProve:
		return question[advice.Prove](body)
	}
	return nil, fmt.Errorf("no question is of kind %q", k)
}

func question[Q advice.Question](body []byte) (advice.Question, error) {
	var q Q
	err := json.Unmarshal(body, &q)
	return q, err
}

// reply is the body of an Answer.
type reply struct {
	Answer   json.RawMessage `json:"answer,omitempty"`
	Password *string         `json:"password,omitempty"` // of a Login, whose own form hides it
	Failures []failure       `json:"failures,omitempty"`
}

type failure struct {
	By       string `json:"by"`
	Text     string `json:"text"`
	Late     bool   `json:"late,omitempty"`
	Required bool   `json:"required,omitempty"`
}

// MarshalReply gives the body of an Answer: the answer, which may be nil, and the names of those that failed.
func MarshalReply(a advice.Answer, err error) ([]byte, error) {
	var r reply
	if a != nil && a.Opinion() {
		text, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		r.Answer = text
		if l, ok := a.(advice.Login); ok {
			password := l.Password.Reveal()
			r.Password = &password
		}
	}
	r.Failures = failures(err)
	return json.Marshal(r)
}

// failures takes an error apart as advice.Failures does, and keeps who of them is required.
func failures(err error) []failure {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this is what takes it apart
		var list []failure
		for _, e := range joined.Unwrap() {
			list = append(list, failures(e)...)
		}
		return list
	}
	f := failure{Text: err.Error(), Late: errors.Is(err, advice.ErrTooLate)}
	var required *advice.RequiredError
	var failed *advice.FailedError
	switch {
	case errors.As(err, &required):
		f.By, f.Text, f.Required = required.By, required.Err.Error(), true
	case errors.As(err, &failed):
		f.By, f.Text = failed.By, failed.Err.Error()
	}
	return []failure{f}
}

// UnmarshalReply reads what MarshalReply writes.
func UnmarshalReply(k advice.Kind, body []byte) (advice.Answer, error) {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	var failed []error
	for _, f := range r.Failures {
		cause := errors.New(f.Text)
		if f.Late {
			cause = advice.ErrTooLate
		}
		if f.Required {
			failed = append(failed, &advice.RequiredError{By: f.By, Err: cause})
		} else {
			failed = append(failed, &advice.FailedError{By: f.By, Err: cause})
		}
	}
	a, err := r.answer(k)
	return a, errors.Join(append(failed, err)...)
}

func (r *reply) answer(k advice.Kind) (advice.Answer, error) {
	if r.Answer == nil {
		return nil, nil
	}
	switch k {
	case advice.KindIdentify:
		return answer[advice.Identified](r.Answer)
	case advice.KindCredentials:
		a, err := answer[advice.Login](r.Answer)
		l, ok := a.(advice.Login)
		if ok {
			l.Password = auth.Secret{}
			if r.Password != nil {
				l.Password = auth.NewSecret(*r.Password)
			}
			a = l
		}
		return a, err
	case advice.KindSteps:
		return answer[advice.Plan](r.Answer)
	case advice.KindChallenge:
		return answer[advice.Response](r.Answer)
	case advice.KindDecide:
		return answer[advice.Verdict](r.Answer)
	case advice.KindProve:
		return answer[advice.Proof](r.Answer)
	}
	return nil, fmt.Errorf("no answer is to kind %q", k)
}

func answer[A advice.Answer](body []byte) (advice.Answer, error) {
	var a A
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	return a, nil
}

// Warm does in advance what the first decision would do once: encoding/json builds its tables.
func Warm() {
	option := packet.Option{Type: 3, Data: []byte{0, 0, 0, 0}}
	verdict := ppp.Verdict{Action: ppp.Request, Options: []packet.Option{option}}
	q := advice.Decide{Decision: ppp.Decision{Protocol: packet.IPCP, Options: []packet.Option{option}, Packet: []byte{3, 1, 0, 4}, Intent: verdict}}
	if text, err := MarshalQuestion(q); err == nil {
		_, _ = UnmarshalQuestion(q.Kind(), text) // what matters is that it was done
	}
	if text, err := MarshalReply(advice.Verdict{Verdict: verdict}, nil); err == nil {
		_, _ = UnmarshalReply(q.Kind(), text)
	}
}
