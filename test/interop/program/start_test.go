//go:build linux

package program

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStartMakesNoTables: what packages make before main is paid by every start. Ours make next to nothing, for their tables lie in the
// program or are made when somebody looks at them; all together, with those of the libraries, make at most 320 kB.
func TestStartMakesNoTables(t *testing.T) {
	cmd := exec.Command(Path(), "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, (\d+) allocs$`)
	sum, packages := 0, 0
	for _, m := range line.FindAllStringSubmatch(trace.String(), -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
		if strings.HasPrefix(m[1], "github.com/knakppp/knak") {
			packages++
			if n > 5000 {
				t.Errorf("%s makes %d octets in %s pieces before main: let a table be a switch or a list, or make it by sync.OnceValue", m[1], n, m[3])
			}
		}
	}
	t.Logf("%d octets", sum)
	if sum > 320_000 || packages < 10 {
		t.Errorf("the start makes %d octets before main, want at most 320000; %d packages of ours said what they make", sum, packages)
	}
}
