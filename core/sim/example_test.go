package sim_test

import (
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/knakppp/knak/core/sim"
)

// A modem that the author of a test has made up. It is given octets and the time, and hands out octets; no second of this passes.
func ExampleModem() {
	scenario, err := sim.Parse("busy-sim", []byte(`
schema = 1
summary = "The SIM is busy, always"
[[at.reply]]
command = "AT+CPIN?"
result = "+CME ERROR: 14"
`))
	if err != nil {
		log.Fatal(err)
	}
	modem := sim.New(scenario, 1)
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	say := func(command string) string {
		modem.Receive(now, []byte(command+"\r"))
		now = now.Add(time.Second)
		modem.Advance(now)
		var answer strings.Builder
		for {
			out, ok := modem.Next()
			if !ok {
				return strings.Join(strings.Fields(answer.String()), " ")
			}
			if out.Kind == sim.OutputWrite {
				answer.Write(out.Data)
			}
		}
	}
	fmt.Println(say("ATE0"))
	fmt.Println(say("AT+CPIN?"))
	fmt.Println(say("AT+CGMM"))
	fmt.Println(say("ATD*99#")[:len("CONNECT")]) // PPP follows
	// Output:
	// ATE0 OK
	// +CME ERROR: 14
	// Simulated modem OK
	// CONNECT
}
