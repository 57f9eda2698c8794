package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

func served() sdk.Plugin {
	return sdk.Plugin{Name: "carrier-script", Version: "1.0.0", Implementation: &plugin{}}
}

// The modem that this project began with comes up by a script alone.
func TestE398(t *testing.T) {
	trouble := []sdktest.Option{sdktest.Scenario("huawei/e398"), sdktest.Set("auth.try_blank=false", "ipcp.request=address")}
	idle := map[string]any{"source": "def decide(event):\n  return None\n"}
	if call := sdktest.Dial(t, served(), append(trouble, sdktest.Config(idle))...); call.Up {
		t.Fatalf("it comes up without a rule: %s", call)
	}
	call := sdktest.Dial(t, served(), append(trouble, sdktest.Config(map[string]any{"script": "testdata/e398.star"}))...)
	if !call.Up {
		t.Fatal(call)
	}
	if len(call.DNS) != 2 {
		t.Errorf("name servers %v", call.DNS)
	}
}

// Every kind of answer reaches knak, and what a script gets wrong is told with its line.
func TestAnswers(t *testing.T) {
	ctx := context.Background()
	address, _ := sdk.Options{sdk.AddressOption(sdk.IPCPAddress, sdk.Addr{})}.Find(sdk.IPCPAddress)
	nak := sdk.Event{Protocol: sdk.IPCP, Point: sdk.PointNak, Options: sdk.Options{address}, Intent: sdk.Retry()}
	for _, c := range []struct {
		name, source string
		want         sdk.Verdict
		err          string
	}{
		{name: "none", source: "return None"},
		{name: "the event's options", source: "return nak(event.options)", want: sdk.Nak(address)},
		{name: "made options", source: `return request([address("10.0.0.1"), option(129, "01020304")], ms=250)`,
			want: sdk.Request(sdk.Option{Type: 3, Data: []byte{10, 0, 0, 1}}, sdk.Option{Type: 129, Data: []byte{1, 2, 3, 4}}).In(250 * time.Millisecond)},
		{name: "wait", source: "return wait(ms=20)", want: sdk.Wait(20 * time.Millisecond)},
		{name: "terminate", source: `return terminate("enough")`, want: sdk.Terminate("enough")},
		{name: "drop", source: "return drop()", want: sdk.Drop()},
		{name: "the intent is seen", source: `return drop() if event.intent.action == "retry" and event.point == "nak" and event.protocol == "ipcp" else ack()`, want: sdk.Drop()},
		{name: "a mistake", source: "return event.optoins", err: "test.star:2:17"},
		{name: "a wrong type", source: "return 7", err: "it returned a int; it must be None or one of ack()"},
		{name: "a wrong option", source: "return nak([3])", err: "options must be made by"},
		{name: "a wrong address", source: `return request([address("300.1.1.1")])`, err: "no IPv4 address"},
		{name: "without end", source: "return [x for x in range(100000000)]", err: "too many steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := load("test.star", []byte("def decide(event):\n    "+c.source+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&plugin{script: s}).Decisions()[0].Decide(ctx, nak)
			switch {
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Fatalf("%v, want %q", err, c.err)
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err != "":
				return
			}
			if got.Action != c.want.Action || got.Delay != c.want.Delay || got.Reason != c.want.Reason || len(got.Options) != len(c.want.Options) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
			for i := range got.Options {
				if got.Options[i].Type != c.want.Options[i].Type || string(got.Options[i].Data) != string(c.want.Options[i].Data) {
					t.Errorf("option %d is %+v, want %+v", i, got.Options[i], c.want.Options[i])
				}
			}
		})
	}
}

func TestOtherFunctions(t *testing.T) {
	s, err := load("test.star", []byte(`
def identify(device):
    return {"model": "E398", "settings": {"auth.user": "", "ipcp.nak_limit": "3"}, "reason": "our fleet"}

def credentials(query):
    return {"apn": "m2m." + query.home, "allow": ["pap"]}

def before_dial(dial):
    return {"steps": [step("AT+CFUN=1", seconds=10)] + dial.steps, "replace": True}

def after_dial(dial):
    if not dial.connect.startswith("CONNECT"):
        return {"abort": "no connection"}

def prove(link):
    return {"targets": ["192.0.2.9"] if link.provisional else []}
`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := context.Background(), &plugin{script: s}
	if got, err := p.Identify(ctx, sdk.Identify{}); err != nil || got.Model != "E398" || len(got.Settings) != 2 || got.Settings[0] != (sdk.Setting{Key: "auth.user", Reason: "our fleet"}) {
		t.Errorf("identify: %+v, %v", got, err)
	}
	if got, err := p.Credentials(ctx, sdk.Credentials{Home: "262-01"}); err != nil || got.APN != "m2m.262-01" || got.Replace || len(got.Allow) != 1 {
		t.Errorf("credentials: %+v, %v", got, err)
	}
	got, err := p.Steps(ctx, sdk.Steps{When: sdk.Before, Steps: []sdk.Step{{Command: "ATE0", Sensitive: true}}})
	if err != nil || !got.Replace || len(got.Steps) != 2 || got.Steps[0].Timeout != 10*time.Second || got.Steps[1].Command != "ATE0" || !got.Steps[1].Sensitive {
		t.Errorf("before the dial: %+v, %v", got, err)
	}
	if got, err := p.Steps(ctx, sdk.Steps{When: sdk.After, Connect: "BUSY"}); err != nil || got.Abort != "no connection" {
		t.Errorf("after the dial: %+v, %v", got, err)
	}
	if got, err := p.Prove(ctx, sdk.Prove{Provisional: true}); err != nil || len(got.Targets) != 1 || got.Targets[0].String() != "192.0.2.9" {
		t.Errorf("prove: %+v, %v", got, err)
	}
}

// What is wrong with the configuration or the script is told before anything is dialled, with the key and the line.
func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open.star")
	if err := os.WriteFile(open, []byte("def decide(event):\n    return None\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config map[string]any
		want   string
	}{
		{"nothing", map[string]any{}, "script: name a script"},
		{"both", map[string]any{"script": "a", "source": "b"}, "script: name a script"},
		{"no such file", map[string]any{"script": filepath.Join(dir, "nothing.star")}, "no such file"},
		{"written by others", map[string]any{"script": open}, "chmod go-w"},
		{"syntax", map[string]any{"source": "def decide(event)\n"}, "source: source:2:1"},
		{"misspelt function", map[string]any{"source": "def decid(event):\n  return None\n"}, "defines none of the functions"},
		{"no function", map[string]any{"source": "decide = 3\n"}, `"decide" must be a function`},
		{"misspelt key", map[string]any{"skript": "a"}, "skript"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := strings.Join(sdktest.Configure(t, served(), c.config), "\n")
			if !strings.Contains(problems, c.want) {
				t.Errorf("told %q, want %q", problems, c.want)
			}
		})
	}
}

// A script may be anything: it must not panic, hang or fill the memory.
func FuzzScript(f *testing.F) {
	f.Add("def decide(event):\n  return nak(event.options)\n")
	f.Add("def decide(event):\n  return retry(ms = 10)\nx = struct(a = 1)\n")
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 400 || strings.Contains(source, "*") { // [0] * 1000000000: knak limits the memory of the process
			return
		}
		s, err := load("fuzz.star", []byte(source))
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = (&plugin{script: s}).Decisions()[0].Decide(ctx, sdk.Event{Protocol: sdk.IPCP, Point: sdk.PointNak}) // errors are its right
	})
}
