// Package vm sees virtual sticks on Debian's stock kernel: knak serves them by USB/IP, vhci_hcd attaches them, and the kernel's
// own drivers (option, sierra, qcserial, cdc_acm, usb-storage) make the ttys that knak has to choose from.
package vm

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed inside
var inside string

//go:embed beside
var beside string

// layout is a stick, and what sits on each interface: data carries PPP, at takes commands only, net is no tty.
type layout struct {
	name, id, maker, driver, ports string
	class                          string // of each tty; "": ff/ff/ff
}

// Which interface of an id carries PPP is as in quirks/testdata/layouts.tsv; what sits on the others, and their classes, are in part
// chosen so that the kernel's driver takes them. The last two ids are nobody's: the option driver is told of them.
var layouts = []layout{
	{"huawei-e398", "12d1:1506", "Huawei", "option", "0=data 1=silent 2=at", "ff/02/01"},
	{"huawei-e173", "12d1:1c05", "Huawei", "option", "0=data 1=silent 2=at", "ff/ff/ff"},
	{"zte-mf110", "19d2:0031", "ZTE", "option", "0=diag 1=at 3=data", ""},
	{"zte-mf100", "19d2:0016", "ZTE", "option", "0=diag 1=at 2=data", ""},
	{"alcatel-x200", "1bbb:0000", "Alcatel", "option", "0=at 1=at 2=at 3=data", ""},
	{"telit-le910", "1bc7:1201", "Telit", "option", "0=diag 2=net 3=nmea 4=data 5=at", ""},
	{"simcom-7600", "1e0e:9001", "SimTech", "option", "0=diag 1=nmea 2=at 3=data 4=silent", ""},
	{"quectel-ec25", "2c7c:0125", "Quectel", "option", "0=diag 1=nmea 2=at 3=data 4=net", "ff/00/00"},
	{"quectel-bg96", "2c7c:0296", "Quectel", "option", "0=diag 1=nmea 2=at 3=data", ""},
	{"quectel-ep06", "2c7c:0306", "Quectel", "option", "0=diag 1=nmea 2=data 3=at 4=net", "ff/00/00"},
	{"longcheer-9605", "1c9e:9605", "Longcheer", "option", "0=at 1=at 2=at 3=data", ""},
	{"sierra-6813", "1199:6813", "Sierra", "sierra", "0=at 1=silent 2=data", ""},
	{"sierra-6820", "1199:6820", "Sierra", "sierra", "0=at 1=silent 2=data", ""},
	{"sierra-mc7455", "1199:9071", "Sierra", "qcserial", "0=diag 2=nmea 3=data 8=net", ""},
	{"hp-un2400", "03f0:1f1d", "HP", "qcserial", "0=net 1=net 2=data 3=net", ""},
	{"gobi-2000", "05c6:9225", "Qualcomm", "qcserial", "0=net 1=diag 2=data 3=nmea", ""},
	{"ublox-1102", "1546:1102", "u-blox", "cdc_acm", "0=data 2=at", "02/02/01"},
	{"telit-acm", "1bc7:0021", "Telit", "cdc_acm", "0=data 6=at", "02/02/01"},
	{"unknown-nmea", "1d6e:7a01", "Nobody", "new", "0=dm 1=nmea 2=data", ""},
	{"unknown-dead-first", "1d6e:7a02", "Nobody", "new", "0=silent 1=diag 2=data 3=nmea", ""},
}

// scenario writes the description of a stick.
func scenario(t *testing.T, dir string, l layout, extra string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "schema = 1\nsummary = \"a stick for the stock kernel\"\n[identity]\nmanufacturer = %q\nmodel = %q\nusb = %q\n[usb]\nmanufacturer = %q\nproduct = %q\n",
		l.maker, l.name, l.id, l.maker, l.name)
	if strings.HasPrefix(extra, "unplug") {
		fmt.Fprintln(&b, extra)
	}
	for _, word := range strings.Fields(l.ports) {
		number, role, _ := strings.Cut(word, "=")
		class := l.class
		switch role {
		case "data":
			role = "ppp"
		case "diag", "dm":
			class = "ff/ff/ff"
		case "net":
			role, class = "network", "ff/ff/ff"
		}
		if class == "" {
			class = "ff/ff/ff"
		}
		fmt.Fprintf(&b, "[[usb.interface]]\nnumber = %s\nrole = %q\nclass = %q\n", number, role, class)
	}
	if strings.HasPrefix(extra, "[") {
		fmt.Fprintln(&b, extra)
	}
	path := filepath.Join(dir, l.name+".sim.toml")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// dataInterface is the number of the interface that carries PPP.
func (l layout) dataInterface() string {
	for _, word := range strings.Fields(l.ports) {
		if number, role, _ := strings.Cut(word, "="); role == "data" {
			return fmt.Sprintf("%02s", number)
		}
	}
	return ""
}

// found is what the guest says about one stick.
type found struct {
	tty    map[string]string // "interface driver" by tty, as sysfs has it
	data   []string          // data_port of each device of knak devices --json
	status string            // of knak dial
	word   map[string]string // further facts, by name
	text   string
}

func read(out []byte) map[string]*found {
	all := map[string]*found{}
	var f *found
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		if len(words) == 2 && words[0] == "@begin" {
			f = &found{tty: map[string]string{}, word: map[string]string{}}
			all[words[1]] = f
			continue
		}
		if f == nil {
			continue
		}
		f.text += line + "\n"
		switch {
		case len(words) == 4 && words[0] == "@tty":
			f.tty[words[1]] = words[2] + " " + words[3]
		case len(words) == 2 && words[0] == "@dial":
			f.status = words[1]
		case len(words) == 3 && words[0] == "@word":
			f.word[words[1]] = words[2]
		case strings.HasPrefix(line, "{"):
			var d struct {
				DataPort *string `json:"data_port"`
			}
			if json.Unmarshal([]byte(line), &d) == nil && d.DataPort != nil {
				f.data = append(f.data, *d.DataPort)
			}
		}
	}
	return all
}

