package sdk_test

import (
	"context"
	"fmt"

	"github.com/knakppp/knak/plugins/sdk"
)

// dns is a plugin for a modem that gives name servers only to who asks for both.
type dns struct{}

// Decisions says at which points of which negotiation it is asked.
func (dns) Decisions() []sdk.On {
	return []sdk.On{{Protocol: sdk.IPCP, Point: sdk.PointRequest, Decide: func(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
		if e.Options.Has(sdk.IPCPDNS1) && e.Options.Has(sdk.IPCPDNS2) {
			return sdk.Pass(), nil
		}
		return sdk.Request(e.Options.With(sdk.AddressOption(sdk.IPCPDNS1, sdk.Addr{})).With(sdk.AddressOption(sdk.IPCPDNS2, sdk.Addr{}))...), nil
	}}}
}

// A plugin is a value: its main calls sdk.Serve with it, and a test calls its functions, as here, or lets it take part in a dial
// (package sdktest).
func ExampleNegotiator() {
	plugin := sdk.Plugin{Name: "dns", Version: "1.0.0", About: "asks for both name servers", Implementation: dns{}}
	on := plugin.Implementation.(sdk.Negotiator).Decisions()[0]
	verdict, err := on.Decide(context.Background(), sdk.Event{Protocol: sdk.IPCP, Point: sdk.PointRequest, Options: sdk.Options{}.With(sdk.AddressOption(sdk.IPCPAddress, sdk.Addr{}))})
	for _, option := range verdict.Options {
		fmt.Println("asks for option", option.Type)
	}
	fmt.Println(err)
	// Output:
	// asks for option 3
	// asks for option 129
	// asks for option 131
	// <nil>
}
