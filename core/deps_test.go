// Package core_test holds the directions of the imports, as docs/architecture.md draws them.
package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/knakppp/knak/"

// only says that the packages may import nothing of the project but these, each with what is below it.
var only = []struct {
	packages []string
	may      []string
	reason   string
}{
	{[]string{"core/ppp/packet"}, nil, "the wire form is the bottom: everybody reads it"},
	{[]string{"core/event"}, []string{"core/ppp/packet", "core/notation"}, "everybody writes events, so they may know nobody; packets are rendered"},
	{[]string{"core/at/v250"}, nil, "what a line of the command channel says is asked by the dialogue, by hiding and by readers: it knows none of them"},
	{[]string{"core/private"}, []string{"core/at/v250", "core/ppp/packet", "core/event", "core/hdlc"}, "all hiding stands in one place, below whoever makes events and octets; it knows what may be shown, and nobody who shows it"},
	{[]string{"core/hdlc", "core/prove"}, []string{"core/ppp/packet", "core/event"}, "a machine is driven and knows no driver"},
	{[]string{"core/at", "core/ppp/auth"}, []string{"core/at/v250", "core/ppp/packet", "core/event", "core/private"}, "a machine is driven and knows no driver"},
	{[]string{"core/ppp"}, []string{"core/ppp/packet", "core/notation", "core/ppp/auth", "core/event", "core/private"}, "the engine is driven and knows no driver"},
	{[]string{"core/show/wrap"}, nil, "text is set into lines, whatever it says"},
	{[]string{"core/show/progress"}, []string{"core/ppp/packet", "core/notation", "core/event", "core/show/wrap"}, "what a person sees of a call is made of the stream alone"},
	{[]string{"core/show/decode"}, []string{"core/ppp/packet", "core/notation", "core/event", "core/call/lint"}, "what a person reads is made of records, whatever they were read from"},
	{[]string{"core/sentence"}, []string{"core/event", "core/ppp/packet"}, "what programs say is data; events are made of it where logs are read"},
	{[]string{"core/notation"}, []string{"core/ppp/packet"}, "pppd's notation is text and octets, and no event"},
	{[]string{"core/recording/source", "core/call/lint"}, []string{"core/ppp/packet", "core/notation", "core/event"}, "readers share the input and nothing above it; lint judges records, wherever they come from"},
	{[]string{"core/recording/record"}, []string{"core/at/v250", "core/cmux", "core/ppp/packet", "core/event", "core/show/progress", "core/recording/wire", "core/hdlc", "core/private"}, "a recorder is given bytes and records, and knows neither link nor port"},
	{[]string{"core/tap"}, []string{"core/port", "core/event"}, "a tap carries and is heard; what hears it is chosen above"},
	{[]string{"core/advice"}, []string{"core/ppp", "core/ppp/packet", "core/ppp/auth", "core/event", "core/private"}, "what may be asked and answered: the link asks, a host of plugins answers, and neither knows the other"},
	{[]string{"core/cmux"}, nil, "frames of the multiplexer are octets; what its channels carry is known above"},
	{[]string{"core/recording/wire"}, []string{"core/at/v250", "core/ppp/packet", "core/event", "core/hdlc", "core/cmux", "core/private"}, "bytes become records in one place, for a tap and for any reader"},
	{[]string{"core/recording/capture"}, []string{"core/at/v250", "core/ppp/packet", "core/cmux", "core/event", "core/recording/source", "core/recording/wire"}, "a capture's format is only the way to the bytes of a line; wire reads them"},
	{[]string{"core/call"}, []string{"core/at/v250", "core/ppp/packet", "core/event"}, "a call is sorted from events alone, whatever wrote the recording; at/v250 has the table of result codes"},
	{[]string{"core/mimic"}, []string{"core/at/v250", "core/ppp/packet", "core/notation", "core/ppp/auth", "core/event", "core/call", "quirks"}, "a recording becomes a profile or a scenario; who asks for a scenario lends it a simulated modem to ask"},
	{[]string{"core/compare"}, []string{"core/show/wrap", "core/at/v250", "core/ppp/packet", "core/notation", "core/ppp/auth", "core/event", "core/call", "core/mimic"}, "what is different is said of calls; how knak would do it is mimic's"},
	{[]string{"core/recording/unwrap"}, nil, "what is around a recording is taken off before anybody knows what it is"},
	{[]string{"core/recording/format"}, []string{"core/at/v250", "core/ppp/packet", "core/event", "core/strict"}, "a format is data and says what lines are; events are made of them where logs are read"},
	{[]string{"core/recording/read"}, []string{"core/at/v250", "core/call", "core/ppp/packet", "core/event", "core/recording/capture", "core/recording/format", "core/notation", "core/recording/source", "core/recording/unwrap", "core/recording/wire", "core/sentence", "core/private"},
		"a reader gives records and knows nobody who takes them"},
	{[]string{"core/show/report"}, []string{"core/show/wrap", "core/at/v250", "core/ppp/packet", "core/event", "core/call", "core/call/lint"}, "a page is drawn of records, and of findings as they stand in the stream; nothing is judged here"},
	{[]string{"core/share"}, []string{"core/hdlc", "core/ppp/packet", "core/show/report", "core/event", "core/recording/record", "core/private"}, "what may be shared is made of records that were hidden first; the file that was read never comes near"},
	{[]string{"core/inspect"}, []string{"core/call", "core/compare", "core/diagnose", "core/event", "core/recording/read", "core/share", "core/show/report", "quirks"}, "what is shown of a recording is put together once, for a command and for the page in a browser; it opens and prints nothing"},
	{[]string{"core/show/page", "docs"}, nil, "pages of the documentation are text, and know nothing of what they tell of"},
	{[]string{"core/show/web"}, []string{"core/show/report"}, "the page for browsers is put together of text, and of the program as octets"},
	{[]string{"core/strict"}, nil, "files that people write are read the same way, whatever stands in them"},
	{[]string{"core/pace"}, nil, "how often something may come is computed, for whoever asks"},
	{[]string{"core/plane/gate"}, nil, "what may be taken of a peer's addresses is computed: who looks at the host and who changes it stand apart"},
	{[]string{"core/keep"}, []string{"core/foreign", "core/trust"}, "a list in a file, whatever is in it"},
	{[]string{"core/learn"}, []string{"core/at/v250", "core/event", "core/ppp/packet"}, "what to try next follows from how attempts ended, whoever makes them"},
	{[]string{"core/sdnotify"}, []string{"core/event"}, "what the service manager is told is made of the stream alone"},
	{[]string{"core/inhibit"}, nil, "what is asked of ModemManager is one sentence on D-Bus"},
	{[]string{"core/usbip"}, nil, "a protocol and its server: what the devices are is decided above"},
	{[]string{"core/trust"}, nil, "who could have changed a file is asked before anything of it is read"},
	{[]string{"core/control"}, []string{"core/event", "core/foreign", "core/trust"}, "a socket by which a dial is reached knows what it says, and no link"},
	{[]string{"core/refusal"}, []string{"core/foreign", "core/modem", "core/trust"}, "what is remembered of PINs is the dialogue's to ask; the file knows no link"},
	{[]string{"core/rights"}, nil, "what is given up is the process's, whatever it does"},
	{[]string{"core/foreign"}, []string{"core/trust"}, "how a file is opened that others may have made is the same for all who read one"},
	{[]string{"core/hooks"}, []string{"core/event", "core/trust", "core/pace"}, "scripts are started by what the stream says, as any watcher of it could"},
	{[]string{"core/survey"}, []string{"core/diagnose", "core/event", "core/recording/read", "core/recording/unwrap"}, "many recordings are read and judged as one is"},
	{[]string{"core/diagnose"}, []string{"core/at/v250", "core/call", "core/ppp/packet", "core/notation", "core/event", "core/sentence"}, "rules read the event stream only, so that a log is judged as a live call is; at/v250 has the table of result codes"},
	{[]string{"plugins/host"}, []string{"core/advice", "core/ppp", "core/ppp/packet", "core/ppp/auth", "core/event", "core/trust"},
		"knak's side of plugins is an advice.Adviser at the end of a socket: it knows no link, no protobuf, and not who serves"},
	{[]string{"plugins/join"}, []string{"core/control", "core/dialer", "core/event", "plugins/host"}, "it stands between a dial and plugins, neither of which knows the other"},
	{[]string{"core/dialer/experiment"}, []string{"core/apn", "core/dialer", "core/event", "core/foreign", "core/hooks", "core/inspect", "core/learn", "core/link", "core/link/adapt",
		"core/link/adapt/harvest", "core/link/policy", "core/link/simulate", "core/plane", "core/private", "core/recording/read", "core/sim", "quirks"}, "it dials as anybody does, and knows no driver and no port"},
	{[]string{"core/files"}, []string{"", "core/device", "core/sim", "quirks", "quirks/bundle"}, "where files are is told to whoever opens them; it knows nobody who does"},
	{[]string{"plugins/host/pin"}, []string{"core/foreign", "core/trust"}, "which file may run is settled before anything runs"},
	{[]string{"plugins/host/serve"}, []string{"core/advice", "core/event", "core/rights", "plugins/host", "plugins/host/pin", "plugins/internal/wire", "plugins/proto"},
		"what runs plugins has no engine, no link and no port: it carries questions"},
	{[]string{"cmd/knak-pluginhost"}, []string{"plugins/host/serve"}, "its main starts the server and nothing else"},
	{[]string{"plugins/examples/carrier-script", "plugins/examples/credentials-command", "plugins/examples/mqtt", "plugins/examples/python"},
		[]string{"plugins/sdk"}, "an example shows what an author outside of this module can do"},
	{[]string{"plugins/proto"}, nil, "the protocol is what both ends agree on, and knows neither"},
	{[]string{"plugins/sdk"}, []string{"plugins/proto", "plugins/proto/knak/plugin/v1", "plugins/sdk/internal/bridge", "plugins/sdk/internal/early"},
		"a plugin is not to be built anew when the engine changes, and is small"},
	{[]string{"plugins/internal/wire"}, []string{"core/advice", "core/ppp", "core/ppp/packet", "core/notation", "core/ppp/auth", "core/event", "plugins/proto", "plugins/proto/knak/plugin/v1", "core/private"},
		"it turns questions into messages, and knows neither who asks nor who runs plugins"},
	{[]string{"quirks"}, []string{""}, "profiles are data and know no engine; the root package embeds them"},
}