// place gives a directory that the guest sees too, with knak built into it.
func place(t *testing.T, programs ...string) string {
	t.Helper()
	if os.Getenv("KNAK_VM") != "1" {
		t.Skip("SKIPPED: virtual sticks on a stock kernel: make vm")
	}
	for _, program := range append(programs, "qemu-system-x86_64", "busybox", "cpio", "modprobe", "usbip") {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: apt-get install -y --no-install-recommends qemu-system-x86 busybox-static cpio kmod usbip modemmanager udev dbus", err)
		}
	}
	dir, err := os.MkdirTemp("/var/tmp", "knak-vm") // on the file tree that the guest sees, which /tmp may not be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	build := exec.Command("go", "build", "-o", dir, "../../cmd/knak")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// boot runs a script in the guest and gives the facts that it prints.
func boot(t *testing.T, dir string, files map[string]string, args ...string) map[string]*found {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	console, err := os.Create(filepath.Join(os.TempDir(), "knak-vm-"+t.Name()+".log")) // to be watched
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	var out, said bytes.Buffer
	boot := exec.Command("./boot", append([]string{dir}, args...)...)
	boot.Stdout, boot.Stderr = io.MultiWriter(&out, console), &said
	err = boot.Run()
	if err != nil || !bytes.Contains(out.Bytes(), []byte("END")) {
		t.Errorf("the guest: %v\n%s\n(its console: %s)", err, said.String(), console.Name())
	}
	return read(out.Bytes())
}

// judge compares the facts of one part with what is wanted.
func (f *found) judge(t *testing.T, want map[string]string) {
	t.Helper()
	if f == nil {
		t.Fatal("not reached")
	}
	for k, v := range want {
		if f.word[k] != v {
			t.Errorf("%s: %q, want %q", k, f.word[k], v)
		}
	}
	if t.Failed() {
		t.Log(f.text)
	}
}

func TestSticks(t *testing.T) {
	dir := place(t)
	var sticks strings.Builder
	for _, l := range layouts {
		extra := ""
		if l.id == "19d2:0031" { // its profile cannot do without this command
			extra = "[[at.reply]]\ncommand = \"AT+ZOPRT=5\""
		}
		scenario(t, dir, l, extra)
		fmt.Fprintln(&sticks, l.name, l.driver, strings.Replace(l.id, ":", " ", 1), len(strings.Fields(l.ports))-strings.Count(l.ports, "=net"))
	}
	e398 := layouts[0]
	for name, extra := range map[string]string{"replug": `unplug = "15s"`, "twin-a": "", "twin-b": "", "storage": "[usb.storage]\nid = \"12d1:380b\"\nproduct = \"a disc\""} {
		l := e398
		l.name = name
		scenario(t, dir, l, extra)
	}
	all := boot(t, dir, map[string]string{"inside": inside, "sticks": sticks.String()}, "600")
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			f := all[l.name]
			if f == nil {
				t.Fatal("not reached")
			}
			driver := l.driver
			if driver == "new" {
				driver = "option"
			}
			want := l.dataInterface() + " " + driver
			if len(f.data) != 1 || f.tty[f.data[0]] != want {
				t.Errorf("data ports %q of %v, want the one of %q", f.data, f.tty, want)
			}
			if f.status != "0" || f.word["up"] == "" || f.tty[f.word["up"]] != want {
				t.Errorf("dial ended with %q, up on %q, want the tty of %q\n%s", f.status, f.word["up"], want, f.text)
			}
			t.Logf("%s: %q, %s s", want, f.data, f.word["seconds"])
		})
	}
	for _, c := range []struct {
		name string
		want map[string]string
	}{
		{"storage", map[string]string{"before": "0", "switched": "0", "after": "3", "dialled": "0"}},
		{"twins", map[string]string{"first": "0", "second": "0", "differ": "yes"}},
		{"replug", map[string]string{"ups": "2", "renamed": "yes"}},
	} {
		t.Run(c.name, func(t *testing.T) { all[c.name].judge(t, c.want) })
	}
}

// Beside ModemManager, which opens what it sees: who has the port is said, --inhibit keeps it away and gives the modem back, what udev calls
// by id is dialled on, and the rule of docs/cli.md works.
func TestModemManager(t *testing.T) {
	dir := place(t, "ModemManager", "mmcli", "udevadm", "dbus-daemon")
	for name, id := range map[string]string{"alone": "1d6e:7a03", "ignored": "1d6e:7a04"} {
		// With these two replies ModemManager takes it for a GSM modem (3GPP TS 27.007 has neither; ITU-T V.250 section 6.1.9 has +GCAP).
		scenario(t, dir, layout{name, id, "Nobody", "option", "0=data", ""}, "[[at.reply]]\ncommand = \"AT+GCAP\"\nlines = [\"+GCAP: +CGSM\"]")
	}
	all := boot(t, dir, map[string]string{"inside": beside}, "600", "systemd")
	t.Run("race", func(t *testing.T) {
		all["race"].judge(t, map[string]string{"up": "yes", "told": "yes", "ended": "13"})
	})
	t.Run("beside", func(t *testing.T) {
		all["beside"].judge(t, map[string]string{"managed": "yes", "held": "yes", "refused": "6", "told": "yes", "cure": "yes",
			"up": "yes", "away": "yes", "ended": "13", "again": "yes", "by-id": "0"})
	})
	t.Run("ignored", func(t *testing.T) {
		all["ignored"].judge(t, map[string]string{"dialled": "0", "ignored": "yes"})
	})
}
