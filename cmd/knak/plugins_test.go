package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/knakppp/knak/plugins/sdk"
)

// demoPlugin is the plugin of the test scripts: it solves the E398's refusal of name servers by asking for an address only.
func demoPlugin() {
	sdk.Serve(sdk.Plugin{Name: "demo", Version: "1.0.0", About: "For the tests", Implementation: &demo{}, Grants: []sdk.Grant{sdk.GrantSecrets}})
}

type demo struct {
	config struct {
		Mode string `json:"mode"`
	}
}

func (d *demo) Config() any { return &d.config }

func (d *demo) Configure(context.Context, []sdk.Grant) error {
	slog.Info("configured", "mode", d.config.Mode)
	return nil
}

func (d *demo) Decisions() []sdk.On {
	return []sdk.On{{Protocol: sdk.IPCP, Decide: func(_ context.Context, e sdk.Event) (sdk.Verdict, error) {
		switch d.config.Mode {
		case "exit":
			os.Exit(3)
		case "fail":
			return sdk.Verdict{}, errors.New("not today")
		}
		return sdk.Pass(), nil
	}}}
}

// Where no plugin is configured nothing of gRPC may cost anything: it is not even linked.
func TestNothingOfGRPCIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		for _, heavy := range []string{"google.golang.org/grpc", "google.golang.org/protobuf", "github.com/hashicorp/", "github.com/santhosh-tekuri/"} {
			if strings.HasPrefix(name, heavy) {
				t.Errorf("knak links %s, which belongs into knak-pluginhost", name)
			}
		}
	}
	if !strings.Contains(string(out), "knak/plugins/host\n") {
		t.Error("the list does not hold what it should")
	}
}
