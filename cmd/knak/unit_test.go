package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/link"
)

const unitFile = "../../packaging/knak@.service"

// A service must not start again what another start cannot cure, least of all a dial with a wrong PIN.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			values[key] = value
		}
	}
	for _, code := range []link.ExitCode{link.ExitUsage, link.ExitPrivilege, link.ExitNoKernel, link.ExitSIM, link.ExitPlugin} {
		if !slices.Contains(strings.Fields(values["RestartPreventExitStatus"]), fmt.Sprint(int(code))) {
			t.Errorf("status %d starts it again", code)
		}
	}
	if values["SuccessExitStatus"] != fmt.Sprint(int(link.ExitSignal)) {
		t.Errorf("SuccessExitStatus=%s", values["SuccessExitStatus"])
	}
	if values["Type"] != "notify" || values["NotifyAccess"] != "main" {
		t.Errorf("Type=%s, NotifyAccess=%s: nobody is told that the link is up", values["Type"], values["NotifyAccess"])
	}
	flags := settings.Keys()
	for _, word := range strings.Fields(values["ExecStart"])[2:] {
		if name, ok := strings.CutPrefix(word, "--"); ok && flags.Lookup(name) == nil {
			t.Errorf("dial has no flag --%s", name)
		}
	}
	release, err := os.ReadFile("../../goreleaser.yaml")
	if err != nil || !strings.Contains(string(release), "packaging/knak@.service") {
		t.Errorf("no package has the unit: %v", err)
	}
	// systemd's own opinion of the unit, where it is installed; that there is no /usr/bin/knak here is no fault of it.
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("SKIPPED in part: no systemd-analyze(1): install systemd")
		return
	}
	out, _ := exec.Command(verify, "verify", "--man=no", unitFile).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "knak@") && !strings.Contains(line, "is not executable") && !strings.Contains(line, "bad-setting") {
			t.Errorf("systemd-analyze: %s", line)
		}
	}
}
