package host

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A second program that hangs is killed with all that it has started, whatever session that is in.
func TestTreeIsKilled(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("SKIPPED: no setsid: apt-get install util-linux")
	}
	cmd := exec.Command("/bin/sh", "-c", `setsid sh -c 'echo $$; exec sleep 100' & wait`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	killTree(cmd.Process)
	if err := cmd.Wait(); err == nil {
		t.Error("the root ended by itself")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(line) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it lives: %s", state)
		}
	}
}
