package experiment_test

import (
	"context"
	"fmt"
	"log"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/dialer/experiment"
	"github.com/knakppp/knak/core/learn"
)

// A modem that nobody knows: what does it want? With Dir the profile could be written, and a series that was cut off would go on.
func Example() {
	s, err := experiment.New(experiment.Options{
		Dial:    dialer.Options{Scenario: "huawei/e398"},
		Budget:  learn.Budget{Dials: 20},
		Unknown: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	for {
		e, more := s.Next()
		if !more {
			break
		}
		o, err := s.Try(context.Background(), e)
		if err != nil {
			log.Fatal(err) // no modem, or no port
		}
		fmt.Println(e.Settings, o.Kind) // max-time: it was up, and was ended after some seconds
	}
	fmt.Println("needed:", s.Verdict().Set)
	// Output:
	// [] empty-naks
	// [auth.user=] max-time
	// [auth.user=] max-time
	// [] empty-naks
	// needed: [auth.user=]
}
