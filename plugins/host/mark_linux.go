package host

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// mark tells the processes of one Host from all others, even when the second program was killed. A process can leave its group,
// its session and its parent, and empty its environment. But it inherits the hard limits of setrlimit(2), and only root can raise
// one again. The mark is a number that no other Host has, set as the hard limit of RLIMIT_RTTIME: the microseconds that a process
// under a real-time policy may run without a pause. It stands for 36,000 years and more, so it limits nothing.
type mark uint64

// leastMark is the smallest mark: no ordinary limit is that large.
const leastMark = mark(1 << 60)

// newMark gives a mark by chance.
func newMark() mark {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return leastMark | mark(binary.NativeEndian.Uint64(b[:])>>4)
}

// put marks a process; what it starts from now on has the mark, too.
func (m mark) put(pid int) error {
	var old unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_RTTIME, nil, &old)
	if err == nil {
		err = unix.Prlimit(pid, unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: min(old.Cur, uint64(m)), Max: uint64(m)}, nil)
	}
	if err != nil {
		return fmt.Errorf("to mark process %d: %w", pid, err)
	}
	return nil
}

// kill kills all processes that have the mark. What is killed may leave children that were made meanwhile, so it looks again.
func (m mark) kill() {
	for end := time.Now().Add(sweepLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		killed := false
		for _, p := range m.processes() {
			killed = p.Kill() == nil || killed
			_ = p.Release()
		}
		if !killed {
			return
		}
	}
}

// sweepLimit is how long to look for marked processes.
const sweepLimit = time.Second

// processes gives those that have the mark and live.
func (m mark) processes() (list []*os.Process) {
	sign := strconv.AppendUint(nil, uint64(m), 10)
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || !marked(dir, sign) {
			continue
		}
		p, err := os.FindProcess(pid) // which holds on to this one, where the kernel has pidfd_open(2)
		if err != nil {
			continue
		}
		if marked(dir, sign) { // the number was not given to another meanwhile
			list = append(list, p)
		} else {
			_ = p.Release()
		}
	}
	return list
}

// marked says whether a process of /proc lives and has the number as a limit. One that has ended and was not waited for has
// limits still: it is left out.
func marked(dir string, sign []byte) bool {
	limits, err := os.ReadFile(filepath.Join(dir, "limits"))
	if err != nil || !slices.ContainsFunc(bytes.Fields(limits), func(word []byte) bool { return bytes.Equal(word, sign) }) {
		return false
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	_, state, _ := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	return err == nil && !bytes.HasPrefix(state, []byte("Z")) && !bytes.HasPrefix(state, []byte("X"))
}