// never says that packages under in (but not under except) must not import these.
var never = []struct {
	in     string
	except []string
	not    []string
	reason string
}{
	{"core", nil, []string{module + "cmd"}, "core is a library; cmd reads flags, calls it, prints"},
	{"core", []string{"core/link", "core/vectors", "core/dialer", "core/firstdial"}, []string{module + "core/link"}, "link is the only package that knows all the others"},
	{"", []string{"cmd", "core/vectors"}, []string{module + "core/vectors"}, "vectors tests what all the others do together; only cmd asks for it"},
	{"core", []string{"core/link/drive", "core/dialer"}, []string{module + "core/link/drive"}, "who runs links is a program: core/link is the machine, and drive its driver"},
	{"core/link", []string{"core/link/policy", "core/link/adapt", "core/link/linktest"}, []string{module + "quirks"}, "the machine asks a Policy; that profiles answer is chosen above"},
	{"core/link", []string{"core/link/simulate", "core/link/drive", "core/link/linktest", "core/link/adapt/harvest"}, []string{module + "core/sim"}, "the machine knows no simulator: that is one of its worlds; harvest tries the scenarios that it draws"},
	{"core/link", []string{"core/link/drive"}, []string{module + "core/port", module + "core/plane/tun", module + "core/plane/stack", module + "core/plane/host"}, "the machine knows no port; what drives it does"},
	{"core", nil, []string{"github.com/spf13/cobra", "github.com/spf13/viper"}, "flags, environment and configuration files end in cmd"},
	{"quirks", nil, []string{"github.com/spf13/cobra", "github.com/spf13/viper"}, "viper lower-cases keys; profiles are decoded strictly"},
	{"core", []string{"core/plane"}, []string{"github.com/vishvananda/netlink"}, "only a plane changes the host's network, so that all of it can be undone in one place"},
	{"", []string{"core/inhibit"}, []string{"github.com/godbus/dbus"}, "who speaks to D-Bus stands in one place"},
	{"core", []string{"core/port"}, []string{"go.bug.st/serial"}, "only port opens ttys: locks and the port's settings are given back in one place"},
	{"", []string{"plugins/host/serve", "plugins/sdk", "plugins/proto", "plugins/examples", "plugins/internal"},
		[]string{"google.golang.org/grpc", "google.golang.org/protobuf", "github.com/hashicorp/go-plugin"},
		"what speaks gRPC is linked into knak-pluginhost and plugins only: knak starts and idles as if there were none"},
	{"core", nil, []string{module + "plugins"}, "the link asks an advice.Adviser; that plugins answer is chosen above"},
	{"cmd/knak", nil, []string{module + "plugins/host/serve", module + "plugins/internal", module + "plugins/sdk", module + "plugins/proto"},
		"knak speaks to knak-pluginhost over a socket and links nothing of what that links"},
	{"", nil, []string{module + "core/link/linktest", module + "core/plane/nstest", module + "core/device/devicetest"}, "what takes a testing.TB is for tests"},
	{"", []string{"plugins/host/serve"}, []string{"github.com/santhosh-tekuri/jsonschema"}, "schemas of plugins are read where plugins are started"},
	{"", []string{"cmd/knak"}, []string{module + "cmd/knak/man"}, "the pages of man are written by the build"},
	{"", []string{"plugins/examples"}, []string{"go.starlark.net", "github.com/eclipse/paho.golang"}, "what an example needs is paid for by that example"},
	{"", []string{"core/recording/unwrap"}, []string{"github.com/klauspost/compress"}, "what is packed is unpacked in one place"},
	{"", []string{"core/recording/read"}, []string{"github.com/fsnotify/fsnotify"}, "a file that grows is the input's matter"},
	{"core/modem", nil, []string{module + "core/ppp/auth", module + "core/hdlc", module + "core/plane"}, "the modem's side ends at CONNECT"},
}

