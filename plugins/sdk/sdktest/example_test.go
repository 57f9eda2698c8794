package sdktest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

// e398 is a plugin for one modem.
type e398 struct{}

func (e398) Credentials(_ context.Context, q sdk.Credentials) (sdk.Login, error) {
	if q.Device.Model != "E398" {
		return sdk.Login{}, nil // no opinion
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

type settings struct {
	Server string        `json:"server" required:"true" doc:"where the accounts are"`
	Mode   string        `json:"mode" enum:"fast,safe"`
	Wait   time.Duration `json:"wait" doc:"for the server, such as 3s"`
}

// accounts is a plugin with a configuration.
type accounts struct {
	e398
	settings settings
}

func (a *accounts) Config() any { return &a.settings }

func (a *accounts) Configure(_ context.Context, grants []sdk.Grant) error {
	if a.settings.Wait > time.Minute {
		return &sdk.KeyError{Key: "wait", Err: errors.New("a minute is the most")}
	}
	return nil
}

func TestE398(t *testing.T) {
	circumstances := []sdktest.Option{sdktest.Scenario("huawei/e398"), sdktest.Set("auth.try_blank=false", "ipcp.request=address")}
	without := sdktest.Dial(t, sdk.Plugin{Name: "none", Implementation: silent{}}, circumstances...)
	if without.Up || !slices.Contains(without.Findings, "ipcp-empty-nak") {
		t.Errorf("without the plugin: %s", without)
	}
	with := sdktest.Dial(t, plugin(), circumstances...)
	if !with.Up || with.Elapsed > 2*time.Second || !slices.Equal(with.DNS, []string{"198.51.100.53", "198.51.100.54"}) {
		t.Errorf("with the plugin: %v %v %s", with.Elapsed, with.DNS, with)
	}
}

// silent has an opinion on nothing.
type silent struct{}

func (silent) Decisions() []sdk.On {
	return []sdk.On{{Decide: func(context.Context, sdk.Event) (sdk.Verdict, error) { return sdk.Pass(), nil }}}
}

func TestVerdictsOfE398(t *testing.T) {
	call := sdktest.Dial(t, plugin(), sdktest.Scenario("huawei/e398"), sdktest.Set("ipcp.request=address"))
	if !slices.ContainsFunc(call.Verdicts, func(e sdktest.Event) bool { return strings.Contains(e.JSON, `"verdict":"request `) }) {
		t.Errorf("its verdicts: %v", call.Verdicts)
	}
	config := sdktest.Configure(t, sdk.Plugin{Name: "accounts", Implementation: &accounts{}}, map[string]any{"server": "x", "wait": "2m"})
	if !slices.Equal(config, []string{"wait: a minute is the most"}) {
		t.Errorf("%q", config)
	}
}

// inExample stands for the *testing.T that a test has.
type inExample struct {
	testing.TB
	cleanups []func()
}

func (t *inExample) Helper()           {}
func (t *inExample) Cleanup(f func())  { t.cleanups = append(t.cleanups, f) }
func (t *inExample) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
func (t *inExample) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// A plugin's decisions bring a modem up that refuses knak's own request; in a test, t is its *testing.T.
func ExampleDial() {
	t := &inExample{}
	defer t.end()
	call := sdktest.Dial(t, plugin(), sdktest.Scenario("huawei/e398"), sdktest.Set("auth.try_blank=false", "ipcp.request=address"))
	fmt.Println("up:", call.Up)
	fmt.Println("name servers:", call.DNS)
	// Output:
	// up: true
	// name servers: [198.51.100.53 198.51.100.54]
}

// The Go code in the author's guide is the code above, which compiles and passes.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		if !strings.Contains(string(code), b) {
			t.Errorf("this is in docs/plugins.md and not here:\n%s", b)
		}
	}
	if len(blocks) < 3 {
		t.Errorf("%d blocks", len(blocks))
	}
}
