package sdktest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

// e398 is a plugin for one modem: it accepts any credentials, and answers IPCP with empty Naks until it is asked for name
// servers and the user name is empty. docs/plugins.md shows it.
type e398 struct{}

func (e398) Credentials(_ context.Context, q sdk.Credentials) (sdk.Login, error) {
	if q.Device.Model != "E398" {
		return sdk.Login{}, nil
	}
	return sdk.Login{Replace: true, Reason: "the E398 wants an empty user name"}, nil
}

func (e398) Decisions() []sdk.On {
	return []sdk.On{{Protocol: sdk.IPCP, Point: sdk.PointRequest, Decide: askForDNS}}
}

func askForDNS(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
	if e.Device.Model != "E398" || e.Options.Has(sdk.IPCPDNS1) && e.Options.Has(sdk.IPCPDNS2) {
		return sdk.Pass(), nil
	}
	options := e.Options
	for _, typ := range []uint8{sdk.IPCPDNS1, sdk.IPCPDNS2} {
		if !options.Has(typ) {
			options = options.With(sdk.AddressOption(typ, sdk.Addr{}))
		}
	}
	return sdk.Request(options...), nil
}

func plugin() sdk.Plugin {
	return sdk.Plugin{Name: "e398", Version: "1.0.0", About: "Huawei E398", Implementation: e398{}}
}

func TestE398(t *testing.T) {
	// The user has a name, and somebody has switched the name servers off.
	circumstances := []sdktest.Option{
		sdktest.Scenario("huawei/e398"), sdktest.Set("auth.try_blank=false", "ipcp.request=address"),
	}
	without := sdktest.Dial(t, sdk.Plugin{Name: "none", Implementation: silent{}}, circumstances...)
	with := sdktest.Dial(t, plugin(), circumstances...)
	if without.Up || !slices.Contains(without.Findings, "ipcp-empty-nak") {
		t.Errorf("without the plugin: %s", without)
	}
	if !with.Up || with.Elapsed > 2*time.Second || !slices.Equal(with.DNS, []string{"198.51.100.53", "198.51.100.54"}) {
		t.Errorf("with the plugin: %v %v %s", with.Elapsed, with.DNS, with)
	}
	if !slices.ContainsFunc(with.Verdicts, func(e sdktest.Event) bool { return strings.Contains(e.JSON, `"verdict":"request `) }) {
		t.Errorf("its verdicts: %v", with.Verdicts)
	}
}

// silent has an opinion on nothing.
type silent struct{}

func (silent) Decisions() []sdk.On {
	return []sdk.On{{Decide: func(context.Context, sdk.Event) (sdk.Verdict, error) { return sdk.Pass(), nil }}}
}