// machines take the time and bytes (or records, or an io.Reader) as arguments: no files, no goroutine, no clock.
var machines = []string{
	"core/ppp/packet", "core/hdlc", "core/cmux", "core/ppp", "core/ppp/auth", "core/at", "core/modem", "core/prove", "core/advice",
	"core/event", "core/show/progress", "core/recording/wire", "core/notation", "core/recording/source", "core/recording/format", "core/recording/capture", "core/call/lint", "core/call",
	"core/diagnose", "core/compare", "core/mimic", "core/learn", "core/show/report", "core/link", "core/link/simulate",
}

type file struct {
	name    string
	dir     string // inside the module, with slashes
	imports []string
	syntax  *ast.File
}

// files parses every Go file of the project that is not a test.
func files(t *testing.T) []file {
	t.Helper()
	var all []file
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		syntax, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		f := file{name: rel, dir: path.Dir(filepath.ToSlash(rel)), syntax: syntax}
		for _, i := range syntax.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found: the test looks in the wrong place", len(all))
	}
	return all
}

func under(p, root string) bool { return root == "" || p == root || strings.HasPrefix(p, root+"/") }

func TestImportDirections(t *testing.T) {
	for _, f := range files(t) {
		for _, i := range f.imports {
			if why := forbidden(f.dir, i); why != "" {
				t.Errorf("%s imports %s: %s", f.name, i, why)
			}
		}
	}
}

