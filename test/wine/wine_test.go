package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// Where Debian's package wine64 has its programs; what it puts on the path needs the 32-bit half.
const (
	wine64     = "/usr/lib/wine/wine64"
	wineserver = "/usr/lib/wine/wineserver64"
)

// windows is one Windows, with knak.exe built for it.
type windows struct{ prefix, knak string }

// TestWindows runs all of it in one Windows, which takes some seconds to make.
func TestWindows(t *testing.T) {
	if os.Getenv("KNAK_WINE") != "1" {
		t.Skip("SKIPPED: knak.exe under Wine: `make wine` does it; Debian's wine64 takes 0.7 GB, and the tests two minutes")
	}
	w := install(t)
	t.Run("scripts", w.scripts)
	t.Run("COM port", w.dialCOM)
}

func install(t *testing.T) *windows {
	dir := t.TempDir()
	w := &windows{prefix: filepath.Join(dir, "windows"), knak: filepath.Join(dir, "knak.exe")}
	build := exec.Command("go", "build", "-o", w.knak, "github.com/knakppp/knak/cmd/knak")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build knak.exe: %v: %s", err, out)
	}
	if out, err := w.command(t.Context(), wine64, "wineboot", "-i").CombinedOutput(); err != nil {
		t.Fatalf("wineboot: %v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(w.prefix, "drive_c/windows/system32/bcryptprimitives.dll"), randomDLL(), 0o644); err != nil {
		t.Fatal(err)
	}
	// It stays, so that a command starts in a tenth of the time.
	if err := w.command(t.Context(), wineserver, "-p").Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.command(context.Background(), wineserver, "-k").Run() })
	return w
}

