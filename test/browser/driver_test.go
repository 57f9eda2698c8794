// Package browser opens what knak draws in a real Chromium.
package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// artifacts is where screenshots are kept; git ignores it.
const artifacts = "../../artifacts"

// browser is a session of Chromium, driven as the W3C's WebDriver says.
type browser struct {
	t    *testing.T
	base string
}

// element is WebDriver's name for the reference of an element (section 12.2).
const element = "element-6066-11e4-a52e-4f735466cecf"

// open starts Chromium without a head and without a way to the network beyond this machine.
func open(t *testing.T, width, height int) *browser {
	t.Helper()
	program, err := exec.LookPath("chromedriver")
	chromium, err2 := exec.LookPath("chromium")
	if err != nil || err2 != nil {
		t.Skip("SKIPPED: the page in a browser: chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd := exec.Command(program, fmt.Sprintf("--port=%d", port), "--silent")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // Chromium is in the group
		_ = cmd.Wait()
	})
	b := &browser{t: t, base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	until(t, "chromedriver", func() bool {
		resp, err := http.Get(b.base + "/status")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	data := t.TempDir()
	var session struct {
		SessionID string `json:"sessionId"`
	}
	b.call("POST", "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"goog:loggingPrefs": map[string]string{"browser": "ALL"},
		"goog:chromeOptions": map[string]any{"binary": chromium, "args": []string{
			"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + data,
			fmt.Sprintf("--window-size=%d,%d", width, height),
		}},
	}}}, &session)
	b.base += "/session/" + session.SessionID
	t.Cleanup(func() { b.call("DELETE", "", nil, nil) })
	return b
}

// until waits for something that another process does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	limit := time.Now().Add(3 * time.Minute) // a busy machine reads slowly; what has gone wrong does not come at all
	for !done() {
		if time.Now().After(limit) {
			t.Fatalf("%s does not come", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// call makes one WebDriver call and decodes its value.
func (b *browser) call(method, path string, body, value any) {
	b.t.Helper()
	var content io.Reader // a GET or DELETE has none
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, b.base+path, content)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %.600s", method, path, out.Value)
	}
	if value != nil {
		if err := json.Unmarshal(out.Value, value); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *browser) visit(path string) {
	b.t.Helper()
	b.visitURL("file://" + path)
}

func (b *browser) visitURL(url string) {
	b.t.Helper()
	b.call("POST", "/url", map[string]string{"url": url}, nil)
	until(b.t, "the page", func() bool { return b.text(`return document.documentElement.dataset.ready || ""`) == "yes" })
}

// text runs a script and gives the text that it returns.
func (b *browser) text(script string) string {
	b.t.Helper()
	var s any
	b.call("POST", "/execute/sync", map[string]any{"script": script, "args": []any{}}, &s)
	return fmt.Sprint(s)
}

func (b *browser) find(selector string) string {
	b.t.Helper()
	var e map[string]string
	b.call("POST", "/element", map[string]string{"using": "css selector", "value": selector}, &e)
	return e[element]
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.find(selector)+"/click", map[string]any{}, nil)
}

func (b *browser) write(selector, text string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.find(selector)+"/value", map[string]string{"text": text}, nil)
}

// press presses keys, as WebDriver names them (section 17.4.2).
func (b *browser) press(keys ...string) {
	b.t.Helper()
	var actions []any
	for _, k := range keys {
		actions = append(actions, map[string]string{"type": "keyDown", "value": k}, map[string]string{"type": "keyUp", "value": k})
	}
	b.call("POST", "/actions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keys", "actions": actions}}}, nil)
}

// errors gives what the browser complained about.
func (b *browser) errors() []string {
	b.t.Helper()
	var log []struct{ Level, Message string }
	b.call("POST", "/se/log", map[string]string{"type": "browser"}, &log)
	var list []string
	for _, l := range log {
		list = append(list, l.Level+" "+l.Message)
	}
	return list
}

// devtools gives a command of the DevTools protocol, for what WebDriver has no word.
func (b *browser) devtools(command string, params map[string]any) {
	b.t.Helper()
	b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
}

// screenshot keeps a picture of the window for people to look at.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	var text string
	b.call("GET", "/screenshot", nil, &text)
	png, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		if err = os.MkdirAll(artifacts, 0o755); err == nil {
			err = os.WriteFile(filepath.Join(artifacts, name), png, 0o644)
		}
	}
	if err != nil || len(png) < 1000 {
		b.t.Errorf("screenshot %s: %d octets, %v", name, len(png), err)
	}
}