// forbidden gives the reason why a package in dir may not import imp, or "".
func forbidden(dir, imp string) string {
	inside := strings.TrimPrefix(imp, module)
	own := inside != imp || imp == strings.TrimSuffix(module, "/")
	if imp == strings.TrimSuffix(module, "/") {
		inside = ""
	}
	for _, r := range only {
		if own && slices.Contains(r.packages, dir) && !slices.Contains(r.may, inside) {
			return r.reason
		}
	}
	for _, r := range never {
		if !under(dir, r.in) || slices.ContainsFunc(r.except, func(e string) bool { return under(dir, e) }) {
			continue
		}
		if slices.ContainsFunc(r.not, func(n string) bool { return under(imp, n) }) {
			return r.reason
		}
	}
	return ""
}

// shared are the packages below cmd/knak that all commands use. Every other one is a command, called as the user calls it.
var shared = []string{"build", "complete", "connection", "exit", "output", "recordings", "settings", "terminal"}

// A command knows what all share and no other command: what two of them do stands below both.
func TestCommandsKnowNoOtherCommand(t *testing.T) {
	const commands = "cmd/knak/"
	seen := 0
	for _, f := range files(t) {
		own, ok := strings.CutPrefix(f.dir, commands)
		if !ok {
			continue
		}
		seen++
		for _, i := range f.imports {
			other, ok := strings.CutPrefix(i, module+commands)
			if ok && other != own && !slices.Contains(shared, other) {
				t.Errorf("%s imports %s, which is another command", f.name, i)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d files of commands were found", seen)
	}
}

// The rules themselves: each must forbid something and allow its neighbour.
func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		dir, imp string
		bad      bool
	}{
		{"core/ppp/packet", module + "core/event", true}, {"core/ppp/packet", "net/netip", false},
		{"core/event", module + "core/ppp", true}, {"core/event", module + "core/ppp/packet", false},
		{"core/diagnose", module + "core/ppp", true}, {"core/diagnose", module + "core/event", false},
		{"quirks", module + "core/event", true}, {"quirks", "github.com/knakppp/knak", false},
		{"core/plane/tun", module + "core/link", true}, {"cmd/knak", module + "core/link", false}, {"core/link/x", module + "core/link", false},
		{"core/link", "github.com/spf13/viper", true}, {"cmd/knak", "github.com/spf13/viper", false},
		{"core/link", "github.com/vishvananda/netlink", true}, {"core/plane/host", "github.com/vishvananda/netlink", false},
		{"core/link", module + "core/vectors", true}, {"quirks", module + "core/vectors", true}, {"cmd/knak", module + "core/vectors", false},
		{"core/vectors", module + "core/link", false},
		{"core/modem", "go.bug.st/serial", true}, {"core/port", "go.bug.st/serial", false},
		{"core/link", module + "plugins/host", true}, {"core/link", module + "core/advice", false},
		{"cmd/knak", module + "plugins/host/serve", true}, {"cmd/knak", module + "plugins/host", false}, {"cmd/knak-pluginhost", module + "plugins/host/serve", false},
		{"plugins/host", "google.golang.org/grpc", true}, {"plugins/host/serve", "google.golang.org/grpc", false},
		{"plugins/host", module + "plugins/internal/wire", true}, {"plugins/sdk", module + "core/ppp", true}, {"plugins/examples/mqtt", module + "core/event", true},
		{"core/recording/capture", module + "core/recording/read", true}, {"core/recording/read", module + "core/recording/capture", false},
		{"core/share", module + "core/recording/read", true}, {"core/share", module + "core/show/report", false},
		{"core/link", module + "core/port", true}, {"core/link/drive", module + "core/port", false}, {"core/vectors", module + "core/link/drive", true}, {"cmd/knak", module + "core/link/drive", false},
		{"core/modem", module + "core/hdlc", true}, {"core/modem", module + "core/at", false},
	} {
		if got := forbidden(tt.dir, tt.imp); (got != "") != tt.bad {
			t.Errorf("%s importing %s: %q", tt.dir, tt.imp, got)
		}
	}
}