// environment: no debugging output, and no browser or .NET that a new Windows would want to download.
func (w *windows) environment() map[string]string {
	return map[string]string{"WINEPREFIX": w.prefix, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
}

func (w *windows) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = os.Environ()
	for name, value := range w.environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// appData gives the directories of %AppData% and %LocalAppData%.
func (w *windows) appData(t *testing.T) (roaming, local string) {
	t.Helper()
	users, err := filepath.Glob(filepath.Join(w.prefix, "drive_c/users/*/AppData"))
	if err != nil || len(users) != 1 {
		t.Fatalf("the users' directories: %v, %v", users, err)
	}
	return filepath.Join(users[0], "Roaming"), filepath.Join(users[0], "Local")
}

// analyser are those scripts of the commands that neither speak to a running dial nor need a Unix.
var analyser = []string{"compare", "decode", "diagnose", "findings", "report", "quirks", "quirks_diff", "quirks_facts", "quirks_list", "quirks_validate", "version"}

// scripts runs the analyser's testscripts, and those of testdata, with knak.exe for knak.
func (w *windows) scripts(t *testing.T) {
	bin, roaming := t.TempDir(), ""
	roaming, _ = w.appData(t)
	// Its output goes through files: a pipe would be held open by Wine's own programs, which a command starts in passing.
	wrapper := fmt.Sprintf("#!/bin/sh\nsaid=$(mktemp)\n%s %s \"$@\" >$said 2>$said.err\nstatus=$?\ncat $said\ncat $said.err >&2\nrm $said $said.err\nexit $status\n", wine64, w.knak)
	if err := os.WriteFile(filepath.Join(bin, "knak"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range analyser {
		script, err := os.ReadFile("../../cmd/knak/testdata/script/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name+".txtar")
		if err := os.WriteFile(file, forWindows(script), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	testscript.RunT(oneByOne{t}, testscript.Params{
		Files:           files,
		ContinueOnError: true,
		Setup: func(e *testscript.Env) error {
			for name, value := range w.environment() {
				e.Setenv(name, value)
			}
			e.Setenv("PATH", bin+":"+e.Getenv("PATH"))
			e.Setenv("HOME", os.Getenv("HOME"))
			e.Setenv("TMPDIR", os.TempDir()) // where the server's socket is
			e.Setenv("KNAK_STATE_DIR", e.WorkDir+"/state")
			e.Setenv("KNAK_NO_ADAPT", "true")
			e.Setenv("NO_COLOR", "1")
			// The scripts write into config/knak what is a user's own.
			config := e.WorkDir + "/config"
			return errors.Join(os.MkdirAll(config, 0o700), os.RemoveAll(roaming), os.Symlink(config, roaming))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"knak": runKnak, "status": checkStatus, "utf16": toUTF16, "crlf": toCRLF},
	})
}

// forWindows leaves out of a script the lines that are for Linux, and those for root, which Windows has not; and lets what is
// printed have the other slash, and the words of Windows and of Wine for a file that is not there.
func forWindows(script []byte) []byte {
	lines := strings.SplitAfter(string(script), "\n")
	kept, wanted := lines[:0], false
	for _, l := range lines {
		if strings.HasPrefix(l, "[linux]") || strings.HasPrefix(l, "[root]") || strings.HasPrefix(l, "[!root]") {
			continue
		}
		if words := strings.Fields(strings.TrimPrefix(l, "! ")); len(words) > 0 && (words[0] == "stdout" || words[0] == "stderr") {
			l = strings.ReplaceAll(l, "/", `[/\\]+`)
			l = strings.NewReplacer("config[", "(config|Roaming)[", "logs.", "logs.+", "no such file", "(no such file|[Ff]ile not found|cannot find)",
				"not a directory", "(not a directory|[Pp]ath not found|cannot find)").Replace(l)
		}
		if strings.HasPrefix(l, "-- ") {
			wanted = strings.HasSuffix(l, ".want --\n")
		}
		if wanted {
			l = strings.ReplaceAll(l, "logs/", `logs\`)
		}
		kept = append(kept, l)
	}
	return []byte(strings.Join(kept, ""))
}

// oneByOne runs the scripts one after the other: they share %AppData%.
type oneByOne struct{ *testing.T }

func (oneByOne) Parallel() {}

func (o oneByOne) Run(name string, f func(testscript.T)) {
	o.T.Run(name, func(t *testing.T) { f(oneByOne{t}) })
}

func (oneByOne) Verbose() bool { return testing.Verbose() }

func runKnak(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.Exec("knak", args...); (err != nil) != neg {
		ts.Fatalf("knak %s: %v", strings.Join(args, " "), err)
	}
}

// checkStatus is that of cmd/knak's scripts: status 19 knak diagnose …
func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	code := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if neg || strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
}

// toUTF16 makes of a file what PowerShell's > would have made: utf16 FROM TO.
func toUTF16(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o644))
}

// toCRLF makes of a file what an editor of Windows would have made: crlf FROM TO.
func toCRLF(ts *testscript.TestScript, _ bool, args []string) {
	text := "\ufeff" + strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// dialCOM dials a simulated modem through COM7, which is a pseudo-terminal outside.
func (w *windows) dialCOM(t *testing.T) {
	scenario, err := sim.Load(knak.Files, "behaves")
	if err != nil {
		t.Fatal(err)
	}
	modem, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer modem.Close()
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	go func() { _ = sim.Serve(ctx, modem, sim.New(scenario, 1), nil) }()
	if err := os.Symlink(path, filepath.Join(w.prefix, "dosdevices/com7")); err != nil {
		t.Fatal(err)
	}
	dial := w.command(ctx, wine64, w.knak, "dial", "--port", "com7", "--plane", "stack", "--proxy", "127.0.0.1:0", "--max-time", "2s")
	story, err := os.Create(filepath.Join(t.TempDir(), "story")) // a pipe would be held open by Wine's own programs
	if err != nil {
		t.Fatal(err)
	}
	defer story.Close()
	dial.Stderr = story
	err = dial.Run()
	said, readErr := os.ReadFile(story.Name())
	if readErr != nil {
		t.Fatal(readErr)
	}
	for _, want := range []string{"on com7", " up: 192.0.2.2 (stack)", "SOCKS5 and HTTP proxy on 127.0.0.1:", "down: "} {
		if !strings.Contains(string(said), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	var ended *exec.ExitError
	if t.Failed() || !errors.As(err, &ended) || ended.ExitCode() != int(link.ExitMaxTime) {
		t.Errorf("the dial ended with %v:\n%s", err, said)
	}
}
