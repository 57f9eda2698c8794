package host

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/knakppp/knak/core/advice"
)

// What goes over the socket between the two programs, which are always of one version: a header of 18 octets and a body
// in JSON.
//
//	4 length of the body   1 Type   1 index of the kind   8 id   4 budget in milliseconds

// Type is the type of a Message.
type Type uint8

// The types of messages. The body is in brackets.
const (
	Open   Type = iota + 1 // knak: begin [Plan]
	Ready                  // every plugin has started or failed [States]
	Ask                    // knak: a question, with the budget [see MarshalQuestion]
	Answer                 // [see MarshalReply]
	Note                   // knak: an event [a line of JSON as package event writes it]; its id is the number of events lost before it
	Tell                   // an event for the link's trace [Told]
	Change                 // the states have changed [States]
	Order                  // a plugin gives an order for the dial [Command]
	Look                   // knak asks for the states; the answer is Ready
	Close                  // knak: end all plugins; after that the program ends
)

// Told is a line for people or for the log.
type Told struct {
	By    string `json:"by,omitempty"`    // the plugin that wrote it on standard error; "": the host itself
	Level string `json:"level,omitempty"` // "info" or "warning"
	Text  string `json:"text"`
}

// Command is an order of a plugin with the grant "control".
type Command struct {
	By     string `json:"by"`
	Link   string `json:"link"`   // "": all
	Action string `json:"action"` // "hangup" or "redial"
	Reason string `json:"reason"`
}

// Message is one message of either side.
type Message struct {
	Type   Type
	Kind   advice.Kind // for Ask and Answer
	ID     uint64
	Budget time.Duration // for Ask
	Body   []byte
}

const (
	headerLength = 18
	bodyLimit    = 4 << 20
)

var kinds = [...]advice.Kind{"", advice.KindIdentify, advice.KindCredentials, advice.KindSteps, advice.KindChallenge, advice.KindDecide, advice.KindProve}

// Conn carries messages over a stream socket. Read is for one goroutine, Write for several.
type Conn struct {
	f      *os.File
	in     *bufio.Reader
	header [headerLength]byte
	mu     sync.Mutex
	out    []byte
}

// NewConn makes a Conn of a socket, which belongs to it from then on.
func NewConn(f *os.File) *Conn { return &Conn{f: f, in: bufio.NewReader(f)} }

// Close closes the socket; a Read that waits ends.
func (c *Conn) Close() error { return c.f.Close() }

// Read waits for the next message. After the last one the error is io.EOF.
func (c *Conn) Read() (Message, error) {
	if _, err := io.ReadFull(c.in, c.header[:]); err != nil {
		return Message{}, err
	}
	n := binary.BigEndian.Uint32(c.header[:])
	m := Message{Type: Type(c.header[4]), ID: binary.BigEndian.Uint64(c.header[6:]),
		Budget: time.Duration(binary.BigEndian.Uint32(c.header[14:])) * time.Millisecond}
	if n > bodyLimit || int(c.header[5]) >= len(kinds) {
		return Message{}, fmt.Errorf("a message of %d octets and kind %d from the other program", n, c.header[5])
	}
	m.Kind = kinds[c.header[5]]
	m.Body = make([]byte, n)
	if _, err := io.ReadFull(c.in, m.Body); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Write sends m, with body in JSON unless it is nil or a []byte.
func (c *Conn) Write(m Message, body any) error {
	switch b := body.(type) {
	case nil:
	case []byte:
		m.Body = b
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		m.Body = text
	}
	if len(m.Body) > bodyLimit {
		return errors.New("the message for the other program is too long")
	}
	var kind byte
	for i, k := range kinds {
		if k == m.Kind {
			kind = byte(i)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := binary.BigEndian.AppendUint32(c.out[:0], uint32(len(m.Body)))
	b = append(b, byte(m.Type), kind)
	b = binary.BigEndian.AppendUint64(b, m.ID)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Budget/time.Millisecond))
	b = append(b, m.Body...)
	_, err := c.f.Write(b)
	if cap(b) <= 64<<10 {
		c.out = b
	}
	return err
}