// A machine opens nothing, starts nothing and never asks what time it is, so that a call with all its time-outs replays
// in microseconds.
func TestMachinesArePure(t *testing.T) {
	for _, f := range files(t) {
		if !slices.Contains(machines, f.dir) {
			continue
		}
		for _, i := range f.imports {
			if slices.Contains([]string{"os", "net", "syscall", "golang.org/x/sys/unix", "os/exec", "net/http"}, i) {
				t.Errorf("%s imports %s, but %s is a machine", f.name, i, f.dir)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine, but %s is a machine", f.name, f.dir)
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && x.Name == "time" && slices.Contains([]string{"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until"}, n.Sel.Name) {
					t.Errorf("%s uses time.%s, but %s is a machine", f.name, n.Sel.Name, f.dir)
				}
			}
			return true
		})
	}
}

// startsPrograms are the packages that start programs, with what a dial must be told for them to do so.
var startsPrograms = map[string]string{
	"core/hooks":          "--hooks, and a plane with an interface",
	"core/plane/resolv":   "--dns, and a plane with an interface",
	"plugins/host":        "plugins in the configuration",
	"plugins/host/serve":  "a program of its own",
	"core/apn":            "a tool of the build",
	"core/plane/nstest":   "for tests",
	"core/show/web/build": "a tool of the build",
	"cmd/knak/up":         "knak up, which is no dial itself",
	"cmd/knak/help":       "a pager for a page, and no dial",
}

