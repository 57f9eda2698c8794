package at

import (
	"fmt"
	"strings"
	"time"
)

// Result is a final result code (ITU-T V.250 section 5.7.1, 3GPP TS 27.007 section 9, 3GPP TS 27.005 section 3.2.5).
type Result uint8

// The final results.
const (
	NoResult     Result = iota
	OK                  // OK
	Connect             // CONNECT, with or without a text behind it
	Failed              // ERROR
	CME                 // +CME ERROR
	CMS                 // +CMS ERROR
	NotSupported        // COMMAND NOT SUPPORT, TOO MANY PARAMETERS: Huawei's forms of ERROR
	NoCarrier           // NO CARRIER
	Busy                // BUSY
	NoDialtone          // NO DIALTONE or NO DIAL TONE
	NoAnswer            // NO ANSWER
	Delayed             // DELAYED, BLACKLISTED: the modem refuses to dial that number again so soon
)

// Reply is the answer to one command.
type Reply struct {
	Lines  []string // the information text, without echo and unsolicited codes
	Result Result
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
	Result  Result
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
