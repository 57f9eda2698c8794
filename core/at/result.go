package at

import (
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
)

// Reply is the answer to one command.
type Reply struct {
	Lines  []string // the information text, without echo and unsolicited codes
	Result v250.Result
	Text   string // the final line as the modem sent it
}

// Value gives what follows prefix (for example "+CSQ:") in the first information line that begins with it, trimmed.
func (r Reply) Value(prefix string) (string, bool) {
	for _, line := range r.Lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// ResultError says that a command ended in another final result than OK or CONNECT.
type ResultError struct {
	Command string // redacted
	Result  v250.Result
	Code    int    // the +CME or +CMS number; -1 where the modem gave none
	Text    string // the final line, redacted, with the number put into words
}

func (e *ResultError) Error() string { return fmt.Sprintf("%s: %s", e.Command, e.Text) }

// TimeoutError says that no final result came in time.
type TimeoutError struct {
	Command string // redacted
	After   time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: no answer within %v", e.Command, e.After)
}

// DataModeError says that the modem sent PPP frames where an answer was expected: it is in the data state.
type DataModeError struct {
	Command string // redacted
}

func (e *DataModeError) Error() string {
	return fmt.Sprintf("%s: the modem sends PPP frames, it is in data mode", e.Command)
}

// explain adds the words to a final line that holds only a number.
func explain(line string, r v250.Result, code int) string {
	if text := v250.CMEWords(code); r == v250.CME && text != "" && line[len(line)-1] >= '0' && line[len(line)-1] <= '9' {
		return fmt.Sprintf("%s (%s)", line, text)
	}
	return line
}