// A dial that starts no program is refused by the kernel to start one (core/rights): whoever comes to start some must be
// known to Options.StartsPrograms of core/dialer.
func TestWhoStartsPrograms(t *testing.T) {
	for _, f := range files(t) {
		if slices.Contains(f.imports, "os/exec") && startsPrograms[f.dir] == "" && !under(f.dir, "test") && !under(f.dir, "plugins/examples") && !under(f.dir, "plugins/sdk") {
			t.Errorf("%s starts programs: say to StartsPrograms in core/dialer when it does, and to startsPrograms here", f.name)
		}
	}
}

// openers are the functions that open a file by its name.
var openers = map[string][]string{
	"os":      {"ReadFile", "Open", "OpenFile", "Create", "WriteFile", "OpenInRoot"},
	"unix":    {"Open", "Openat", "Openat2"},
	"syscall": {"Open", "Openat"},
	"ioutil":  {"ReadFile", "WriteFile"},
}

// kernels are the beginnings of what only the kernel makes.
var kernels = []string{"/proc", "/sys/", "/dev/"}

// opensItself are the functions (or packages) of what may run as root that open files without package foreign, each with
// the reason.
var opensItself = map[string]string{
	"cmd/knak/settings/write.go WriteSecret":    "made anew or not at all (O_EXCL)",
	"core/apn/generate.go main":                 "a tool of the build",
	"cmd/knak/man/man.go Write":                 "a tool of the build",
	"core/show/web/build/main.go build":         "a tool of the build",
	"core/device/devicetest/machine.go File":    "for tests",
	"core/golden":                               "for tests",
	"core/device/eject_linux.go Eject":          "a device node that sysfs has named; opened without waiting",
	"core/device/save.go Save":                  "made anew (O_EXCL), where a person said",
	"core/device/save.go unpack":                "a person named it, for looking at it",
	"core/recording/record/recorder.go Create":  "made anew (O_EXCL), where a person said",
	"core/plane/host":                           "below /proc/sys",
	"core/plane/resolv/disk.go Create":          "made anew (O_EXCL), in /etc or a directory of our own",
	"core/plane/resolv/disk.go Open":            "for writing into a mounted resolv.conf: neither following nor waiting",
	"core/plane/tun/tun.go Open":                "/dev/net/tun",
	"core/port/lock.go ":                        "a file without a name (O_TMPFILE)",
	"core/port/pty.go OpenPTY":                  "/dev/ptmx and what it gives",
	"core/port/port.go Open":                    "the tty: without waiting, and with an end to the opening (OpenWithin)",
	"cmd/knak/decode/decode.go follow":          "a person named it, for reading; ^C ends it",
	"cmd/knak/quirks/bundle.go pack":            "written where a person said",
	"cmd/knak/output/output.go create":          "made anew (O_EXCL), where a person said",
	"cmd/knak/recordings/recordings.go Open":    "a person named it, for reading; it may be a pipe, and ^C ends it",
	"core/survey/survey.go file":                "a person named it, or it is a file in a directory that was named; ^C ends it",
	"plugins/host/pin/find.go Install":          "a person named it; its size and kind are looked at",
	"plugins/host/mark_linux.go marked":         "below /proc",
	"plugins/host/tree_linux.go parents":        "below /proc",
	"plugins/host/program_linux.go makeRuntime": "in a directory that was just made for this process alone",
	"plugins/host/program_linux.go sweep":       "in a directory of this user alone, which is looked at first",
	"cmd/knak/up/up.go story":                   "on Windows, in a directory of this user's own",
	"quirks/bundle/store.go Unpack":             "made anew (O_EXCL), in a directory that was just made",
}

