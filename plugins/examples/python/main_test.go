package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pluginv1 "github.com/knakppp/knak/plugins/proto/knak/plugin/v1"
)

var update = flag.Bool("update", false, "write knak.binpb anew")

// knak.binpb is what plugins/proto says today.
func TestDescriptors(t *testing.T) {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range []protoreflect.FileDescriptor{
		pluginv1.File_knak_plugin_v1_base_proto, pluginv1.File_knak_plugin_v1_credentials_proto, pluginv1.File_knak_plugin_v1_negotiator_proto,
	} {
		add(f)
	}
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("knak.binpb", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(described, want) {
		t.Error("knak.binpb is not what plugins/proto says: go test -run TestDescriptors -update")
	}
}

// The E398 comes up by the plugin in Python alone, with the real knak, as an integrator would do it.
func TestE398(t *testing.T) {
	if out, err := exec.Command(python, "-I", "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the plugin in Python: install python3-grpcio and python3-protobuf (%v: %s)", err, lastLine(out))
	}
	dir := t.TempDir()
	// The installed copy must be one that nobody else can change.
	build := exec.Command("go", "build", "-o", dir+"/", "../../../cmd/knak", "../../../cmd/knak-pluginhost", ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(dir, "config.toml")
	write := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	knak := func(args ...string) (stdout, stderr string) {
		cmd := exec.Command(filepath.Join(dir, "knak"), args...)
		cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "KNAK_RUNTIME_DIR=" + filepath.Join(dir, "r"), "KNAK_PLUGINS_LOCK=" + filepath.Join(dir, "plugins.lock")}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the events say how it went
		return out.String(), errs.String()
	}
	dial := func(limit string) (up bool, decided int, story string) {
		out, errs := knak("dial", "--json", "--config", config, "--plugin-dir", filepath.Join(dir, "plugins"), "--sim", "huawei/e398", "--plane", "none",
			"--once", "--timeout", limit, "--quirks", "test/nothing", "--set", "auth.try_blank=false", "--set", "ipcp.request=address")
		for line := range strings.Lines(out) {
			var e struct{ Event, Protocol, By, Verdict string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			up = up || e.Event == "up"
			if e.Event == "decision" && strings.Contains(e.By, "python-refusal") && e.Verdict != "pass" {
				decided++
			}
		}
		return up, decided, out + errs
	}
	// A profile that says nothing, in place of the one that knows this modem.
	profile := filepath.Join(dir, ".config", "knak", "quirks.d", "test", "nothing.toml")
	if err := os.MkdirAll(filepath.Dir(profile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(profile, []byte("schema = 1\nsummary = \"Nothing\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	write("")
	if up, _, story := dial("3s"); up {
		t.Fatalf("it comes up without the plugin:\n%s", story)
	}
	said, errs := knak("plugins", "install", filepath.Join(dir, "python"), "--name", "python-refusal", "--plugin-dir", filepath.Join(dir, "plugins"))
	if _, err := os.Stat(filepath.Join(dir, "plugins", "knak-plugin-python-refusal")); err != nil {
		t.Fatalf("%v: %s%s", err, said, errs)
	}
	write("[plugins.python-refusal]\nrequired = true\ntls = \"none\"\n")
	up, decided, story := dial("30s")
	if !up || decided == 0 {
		t.Fatalf("up: %v, %d decisions by the plugin:\n%s", up, decided, story)
	}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