// What runs as root must not be held up, filled or led elsewhere by a file that somebody else has made: such files are
// opened by package foreign.
func TestForeignFilesAreOpenedInOnePlace(t *testing.T) {
	used := map[string]bool{}
	for _, f := range files(t) {
		if !under(f.dir, "core") && !under(f.dir, "cmd") && !under(f.dir, "quirks") && !under(f.dir, "plugins/host") || f.dir == "core/foreign" {
			continue
		}
		for _, d := range f.syntax.Decls {
			name := "" // of a variable
			if fn, ok := d.(*ast.FuncDecl); ok {
				name = fn.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !opens(call) || len(call.Args) > 0 && fromKernel(call.Args[0]) {
					return true
				}
				key := filepath.ToSlash(f.name) + " " + name
				if opensItself[f.dir] != "" {
					key = f.dir
				}
				used[key] = true
				if opensItself[key] == "" {
					t.Errorf("%s opens a file by itself: use core/foreign, or say in opensItself why it need not", key)
				}
				return true
			})
		}
	}
	for key := range opensItself {
		if !used[key] {
			t.Errorf("opensItself: %s opens nothing", key)
		}
	}
}

func opens(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && slices.Contains(openers[x.Name], s.Sel.Name)
}

// fromKernel says whether a path begins with what only the kernel makes.
func fromKernel(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return slices.ContainsFunc(kernels, func(k string) bool { return strings.HasPrefix(e.Value, `"`+k) })
	case *ast.BinaryExpr:
		return fromKernel(e.X)
	case *ast.CallExpr:
		return len(e.Args) > 0 && fromKernel(e.Args[0]) // filepath.Join
	}
	return false
}

// The finder itself: it must find, and know the kernel's files.
func TestOpens(t *testing.T) {
	for code, want := range map[string]bool{
		`os.ReadFile(name)`: true, `os.Open("/etc/x")`: true, `unix.Open(p, 0, 0)`: true, `os.ReadFile("/etc" + "/proc/x")`: true,
		`os.ReadFile("/proc/self/x")`: false, `os.ReadFile("/proc/" + n + "/stat")`: false, `os.ReadFile(filepath.Join("/proc", n))`: false,
		`os.Remove(name)`: false, `foreign.Open(name, r)`: false,
	} {
		e, err := parser.ParseExpr(code)
		if err != nil {
			t.Fatal(err)
		}
		call := e.(*ast.CallExpr)
		if got := opens(call) && !fromKernel(call.Args[0]); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}
